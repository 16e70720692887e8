"""What did the Met Office forecast of the whole disk in its four-day form, and which flares does its list hold?

The forms are those of the data behind Murray et al. 2017 (Space Weather 15, 577): a line a forecast, `2014 01 01 00 59
60 60 60 60 20 20 20 20`: date, hour and minute of issue (UTC), percent of M flares for days 1 to 4, percent of X flares
for days 1 to 4; SWPC's forecasts of that time stand there in the same form. A line a flare, `2014 01 01 1840 1852 1903
M9.9 1936`: date, begin, peak, end, class, region.
"""

import datetime as dt
import re
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.daily_forms import DAILY_DTYPES
from flarescope.catalog.noaa import parse_day, parse_region, read_lines
from flarescope.catalog.noaa_flares import FlareList, clock, covered_by_peaks, flares_of_lines, not_before, parse_class
from flarescope.errors import InputError
from flarescope.text_tables import COMMENT

DAYS: Final = 4
EVENTS: Final = ("M1.0", "X1.0")
ASSUMED: Final = (
    "Met Office: a day is taken as 24 hours counted from the issue time, and M as M1.0 or above; the office registered "
    "its M forecasts with CCMC as M1.0 to M9.9"
)
"""What must be said beside their scores. The registration: CCMC's flare scoreboard, `mo_tot1_registration.txt`."""
FLARE_LINE: Final = re.compile(
    r"([0-9]{4}) ([0-9]{1,2}) ([0-9]{1,2}) +([0-9]{4}|/{4}) +([0-9]{4}|/{4}) +([0-9]{4}|/{4}) +([A-Z][0-9.]*)"
    r"(?: +([0-9]{1,5}|/{4}|NaN))?",
)


def read_met_office(path: Path) -> pd.DataFrame:
    """Read forecasts in the Met Office's four-day form.

    Args:
        path: a text file.

    Returns:
        `daily_forms.DAILY_DTYPES`: a row an issue time, event and day; `latency_h` is 0, 24, 48, 72.

    Raises:
        InputError: with the line that cannot be read.
    """
    rows: list[tuple[dt.datetime, str, float, float]] = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        try:
            rows += _rows(line.split())
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
    table = pd.DataFrame(rows, columns=list(DAILY_DTYPES))
    return table.assign(time=pd.to_datetime(table["time"], utc=True)).astype(DAILY_DTYPES)


def _rows(words: list[str]) -> list[tuple[dt.datetime, str, float, float]]:
    if len(words) != 5 + DAYS * len(EVENTS) or not all(re.fullmatch("[0-9]{1,4}", word) for word in words[:5]):
        raise ValueError(
            f"{' '.join(words)[:50]!r}; expected year month day hour minute and {DAYS * len(EVENTS)} numbers in "
            "percent, as '2014 01 01 00 59 60 60 60 60 20 20 20 20'"
        )
    time = clock(f"{words[3]:0>2}{words[4]:0>2}", parse_day(*words[:3]))
    if time is None:
        raise ValueError(f"no time of issue in {' '.join(words)[:50]!r}")
    shares = [_share(word) for word in words[5:]]
    return [
        (time, event, 24.0 * day, shares[place * DAYS + day])
        for place, event in enumerate(EVENTS)
        for day in range(DAYS)
    ]


def _share(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?", text) or float(text) > 100:
        raise ValueError(f"probability {text[:20]!r}; expected percent from 0 to 100")
    return float(text) / 100


def read_spaced_flares(path: Path) -> FlareList:
    """Read flares in the form that stands beside these forecasts: `2014 01 01 1840 1852 1903 M9.9 1936`.

    The list is taken to be complete from the day of its first peak to its last.

    Raises:
        InputError: with the line that cannot be read.
    """
    table = flares_of_lines(path, _flare)
    return FlareList(table, covered_by_peaks(table))


def _flare(line: str) -> dict[str, object]:
    match = FLARE_LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"{line[:60]!r}; expected a flare such as '2014 01 01 1840 1852 1903 M9.9 1936'")
    year, month, date, *times, goes_class, region = match.groups()
    day = parse_day(year, month, date)
    begin, peak, end = (clock(time, day) for time in times)
    peak = not_before(peak, begin)
    return {
        "noaa_ar": parse_region(region or "", day),
        "time": peak,
        "begin": begin,
        "end": not_before(end, peak or begin),
        "flare": parse_class(goes_class),
    }
