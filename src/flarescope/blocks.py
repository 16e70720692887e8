"""Which rows belong together by time: into which block of time does each fall?

An image of the whole disk shows every region, so that rows cannot be grouped by region: rows near in time are nearly
copies, and what a whole block of time holds is drawn or left out together.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError

ROTATION_DAYS: Final = 27.2752316
"""Mean synodic length of a Carrington rotation (Meeus 1998, Astronomical Algorithms, ch. 29)."""

ROTATION_ZERO_JD: Final = 2_398_140.2270
"""Julian day on which rotation number 0 began; C begins `ROTATION_DAYS` x C later, to 0.2 days (same source)."""

WHOLE_DAYS_OF_A_ROTATION: Final = 27
"""Whole days of the disk are resampled by so many: what is on the disk stays there for half of it."""

MONTH_DAYS: Final = 28
"""The shortest month: a month is said to be at least so long."""

_UNIX_JD: Final = 2_440_587.5
_DAY_US: Final = 86_400_000_000
_FIRST_MONDAY: Final = 4
"""1970-01-05, in days since 1970."""

_HOURS: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)h")


@dataclass(frozen=True)
class Unit:
    """What is drawn or left out whole.

    Attributes:
        one: what one is called.
        many: what several are called.
        hours: length of a block of time; None for regions, and for what a column of the table says.
    """

    one: str
    many: str
    hours: float | None = None

    def to_json(self) -> dict[str, str | float | None]:
        """Give it as plain values."""
        return {"one": self.one, "many": self.many, "hours": self.hours}


REGION: Final = Unit("region", "regions")
GROUP: Final = Unit("group of connected regions", "groups of connected regions")


def rotation_numbers(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Give the Carrington rotation in which each time lies, as a number with its fraction, by the mean rotation.

    Args:
        times: `(N,)` UTC.

    Returns:
        `(N,)` float64, NaN without a time; within 0.01 of the true number, whose rotations differ by hours.
    """
    days = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float) / 86_400
    return np.asarray((days + _UNIX_JD - ROTATION_ZERO_JD) / ROTATION_DAYS)


def _days(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    known = times.fillna(pd.Timestamp(0, tz="UTC"))
    return np.asarray(known.dt.as_unit("us").astype("int64").to_numpy() / _DAY_US)


def _weeks(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    return (_days(times) - _FIRST_MONDAY) / 7


def _months(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    return (12 * (times.dt.year - 1970) + times.dt.month - 1).to_numpy(float, na_value=0)


_Numbers = Callable[["pd.Series[pd.Timestamp]"], np.ndarray]

PERIODS: Final[dict[str, tuple[_Numbers, str, float]]] = {
    "day": (_days, "day", 24),
    "week": (_weeks, "week", 24 * 7),
    "month": (_months, "month", 24 * MONTH_DAYS),
    "carrington": (rotation_numbers, "Carrington rotation", 24 * ROTATION_DAYS),
}
"""Word -> number of the period that a time lies in (with its fraction), its name and its length in hours: days of UTC,
weeks from Monday, months of the calendar, Carrington's rotations."""


def hours_of(text: str) -> float | None:
    """Read blocks of N hours, as `12h`; None for another word.

    Raises:
        InputError: blocks of no length.
    """
    found = _HOURS.fullmatch(text)
    if found is None:
        return None
    hours = float(found[1])
    if hours <= 0:
        raise InputError(f"blocks of {hours:g} hours; expected more than 0")
    return hours


def is_time(blocks: str) -> bool:
    """Tell whether a word means blocks of time: one of `PERIODS`, or hours as `12h`."""
    return blocks in PERIODS or hours_of(blocks) is not None


def time_blocks(
    times: "pd.Series[pd.Timestamp]", *, blocks: str, window_hours: float = 0
) -> tuple["pd.Series[int]", Unit]:
    """Number the block of time that each row falls into.

    Args:
        times: `(N,)` UTC.
        blocks: one of `PERIODS`, or hours as `12h`, counted from 1970.
        window_hours: of the event: of a period so many are taken together that no block is shorter, so that one flare
            labels rows of two neighbouring blocks at most. Blocks of hours are as long as they say.

    Returns:
        `(N,)` Int64 with the index of the times, null without a time; and what a block is called.

    Raises:
        InputError: another word.
    """
    hours = hours_of(blocks)
    if hours is not None:
        values, unit = 24 * _days(times) / hours, Unit(f"block of {hours:g} hours", f"blocks of {hours:g} hours", hours)
        number = 1
    elif blocks in PERIODS:
        numbers, name, length = PERIODS[blocks]
        number = max(1, math.ceil(window_hours / length))
        values, unit = numbers(times), _several(number, name, length)
    else:
        raise InputError(f"blocks of time {blocks!r}: expected {', '.join(PERIODS)}, or hours such as 12h")
    floor = pd.Series(np.floor(np.where(times.isna(), 0, values) / number), index=times.index).astype("Int64")
    return floor.mask(times.isna()), unit


def rotation_blocks(times: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    """Number blocks of `WHOLE_DAYS_OF_A_ROTATION` days, counted from 1970, for series with a row a day.

    Args:
        times: `(N,)` UTC.

    Returns:
        `(N,)` Int64 with the index of the times; null where the time is.
    """
    return time_blocks(times, blocks=f"{24 * WHOLE_DAYS_OF_A_ROTATION}h")[0]


def _several(number: int, name: str, hours: float) -> Unit:
    if number == 1:
        return Unit(name, f"{name}s", hours)
    return Unit(f"block of {number} {name}s", f"blocks of {number} {name}s", number * hours)
