"""How are the published set's own small files written (events, regions, split lists, labels), and its AR list read?"""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.noaa import parse_day, read_lines
from flarescope.errors import InputError
from flarescope.files import write_text
from flarescope.region_numbers import full_region_number, short_region


def write_event_list(flares: pd.DataFrame, path: Path) -> None:
    """Write flares as the set's `eventList.txt`: `2010 11 11,0524,1121,C1.1`.

    Args:
        flares: `noaa_ar`, `time` (UTC, of the peak) and `flare` (GOES class).
        path: the file.
    """
    ordered = flares.sort_values(["time", "noaa_ar"])
    rows = zip(ordered["time"], ordered["noaa_ar"], ordered["flare"], strict=True)
    lines = [f"{time:%Y %m %d,%H%M},{short_region(region)},{flare}\n" for time, region, flare in rows]
    write_text(path, "".join(lines))


def write_ar_list(catalogue: pd.DataFrame, path: Path) -> None:
    """Write the set's `ARList.txt` from the days on which a catalogue has images of a region."""
    days = catalogue["time"].dt.floor("D").groupby(catalogue["noaa_ar"])
    spans = pd.DataFrame({"first_day": days.min(), "days": days.nunique()})
    write_region_days(spans.rename_axis("noaa_ar").reset_index(), path)


def write_region_days(table: pd.DataFrame, path: Path) -> None:
    """Write regions, first days and numbers of days in the form of the set's `ARList.txt`, `1064,20100501,3`.

    Args:
        table: `noaa_ar`, `first_day` and `days`, as `flarescope.catalog.noaa_regions.region_days` gives them.
        path: the file.
    """
    columns = (table["noaa_ar"], table["first_day"], table["days"])
    rows = [f"{short_region(region)},{day:%Y%m%d},{days}\n" for region, day, days in zip(*columns, strict=True)]
    write_text(path, "".join(rows))


def read_region_days(path: Path) -> list[tuple[int, dt.date, int]]:
    """Read regions, first days and numbers of days in the form of the set's `ARList.txt`.

    Returns:
        `(full NOAA number, first day, number of days)`, in the order of the file.

    Raises:
        InputError: with the line that cannot be read; no line at all.
    """
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        match = re.fullmatch(r"([0-9]{4,5}),([0-9]{4})([0-9]{2})([0-9]{2}),([1-9][0-9]{0,2}),?", line.strip())
        if match is None and line.strip():
            raise InputError(f"{path}, line {number}: {line.strip()[:40]!r}; expected a row such as '1064,20100501,3'")
        if match is not None:
            region, year, month, day, days = match.groups()
            try:
                first = parse_day(year, month, day)
            except ValueError as error:
                raise InputError(f"{path}, line {number}: {error}") from error
            rows.append((full_region_number(int(region), first), first, int(days)))
    return rows


def write_region_list(regions: Sequence[int], path: Path) -> None:
    """Write the regions of a split, one four-digit number a line, such as `List_of_AR_in_Test_Data_by_AR.csv`."""
    write_text(path, "".join(f"{short_region(region)}\n" for region in regions))


def write_labels(catalogue: pd.DataFrame, path: Path) -> None:
    """Write a labels file, `basename,label` without a header: the largest flare in the window, or `0`.

    Raises:
        InputError: what this form cannot say: an event of unknown class, a name that is not `1121/1121_...`, several
            regions of a patch.
    """
    names, events = catalogue["filename"], catalogue["label"] == 1
    basename = names.str.rsplit("/", n=1).str[-1]
    region = basename.str.extract(r"^(\d{4,5})_", expand=False)
    odd = names.ne(region + "/" + basename) | basename.str.contains(r'[,"\s]')
    classless = events & catalogue["flare"].isna()
    several = catalogue["noaa_ars"].notna() if "noaa_ars" in catalogue else pd.Series(False, index=catalogue.index)
    for wrong, reason in (
        (odd, "its name is not as 1121/1121_hmi..."),
        (classless, "the class of its flare is unknown"),
        (several, "it shows several regions"),
    ):
        if wrong.any():
            raise InputError(
                f"cannot write {path}: {names[wrong].iloc[0][:120]!r}: {reason}; a labels file cannot say that, "
                "a .parquet can"
            )
    rows = zip(basename, catalogue["flare"].where(events, "0"), strict=True)
    write_text(path, "".join(f"{name},{label}\n" for name, label in rows))
