"""How does it look what a model sees in an image: maps over the magnetogram, and how faithful they are?"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from flarescope.figures.field import FIELD_MAP, FIELD_NORM, gauss_bar, shrink
from flarescope.figures.style import FIRST, MUTED, SECOND, THIRD, WIDTH_INCHES, styled, unit_axis

GREY_GAUSS: Final = 500.0
"""Under a map the field is grey, from -500 to +500 G."""

DRAWN_SIDE: Final = 56
"""Pixels a side to which a map is averaged for the drawing: single pixels of a gradient are noise to the eye."""

LINE_INCHES: Final = 0.19
"""Height of a line of the caption."""

STRONGEST: Final = 99.0
"""Percentile of a map's size that has its full colour."""

_LINES: Final = ((FIRST, "-"), (SECOND, "--"), (THIRD, "-."), ("#cc79a7", (0, (3, 1, 1, 1))), ("#56b4e9", ":"))


@dataclass(frozen=True)
class Background:
    """What maps are drawn over.

    Attributes:
        values: `(H, W)`, gauss, or levels of a picture whose scale is not known; first row on top.
        in_gauss: which of the two.
        unit: of the axes, as `arcsec`, `degrees` (heliographic), `pixels`.
        width: of the image in that unit.
        height: likewise.
        line: `(V, 2)` places of the polarity inversion line, row and column as shares of the image 0..1; None where the
            scale is not known.
    """

    values: np.ndarray = field(repr=False)
    in_gauss: bool
    unit: str
    width: float
    height: float
    line: np.ndarray | None = field(default=None, repr=False)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top, from the middle, as the image lies; pixels from the upper left corner."""
        if self.unit == "pixels":
            return 0.0, self.width, self.height, 0.0
        return -self.width / 2, self.width / 2, -self.height / 2, self.height / 2


@dataclass(frozen=True)
class DrawnCurves:
    """One map's deletion and insertion curves: share of cells, and log-odds."""

    share: np.ndarray = field(repr=False)
    deletion: np.ndarray = field(repr=False)
    insertion: np.ndarray = field(repr=False)


@styled
def explanation_figure(
    background: Background,
    maps: Mapping[str, np.ndarray],
    *,
    title: str,
    caption: str,
    curves: Mapping[str, DrawnCurves] | None = None,
    random: Sequence[DrawnCurves] = (),
) -> Figure:
    """Draw the magnetogram, each map over it, and below what becomes of the log-odds by each map.

    Args:
        background: the magnetogram.
        maps: heading of a panel (a second line of numbers is drawn smaller) -> `(S, S)`; where it is positive the image
            speaks for the event, in vermilion, where it is negative against it, in blue.
        title: of the figure.
        caption: below, in lines as they are given.
        curves: title of a panel -> its curves; None or empty leaves them out.
        random: curves of random maps.
    """
    columns = 3
    rows = -(-(1 + len(maps)) // columns)
    tall = np.clip(background.height / background.width, 0.4, 1.6)
    lines = [line for text in caption.split("\n") for line in textwrap.wrap(text, 118)]
    heights = [
        rows * (2.9 * tall + 0.9),
        *([0.75] if background.in_gauss else []),
        *([3.4] if curves else []),
        0.3 + LINE_INCHES * len(lines),
    ]
    figure = Figure(figsize=(2 * WIDTH_INCHES, sum(heights) + 0.5), layout="constrained", facecolor="white")
    figure.suptitle("\n".join(textwrap.wrap(title, 90)), x=0.01, ha="left", size=13, weight="bold")
    parts = list(figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])
    panels = parts.pop(0).subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[1 + len(maps) :]:
        axes.set_axis_off()
    _field(panels[0], background)
    for axes, (name, values) in zip(panels[1:], maps.items(), strict=False):
        _over(axes, background, values, name)
    if background.in_gauss:
        gauss_bar(parts.pop(0).subplots(), size=10)
    if curves:
        _curves(parts.pop(0).subplots(1, 2, sharey=True), curves, random)
    parts[0].text(0.01, 0.98, "\n".join(lines), ha="left", va="top", size=10, color=MUTED)
    return figure


def _field(axes: Axes, background: Background) -> None:
    if background.in_gauss:
        drawn: dict[str, Any] = {"cmap": FIELD_MAP, "norm": FIELD_NORM}
    else:
        drawn = {"cmap": "gray", "vmin": 0, "vmax": 255}
    axes.imshow(shrink(background.values, 448), extent=background.extent, interpolation="nearest", **drawn)
    _line(axes, background)
    _finish(axes, background, "Field along the line of sight" if background.in_gauss else "Image")


def _over(axes: Axes, background: Background, values: np.ndarray, name: str) -> None:
    ends = (-GREY_GAUSS, GREY_GAUSS) if background.in_gauss else (0, 255)
    grey = shrink(background.values, 448)
    axes.imshow(grey, extent=background.extent, cmap="gray", vmin=ends[0], vmax=ends[1], interpolation="nearest")
    axes.imshow(tinted(values), extent=background.extent, interpolation="bilinear")
    _line(axes, background)
    _finish(axes, background, name)


def tinted(values: np.ndarray) -> np.ndarray:
    """Give a map as RGBA `(s, s, 4)`: its sign is the colour, its size the opacity, 0.75 at most."""
    small = shrink(values, DRAWN_SIDE)
    strongest = float(np.percentile(np.abs(small), STRONGEST)) or float(np.abs(small).max()) or 1.0
    colours = {sign: [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)] for sign, code in ((1, SECOND), (-1, FIRST))}
    tint = np.where(small[..., np.newaxis] >= 0, colours[1], colours[-1])
    return np.dstack([tint, 0.75 * np.clip(np.abs(small) / strongest, 0, 1)])


def _line(axes: Axes, background: Background) -> None:
    if background.line is None or not len(background.line):
        return
    left, right, bottom, top = background.extent
    x = left + background.line[:, 1] * (right - left)
    y = top + background.line[:, 0] * (bottom - top)
    axes.scatter(x, y, s=1.2, color=THIRD, linewidths=0, rasterized=True)


def _finish(axes: Axes, background: Background, name: str) -> None:
    heading, _, numbers = name.partition("\n")
    axes.set_title(f"{heading}\n" if numbers else heading, size=11, pad=4)
    axes.text(0.5, 1.02, numbers, transform=axes.transAxes, ha="center", va="bottom", size=8.5, color=MUTED)
    axes.grid(visible=False)
    axes.tick_params(labelsize=9)
    axes.set_xlabel(background.unit, size=9)
    left, right, bottom, top = background.extent
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _curves(both: Sequence[Axes], curves: Mapping[str, DrawnCurves], random: Sequence[DrawnCurves]) -> None:
    for axes, part in zip(both, ("deletion", "insertion"), strict=True):
        for number, one in enumerate(random):
            label = "random maps" if number == 0 else None
            axes.plot(one.share, getattr(one, part), color=MUTED, linewidth=0.8, alpha=0.6, label=label)
        for (name, one), (colour, dashes) in zip(curves.items(), _LINES, strict=False):
            axes.plot(one.share, getattr(one, part), color=colour, linestyle=dashes, label=name)
        unit_axis(axes, x=True)
        went, better = ("set to zero field", "fast fall") if part == "deletion" else ("put back", "fast rise")
        axes.set_title(f"{part.capitalize()}: {better} is good", size=11, pad=4)
        axes.set_xlabel(f"Share of cells {went}", size=10)
    both[0].set_ylabel("Log-odds of the event", size=10)
    both[1].legend(fontsize=9, loc="best")


def seen_png(field_gauss: np.ndarray, values: np.ndarray) -> bytes:
    """Give a PNG of a map over its field in grey, as `explanation_figure` draws them.

    Args:
        field_gauss: `(H, W)` gauss.
        values: `(S, S)`, of the whole image.
    """
    field = shrink(field_gauss)
    grey = np.clip(np.nan_to_num(field) / GREY_GAUSS, -1, 1) * 127.5 + 127.5
    image = Image.fromarray(np.repeat(grey[..., np.newaxis], 3, axis=2).astype(np.uint8)).convert("RGBA")
    tint = Image.fromarray(np.rint(255 * tinted(values)).astype(np.uint8), mode=None)
    image.alpha_composite(tint.resize(image.size, Image.Resampling.BILINEAR))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
