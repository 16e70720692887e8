"""Which images are followed by a flare, and by which largest one?

Two conventions have names:

- `utc`, the default: image times are instants (HMI's TAI stamps turned into UTC by the leap-second table), and a flare
  counts if latency < peak - t <= latency + window. Windows one after another then leave no instant out and count none
  twice, and a flare that peaks at the very instant of the image does not follow it.
- `ar-flares`, the published data set's: the image's TAI clock reading is compared with the UTC peak as it stands
  (34 to 37 s off), and both ends are strict: latency < peak - t < latency + window.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.noaa_flares import FlareList
from flarescope.connected import Labelling, check_labelling, shown_regions
from flarescope.errors import InputError
from flarescope.events import EventDefinition, flux_w_m2
from flarescope.windows import compared_times, covers, span

UNKNOWN_COLUMN: Final = "window_known"


@dataclass(frozen=True)
class Labelled:
    """Images with their labels, and what became of the others.

    Attributes:
        table: the images' columns with `flare` and `label` replaced and `window_known` added (false only where asked
            to keep images whose window the flare list does not cover: their label is by the flares that it has).
        account: counts of images and of flares, in words, in the order in which they are told.
        event: what label 1 means; of several events the first.
        others: the further events, whose labels stand in columns of their own (`catalog.several`).
    """

    table: pd.DataFrame
    account: dict[str, int]
    event: EventDefinition
    others: tuple[EventDefinition, ...] = ()

    __repr__ = brief


def label_images(
    images: pd.DataFrame,
    flares: pd.DataFrame,
    *,
    threshold: str = "C1.0",
    window_hours: float = 24.0,
    latency_hours: float = 0.0,
    closed: bool = False,
) -> pd.DataFrame:
    """Label each image by the flares of its region, or of all its regions, in the window after it.

    The rule of the published set: an image at time t is flaring if some flare of its region with class >= threshold
    has 0 < peak - t < window, both strict; the largest such flare is named.

    Args:
        images: `noaa_ar` and `time`, and maybe `noaa_ars`, all regions of a patch (see `connected`), N rows.
        flares: `noaa_ar`, `time` (of the peak, on the same scale as the images' times) and `flare` (GOES class); rows
            without region or peak time label nothing.
        threshold: smallest class that counts.
        window_hours: length of the window in hours.
        latency_hours: from the image to the start of the window.
        closed: whether a peak at the very end of the window counts.

    Returns:
        N rows with the index of `images`: `flare` (largest class in the window, or null) and `label` (0/1, Int8).
    """
    rule = EventDefinition(threshold=threshold, window_hours=window_hours, latency_hours=latency_hours)
    known = flares.dropna(subset=["noaa_ar", "time"])
    flux = flux_w_m2(known["flare"]).to_numpy()
    events = known.assign(flux=flux)[rule.counts(known["flare"])].sort_values("flux", kind="stable")
    largest = np.full(len(images), -1)
    order, times, bounds = _by_region_and_time(images)
    latency, window = span(latency_hours), span(window_hours)
    peaks = events["time"].to_numpy(dtype="datetime64[us]")
    for number, (region, peak) in enumerate(zip(events["noaa_ar"], peaks, strict=True)):
        if region in bounds:
            start, end = bounds[region]
            mine = times[start:end]
            first = np.searchsorted(mine, peak - latency - window, side="left" if closed else "right")
            last = np.searchsorted(mine, peak - latency, side="left")
            largest[order[start + first : start + last]] = number  # events rise in flux: the last one is the largest
    flare = pd.Series(events["flare"].astype("str").array.take(largest, allow_fill=True), index=images.index)
    return pd.DataFrame({"flare": flare, "label": pd.Series(largest >= 0, index=images.index).astype("Int8")})


def _by_region_and_time(images: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[int, int]]]:
    """Sort the images whose region and time are known; one of several regions stands there once for each.

    Returns:
        Their rows, sorted by region, then time; their times in that order; for each region its first place in it and
        the one after its last.
    """
    rows, regions = shown_regions(images, labelling=True)
    timed = images["time"].notna().to_numpy()[rows]
    known, region = rows[timed], regions[timed]
    time = images["time"].iloc[known].to_numpy(dtype="datetime64[us]")
    order = np.lexsort((time, region))
    numbers, first = np.unique(region[order], return_index=True)
    last = [*first[1:], len(order)] if len(first) else []
    bounds = dict(zip(numbers.tolist(), zip(first, last, strict=True), strict=True))
    return known[order], time[order], bounds


def label_by(images: pd.DataFrame, flares: pd.DataFrame, rule: EventDefinition) -> pd.DataFrame:
    """Label each image by a rule: `label_images` with the times and ends of the rule's convention.

    With scope `disk` every flare of known peak counts for every image, whatever its region, or with none.

    Args:
        images: `noaa_ar` and `time` (UTC instants), and maybe `noaa_ars` and `principal_only`, N rows.
        flares: `FLARE_DTYPES`.
        rule: what makes an image an event.

    Returns:
        N rows with the index of `images`: `flare` and `label`.
    """
    on_scale = images.assign(time=compared_times(images["time"], rule.rules))
    if rule.scope == "disk":
        on_scale, flares = (
            rows.drop(columns="noaa_ars", errors="ignore").assign(noaa_ar=1) for rows in (on_scale, flares)
        )
    return label_images(
        on_scale,
        flares,
        threshold=rule.threshold,
        window_hours=rule.window_hours,
        latency_hours=rule.latency_hours,
        closed=rule.rules == "utc",
    )


def window_covered(images: pd.DataFrame, flares: FlareList, rule: EventDefinition) -> np.ndarray:
    """Tell for which images the flare list covers the whole window.

    Returns:
        `(N,)` bool; false also where the image's time is not known.
    """
    start = compared_times(images["time"], rule.rules) + span(rule.latency_hours)
    return covers(flares.covered, start, start + span(rule.window_hours))


def label_catalogue(
    images: pd.DataFrame,
    flares: FlareList,
    rule: EventDefinition,
    *,
    keep_uncovered: bool = False,
    regions: Labelling = "all",
) -> Labelled:
    """Label a catalogue's images by a flare list, leaving out those that it cannot label.

    Left out are images without time, or (but where the scope is the disk) without region, and, unless asked for, those
    whose window runs past the time that the list covers: no flare listed there does not mean that there was none.

    Args:
        images: catalogue columns; `flare` and `label` need not be there and are replaced.
        flares: see `flarescope.catalog.noaa_flares`.
        rule: what makes an image an event.
        keep_uncovered: keep images whose window is not covered, with `window_known` false.
        regions: by whose flares an image of several regions is labelled, all of theirs or the principal one's
            (`principal_only` then says so in its row).

    Raises:
        InputError: no image is left, or another word for `regions`.
    """
    check_labelling(regions)
    images = images.drop(columns="principal_only", errors="ignore")
    several = images["noaa_ars"].notna() if "noaa_ars" in images else pd.Series(False, index=images.index)
    if regions == "principal" and several.any():
        images = images.assign(principal_only=several.astype("Int8"))
    disk = rule.scope == "disk"
    if disk and regions == "principal":
        raise InputError("--regions principal: of the whole disk the flares of all regions count; leave it out")
    unknown = images["time"].isna() | (images["noaa_ar"].isna() & (not disk))
    lacking = "without time" if disk else "without region or time"
    covered = window_covered(images, flares, rule)
    labels = label_by(images, flares.table, rule)
    table = images.assign(flare=labels["flare"], label=labels["label"], **{UNKNOWN_COLUMN: covered})
    table = table[~unknown & (covered | keep_uncovered)].reset_index(drop=True)
    if table.empty:
        shown = ", ".join(f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}" for first, last in flares.covered[:3])
        raise InputError(
            f"no image is left of {len(images):,}: {int(unknown.sum()):,} {lacking}, and the flare list "
            f"covers no other's window (it covers {shown or 'nothing'})"
        )
    account = {
        "images": len(images),
        f"{lacking}, left out": int(unknown.sum()),
        f"window not covered by the flare list, {'kept' if keep_uncovered else 'left out'}": int(
            (~unknown & ~covered).sum()
        ),
        "labelled": len(table),
        f"followed by a flare >= {rule.threshold}{' anywhere' if disk else ''}": int(table["label"].sum()),
    }
    if several.any() and not disk:
        left = table["noaa_ars"].notna().sum()
        account[f"of several regions, labelled by {'all' if regions == 'all' else 'the principal one'}"] = int(left)
    told = {
        f"flares {name}" if name != "flares" else name: count for name, count in flares.account(anywhere=disk).items()
    }
    return Labelled(table, account | told, rule)
