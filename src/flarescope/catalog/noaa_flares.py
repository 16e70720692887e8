"""When did which region flare, and how strongly, by whichever list of flares is at hand?

The `eventList.txt` of the published data set is read here, SWPC's daily event reports in `noaa_events`, tables with
named columns in `flare_tables`. NOAA's times are UTC.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.noaa import Refused, parse_day, parse_region, read_lines
from flarescope.errors import InputError
from flarescope.events import GOES_CLASS, FluxScale, flux_w_m2
from flarescope.text_tables import COMMENT

FLARE_DTYPES: Final = {
    "noaa_ar": "Int32",
    "time": "datetime64[us, UTC]",
    "flare": "str",
    "begin": "datetime64[us, UTC]",
    "end": "datetime64[us, UTC]",
    "quality": "str",
    "satellite": "str",
}
"""Columns of the flares: `noaa_ar` full region number or null; `time` of the peak or null; `flare` the GOES class;
`begin`, `end`; `quality` as the event report marks it: the observation's (1 to 5), then `begin B`, `max U`, `end A`
where a time is marked as before, uncertain or after, and `class C` where the class has no number; `satellite` such as
`G15`. What a list does not give is null."""

Interval = tuple[pd.Timestamp, pd.Timestamp]

_EVENT: Final = re.compile(r"([0-9]{4}) ([0-9]{1,2}) ([0-9]{1,2}),([0-9]{4}|/{4}),([0-9]{4,5}|/{4}|),([^,]*),?")

LONGEST: Final = dt.timedelta(hours=12)
"""A maximum or end earlier on the clock than the begin is one after midnight, if that makes the event no longer than
this; else the clock is taken as printed on the day of the report (a slip of the editor's)."""

SAME_PEAK: Final = pd.Timedelta(minutes=2)
"""Two peaks no further apart are one flare, whatever region and class stand beside them: GOES measures the whole Sun
once a minute, and cannot tell two peaks so near. Of the 12,024 flares of `eventList.txt` one is listed twice so
(2012-09-29 07:53, under 11575 and 11577); the next such pair is 5 minutes apart and has two classes."""

PUBLISHED_LAST: Final = pd.Timestamp("2018-12-15T13:53", tz="UTC")
"""Peak of the last flare in the published `eventList.txt`, B1.0; the list covers the set's period to its end."""
PUBLISHED_END: Final = pd.Timestamp("2019-01-01", tz="UTC")


@dataclass(frozen=True)
class FlareList:
    """Flares, and the time for which they are all the flares there were.

    Attributes:
        table: `FLARE_DTYPES`, one row a flare, as listed (rows without region or peak time included).
        covered: disjoint intervals, rising, in which the list is complete; a day without a report is a gap.
        refused: files that were not used.
        scales: flux scales that its classes are on, sorted; None among them where a part does not say its own (see
            `catalog.flux_scales`).
        names_regions: whether its form has a place for the region; GOES' own detections have none.
    """

    table: pd.DataFrame
    covered: tuple[Interval, ...]
    refused: tuple[Refused, ...] = ()
    scales: tuple[FluxScale | None, ...] = (None,)
    names_regions: bool = True

    def account(self, *, anywhere: bool = False) -> dict[str, int]:
        """Count the flares, and those that cannot label any image because the list does not say where or when.

        Args:
            anywhere: whether flares of the whole disk are asked for, whose regions do not matter.
        """
        if anywhere:
            return {
                "flares": len(self.table),
                "without peak time": int(self.table["time"].isna().sum()),
                "of a class without a number, taken as the letter's least": int(_unnumbered(self.table).sum()),
                "usable": int(self.table["time"].notna().sum()),
            }
        known = self.table.dropna(subset=["noaa_ar", "time"])
        return {
            "flares": len(self.table),
            "without region": int(self.table["noaa_ar"].isna().sum()),
            "without peak time": int(self.table["time"].isna().sum()),
            "listed twice": int(known.duplicated(["noaa_ar", "time", "flare"]).sum()),
            "listed under two regions": len(under_two_regions(known)),
            "of a class without a number, taken as the letter's least": int(_unnumbered(self.table).sum()),
            "usable": len(known),
        }

    def usable(self) -> pd.DataFrame:
        """Give the flares whose region and peak time are known."""
        return self.table.dropna(subset=["noaa_ar", "time"])


def _unnumbered(flares: pd.DataFrame) -> "pd.Series[bool]":
    return flares["quality"].str.contains("class", regex=False).fillna(False)


def under_two_regions(flares: pd.DataFrame) -> list[pd.DataFrame]:
    """Find the flares that are listed under more than one region.

    Args:
        flares: rows whose region and peak time are known.

    Returns:
        For each such flare its rows, the earliest first.
    """
    ordered = flares.sort_values("time", kind="stable")
    number = flare_numbers(ordered)
    again = number.duplicated(keep=False)
    groups = ordered[again].groupby(number[again])
    return [rows for _, rows in groups if rows["noaa_ar"].nunique() > 1]


def flare_numbers(flares: pd.DataFrame) -> "pd.Series[int]":
    """Number flares by their peaks, alike where rows are one flare (see `SAME_PEAK`), with the index of the rows."""
    ordered = flares["time"].sort_values(kind="stable")
    return (ordered.diff() > SAME_PEAK).astype("int64").cumsum().reindex(flares.index)


def unlisted(flares: pd.DataFrame, least_flux_w_m2: float) -> str | None:
    """Say from which class on a list has flares, where that is above the one that is asked for.

    Args:
        flares: `FLARE_DTYPES`.
        least_flux_w_m2: the smallest peak flux that counts.

    Returns:
        Such as `M1.0`, the first class of the weakest flare's letter; None where weaker flares than what is asked for
        would be seen, and for a list without flares.
    """
    if flares.empty:
        return None
    weakest = flares["flare"].iloc[int(flux_w_m2(flares["flare"]).to_numpy().argmin())]
    first = f"{weakest[0]}1.0"
    return first if flux_w_m2(pd.Series([first], dtype="str")).iloc[0] > least_flux_w_m2 * (1 + 1e-9) else None


def join_lists(lists: Sequence[FlareList]) -> FlareList:
    """Put several lists into one: all their flares, and the time that any of them covers."""
    covered: list[Interval] = []
    for first, last in sorted(interval for each in lists for interval in each.covered):
        if covered and first <= covered[-1][1]:
            first, last = covered[-1][0], max(last, covered.pop()[1])
        covered.append((first, last))
    table = pd.concat([each.table for each in lists], ignore_index=True).astype(FLARE_DTYPES)
    scales = tuple(sorted({scale for each in lists for scale in each.scales}, key=str))
    refused = tuple(file for each in lists for file in each.refused)
    return FlareList(table, tuple(covered), refused, scales, any(each.names_regions for each in lists))


def flare_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Put flares into a table with the columns of `FLARE_DTYPES`; what a row lacks is null."""
    frame = pd.DataFrame(list(rows), columns=list(FLARE_DTYPES), dtype=object)
    for name in ("time", "begin", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.astype(FLARE_DTYPES)


def parse_class(text: str) -> str:
    """Read a GOES class such as `C4.7`, in either case.

    NOAA's lists have one with a decimal comma, which is a point, and some of a letter alone (three on 1999-12-21),
    which is the least that it can be: `C` is `C1.0`.

    Raises:
        ValueError: it is none.
    """
    plain = text.strip().upper().replace(",", ".")
    match = GOES_CLASS.fullmatch(f"{plain}1.0" if class_mark(plain) else plain)
    if match is None:
        raise ValueError(f"GOES class {text.strip()[:20]!r}; expected a letter of A B C M X and a number, as C4.7")
    return match.group(0)


def class_mark(text: str) -> str | None:
    """Give what `quality` says of a class whose number is missing, such as `class C`; None where it is there."""
    letter = text.strip().upper()
    return f"class {letter}" if len(letter) == 1 and letter in "ABCMX" else None


def clock(text: str, day: dt.date) -> dt.datetime | None:
    """Read HHMM on a day, `2400` the end of it; None for `////`.

    Raises:
        ValueError: no such time.
    """
    if set(text) <= {"/"}:
        return None
    if not re.fullmatch("[0-9]{4}", text) or int(text[2:]) > 59 or int(text) > 2400:
        raise ValueError(f"time {text!r}; expected hours and minutes such as 0524, or ////")
    return dt.datetime.combine(day, dt.time()) + dt.timedelta(hours=int(text[:2]), minutes=int(text[2:]))


def not_before(time: dt.datetime | None, earlier: dt.datetime | None) -> dt.datetime | None:
    """Take a time that reads earlier than what it follows as one after midnight (see `LONGEST`)."""
    if time is None or earlier is None or time >= earlier:
        return time
    next_day = time + dt.timedelta(days=1)
    return next_day if next_day - earlier <= LONGEST else time


def read_event_list(path: Path) -> FlareList:
    """Read a list in the form of the published `eventList.txt`: `2010 11 11,0524,1121,C1.1`, a comma after it or not.

    Date, HHMM of the peak in UTC, region (`0000`: none), class. Seven peaks of the published list are `////`. The list
    is taken to be complete from the day of its first flare to its last peak; the published list, known by its last
    flare, to the end of 2018.

    Raises:
        InputError: with the line that cannot be read.
    """
    table = flares_of_lines(path, _parse_event)
    covered = covered_by_peaks(table)
    if covered and covered[0][1] == PUBLISHED_LAST:
        return FlareList(table, ((covered[0][0], PUBLISHED_END),), scales=("operational",))
    return FlareList(table, covered)


def flares_of_lines(path: Path, parse: Callable[[str], Mapping[str, object]]) -> pd.DataFrame:
    """Read a list with a line a flare; empty lines and comments say nothing.

    Args:
        path: a text file.
        parse: gives the flare of a line, as `flare_frame` takes it, or raises ValueError.

    Raises:
        InputError: with the line that cannot be read.
    """
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        try:
            rows.append(parse(line.strip()))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
    return flare_frame(rows)


def _parse_event(line: str) -> dict[str, object]:
    match = _EVENT.fullmatch(line)
    if match is None:
        raise ValueError(f"{line[:60]!r}; expected a flare such as '2010 11 11,0524,1121,C1.1'")
    year, month, date, time, region, goes_class = match.groups()
    day = parse_day(year, month, date)
    return {"noaa_ar": parse_region(region, day), "time": clock(time, day), "flare": parse_class(goes_class)}


def covered_by_peaks(table: pd.DataFrame) -> tuple[Interval, ...]:
    """Say for which time a list is complete when nothing but its flares says so: first day to last peak."""
    peaks = table["time"].dropna()
    return ((peaks.min().floor("D"), peaks.max()),) if len(peaks) else ()
