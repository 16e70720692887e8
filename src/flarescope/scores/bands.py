"""How uncertain are the curves: hit rate against false alarm rate, and skill over the threshold?"""

from dataclasses import asdict

import numpy as np

from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.categorical import four_scores
from flarescope.scores.jackknife import JACKKNIFE
from flarescope.scores.studentized import yes_no_intervals
from flarescope.scores.threshold_sums import threshold_sums

ROC_POINTS = 101


def roc_band(labels: np.ndarray, probability: np.ndarray, by: ByCluster) -> dict[str, np.ndarray]:
    """Give the hit rate with its interval at false alarm rates from 0 to 1.

    Of each replicate the hit rate is read at the same false alarm rates (vertical averaging: Fawcett 2006, Pattern
    Recogn. Lett. 27, 861), straight lines between the points of its curve. Thresholds are 200 quantiles of what occurs.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        by: what is drawn whole.

    Returns:
        `fpr`, `tpr`, `low`, `high`, `(101,)` each; the ends NaN without intervals.
    """
    thresholds = np.unique(np.quantile(probability, np.linspace(0, 1, 201), method="lower"))
    sums = threshold_sums(labels, probability, by.codes, thresholds, by.count)
    grid = np.linspace(0, 1, ROC_POINTS)

    def hit_rates(weights: np.ndarray) -> np.ndarray:
        hits, alarms, _ = sums.rates(weights)
        return np.stack([_read(grid, *one) for one in zip(alarms, hits, strict=True)])

    value, low, high = by.band(hit_rates, (0.0, 1.0))
    return {"fpr": grid, "tpr": value, "low": low, "high": high}


def _read(grid: np.ndarray, alarms: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Read the hit rate at false alarm rates; where the curve rises straight up, its upper end."""
    x, y = np.append(alarms[::-1], 1.0), np.append(hits[::-1], 1.0)
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        return np.full(len(grid), np.nan)
    x, y = np.insert(x, 0, 0.0), np.insert(y, 0, 0.0)
    last = np.append(x[1:] != x[:-1], True)
    return np.asarray(np.interp(grid, x[last], y[last]))


def skill_bands(
    labels: np.ndarray, probability: np.ndarray, by: ByCluster, thresholds: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Give TSS and HSS with their intervals over the threshold: score -> `value`, `low`, `high`, `(T,)` each.

    They are those of a decision by each threshold (`ByCluster.decision`).

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        by: what is drawn whole.
        thresholds: `(T,)` rising.
    """
    sums = threshold_sums(labels, probability, by.codes, thresholds, by.count)
    found: dict[str, dict[str, np.ndarray]] = {}
    for name in ("tss", "hss"):

        def curve(weights: np.ndarray, name: str = name) -> np.ndarray:
            return four_scores(*sums.counts(weights))[name]

        value, low, high = by.band(curve, (-1.0, 1.0))
        found[name] = {"value": value, "low": low, "high": high}
    if by.method == JACKKNIFE:
        better = yes_no_intervals(list(sums.by_cluster()), **asdict(by.sampling))
        for place, intervals in enumerate(better):
            for name in found.keys() & intervals.keys():
                one = intervals[name]
                found[name]["low"][place], found[name]["high"][place] = one.low, one.high
    return found
