"""From which probability on is yes said: from a number that somebody stated, or by a rule on rows named for it?"""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.scores.contingency import count
from flarescope.scores.rows import labels_and_probability
from flarescope.scores.threshold import Threshold, check_threshold, choose_threshold

STATED: Final = "stated"
"""Rule of a threshold that was not chosen by the data."""


@dataclass(frozen=True)
class ThresholdRule:
    """What `--threshold` says.

    Attributes:
        stated: the threshold itself, or None.
        rule: of `scores.threshold.RULES`, or None.
        cost_ratio: for `cost`: how many false alarms one miss is worth.
    """

    stated: float | None = None
    rule: str | None = None
    cost_ratio: float | None = None

    __repr__ = brief

    @property
    def needs_rows(self) -> bool:
        """Whether it is chosen on rows."""
        return self.rule is not None

    def choose(self, rows: pd.DataFrame) -> Threshold:
        """Give the threshold, chosen on rows that are not scored; a stated one with the TSS that it reaches there."""
        if self.stated is None:
            return choose_threshold(rows, rule=self.rule or "tss", cost_ratio=self.cost_ratio)
        labels, probability = labels_and_probability(rows, "the threshold")
        tss = count(labels, probability >= self.stated).tss
        return Threshold(self.stated, STATED, tss)


def parse_threshold(text: str | None) -> ThresholdRule | None:
    """Read `0.3`, `tss`, `hss` or `cost=10`; None stays None.

    Raises:
        InputError: none of these.
    """
    if text is None:
        return None
    name, sign, value = text.strip().lower().partition("=")
    if name in ("tss", "hss") and not sign:
        return ThresholdRule(rule=name)
    try:
        number = float(value if sign else name)
        if sign and name == "cost" and 0 < number < float("inf"):
            return ThresholdRule(rule=name, cost_ratio=number)
        if not sign:
            check_threshold(number)
            return ThresholdRule(stated=number)
    except (ValueError, InputError):
        pass
    raise InputError(
        f"--threshold {text[:20]}: expected a probability such as 0.3, tss, hss, or cost=10 (a miss is worth 10 false "
        "alarms)"
    )
