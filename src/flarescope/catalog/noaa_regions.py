"""Where was each active region on a day, and what was it like, by NOAA's daily Solar Region Summary?

`sunpy.io.special.srs.read_srs` (7.0.5) was tried on all 1,479 summaries at hand and is not used: it fails on the one of
2010-02-28, whose section II has a region without a Carrington longitude; it calls region 9997 of June 2002 19997; it
loses a region of 1996-12-09 that stands on the line of the column names; and it needs 17 ms a file, this reader 0.3.
Where both read a summary they agree, and a test holds them to it.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.noaa import Refused, each_product, parse_day, products
from flarescope.catalog.region_rows import Region, difference, region_of, region_of_words
from flarescope.catalog.swpc_regions import is_json, read_solar_regions
from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.text_tables import read_text_rows

REGION_DTYPES: Final = {
    "day": "datetime64[us, UTC]",
    "section": "str",
    "noaa_ar": "Int32",
    "latitude_deg": "Float64",
    "longitude_deg": "Float64",
    "carrington_deg": "Int32",
    "area_msh": "Int32",
    "mcintosh": "str",
    "extent_deg": "Int32",
    "spots": "Int32",
    "hale": "str",
}
"""Columns of the regions, one row a region and day: `day` of issue, at whose first moment (00:00 UTC) the positions
hold; `section` I (with spots), IA (plage without spots) or II (due to return within three days); `latitude_deg` north;
`longitude_deg` west of the central meridian; `area_msh` in millionths of the solar hemisphere; `mcintosh` as `Dso`;
`extent_deg` in longitude; `hale` as `Beta-Gamma`. What a section does not give is null."""

HEADS: Final = ("product", "issued")
_SECTION: Final = re.compile(r"(IA|II|I)\.\s*(?:REGIONS|H-ALPHA)", re.IGNORECASE)
_COLUMNS: Final = re.compile(r"NMBR\s+(?:LOCATION|LAT)\s+LO(?:\s+AREA\s+Z\s+LL\s+NN\s+MAG TYPE|\s+COMMENT)?(.*)", re.I)
_NUMBER_LINE: Final = re.compile(r"SRS NUMBER\s+\d+\s+ISSUED AT\s+\d{4}Z ON\s+(\d{1,2})\s+([A-Z]+)\s+(\d{4})", re.I)
_ISSUED_LINE: Final = re.compile(r":Issued:\s+(\d{4})\s+([A-Z]+)\s+(\d{1,2})\s+(\d{2})(\d{2})", re.I)
_VALID: Final = re.compile(r"VALID AT\s+(\d{1,2})/2400Z", re.IGNORECASE)


@dataclass(frozen=True)
class Summary:
    """One day's summary: the day it is of, when it was issued (UTC), its regions, and what of them cannot be read."""

    day: dt.date
    issued: dt.datetime
    regions: tuple[Region, ...]
    unread: tuple[str, ...] = ()


def parse_summary(lines: list[str], source: str, first: int = 1) -> Summary:
    """Read one summary. A word of a row that cannot be read costs its field, and a row without a number that row.

    The day is the one of `SRS Number ... Issued at ... on`; it must be the day after the one at whose end the
    locations are valid. `:Issued:` may be a few hours earlier (that of 2010-05-13 went out the evening before).

    Args:
        lines: of the product, as `flarescope.catalog.noaa.to_lines` gives them.
        source: what to call it in a message.
        first: number of its first line in the file.

    Raises:
        InputError: not a summary, a section missing, days that contradict each other.
    """
    issued = _issued(lines, source, first)
    day: dt.date | None = None
    section: str | None = None
    seen: list[str] = []
    regions: list[Region] = []
    unread: list[str] = []
    ended = False
    for number, line in enumerate(lines, start=first):
        where = f"{source}, line {number}"
        if day is None and (match := _NUMBER_LINE.match(line)):
            day = _day(match.group(3), match.group(2), match.group(1), where)
            if abs((issued.date() - day).days) > 1:
                raise InputError(f"{where}: issued on {day} here, on {issued.date()} in the header; expected one day")
        elif match := _SECTION.match(line):
            section, ended = match.group(1).upper(), False
            if day is None or section in seen:
                reason = f"no line 'SRS Number' above section {section}" if day is None else f"section {section} again"
                raise InputError(f"{where}: {reason}; expected one summary, of one day")
            seen.append(section)
            _check_valid(line, day, where)
        elif section is not None and day is not None and not ended:
            row = _parse_row(line, section, day)
            ended = row == "end"
            if isinstance(row, tuple):
                regions += [row[0]] if row[0] else []
                unread += [f"{where}: {what}" for what in row[1]]
    missing = [name for name in ("I", "IA", "II") if name not in seen]
    if day is None or missing:
        what = f"section {missing[0]}" if day is not None else "line 'SRS Number ... Issued at ... on'"
        raise InputError(f"{source}: no {what}; not a whole Solar Region Summary, fetch it again")
    return Summary(day, issued, tuple(regions), tuple(unread))


def _issued(lines: list[str], source: str, first: int) -> dt.datetime:
    for number, line in enumerate(lines, start=first):
        if match := _ISSUED_LINE.match(line):
            day = _day(match.group(1), match.group(2), match.group(3), f"{source}, line {number}")
            try:
                return dt.datetime.combine(day, dt.time(int(match.group(4)), int(match.group(5))))
            except ValueError as error:
                raise InputError(f"{source}, line {number}: {line!r}; expected a time of day") from error
    raise InputError(f"{source}: no line ':Issued: 2010 May 04 0030 UTC'; expected a Solar Region Summary of NOAA")


def _day(year: str, month: str, day: str, where: str) -> dt.date:
    try:
        return parse_day(year, month, day)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _check_valid(line: str, day: dt.date, where: str) -> None:
    match = _VALID.search(line)
    if match and int(match.group(1)) != (day - dt.timedelta(days=1)).day:
        raise InputError(f"{where}: locations valid at the end of day {match.group(1)}, but issued on {day}")


def _parse_row(line: str, section: str, day: dt.date) -> "tuple[Region | None, list[str]] | str":
    """Read a line inside a section.

    Returns:
        The region, if there is one, and what of the line cannot be read; or "end" where comments follow the last
        section.
    """
    text = line.strip()
    if match := _COLUMNS.match(text):
        text = match.group(1).strip()  # in 1996 the first region may stand on the line of the column names
    if not text or text.upper() == "NONE":
        return None, []
    if re.match(r"[0-9]{4,5}(\s|$)", text) is None:
        return "end" if section == "II" else (None, [f"the row {text[:40]!r}"])
    if section == "II" and not re.match(r"[0-9]{4,5}\s+[NS](?=[A-Z]*[0-9])[0-9A-Z]{1,3}(\s|$)", text, re.IGNORECASE):
        return "end"
    return region_of_words(text.split(), section, day)


def read_summaries(paths: Iterable[Path]) -> tuple[pd.DataFrame, list[Refused]]:
    """Read summaries from files, folders and tar archives (NOAA publishes a year as one), and from SWPC's JSON.

    Of two summaries of one day the one issued later counts (a corrected copy).

    Args:
        paths: `20100504SRS.txt`, a folder with such files at any depth, `2010_SRS.tar.gz`.

    Returns:
        A frame with the columns of `REGION_DTYPES`, by day and as printed, and the files that were not used.

    Raises:
        InputError: a path is missing or has no summary in it, or not one summary could be read.
    """
    latest: dict[dt.date, tuple[str, Summary]] = {}
    refused = []
    for path in paths:
        for source, found in _summaries_in(Path(path)):
            if isinstance(found, Refused):
                refused.append(found)
                continue
            other = latest.setdefault(found.day, (source, found))
            if other[1] is found:
                continue
            both = [other, (source, found)] if found.issued <= other[1].issued else [(source, found), other]
            (used, first), (unused, second) = both
            latest[found.day] = both[0]
            differ = difference(first.regions, second.regions)
            refused.append(Refused(unused, f"{unused}: another summary of {found.day}; {used} is used{differ}"))
    if not latest:
        reason = refused[0].reason if refused else "no file was named"
        raise InputError(f"no Solar Region Summary could be read; the first reason: {reason}")
    days = [latest[day] for day in sorted(latest)]
    refused += [Refused(source, reason, part=True) for source, summary in days for reason in summary.unread]
    return regions_frame(summary for _, summary in days), refused


def _summaries_in(path: Path) -> Iterator[tuple[str, Summary | Refused]]:
    """Give each summary of a path: a table of region days, SWPC's JSON, or products; a file may hold several."""
    if path.is_file() and (is_json(path) or is_region_table(path)):
        read = read_json_summaries if is_json(path) else read_region_table
        try:
            yield from ((str(path), summary) for summary in read(path))
        except InputError as error:
            yield str(path), Refused(str(path), str(error))
        return
    for source, content in products(path, "SRS.txt"):
        yield from ((source, found) for found in each_product(source, content, HEADS, parse_summary))


def is_region_table(path: Path) -> bool:
    """Tell by its first line whether a file is a table of region days: its header begins with `issued,noaa_ar`."""
    with translate_os_errors(path, "read"), path.open("rb") as file:
        return file.read(20).removeprefix(b"\xef\xbb\xbf").startswith(b"issued,noaa_ar,")


def read_region_table(path: Path) -> list[Summary]:
    """Read a table of section I of many summaries, `issued,noaa_ar,location,...`, one row a region and day.

    Columns: `issued` (UTC), `noaa_ar`, `location`, and maybe the others of `TABLE_COLUMNS`. A day without a region is
    not in it.

    Raises:
        InputError: a column or a time of issue is missing.
    """
    days: dict[dt.date, tuple[dt.datetime, list[Region], list[str]]] = {}
    for number, fields in read_text_rows(path):
        try:
            issued = dt.datetime.fromisoformat(fields.get("issued", ""))
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: issued {fields.get('issued', '')[:20]!r}; expected a time"
            ) from error
        day = issued.date()
        _, regions, unread = days.setdefault(day, (issued, [], []))
        if "location" not in fields:
            raise InputError(f"{path}: no column location; it has {', '.join(fields)[:200]}")
        words = {name: fields.get(column, "") for name, column in TABLE_COLUMNS.items()}
        region, bad = region_of(words, "I", day)
        regions += [region] if region else []
        unread += [f"{path}, line {number}: {what}" for what in bad]
    return [Summary(day, issued, tuple(regions), tuple(bad)) for day, (issued, regions, bad) in days.items()]


def read_json_summaries(path: Path) -> list[Summary]:
    """Read SWPC's `solar_regions.json` as the summaries that have the same rows (see `swpc_regions`).

    Raises:
        InputError: not that file.
    """
    found = read_solar_regions(path)
    at_issue = dt.time(0, 30)
    return [
        Summary(day, dt.datetime.combine(day, at_issue), tuple(regions), tuple(unread))
        for day, (regions, unread) in found.items()
    ]


TABLE_COLUMNS: Final = {
    "noaa_ar": "noaa_ar",
    "location": "location",
    "Lo": "carrington_longitude",
    "Area": "area",
    "Z": "mcintosh",
    "LL": "longitude_extent",
    "NN": "spots",
    "Mag Type": "mag_type",
}
"""What the columns of a summary are called in a table of region days."""


def regions_frame(summaries: Iterable[Summary]) -> pd.DataFrame:
    """Put the regions of some summaries into one table with the columns of `REGION_DTYPES`.

    A day without regions leaves one row whose `section` and `noaa_ar` are null: a day that was looked at.
    """
    rows: list[tuple[object, ...]] = []
    nothing = (None,) * len(Region._fields)
    for summary in summaries:
        rows += [(summary.day, *region) for region in summary.regions or (nothing,)]
    frame = pd.DataFrame(rows, columns=list(REGION_DTYPES), dtype=object)
    frame["day"] = pd.to_datetime(frame["day"], utc=True)
    return frame.astype(REGION_DTYPES)


def region_days(regions: pd.DataFrame, *, first: dt.date, last: dt.date) -> pd.DataFrame:
    """List the regions with spots in a period, as the published `ARList.txt` does.

    Args:
        regions: as `read_summaries` gives them.
        first: first day of the period; earlier days of a region do not count.
        last: last day of the period.

    Returns:
        `noaa_ar`, `first_day` and `days` (number of days in section I, gaps not counted), by first day and number.
    """
    day = regions["day"].dt.tz_localize(None)
    inside = (regions["section"] == "I") & day.between(pd.Timestamp(first), pd.Timestamp(last))
    spotted = regions[inside].drop_duplicates(["day", "noaa_ar"])
    table: pd.DataFrame = spotted.groupby("noaa_ar", as_index=False).agg(first_day=("day", "min"), days=("day", "size"))
    return table.sort_values(["first_day", "noaa_ar"], ignore_index=True)
