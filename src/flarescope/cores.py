"""How many cores may this process use, and the processes that it starts?"""

import functools
import os
import sys
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_OWN_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def available_cores() -> int:
    """Give the number of cores that this process may use, which a container or `taskset` can make fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def own_environment() -> dict[str, str]:
    """Give the environment of a Python process beside this one: same imports, one core."""
    own = {variable: "1" for variable in _OWN_THREADS} | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return os.environ | own


def one_blas_thread() -> AbstractContextManager[object]:
    """Keep NumPy's products to one thread in a `with` block, where they are small and threads would wait for another.

    Which libraries are loaded is looked up again only after an import: that takes 3 ms, as long as a small forecast.
    """
    import threadpoolctl  # noqa: F401 - before the imports are counted

    blas: AbstractContextManager[object] = _loaded_blas(len(sys.modules)).limit(limits=1, user_api="blas")
    return blas


@functools.lru_cache(maxsize=1)
def _loaded_blas(imported: int) -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
