"""How do all figures look, so that they are legible on a phone, on light and dark pages and to colour-blind readers?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

WIDTH_INCHES: Final = 5.2
"""374 points: on a page 400 pixels wide a point is a pixel, so text of 12 points is read as 12 pixels."""

INK: Final = "#1f2328"
MUTED: Final = "#59636f"
GRID: Final = "#d5dae0"
FIRST: Final = "#0072b2"
SECOND: Final = "#d55e00"
THIRD: Final = "#009e74"
SHADE: Final = "#f0c99a"
"""Blue, vermilion, green of Okabe & Ito (2008), told apart with any colour vision; line style and marker differ too."""

THEMED: Final = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    FIRST: "--first",
    SECOND: "--second",
    THIRD: "--third",
    SHADE: "--shade",
}
"""The page's style sheet names each colour, so that one figure serves the light and the dark page."""

_STYLE: Final[Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 12,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2,
    "savefig.dpi": 160,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 11,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 11,
}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function under the house style, leaving matplotlib's settings as they were.

    It stands on what draws and on what saves: matplotlib makes ticks and grid lines as late as when a figure is saved.
    """

    @wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with _house_style():
            return function(*args, **kwargs)

    return draw


@contextmanager
def _house_style() -> Iterator[None]:
    """Set matplotlib's own settings with the house's in their place, and set them back."""
    with mpl.rc_context(), mpl.rc_context(mpl.rcParamsDefault), mpl.rc_context(_STYLE):
        yield


def new_figure(height_inches: float) -> Figure:
    """Make an empty figure of the common width."""
    return Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained", facecolor="white")


def unit_axis(axes: Axes, *, x: bool = False, y: bool = False) -> None:
    """Let an axis run from 0 to 1 with a tick every 0.2 and room for the markers at its ends."""
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    if x:
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks(ticks)
    if y:
        axes.set_ylim(-0.02, 1.02)
        axes.set_yticks(ticks)
