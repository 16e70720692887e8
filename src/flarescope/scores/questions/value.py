"""To whom is a forecast worth money, and how much of what a perfect one would be worth?

A user pays the cost C to be safe from an event that would cost the loss L. Without a forecast he always or never pays,
whichever is cheaper. The relative economic value is the share of what a perfect forecast would save him beyond that
(Richardson 2000, Q. J. R. Meteorol. Soc. 126, 649; Wilks 2019, ch. 9.9): 1 is perfect, 0 is no better than the
climatology of these rows, and below 0 he had better ignore it. Whoever has C / L = the share of events has the largest
value, and there it is TSS.
"""

from typing import Any, Final

import numpy as np

from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.threshold_sums import threshold_sums

COST_LOSS: Final = np.concatenate([np.arange(1, 20) / 200, np.arange(10, 100, 2) / 100])
"""C / L from 0.005 to 0.98, closer together where events are rare."""


def economic_value(
    hit_rate: np.ndarray, false_alarm_rate: np.ndarray, event_rate: np.ndarray, cost_loss: np.ndarray
) -> np.ndarray:
    """Give the relative economic value, `(...)`, up to 1; NaN where there are no events, or only events.

    Args:
        hit_rate: `(...)` TP / (TP + FN).
        false_alarm_rate: `(...)` FP / (FP + TN).
        event_rate: `(...)` share of events.
        cost_loss: `(...)` C / L, between 0 and 1.
    """
    s, a = np.asarray(event_rate, float), np.asarray(cost_loss, float)
    without, perfect = np.minimum(a, s), s * a
    expense = false_alarm_rate * (1 - s) * a + hit_rate * s * a + (1 - np.asarray(hit_rate, float)) * s
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((without - expense) / (without - perfect))


def value_curves(labels: np.ndarray, probability: np.ndarray, threshold: float, by: ByCluster) -> dict[str, Any]:
    """Give the value over C / L, with intervals.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        threshold: of the decision that everybody is given.
        by: what is drawn whole.

    Returns:
        `cost_loss` `(T,)`; `decision`: the value of that yes or no; `own`: of a user who takes the probabilities at
        their word and pays from probability = C / L on; each `value`, `low`, `high` `(T,)`.
    """
    own = threshold_sums(labels, probability, by.codes, COST_LOSS, by.count)
    one = threshold_sums(labels, probability, by.codes, np.array([threshold]), by.count)
    found: dict[str, Any] = {"cost_loss": COST_LOSS}
    for name, sums in (("decision", one), ("own", own)):

        def curve(weights: np.ndarray, sums: Any = sums) -> np.ndarray:  # noqa: ANN401
            hits, alarms, share = sums.rates(weights)
            return economic_value(hits, alarms, share, COST_LOSS)

        value, low, high = by.band(curve, (-np.inf, 1.0))
        found[name] = {"value": value, "low": low, "high": high}
    return found
