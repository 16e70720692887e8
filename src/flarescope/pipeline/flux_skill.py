"""How good is the distribution of the largest flare's flux that a regression forecasts, on labelled rows?"""

from typing import Any

import numpy as np
import pandas as pd

from flarescope.events import flux_if_class
from flarescope.forecaster.description import Description
from flarescope.scores.flux import crps_censored_logistic, crps_of_sample

_SAME = 1e-9


def flux_skill(described: Description, log_odds: np.ndarray, flares: "pd.Series[str]") -> dict[str, Any] | None:
    """Score the distribution of log10 flux by the CRPS, in decades; None where the model has none.

    None also of stronger events than the weakest of a window: only its labels name all flares down to the limit.

    Args:
        described: of the model.
        log_odds: `(N,)` of its event.
        flares: `(N,)` the largest class in the window; null where none of at least the event's class came.

    Returns:
        `rows`, `crps` (the mean), `crps_sample` (of the distribution of these rows' own flares, the same for all) and
        `skill` (1 less their ratio; above 0 is better than that climatology of the very rows).
    """
    told, event = described.distribution, described.event
    if told is None or event is None or event.flux_w_m2 > told["limit_w_m2"] * (1 + _SAME):
        return None
    limit = float(np.log10(told["limit_w_m2"]))
    observed = np.log10(flux_if_class(flares).to_numpy(float))
    seen = np.where(np.isnan(observed), limit, np.maximum(observed, limit))
    location = median_log_flux(described, log_odds)
    crps = float(crps_censored_logistic(location, told["scale"], seen, limit).mean())
    sample = float(crps_of_sample(seen, seen).mean())
    return {"rows": len(seen), "crps": crps, "crps_sample": sample, "skill": 1 - crps / sample if sample > 0 else None}


def median_log_flux(described: Description, log_odds: np.ndarray) -> np.ndarray:
    """Give log10 of the median flux, W/m^2, `(N,)`, of a model with a distribution; below its limit it means "none".

    Raises:
        ValueError: a model without one.
    """
    if described.distribution is None or described.event is None:
        raise ValueError("a model that forecasts no distribution of flux")
    return np.asarray(np.log10(described.event.flux_w_m2) + described.distribution["scale"] * log_odds)
