"""How are the published set's own small files written: event list, AR list, split lists, labels?"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.boucheron import NOAA_OFFSET
from flarescope.files import write_text


def write_event_list(flares: pd.DataFrame, path: Path) -> None:
    """Write flares as the set's `eventList.txt`: `2010 11 11,0524,1121,C1.1`.

    Args:
        flares: `noaa_ar`, `time` (UTC, of the peak) and `flare` (GOES class).
        path: the file.
    """
    ordered = flares.sort_values(["time", "noaa_ar"])
    rows = zip(ordered["time"], ordered["noaa_ar"], ordered["flare"], strict=True)
    lines = [f"{time:%Y %m %d,%H%M},{region - NOAA_OFFSET},{flare}\n" for time, region, flare in rows]
    write_text(path, "".join(lines))


def write_ar_list(catalogue: pd.DataFrame, path: Path) -> None:
    """Write the set's `ARList.txt`, `1064,20100501,3`: region, first day, number of days with an image."""
    days = catalogue["time"].dt.floor("D").groupby(catalogue["noaa_ar"])
    spans = pd.DataFrame({"first": days.min(), "days": days.nunique()})
    lines = [f"{int(str(ar)) - NOAA_OFFSET},{row.first:%Y%m%d},{row.days}\n" for ar, row in spans.iterrows()]
    write_text(path, "".join(lines))


def write_region_list(regions: Sequence[int], path: Path) -> None:
    """Write the regions of a split, one four-digit number a line, such as `List_of_AR_in_Test_Data_by_AR.csv`."""
    write_text(path, "".join(f"{region - NOAA_OFFSET}\n" for region in regions))


def write_labels(catalogue: pd.DataFrame, path: Path) -> None:
    """Write a labels file, `basename,label` without a header: the largest flare in the window, or `0`."""
    rows = zip(catalogue["filename"].str.rsplit("/", n=1).str[-1], catalogue["flare"].fillna("0"), strict=True)
    write_text(path, "".join(f"{name},{label}\n" for name, label in rows))
