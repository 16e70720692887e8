"""How many cores may this process use, and the processes that it starts?"""

import os
import sys
from typing import Final

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
