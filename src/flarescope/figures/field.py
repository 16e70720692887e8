"""How does a magnetic field look in the colours that HMI's readers know?

HMI shows the field along the line of sight from -1500 to +1500 G: grey where it is weak, warm colours (yellow, orange,
red) where it points away from us, cool ones (blue) where it points towards us, darker the stronger. The map here keeps
that reading. It is not the table that JSOC publishes: cyan stands for that table's green, which one man in twelve
cannot tell from its yellow, and lightness falls evenly on both sides, so that equal strengths look equally strong.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from PIL import Image

from flarescope.figures.scale_marks import NOTHING_KNOWN, ScaleMarks
from flarescope.figures.style import INK, WIDTH_INCHES, new_figure, styled
from flarescope.wording import probability_text, with_relation

FIELD_LIMIT_GAUSS: Final = 1500.0
"""Both ends of HMI's usual magnetogram scale."""

MISSING: Final = "#7d3c98"
"""Violet, which the map does not hold: no measurement."""

# Gauss -> colour; CIE lightness about 88, 87, 67, 42, 13 outwards from zero on either side.
_ANCHORS: Final = (
    (-1500.0, "#4a0008"),
    (-900.0, "#b5310f"),
    (-400.0, "#f28c28"),
    (-100.0, "#f7d774"),
    (0.0, "#dcdcdc"),
    (100.0, "#9fe3ea"),
    (400.0, "#4aa8dc"),
    (900.0, "#1f5fc4"),
    (1500.0, "#0a1a5c"),
)

FIELD_MAP: Final = LinearSegmentedColormap.from_list(
    "hmi-field",
    [((gauss + FIELD_LIMIT_GAUSS) / (2 * FIELD_LIMIT_GAUSS), color) for gauss, color in _ANCHORS],
    N=255,  # odd, so that zero has a colour of its own
).with_extremes(bad=MISSING)

FIELD_NORM: Final = Normalize(-FIELD_LIMIT_GAUSS, FIELD_LIMIT_GAUSS, clip=True)

LARGEST_SIDE: Final = 224
"""Pixels of the longer side in a page; larger fields are averaged down."""


@dataclass(frozen=True)
class FieldImage:
    """A magnetogram to show, with what was forecast for it.

    Attributes:
        field_gauss: `(H, W)` gauss along the line of sight, first row on top; NaN where there is no measurement. North
            is up and west to the right if `field[:, ::-1]` is given of an image as HMI writes it (CROTA2 about 180),
            and `field[::-1]` of one with CROTA2 0, such as a map in cylindrical coordinates.
        filename: of the image in its table.
        noaa_ar: region number, or None.
        time: as it is to be read, with its scale, or None.
        probability: forecast for it, 0..1.
        label: 1 where an event followed.
        flare: GOES class of the largest flare in the window, or None.
        seen: `(S, S)`, what each part says of the event (`figures.explained`), or None.
        seen_note: how it was made, and how far it holds.
        marks: scale bar and north, where they are known (`scale_marks`).
    """

    field_gauss: np.ndarray
    filename: str
    noaa_ar: int | None
    time: str | None
    probability: float
    label: int
    flare: str | None = None
    seen: np.ndarray | None = None
    seen_note: str = ""
    marks: ScaleMarks = NOTHING_KNOWN


def shrink(field_gauss: np.ndarray, side: int = LARGEST_SIDE) -> np.ndarray:
    """Average a field down until its longer side has at most `side` pixels; one NaN makes its neighbourhood NaN."""
    rows, columns = field_gauss.shape
    scale = side / max(rows, columns)
    if scale >= 1:
        return np.asarray(field_gauss, dtype=np.float64)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    image = Image.fromarray(np.asarray(field_gauss, dtype=np.float32)).resize(size, Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float64)


def field_indices(field_gauss: np.ndarray) -> np.ndarray:
    """Give each pixel its colour's number, `(H, W)` uint8: 0..254 for -1500..+1500 G (clipped), 255 for missing."""
    finite = np.isfinite(field_gauss)
    share = np.clip((np.where(finite, field_gauss, 0.0) / FIELD_LIMIT_GAUSS + 1) / 2, 0, 1)
    return np.where(finite, np.rint(share * 254), 255).astype(np.uint8)


def field_png(field_gauss: np.ndarray, *, side: int = LARGEST_SIDE, see_through: bool = False) -> bytes:
    """Give a PNG of the field, one byte a pixel with the map as its palette.

    Args:
        field_gauss: see `FieldImage`.
        side: pixels of the longer side at most.
        see_through: whether what has no value is transparent, as space around the disk, and not violet.
    """
    image = Image.fromarray(field_indices(shrink(field_gauss, side)), mode=None)
    colors = [*FIELD_MAP(np.arange(255)), FIELD_MAP.get_bad()]
    palette = [round(255 * float(channel)) for color in colors for channel in color[:3]]
    image.putpalette(palette)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True, **({"transparency": 255} if see_through else {}))
    return buffer.getvalue()


def data_uri(png: bytes) -> str:
    """Give a PNG as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


@styled
def field_bar_figure() -> Figure:
    """Draw the bar that says which colour is how many gauss."""
    figure = new_figure(0.95)
    gauss_bar(figure.add_subplot())
    return figure


@styled
def gallery_figure(groups: Sequence[tuple[str, Sequence[FieldImage]]], columns: int = 4) -> Figure:
    """Draw groups of magnetograms, a row a group, with one gauss bar.

    Args:
        groups: heading and images of each row; images beyond `columns` are left out.
        columns: images in a row.
    """
    heights = [3.4 if images else 0.6 for _, images in groups] + [0.8]
    figure = Figure(figsize=(2 * WIDTH_INCHES, sum(heights)), layout="constrained", facecolor="white")
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for row, (heading, images) in zip(parts, groups, strict=False):
        row.suptitle(heading if images else f"{heading}: none", x=0.01, ha="left", size=14, weight="bold")
        if not images:
            continue
        for axes, image in zip_longest(row.subplots(1, columns), images[:columns]):
            axes.set_axis_off()
            if image is not None:
                axes.imshow(shrink(image.field_gauss), interpolation="nearest", cmap=FIELD_MAP, norm=FIELD_NORM)
                _draw_marks(axes, image.marks, *shrink(image.field_gauss).shape)
                region = "" if image.noaa_ar is None else f"NOAA {image.noaa_ar}, "
                axes.set_title(
                    f"{region}p {with_relation(probability_text(image.probability))}\n{image.time or ''}",
                    size=11,
                    pad=4,
                )
    gauss_bar(parts[-1].subplots())
    return figure


def _draw_marks(axes: Axes, marks: ScaleMarks, rows: int, columns: int) -> None:
    """Draw a scale bar at the lower left and directions at the upper right of a picture."""
    if marks.bar_mm is not None:
        begin, y = 0.05 * columns, 0.94 * rows
        axes.plot([begin, begin + marks.bar_share * columns], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt")
        axes.text(begin, y - 0.02 * rows, f"{marks.bar_mm} Mm", va="bottom", color=INK, size=9)
    x, y, length = 0.86 * columns, 0.14 * rows, 0.08 * min(rows, columns)
    for name, step in (("N", marks.north), ("W", marks.west)):
        if step is not None:
            axes.plot([x, x + length * step[0]], [y, y + length * step[1]], color=INK, linewidth=1.5)
            place = (x + 1.5 * length * step[0], y + 1.5 * length * step[1])
            axes.text(*place, name, ha="center", va="center", color=INK, size=9)


def gauss_bar(axes: Axes, *, size: float | None = None) -> None:
    """Draw into axes which colour is how many gauss; in letters of `size` points, or as the style has them."""
    shades = np.linspace(-FIELD_LIMIT_GAUSS, FIELD_LIMIT_GAUSS, 255)[np.newaxis]
    ends = (-FIELD_LIMIT_GAUSS, FIELD_LIMIT_GAUSS)
    axes.imshow(shades, cmap=FIELD_MAP, norm=FIELD_NORM, extent=(*ends, 0, 1), aspect="auto")
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_xticks(np.linspace(*ends, 7))
    axes.set_xlabel("Field along the line of sight (gauss)", size=size)
    if size is not None:
        axes.tick_params(labelsize=size)
