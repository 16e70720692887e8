"""How are numbers and scores written for a reader?"""

import math
from collections.abc import Mapping
from typing import Any, Final

from flarescope.scores.definitions import CATEGORICAL, PROBABILISTIC, Score

NOTHING: Final = "–"
"""What stands where there is no number."""

DEFINITIONS: Final[Mapping[str, Score]] = CATEGORICAL | PROBABILISTIC

DISCLAIMER: Final = (
    "Research software: this is no official forecast. For operational forecasts of solar flares go to the space "
    "weather service of your country."
)


def number(value: object, digits: int = 3) -> str:
    """Write a number as the report writes it: a dash for None and NaN, counts with separators, a true minus sign."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else NOTHING


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Write an interval, or a dash where it has no ends."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    return f"{number(low, digits)} to {number(high, digits)}"


def score_title(name: str) -> str:
    """Give the usual name of a score of `scores.definitions`."""
    return DEFINITIONS[name].title if name in DEFINITIONS else name.replace("_", " ")


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Turn nested mappings into pairs of a dotted key and a text, in order; what is None is left out."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            pairs.append((name, ", ".join(map(str, value))))
        elif value is not None:
            pairs.append((name, str(value)))
    return pairs
