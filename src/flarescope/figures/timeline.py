"""What was forecast for one active region as it crossed the disk, and what did it do?"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flarescope.events import EventDefinition, flux_if_class
from flarescope.figures.style import FIRST, INK, MUTED, SECOND, SHADE, new_figure, styled
from flarescope.windows import span

GAP_FACTOR: Final = 3.0
"""A line is broken where an image is this many times later than usual."""

POINTS: Final = 500
"""Images of a region that are drawn at most: more than the figure is wide."""

_EPOCH: Final = dt.datetime(1970, 1, 1)
_TICK_HOURS: Final = (1, 3, 6, 12, 24, 48, 96, 192, 384, 768)
_MOST_TICKS: Final = 6
_LEGEND_LETTERS: Final = 50
"""Two names of the legend that have more letters together do not fit beside one another."""


def naive_utc(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Give times in UTC as `(N,)` datetime64[us], as matplotlib takes them."""
    return pd.to_datetime(times, utc=True).dt.tz_localize(None).to_numpy("datetime64[us]")


@styled
def timeline_figure(
    region: pd.DataFrame,
    *,
    threshold: float,
    event: EventDefinition | None = None,
    flares: pd.DataFrame | None = None,
) -> Figure:
    """Draw the forecast probability of one region against time, with its flares.

    Args:
        region: `time` (UTC), `probability` and `label` of one region, in any order; a null label is no event.
        threshold: from which yes is forecast; drawn as a line.
        event: what label 1 means, for the legend; None where nobody says it.
        flares: `time` (peak, UTC) and `flare` (class, such as M1.2); those before the first image are left out, and
            those after the window of the last one (after the last one itself, where no event is known).
    """
    rows = region.dropna(subset=["time"]).sort_values("time", kind="stable")
    times = naive_utc(rows["time"])
    figure = new_figure(4.4)
    axes = figure.add_subplot()
    name = f"followed by a flare {event.hours_after}" if event else "followed by an event"
    _shade_events(axes, times, rows["label"].fillna(0).to_numpy(np.int64), name)
    axes.axhline(threshold, color=MUTED, linestyle="--", linewidth=1.2, label=f"threshold {threshold:.2f}")
    axes.plot(*_broken_line(times, rows["probability"].to_numpy(np.float64)), color=FIRST, label="forecast")
    axes.set_ylim(-0.02, 1.02)
    if flares is not None and len(times):
        _mark_flares(axes, flares, times, event)
    if len(times):
        time_axis(axes, *axes.get_xlim())
    axes.set_ylabel("Forecast probability")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=_columns(names))
    return figure


def _columns(names: Sequence[str]) -> int:
    """Give how many columns of a legend fit: two, where the longest name of each do."""
    half = -(-len(names) // 2)
    longest = [max(map(len, column), default=0) for column in (names[:half], names[half:])]
    return 2 if sum(longest) <= _LEGEND_LETTERS else 1


def time_axis(axes: Axes, first: float, last: float) -> None:
    """Put at most six ticks on whole hours, days, months or years, each day and month named, the years in the label.

    Where no midnight is among them the label has the day too.
    """
    span_hours = (last - first) * 24
    hours = next((step for step in _TICK_HOURS if span_hours / step < _MOST_TICKS), None)
    first_time, last_time = (_EPOCH + dt.timedelta(days=float(day)) for day in (first, last))
    if hours is None:
        times = _months(first_time, last_time)
        names = [f"{time:%b %Y}" for time in times]
    else:
        numbers = np.arange(np.ceil(first * 24 / hours), np.floor(last * 24 / hours) + 1)
        times = [_EPOCH + dt.timedelta(hours=float(number) * hours) for number in numbers]
        names = [f"{time.day} {time:%b}" if time.hour == 0 else f"{time:%H:%M}" for time in times]
    axes.set_xlim(first, last)
    axes.set_xticks([(time - _EPOCH) / dt.timedelta(days=1) for time in times], names)
    years = " to ".join(map(str, sorted({first_time.year, last_time.year})))
    one_day = not any(time.hour == 0 for time in times)  # a whole number of steps of up to 24 hours is a midnight
    axes.set_xlabel(f"Time (UTC), {f'{first_time.day} {first_time:%b} ' if one_day else ''}{years}")


def _months(first: dt.datetime, last: dt.datetime) -> list[dt.datetime]:
    """Give the beginnings of months between two times, at most five: every second, third, sixth, ..."""
    begin, end = first.year * 12 + first.month, last.year * 12 + last.month - 1  # the first begins before `first`
    step = next(step for step in (1, 2, 3, 6, *range(12, 12_000, 12)) if (end - begin) / step < _MOST_TICKS - 2)
    numbers = range(-(-begin // step) * step, end + 1, step)
    return [dt.datetime(number // 12, number % 12 + 1, 1, tzinfo=first.tzinfo) for number in numbers]


def _usual_step(times: np.ndarray) -> np.timedelta64:
    return np.timedelta64(12, "m") if len(times) < 2 else np.median(np.diff(times))


def _broken_line(times: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thin to `POINTS` images and put a NaN into every gap, so that no line is drawn where nothing was seen."""
    every = max(1, -(-len(times) // POINTS))
    times, probability = times[::every], probability[::every]
    if len(times) < 2:
        return times, probability
    after = np.flatnonzero(np.diff(times) > GAP_FACTOR * _usual_step(times)) + 1
    middle = times[after - 1] + (times[after] - times[after - 1]) // 2
    return np.insert(times, after, middle), np.insert(probability, after, np.nan)


def _shade_events(axes: Axes, times: np.ndarray, labels: np.ndarray, name: str) -> None:
    """Shade from the first to past the last image of each run of events that neither another image nor a gap breaks."""
    step = _usual_step(times)
    broken = np.flatnonzero((np.diff(labels) != 0) | (np.diff(times) > GAP_FACTOR * step)) + 1
    for run in np.split(np.arange(len(times)), broken):
        if len(run) and labels[run[0]]:
            after = times[run[-1]] + step
            stop = min(times[run[-1] + 1], after) if run[-1] + 1 < len(times) else after
            axes.axvspan(times[run[0]], stop, color=SHADE, linewidth=0, alpha=0.55, label=name)
            name = "_no second legend entry"


def _mark_flares(axes: Axes, flares: pd.DataFrame, times: np.ndarray, event: EventDefinition | None) -> None:
    """Mark each flare on the upper edge, and write the class beside the largest that have room."""
    peak = naive_utc(flares["time"])
    ahead = span(event.latency_hours + event.window_hours if event else 0)
    inside = (peak >= times[0]) & (peak <= times[-1] + ahead)
    flux = flux_if_class(flares["flare"]).to_numpy(np.float64)
    peak, flux, names = peak[inside], flux[inside], flares["flare"].to_numpy()[inside]
    if not len(peak):
        return
    name = f"flare >= {event.threshold}" if event else "flare"
    axes.plot(peak, np.full(len(peak), 1.02), "v", color=SECOND, markeredgecolor=INK, clip_on=False, label=name)
    room = (times[-1] - times[0]) / 12
    written: list[np.datetime64] = []
    for index in np.argsort(-np.nan_to_num(flux), kind="stable"):
        if len(written) < 6 and all(abs(peak[index] - other) > room for other in written):
            written.append(peak[index])
            axes.annotate(
                str(names[index]), (peak[index], 1.02), xytext=(0, 7), textcoords="offset points", ha="center", size=11
            )
