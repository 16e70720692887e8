"""What does a step of Adam change, for one head or for several that stand one below the other?"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flarescope.heads.head import Recipe


class Rates(NamedTuple):
    """What Adam's step multiplies by: float32 numbers of one head, or `(E, 1)` of several."""

    size: np.ndarray | np.float32
    first: np.ndarray | np.float32
    second: np.ndarray | np.float32
    epsilon: np.ndarray | np.float32

    @classmethod
    def of(cls, recipes: Sequence[Recipe], steps: Sequence[int]) -> list["Rates"]:
        """Give those of each head before it takes its step of this number."""
        return [
            _rates(one.learning_rate, one.beta_1, one.beta_2, one.epsilon, step)
            for one, step in zip(recipes, steps, strict=True)
        ]

    @classmethod
    def together(cls, rates: Sequence["Rates"]) -> "Rates":
        """Put those of several heads one below the other."""
        return cls(*(np.array(values, np.float32)[:, np.newaxis] for values in zip(*rates, strict=True)))


@functools.lru_cache(maxsize=256)  # heads of several events share theirs
def _rates(learning_rate: float, beta_1: float, beta_2: float, epsilon: float, step: int) -> Rates:
    return Rates(
        np.float32(learning_rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)),
        np.float32(1 - beta_1),
        np.float32(1 - beta_2),
        np.float32(epsilon),
    )


def adam_change(first: np.ndarray, second: np.ndarray, gradient: np.ndarray, rates: Rates, change: np.ndarray) -> None:
    """Fill in what Adam's step takes off the parameters, and take the moments further, of one head or `(E, P)`."""
    np.subtract(gradient, first, out=change)
    change *= rates.first
    first += change
    np.square(gradient, out=change)
    change -= second
    change *= rates.second
    second += change
    np.sqrt(second, out=change)
    change += rates.epsilon
    np.divide(first, change, out=change)
    change *= rates.size
