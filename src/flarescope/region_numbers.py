"""Which of NOAA's active regions does a number mean, however a table or product writes it?

NOAA numbers regions through, and its products print the last four digits: 9999 and 0005 both stand in June 2002. The
published set writes the number less 10,000. Everywhere behind the readers a region has its full number (11158), and
null where there is none: 0, a number below 0 (tables of whole numbers write -2147483648 for "missing"), a blank.
"""

import datetime as dt
import functools
from typing import Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError

NOAA_OFFSET: Final = 10_000
"""The published set writes NOAA region numbers with four digits: 1121 is NOAA 11121."""

LARGEST: Final = 99_999
"""Region numbers have five digits at most; 14,000 was passed in 2025."""

UNDATED: Final = dt.date(2022, 1, 1)
"""The day by which a short number is completed where nothing gives one: 1158 is then 11158. HMI's images begin in 2010,
so that only tables of the years before need their dates."""

# Region numbers by day: the first summary and the last ones at hand, and the day on which NOAA passed 10000 (notice in
# the summary of 2002-06-24).
_NUMBERED: Final = (
    (dt.date(1996, 1, 6), 7939),
    (dt.date(2002, 6, 14), 10000),
    (dt.date(2010, 2, 28), 11051),
    (dt.date(2015, 1, 1), 12254),
    (dt.date(2022, 1, 6), 12925),
)


def full_region_number(number: int, day: dt.date) -> int:
    """Give a region its full number: NOAA prints the last four digits.

    The number is the one of the series N, N + 10000, ... that lies nearest to the regions numbered around that day,
    which is right until the numbers have moved on by 5000 from the last one known here (12925 in 2022).

    Args:
        number: as printed, four digits or the five of a full number.
        day: the day of the product.
    """
    if number >= NOAA_OFFSET:
        return number
    return number + NOAA_OFFSET * max(round((_numbered_around(day) - number) / NOAA_OFFSET), 0)


@functools.lru_cache(maxsize=20_000)
def _numbered_around(day: dt.date) -> float:
    days = [known.toordinal() for known, _ in _NUMBERED]
    return float(np.interp(day.toordinal(), days, [region for _, region in _NUMBERED]))


def full_region_numbers(numbers: "pd.Series[int]", times: "pd.Series[pd.Timestamp]", source: str) -> "pd.Series[int]":
    """Give the regions of a table their full numbers, each by the day of its row.

    Args:
        numbers: `(N,)` Int32 as they are written; 0 and less mean no region.
        times: `(N,)`, UTC; where null, `UNDATED` decides.
        source: what to call the table in a message.

    Returns:
        `(N,)` Int32, null where there is no region.

    Raises:
        InputError: a number of more than five digits.
    """
    large = numbers.gt(LARGEST).fillna(False)
    if large.any():
        row = int(large.to_numpy().argmax())
        raise InputError(
            f"{source}: row {row + 1}: noaa_ar is {numbers.iloc[row]}; expected NOAA's number of a region, as 11121"
        )
    numbers = numbers.where(numbers > 0)
    short = numbers.lt(NOAA_OFFSET).fillna(False)
    if not short.any():
        return numbers
    pairs = zip(numbers[short], times[short].dt.date, strict=True)
    full = [full_region_number(int(number), UNDATED if pd.isna(day) else day) for number, day in pairs]
    return numbers.mask(short, pd.Series(full, index=numbers.index[short], dtype="Int32").reindex(numbers.index))
