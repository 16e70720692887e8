"""Had it flared, by the task's own event, in the window that ends at the image?

The window before an image at time t is as long as the one after it, and ends at t: a flare counts if
t - window < peak <= t. A flare list says so directly. Labels say it too: an image that is window + latency older is
labelled by the flares of that very span. Nothing after t is used, and where the span is not known the answer is NaN,
never "no".

Under the rules `ar-flares` the images' clock is some 35 s ahead of the flares' (see `catalog.labels`). The start of the
window is then taken by that clock, as the labels take it, and a peak after the image's true instant never counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from flarescope.events import EventDefinition, Scope
from flarescope.windows import compared_times, covers, span

OLDER: Final = 1 / 12
"""How much older than window + latency an earlier image may be, as a share of the window: 2 hours of 24."""
BY_FLARES: Final = "flare list"
BY_LABELS: Final = "labels"
NO_PLACE: Final = "rows without region or time"
NO_TIME: Final = "rows without time"
NOT_COVERED: Final = "windows that the flare list does not cover"
NO_IMAGE: Final = "rows without an earlier one of that age"


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
    """

    flared: np.ndarray
    source: str
    unknown: Mapping[str, int]


def previous_by_flares(images: pd.DataFrame, flares: Flares, event: EventDefinition) -> Previous:
    """Look the window before each image up in a flare list.

    Args:
        images: `noaa_ar` and `time` (UTC), N rows. Of an event with scope `disk` no region is asked for, and flares of
            any region and of none count.
        flares: the list.
        event: class, window, scope and rules.
    """
    strong = flares.table[event.counts(flares.table["flare"])]
    peaks = strong["time"].reset_index(drop=True)
    series = _series(images, event.scope)
    since, until = compared_times(images["time"], event.rules) - span(event.window_hours), images["time"]
    found = _latest(series, until, _series(strong, event.scope), peaks)
    last = pd.Series(peaks.array.take(found, allow_fill=True), index=images.index)
    covered = covers(flares.covered, since, until)
    flared = np.where(covered & (series >= 0), last > since, np.nan)
    return Previous(flared, BY_FLARES, _counted(series, event.scope, {NOT_COVERED: ~covered}))


def previous_by_labels(images: pd.DataFrame, event: EventDefinition) -> Previous:
    """Read the window before each image off the label of an image that is older by window + latency.

    Where that very image is missing the last one before it is taken, up to `OLDER` of the window older, never a later
    one: its window would reach past this image, into what is to be forecast. Labels of one region and time that
    contradict each other say nothing.

    Args:
        images: `noaa_ar`, `time` (UTC) and `label`, N rows. Of an event with scope `disk` all rows are one series.
        event: window, latency, scope and rules of the labels.
    """
    series, time = _series(images, event.scope), compared_times(images["time"], event.rules)
    past = pd.DataFrame({"series": series, "time": time, "label": images["label"].astype("Float64").array})
    past = past[(past["series"] >= 0) & past["label"].notna()].groupby(["series", "time"])["label"].agg(["min", "max"])
    past = past[past["min"] == past["max"]].reset_index()
    until = time - span(event.window_hours) - span(event.latency_hours)
    found = _latest(series, until, past["series"].to_numpy(), past["time"])
    seen = pd.Series(past["time"].array.take(found, allow_fill=True), index=images.index)
    label = past["max"].to_numpy(float)[found] if len(past) else np.full(len(images), np.nan)
    near = (seen >= until - span(event.window_hours * OLDER)).to_numpy()
    counted = _counted(series, event.scope, {NO_IMAGE: ~near})
    return Previous(np.where(near, label, np.nan), BY_LABELS, counted)


def _series(rows: pd.DataFrame, scope: Scope) -> np.ndarray:
    """Number the series in time that each row belongs to `(N,)`: by region, or one of all; -1 where that is unknown."""
    number = np.zeros(len(rows)) if scope == "disk" else rows["noaa_ar"].astype("Float64").to_numpy(float, na_value=-1)
    return np.where(rows["time"].isna(), -1, number).astype(np.int64)


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


def _counted(series: np.ndarray, scope: Scope, others: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Count the rows that have no place in a series, and of the rest those to which another reason applies."""
    nowhere = series < 0
    counts = {NO_TIME if scope == "disk" else NO_PLACE: int(nowhere.sum())}
    counts |= {reason: int((mask & ~nowhere).sum()) for reason, mask in others.items()}
    return {reason: count for reason, count in counts.items() if count}
