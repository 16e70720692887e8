"""Where does a forecast stand in hit rate, success ratio, bias and CSI at once, and to whom is it worth money?"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flarescope.figures.style import FIRST, GRID, INK, MUTED, SECOND, THIRD, new_figure, styled, unit_axis
from flarescope.scores.questions.performance import hit_rate_of

_MARKERS: Final = "osD^v"
_CSI: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_BIAS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)


@styled
def performance_figure(
    success_ratio: np.ndarray, hit_rate: np.ndarray, *, points: Mapping[str, tuple[float, float]] | None = None
) -> Figure:
    """Draw hit rate against success ratio over all thresholds, with lines of equal CSI and bias.

    Args:
        success_ratio: `(N,)` TP / (TP + FP), 0..1, in the order of the threshold.
        hit_rate: `(N,)` TP / (TP + FN), 0..1.
        points: name -> (success ratio, hit rate) of forecasts, each a mark.
    """
    figure = new_figure(5.1)
    axes = figure.add_subplot()
    axes.grid(visible=False)
    x = np.linspace(0.005, 1, 200)
    for csi in _CSI:
        axes.plot(x, hit_rate_of(x, csi=csi), color=GRID, linewidth=1)
        axes.text(1.0, float(hit_rate_of(np.array(1.0), csi=csi)), f"{csi:g}", color=MUTED, size=10, va="center")
    for bias in _BIAS:
        end = (1 / bias, 1.0) if bias > 1 else (1.0, bias)
        axes.plot([0, end[0]], [0, end[1]], color=MUTED, linewidth=0.9, linestyle=":")
        place, ha = ((end[0], 1.03), "center") if bias >= 1 else ((0.93, bias * 0.93 + 0.03), "right")
        axes.text(*place, f"bias {bias:g}", color=MUTED, size=10, ha=ha)
    axes.plot(success_ratio, hit_rate, color=FIRST, label="all thresholds")
    for number, (name, place) in enumerate((points or {}).items()):
        color = (SECOND, THIRD, INK, MUTED)[number % 4]
        marker = _MARKERS[number % 5]
        axes.plot(*[[value] for value in place], marker, markersize=9, color=color, markeredgecolor=INK, label=name)
    unit_axis(axes, x=True, y=True)
    axes.set_xlim(-0.02, 1.07)
    axes.set_ylim(-0.02, 1.09)
    axes.set_xlabel("Success ratio, TP / (TP + FP)")
    axes.set_ylabel("Hit rate, TP / (TP + FN)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


@styled
def value_figure(cost_loss: np.ndarray, curves: Mapping[str, pd.DataFrame], *, event_rate: float) -> Figure:
    """Draw the relative economic value over C / L.

    Args:
        cost_loss: `(T,)` cost of protection over loss, 0..1, rising.
        curves: name -> `value`, `low`, `high`, `(T,)` each.
        event_rate: share of events, marked: who has this C / L gains most.
    """
    figure = new_figure(4.1)
    axes = figure.add_subplot()
    axes.axhline(0, color=MUTED, linewidth=1.2, linestyle=":")
    axes.axvline(event_rate, color=MUTED, linewidth=1.2, linestyle="--", label=f"share of events {event_rate:.3f}")
    for (name, curve), color, line in zip(curves.items(), (FIRST, SECOND), ("-", "--"), strict=False):
        known = np.isfinite(curve["low"]) & np.isfinite(curve["high"])
        low, high = curve["low"][known].clip(lower=-0.3), curve["high"][known].clip(lower=-0.3)
        axes.fill_between(cost_loss[known], low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(cost_loss, curve["value"], line, color=color, label=name)
    axes.set_xscale("log")
    ticks = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(-0.25, 1.02)
    axes.set_xlabel("Cost of protection / loss if unprotected")
    axes.set_ylabel("Relative value (1 is perfect)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure
