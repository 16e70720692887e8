"""How many cores may this process use?"""

import os


def available_cores() -> int:
    """Give the number of cores that this process may use, which a container or `taskset` can make fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
