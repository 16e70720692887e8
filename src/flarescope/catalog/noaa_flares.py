"""When did which region flare, and how strongly, by whichever list of flares is at hand?

Three forms are read: SWPC's daily event reports, the `eventList.txt` of the published data set, and any table of text
with named columns (`flarescope.text_tables`). NOAA's times are UTC.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.goes_satellites import scales_of
from flarescope.catalog.noaa import Refused, parse_day, parse_region, read_lines
from flarescope.errors import InputError
from flarescope.events import FluxScale, flux_w_m2
from flarescope.region_numbers import UNDATED
from flarescope.text_tables import COMMENT, MISSING, find_form, read_text_rows

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

_CLASS: Final = re.compile(r"([ABCMX])([0-9]+(?:\.[0-9]*)?)")
_EVENT: Final = re.compile(r"([0-9]{4}) ([0-9]{1,2}) ([0-9]{1,2}),([0-9]{4}|/{4}),([0-9]{4,5}|/{4}|),([^,]*),?")
_COLUMNS: Final = {
    "time": ("time", "peak_time", "peak", "event_peaktime", "peaktime", "max_time", "maximum", "time_peak"),
    "flare": ("flare", "class", "goes_class", "fl_goescls", "classtype", "xray_class"),
    "noaa_ar": ("noaa_ar", "region", "ar", "ar_noaanum", "noaa_active_region", "activeregionnum", "nar"),
    "begin": ("begin", "begin_time", "start_time", "event_starttime", "begintime", "time_start"),
    "end": ("end", "end_time", "event_endtime", "endtime", "time_end"),
    "satellite": ("satellite", "observatory", "obs_satellite"),
}
"""What columns of a table are called: here, in common tables, in HEK (`event_peaktime`), in DONKI (`peakTime`) and in
the GEV lists of HELIO (`time_peak`, `xray_class`, `nar`)."""
_CLOCK: Final = "max_hhmm"
"""A column with the peak's hours and minutes alone, as event reports print it, beside a `begin` that has its day."""

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
    """

    table: pd.DataFrame
    covered: tuple[Interval, ...]
    refused: tuple[Refused, ...] = ()
    scales: tuple[FluxScale | None, ...] = (None,)

    def account(self) -> dict[str, int]:
        """Count the flares, and those that cannot label any image because the list does not say where or when."""
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
    return FlareList(table, tuple(covered), tuple(file for each in lists for file in each.refused), scales)


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
    match = _CLASS.fullmatch(f"{plain}1.0" if class_mark(plain) else plain)
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
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            continue
        try:
            rows.append(_parse_event(line.strip()))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
    table = flare_frame(rows)
    covered = covered_by_peaks(table)
    if covered and covered[0][1] == PUBLISHED_LAST:
        return FlareList(table, ((covered[0][0], PUBLISHED_END),), scales=("operational",))
    return FlareList(table, covered)


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


def read_flare_csv(path: Path, columns: Mapping[str, str] | None = None) -> FlareList:
    """Read flares from a table of text with named columns; times without a zone are UTC.

    Args:
        path: of the table.
        columns: name here (`time` of the peak, `flare`, `noaa_ar`, `begin`, `end`) -> name in the file, where the file
            has none of the usual names. Region numbers below 10000 are completed by the day; an empty or 0 region or
            time is unknown.

    Raises:
        InputError: a column is missing, or a line cannot be read; a peak without a time of day.
    """
    where = _find_columns(find_form(path).columns or (), columns or {}, path)
    rows = []
    for number, fields in read_text_rows(path):
        try:
            rows.append(_parse_fields(fields, where))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
    table = flare_frame(rows)
    return FlareList(table, covered_by_peaks(table), scales=scales_of(table["satellite"], operational=False))


def _find_columns(header: Sequence[str], columns: Mapping[str, str], path: Path) -> dict[str, str]:
    """Find what each of our columns is called in a table; `max_hhmm` stands in for `time`."""
    unknown = set(columns) - set(_COLUMNS)
    if unknown:
        raise InputError(f"column {sorted(unknown)[0]!r} cannot be named; expected {', '.join(_COLUMNS)}")
    names = {name.lower(): name for name in reversed(header)}
    where = {}
    for wanted, usual in _COLUMNS.items():
        accepted = (columns[wanted].lower(),) if wanted in columns else usual
        found = [names[name] for name in accepted if name in names]
        if wanted == "time" and not found and _CLOCK in names and wanted not in columns:
            where[_CLOCK] = names[_CLOCK]
        elif found:
            where[wanted] = found[0]
        elif wanted in columns or wanted in ("time", "flare", "noaa_ar"):
            known = ", ".join(name for name in names if name.isprintable())
            raise InputError(f"{path}: no column {' or '.join(accepted)}; it has {known[:200]}")
    if _CLOCK in where and "begin" not in where:
        raise InputError(f"{path}: a column {_CLOCK} and no column begin, which would say the day")
    return where


def _parse_fields(fields: Mapping[str, str], where: Mapping[str, str]) -> dict[str, object]:
    absent = [name for name in where.values() if name not in fields]
    if absent:
        raise ValueError(f"{len(fields)} fields; expected at least {len(fields) + 1}, as in the header ({absent[0]})")
    text = {name: fields[column] for name, column in where.items()}
    times = _parse_times(text) if "time" in text else _parse_clock(text)
    known = next((time for time in times.values() if time is not None), None)
    day = known.date() if known is not None else UNDATED
    return {
        **times,
        "noaa_ar": parse_region(text["noaa_ar"], day),
        "flare": parse_class(text["flare"]),
        "quality": class_mark(text["flare"]),
        "satellite": text.get("satellite") or None,
    }


def _parse_times(text: Mapping[str, str]) -> dict[str, dt.datetime | None]:
    return {name: _parse_time(text.get(name, ""), name) for name in ("time", "begin", "end")}


def _parse_clock(text: Mapping[str, str]) -> dict[str, dt.datetime | None]:
    """Read begin, peak and end where the peak is hours and minutes, and all stand on the day of the begin."""
    begin = _parse_time(text["begin"], "begin")
    end = _parse_time(text.get("end", ""), "end")
    peak = None
    if begin is not None and text[_CLOCK].lower() not in MISSING:
        time = clock(text[_CLOCK], begin.date())
        peak = None if time is None else not_before(time.replace(tzinfo=dt.UTC), begin)
    return {"time": peak, "begin": begin, "end": not_before(end, begin)}


def _parse_time(text: str, name: str) -> dt.datetime | None:
    if text.lower() in MISSING:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{name} {text[:40]!r}; expected a form such as 2010-11-11T05:24 (UTC)") from error
    if not 1972 <= time.year <= 2100:
        raise ValueError(f"{name} {text[:40]!r}; expected a year from 1972 to 2100")
    if name == "time" and not re.search("[T ][0-9]{2}", text):
        raise ValueError(f"{name} {text[:40]!r} has no time of day; expected that of the peak, as 2010-11-11T05:24")
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
