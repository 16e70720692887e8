"""How are numbers and scores written for a reader?"""

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

from flarescope.blocks import REGION
from flarescope.scores.clusters import unit_of
from flarescope.scores.definitions import DEFINITIONS
from flarescope.scores.jackknife import JACKKNIFE

NOTHING: Final = "–"
"""What stands where there is no number."""

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
    if not math.isfinite(value):
        return NOTHING
    text = f"{value:.{digits}f}"
    return text.replace("-", "" if float(text) == 0 else "−")


def probability_text(value: float | None, digits: int = 3) -> str:
    """Write a probability, or a dash; one that is neither 0 nor 1 is not written as if it were: `<0.001`, `>0.999`."""
    if value is None:
        return NOTHING
    text, smallest = f"{value:.{digits}f}", f"{10.0**-digits:.{digits}f}"
    if value > 0 and float(text) == 0:
        return f"<{smallest}"
    if value < 1 and float(text) == 1:
        return f">{1 - float(smallest):.{digits}f}"
    return text


def p_value_text(value: float | None) -> str:
    """Write a p-value, or a dash; a small one as `<0.001`, for no difference is beyond chance."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return probability_text(value or math.ulp(0.0))


def with_relation(text: str) -> str:
    """Put what `probability_text` gives behind a name: `= 0.312`, `< 0.001`."""
    return f"{text[0]} {text[1:]}" if text[0] in "<>" else f"= {text}"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Write an interval, or a dash where it has no ends."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    return f"{number(low, digits)} to {number(high, digits)}"


def interval_words(settings: Mapping[str, Any]) -> str:
    """Say how the intervals of a verification or a comparison were made, after "95 % intervals "; empty without any.

    Args:
        settings: of `scores.verify.verify` or `scores.compare.compare`; scores written before there was a choice have
            percentile intervals.
    """
    if not has_intervals(settings):
        return ""
    unit = unit_of(settings)
    groups = "" if unit == REGION else f"{number(settings['clusters'])} {unit.many}"
    if settings.get("interval_method") == JACKKNIFE:
        freedom = settings["degrees_of_freedom"]
        return f"by the jackknife over {groups or 'regions'}, Student's t with {number(freedom, 1)} degrees of freedom"
    return f"from {number(settings['replicates'])} resamplings of {groups or 'whole regions'}"


def has_intervals(settings: Mapping[str, Any]) -> bool:
    """Whether the scores of a verification or a comparison have intervals."""
    return bool(settings["replicates"]) and settings.get("interval_method", "percentile") is not None


def score_title(name: str) -> str:
    """Give the usual name of a score of `scores.definitions`."""
    return DEFINITIONS[name].title if name in DEFINITIONS else name.replace("_", " ")


def without_empty(
    header: Sequence[str], rows: Sequence[Sequence[str]], names: Container[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Leave out those of the columns `names` in which no row has a number, such as intervals where none were made."""
    kept = [i for i, name in enumerate(header) if name not in names or any(row[i] not in (NOTHING, "") for row in rows)]
    return tuple(header[i] for i in kept), [tuple(row[i] for i in kept) for row in rows]


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
