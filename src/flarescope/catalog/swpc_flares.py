"""Which flares do SWPC's JSON files list: GOES' own detections, and the edited events of the last days?

`goes/primary/xray-flares-7-day.json` has each flare as the satellite's processing finds it, within minutes and without
a region: `begin_time`, `max_time`, `max_class`, `end_time` (null while it lasts: `max_class` is then the largest so
far), `satellite`. `edited_events.json` has what an event report prints, with `region` (four digits), `type` XRA and
the class in `particulars1`. Forms were read in others' captures; the service itself could not be reached.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.catalog.goes_satellites import scales_of
from flarescope.catalog.noaa import Refused, parse_region
from flarescope.catalog.noaa_flares import FlareList, class_mark, flare_frame, parse_class
from flarescope.catalog.swpc_regions import read_rows
from flarescope.errors import InputError
from flarescope.region_numbers import UNDATED

DETECTED: Final = ("begin_time", "max_time", "max_class")
EDITED: Final = ("begin_datetime", "max_datetime", "type")
LASTING: Final = "in progress"
"""What `quality` says of a flare without an end."""
_MOST_SHOWN: Final = 200


def read_flares_json(path: Path) -> FlareList:
    """Read either file; a row that cannot be read is left out and named.

    The list is taken as complete from its first begin to the last time in it. Who knows when it was fetched knows more.

    Raises:
        InputError: neither of them, or cut off.
    """
    what = "SWPC's xray-flares-7-day.json or edited_events.json"
    rows = read_rows(path, (), what)
    edited = any("begin_datetime" in row for row in rows)
    if rows and not any(all(key in row for key in (EDITED if edited else DETECTED)) for row in rows):
        keys = ", ".join(str(key)[:30] for key in list(rows[0])[:6])
        raise InputError(f"{path}: rows with {keys}; expected {what}, with {', '.join(DETECTED)}")
    flares, refused, times = [], [], list[dt.datetime]()
    for number, row in enumerate(rows, start=1):
        try:
            found = _edited(row) if edited else _detected(row)
            times += [time for time in (_time(row.get(key)) for key in _TIMES) if time is not None]
        except ValueError as error:
            refused.append(Refused(str(path), f"{path}, row {number}: {error}"[:_MOST_SHOWN], part=True))
            continue
        flares += [found] if found else []
    table = flare_frame(flares).drop_duplicates(ignore_index=True)
    covered = ((pd.Timestamp(min(times)), pd.Timestamp(max(times))),) if len(set(times)) > 1 else ()
    return FlareList(table, covered, tuple(refused), scales_of(table["satellite"], operational=True), edited)


_TIMES: Final = ("time_tag", "begin_time", "max_time", "end_time", "begin_datetime", "max_datetime", "end_datetime")


def _detected(row: Mapping[str, Any]) -> dict[str, object]:
    name = _text(row.get("max_class"))
    begin, peak, end = (_time(row.get(key)) for key in ("begin_time", "max_time", "end_time"))
    marks = [class_mark(name), None if end or not begin else LASTING]
    return {
        "noaa_ar": None,
        "time": peak,
        "flare": parse_class(name),
        "begin": begin,
        "end": end,
        "quality": " ".join(mark for mark in marks if mark) or None,
        "satellite": _satellite(row.get("satellite")),
    }


def _edited(row: Mapping[str, Any]) -> dict[str, object] | None:
    """Read an event; None where it tells of something else than an X-ray flare."""
    if _text(row.get("type")).upper() != "XRA":
        return None
    name = _text(row.get("particulars1"))
    begin, peak, end = (_time(row.get(key)) for key in ("begin_datetime", "max_datetime", "end_datetime"))
    known = next((time for time in (peak, begin, end) if time is not None), None)
    quality = [_text(row.get("quality")), class_mark(name)]
    return {
        "noaa_ar": parse_region(_text(row.get("region")), known.date() if known else UNDATED),
        "time": peak,
        "flare": parse_class(name),
        "begin": begin,
        "end": end,
        "quality": " ".join(word for word in quality if word) or None,
        "satellite": _satellite(row.get("observatory")),
    }


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _satellite(value: object) -> str | None:
    """Write 18 and G18 as `G18`."""
    text = _text(value).upper()
    return f"G{text}" if text.isdecimal() else text or None


def _time(value: object) -> dt.datetime | None:
    """Read a time such as `2026-09-06T13:15:00Z`, UTC; None for null.

    Raises:
        ValueError: other text.
    """
    text = _text(value)
    if not text or text.lower() in ("null", "unk", "unknown"):
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"time {text[:30]!r}; expected a form such as 2026-09-06T13:15:00Z") from error
    if not 1972 <= time.year <= 2100:
        raise ValueError(f"time {text[:30]!r}; expected a year from 1972 to 2100")
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
