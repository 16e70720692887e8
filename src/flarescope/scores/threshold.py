"""From which probability on should one say that a flare will come?"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.scores.curves import ThresholdCounts, threshold_counts
from flarescope.scores.rows import fitting_rows

ARGMAX: Final = 0.5
"""The reference recipe's threshold: the larger of two softmax outputs; an event at probability >= 0.5."""

RULES: Final = ("tss", "hss", "cost")


@dataclass(frozen=True)
class Threshold:
    """A threshold that was chosen on validation rows and is then left alone; plain numbers, stored in the model file.

    Attributes:
        threshold: an event is forecast where probability >= threshold; 0..1.
        rule: one of `RULES`: largest TSS, largest HSS, or least cost; or `stated`, decided elsewhere.
        value: the TSS (of a stated one too) or HSS reached, or the mean cost of a forecast, a false alarm being one.
        cost_ratio: cost of a miss over cost of a false alarm; None unless the rule is "cost".
    """

    threshold: float
    rule: str
    value: float
    cost_ratio: float | None = None

    def to_json(self) -> dict[str, float | str | None]:
        """Give the choice as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Threshold":
        """Read what `to_json` gave.

        Raises:
            InputError: something is missing or is no such value.
        """
        try:
            cost = values.get("cost_ratio")
            read = cls(
                threshold=float(values["threshold"]),
                rule=str(values["rule"]),
                value=float(values["value"]),
                cost_ratio=None if cost is None else float(cost),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"stored threshold {dict(values)} cannot be read: {error!r}; choose it again") from error
        check_threshold(read.threshold)
        return read


def check_threshold(threshold: float) -> None:
    """Refuse a threshold outside 0..1.

    Raises:
        InputError: naming it.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold}; expected a probability from 0 to 1")


def choose_threshold(forecasts: pd.DataFrame, *, rule: str = "tss", cost_ratio: float | None = None) -> Threshold:
    """Choose the threshold on validation rows.

    It lies midway between two probabilities that occur, so that rounding of the last digit (another engine, another
    processor) moves no forecast across it. Of equally good ones the highest is taken: the fewest alarms.

    Args:
        forecasts: validation rows with `label` and `probability`, calibrated if the threshold is for calibrated ones.
        rule: one of `RULES`.
        cost_ratio: for the rule "cost": how many false alarms one miss is worth, above 0. For calibrated
            probabilities the best threshold is near 1 / (1 + cost_ratio).

    Raises:
        InputError: unknown rule, missing or needless cost ratio, rows that `fitting_rows` refuses.
    """
    if rule not in RULES:
        raise InputError(f"threshold rule is {rule!r}; expected {', '.join(RULES)}")
    if (cost_ratio is not None) != (rule == "cost"):
        raise InputError("a cost ratio goes with the rule 'cost', and that rule needs one")
    if cost_ratio is not None and not (cost_ratio > 0 and math.isfinite(cost_ratio)):
        raise InputError(f"cost ratio is {cost_ratio}; expected the cost of a miss in false alarms, above 0")
    labels, probability = fitting_rows(forecasts, "the threshold")
    counts = threshold_counts(labels, probability)
    if cost_ratio is None:
        goodness = counts.scores()[rule]
    else:
        goodness = -(cost_ratio * (counts.events - counts.tp) + counts.fp) / len(labels)
    # "Never" cannot be said with a threshold within 0..1 where a probability of 1 occurs.
    first = 1 if counts.threshold[1] == 1 else 0
    # Equally good ones differ in their last digit; argmax takes the first, the highest threshold.
    best = first + int(np.argmax(goodness[first:] >= np.nanmax(goodness[first:]) - 1e-12))
    value = goodness[best] if cost_ratio is None else -goodness[best]
    return Threshold(_midway(counts, best), rule, float(value), cost_ratio)


def _midway(counts: ThresholdCounts, index: int) -> float:
    """Give the threshold that forecasts the events of `index` and leaves most room on either side."""
    if index == len(counts.threshold) - 1:
        return 0.0  # always
    upper, lower = min(counts.threshold[index], 1.0), counts.threshold[index + 1]
    middle = (upper + lower) / 2
    # Between neighbouring floating-point numbers the mean may round to the lower one, which would let it in.
    return float(middle if middle > lower else upper)
