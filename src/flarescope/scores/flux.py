"""How good is a forecast distribution of the largest flare's flux: the continuous ranked probability score?"""

import numpy as np

from flarescope.log_odds import sigmoid


def crps_censored_logistic(
    location: np.ndarray, scale: float | np.ndarray, observed: np.ndarray, limit: float
) -> np.ndarray:
    """Give the CRPS of logistic distributions that are left-censored at a limit: all below it lies on it.

    CRPS = integral of (F(t) - [t >= y])^2 over t (Matheson & Winkler 1976, Manage. Sci. 22, 1087). With
    z = (y - location) / scale and c = (limit - location) / scale it is
    scale * (ln(1 + e^z) + ln(1 + e^-z) - 1 - ln(1 + e^c) + sigmoid(c)), by sigmoid^2 = (ln(1 + e^z) - sigmoid(z))'.

    Args:
        location: `(N,)`, in the unit of the observed, such as log10 flux.
        scale: above 0, `(N,)` or one for all.
        observed: `(N,)`; what lies below the limit, or is NaN (no flare), counts as the limit.
        limit: of what is listed.

    Returns:
        `(N,)` in the unit of the observed; 0 is perfect.
    """
    y = np.where(np.isnan(observed), limit, np.maximum(observed, limit))
    z, c = (y - location) / scale, (limit - location) / scale
    inside = np.logaddexp(0, z) + np.logaddexp(0, -z) - 1 - np.logaddexp(0, c) + sigmoid(c)
    return np.asarray(scale * inside)


def crps_of_sample(sample: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Give the CRPS of one sample's own distribution, such as climatology's, for each observation, `(N,)`.

    It is E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, J. Am. Stat. Assoc. 102, 359, equation 21).

    Args:
        sample: `(M,)`.
        observed: `(N,)`.
    """
    ordered = np.sort(np.asarray(sample, float))
    count, total = len(ordered), np.concatenate([[0.0], np.cumsum(ordered)])
    below = np.searchsorted(ordered, observed, side="right")
    away = (2 * below - count) * observed - 2 * total[below] + total[-1]
    ranks = np.arange(1, count + 1)
    spread = float(((2 * ranks - count - 1) * ordered).sum()) / count**2
    return np.asarray(away / count - spread)
