"""How good is a forecast by each set of its parts?"""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from flarescope.events import event_from_json, statement_of
from flarescope.figures.style import FIRST, MUTED, SECOND, new_figure, styled
from flarescope.wording import has_intervals

SCORE: Final = "bss_climatology"
LINE: Final = 24
"""Letters of a name on one line, so that the intervals have half of the width."""
TITLE: Final = 76
"""Letters on one line above both panels."""


@styled
def ablation_figure(found: Mapping[str, Any]) -> Figure:
    """Draw the skill of every set of parts, and what each part adds, with their intervals.

    Args:
        found: what `pipeline.ablating.ablate` gives.
    """
    sets, adds = found["sets"], found["adds"]
    figure = new_figure(1.6 + 0.5 * (len(sets) + len(adds)))
    upper, lower = figure.subplots(2, 1, height_ratios=[len(sets), max(len(adds), 1)])
    _panel(upper, [one["set"] for one in sets], [one["scores"][SCORE] for one in sets], FIRST)
    _panel(lower, [one["what"] for one in adds], [one["scores"][SCORE] for one in adds], SECOND)
    upper.set_xlabel("Brier skill score")
    lower.set_xlabel("Skill added")
    figure.suptitle("\n".join(line for text in _title(found) for line in wrap(text, TITLE)), fontsize=9, color=MUTED)
    return figure


def _title(found: Mapping[str, Any]) -> list[str]:
    """Say what data these are of, what is forecast, and what a line is."""
    settings = found["settings"]
    lines = f"; a line is a {settings['level']:.0%} interval" if has_intervals(settings) else ""
    return [
        *(["SYNTHETIC DATA"] if found.get("synthetic") else []),
        statement_of(event_from_json(found["event"], "the ablation")),
        f"skill is against the training rows' event rate{lines}",
    ]


def _panel(axes: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]], color: str) -> None:  # noqa: ANN401
    axes.axvline(0, color=MUTED, linewidth=1)
    for place, row in enumerate(rows):
        value = np.nan if row["value"] is None else row["value"]
        if row.get("low") is not None and row.get("high") is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=color, linewidth=2)
        axes.plot(value, place, "o", color=color, markersize=6)
    axes.set_yticks(range(len(names)), ["\n".join(wrap(name, LINE)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
