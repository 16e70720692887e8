"""Which flares does a table of text with named columns list?"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from flarescope.catalog.goes_satellites import scales_of
from flarescope.catalog.noaa import parse_region
from flarescope.catalog.noaa_flares import (
    FlareList,
    class_mark,
    clock,
    covered_by_peaks,
    flare_frame,
    not_before,
    parse_class,
)
from flarescope.errors import InputError
from flarescope.region_numbers import UNDATED
from flarescope.text_tables import MISSING, find_form, read_text_rows

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


def read_flare_csv(path: Path, columns: Mapping[str, str] | None = None, *, anywhere: bool = False) -> FlareList:
    """Read flares from a table of text with named columns; times without a zone are UTC.

    Args:
        path: of the table.
        columns: name here (`time` of the peak, `flare`, `noaa_ar`, `begin`, `end`) -> name in the file, where the file
            has none of the usual names. Region numbers below 10000 are completed by the day; an empty or 0 region or
            time is unknown.
        anywhere: whether flares of the whole disk are asked for: then the table needs no column of regions.

    Raises:
        InputError: a column is missing, or a line cannot be read; a peak without a time of day.
    """
    where = _find_columns(find_form(path).columns or (), columns or {}, path, anywhere)
    rows = []
    for number, fields in read_text_rows(path):
        try:
            rows.append(_parse_fields(fields, where))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
    table = flare_frame(rows)
    scales = scales_of(table["satellite"], operational=False)
    return FlareList(table, covered_by_peaks(table), scales=scales, names_regions="noaa_ar" in where)


def _find_columns(header: Sequence[str], columns: Mapping[str, str], path: Path, anywhere: bool) -> dict[str, str]:
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
        elif wanted in columns or wanted in ("time", "flare", *(() if anywhere else ("noaa_ar",))):
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
        "noaa_ar": parse_region(text.get("noaa_ar", ""), day),
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
