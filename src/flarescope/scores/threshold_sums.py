"""How many hits and false alarms has each cluster at each threshold, so that a curve can be resampled?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ThresholdSums:
    """Counts of R clusters at T thresholds.

    Attributes:
        threshold: `(T,)` rising.
        tp: `(R, T)` hits: events with probability >= threshold.
        fp: `(R, T)` false alarms.
        events: `(R,)` events.
        others: `(R,)` rows without an event.
    """

    threshold: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    events: np.ndarray
    others: np.ndarray

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Give tp, fn, fp, tn `(B, T)` of replicates with weights `(B, R)`."""
        tp, fp = weights @ self.tp, weights @ self.fp
        events, others = (weights @ self.events)[:, None], (weights @ self.others)[:, None]
        return tp, events - tp, fp, others - fp

    def by_cluster(self) -> Iterator[np.ndarray]:
        """Yield tp, fn, fp, tn of each cluster, `(R, 4)`, threshold by threshold."""
        for tp, fp in zip(self.tp.T, self.fp.T, strict=True):
            yield np.stack([tp, self.events - tp, fp, self.others - fp], axis=1)

    def rates(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give hit rate and false alarm rate `(B, T)`, and the share of events `(B, 1)`; NaN where there are none."""
        tp, fn, fp, tn = self.counts(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            return tp / (tp + fn), fp / (fp + tn), ((tp + fn) / (tp + fn + fp + tn))[:, :1]


def threshold_sums(
    labels: np.ndarray, probability: np.ndarray, codes: np.ndarray, thresholds: np.ndarray, clusters: int
) -> ThresholdSums:
    """Count once, cluster by cluster.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        codes: `(N,)` cluster of each row, 0 .. R - 1.
        thresholds: `(T,)` rising.
        clusters: R.
    """
    rising = np.asarray(thresholds, np.float64)
    event = np.asarray(labels) == 1
    passed = np.searchsorted(rising, probability, side="right")  # how many thresholds the row reaches
    width = len(rising) + 1
    sums = []
    for which in (event, ~event):
        cells = np.bincount(codes[which] * width + passed[which], minlength=clusters * width).reshape(clusters, width)
        sums.append(cells[:, ::-1].cumsum(axis=1)[:, ::-1].astype(np.float64))
    return ThresholdSums(rising, sums[0][:, 1:], sums[1][:, 1:], sums[0][:, 0], sums[1][:, 0])
