"""Can a number be the seed of a draw, by NumPy, scikit-learn and PyTorch alike?"""

from typing import Final

from flarescope.errors import InputError

LARGEST_SEED: Final = 2**32 - 1
"""Of scikit-learn's `random_state`; the others take more."""


def check_seed(seed: int) -> None:
    """Refuse a seed that some library would not take.

    Raises:
        InputError: below 0, or above `LARGEST_SEED`.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"seed {seed}; expected a whole number from 0 to {LARGEST_SEED:,}")
