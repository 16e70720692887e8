"""Which of NOAA's active regions does a number mean, however a table or product writes it?

NOAA numbers regions through, and its products print the last four digits: 9999 and 0005 both stand in June 2002. The
published set writes the number less 10,000. Everywhere behind the readers a region has its full number (11158), and
null where there is none: 0, a number below 0 (tables of whole numbers write -2147483648 for "missing"), a blank.
"""

import datetime as dt
import functools
import re
from collections.abc import Iterable
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


def short_region(number: int) -> str:
    """Write a region as the published set does, less 10,000 in four digits: 10064 as `0064`; others in five digits."""
    return f"{number - NOAA_OFFSET:04d}" if NOAA_OFFSET <= number < 2 * NOAA_OFFSET else f"{number:05d}"


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


def regions_of_text(text: str, day: dt.date) -> tuple[int, ...]:
    """Read the regions that a patch shows, as HMI's NOAA_ARS lists them: `11429,11430`.

    Returns:
        Full numbers in their order, each once; numbers of 0 and less are none.

    Raises:
        ValueError: something else than whole numbers of at most five digits between commas or spaces.
    """
    words = re.split(r"[,;\s]+", text.strip(" ,;"))
    if not all(re.fullmatch(r"-?[0-9]{1,5}(\.0+)?", word) for word in words if word):
        raise ValueError(f"{text[:40]!r}; expected region numbers with commas between them, as 11429,11430")
    numbers = [int(float(word)) for word in words if word]
    return tuple(dict.fromkeys(full_region_number(number, day) for number in numbers if number > 0))


def regions_text(regions: Iterable[int]) -> str | None:
    """Write the regions of a patch as `noaa_ars` has them; None for fewer than two, of which `noaa_ar` says all."""
    listed = list(dict.fromkeys(regions))
    return ",".join(map(str, listed)) if len(listed) > 1 else None


def complete_regions(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Give a table its regions as they are everywhere behind the readers.

    Args:
        table: `noaa_ar` (Int32), `time` (UTC), and maybe `noaa_ars` (text).
        source: what to call it in a message.

    Returns:
        The table with full numbers, null where there is no region; `noaa_ars` has the principal region first, is null
        where there are not two, and gives a principal region, its first, where there is none.

    Raises:
        InputError: a number or a list of numbers that is none.
    """
    table = table.assign(noaa_ar=full_region_numbers(table["noaa_ar"], table["time"], source))
    if "noaa_ars" not in table:
        return table
    texts = table["noaa_ars"].astype("str")
    principal = table["noaa_ar"].astype("str")
    plain = texts.isna() | (texts.str.fullmatch(r"[0-9]{5}(,[0-9]{5})+") & (texts.str[:5] == principal)).fillna(False)
    listed: dict[int, tuple[int, ...]] = {}
    for row in np.flatnonzero(~plain.to_numpy(dtype=bool)).tolist():
        time, first = table["time"].iloc[row], table["noaa_ar"].iloc[row]
        try:
            found = regions_of_text(texts.iloc[row], UNDATED if pd.isna(time) else time.date())
        except ValueError as error:
            raise InputError(f"{source}: row {row + 1}: noaa_ars is {error}") from error
        listed[row] = found if pd.isna(first) else (int(first), *found)
    if not listed:
        return table
    rows = list(listed)
    firsts = pd.Series([found[0] if found else None for found in listed.values()], index=rows, dtype="Int32")
    lists = pd.Series([regions_text(found) for found in listed.values()], index=rows, dtype="str")
    where, numbers = np.arange(len(table)), table["noaa_ar"].reset_index(drop=True)
    written = texts.reset_index(drop=True).mask(pd.Series(where).isin(rows), lists.reindex(where))
    return table.assign(
        noaa_ars=written.set_axis(table.index), noaa_ar=numbers.fillna(firsts.reindex(where)).set_axis(table.index)
    )
