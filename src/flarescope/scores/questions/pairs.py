"""Which flares does the window of a row reach, and which rows reach a flare?

A row at time t reaches a flare of its region (of the whole disk any) whose peak lies within the event's window:
latency < peak - t <= latency + window, without its very end under the rules `ar-flares`, on the clock of the event's
rules: as labels are made (`catalog.labels`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flarescope.connected import shown_regions
from flarescope.events import EventDefinition
from flarescope.scores.previous import Flares
from flarescope.windows import compared_times, span

WHOLE_DISK = 0


@dataclass(frozen=True)
class Series:
    """Rows by the series in time that they are of, and the flares that count.

    Attributes:
        row: `(P,)` position of a row; a row that shows several regions is in several series.
        series: `(P,)` its region, or 0 for the whole disk; sorted by series, then time.
        start_us: `(P,)` where the row's window starts, microseconds since 1970 on the clock of the rules.
        peak_us: `(F,)` peaks of the flares that count and belong to some series, sorted by series, then time.
        peak_series: `(F,)`.
        flare: `(F,)` their classes.
        window_us: length of the window.
        closed: whether a peak at the very end of a window is in it.
    """

    row: np.ndarray
    series: np.ndarray
    start_us: np.ndarray
    peak_us: np.ndarray
    peak_series: np.ndarray
    flare: np.ndarray
    window_us: int
    closed: bool


def series_of(rows: pd.DataFrame, flares: Flares, event: EventDefinition) -> Series:
    """Sort rows and flares into series.

    Args:
        rows: N rows with `noaa_ar` and `time`, and maybe `noaa_ars` and `principal_only`; those without time, or of a
            region event without a region, are in no series.
        flares: a flare list.
        event: class, window, latency, scope and rules.
    """
    disk = event.scope == "disk"
    everything = np.arange(len(rows))
    row, series = (everything, np.full(len(rows), WHOLE_DISK)) if disk else shown_regions(rows, labelling=True)
    timed = rows["time"].notna().to_numpy()[row]
    row, series = row[timed], series[timed]
    start = _microseconds(compared_times(rows["time"], event.rules) + span(event.latency_hours))[row]
    order = np.lexsort([start, series])
    strong = flares.table[event.counts(flares.table["flare"])].dropna(subset=["time"])
    strong = strong if disk else strong.dropna(subset=["noaa_ar"])
    of = np.full(len(strong), WHOLE_DISK) if disk else strong["noaa_ar"].to_numpy(np.int64)
    known = np.isin(of, series)
    peak = _microseconds(strong["time"])[known]
    by_peak = np.lexsort([peak, of[known]])
    return Series(
        row[order],
        series[order],
        start[order],
        peak[by_peak],
        of[known][by_peak],
        strong["flare"].to_numpy()[known][by_peak],
        int(span(event.window_hours).astype(np.int64)),
        event.rules == "utc",
    )


def _microseconds(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    return times.fillna(pd.Timestamp(0, tz="UTC")).dt.as_unit("us").astype("int64").to_numpy()


def rows_of_flares(found: Series) -> tuple[np.ndarray, np.ndarray]:
    """Give, for each flare, where the rows that reach it begin and end in the sorted rows: `(F,)`, end excluded."""
    begin, end = np.empty(len(found.peak_us), np.intp), np.empty(len(found.peak_us), np.intp)
    firsts = np.searchsorted(found.series, found.peak_series, side="left")
    lasts = np.searchsorted(found.series, found.peak_series, side="right")
    for i, (low, high, peak) in enumerate(zip(firsts, lasts, found.peak_us, strict=True)):
        starts = found.start_us[low:high]
        begin[i] = low + np.searchsorted(starts, peak - found.window_us, side="left" if found.closed else "right")
        end[i] = low + np.searchsorted(starts, peak, side="left")
    return begin, end


def hours_to_peak(rows: pd.DataFrame, found: Series, latency_hours: float) -> np.ndarray:
    """Give the hours from each row to the first peak within its window, `(N,)`; NaN where no flare of the list is."""
    wait = np.full(len(rows), np.inf)
    begin, end = rows_of_flares(found)
    for low, high, peak in zip(begin, end, found.peak_us, strict=True):
        reached = found.row[low:high]
        np.minimum.at(wait, reached, (peak - found.start_us[low:high]) / 3.6e9 + latency_hours)
    return np.where(np.isfinite(wait), wait, np.nan)
