"""How good is a forecast by each set of its parts?"""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from flarescope.figures.style import FIRST, MUTED, SECOND, new_figure, styled

LINE: Final = 24
"""Letters of a name on one line, so that the intervals have half of the width."""


@styled
def ablation_figure(found: Mapping[str, Any], score: str = "bss_climatology") -> Figure:
    """Draw the skill of every set of parts, and what each part adds, with their intervals.

    Args:
        found: what `pipeline.ablating.ablate` gives.
        score: of both panels.
    """
    sets, adds = found["sets"], found["adds"]
    figure = new_figure(1.6 + 0.5 * (len(sets) + len(adds)))
    upper, lower = figure.subplots(2, 1, height_ratios=[len(sets), max(len(adds), 1)])
    _panel(upper, [one["set"] for one in sets], [one["scores"][score] for one in sets], FIRST)
    _panel(lower, [one["what"] for one in adds], [one["scores"][score] for one in adds], SECOND)
    upper.set_xlabel("Brier skill score")
    lower.set_xlabel("Skill added")
    if found.get("synthetic"):
        figure.suptitle("SYNTHETIC DATA", fontsize=11, color=MUTED)
    return figure


def _panel(axes: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]], color: str) -> None:  # noqa: ANN401
    axes.axvline(0, color=MUTED, linewidth=1)
    for place, row in enumerate(rows):
        value = np.nan if row["value"] is None else row["value"]
        if row.get("low") is not None and row.get("high") is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=color, linewidth=2)
        axes.plot(value, place, "o", color=color, markersize=6)
    axes.set_yticks(range(len(names)), ["\n".join(wrap(name, LINE)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
