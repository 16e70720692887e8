"""How did training go, epoch by epoch?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flarescope.figures.style import FIRST, SECOND, new_figure, styled

_PARTS: Final = (("train", "training", FIRST, "o--"), ("validation", "validation", SECOND, "s-"))
_PANELS: Final = (("loss", "Loss (nats)"), ("tss", "TSS"), ("hss", "HSS"))


def _series(history: Sequence[Mapping[str, Any]], part: str, key: str) -> np.ndarray:
    """Give one number an epoch, NaN where it was not measured."""
    values = [(row.get(part) or {}).get(key) for row in history]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


@styled
def history_figure(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw loss, TSS and HSS of training and validation over the epochs.

    Args:
        history: a mapping an epoch: `epoch` and, in `train` and `validation`, `loss`, `tss`, `hss`; what is missing
            is left out.
    """
    epochs = np.array([row["epoch"] for row in history], dtype=np.float64)
    figure = new_figure(6.2)
    panels = figure.subplots(len(_PANELS), 1, sharex=True)
    for axes, (key, label) in zip(panels, _PANELS, strict=True):
        for part, name, color, style in _PARTS:
            values = _series(history, part, key)
            if np.isfinite(values).any():
                axes.plot(epochs, values, style, color=color, markersize=6, label=name)
        axes.set_ylabel(label)
    panels[-1].set_xlabel("Epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if panels[0].get_legend_handles_labels()[1]:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure
