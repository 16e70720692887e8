"""Which X-ray flares does SWPC's edited event report of a day list?

The form (`ftp.swpc.noaa.gov/pub/indices/events/README`): `:Product:`, `:Created:` and `:Date:` lines, comments after
`#`, then one line a report of an event: number, `+` where the event has more reports, begin, maximum, end (HHMM UTC,
after B, U or A where it is before, uncertain or after; `////` unknown), observatory, quality, type, and what the type
needs: for XRA the band, the GOES class, the integrated flux (J/m^2, missing before 1997) and the region, if any.
A day without events says `NO EVENT REPORTS.`
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.flare_tables import read_flare_csv
from flarescope.catalog.goes_satellites import scale_of_satellite, scales_of
from flarescope.catalog.met_office import FLARE_LINE, read_spaced_flares
from flarescope.catalog.noaa import Refused, each_product, parse_day, parse_region, products, read_lines
from flarescope.catalog.noaa_flares import (
    FlareList,
    Interval,
    class_mark,
    clock,
    flare_frame,
    not_before,
    parse_class,
    read_event_list,
)
from flarescope.catalog.swpc_flares import read_flares_json
from flarescope.catalog.swpc_regions import is_json
from flarescope.errors import InputError
from flarescope.text_tables import find_form, first_line

HEADS: Final = ("product", "created", "date")
"""The lines of a report's head."""

_DATE: Final = re.compile(r":Date:\s+([0-9]{4})\s+([0-9]{1,2})\s+([0-9]{1,2})", re.IGNORECASE)
_CREATED: Final = re.compile(
    r":Created:\s+([0-9]{4})\s+([A-Z]+)\s+([0-9]{1,2})\s+([0-9]{2})([0-9]{2})\s+UT", re.IGNORECASE
)
_TIME: Final = re.compile(r"([ABU]?)([0-9]{4}|/{4})")
_FLUX: Final = re.compile(r"[0-9]+\.[0-9]*E[-+]?[0-9]+|/+", re.IGNORECASE)
_EXAMPLE: Final = "'4080   0158   0210   0232  G15  5   XRA  1-8A      C1.0    1.9E-03   2290'"


@dataclass(frozen=True)
class Report:
    """One day's report: the day, until when (UTC) it tells, the flares (rows for `flare_frame`)."""

    day: dt.date
    until: dt.datetime
    flares: tuple[dict[str, object], ...]


def parse_report(lines: list[str], source: str, first: int = 1) -> Report:
    """Read one event report.

    Args:
        lines: of the product, as `flarescope.catalog.noaa.to_lines` gives them.
        source: what to call it in a message.
        first: number of its first line in the file.

    Raises:
        InputError: not an event report, or a line that cannot be read.
    """
    day: dt.date | None = None
    created: dt.datetime | None = None
    flares = []
    for number, line in enumerate(lines, start=first):
        try:
            if match := _DATE.match(line):
                day = parse_day(*match.groups())
            elif match := _CREATED.match(line):
                written = parse_day(match.group(1), match.group(2), match.group(3))
                created = dt.datetime.combine(written, dt.time(int(match.group(4)), int(match.group(5))))
            elif line.strip() and line[0] not in ":#":
                if day is None:
                    raise ValueError("an event before any line ':Date: 2015 03 01'; expected an event report of SWPC")
                flare = _parse_line(line, day)
                flares += [flare] if flare else []
        except ValueError as error:
            raise InputError(f"{source}, line {number}: {error}") from error
    if day is None:
        raise InputError(f"{source}: no line ':Date: 2015 03 01'; expected an event report of SWPC")
    midnight = dt.datetime.combine(day, dt.time()) + dt.timedelta(days=1)
    return Report(day, min(midnight, created or midnight), tuple(flares))


def _parse_line(line: str, day: dt.date) -> dict[str, object] | None:
    """Read a line of an event; None where it tells of something else than an X-ray flare."""
    words = line.split()
    if line.strip().upper().startswith("NO EVENT"):
        return None
    if not re.fullmatch(r"[0-9]{1,5}\+?", words[0]):
        raise ValueError(f"{line.strip()[:60]!r}; expected an event, such as {_EXAMPLE}")
    if "XRA" not in words:
        return None
    before, after = words[1 : words.index("XRA")], words[words.index("XRA") + 1 :]
    before = before[1:] if before and before[0] == "+" else before
    if len(before) not in (3, 4, 5) or len(after) < 2:
        raise ValueError(f"{line.strip()[:60]!r}; expected an X-ray flare, such as {_EXAMPLE}")
    begin, peak, end, quality = _times(before, day)
    rest = after[3:] if len(after) > 2 and _FLUX.fullmatch(after[2]) else after[2:]
    if len(rest) > 1 or (rest and not re.fullmatch("[0-9]{4,5}|/{4}", rest[0])):
        raise ValueError(f"{' '.join(rest)[:40]!r} after the class; expected a flux such as 1.9E-03, then a region")
    return {
        "noaa_ar": parse_region(rest[0] if rest else "", day),
        "time": peak,
        "flare": parse_class(after[1]),
        "begin": begin,
        "end": end,
        "quality": " ".join(mark for mark in (quality, class_mark(after[1])) if mark) or None,
        "satellite": before[3] if len(before) > 3 and scale_of_satellite(before[3]) else None,
    }


def _times(
    words: list[str], day: dt.date
) -> tuple[dt.datetime | None, dt.datetime | None, dt.datetime | None, str | None]:
    """Read begin, maximum and end, with what is said of them, from the words before the type."""
    times: list[dt.datetime | None] = []
    marks = words[4:5]
    for name, word in zip(("begin", "max", "end"), words, strict=False):
        match = _TIME.fullmatch(word)
        if match is None:
            raise ValueError(f"{name} {word[:20]!r}; expected hours and minutes such as 0158 or B0158, or ////")
        time = clock(match.group(2), day)
        times.append(not_before(time, next((each for each in reversed(times) if each is not None), None)))
        marks += [f"{name} {match.group(1)}"] if match.group(1) else []
    return times[0], times[1], times[2], " ".join(marks) or None


def read_events(paths: Iterable[Path]) -> FlareList:
    """Read event reports from files, folders and tar archives (NOAA publishes a year as one).

    Args:
        paths: `20150301events.txt`, a folder with such files at any depth, `2015_events.tar.gz`; a file may hold the
            reports of several days.

    Returns:
        The flares by day; `covered` is the days with a report, the last one to the hour in which it was made.

    Raises:
        InputError: a path is missing or has no report in it, or not one report could be read.
    """
    reports: dict[dt.date, tuple[str, Report]] = {}
    refused = []
    for path in paths:
        for source, content in products(Path(path), "events.txt"):
            for found in each_product(source, content, HEADS, parse_report):
                if isinstance(found, Refused):
                    refused.append(found)
                    continue
                used, other = reports.setdefault(found.day, (source, found))
                if other is not found:
                    refused.append(Refused(source, f"{source}: another report of {found.day}; {used} is used"))
    if not reports:
        reason = refused[0].reason if refused else "no file was named"
        raise InputError(f"no event report could be read; the first reason: {reason}")
    days = [report for _, (_, report) in sorted(reports.items())]
    table = flare_frame(row for report in days for row in report.flares)
    return FlareList(table, _merge(days), tuple(refused), scales_of(table["satellite"], operational=True))


def _merge(days: list[Report]) -> tuple[Interval, ...]:
    covered: list[Interval] = []
    for report in days:
        first, last = pd.Timestamp(report.day, tz="UTC"), pd.Timestamp(report.until, tz="UTC")
        if covered and covered[-1][1] == first:
            first = covered.pop()[0]
        if last > first:
            covered.append((first, last))
    return tuple(covered)


def read_flares(path: Path, columns: "dict[str, str] | None" = None, *, anywhere: bool = False) -> FlareList:
    """Read flares from whatever form `path` has: event reports, a list like `eventList.txt`, a CSV, or SWPC's JSON.

    The list of M and X flares that the Met Office's forecasts were verified with is read too (`met_office`).

    Args:
        path: a file; or a folder or tar archive of event reports.
        columns: see `read_flare_csv`.
        anywhere: likewise.

    Raises:
        InputError: in none of these forms, or a line that cannot be read.
    """
    if path.is_dir() or re.search(r"\.(tar(\.\w+)?|tgz|txz)$", path.name):
        return read_events([path])
    read_lines(path)  # refuses what is empty or far too large
    if is_json(path):
        return read_flares_json(path)
    first = first_line(path)
    if first.startswith(":"):
        return read_events([path])
    if re.match(r"[0-9]{4} [0-9]{1,2} [0-9]{1,2}\s*,", first):
        return read_event_list(path)
    if FLARE_LINE.fullmatch(first):
        return read_spaced_flares(path)
    if "," in first or find_form(path).ecsv:
        return read_flare_csv(path, columns, anywhere=anywhere)
    raise InputError(
        f"{path}: {first.strip()[:40]!r}; expected an event report of SWPC, a list like '2010 11 11,0524,1121,C1.1', a "
        "CSV with the columns time, flare, noaa_ar, or SWPC's JSON"
    )
