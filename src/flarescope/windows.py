"""Which clock do an event's windows run on, and does a flare list cover a window whole?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from flarescope.events import Rules
from flarescope.times import utc_to_tai


def compared_times(times: "pd.Series[pd.Timestamp]", rules: Rules | None) -> "pd.Series[pd.Timestamp]":
    """Give the times that are compared with the flares' peaks: UTC instants, or TAI clock readings called UTC."""
    if rules != "ar-flares":
        return times
    reading = utc_to_tai(pd.DatetimeIndex(times)).tz_localize("UTC")
    return pd.Series(reading, index=times.index, name=times.name).astype(times.dtype)


def span(hours: float) -> np.timedelta64:
    """Give so many hours as a span of time, to the microsecond."""
    return np.timedelta64(round(hours * 3.6e9), "us")


def covers(
    covered: Sequence[tuple[pd.Timestamp, pd.Timestamp]],
    start: "pd.Series[pd.Timestamp]",
    end: "pd.Series[pd.Timestamp]",
) -> np.ndarray:
    """Tell which windows lie within one of the intervals in which a flare list is complete.

    Args:
        covered: disjoint intervals, rising.
        start: `(N,)` where each window starts.
        end: `(N,)` where it ends.

    Returns:
        `(N,)` bool; false also where an end is not known.
    """
    first, last = (edge.to_numpy(dtype="datetime64[us]") for edge in (start, end))
    if not covered:
        return np.zeros(len(first), dtype=bool)
    firsts, lasts = (
        np.array([edge.tz_localize(None) for edge in edges], "datetime64[us]") for edges in zip(*covered, strict=True)
    )
    interval = np.searchsorted(firsts, first, side="right") - 1
    return np.asarray((interval >= 0) & (last <= lasts[np.maximum(interval, 0)]) & ~np.isnat(first))
