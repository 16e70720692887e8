"""Which curves of a forecast does a verification keep, so that they can be drawn?"""

from typing import Any, Final

import numpy as np

from flarescope.scores.bands import roc_band, skill_bands
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.curves import thin_curve, threshold_counts

CURVE_STEPS: Final = 200
"""Steps of the threshold from 0 to 1 in the threshold curve."""


def curves(labels: np.ndarray, probability: np.ndarray, by: ByCluster) -> dict[str, Any]:
    """Give the curves of one forecast, each as equally long lists.

    Args:
        labels: `(N,)` bool.
        probability: `(N,)` in 0..1.
        by: what is drawn whole for the intervals.

    Returns:
        `roc` (fpr, tpr, threshold), `roc_band` (`bands.roc_band`), `pr` (recall, precision, threshold), `threshold`
        (threshold, then every yes/no score) and `threshold_bands` (score -> value, low, high at the same thresholds).
    """
    counts = threshold_counts(labels, probability)
    fpr, tpr = counts.fp / counts.others, counts.tp / counts.events
    precision = counts.tp[1:] / (counts.tp[1:] + counts.fp[1:])  # the first threshold forecasts nothing
    roc, pr = thin_curve(fpr, tpr), thin_curve(tpr[1:], precision)
    steps = np.linspace(0, 1, CURVE_STEPS + 1)
    grid = counts.at(steps)
    return {
        "roc": {"fpr": fpr[roc], "tpr": tpr[roc], "threshold": counts.threshold[roc]},
        "roc_band": roc_band(labels, probability, by),
        "pr": {"recall": tpr[1:][pr], "precision": precision[pr], "threshold": counts.threshold[1:][pr]},
        "threshold": {"threshold": grid.threshold} | grid.scores(),
        "threshold_bands": skill_bands(labels, probability, by, steps),
    }
