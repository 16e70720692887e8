"""How is sunpy used so that it writes nothing, warns of nothing, and works where the home folder cannot be written?"""

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def sunpy_at_work() -> Iterator[None]:
    """Make sunpy ready to be imported, and keep it and astropy from warning.

    astropy warns that the leap seconds of years to come are not known; they do not move the Sun by a pixel. sunpy makes
    a folder for its settings when it is imported, and fails where it may not: it is given a temporary one then.
    """
    with warnings.catch_warnings(action="ignore"):
        if "sunpy" not in sys.modules:
            _import_sunpy()
        yield


def _import_sunpy() -> None:
    try:
        import sunpy
    except (OSError, RuntimeError):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SUNPY_CONFIGDIR"] = folder
            try:
                import sunpy  # noqa: F401
            finally:
                del os.environ["SUNPY_CONFIGDIR"]
