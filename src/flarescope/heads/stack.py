"""What do several forecasts say together, by a logistic regression on rows that none of them was trained on?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.json_values import is_number
from flarescope.log_odds import sigmoid
from flarescope.scores.loss import cross_entropy_of_log_odds

FOLDS: Final = 5
PENALTIES: Final = (0.1, 1.0, 10.0, 100.0)
"""scikit-learn's C where each region, however many images it has, weighs as one row on the mean: images of one region
are nearly copies. The one with the smallest loss of forecasts out of fold is taken; of one part alone always the
last: slope and intercept are little to learn, and a penalty would only make the part look worse than it is."""
MOST_LOG_ODDS: Final = 20.0
"""Log odds are cut there, 2 in 10^9: one certain part would outweigh all others."""


@dataclass(frozen=True)
class Stack:
    """A logistic regression on the log odds of P parts.

    Attributes:
        parts: their names.
        mean: `(P,)` of the known log odds; a missing one is taken as the mean.
        scale: `(P,)` their deviation, above 0.
        weights: `(2 P,)` of the standardised log odds, and of whether each is missing.
        intercept: of the log odds.
    """

    parts: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: float

    __repr__ = brief

    def log_odds(self, parts: np.ndarray) -> np.ndarray:
        """Give the log odds of an event, `(N,)`, from those of the parts `(N, P)`, NaN where one is missing."""
        return np.asarray(_columns(parts, self.mean, self.scale) @ self.weights + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("mean", "scale", "weights")}
        return {"parts": list(self.parts), **arrays, "intercept": self.intercept}


@dataclass(frozen=True)
class FittedStack:
    """A stack, and what it forecasts for the rows that it was fitted on, each fold by a stack of the others.

    Attributes:
        stack: fitted on all rows.
        out_of_fold: `(N,)` probabilities.
        penalty: of `PENALTIES`, that was chosen.
    """

    stack: Stack
    out_of_fold: np.ndarray
    penalty: float

    __repr__ = brief


def stack_from_json(values: Mapping[str, Any]) -> Stack:
    """Read the plain form.

    Raises:
        TypeError, ValueError, KeyError: it is none.
    """
    parts = tuple(values["parts"])
    count = len(parts)
    if not count or not all(isinstance(name, str) for name in parts):
        raise TypeError("parts are no names")
    numbers = {name: np.asarray(values[name], np.float64) for name in ("mean", "scale", "weights")}
    shapes = {"mean": (count,), "scale": (count,), "weights": (2 * count,)}
    if any(numbers[name].shape != shape or not np.isfinite(numbers[name]).all() for name, shape in shapes.items()):
        raise ValueError("numbers that do not fit the parts")
    if not (numbers["scale"] > 0).all() or not is_number(values["intercept"]) or values["intercept"] is None:
        raise ValueError("a scale of 0, or no intercept")
    return Stack(parts, **numbers, intercept=float(values["intercept"]))


def fit_stack(parts: Sequence[str], log_odds: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> FittedStack:
    """Fit a stack, and forecast each fold of regions by one of the other folds.

    Args:
        parts: P names.
        log_odds: `(N, P)` of rows that no part was trained on; NaN where a part says nothing.
        labels: `(N,)` 0/1.
        groups: `(N,)` whole numbers, the region of each row: no region is on both sides of a fold.

    Raises:
        InputError: fewer than two regions with events, or than two with rows without.
    """
    labels = np.asarray(labels, np.int64)
    fold = _folds(labels, groups)
    weight = np.full(len(labels), len(np.unique(groups)) / len(labels))
    tried = {penalty: np.empty(len(labels)) for penalty in (PENALTIES if len(parts) > 1 else PENALTIES[-1:])}
    for penalty, out in tried.items():
        for held in np.unique(fold):
            rest = fold != held
            one = _fit(parts, log_odds[rest], labels[rest], weight[rest], penalty)
            out[~rest] = one.log_odds(log_odds[~rest])
    best = min(tried, key=lambda penalty: cross_entropy_of_log_odds(labels, tried[penalty]))
    return FittedStack(_fit(parts, log_odds, labels, weight, best), sigmoid(tried[best]), best)


def _folds(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Deal regions to folds, those with most events first, so that each fold has some of both; `(N,)`."""
    _, codes = np.unique(groups, return_inverse=True)
    events, rows = np.bincount(codes, weights=labels), np.bincount(codes)
    both = min(int((events > 0).sum()), int((events < rows).sum()))
    if both < 2:
        raise InputError(
            f"stacking: {int((events > 0).sum())} validation regions with events, {int((events < rows).sum())} with "
            "images without; expected two of each at least: validate on more regions"
        )
    order = np.lexsort((np.arange(len(rows)), -rows, -events))
    fold = np.empty(len(rows), np.int64)
    fold[order] = np.arange(len(rows)) % min(FOLDS, both)
    return np.asarray(fold[codes])


def _fit(parts: Sequence[str], log_odds: np.ndarray, labels: np.ndarray, weight: np.ndarray, penalty: float) -> Stack:
    from sklearn.linear_model import LogisticRegression

    known = np.isfinite(log_odds)
    cut = np.where(known, np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS), 0.0)
    count = np.maximum(known.sum(axis=0), 1)
    mean = cut.sum(axis=0) / count
    scale = np.sqrt((np.where(known, cut - mean, 0.0) ** 2).sum(axis=0) / count)
    scale = np.where(scale > 1e-9, scale, 1.0)
    fitted = LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=200)
    fitted.fit(_columns(log_odds, mean, scale), labels, sample_weight=weight)
    return Stack(tuple(parts), mean, scale, fitted.coef_[0], float(fitted.intercept_[0]))


def _columns(log_odds: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Give `(N, 2 P)`: standardised log odds, 0 where one is missing, and whether it is."""
    known = np.isfinite(log_odds)
    cut = np.clip(np.where(known, log_odds, mean), -MOST_LOG_ODDS, MOST_LOG_ODDS)
    return np.hstack([(cut - mean) / scale, ~known])
