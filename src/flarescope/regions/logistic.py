"""What does a regularised logistic regression on a region's numbers forecast, one for each event of the grid?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.regions.description import Description
from flarescope.regions.grid import SHAPE, probability_of

RIDGE: Final = 0.003
"""scikit-learn's C, the inverse of the penalty on squared coefficients, on standardised numbers; .001 and .01 are no
better by cross-validation on 1996 to 2015."""
EVENTS: Final = SHAPE[0] * SHAPE[1]


@dataclass(frozen=True)
class Logistic:
    """Logistic regressions on the same standardised numbers.

    Attributes:
        columns: names of F columns of a description.
        mean: `(F,)`, also taken where a number is unknown.
        scale: `(F,)`, above 0.
        weights: `(F, E)` of the events of the grid, E = T x W, windows running fastest.
        intercept: `(E,)`.
    """

    columns: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    __repr__ = brief

    def log_odds(self, described: Description) -> np.ndarray:
        """Give the log odds of the grid, `(N, T, W)`."""
        numbers = described.numbers[list(self.columns)].to_numpy(float)
        found = standardised(numbers, self.mean, self.scale) @ self.weights + self.intercept
        return np.asarray(found.reshape(len(numbers), *SHAPE))

    def forecast(self, described: Description) -> np.ndarray:
        """Give the probabilities of the grid, `(N, T, W)`."""
        return probability_of(self.log_odds(described))

    def to_json(self) -> dict[str, Any]:
        """Give the regressions as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("mean", "scale", "weights", "intercept")}
        return {"columns": list(self.columns), **arrays}


def standardised(numbers: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Give `(N, F)` numbers in units of their scale from their mean; 0 where one is unknown."""
    return np.asarray(np.nan_to_num((numbers - mean) / scale))


def fit_logistic(
    described: Description, labels: np.ndarray, columns: Sequence[str], *, ridge: float = RIDGE
) -> Logistic:
    """Fit the regressions by scikit-learn, one an event.

    Args:
        described: N rows.
        labels: `(N, T, W)` bool, whether the event came.
        columns: of `described.numbers`.
        ridge: the inverse of the penalty.
    """
    from sklearn.linear_model import LogisticRegression

    numbers = described.numbers[list(columns)].to_numpy(float)
    mean, scale = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    scale[scale == 0] = 1.0
    z = standardised(numbers, mean, scale)
    weights, intercept = np.zeros((len(columns), EVENTS)), np.empty(EVENTS)
    for event, happened in enumerate(labels.reshape(len(labels), EVENTS).T):
        if not 0 < happened.sum() < len(happened):  # the event never, or always, came: half a row tells otherwise
            intercept[event] = np.log((happened.sum() + 0.5) / ((~happened).sum() + 0.5))
            continue
        fitted = LogisticRegression(C=ridge, solver="newton-cholesky").fit(z, happened)
        weights[:, event], intercept[event] = fitted.coef_[0], fitted.intercept_[0]
    return Logistic(tuple(columns), mean, scale, weights, intercept)
