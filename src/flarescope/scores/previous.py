"""Had it flared, by the task's own event, in the window that ends at the image?

The window before an image at time t is as long as the one after it, and ends at t: a flare counts if
t - window < peak <= t. A flare list says so directly. Labels say it too: an image that is window + latency older is
labelled by the flares of that very span. Nothing after t is used, and where the span is not known the answer is NaN,
never "no". Of a patch of several regions the flares of all count, as in its label, or of the principal one alone where
the label is by that (`principal_only`).

Under the rules `ar-flares` the images' clock is some 35 s ahead of the flares' (see `catalog.labels`). The start of the
window is then taken by that clock, as the labels take it, and a peak after the image's true instant never counts. Of
labels that is so because peaks are listed to the minute, HMI's images stand on whole minutes of their clock, and the
end of a window is no part of it: the last peak that labels an image lies a minute before it. Where images stand between
minutes, an older one serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from flarescope.connected import region_sets, shown_regions
from flarescope.events import EventDefinition, Scope
from flarescope.region_numbers import LARGEST
from flarescope.windows import compared_times, covers, span

OLDER: Final = 1 / 12
"""How much older than window + latency an earlier image may be, as a share of the window: 2 hours of 24."""
BY_FLARES: Final = "flare list"
BY_LABELS: Final = "labels"
NO_PLACE: Final = "rows without region or time"
NO_TIME: Final = "rows without time"
NOT_COVERED: Final = "windows that the flare list does not cover"
NO_IMAGE: Final = "rows without an earlier one of that age"
NO_SAME_REGIONS: Final = "rows without an earlier one of that age that shows the same regions"


class Flares(Protocol):
    """Flares, and when they are all the flares there were: `catalog.noaa_flares.FlareList`."""

    @property
    def table(self) -> pd.DataFrame:
        """`noaa_ar`, `time` of the peak (UTC) and `flare`, the GOES class; a null region or time is unknown."""

    @property
    def covered(self) -> Sequence[tuple[pd.Timestamp, pd.Timestamp]]:
        """Disjoint intervals, rising, in which the list is complete."""


@dataclass(frozen=True)
class Previous:
    """What was observed in the window before each image.

    Attributes:
        flared: `(N,)` 1.0 for an event, 0.0 for none, NaN where that is not known.
        source: what says so, `BY_FLARES` or `BY_LABELS`.
        unknown: why it is not known -> how many rows.
        several: whether some image was asked for the flares of several regions.
    """

    flared: np.ndarray
    source: str
    unknown: Mapping[str, int]
    several: bool = False


def previous_by_flares(images: pd.DataFrame, flares: Flares, event: EventDefinition) -> Previous:
    """Look the window before each image up in a flare list.

    Args:
        images: `noaa_ar` and `time` (UTC), and maybe `noaa_ars` and `principal_only`, N rows. Of an event with scope
            `disk` no region is asked for, and flares of any region and of none count.
        flares: the list.
        event: class, window, scope and rules.
    """
    strong = flares.table[event.counts(flares.table["flare"])]
    peaks = strong["time"].reset_index(drop=True)
    since, until = compared_times(images["time"], event.rules) - span(event.window_hours), images["time"]
    rows, series = _asked(images, event.scope)
    found = _latest(series, until.iloc[rows], _series(strong, event.scope), peaks)
    last = pd.Series(peaks.array.take(found, allow_fill=True))
    flared = np.zeros(len(images))
    flared[rows[last > since.iloc[rows].reset_index(drop=True)]] = 1
    covered, placed = covers(flares.covered, since, until), np.isin(np.arange(len(images)), rows)
    counted = _counted(placed, event.scope, {NOT_COVERED: ~covered})
    several = len(rows) > len(np.unique(rows))
    return Previous(np.where(covered & placed, flared, np.nan), BY_FLARES, counted, several)


def previous_by_labels(images: pd.DataFrame, event: EventDefinition) -> Previous:
    """Read the window before each image off the label of an image that is older by window + latency.

    Where that very image is missing, or its label reaches past this image, into what is to be forecast, the last one
    before it is taken, up to `OLDER` of the window older, never a later one. The label of a patch of several regions
    tells of these together, so that it answers for images of the same regions alone. Labels of the same regions and
    time that contradict each other say nothing.

    Args:
        images: `noaa_ar`, `time` (UTC) and `label`, and maybe `noaa_ars` and `principal_only`, N rows. Of an event with
            scope `disk` all rows are one series.
        event: window, latency, scope and rules of the labels.
    """
    series, time, ahead = _series(images, event.scope), images["time"], span(event.window_hours + event.latency_hours)
    reach = _last_peak(compared_times(time, event.rules) + ahead, event)
    past = pd.DataFrame({"series": series, "time": time.array, "label": images["label"].astype("Float64").array})
    past = past.assign(reach=reach.array)[(series >= 0) & past["label"].notna()]
    past = past.groupby(["series", "time", "reach"])["label"].agg(["min", "max"])
    past = past[past["min"] == past["max"]].reset_index()
    found = _latest(series, time, past["series"].to_numpy(), past["reach"])
    seen = pd.Series(past["time"].array.take(found, allow_fill=True), index=images.index)
    label = past["max"].to_numpy(float)[found] if len(past) else np.full(len(images), np.nan)
    near = (seen >= time - ahead - span(event.window_hours * OLDER)).to_numpy()
    several = bool((series > LARGEST).any())
    counted = _counted(series >= 0, event.scope, {NO_SAME_REGIONS if several else NO_IMAGE: ~near})
    return Previous(np.where(near, label, np.nan), BY_LABELS, counted, several)


def _last_peak(end: "pd.Series[pd.Timestamp]", event: EventDefinition) -> "pd.Series[pd.Timestamp]":
    """Give the last instant at which a flare can peak that lies in windows with these ends."""
    return end.dt.ceil("min") - pd.Timedelta("1min") if event.rules == "ar-flares" else end


def _asked(images: pd.DataFrame, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
    """Pair each image with the series that are asked for its flares: its regions, or the one of all.

    Returns:
        Positions of the rows that have a time, and numbers of the series.
    """
    rows = np.arange(len(images))
    rows, series = (rows, np.zeros_like(rows)) if scope == "disk" else shown_regions(images, labelling=True)
    timed = images["time"].notna().to_numpy()[rows]
    return rows[timed], series[timed]


def _series(rows: pd.DataFrame, scope: Scope) -> np.ndarray:
    """Number the series in time that each row belongs to `(N,)`: by its regions, or one of all; -1 where unknown."""
    number = np.zeros(len(rows), np.int64) if scope == "disk" else region_sets(rows, labelling=True)
    return np.where(rows["time"].isna(), -1, number)


def _latest(
    series: np.ndarray,
    until: "pd.Series[pd.Timestamp]",
    past_series: np.ndarray,
    past: "pd.Series[pd.Timestamp]",
) -> np.ndarray:
    """Find the last past time of the same series at or before `until`: its place in `past` `(N,)`, -1 for none."""
    left = pd.DataFrame({"series": series, "time": until.array, "row": np.arange(len(series))})
    right = pd.DataFrame({"series": past_series, "time": past.array, "found": np.arange(len(past))})
    left, right = (side[side["series"] >= 0].sort_values("time", kind="stable") for side in (left, right))
    result = np.full(len(series), -1)
    if len(left) and len(right):
        near = pd.merge_asof(left, right.astype({"time": left["time"].dtype}), on="time", by="series")
        result[near["row"]] = near["found"].fillna(-1)
    return result


def _counted(placed: np.ndarray, scope: Scope, others: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Count the rows that have no place in a series, and of the rest those to which another reason applies."""
    counts = {NO_TIME if scope == "disk" else NO_PLACE: int((~placed).sum())}
    counts |= {reason: int((mask & placed).sum()) for reason, mask in others.items()}
    return {reason: count for reason, count in counts.items() if count}
