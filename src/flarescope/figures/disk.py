"""Where on the disk are a day's regions, and what is forecast for each?

The disk is seen from Earth's distance, north up and west to the right. Labels stand in two columns beside it, east and
west, so that none covers another or the field.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.text import Text

from flarescope.figures.field import FIELD_MAP, FIELD_NORM, gauss_bar
from flarescope.figures.spread import spread
from flarescope.figures.style import INK, MUTED, styled

WIDTH_INCHES: Final = 7.0
"""504 points: on a page 600 pixels wide, text of 10 points is read as 12 pixels."""

DISTANCE_RADII: Final = 215.0
"""From the Sun's centre to Earth, solar radii; the limb is then a quarter of a degree this side of 90."""

MOST_PROBABILITIES: Final = 3
"""Beside each region."""

FACE: Final = "#e4e6e9"
LINES: Final = "#4b5563"
MARK: Final = "#111418"
LEADER: Final = "#808790"
"""Colours inside the disk, whose face is light on light and dark pages; a leader is seen on both."""

_HALF_WIDTH: Final = 2.3
_COLUMN: Final = 1.2
"""Solar radii from the middle to the figure's sides, and to the inner edge of the labels."""

_LETTERS: Final = 24
_GAP: Final = 0.05
_FONT: Final = 9.5
_LINE: Final = 1.3
"""Height of a line of text, of its font."""
POINT_RADII: Final = 2 * _HALF_WIDTH / (WIDTH_INCHES * 72)
"""A point in solar radii."""
_ARC: Final = np.radians(np.linspace(-90, 90, 91))


@dataclass(frozen=True)
class DiskMark:
    """A region on the disk.

    Attributes:
        noaa_ar: NOAA's number; 0 where it has none.
        longitude_deg: west of the central meridian.
        latitude_deg: north.
        kind: McIntosh class, or what stands beside the number.
        area_msh: of its spots, millionths of the hemisphere; the mark is as large, where it is known.
        probabilities: of events, 0..1, by a short name, such as `{"C": 0.31, "M": 0.04, "X": 0.002}`; at most three.
    """

    noaa_ar: int
    longitude_deg: float
    latitude_deg: float
    kind: str | None = None
    area_msh: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)


@styled
def disk_figure(
    marks: Sequence[DiskMark],
    *,
    tilt_deg: float = 0.0,
    title: str = "",
    caption: str = "",
    field_gauss: np.ndarray | None = None,
) -> Figure:
    """Draw the disk with its regions.

    Args:
        marks: the regions; those behind the limb are named below the disk.
        tilt_deg: latitude of the disk's centre (B0).
        title: such as the time.
        caption: what the probabilities are of; stands below, in lines as they are given.
        field_gauss: `(S, S)` gauss, north up, which the disk fills from edge to edge (`disk.overview`); NaN where there
            is no value. Without it the disk is empty.
    """
    seen = [mark for mark in marks if position(mark.longitude_deg, mark.latitude_deg, tilt_deg) is not None]
    figure = Figure(figsize=(WIDTH_INCHES, WIDTH_INCHES), facecolor="white")
    axes = _axes(figure)
    blocks = [_label(axes, mark) for mark in seen]
    places = [position(mark.longitude_deg, mark.latitude_deg, tilt_deg) or (0.0, 0.0) for mark in seen]
    sides, reach = _columns(places, heights := [_height(block) for block in blocks])
    _sphere(axes, tilt_deg, field_gauss)
    for west in (False, True):
        members = [i for i in range(len(seen)) if sides[i] == west]
        middles = spread([places[i][1] for i in members], [heights[i] for i in members], -reach, reach)
        for i, middle in zip(members, middles, strict=True):
            _mark(axes, seen[i], places[i])
            _connect(axes, seen[i], places[i], blocks[i], middle, west=west)
    hidden = [str(mark.noaa_ar) for mark in marks if mark not in seen]
    below = [f"not visible: {', '.join(hidden)}"] if hidden else []
    _finish(figure, axes, reach, title, "\n".join([*below, *filter(None, [caption])]), field_gauss is not None)
    return figure


def position(longitude_deg: float, latitude_deg: float, tilt_deg: float) -> tuple[float, float] | None:
    """Give where a place on the Sun is seen from Earth, in radii of the disk west and north; None behind the limb.

    Args:
        longitude_deg: west of the central meridian.
        latitude_deg: north.
        tilt_deg: latitude of the disk's centre (B0).
    """
    x, y, toward = _turned(np.radians(longitude_deg), np.radians(latitude_deg), tilt_deg)
    return (float(_seen(x, toward)), float(_seen(y, toward))) if toward >= 1 / DISTANCE_RADII else None


def _turned(longitude: Any, latitude: Any, tilt_deg: float) -> tuple[Any, Any, Any]:  # noqa: ANN401 - floats or arrays
    """Give west, north and toward the observer, in radii of the Sun, of places in radians."""
    tilt = math.radians(tilt_deg)
    north, middle = np.sin(latitude), np.cos(latitude) * np.cos(longitude)
    return (
        np.cos(latitude) * np.sin(longitude),
        north * math.cos(tilt) - middle * math.sin(tilt),
        north * math.sin(tilt) + middle * math.cos(tilt),
    )


def _seen(across: Any, toward: Any) -> Any:  # noqa: ANN401 - floats or arrays
    """Give a tangent plane's coordinate in radii of the visible disk: what bulges towards us looks larger."""
    return across / (DISTANCE_RADII - toward) * math.sqrt(DISTANCE_RADII**2 - 1)


def grid_lines(tilt_deg: float) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Give the lines of a grid of 30 degrees as they are seen: `(91,)` west and north in radii, NaN behind the limb.

    The third value tells whether the line is the equator.

    Args:
        tilt_deg: latitude of the disk's centre (B0).
    """
    ways = [(np.radians(longitude), _ARC) for longitude in range(-180, 180, 30)]
    ways += [(2 * _ARC, np.radians(latitude)) for latitude in range(-60, 61, 30)]
    for longitude, latitude in ways:
        x, y, toward = np.broadcast_arrays(*_turned(longitude, latitude, tilt_deg))
        hidden = np.where(toward >= 1 / DISTANCE_RADII, 1.0, np.nan)
        equator = np.ndim(latitude) == 0 and latitude == 0
        yield _seen(x, toward) * hidden, _seen(y, toward) * hidden, bool(equator)


def percent(probability: float) -> str:
    """Write a probability as it is read off: `<1`, `4`, `31`, `>99`."""
    value = 100 * probability
    return "<1" if value < 1 else ">99" if value > 99 else f"{value:.0f}"


def _axes(figure: Figure) -> Axes:
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-_HALF_WIDTH, _HALF_WIDTH)
    axes.set_ylim(-_HALF_WIDTH, _HALF_WIDTH)
    axes.set_axis_off()
    return axes


def _label(axes: Axes, mark: DiskMark) -> list[Text]:
    """Make the lines of a label: number and class, and below the probabilities, in one line or one each."""
    head = " ".join(filter(None, [str(mark.noaa_ar) if mark.noaa_ar else "no number", mark.kind or ""]))
    shares = [f"{name} {percent(value)}" for name, value in list(mark.probabilities.items())[:MOST_PROBABILITIES]]
    together = f"{' · '.join(shares)} %" if shares else ""
    lines = [head, *([together] if len(together) <= _LETTERS else [f"{share} %" for share in shares])]
    texts = [axes.text(0, 0, line, size=_FONT, color=INK, va="center") for line in lines if line]
    texts[0].set_fontweight("bold")
    return texts


def _height(block: Sequence[Text]) -> float:
    """Give the height of a label in solar radii, with the gap to the next one."""
    return _LINE * _FONT * POINT_RADII * len(block) + _GAP


def _columns(places: Sequence[tuple[float, float]], heights: Sequence[float]) -> tuple[list[bool], float]:
    """Choose for each label whether it stands in the west, and how far up and down the columns reach.

    A region's own side is taken; where one column is longer than the disk is high, those nearest to the middle change
    to the other as long as it is the shorter one.
    """
    west = [x >= 0 for x, _ in places]
    for i in sorted(range(len(places)), key=lambda i: abs(places[i][0])):
        mine = sum(height for height, side in zip(heights, west, strict=True) if side == west[i])
        other = sum(heights) - mine
        if mine > 2.1 and other + heights[i] < mine:
            west[i] = not west[i]
    longest = max(sum(h for h, side in zip(heights, west, strict=True) if side == one) for one in (False, True))
    return west, max(1.05, longest / 2)


def _sphere(axes: Axes, tilt_deg: float, field_gauss: np.ndarray | None) -> None:
    """Draw face, field, limb and a grid of 30 degrees."""
    axes.add_patch(face := Circle((0, 0), 1, facecolor=FACE, edgecolor="none", zorder=0))
    if field_gauss is not None:
        box = (-1, 1, -1, 1)
        image = axes.imshow(field_gauss, cmap=FIELD_MAP, norm=FIELD_NORM, extent=box, interpolation="nearest", zorder=1)
        image.set_clip_path(face)
        axes.set_xlim(-_HALF_WIDTH, _HALF_WIDTH)
    for x, y, equator in grid_lines(tilt_deg):
        line: dict[str, Any] = {"color": LINES, "linewidth": 0.9 if equator else 0.5, "alpha": 0.55, "zorder": 2}
        axes.plot(x, y, **line)
    axes.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=LEADER, linewidth=1.2, zorder=3))
    for letter, east, north in (("N", 0, 1.07), ("S", 0, -1.07), ("E", -1.07, 0), ("W", 1.07, 0)):
        axes.text(east, north, letter, size=_FONT, color=MUTED, ha="center", va="center")


def _mark(axes: Axes, mark: DiskMark, place: tuple[float, float]) -> None:
    """Draw a ring around a region, wider for a larger one, dark on a light rim, so that it is seen on any field."""
    size = ring_points(mark)
    for width, color in ((3.2, "#ffffff"), (1.4, MARK)):
        ring: dict[str, Any] = {
            "marker": "o",
            "markersize": size,
            "markeredgewidth": width,
            "markerfacecolor": "none",
            "zorder": 5,
        }
        axes.plot(*place, markeredgecolor=color, **ring)


def ring_points(mark: DiskMark) -> float:
    """Give the width of a region's ring: its area grows with that of the spots."""
    return 8.0 + 0.5 * math.sqrt(max(mark.area_msh or 0.0, 0.0))


def _connect(
    axes: Axes, mark: DiskMark, place: tuple[float, float], block: Sequence[Text], middle: float, *, west: bool
) -> None:
    """Put a label at its place in a column, and draw the line that leads to it from the ring."""
    sign = 1 if west else -1
    inner = sign * _COLUMN
    knee = (inner - sign * 0.1, middle)
    away, ring = math.dist(place, knee), (ring_points(mark) / 2 + 1) * POINT_RADII
    start = [here + (there - here) * min(ring / max(away, 1e-9), 1) for here, there in zip(place, knee, strict=True)]
    line: dict[str, Any] = {"color": LEADER, "linewidth": 0.9, "zorder": 4, "solid_capstyle": "round"}
    axes.plot([start[0], knee[0], inner - sign * 0.03], [start[1], middle, middle], **line)
    step = _LINE * _FONT * POINT_RADII
    for number, text in enumerate(block):
        text.set_position((inner, middle + step * ((len(block) - 1) / 2 - number)))
        text.set_horizontalalignment("left" if west else "right")


def _finish(figure: Figure, axes: Axes, reach: float, title: str, caption: str, bar: bool) -> None:
    """Give the figure the height that disk, title, caption and bar need."""
    unit = WIDTH_INCHES / (2 * _HALF_WIDTH)  # inches a solar radius
    top, disk = (0.42 if title else 0.08), 2 * (reach + 0.1) * unit
    under = 0.2 * len(caption.split("\n")) + 0.1 if caption else 0.05
    bottom = 0.72 if bar else 0.0
    height = top + disk + under + bottom
    figure.set_figheight(height)
    axes.set_position((0, (under + bottom) / height, 1, disk / height))
    axes.set_ylim(-reach - 0.1, reach + 0.1)
    if title:
        figure.text(0.02, 1 - 0.1 / height, title, size=12, weight="bold", color=INK, ha="left", va="top")
    if caption:
        figure.text(0.02, (bottom + under - 0.02) / height, caption, size=9.5, color=MUTED, ha="left", va="top")
    if bar:
        gauss_bar(figure.add_axes((0.25, 0.48 / height, 0.5, 0.13 / height)), size=9.5)
