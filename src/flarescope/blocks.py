"""Which rows of the whole disk belong together: into which block of time does each fall?

An image of the whole disk shows every region, so that rows cannot be grouped by region: rows near in time are nearly
copies, and what a whole block of time holds is drawn or left out together. A block is never shorter than the window
of the event, so that one flare labels rows of two neighbouring blocks at most.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from flarescope.errors import InputError

Blocks = Literal["auto", "day", "rotation"]
"""`day`: days of UTC, several of them where the window is longer; `rotation`: Carrington rotations; `auto`: rotations
where there are `FEWEST_ROTATIONS` of them, else days."""

ROTATION_DAYS: Final = 27.2752316
"""Mean synodic length of a Carrington rotation (Meeus 1998, Astronomical Algorithms, ch. 29)."""

ROTATION_ZERO_JD: Final = 2_398_140.2270
"""Julian day on which rotation number 0 began; C begins `ROTATION_DAYS` x C later, to 0.2 days (same source)."""

FEWEST_ROTATIONS: Final = 10
"""Rotations from which on `auto` takes them: with fewer an interval would rest on a handful of blocks. What days then
give is too narrow, for activity lasts for weeks; the notes say so."""

_UNIX_JD: Final = 2_440_587.5
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True)
class Unit:
    """What is drawn or left out whole.

    Attributes:
        one: what one is called.
        many: what several are called.
        hours: length of a block of time; None for regions.
    """

    one: str
    many: str
    hours: float | None = None

    def to_json(self) -> dict[str, str | float | None]:
        """Give it as plain values."""
        return {"one": self.one, "many": self.many, "hours": self.hours}


REGION: Final = Unit("region", "regions")
GROUP: Final = Unit("group of connected regions", "groups of connected regions")


def check_blocks(blocks: str) -> None:
    """Refuse another word than `Blocks` has.

    Raises:
        InputError: naming the words.
    """
    if blocks not in get_args(Blocks):
        raise InputError(f"--blocks {blocks}: expected {', '.join(get_args(Blocks)[:-1])} or {get_args(Blocks)[-1]}")


def rotation_numbers(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Give the Carrington rotation in which each time lies, as a number with its fraction, by the mean rotation.

    Args:
        times: `(N,)` UTC.

    Returns:
        `(N,)` float64, NaN without a time; within 0.01 of the true number, whose rotations differ by hours.
    """
    days = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float) / 86_400
    return np.asarray((days + _UNIX_JD - ROTATION_ZERO_JD) / ROTATION_DAYS)


def time_blocks(
    times: "pd.Series[pd.Timestamp]", *, window_hours: float, blocks: Blocks = "auto"
) -> tuple["pd.Series[int]", Unit]:
    """Number the block of time that each row falls into.

    Args:
        times: `(N,)` UTC.
        window_hours: of the event; no block is shorter.
        blocks: how long they are.

    Returns:
        `(N,)` Int64 with the index of the times, null without a time; and what a block is called.
    """
    check_blocks(blocks)
    if blocks == "auto":
        found = time_blocks(times, window_hours=window_hours, blocks="rotation")
        return (
            found
            if found[0].nunique() >= FEWEST_ROTATIONS
            else time_blocks(times, window_hours=window_hours, blocks="day")
        )
    if blocks == "rotation":
        number = max(1, math.ceil(window_hours / (24 * ROTATION_DAYS)))
        values, unit = rotation_numbers(times), _several(number, "Carrington rotation", 24 * ROTATION_DAYS)
    else:
        number = max(1, math.ceil(window_hours / 24))
        values, unit = times.dt.as_unit("us").astype("int64").to_numpy() / _DAY_US, _several(number, "day", 24)
    floor = pd.Series(np.floor(np.where(times.isna(), 0, values) / number), index=times.index).astype("Int64")
    return floor.mask(times.isna()), unit


def _several(number: int, name: str, hours: float) -> Unit:
    if number == 1:
        return Unit(name, f"{name}s", hours)
    return Unit(f"block of {number} {name}s", f"blocks of {number} {name}s", number * hours)
