"""Where does a forecast stand in the performance diagram, that shows four scores at once?

Success ratio (precision) against hit rate; lines of equal bias run through the origin, those of equal CSI bend around
the corner of the perfect forecast (Roebber 2009, Wea. Forecasting 24, 601).
"""

import numpy as np


def csi_of(success_ratio: np.ndarray, hit_rate: np.ndarray) -> np.ndarray:
    """Give CSI, 1 / (1 / SR + 1 / POD - 1), 0..1; 0 where either is 0.

    Args:
        success_ratio: `(...)` TP / (TP + FP), 0..1.
        hit_rate: `(...)` TP / (TP + FN), 0..1.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (1 / np.asarray(success_ratio, float) + 1 / np.asarray(hit_rate, float) - 1))


def hit_rate_of(success_ratio: np.ndarray, *, csi: float) -> np.ndarray:
    """Give the hit rate of a success ratio on a line of equal CSI; NaN where the line has none within 0..1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 / (1 / csi + 1 - 1 / np.asarray(success_ratio, float))
    return np.asarray(np.where((found > 0) & (found <= 1 + 1e-9), found, np.nan))
