"""Can a number be the seed of a draw?"""

from typing import Final

from flarescope.errors import InputError

LARGEST_SEED: Final = 2**64 - 1
"""Of PyTorch; NumPy takes more."""
LARGEST_OF_SKLEARN: Final = 2**32 - 1
"""Of scikit-learn's `random_state`."""


def check_seed(seed: int, at_most: int = LARGEST_SEED) -> None:
    """Refuse a seed that no draw takes.

    Raises:
        InputError: below 0, or above `at_most`.
    """
    if not 0 <= seed <= at_most:
        raise InputError(f"seed {seed}; expected a whole number from 0 to {at_most}")
