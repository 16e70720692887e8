"""How long is a scale bar in a picture of a magnetogram, and where is north?"""

import math
from dataclasses import dataclass
from typing import Final

BARS_MM: Final = (200, 100, 50, 20, 10, 5, 2)
LONGEST: Final = 0.34
"""Share of the width that a bar takes at most."""


@dataclass(frozen=True)
class ScaleMarks:
    """What is drawn over a picture of a field whose first row is on top.

    Attributes:
        bar_mm: length of the bar, megametres, as if it lay at the centre of the disk; None where no scale is known.
        bar_share: its length as a share of the picture's width.
        north: step to the right and down, of length 1, towards north; None where that is not known.
        west: likewise towards solar west.
    """

    bar_mm: int | None = None
    bar_share: float = 0.0
    north: tuple[float, float] | None = None
    west: tuple[float, float] | None = None

    @property
    def words(self) -> str:
        """Say it in a sentence for those who do not see it; empty where nothing is known."""
        said = [] if self.bar_mm is None else [f"scale bar of {self.bar_mm} Mm"]
        if self.north is not None:
            said.append(f"north is {_direction(self.north)}")
        text = ", ".join(said)
        return text[:1].upper() + text[1:]


NOTHING_KNOWN: Final = ScaleMarks()


def scale_marks(width_mm: float | None, crota_deg: float | None, mirrored: bool | None) -> ScaleMarks:
    """Say what can be drawn over a picture of an image as it lies in its file, first row on top.

    A file's rows go from the first one north where CROTA2 is 0; with the first one on top north is then down. HMI's
    camera has CROTA2 180: north is up, and west to the left.

    Args:
        width_mm: what the image is wide, as if at the centre of the disk (`images.look.Look.width_mm`), or None.
        crota_deg: by how much it is turned against north up (CROTA2), or None.
        mirrored: whether west lies on the other side than on the sky (`Look.mirrored`), or None; then west is left out.
    """
    length = next((bar for bar in BARS_MM if width_mm and bar <= LONGEST * width_mm), None)
    share = length / width_mm if length and width_mm else 0.0
    if crota_deg is None or mirrored:
        return ScaleMarks(length, share)
    turn = math.radians(crota_deg)
    north, west = (math.sin(turn), math.cos(turn)), (math.cos(turn), -math.sin(turn))
    return ScaleMarks(length, share, north, west if mirrored is not None else None)


def _direction(step: tuple[float, float]) -> str:
    right, down = step
    if abs(down) >= abs(right):
        return "down" if down > 0 else "up"
    return "to the right" if right > 0 else "to the left"
