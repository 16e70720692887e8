"""Which images are for training, which for choosing, which for the final test?

Images of one region are nearly copies of one another: a region on both sides makes a score look better than it is.
Every way of splitting here keeps a region on one side, with those that some image shows beside it
(`flarescope.connected`). A row whose `split` is null is left out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from flarescope.catalog.boucheron import assign_splits, require_regions
from flarescope.connected import all_regions, connected_regions, region_groups
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.seeds import check_seed
from flarescope.several_events import COLUMN, LABEL
from flarescope.tables import SPLITS


def check_split(split: str) -> None:
    """Refuse another word than those of `tables.SPLITS`.

    Raises:
        InputError: naming the words.
    """
    if split not in SPLITS:
        raise InputError(f"--split {split}: expected one of {', '.join(SPLITS)}")


def shared_regions(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], list[int]]:
    """Find the regions that stand in more than one table, or that an image of any of the tables joins across two.

    Args:
        tables: name of a split -> rows with `noaa_ar`, and maybe `noaa_ars`; null regions are passed over.

    Returns:
        `(first, second)` -> the sorted NOAA numbers in both, and those in one that are connected with others in the
        other; pairs that share none are left out.
    """
    connected = connected_regions(tables.values())
    regions = {name: set(all_regions(table)) for name, table in tables.items()}
    groups = {name: {connected.get(region, region) for region in held} for name, held in regions.items()}
    shared = {}
    for first, second in combinations(regions, 2):
        both = regions[first] & regions[second]
        # Of a group of which one region is in both tables, the others say nothing more.
        parted = (groups[first] & groups[second]) - {connected.get(region, region) for region in both}
        joined = {region for region in regions[first] | regions[second] if connected.get(region, region) in parted}
        if both | joined:
            shared[first, second] = sorted(both | joined)
    return shared


def check_disjoint(
    tables: Mapping[str, pd.DataFrame], advice: str = "split by region, or go on with --allow-overlap"
) -> None:
    """Refuse splits that share a region.

    Args:
        tables: as of `shared_regions`.
        advice: what to do, for whoever has no such option.

    Raises:
        InputError: names the splits and the regions.
    """
    for (first, second), regions in shared_regions(tables).items():
        shown = ", ".join(map(str, regions[:8])) + (f" and {len(regions) - 8} more" if len(regions) > 8 else "")
        raise InputError(
            f"{len(regions)} region{'s' if len(regions) > 1 else ''} in both {first} and {second}: {shown}"
            f"{_joined(regions, tables[first], tables[second])}; {advice}"
        )


def _joined(regions: Sequence[int], first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Say where a region stands in one table alone, and an image that shows it with others joins it to the other."""
    alone = set(regions) - (set(all_regions(first)) & set(all_regions(second)))
    return " (one image shows two of them)" if alone else ""


def split_by_lists(catalogue: pd.DataFrame, lists: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Split by lists of regions, such as the published ones (`flarescope.catalog.region_lists.read_region_lists`).

    Args:
        catalogue: catalogue columns; the old `split` is replaced. Images of connected regions that the lists put into
            different splits are left out.
        lists: split -> full NOAA numbers. Without `train`, regions in neither other list are train, as the published
            tables were made; with it, regions in no list (other years) are left out.

    Raises:
        InputError: a region in two lists, or of unknown number.
    """
    require_regions({"the catalogue": catalogue})
    members = {split: pd.DataFrame({"noaa_ar": list(lists.get(split, ()))}, dtype="int64") for split in SPLITS}
    check_disjoint(members, "let each region stand in one list")
    places = assign_splits(
        pd.DataFrame({"noaa_ar": all_regions(catalogue)}),
        test=list(lists.get("test", ())),
        validation=list(lists.get("validation", ())),
    )
    if "train" in lists:
        nowhere = (places["split"] == "train") & ~places["noaa_ar"].isin(lists["train"])
        places["split"] = places["split"].mask(nowhere)
    connected = connected_regions([catalogue])
    group = places["noaa_ar"].map(lambda region: connected.get(region, region))
    held = places.assign(group=group).groupby("group")["split"].agg(["nunique", "first"])
    split = region_groups(catalogue, connected).map(held["first"].where(held["nunique"] == 1))
    return catalogue.assign(split=split.astype("str"))


def split_by_region(
    catalogue: pd.DataFrame, *, fractions: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0
) -> pd.DataFrame:
    """Split at random by region, regions that ever flare and regions that never do in the same proportions.

    The split of a region depends on the seed and on which regions there are, not on the order of rows.

    Args:
        catalogue: catalogue columns; the old `split` is replaced.
        fractions: of the regions for train, validation and test; they sum to 1 (the published set: 0.8, 0.1, 0.1).
        seed: any whole number from 0 on.

    Raises:
        InputError: fractions that are none, a region of unknown number, or too few regions for a split.
    """
    if len(fractions) != len(SPLITS) or not all(0 <= f <= 1 for f in fractions) or abs(sum(fractions) - 1) > 1e-6:
        raise InputError(f"fractions {', '.join(map(str, fractions))}; expected three from 0 to 1 with the sum 1")
    part = _deal_regions(catalogue, np.asarray(fractions, dtype=float), seed)
    for number, (split, fraction) in enumerate(zip(SPLITS, fractions, strict=True)):
        if fraction > 0 and not (part == number).any():
            raise InputError(
                f"{counted(len(part), 'region is', 'regions are')} too few: none is left for {split} at {fraction:g}"
            )
    names = pd.Series(np.array(SPLITS, dtype=object)[part.to_numpy()], index=part.index)
    return catalogue.assign(split=region_groups(catalogue).map(names).astype("str"))


def folds_by_region(catalogue: pd.DataFrame, *, folds: int = 5, seed: int = 0) -> "pd.Series[int]":
    """Deal the regions into folds of equal size, flaring and quiet ones in the same proportions.

    Returns:
        `(N,)` Int8, the fold of each row, 0 to `folds` - 1, with the index of the catalogue.

    Raises:
        InputError: fewer than two folds, more folds than regions, or a region of unknown number.
    """
    if not 2 <= folds <= 100:
        raise InputError(f"{counted(folds, 'fold')}; expected 2 to 100")
    fold = _deal_regions(catalogue, np.full(folds, 1 / folds), seed)
    if len(fold) < folds:
        raise InputError(f"{folds} folds of {counted(len(fold), 'region')}; expected at most one fold a region")
    return region_groups(catalogue).map(fold).astype("Int8")


def split_by_fold(
    catalogue: pd.DataFrame, fold: "pd.Series[int]", *, test: int, validation: int | None = None
) -> pd.DataFrame:
    """Make one fold the test, the next one (or `validation`) the validation and the others the training set.

    Args:
        catalogue: catalogue columns; the old `split` is replaced.
        fold: of each row, as `folds_by_region` gives it.
        test: number of the fold that tests.
        validation: number of the fold that validates; by default the one after `test`, the first after the last.
    """
    folds = int(fold.max()) + 1
    chosen = (test + 1) % folds if validation is None else validation
    if not (0 <= test < folds and 0 <= chosen < folds) or test == chosen:
        raise InputError(f"test fold {test}, validation fold {chosen}; expected two different ones, 0 to {folds - 1}")
    split = pd.Series("train", index=catalogue.index, dtype="str")
    return catalogue.assign(split=split.mask(fold == test, "test").mask(fold == chosen, "validation"))


def _deal_regions(catalogue: pd.DataFrame, shares: np.ndarray, seed: int) -> "pd.Series[int]":
    """Deal regions out: each one, flaring ones first, to the part that lacks most of its share so far.

    Both kinds, and all regions together, then divide as the shares say, to about one region. Connected regions are
    dealt as one, under the smallest of their numbers, and count as many as they are.
    """
    check_seed(seed)
    require_regions({"the catalogue": catalogue})
    connected = connected_regions([catalogue])
    flares = catalogue["label"].eq(1).groupby(region_groups(catalogue, connected)).any().sort_index()
    sizes = Counter(connected.values())
    generator = np.random.default_rng(seed)
    kinds = [flares.index[flares.to_numpy() == kind].to_numpy(dtype=np.int64) for kind in (True, False)]
    order = np.concatenate([kind[generator.permutation(len(kind))] for kind in kinds])
    dealt = np.zeros(len(shares))
    part = np.zeros(len(order), dtype=np.int64)
    for number in range(len(order)):
        size = sizes.get(int(order[number]), 1)
        part[number] = np.argmax(shares * (dealt.sum() + size) - dealt)
        dealt[part[number]] += size
    return pd.Series(part, index=order)


def split_by_time(
    catalogue: pd.DataFrame,
    *,
    validation_from: pd.Timestamp,
    test_from: pd.Timestamp,
    gap_hours: float,
    keep_straddling: bool = False,
) -> pd.DataFrame:
    """Split by time: train, then validation, then test, with a gap before each boundary.

    Left out are images less than the gap before a boundary, so that no label looks across it, and, unless asked for,
    the images of a region after a boundary that it crosses, so that no region stands on both sides.

    Args:
        catalogue: catalogue columns with times; the old `split` is replaced.
        validation_from: first instant (UTC) of the validation set.
        test_from: first instant (UTC) of the test set.
        gap_hours: at least latency + window of the labels.
        keep_straddling: keep a region's images on both sides, as where images show the whole disk.

    Raises:
        InputError: boundaries out of order, a gap below 0, images without time, or a split left empty.
    """
    first, second = (in_utc(time) for time in (validation_from, test_from))
    if not (first <= second and 0 <= gap_hours < 1e5):
        raise InputError(f"validation from {first}, test from {second}, gap {gap_hours} h; expected rising times")
    time, gap = catalogue["time"], pd.Timedelta(hours=gap_hours)
    if time.isna().any():
        raise InputError(f"{catalogue['filename'][time.isna()].iloc[0]!r} has no time; expected one for each image")
    split = pd.Series(None, index=catalogue.index, dtype="str")
    split = split.mask(time + gap <= first, "train").mask((time >= first) & (time + gap <= second), "validation")
    split = split.mask(time >= second, "test")
    if not keep_straddling:
        require_regions({"the catalogue": catalogue})
        number = split.map({name: position for position, name in enumerate(SPLITS)}).astype("float64")
        split = split.where(number == number.groupby(region_groups(catalogue)).transform("min"))
    for name, wanted in zip(SPLITS, (True, first < second, True), strict=True):
        if wanted and not (split == name).any():
            raise InputError(f"no image is left for {name}; images run from {time.min()} to {time.max()}")
    return catalogue.assign(split=split)


def in_utc(time: pd.Timestamp) -> pd.Timestamp:
    """Give a time in UTC; one without a zone is taken for UTC."""
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def count_splits(catalogue: pd.DataFrame) -> pd.DataFrame:
    """Count images, flaring images and regions of each split, and of the rows left out.

    Returns:
        Index `train`, `validation`, `test`, `left out`; columns `images`, `flaring`, of a table of several events
        one for each, such as `flaring M1.0_24h` (`flaring` is of the first), and `regions`, int.
    """
    name = catalogue["split"].fillna("left out")
    groups = catalogue.assign(split=name).groupby("split")
    of_each = [column for column in catalogue.columns if str(column).startswith(LABEL) and COLUMN.fullmatch(column)]
    flaring = {f"flaring {column.removeprefix(LABEL)}": groups[column].sum() for column in of_each}
    table = pd.DataFrame(
        {"images": groups.size(), "flaring": groups["label"].sum(), **flaring, "regions": groups["noaa_ar"].nunique()}
    )
    return table.reindex([*SPLITS, "left out"]).fillna(0).astype("int64")
