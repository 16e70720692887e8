"""Can functions be made into instructions here?"""

import functools


@functools.cache
def native_available() -> bool:
    """Say whether llvmlite is there and this process may run what it makes; a hardened system can forbid that."""
    try:
        from llvmlite import binding

        binding.check_jit_execution()
    except (ImportError, OSError, RuntimeError, AttributeError):
        return False
    return True
