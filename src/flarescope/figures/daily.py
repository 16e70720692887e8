"""What was forecast for the whole disk, day by day, and did it happen?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flarescope.figures.style import FIRST, GRID, INK, SECOND, new_figure, styled, unit_axis
from flarescope.figures.timeline import naive_utc, time_axis


@styled
def daily_figure(days: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Figure:
    """Draw the probability of each event over the days: a filled diamond where it came, a hollow circle where not.

    Args:
        days: `issued` (ISO 8601) and `events`: name -> `probability`, `happened` (True, False, None where unknown).
        names: of the events, a panel each.
    """
    figure = new_figure(0.9 + 1.7 * len(names))
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    issued = naive_utc(pd.Series(pd.to_datetime([day["issued"] for day in days], utc=True)))
    for axes, name in zip(panels, names, strict=True):
        told = [day["events"].get(name, {}) for day in days]
        probability = np.array([one.get("probability", np.nan) for one in told], float)
        axes.vlines(issued, 0, probability, color=GRID, linewidth=3)
        for happened, marker, color, label in (
            (True, "D", SECOND, "it happened"),
            (False, "o", "none", "it did not"),
            (None, "x", INK, "not known"),
        ):
            rows = np.array([one.get("happened") is happened for one in told], bool)
            if rows.any():
                edge = FIRST if happened is False else INK
                axes.plot(issued[rows], probability[rows], marker, color=edge, markerfacecolor=color, label=label)
        unit_axis(axes, y=True)
        axes.set_ylabel(f"P({name})")
    margin = np.timedelta64(14, "h")
    panels[-1].set_xlim(issued[0] - margin, issued[-1] + margin)
    time_axis(panels[-1], *panels[-1].get_xlim())
    labels: dict[str, Any] = {}
    for axes in panels:
        labels |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(labels.values(), labels.keys(), loc="outside upper left", ncols=3)
    return figure
