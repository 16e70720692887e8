"""Which summaries and flares do some paths hold, joined and told apart, with digests of what was read?"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.flux_scales import on_two_scales, with_stated_scale
from flarescope.catalog.noaa import Refused
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList, flare_numbers, join_lists
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.catalog.swpc_flares import LASTING
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import FluxScale
from flarescope.files import sha256_of
from flarescope.progress import Reporter

_SHOWN = 3
Described = Mapping[str, Any]


@dataclass(frozen=True)
class Inputs:
    """What a forecast is made from.

    Attributes:
        regions: `catalog.noaa_regions.REGION_DTYPES`.
        flares: all lists joined, each flare once; None where none was given or could be read.
        data: `regions` and `flares`, of each path its `name` and `sha256` (of a folder that of its files and their
            names).
        notes: what is to be said of them, a line each.
    """

    regions: pd.DataFrame
    flares: FlareList | None
    data: Mapping[str, Sequence[Described]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    __repr__ = brief


def read_inputs(
    regions: Sequence[str | Path],
    flares: Sequence[str | Path] = (),
    *,
    flux_scale: FluxScale | None = None,
    each_needed: bool = True,
    reporter: Reporter | None = None,
) -> Inputs:
    """Read summaries and flares in any form that the catalogue's readers know.

    Args:
        regions: summaries, folders and archives of them, tables of region days, SWPC's `solar_regions.json`.
        flares: event reports, folders and archives of them, lists, tables, SWPC's JSON; of a flare that stands in
            several the row that names a region counts.
        flux_scale: of lists that do not say theirs.
        each_needed: whether a flare list that cannot be read is refused; else it is named and left out.
        reporter: hears what was not used.

    Raises:
        InputError: not one summary can be read, or a flare list that is needed.
    """
    reporter = reporter or Reporter()
    table, refused = read_summaries(Path(path) for path in regions)
    lists, unread = _lists(flares, flux_scale, each_needed)
    notes = _told([*refused, *unread, *(file for each in lists for file in each.refused)], reporter)
    joined = join_flare_lists(lists) if lists else None
    if joined is not None:
        notes += _remarks(lists, joined, reporter)
    data = {"regions": described(regions, "SRS.txt"), "flares": described(flares, "events.txt")}
    return Inputs(table, joined, data, tuple(notes))


def _lists(
    paths: Sequence[str | Path], flux_scale: FluxScale | None, each_needed: bool
) -> tuple[list[FlareList], list[Refused]]:
    lists, unread = [], []
    for path in paths:
        try:
            lists.append(with_stated_scale(read_flares(Path(path)), flux_scale))
        except InputError as error:
            if each_needed:
                raise
            unread.append(Refused(str(path), str(error)))
    return lists, unread


def join_flare_lists(lists: Sequence[FlareList]) -> FlareList:
    """Join lists so that each flare stands there once, with its region where any list names it.

    The result covers what the lists with regions cover: by one without, as GOES' own, nobody could tell how a region
    flared. Its flares count for the whole disk all the same.
    """
    kept = [each if each.names_regions else replace(each, covered=()) for each in lists]
    joined = join_lists(kept)
    return joined if len(lists) < 2 else replace(joined, table=_each_once(joined.table))


def _each_once(table: pd.DataFrame) -> pd.DataFrame:
    """Leave of the rows of one flare those that name a region, of each region the first; else the first row."""
    timed = table[table["time"].notna()]
    number = flare_numbers(timed)
    named = timed["noaa_ar"].notna()
    any_named = named.groupby(number).transform("any")
    again = pd.DataFrame({"number": number, "noaa_ar": timed["noaa_ar"]}).duplicated()
    left = timed[(named | ~any_named) & ~again]
    return pd.concat([left, table[table["time"].isna()]]).sort_index().reset_index(drop=True)


def _remarks(lists: Sequence[FlareList], joined: FlareList, reporter: Reporter) -> list[str]:
    """Say what of the flares changes the forecast's meaning."""
    said = []
    if not joined.names_regions:
        said.append(
            "no flare list names regions (GOES' own does not): how each flared before is not known; event reports, or "
            "edited_events.json, name them"
        )
    twice = on_two_scales(joined.table)
    if len(twice):
        said.append(f"{counted(len(twice), 'flare stands', 'flares stand')} in the lists on both flux scales")
    lasting = joined.table["quality"].fillna("").str.contains(LASTING, regex=False)
    if lasting.any():
        which = ", ".join(joined.table.loc[lasting, "flare"])
        said.append(f"in progress, with the largest class so far: {which}")
    for text in said:
        reporter.warn(text)
    return said


def _told(refused: Sequence[Refused], reporter: Reporter) -> list[str]:
    """Say what was not used, the first few by name; give the same lines with files' names alone."""
    lines = []
    for part, begin in ((False, "not used: "), (True, "cannot be read and left out: ")):
        some = [file for file in refused if file.part == part]
        for file in some[:_SHOWN]:
            reporter.warn(f"{begin}{file.reason}")
            lines.append(begin + file.reason.replace(str(Path(file.path).parent) + "/", ""))
        if len(some) > _SHOWN:
            lines.append(f"{begin}{counted(len(some) - _SHOWN, 'more', 'more')}")
            reporter.warn(lines[-1])
    return lines


def described(paths: Iterable[str | Path], ending: str) -> list[Described]:
    """Name each path with its digest: a file's own, a folder's of its files' digests and names.

    Args:
        paths: files and folders.
        ending: of the files in a folder that count.
    """
    found: list[Described] = []
    for path in map(Path, paths):
        if path.is_file():
            found.append({"name": path.name, "sha256": sha256_of(path)})
            continue
        files = sorted(path.rglob(f"*{ending}"))
        listing = "".join(f"{sha256_of(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
        digest = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
        found.append({"name": path.name, "files": len(files), "sha256": digest})
    return found
