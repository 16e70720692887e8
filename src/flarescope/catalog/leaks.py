"""What stands on both sides of a split, so that skill looks better than it is?

Each check is a pure function from tables to findings. Rows whose `split` is null are not compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.apart import hours_ahead, near_spans, time_spans
from flarescope.catalog.noaa_flares import FlareList, flare_numbers
from flarescope.catalog.splits import shared_regions
from flarescope.connected import connected_regions, region_groups, shown_regions
from flarescope.counted import counted
from flarescope.events import EventDefinition
from flarescope.tables import SPLITS
from flarescope.windows import compared_times, span

NEAR_DEGREES: Final = 6.0
"""Two regions nearer than this share two thirds of their cut-outs: 600 pixels of 0.5 arc seconds are 18 degrees at disk
centre. In 2010-2013, 11 pairs of regions on both sides of the published split lie so near, on 27 days in all."""


@dataclass(frozen=True)
class Finding:
    """Something wrong, or worth knowing.

    Attributes:
        severity: `error` where skill would be overstated or a row is wrong, `warning` where it may be.
        what: what was found, in one line.
        where: the first rows, regions or splits that show it.
        advice: what to do.
        count: of images (or what `what` counts).
    """

    severity: Literal["error", "warning"]
    what: str
    where: str = field(repr=False)
    advice: str = field(repr=False)
    count: int

    __repr__ = brief


def sides(split: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Give the names and the rows of each two splits that have rows."""
    tables = {name: split[split["split"] == name] for name in SPLITS}
    for first, second in combinations([name for name in SPLITS if len(tables[name])], 2):
        yield first, second, tables[first], tables[second]


def shown(values: Iterable[object], most: int = 3) -> str:
    """List the first few of some values, and say how many more there are."""
    listed = [str(value) for value in values]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def regions_on_both_sides(split: pd.DataFrame) -> list[Finding]:
    """Find regions in two splits, and how many images have a near copy, an hour or less away, on the other side."""
    found = []
    connected = connected_regions([split])
    grouped = split.assign(group=region_groups(split, connected))
    for (first, second), shared in shared_regions({name: split[split["split"] == name] for name in SPLITS}).items():
        members = grouped[grouped["group"].isin([connected.get(region, region) for region in shared])]
        a, b = (members[members["split"] == name] for name in (first, second))
        where = shown(list(shared))
        found.append(
            Finding(
                "error",
                f"{counted(len(shared), 'region stands', 'regions stand')} in both {first} and {second}",
                where,
                "split by region",
                len(shared),
            )
        )
        near = int((_hours_to_nearest(b, a) <= 1).sum())
        if near:
            have = counted(near, f"image of {second} has", f"images of {second} have")
            what = f"{have} an image of the same region within an hour in {first}: near copies"
            found.append(Finding("error", what, where, "split by region, not by image", near))
    return found


def rows_near_other_splits(split: pd.DataFrame, rule: EventDefinition) -> list[Finding]:
    """Find images of the whole disk that are less than latency + window from those of another split.

    One flare can then label both, and where they are near enough they are nearly copies.
    """
    found, hours = [], hours_ahead(rule)
    for first, second, a, b in sides(split):
        late = b[near_spans(b["time"], time_spans(a["time"].dropna(), hours), hours)]
        if len(late):
            are = counted(len(late), f"image of {second} is", f"images of {second} are")
            what = f"{are} less than {hours:g} hours from one of {first}: one flare can label both"
            advice = f"split by time, with a gap of {hours:g} hours"
            found.append(Finding("error", what, shown(late["filename"]), advice, len(late)))
    return found


def _hours_to_nearest(images: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Give for each image the hours to the nearest other image of its group, infinite where there is none."""
    columns = ["group", "time"]
    left = images[columns].dropna().sort_values("time")
    right = others[columns].dropna().sort_values("time").assign(other=lambda frame: frame["time"])
    near = pd.merge_asof(left, right, on="time", by="group", direction="nearest")
    return np.asarray((near["time"] - near["other"]).abs().dt.total_seconds().fillna(np.inf) / 3600)


def windows_across(split: pd.DataFrame, rule: EventDefinition) -> list[Finding]:
    """Find images whose label looks into the time of another split.

    Where one split follows the other in time, the time of all its images counts; else that of the same region's, and of
    those connected with it.
    """
    found = []
    ahead = pd.Timedelta(hours=rule.latency_hours + rule.window_hours)
    for first, second, a, b in sides(split.assign(group=region_groups(split))):
        for (early, before), (late, after) in (((first, a), (second, b)), ((second, b), (first, a))):
            if before["time"].max() < after["time"].min():
                crossing = before[before["time"] + ahead > after["time"].min()]
            else:
                crossing = _looking_into(before, after, ahead)
            if len(crossing):
                what = f"the label windows of {counted(len(crossing), 'image')} of {early} run into the time of {late}"
                advice = f"leave a gap of {rule.latency_hours + rule.window_hours:g} hours between the splits"
                found.append(Finding("error", what, shown(crossing["filename"]), advice, len(crossing)))
    return found


def _looking_into(before: pd.DataFrame, after: pd.DataFrame, ahead: pd.Timedelta) -> pd.DataFrame:
    left = before.dropna(subset=["group", "time"]).sort_values("time")
    right = after[["group", "time"]].dropna().sort_values("time").assign(other=lambda frame: frame["time"])
    near = pd.merge_asof(left, right, on="time", by="group", direction="forward", allow_exact_matches=False)
    return near[near["other"] - near["time"] < ahead]


def flares_on_both_sides(split: pd.DataFrame, flares: FlareList, rule: EventDefinition) -> list[Finding]:
    """Find flares that label images of two splits, under one region or under two (see `noaa_flares.SAME_PEAK`)."""
    listed = flares.usable()
    listed = listed[rule.counts(listed["flare"])].drop_duplicates(["noaa_ar", "time"]).reset_index(drop=True)
    number = flare_numbers(listed)
    seen = {name: _labelling(split[split["split"] == name], listed, rule) for name in SPLITS}
    found = []
    for first, second in combinations(SPLITS, 2):
        both = listed[seen[first] & seen[second]]
        if len(both):
            where = shown([f"{row.flare} of {row.noaa_ar} at {row.time:%Y-%m-%d %H:%M}" for row in both.itertuples()])
            what = f"{counted(len(both), 'flare labels', 'flares label')} images of both {first} and {second}"
            found.append(Finding("error", what, where, "keep all images that one flare labels in one split", len(both)))
        parted = set(number[seen[first]]) & set(number[seen[second]]) - set(number[both.index])
        if parted:
            names = [_name_of_flare(listed[number == each]) for each in sorted(parted)]
            are = counted(len(parted), "flare is", "flares are")
            label = "labels" if len(parted) == 1 else "label"
            what = f"{are} listed under two regions and {label} images of both {first} and {second}"
            advice = "find out whose flare it is and keep one row, or put both regions into one split"
            found.append(Finding("error", what, shown(names), advice, len(parted)))
    return found


def _name_of_flare(rows: pd.DataFrame) -> str:
    regions = " and ".join(str(region) for region in rows["noaa_ar"].unique())
    return f"{rows['flare'].iloc[0]} of {regions} at {rows['time'].iloc[0]:%Y-%m-%d %H:%M}"


def _labelling(images: pd.DataFrame, listed: pd.DataFrame, rule: EventDefinition) -> np.ndarray:
    """Tell of each flare whether some image lies in front of it by the latency and less than the window."""
    known = images.dropna(subset=["noaa_ar", "time"])
    rows, regions = shown_regions(known, labelling=True)
    time = compared_times(known["time"], rule.rules).iloc[rows]
    times = {region: np.sort(mine.to_numpy("datetime64[us]")) for region, mine in time.groupby(regions)}
    peaks = (listed["time"] - pd.Timedelta(hours=rule.latency_hours)).to_numpy("datetime64[us]")
    window = span(rule.window_hours)
    used = np.zeros(len(listed), dtype=bool)
    nothing = np.array([], "datetime64[us]")
    for number, (region, peak) in enumerate(zip(listed["noaa_ar"], peaks, strict=True)):
        mine = times.get(region, nothing)
        start = np.searchsorted(mine, peak - window, side="left" if rule.rules == "utc" else "right")
        used[number] = start < np.searchsorted(mine, peak, side="left")
    return used


def neighbours_on_both_sides(split: pd.DataFrame, regions: pd.DataFrame) -> list[Finding]:
    """Find regions of two splits so near each other on a day that their cut-outs show largely the same patch."""
    placed = split.dropna(subset=["noaa_ar", "time"])
    days = pd.DataFrame({"day": placed["time"].dt.floor("D"), "noaa_ar": placed["noaa_ar"], "split": placed["split"]})
    days = days.astype({"noaa_ar": "Int32", "day": "datetime64[us, UTC]"}).drop_duplicates()
    located = regions[regions["section"].isin(["I", "IA"])].dropna(subset=["latitude_deg", "longitude_deg"])
    located = located.drop_duplicates(["day", "noaa_ar"])
    days = days.merge(located[["day", "noaa_ar", "latitude_deg", "longitude_deg"]], on=["day", "noaa_ar"])
    pairs = days.merge(days, on="day", suffixes=("", "_2"))
    pairs = pairs[(pairs["noaa_ar"] < pairs["noaa_ar_2"]) & (pairs["split"] != pairs["split_2"])]
    near = pairs[_separation_deg(pairs) <= NEAR_DEGREES]
    if near.empty:
        return []
    names = near.drop_duplicates(["noaa_ar", "noaa_ar_2"])
    lie = counted(len(names), "pair of regions in different splits lies", "pairs of regions in different splits lie")
    what = f"{lie} within {NEAR_DEGREES:g} degrees: cut-outs overlap"
    where = shown([f"{row.noaa_ar} and {row.noaa_ar_2} on {row.day:%Y-%m-%d}" for row in names.itertuples()])
    return [Finding("warning", what, where, "put such neighbours into one split, or leave out those days", len(near))]


def _separation_deg(pairs: pd.DataFrame) -> np.ndarray:
    """Angle between two places on the Sun, degrees, by the spherical law of cosines."""
    lat, lon, lat_2, lon_2 = (
        np.radians(pairs[name].to_numpy(dtype=float))
        for name in ("latitude_deg", "longitude_deg", "latitude_deg_2", "longitude_deg_2")
    )
    cosine = np.sin(lat) * np.sin(lat_2) + np.cos(lat) * np.cos(lat_2) * np.cos(lon - lon_2)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def same_images(catalogue: pd.DataFrame, digests: pd.DataFrame) -> list[Finding]:
    """Find images that are the same by their digest, on both sides of a split (an error) or on one (a warning)."""
    catalogue = catalogue.drop_duplicates(["filename", "split"])  # the same name twice is another finding
    digest = catalogue["filename"].map(digests.drop_duplicates("filename").set_index("filename")["digest"])
    groups = catalogue.assign(digest=digest)[digest.notna() & digest.duplicated(keep=False)]
    if groups.empty:
        return []
    across = groups.groupby("digest")["split"].transform("nunique") > 1
    order = ["digest", "filename"]
    both, one = groups[across].sort_values(order)["filename"], groups[~across].sort_values(order)["filename"]
    found = []
    if len(both):
        stand = counted(len(both), "image with the same content stands", "images with the same content stand")
        what = f"{stand} in more than one split"
        found.append(Finding("error", what, shown(both), "keep one of each", len(both)))
    if len(one):
        stand = counted(len(one), "image with the same content stands", "images with the same content stand")
        what = f"{stand} there more than once"
        found.append(Finding("warning", what, shown(one), "keep one of each", len(one)))
    return found
