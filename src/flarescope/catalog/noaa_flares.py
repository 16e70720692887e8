"""When did which region flare, and how strongly, by whichever list of flares is at hand?

Three forms are read: SWPC's daily event reports, the `eventList.txt` of the published data set, and any CSV with named
columns. NOAA's times are UTC.
"""

import csv
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
from flarescope.events import FluxScale

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
where a time is marked as before, uncertain or after;
`satellite` such as `G15`. What a list does not give is null."""

Interval = tuple[pd.Timestamp, pd.Timestamp]

_CLASS: Final = re.compile(r"([ABCMX])([0-9]+(?:\.[0-9]*)?)")
_EVENT: Final = re.compile(r"([0-9]{4}) ([0-9]{1,2}) ([0-9]{1,2}),([0-9]{4}|/{4}),([0-9]{4,5}|/{4}|),([^,]*),?")
_COLUMNS: Final = {
    "time": ("time", "peak_time", "peak", "event_peaktime", "peaktime", "max_time", "maximum"),
    "flare": ("flare", "class", "goes_class", "fl_goescls", "classtype"),
    "noaa_ar": ("noaa_ar", "region", "ar", "ar_noaanum", "noaa_active_region", "activeregionnum"),
    "begin": ("begin", "begin_time", "start_time", "event_starttime", "begintime"),
    "end": ("end", "end_time", "event_endtime", "endtime"),
    "satellite": ("satellite", "observatory", "obs_satellite"),
}
"""What columns of a CSV are called: here, in common tables, in HEK (`event_peaktime`) and in DONKI (`peakTime`)."""
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
            "usable": len(known),
        }

    def usable(self) -> pd.DataFrame:
        """Give the flares whose region and peak time are known."""
        return self.table.dropna(subset=["noaa_ar", "time"])


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

    Raises:
        ValueError: it is none.
    """
    match = _CLASS.fullmatch(text.strip().upper())
    if match is None:
        raise ValueError(f"GOES class {text.strip()[:20]!r}; expected a letter of A B C M X and a number, as C4.7")
    return match.group(0)


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
        if not line.strip():
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
    """Read flares from a CSV with named columns; times without a zone are UTC.

    Args:
        path: of the CSV.
        columns: name here (`time` of the peak, `flare`, `noaa_ar`, `begin`, `end`) -> name in the file, where the file
            has none of the usual names. Region numbers below 10000 are completed by the day; an empty or 0 region or
            time is unknown.

    Raises:
        InputError: a column is missing, or a line cannot be read.
    """
    reader = csv.reader(line + "\n" for line in read_lines(path))
    rows = []
    try:
        where = _find_columns(next(reader), columns or {}, path)
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append(_parse_fields(fields, where))
    except (ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}, line {reader.line_num}: {error}") from error
    table = flare_frame(rows)
    return FlareList(table, covered_by_peaks(table), scales=scales_of(table["satellite"]))


def _find_columns(header: list[str], columns: Mapping[str, str], path: Path) -> dict[str, int]:
    unknown = set(columns) - set(_COLUMNS)
    if unknown:
        raise InputError(f"column {sorted(unknown)[0]!r} cannot be named; expected {', '.join(_COLUMNS)}")
    names = [name.strip().lower() for name in header]
    where = {}
    for wanted, usual in _COLUMNS.items():
        accepted = (columns[wanted].lower(),) if wanted in columns else usual
        found = [names.index(name) for name in accepted if name in names]
        if found:
            where[wanted] = found[0]
        elif wanted in columns or wanted in ("time", "flare", "noaa_ar"):
            raise InputError(f"{path}: no column {' or '.join(accepted)}; it has {', '.join(names)[:200]}")
    return where


def _parse_fields(fields: list[str], where: Mapping[str, int]) -> dict[str, object]:
    if len(fields) <= max(where.values()):
        raise ValueError(f"{len(fields)} fields; expected at least {max(where.values()) + 1}, as in the header")
    text = {name: fields[position].strip() for name, position in where.items()}
    times = {name: _parse_time(text[name]) for name in ("time", "begin", "end") if name in text}
    known = next((time for time in times.values() if time is not None), None)
    region = re.sub(r"\.0+$", "", text["noaa_ar"])  # tables with gaps often hold the number as 11121.0
    if region.lower() in ("nan", "none", "null", "<na>"):
        region = ""
    day = known.date() if known is not None else dt.date(2022, 1, 1)
    found: dict[str, object] = {"noaa_ar": parse_region(region, day), "flare": parse_class(text["flare"])}
    found["satellite"] = text.get("satellite") or None
    return found | times


def _parse_time(text: str) -> pd.Timestamp | None:
    if not text or text.lower() in ("nat", "nan", "none", "null", "////"):
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"time {text[:40]!r}; expected a form such as 2010-11-11T05:24 (UTC)") from error
    if not 1972 <= time.year <= 2100:
        raise ValueError(f"time {text[:40]!r}; expected a year from 1972 to 2100")
    return pd.Timestamp(time.replace(tzinfo=time.tzinfo or dt.UTC)).tz_convert("UTC")
