"""What does a regularised logistic regression on a region's numbers forecast, one for each event of the grid?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.log_odds import sigmoid
from flarescope.regions.description import Description
from flarescope.regions.grid import SHAPE

RIDGE: Final = 0.003
"""scikit-learn's C, the inverse of the penalty on squared coefficients, on standardised numbers; .001 and .01 are no
better by cross-validation on 1996 to 2015."""
LIMIT: Final = 5.0
"""Numbers are taken as no further than so many scales from their mean."""
LEANS_ON: Final = {3: 2, 4: 2, 5: 3}
"""Place of a rare class in `grid.THRESHOLDS_W_M2` -> that of the frequent one whose weights its own are drawn towards:
M1.0 and M5.0 towards C5.0, X1.0 towards M1.0."""
LEANING: Final = 0.0005
"""As `RIDGE`, of a rare class: the inverse of the penalty on squared differences from the frequent one's weights."""
STEPS: Final = 50
CLOSE: Final = 1e-6
"""The fit ends with a step in which no weight moves further: the next would be about the square of it."""
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
        return sigmoid(self.log_odds(described))

    def to_json(self) -> dict[str, Any]:
        """Give the regressions as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("mean", "scale", "weights", "intercept")}
        return {"columns": list(self.columns), **arrays}


def standardised(numbers: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Give `(N, F)` numbers in units of their scale from their mean, within `LIMIT`; 0 where one is unknown."""
    return np.asarray(np.clip(np.nan_to_num((numbers - mean) / scale), -LIMIT, LIMIT))


def fit_logistic(
    described: Description, labels: np.ndarray, columns: Sequence[str], *, ridge: float = RIDGE
) -> Logistic:
    """Fit the regressions, one an event; the weights of rare classes are drawn towards those of frequent ones.

    Args:
        described: N rows.
        labels: `(N, T, W)` bool, whether the event came.
        columns: of `described.numbers`.
        ridge: the inverse of the penalty.
    """
    numbers = described.numbers[list(columns)].to_numpy(float)
    mean, scale = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    scale[scale == 0] = 1.0
    z = standardised(numbers, mean, scale)
    weights, intercept = np.zeros((len(columns), *SHAPE)), np.empty(SHAPE)
    for one, window in np.ndindex(SHAPE):
        happened = labels[:, one, window]
        if not 0 < happened.sum() < len(happened):  # the event never, or always, came: half a row tells otherwise
            intercept[one, window] = np.log((happened.sum() + 0.5) / ((~happened).sum() + 0.5))
            continue
        towards = weights[:, LEANS_ON[one], window] if one in LEANS_ON else np.zeros(len(columns))
        found = ridge_regression(z, happened, towards, min(ridge, LEANING) if one in LEANS_ON else ridge)
        weights[:, one, window], intercept[one, window] = found
    return Logistic(tuple(columns), mean, scale, weights.reshape(len(columns), EVENTS), intercept.reshape(EVENTS))


def ridge_regression(
    z: np.ndarray, happened: np.ndarray, towards: np.ndarray, ridge: float
) -> tuple[np.ndarray, float]:
    """Fit one logistic regression by Newton's method.

    Args:
        z: `(N, F)` standardised numbers.
        happened: `(N,)` bool, of both kinds.
        towards: `(F,)` weights from which differences are penalised.
        ridge: the inverse of the penalty on their squares.

    Returns:
        `(F,)` weights, and the intercept, which is not penalised.
    """
    with_one = np.c_[z, np.ones(len(z))]
    aim, penalty = np.append(towards, 0.0), np.append(np.full(len(towards), 1 / ridge), 0.0)

    def loss(at: np.ndarray) -> float:
        odds = with_one @ at
        return float((np.logaddexp(0, odds) - odds * happened).sum() + (penalty * (at - aim) ** 2).sum() / 2)

    at = np.append(towards, np.log(happened.mean() / (~happened).mean()))
    now = loss(at)
    for _ in range(STEPS):
        p = sigmoid(with_one @ at)
        gradient = with_one.T @ (p - happened) + penalty * (at - aim)
        rooted = with_one * np.sqrt(p * (1 - p))[:, None]
        step = np.linalg.solve(rooted.T @ rooted + np.diag(penalty), gradient)
        share = 1.0
        while (new := loss(at - share * step)) > now and share > CLOSE:  # too far: from p near 0 it overshoots
            share /= 2
        at, now = at - share * step, new
        if np.abs(share * step).max() < CLOSE:
            break
    return at[:-1], float(at[-1])
