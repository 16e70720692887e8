"""How well do the probabilities tell events from non-events, and do they mean what they say?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from flarescope.figures.style import FIRST, GRID, INK, MUTED, SECOND, THIRD, new_figure, styled, unit_axis

_LEGEND_LETTERS = 48
"""So many letters of a legend fit beside one another in the width of a figure."""
_MARKERS = "osD^v"


@styled
def roc_figure(
    false_alarm_rate: np.ndarray,
    hit_rate: np.ndarray,
    *,
    area: float,
    points: Mapping[str, tuple[float, float]] | None = None,
    band: pd.DataFrame | None = None,
) -> Figure:
    """Draw the share of events forecast against the share of non-events forecast, over all thresholds.

    Args:
        false_alarm_rate: `(N,)` FP / (FP + TN), 0..1, in the order of the threshold.
        hit_rate: `(N,)` TP / (TP + FN), 0..1.
        area: under the curve; 0.5 has no skill, 1 is perfect.
        points: name -> (false alarm rate, hit rate) of thresholds in use, marked on the curve.
        band: `fpr`, `low` and `high`: the interval of the hit rate at each false alarm rate.
    """
    figure = new_figure(4.9)
    axes = figure.add_subplot()
    if band is not None:
        _shade(axes, band["fpr"], band, FIRST)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1.5, label="no skill")
    axes.plot(false_alarm_rate, hit_rate, color=FIRST, label=f"area {area:.3f}")
    for marker, (name, (at_x, at_y)) in zip(_MARKERS, (points or {}).items(), strict=False):
        axes.plot([at_x], [at_y], marker, markersize=9, color=SECOND, markeredgecolor=INK, label=name, clip_on=False)
    unit_axis(axes, x=True, y=True)
    axes.set_aspect("equal")
    axes.set_xlabel("False alarm rate, FP / (FP + TN)")
    axes.set_ylabel("Hit rate, TP / (TP + FN)")
    axes.legend(loc="lower right")
    return figure


@styled
def reliability_figure(
    bins: pd.DataFrame, *, event_rate: float, calibrated: pd.DataFrame | None = None, rows: str = "Images"
) -> Figure:
    """Draw how often events followed against what was forecast, with the number of images in each bin below.

    Args:
        bins: as `scores.curves.reliability` gives them: edges `low` and `high`, number of images `n`,
            `mean_probability` and `event_rate` of each bin; empty bins have no point. Where there are `rate_low` and
            `rate_high` they are drawn as the interval of the share, and `bar_low` and `bar_high` as consistency bars.
        event_rate: share of events in the sample: a forecast that always says this is reliable and has no skill.
        calibrated: the same columns after calibration, drawn beside.
        rows: what is counted, for the axis.
    """
    figure = new_figure(5.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    top.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1.5, label="perfectly reliable")
    top.axhline(event_rate, color=MUTED, linestyle="--", linewidth=1.2, label=f"share of events {event_rate:.3f}")
    series = [(bins, "forecast", FIRST, "o-")]
    if calibrated is not None:
        series.append((calibrated, "calibrated", SECOND, "s--"))
    for number, (table, name, color, style) in enumerate(series):
        shown = table[table["n"] > 0]
        if "rate_low" in shown:
            top.vlines(shown["mean_probability"], shown["rate_low"], shown["rate_high"], color=color, linewidth=1.8)
        if "bar_low" in shown and number == len(series) - 1:
            _bars(top, shown)
        top.plot(shown["mean_probability"], shown["event_rate"], style, color=color, markersize=7, label=name)
        width = 0.8 / len(series) * (shown["high"] - shown["low"])
        left = shown["low"] + 0.1 * (shown["high"] - shown["low"]) + number * width
        bottom.bar(left, shown["n"], width, align="edge", color=color)
    unit_axis(top, x=True, y=True)
    top.set_ylabel("Observed share of events")
    top.legend(loc="best")
    bottom.set_yscale("log")
    most = max(table["n"].max() for table, *_ in series)
    bottom.set_ylim(0.5, max(1.5 * most, 12))  # two powers of ten at least
    bottom.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    bottom.yaxis.set_minor_formatter(NullFormatter())  # Matplotlib's own is TeX where the axis is short
    bottom.set_ylabel(rows)
    bottom.set_xlabel("Forecast probability of an event")
    return figure


@styled
def threshold_figure(
    threshold: np.ndarray,
    tss: np.ndarray,
    hss: np.ndarray,
    *,
    marks: Mapping[str, float] | None = None,
    bands: Mapping[str, pd.DataFrame] | None = None,
) -> Figure:
    """Draw the two skill scores over the probability from which "yes" is forecast.

    Args:
        threshold: `(N,)` 0..1, in order.
        tss: `(N,)` true skill statistic, -1..1.
        hss: `(N,)` Heidke skill score, -1..1.
        marks: name -> threshold in use, each a vertical line.
        bands: `tss` and `hss` -> `low` and `high`, their intervals at these thresholds.
    """
    figure = new_figure(3.9)
    axes = figure.add_subplot()
    for name, color in (("tss", FIRST), ("hss", SECOND)):
        if bands and name in bands:
            _shade(axes, threshold, bands[name], color)
    for values, name, color, line in ((tss, "TSS", FIRST, "-"), (hss, "HSS", SECOND, "--")):
        axes.plot(threshold, values, line, color=color, label=name)
    for line, (name, at) in zip((":", "-."), (marks or {}).items(), strict=False):
        axes.axvline(at, color=INK, linestyle=line, linewidth=1.5, label=f"{name}: {at:.2f}")
    unit_axis(axes, x=True)
    low = float(np.nanmin([*np.asarray(tss), *np.asarray(hss), 0.0]))
    axes.set_ylim(low - 0.03, 1.02)
    axes.set_xlabel("Probability from which yes is forecast")
    axes.set_ylabel("Skill score (1 is perfect)")
    axes.legend(loc="upper right")
    return figure


def _shade(axes: Axes, at: "np.ndarray | pd.Series[float]", band: pd.DataFrame, color: str) -> None:
    """Fill between the ends of an interval; nothing where there is none."""
    x, low, high = (np.asarray(values, np.float64) for values in (at, band["low"], band["high"]))
    known = np.isfinite(low) & np.isfinite(high)
    if known.any():
        axes.fill_between(x[known], low[known], high[known], color=color, alpha=0.18, linewidth=0)


def _bars(axes: Axes, shown: pd.DataFrame) -> None:
    """Draw consistency bars as grey boxes around the diagonal, behind the points."""
    values = shown[["mean_probability", "bar_low", "bar_high"]].to_numpy(np.float64)
    for middle, low, high in values:
        axes.fill_between([middle - 0.012, middle + 0.012], low, high, color=MUTED, alpha=0.35, linewidth=0)


@styled
def interval_figure(table: pd.DataFrame, *, level: float = 0.95) -> Figure:
    """Draw scores as points with their intervals, one line a score, and the series of a comparison side by side.

    Args:
        table: `score`, `series`, `value`, `low`, `high`; one row a score and series; a NaN end draws no bar.
        level: of the intervals, for the axis label.
    """
    names = list(dict.fromkeys(table["score"]))
    series = list(dict.fromkeys(table["series"]))
    figure = new_figure(1.3 + 0.32 * len(names) * max(1.3, 0.8 * len(series)))
    axes = figure.add_subplot()
    axes.axvline(0, color=GRID, linewidth=2)
    for number, name in enumerate(series):
        rows = table[table["series"] == name]
        y = np.array([names.index(score) for score in rows["score"]]) + _offset(number, len(series))
        rows = rows.astype({"value": float, "low": float, "high": float})
        color = (FIRST, SECOND, THIRD, INK, MUTED)[number % 5]
        axes.hlines(y, rows["low"], rows["high"], color=color, linewidth=3)
        axes.plot(rows["value"], y, _MARKERS[number % 5], color=color, markersize=8, markeredgecolor=INK, label=name)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    known = table["low"].notna().any()
    axes.set_xlabel(f"Score with its {100 * level:.3g} % interval" if known else "Score")
    if len(series) > 1:
        fitting = max(1, _LEGEND_LETTERS // (max(map(len, series)) + 5))  # a marker is as wide as five letters
        figure.legend(loc="outside upper left", ncols=min(len(series), fitting))
    return figure


def _offset(number: int, count: int) -> float:
    return (number - (count - 1) / 2) * 0.7 / count
