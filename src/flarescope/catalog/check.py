"""What about this catalogue would make skill look better than it is, or is plainly wrong?

Each check is a pure function from tables to findings; `find_problems` runs those for which the tables are at hand.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from flarescope.catalog.boucheron import CSV_NAMES
from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.labels import label_by
from flarescope.catalog.leaks import (
    Finding,
    flares_on_both_sides,
    neighbours_on_both_sides,
    regions_on_both_sides,
    rows_near_other_splits,
    same_images,
    shown,
    windows_across,
)
from flarescope.catalog.near import near_copies
from flarescope.catalog.noaa_flares import FlareList
from flarescope.catalog.splits import count_splits
from flarescope.counted import counted
from flarescope.events import EventDefinition
from flarescope.tables import SPLITS

PUBLISHED_COUNTS: Final = {
    "train": (759_357, 149_249, 1_256),
    "validation": (95_933, 19_791, 157),
    "test": (94_757, 21_542, 157),
}
"""Images, flaring images and regions of the published PNG set (Boucheron et al. 2023, Sci. Data 10, 825)."""


def find_problems(
    catalogue: pd.DataFrame,
    *,
    rule: EventDefinition,
    flares: FlareList | None = None,
    regions: pd.DataFrame | None = None,
    digests: pd.DataFrame | None = None,
    signatures: np.ndarray | None = None,
    published: bool = False,
) -> list[Finding]:
    """Run every check for which the tables are at hand.

    Args:
        catalogue: catalogue columns; rows whose `split` is null are not compared.
        rule: how the labels were made.
        flares: the list from which they were made; to find flares on both sides and labels that do not follow from it.
        regions: Solar Region Summaries; to find neighbours whose cut-outs overlap.
        digests: `filename` and `digest` of the image files, equal where two images are the same.
        signatures: `(len(digests), D)`, what each of these files looks like (see `near`); to find near copies.
        published: whether the catalogue claims to be the published PNG set, or one of its three tables.

    Returns:
        Findings, errors first; none for a clean catalogue.
    """
    split = catalogue[catalogue["split"].notna()].reset_index(drop=True)
    disk = rule.scope == "disk"
    found = [
        *(rows_near_other_splits(split, rule) if disk else regions_on_both_sides(split)),
        *(() if disk else windows_across(split, rule)),
        *duplicates(catalogue, disk=disk),
        *misplaced_rows(catalogue, disk=disk),
        *mismatched_labels(catalogue, rule, flares),
        *(flares_on_both_sides(split, flares, rule) if flares is not None and not disk else ()),
        *(neighbours_on_both_sides(split, regions) if regions is not None and not disk else ()),
        *(same_images(catalogue, digests) if digests is not None else ()),
        *(near_copies(split, digests, signatures) if digests is not None and signatures is not None else ()),
        *(published_counts(catalogue) if published else ()),
    ]
    return sorted(found, key=lambda finding: finding.severity != "error")


def duplicates(catalogue: pd.DataFrame, *, disk: bool = False) -> list[Finding]:
    """Find images named twice, and regions, or the whole disk, seen twice at one time under different names."""
    again = catalogue["filename"].duplicated()
    known = catalogue["time"].notna() & (catalogue["noaa_ar"].notna() | disk)
    twice = catalogue.duplicated(["time"] if disk else ["noaa_ar", "time"]) & known & ~again
    seen = "the disk" if disk else "a region"
    found = []
    for rows, words in (
        (again, ("is named more than once", "are named more than once")),
        (twice, (f"shows {seen} at a time that another one shows", f"show {seen} at a time that another one shows")),
    ):
        if rows.any():
            names = catalogue["filename"][rows]
            what = counted(len(names), f"image {words[0]}", f"images {words[1]}")
            found.append(Finding("error", what, shown(names), "keep one of each", len(names)))
    return found


def misplaced_rows(catalogue: pd.DataFrame, *, disk: bool = False) -> list[Finding]:
    """Find rows that no check can place, and rows whose file name speaks of another region or time.

    Images of the whole disk (`disk`) have no region.
    """
    found = []
    unknown = catalogue[catalogue["time"].isna() | (catalogue["noaa_ar"].isna() & (not disk))]
    if len(unknown):
        have = counted(len(unknown), "image has", "images have")
        lacking, fill = ("no time", "fill time") if disk else ("no region or no time", "fill noaa_ar and time")
        what = f"{have} {lacking}; leaks among them cannot be found"
        found.append(Finding("warning", what, shown(unknown["filename"]), fill, len(unknown)))
    named = region_and_time(catalogue["filename"])
    for column, word in (("noaa_ar", "region"), ("time", "time")):
        other = (named[column] != catalogue[column]).fillna(False) & named[column].notna() & catalogue[column].notna()
        rows = catalogue[other.to_numpy(dtype=bool)]
        if len(rows):
            have = counted(len(rows), "image has", "images have")
            what = f"{have} another {word} in the file name than in the column {column}"
            found.append(Finding("error", what, shown(rows["filename"]), f"correct {column}", len(rows)))
    return found


def mismatched_labels(catalogue: pd.DataFrame, rule: EventDefinition, flares: FlareList | None) -> list[Finding]:
    """Find labels that contradict the flare beside them, or the flare list that they claim to come from."""
    found = []
    named = catalogue["flare"].notna()
    enough = pd.Series(False, index=catalogue.index)
    enough[named] = rule.counts(catalogue["flare"][named])
    positive = catalogue["label"] == 1
    unnamed = ~named & positive if named.any() else ~named & named  # a table may leave the flares out altogether
    bad = catalogue[(named & (enough != positive)) | unnamed]
    if len(bad):
        what = f"the labels of {counted(len(bad), 'image')} contradict the flare beside them at {rule.threshold}"
        found.append(Finding("error", what, shown(bad["filename"]), "label again, with the threshold meant", len(bad)))
    if flares is not None:
        known = catalogue.dropna(subset=["time"] if rule.scope == "disk" else ["noaa_ar", "time"])
        differ = known[(label_by(known, flares.table, rule)["label"] != known["label"]).to_numpy(dtype=bool)]
        if len(differ):
            what = f"{counted(len(differ), 'label does', 'labels do')} not follow from the flare list ({rule})"
            found.append(Finding("error", what, shown(differ["filename"]), "label again by this list", len(differ)))
    return found


def claimed_split(path: Path) -> str | None:
    """Tell which table of the published PNG set a file claims to be by its name; None for any other name."""
    return next((split for split, (name, _) in CSV_NAMES.items() if path.name.lower() == name.lower()), None)


def published_counts(catalogue: pd.DataFrame) -> list[Finding]:
    """Compare images, flaring images and regions with those of the published PNG set, for each split that is there."""
    counts = count_splits(catalogue)
    found = []
    for split in [name for name in SPLITS if counts["images"][name]]:
        for column, expected in zip(("images", "flaring", "regions"), PUBLISHED_COUNTS[split], strict=True):
            count = int(counts[column][split])
            if count != expected:
                what = f"{split} has {count:,} {column}; the published set has {expected:,}"
                advice = f"fetch {CSV_NAMES[split][0]} again, or do not call this the published set"
                found.append(Finding("error", what, f"split {split}", advice, abs(count - expected)))
    return found
