"""Which flares came before a forecast, and which in the window after it, of its region or of the whole disk?"""

from typing import Final

import numpy as np
import pandas as pd

from flarescope.windows import span

_MS: Final = 1000
"""Microseconds; times are compared to the millisecond."""


def pairs_before(
    issued: "pd.Series[pd.Timestamp]",
    keys: np.ndarray,
    peaks: "pd.Series[pd.Timestamp]",
    peak_keys: np.ndarray,
    *,
    reach_hours: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Give each pair of a forecast and a flare of the same key that peaked before it was issued, or at that moment.

    Args:
        issued: `(N,)` UTC, when each forecast is issued.
        keys: `(N,)` whole numbers, such as the region; the same for all to pair with every flare.
        peaks: `(F,)` UTC, none null.
        peak_keys: `(F,)` as `keys`.
        reach_hours: pairs further apart are left out; None keeps all.

    Returns:
        `(P,)` row of the forecast, rising, and `(P,)` row of the flare, by its peak.
    """
    times, flares = _milliseconds(issued), _milliseconds(peaks)
    if not len(times) or not len(flares):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    codes = np.unique(np.concatenate([keys, peak_keys]), return_inverse=True)[1]
    start = min(times.min(), flares.min())
    span = int(max(times.max(), flares.max()) - start) + 1
    reach = span if reach_hours is None else min(round(reach_hours * 3.6e6), span)
    own, theirs = codes[: len(times)] * (2 * span), codes[len(times) :] * (2 * span)
    order = np.argsort(theirs + flares - start, kind="stable")
    at = (theirs + flares - start)[order]
    low = np.searchsorted(at, np.maximum(own + times - start - reach, own), side="left")
    high = np.searchsorted(at, own + times - start, side="right")
    counts = high - low
    rows = np.repeat(np.arange(len(times)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[np.repeat(low, counts) + within]


def pairs_between(
    issued: "pd.Series[pd.Timestamp]",
    keys: np.ndarray,
    peaks: "pd.Series[pd.Timestamp]",
    peak_keys: np.ndarray,
    *,
    first_hours: float,
    last_hours: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Give each pair of a forecast and a flare of the same key that peaked more than `first_hours` after it was issued.

    Args:
        issued: `(N,)` UTC, when each forecast is issued.
        keys: `(N,)` whole numbers, such as the region; the same for all to pair with every flare.
        peaks: `(F,)` UTC, none null.
        peak_keys: `(F,)` as `keys`.
        first_hours: from the issue time on; a peak at that very moment is no pair.
        last_hours: a peak at most so long after the issue time is one.

    Returns:
        As `pairs_before`.
    """
    end = issued + span(last_hours)
    rows, which = pairs_before(end, keys, peaks, peak_keys, reach_hours=last_hours - first_hours)
    start = _milliseconds(issued)[rows] + round(first_hours * 3.6e6)
    inside = _milliseconds(peaks)[which] > start
    return rows[inside], which[inside]


def hours_between(later: "pd.Series[pd.Timestamp]", earlier: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Give the hours from each earlier time to the later one beside it, `(N,)` float64; NaN where one is null."""
    hours: np.ndarray = (later.reset_index(drop=True) - earlier.reset_index(drop=True)).dt.total_seconds().to_numpy()
    return hours / 3600


def _milliseconds(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    return times.astype("datetime64[us, UTC]").astype("int64").to_numpy() // _MS
