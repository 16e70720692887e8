"""What does one row of a Solar Region Summary say of a region, and which of its words cannot be read?"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from flarescope.catalog.noaa import parse_region

COLUMNS: Final = {
    "I": ("Lo", "Area", "Z", "LL", "NN", "Mag Type"),
    "IA": ("Lo",),
    "II": ("Lo",),
}
"""What stands behind number and location in a row of each section, by the names that NOAA prints above."""

_PATTERNS: Final = {
    "Lo": re.compile("[0-9]{1,3}"),
    "Area": re.compile("[0-9]{1,5}"),
    "Z": re.compile("[A-Z]{3}", re.IGNORECASE),
    "LL": re.compile("[0-9]{1,3}"),
    "NN": re.compile("[0-9]{1,4}"),
    "Mag Type": re.compile("[A-Z]+(-[A-Z]+)*", re.IGNORECASE),
}
_LOCATION: Final = re.compile(r"([NS])([0-9]{2})(?:([EW])([0-9]{2,3}))?", re.IGNORECASE)


class Region(NamedTuple):
    """One row of a summary; the fields are `noaa_regions.REGION_DTYPES` after `day`."""

    section: str
    noaa_ar: int
    latitude_deg: float | None
    longitude_deg: float | None
    carrington_deg: int | None
    area_msh: int | None
    mcintosh: str | None
    extent_deg: int | None
    spots: int | None
    hale: str | None


def region_of_words(words: Sequence[str], section: str, day: dt.date) -> tuple[Region | None, list[str]]:
    """Read the words of a row.

    Args:
        words: number, location, and what `COLUMNS` names.
        section: I, IA or II.
        day: of the summary.

    Returns:
        The region, and what cannot be read, such as `NN 'none'`; its field is null.
    """
    number, location, *rest = [*words, ""][: max(len(words), 2)]
    if section != "I":  # a plage may carry a comment: the column stands in the summaries of 1996
        rest = rest[:1] if rest and rest[0][0].isdecimal() else []
    names = COLUMNS[section]
    if section == "I" and len(rest) != len(names):
        known = _by_their_looks(rest)
        region, unread = region_of({"noaa_ar": number, "location": location, **known}, section, day)
        return region, [*unread, f"{' '.join(rest)[:40]!r} as {', '.join(names)}"]
    return region_of({"noaa_ar": number, "location": location, **dict(zip(names, rest, strict=False))}, section, day)


def _by_their_looks(words: Sequence[str]) -> dict[str, str]:
    """Tell the words of a row that has too few or too many: those that can be one thing alone."""
    classes = [word for word in words if re.fullmatch("[A-HK][XRSAHK][XOIC]", word, re.IGNORECASE)]
    types = [word for word in words if re.fullmatch("(ALPHA|BETA|GAMMA|DELTA|-)+", word, re.IGNORECASE)]
    return {name: found[0] for name, found in (("Z", classes), ("Mag Type", types)) if len(found) == 1}


def region_of(words: Mapping[str, str], section: str, day: dt.date) -> tuple[Region | None, list[str]]:
    """Read the words of a row by their columns; a blank is a value that is not there.

    Args:
        words: of `noaa_ar`, `location` and the columns of `COLUMNS`.
        section: I, IA or II.
        day: of the summary.

    Returns:
        The region, None where its number cannot be read; and what cannot be read.
    """
    try:
        number = parse_region(words["noaa_ar"], day)
    except ValueError:
        number = None
    if number is None:
        return None, [f"the row of region {words['noaa_ar'][:20]!r}"]
    latitude, longitude = _place(words["location"], section)
    unread = [] if latitude is not None else [f"location {words['location'][:20]!r}"]
    found: dict[str, str | None] = {}
    for name in COLUMNS[section]:
        word = words.get(name, "").strip()
        good = _PATTERNS[name].fullmatch(word) and not (name == "Lo" and int(word) > 360)
        found[name] = word if good else None
        unread += [f"{name} {word[:20]!r}"] if word and not good else []
    mcintosh, hale = found.get("Z"), found.get("Mag Type")
    lo, area, extent, spots = (None if (text := found.get(name)) is None else int(text) for name in _COUNTS)
    return (
        Region(
            section,
            number,
            latitude,
            longitude,
            lo,
            area,
            mcintosh.capitalize() if mcintosh else None,
            extent,
            spots,
            hale.title() if hale and hale.upper() != "NONE" else None,
        ),
        unread,
    )


_COUNTS: Final = ("Lo", "Area", "LL", "NN")


def _place(text: str, section: str) -> tuple[float | None, float | None]:
    """Read a location such as `N27W05`, of section II `N27` alone, as degrees north and west; null where it is none."""
    match = _LOCATION.fullmatch(text.strip())
    if match is None or (match.group(3) is None) != (section == "II"):
        return None, None
    north, west = float(match.group(2)), float(match.group(4) or 0)
    if north > 90 or west > 180:
        return None, None
    latitude = -north if match.group(1).upper() == "S" else north
    if match.group(3) is None:
        return latitude, None
    return latitude, -west if match.group(3).upper() == "E" else west


def difference(used: Sequence[Region], unused: Sequence[Region]) -> str:
    """Say how another summary of one day differs from the one that is used; empty where their regions agree.

    Args:
        used: the regions of the one.
        unused: those of the other.
    """
    one, two = ({row.noaa_ar: row for row in rows if row.section == "I"} for rows in (used, unused))
    changed = [number for number in one if number in two and one[number] != two[number]]
    said = {
        "regions there alone": [number for number in two if number not in one],
        "regions not there": [number for number in one if number not in two],
        "rows that differ": changed,
    }
    parts = [f"{what}: {', '.join(map(str, numbers[:5]))}" for what, numbers in said.items() if numbers]
    return "".join(f"; {part}" for part in parts)
