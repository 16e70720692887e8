"""How good are probabilities, whatever the threshold? From sums and ranks, each region with a weight.

A score is a function of the weights of the regions: with every weight 1 it is the score of the sample, with the weights
of a bootstrap replicate it is that replicate's. So the number and its interval cannot disagree on the formula.
"""

import numpy as np

from flarescope.scores.curves import BINS, bin_index
from flarescope.scores.loss import KERAS_EPSILON


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


class _Side:
    """The events, or the non-events, by falling probability: one entry for those of a region with equal probability."""

    def __init__(self, probability: np.ndarray, codes: np.ndarray) -> None:
        order = np.lexsort([codes, -probability])
        falling, codes = (
            -probability[order],
            codes[order],
        )  # negative, so that they rise
        new = np.ones(len(order), bool)
        new[1:] = (falling[1:] != falling[:-1]) | (codes[1:] != codes[:-1])
        first = np.flatnonzero(new)
        self.negative, self._codes = falling[first], codes[first]
        self._counts = np.diff(first, append=len(order)).astype(np.int32)

    def cumulate(self, weight: np.ndarray, out: np.ndarray) -> None:
        """Write into `out` `(entries + 1,)` how many rows of a replicate stand before each entry, and at last all."""
        np.take(weight, self._codes, out=out[1:], mode="clip")  # with "raise" NumPy would write to a copy first
        out[1:] *= self._counts
        np.cumsum(out[1:], out=out[1:])

    def buffer(self) -> np.ndarray:
        """Give room for `cumulate`; int32 is exact to two thousand million rows and half the time of float64."""
        return np.zeros(len(self.negative) + 1, np.int32)


class _Ranks:
    """ROC area and average precision by region weights: sorted once, a cumulative sum a replicate, exact with ties."""

    def __init__(self, event: np.ndarray, probability: np.ndarray, codes: np.ndarray) -> None:
        self._events = _Side(probability[event], codes[event])
        self._others = _Side(probability[~event], codes[~event])
        values, first = np.unique(self._events.negative, return_index=True)
        self._through = np.append(first[1:], len(self._events.negative))  # events at least as probable as the value
        self._above = np.searchsorted(self._others.negative, values, side="left")  # non-events: more probable
        self._not_below = np.searchsorted(self._others.negative, values, side="right")  # ... at least as probable

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give ROC area and average precision, `(B,)` each, for weights `(B, R)`."""
        events, others = self._events.buffer(), self._others.buffer()
        areas = np.full((len(weights), 2), np.nan)
        for row, weight in zip(areas, weights.astype(np.int32), strict=True):
            self._events.cumulate(weight, events)
            self._others.cumulate(weight, others)
            if events[-1]:
                row[:] = self._areas(events, others)
        return areas[:, 0], areas[:, 1]

    def _areas(self, events: np.ndarray, others: np.ndarray) -> tuple[float, float]:
        hits = events[self._through].astype(np.float64)
        steps = np.diff(hits, prepend=0)
        false_alarms = others[self._not_below]
        # Before the first event and false alarm both are 0, and so is the step: 1 keeps 0/0 away.
        pr = _dot(steps, hits / np.maximum(hits + false_alarms, 1)) / events[-1]
        if not others[-1]:
            return np.nan, float(pr)
        wrong = _dot(steps, others[self._above] + false_alarms)
        return float(1 - wrong / (2.0 * events[-1] * others[-1])), float(pr)


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    # Not np.dot: BLAS starts threads for so short a sum, and on a busy machine waits for them far longer than it takes.
    return float(np.einsum("i,i->", a, b))
