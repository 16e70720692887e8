"""How do the yes/no scores change with the threshold, and do the probabilities mean what they say?"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from flarescope.scores.categorical import categorical_scores

BINS: Final = 10
"""Equal bins of the reliability diagram and of the expected calibration error: 0-0.1, 0.1-0.2, ..., 0.9-1."""


@dataclass(frozen=True)
class ThresholdCounts:
    """The contingency table at every threshold that makes a difference.

    Attributes:
        threshold: `(T,)` falling; an event is forecast where probability >= threshold. The first one is infinite
            (never), the others are the probabilities that occur, each once.
        tp: `(T,)` hits.
        fp: `(T,)` false alarms.
        events: how many events there are.
        others: how many non-events there are.
    """

    threshold: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    events: int
    others: int

    def scores(self) -> dict[str, np.ndarray]:
        """Give every yes/no score at every threshold: name -> `(T,)`."""
        return categorical_scores(self.tp, self.events - self.tp, self.fp, self.others - self.fp)

    def at(self, thresholds: np.ndarray) -> "ThresholdCounts":
        """Give the same counts at other thresholds, in the order given."""
        # The index of the last probability >= threshold; `threshold` falls, so that its negative is sorted.
        index = np.searchsorted(-self.threshold, -np.asarray(thresholds, np.float64), side="right") - 1
        return ThresholdCounts(np.asarray(thresholds), self.tp[index], self.fp[index], self.events, self.others)


def threshold_counts(labels: np.ndarray, probability: np.ndarray) -> ThresholdCounts:
    """Count hits and false alarms at every threshold; equal probabilities change sides together.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
    """
    order = np.argsort(-np.asarray(probability, np.float64), kind="stable")
    falling, event = np.asarray(probability, np.float64)[order], np.asarray(labels)[order] == 1
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.empty(0, np.intp)
    tp = np.concatenate([[0], np.cumsum(event)[last]])
    fp = np.concatenate([[0], np.cumsum(~event)[last]])
    return ThresholdCounts(np.concatenate([[np.inf], falling[last]]), tp, fp, int(tp[-1]), int(fp[-1]))


def thin_curve(x: np.ndarray, y: np.ndarray, points: int = 200) -> np.ndarray:
    """Choose the points of a curve that a drawing needs.

    Args:
        x: `(T,)` monotone, within 0..1.
        y: `(T,)` within 0..1.
        points: about how many to keep.

    Returns:
        Rising indices, the first and last among them, about evenly spaced along the curve.
    """
    if len(x) <= points:
        return np.arange(len(x))
    steps = np.abs(np.diff(x)) + np.abs(np.nan_to_num(np.diff(y)))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], points)
    return np.unique(np.concatenate([[0], np.searchsorted(along, wanted).clip(max=len(x) - 1), [len(x) - 1]]))


def bin_index(probability: np.ndarray) -> np.ndarray:
    """Give the reliability bin of each probability, 0 .. `BINS` - 1; 1.0 belongs to the last."""
    return np.minimum((np.asarray(probability) * BINS).astype(np.intp), BINS - 1)


def reliability(labels: np.ndarray, probability: np.ndarray) -> dict[str, np.ndarray]:
    """Compare the probabilities with how often events follow, bin by bin.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.

    Returns:
        Columns of `BINS` rows: `low` and `high` edges, `n` forecasts, `events`, `mean_probability` and `event_rate`
        (both NaN in an empty bin).
    """
    index = bin_index(probability)
    n, events = np.bincount(index, minlength=BINS), np.bincount(index, np.asarray(labels) == 1, minlength=BINS)
    total = np.bincount(index, probability, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means, rates = total / n, events / n
    edges = np.arange(BINS + 1) / BINS
    return {
        "low": edges[:-1],
        "high": edges[1:],
        "n": n,
        "events": events.astype(np.int64),
        "mean_probability": means,
        "event_rate": rates,
    }
