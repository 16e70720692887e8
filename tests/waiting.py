"""How does a test wait for another thread or process? For an event, and never for a time that it should have taken."""

import time
from collections.abc import Callable
from typing import Final

LIMIT_S: Final = 600.0
"""Seconds that only what hangs takes, however busy the machine is."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition()` holds; fail where it never does."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the condition did not come true")
        time.sleep(0.01)
