"""Which regions does an image show, and which regions belong together because one image shows them both?

An HMI patch (SHARP) can hold several of NOAA's regions: HARP 1449 is 11429 and 11430. A catalogue names the principal
one in `noaa_ar` and all of them in `noaa_ars`. Two regions that one image shows, and any two that a chain of such
images joins, are connected: images of the one show the field of the other, so no split may part them.
"""

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.region_numbers import LARGEST

Labelling = Literal["all", "principal"]
"""By whose flares an image of several regions is labelled: those of all that it shows, or of the principal one."""


def check_labelling(regions: str) -> None:
    """Refuse another word than `Labelling` has.

    Raises:
        InputError: naming the words.
    """
    if regions not in get_args(Labelling):
        raise InputError(f"--regions {regions}: expected {' or '.join(get_args(Labelling))}")


def shown_regions(images: pd.DataFrame, *, labelling: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Pair each image with every region that it shows.

    Args:
        images: `noaa_ar`, and maybe `noaa_ars`, N rows.
        labelling: leave out the further regions of images whose labels are of the principal one only
            (`principal_only`).

    Returns:
        Positions of rows and full region numbers, int64; the principal regions come first, then the further ones. An
        image without a region is in no pair.
    """
    known = np.flatnonzero(images["noaa_ar"].notna().to_numpy())
    principal = images["noaa_ar"].iloc[known].to_numpy(dtype=np.int64)
    if "noaa_ars" not in images:
        return known, principal
    several = images["noaa_ars"].notna()
    if labelling and "principal_only" in images:
        several &= images["principal_only"].ne(1).fillna(True)
    texts = images["noaa_ars"].reset_index(drop=True)[several.to_numpy(dtype=bool)]
    further = texts.str.split(",").str[1:].explode().dropna()
    rows = np.concatenate([known, further.index.to_numpy(dtype=np.int64)])
    return rows, np.concatenate([principal, further.to_numpy(dtype=np.int64)])


def region_sets(images: pd.DataFrame, *, labelling: bool = False) -> np.ndarray:
    """Number the sets of regions that images show: images of the very same regions have one number.

    Args:
        images: `noaa_ar`, and maybe `noaa_ars`, N rows.
        labelling: as in `shown_regions`.

    Returns:
        `(N,)` int64: the region itself where there is one, a number above every region's where there are several, -1
        where there is none.
    """
    numbers = images["noaa_ar"].fillna(-1).to_numpy(dtype=np.int64)
    several = np.flatnonzero(np.bincount(shown_regions(images, labelling=labelling)[0], minlength=len(images)) > 1)
    if len(several):
        codes, texts = pd.factorize(images["noaa_ars"].iloc[several])
        sets = pd.factorize(np.array([",".join(sorted(text.split(","))) for text in texts]))[0]
        numbers[several] = LARGEST + 1 + sets[codes]
    return numbers


def all_regions(images: pd.DataFrame) -> list[int]:
    """List every region that some image shows, rising."""
    return np.unique(shown_regions(images)[1]).tolist()  # type: ignore[no-any-return]


def connected_regions(tables: Iterable[pd.DataFrame]) -> dict[int, int]:
    """Find the regions that images join.

    Returns:
        region -> the smallest number of those that it is connected with; only regions that are connected with others.
    """
    parents: dict[int, int] = {}
    for table in tables:
        if "noaa_ars" not in table:
            continue
        for text in table["noaa_ars"].dropna().unique():
            first, *others = (_root(parents, int(number)) for number in text.split(","))
            for other in others:
                low, high = sorted((_root(parents, first), _root(parents, other)))
                parents[high] = low
    return {region: _root(parents, region) for region in parents}


def _root(parents: dict[int, int], region: int) -> int:
    """Give the smallest region of a group, and shorten the way to it."""
    path = []
    while parents.setdefault(region, region) != region:
        path.append(region)
        region = parents[region]
    for each in path:
        parents[each] = region
    return region


def region_groups(images: pd.DataFrame, connected: dict[int, int] | None = None) -> "pd.Series[int]":
    """Name the group of connected regions that each image is of, by its smallest region.

    Args:
        images: `noaa_ar`, and maybe `noaa_ars`, N rows.
        connected: as `connected_regions` gives it, where other tables join regions too; by default of these images.

    Returns:
        `(N,)` Int32 with the index of the images, null where there is no region; `noaa_ar` itself where no image shows
        two.
    """
    groups = connected_regions([images]) if connected is None else connected
    regions = images["noaa_ar"].astype("Int32")
    return (
        regions.map(lambda region: groups.get(region, region), na_action="ignore").astype("Int32")
        if groups
        else regions
    )
