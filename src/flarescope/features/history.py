"""Which earlier images of the same region does a forecast look back to, and how do their features stand beside its own?

An earlier image is the nearest to so many hours before, within a tolerance. Where there is none, its features are 0 and
an indicator is 1: nothing is invented, and a head learns what it means that there was none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.features.gather import Rows
from flarescope.json_values import is_number

FORMS: Final = ("stack", "difference")
"""`stack`: the features of each earlier image; `difference`: those of the image less those of each earlier one."""

TOLERANCE_HOURS: Final = 1.0
"""Where none is stated, unless a quarter of the shortest step is less."""
MOST_HOURS: Final = 14 * 24.0
"""A region crosses the disk in no longer."""
MOST_IMAGES: Final = 32
"""Of earlier images of one forecast: the head is as many times wider."""
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True)
class History:
    """How far a forecast looks back.

    Attributes:
        hours: before the image, rising, such as `(6, 12, 24)`.
        tolerance_hours: the nearest image may be so much nearer or further.
        form: of `FORMS`.

    Example:
        >>> flarescope.History(hours=(6, 12), tolerance_hours=0.5)
        History(hours=(6.0, 12.0), tolerance_hours=0.5, form='stack')
    """

    hours: tuple[float, ...]
    tolerance_hours: float = TOLERANCE_HOURS
    form: str = "stack"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hours", tuple(float(one) for one in self.hours))
        if self.form not in FORMS:
            raise InputError(f"--history-form {self.form}: expected one of {', '.join(FORMS)}")
        if not 1 <= len(self.hours) <= MOST_IMAGES:
            raise InputError(
                f"a history of {len(self.hours)} images; expected 1 to {MOST_IMAGES}, as --history 6,12,24"
            )
        gaps = np.diff([0.0, *self.hours])
        if not (np.isfinite(self.hours).all() and (gaps > 0).all() and self.hours[-1] <= MOST_HOURS):
            raise InputError(
                f"--history {hours_text(self.hours)}: expected rising hours above 0, at most {MOST_HOURS:g} (a region "
                "crosses the disk in 14 days)"
            )
        if not 0 <= self.tolerance_hours < gaps.min() / 2:
            raise InputError(
                f"--tolerance {self.tolerance_hours:g}: expected 0 or more, and less than half of the shortest step of "
                f"--history ({gaps.min():g} h), so that no image stands for two"
            )

    @classmethod
    def of(cls, hours: Sequence[float], tolerance_hours: float | None = None, form: str = FORMS[0]) -> "History":
        """Give a history whose tolerance, where none is stated, goes with its steps (`TOLERANCE_HOURS`)."""
        gaps = np.diff([0.0, *hours])
        usual = min(TOLERANCE_HOURS, float(gaps.min(initial=np.inf)) / 4)
        return cls(tuple(hours), max(usual, 0.0) if tolerance_hours is None else tolerance_hours, form)

    def width(self, features: int) -> int:
        """Give how many numbers a row has, of so many features an image: with an indicator for each earlier one."""
        return features * (1 + len(self.hours)) + len(self.hours)

    def features(self, width: int) -> int:
        """Give how many features an image has, of rows of so many numbers; 0 where no image has that many."""
        number, rest = divmod(width - len(self.hours), 1 + len(self.hours))
        return number if number > 0 and not rest else 0

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {**asdict(self), "hours": list(self.hours)}


def hours_text(hours: tuple[float, ...]) -> str:
    """Write hours as the option takes them, `6,12,24`."""
    return ",".join(f"{one:g}" for one in hours)


def history_from_json(values: object) -> History | None:
    """Read the JSON form; None stays None.

    Raises:
        TypeError, InputError: no history.
    """
    if values is None:
        return None
    if not isinstance(values, Mapping) or not isinstance(values.get("hours"), list):
        raise TypeError("history is no object with hours")
    if not all(is_number(one) for one in (*values["hours"], values.get("tolerance_hours"))):
        raise TypeError("hours of the history are no numbers")
    return History(tuple(values["hours"]), float(values["tolerance_hours"]), str(values.get("form")))


def find_past(images: pd.DataFrame, earlier: pd.DataFrame, history: History) -> np.ndarray:
    """Find for each image the earlier one of its region that is nearest to each of the history's hours before it.

    Args:
        images: `(N,)` `noaa_ar` and `time`; where every region is null, as of the whole disk, one series.
        earlier: `(M,)` the same columns, of images that may be looked back to, in any order; those of the future, and
            the image itself, are never taken.
        history: how far.

    Returns:
        `(N, K)` int64 rows of `earlier`, -1 where none is within the tolerance, or region or time is not known. Of two
        that are equally near the earlier one is taken, of two of one time the first.
    """
    found = np.full((len(images), len(history.hours)), -1, np.int64)
    one_series = bool(images["noaa_ar"].isna().all() and earlier["noaa_ar"].isna().all())
    known, own_region, own_time = _known(images, one_series)
    there, region, time = _known(earlier, one_series)
    if not len(known) or not len(there):
        return found
    start, regions = min(own_time.min(), time.min()), np.unique(np.concatenate([own_region, region]))
    # One rising axis for all regions, each with room enough that no lag reaches the region before it.
    room = int(max(own_time.max(), time.max()) - start) + 2 * math.ceil(MOST_HOURS * _HOUR_MS) + 1
    axis = np.searchsorted(regions, region) * room + time - start
    order = np.argsort(axis, kind="stable")
    axis = axis[order]
    wanted = np.searchsorted(regions, own_region) * room + own_time - start
    tolerance = round(history.tolerance_hours * _HOUR_MS)
    for place, hours in enumerate(history.hours):
        at = wanted - round(hours * _HOUR_MS)
        after = np.minimum(np.searchsorted(axis, at, side="left"), len(axis) - 1)
        before = np.searchsorted(axis, axis[np.maximum(after - 1, 0)], side="left")
        nearer = np.where(np.abs(axis[before] - at) <= np.abs(axis[after] - at), before, after)
        good = (np.abs(axis[nearer] - at) <= tolerance) & (axis[nearer] < wanted)
        found[known[good], place] = there[order[nearer[good]]]
    return found


def _known(images: pd.DataFrame, one_series: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the rows of known region and time, and both as whole numbers, the time in milliseconds."""
    known = images["time"].notna() & (images["noaa_ar"].notna() | one_series)
    rows = np.flatnonzero(known.to_numpy(bool))
    region = images["noaa_ar"].fillna(0).to_numpy(np.int64)[rows]
    return rows, region, images["time"].to_numpy("datetime64[ms]")[rows].astype(np.int64)


class HistoryRows:
    """Features of images beside those of earlier ones, made as they are asked for."""

    def __init__(self, rows: Rows | np.ndarray, own: np.ndarray, past: np.ndarray, form: str) -> None:
        """Say which rows stand beside which.

        Args:
            rows: features `(M, F)` of all images and earlier ones.
            own: `(N,)` the row of each image.
            past: `(N, K)` the rows of its earlier ones, -1 for none.
            form: of `FORMS`.
        """
        self._rows, self._own, self._past, self._form = rows, own, past, form

    def __len__(self) -> int:
        return len(self._own)

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """Give `(n, F + K F + K)` float32: the image's own, those of each earlier one, and 1 where there is none."""
        own, past = np.asarray(self._rows[self._own[index]], np.float32), self._past[index]
        count, features = own.shape
        images = past.shape[1]
        wide = np.zeros((count, features * (1 + images) + images), np.float32)
        wide[:, :features] = own
        for place in range(images):
            there = np.flatnonzero(past[:, place] >= 0)
            then = np.asarray(self._rows[past[there, place]], np.float32)
            part = slice(features * (1 + place), features * (2 + place))
            wide[there, part] = own[there] - then if self._form == "difference" else then
        wide[:, features * (1 + images) :] = past < 0
        return wide
