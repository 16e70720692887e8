"""Which regions does SWPC's `solar_regions.json` list, on which day?

About 30 days, newest first, a row a region and `observed_date`. Positions are those of 24:00 UTC of that date, also in
rows that were published before: carrington_longitude less the longitude is the disk's centre then (188 and E63 of
2026-09-06, 348 and W87 of 2024-05-13, against sunpy's L0 of the midnight after). So a row is one of the Solar Region
Summary that is issued half an hour after. `longitude` is **east positive**, numbers have four digits, Hale's types are
letters. Forms and rows were read in others' captures; the service itself could not be reached.
"""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flarescope.catalog.noaa import MOST_BYTES
from flarescope.catalog.region_rows import Region, region_of
from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.parsing import parse_json

ADVICE: Final = "fetch it again"
HALE: Final = {"A": "Alpha", "B": "Beta", "G": "Gamma", "D": "Delta"}
"""What the letters of `mag_class` stand for: BGD is Beta-Gamma-Delta."""
_WORDS: Final = {"Lo": "carrington_longitude", "Area": "area", "Z": "spot_class", "LL": "extent", "NN": "number_spots"}
_NEEDED: Final = ("observed_date", "region")
_APART_DEG: Final = 1.5
"""By which a row's two longitudes may differ."""

Days = dict[dt.date, tuple[list[Region], list[str]]]


def is_json(path: Path) -> bool:
    """Tell by its first character whether a file is JSON."""
    with translate_os_errors(path, "read"), path.open("rb") as file:
        return file.read(200).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def read_rows(path: Path, needed: tuple[str, ...], what: str) -> list[Mapping[str, Any]]:
    """Read one of SWPC's JSON files: a list of objects of the same keys.

    Args:
        path: of the file.
        needed: keys by which its rows are told.
        what: the file is expected to be.

    Raises:
        InputError: larger than such a file is, cut off, or another JSON.
    """
    with translate_os_errors(path, "read"), path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES:,} bytes; expected {what}, some 100 kB long")
    rows = parse_json(content.removeprefix(b"\xef\xbb\xbf"), path, advice=ADVICE)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: no list of rows; expected {what}; {ADVICE}")
    if rows and not any(all(key in row for key in needed) for row in rows):
        keys = ", ".join(str(key)[:30] for key in list(rows[0])[:6])
        raise InputError(f"{path}: rows with {keys or 'nothing'}; expected {what}, which has {', '.join(needed)}")
    return rows


def read_solar_regions(path: Path) -> Days:
    """Read the file, by the day of issue of the summary that has the same rows: the day after `observed_date`.

    A row without a date or a number is left out and named; of two rows of one region and day the final one counts
    (`status` f), else the first.

    Returns:
        day -> its regions (with spots: section I, without: IA), and what could not be read.

    Raises:
        InputError: not that file.
    """
    what = "SWPC's solar_regions.json"
    days: Days = {}
    rows = read_rows(path, _NEEDED, what)
    if not rows:
        raise InputError(f"{path}: an empty list; expected {what}, about 30 days of regions; {ADVICE}")
    chosen: set[tuple[dt.date, int]] = set()
    # The final rows first, each day's in the order of the file.
    for row in sorted(rows, key=lambda one: one.get("status") != "f"):
        day = _day(row.get("observed_date"))
        if day is None:
            _, unread = days.setdefault(_last(rows), ([], []))
            unread.append(f"{path}: observed_date {str(row.get('observed_date'))[:20]!r}")
            continue
        regions, unread = days.setdefault(day, ([], []))
        region, bad = _region(row, day)
        unread += [f"{path}: {word} of {row.get('observed_date')}" for word in bad]
        if region is not None and (day, region.noaa_ar) not in chosen:
            chosen.add((day, region.noaa_ar))
            regions.append(region)
    return days


def _last(rows: list[Mapping[str, Any]]) -> dt.date:
    known = [day for row in rows if (day := _day(row.get("observed_date"))) is not None]
    if not known:
        raise InputError(f"no row has an observed_date such as 2026-09-06; {ADVICE}")
    return max(known)


def _day(date: object) -> dt.date | None:
    """Give the day of issue for a date such as `2026-09-06`; None where it is none."""
    match = re.match(r"([0-9]{4}-[0-9]{2}-[0-9]{2})", str(date))
    try:
        return dt.date.fromisoformat(match[1]) + dt.timedelta(days=1) if match else None
    except (ValueError, OverflowError):
        return None


def _region(row: Mapping[str, Any], day: dt.date) -> tuple[Region | None, list[str]]:
    words = {name: _word(row.get(key)) for name, key in _WORDS.items()}
    letters = _word(row.get("mag_class")).upper()
    known = letters and all(letter in HALE for letter in letters)
    words["Mag Type"] = "-".join(HALE[letter] for letter in letters) if known else letters
    words["noaa_ar"] = _word(row.get("region"))
    location, doubt = _location(row)
    # Without spots there is neither a class nor a number of them: a plage.
    section = "I" if words["Z"] or words["NN"].strip("0") else "IA"
    region, unread = region_of({**words, "location": location}, section, day)
    return region, [*unread, *doubt]


def _word(value: object) -> str:
    """Write a value as a summary prints it; nothing for null."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _location(row: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Give the location as `N13E63`, from the text or from degrees (east positive); and whether they differ."""
    latitude, east = (_degrees(row.get(key)) for key in ("latitude", "longitude"))
    text = _word(row.get("location")).upper()
    match = re.fullmatch(r"[NS][0-9]{2}([EW])([0-9]{2,3})", text)
    if match is None:
        if latitude is None or east is None:
            return text, []
        west = "E" if east >= 0 else "W"
        return f"{'N' if latitude >= 0 else 'S'}{abs(latitude):02.0f}{west}{abs(east):02.0f}", []
    said = float(match[2]) * (1 if match[1] == "E" else -1)
    if east is not None and abs(said - east) > _APART_DEG:
        return text, [f"region {row.get('region')}: location {text} and longitude {east:g} (east positive) differ; row"]
    return text, []


def _degrees(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 180
    return float(value) if known and isinstance(value, int | float) else None
