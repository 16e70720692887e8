"""Where do the disk's grid, its regions and their labels stand in the drawing of a page?

The drawing's unit is a thousandth of the solar radius; its middle is the disk's centre, x runs to the west (right), y
down. Places, rings and grid are those of `figures.disk`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from flarescope.figures.disk import POINT_RADII, DiskMark, grid_lines, ring_points
from flarescope.figures.field import FIELD_MAP
from flarescope.serving.documents import Document

UNIT: Final = 1000
EDGE: Final = 1150
"""The drawing goes so far on each side."""
LABEL: Final = (300, 180)
"""Width and height of a label at its largest, on a phone: 7 letters, two lines of 76."""
GAP: Final = 24
"""Between ring and label."""
STOPS: Final = 25

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
COMPASS: Final[tuple[Box, ...]] = tuple(
    (x - 45, y - 45, x + 45, y + 45) for x, y in ((0, -1070), (0, 1070), (-1070, 0), (1070, 0))
)
"""Where the letters N, S, E, W stand."""


def disk_drawing(regions: Sequence[Mapping[str, Any]], tilt_deg: float) -> Document:
    """Give what is drawn of the disk.

    Args:
        regions: of a forecast's document, with `place`.
        tilt_deg: latitude of the disk's centre (B0).

    Returns:
        `grid`: a path; `equator`: another; `marks`: of each visible region `noaa_ar`, `x`, `y`, `r` (of its ring), its
        label's `tx`, `ty`, `anchor` and `leader` (two ends, or None); `unseen`: `noaa_ar` and `state` of the others.
    """
    seen = [one for one in regions if (one["place"] or {}).get("state") == "visible"]
    rings = [(UNIT * one["place"]["x"], -UNIT * one["place"]["y"], _radius(one)) for one in seen]
    labels = place_labels(rings)
    marks = [
        {"noaa_ar": one["noaa_ar"], "x": round(x), "y": round(y), "r": round(r), **label}
        for one, (x, y, r), label in zip(seen, rings, labels, strict=True)
    ]
    lines = list(grid_lines(tilt_deg))
    return {
        "grid": " ".join(_path(x, y) for x, y, equator in lines if not equator),
        "equator": " ".join(_path(x, y) for x, y, equator in lines if equator),
        "marks": marks,
        "unseen": [{"noaa_ar": one["noaa_ar"], "state": _state(one)} for one in regions if one not in seen],
    }


def place_labels(rings: Sequence[tuple[float, float, float]]) -> list[Document]:
    """Put a label beside each ring so that labels cover one another and the rings as little as can be.

    Large regions choose first, of places around their ring at growing distance; the nearest free one is taken.

    Args:
        rings: middle and radius of each.

    Returns:
        Of each `tx`, `ty` (where the text's middle line stands), `anchor` (`start`, `middle`, `end`), and `leader`: the
        line from ring to label as four numbers, None where it is near.
    """
    taken: list[Box] = [*((x - r, y - r, x + r, y + r) for x, y, r in rings), *COMPASS]
    found: dict[int, Document] = {}
    for number in sorted(range(len(rings)), key=lambda i: -rings[i][2]):
        own = taken[number]
        others = [box for i, box in enumerate(taken) if i != number]
        _, box, label = min(
            ((_cost(box, [*others, own], step), box, label) for step, box, label in _candidates(rings[number])),
            key=lambda one: one[0],
        )
        taken.append(box)
        found[number] = label
    return [found[number] for number in range(len(rings))]


def field_stops() -> list[Document]:
    """Give the colours of the field's bar, -1500 to +1500 G: `offset` in percent and `color`."""
    shares = np.linspace(0, 1, STOPS)
    return [
        {
            "offset": round(100 * float(share), 1),
            "color": "#" + "".join(f"{round(255 * c):02x}" for c in FIELD_MAP(share)[:3]),
        }
        for share in shares
    ]


def _radius(region: Mapping[str, Any]) -> float:
    area = region["area_msh"]
    mark = DiskMark(region["noaa_ar"], 0.0, 0.0, area_msh=None if area is None else float(area))
    return UNIT * ring_points(mark) / 2 * POINT_RADII


def _state(region: Mapping[str, Any]) -> str:
    return str(region["place"]["state"]) if region["place"] else "place not kept"


def _candidates(ring: tuple[float, float, float]) -> list[tuple[int, Box, Document]]:
    """Give places for a label: how far out, its box, and how it is written there."""
    x, y, r = ring
    width, height = LABEL
    found = []
    for step, away in enumerate((0, 90, 180, 300, 420)):
        for across, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)):
            slant = 0.75 if across and down else 1.0
            tx = x + across * slant * (r + GAP + away)
            ty = y + down * slant * (r + GAP + away) + (down * height / 2 if not across or away else 0)
            left = tx - {1: 0, 0: width / 2, -1: width}[across]
            box = (left, ty - height / 2, left + width, ty + height / 2)
            leader = None
            if away:
                reach = np.hypot(tx - x, ty - y)
                leader = [round(v) for v in (x + (tx - x) * r / reach, y + (ty - y) * r / reach, tx, ty)]
            anchor = {1: "start", 0: "middle", -1: "end"}[across]
            found.append((step, box, {"tx": round(tx), "ty": round(ty), "anchor": anchor, "leader": leader}))
    return found


def _cost(box: Box, taken: Sequence[Box], step: int) -> float:
    """Give how bad a place is: what it covers, what of it is outside the drawing, and how far it is."""
    area = LABEL[0] * LABEL[1]
    covered = sum(_shared(box, one) for one in taken)
    outside = area - _shared(box, (-EDGE, -EDGE, EDGE, EDGE))
    return round(3 * outside / area + 2 * covered / area + 0.12 * step, 3)  # so that equal ones stay in order


def _shared(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(down, 0.0)


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Write a line as an SVG path, broken where it is hidden."""
    pieces, drawing = [], False
    for west, north in zip(UNIT * x, -UNIT * y, strict=True):
        hidden = bool(np.isnan(west) or np.isnan(north))
        if not hidden:
            pieces.append(f"{'L' if drawing else 'M'}{west:.0f} {north:.0f}")
        drawing = not hidden
    return "".join(pieces)
