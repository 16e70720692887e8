"""How strong is the largest flare to come: a distribution of its flux, of which exceedance probabilities follow?

The logarithm of its peak flux has a logistic distribution around a weighted sum of the features, left-censored at the
weakest class that is listed: where no flare came, or a weaker one, only that is known (Tobin 1958, Econometrica 26, 24;
in the concave form of Olsen 1978, Econometrica 46, 1211). P(flux >= T) is then a linear head for each class T, all with
the same weights, so that no stronger class is more probable than a weaker one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flarescope.errors import InputError
from flarescope.features.gather import Rows
from flarescope.heads.head import Head
from flarescope.heads.likelihood import maximise
from flarescope.log_odds import sigmoid


@dataclass(frozen=True)
class FluxFit:
    """A distribution of log10 flux and the heads that follow.

    Attributes:
        heads: of the classes that were asked for.
        scale: of the logistic distribution, in decades of flux.
        limit_w_m2: below it flares are censored.
        iterations: of L-BFGS.
        converged: whether the gradient is about zero.
    """

    heads: tuple[Head, ...]
    scale: float
    limit_w_m2: float
    iterations: int
    converged: bool

    def to_json(self) -> dict[str, Any]:
        """Give what a model file says of the distribution."""
        return {"kind": "logistic", "scale": self.scale, "limit_w_m2": self.limit_w_m2}


def fit_flux(
    rows: Rows | np.ndarray,
    flux_w_m2: np.ndarray,
    *,
    limit_w_m2: float,
    thresholds_w_m2: Sequence[float],
    l2: float,
    progress: Callable[[int, int], None] | None = None,
) -> FluxFit:
    """Fit the distribution by maximum likelihood with an L2 penalty.

    Args:
        rows: N rows of features.
        flux_w_m2: `(N,)` largest peak flux in the window; NaN where no flare of at least the limit came.
        limit_w_m2: of the weakest flare that counts.
        thresholds_w_m2: of the classes to forecast, none below the limit.
        l2: of the penalty (see `likelihood.maximise`).
        progress: called with the iterations done and the most there can be.

    Raises:
        InputError: no row with a flare, or none without, or flares of one strength alone.
    """
    decades = np.log10(flux_w_m2 / limit_w_m2)
    decades = np.where(decades > -1e-9, np.maximum(decades, 0), np.nan)  # a rounded C1.0 is not below its own class
    seen = np.isfinite(decades)
    if not 0 < seen.sum() < len(seen) or np.unique(decades[seen]).size < 2:
        raise InputError("a regression on flux needs rows with flares of several strengths, and rows without one")
    share = float(seen.mean())
    start = np.array([np.log(share / (1 - share)), np.log(1 / max(float(decades[seen].mean()), 1e-3))])

    def per_row(sums: np.ndarray, part: slice, others: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return losses(sums, decades[part], others)

    found = maximise(rows, per_row, start, l2=l2, progress=progress)
    bias, steepness = float(found.others[0]), float(np.exp(found.others[1]))
    heads = tuple(found.head(bias - steepness * float(np.log10(one / limit_w_m2))) for one in thresholds_w_m2)
    return FluxFit(heads, 1 / steepness, limit_w_m2, found.iterations, found.converged)


def losses(sums: np.ndarray, decades: np.ndarray, others: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Give the sum of -ln likelihood and its derivatives.

    P(Y >= y) = sigmoid(eta - a y), with eta = w . x + b, a = 1 / scale, and y the decades above the limit.

    Args:
        sums: `(n,)` w . x.
        decades: `(n,)` of the flux above the limit; NaN where no flare came.
        others: b and ln a.

    Returns:
        The sum, its derivative by each of the sums `(n,)`, and by the others `(2,)`.
    """
    eta, steepness = sums + others[0], float(np.exp(others[1]))
    seen = np.isfinite(decades)
    y = np.where(seen, decades, 0.0)
    z = steepness * y - eta
    own = np.where(seen, np.logaddexp(0, z) + np.logaddexp(0, -z) - others[1], np.logaddexp(0, eta))
    odd = 2 * sigmoid(z) - 1
    by_eta = np.where(seen, -odd, sigmoid(eta))
    by_log_steepness = np.where(seen, steepness * y * odd - 1, 0.0)
    return float(own.sum()), by_eta, np.array([by_eta.sum(), by_log_steepness.sum()])
