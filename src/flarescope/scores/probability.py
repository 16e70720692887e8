"""How good are probabilities, whatever the threshold? From sums and ranks, each region with a weight.

A score is a function of the weights of the regions: with every weight 1 it is the score of the sample, with the weights
of a bootstrap replicate it is that replicate's. So the number and its interval cannot disagree on the formula.
"""

import numpy as np

from flarescope.scores.curves import BINS, bin_index
from flarescope.scores.loss import KERAS_EPSILON


def probability_scores(
    labels: np.ndarray, probability: np.ndarray, *, climatology: float | None = None
) -> dict[str, float]:
    """Give every score of `definitions.PROBABILISTIC` by name; NaN where it is undefined.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        climatology: event rate of the training set, for its Brier skill score.
    """
    scorer = ProbabilityScorer(labels, probability, np.zeros(len(labels), np.intp), climatology=climatology)
    return {name: float(value[0]) for name, value in scorer(np.ones((1, 1))).items()}


def region_sums(columns: np.ndarray, codes: np.ndarray, regions: int) -> np.ndarray:
    """Sum the columns `(N, K)` of the rows over each region; gives `(R, K)` float64."""
    return np.stack([np.bincount(codes, column, minlength=regions) for column in columns.T], axis=1)


class ProbabilityScorer:
    """The scores of `definitions.PROBABILISTIC` as functions of the weights of the regions."""

    def __init__(
        self, labels: np.ndarray, probability: np.ndarray, codes: np.ndarray, *, climatology: float | None
    ) -> None:
        """Sum and sort once what every replicate needs.

        Args:
            labels: `(N,)` 0/1.
            probability: `(N,)` in 0..1.
            codes: `(N,)` the region of each row, 0 .. R - 1.
            climatology: event rate of the training set, or None.
        """
        event, p = np.asarray(labels) == 1, np.asarray(probability, np.float64)
        of_truth = np.where(event, p, 1 - p)
        surprise = -np.log(np.clip(of_truth, KERAS_EPSILON, 1 - KERAS_EPSILON))
        reference = np.full(len(p), np.nan) if climatology is None else (climatology - event) ** 2
        columns = np.stack([np.ones(len(p)), event, (p - event) ** 2, reference, surprise], axis=1)
        regions = int(codes.max()) + 1 if len(codes) else 1
        self._sums = region_sums(columns, codes, regions)
        # The gap of a bin is the difference of two sums over the same rows: one column a bin is enough.
        cell = codes * BINS + bin_index(p)
        self._gaps = np.bincount(cell, p - event, minlength=regions * BINS).reshape(regions, BINS)
        self._ranks = _Ranks(event, p, codes)

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Score replicates.

        Args:
            weights: `(B, R)` how often each region is in each replicate.

        Returns:
            name -> `(B,)`.
        """
        n, events, squares, reference, surprise = (weights @ self._sums).T
        roc, pr = self._ranks(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = events / n
            variance = np.where((events > 0) & (events < n), rate * (1 - rate), np.nan)
            brier = squares / n
            return {
                "brier": brier,
                "bss_climatology": 1 - squares / np.where(reference > 0, reference, np.nan),
                "bss_sample": 1 - brier / variance,
                "log_loss": surprise / n,
                "roc_area": roc,
                "pr_area": pr,
                "ece": np.abs(weights @ self._gaps).sum(axis=1) / n,
            }


class _Ranks:
    """ROC area and average precision by region weights: sorted once, a cumulative sum a replicate, exact with ties."""

    def __init__(self, event: np.ndarray, probability: np.ndarray, codes: np.ndarray) -> None:
        of_events, of_others = -probability[event], -probability[~event]  # negative: falling probabilities sort up
        up, down = np.argsort(of_events, kind="stable"), np.argsort(of_others, kind="stable")
        self._event_codes, self._other_codes = codes[event][up], codes[~event][down]
        values, first = np.unique(of_events[up], return_index=True)
        self._through = np.append(first[1:], len(of_events))  # events at least as probable as the value
        self._above = np.searchsorted(of_others[down], values, side="left")  # non-events that are more probable
        self._not_below = np.searchsorted(of_others[down], values, side="right")  # ... at least as probable

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give ROC area and average precision, `(B,)` each, for weights `(B, R)`."""
        areas = [self._one(np.asarray(row, np.float64)) for row in weights]
        roc, pr = np.array(areas).reshape(-1, 2).T
        return roc, pr

    def _one(self, weight: np.ndarray) -> tuple[float, float]:
        events, others = np.cumsum(weight[self._event_codes]), _from_zero(np.cumsum(weight[self._other_codes]))
        if not len(events) or events[-1] == 0:
            return np.nan, np.nan
        hits = events[self._through - 1]
        steps = np.diff(hits, prepend=0)
        false_alarms = others[self._not_below]
        # hits + false alarms is 0 only where the step is 0 too.
        pr = np.sum(steps * hits / np.maximum(hits + false_alarms, 1e-300)) / events[-1]
        if others[-1] == 0:
            return np.nan, float(pr)
        right = others[-1] - (others[self._above] + false_alarms) / 2
        return float(np.sum(steps * right) / (events[-1] * others[-1])), float(pr)


def _from_zero(cumulative: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], cumulative])
