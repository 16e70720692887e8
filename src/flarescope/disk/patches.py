"""What does a patch around a region hold, and what of it is no observation of the Sun?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flarescope.disk.view import View


@dataclass(frozen=True)
class Patch:
    """A square out of an image of the disk, as the camera lies: nothing is turned, and no pixel is made up.

    Attributes:
        field_gauss: `(S, S)` float64; NaN where the image has no value, and beyond the image.
        first_column: of the image, that the patch begins with; it may lie beyond the image, as the others may.
        first_row: likewise.
        off_disk: pixels beyond the limb, where the field is noise or NaN.
        missing: pixels on the disk without a value.
    """

    field_gauss: np.ndarray
    first_column: int
    first_row: int
    off_disk: int
    missing: int

    @property
    def nan_pixels(self) -> int:
        """Pixels without a value, on the disk or off it."""
        return int(np.isnan(self.field_gauss).sum())

    @property
    def flags(self) -> tuple[str, ...]:
        """`edge` where a part lies beyond the limb, `missing` where pixels of the disk have no value."""
        return tuple(word for word, count in (("edge", self.off_disk), ("missing", self.missing)) if count)


def first_pixel(place: float, size: int) -> int:
    """Give the first of `size` pixels whose middle is the nearest to a place, at most half a pixel away."""
    return math.floor(place - (size - 1) / 2 + 0.5)


def cut_patch(field_gauss: np.ndarray, view: View, column: float, row: float, size: int) -> Patch:
    """Cut a square out of an image of the disk.

    Args:
        field_gauss: `(H, W)` of the whole disk.
        view: of the image.
        column: of the patch's middle, the first pixel's centre at 0.
        row: likewise.
        size: width and height, pixels.
    """
    left, bottom = first_pixel(column, size), first_pixel(row, size)
    patch = np.full((size, size), np.nan)
    height, width = field_gauss.shape
    rows = slice(max(bottom, 0), min(bottom + size, height))
    columns = slice(max(left, 0), min(left + size, width))
    if rows.start < rows.stop and columns.start < columns.stop:
        inside = (slice(rows.start - bottom, rows.stop - bottom), slice(columns.start - left, columns.stop - left))
        patch[inside] = field_gauss[rows, columns]
    patch[~np.isfinite(patch)] = np.nan
    on_disk = on_the_disk(view, left, bottom, size)
    missing = int((on_disk & np.isnan(patch)).sum())
    return Patch(patch, left, bottom, int(patch.size - on_disk.sum()), missing)


def on_the_disk(view: View, first_column: int, first_row: int, size: int) -> np.ndarray:
    """Tell which pixels of a square have their centre within the limb, `(size, size)` bool."""
    rows, columns = np.mgrid[first_row : first_row + size, first_column : first_column + size]
    x_deg, y_deg = view.wcs.all_pix2world(columns.ravel(), rows.ravel(), 0)
    x_deg = (np.asarray(x_deg) + 180) % 360 - 180
    return np.asarray(np.hypot(x_deg, y_deg) * 3600 <= view.radius_arcsec).reshape(size, size)


def regions_within(patch: Patch, places: pd.DataFrame, principal: int) -> tuple[int, ...]:
    """List the regions whose place lies in a patch, the principal one first, the others by their distance from it.

    Args:
        patch: the square.
        places: as `places.place_regions` gives them, the visible ones.
        principal: the region that it was cut for.
    """
    size = patch.field_gauss.shape[0]
    across = places["column"].to_numpy() - (patch.first_column + (size - 1) / 2)
    up = places["row"].to_numpy() - (patch.first_row + (size - 1) / 2)
    inside = np.maximum(np.abs(across), np.abs(up)) <= size / 2
    order: Sequence[int] = np.argsort(np.hypot(across, up), kind="stable").tolist()
    others = [int(places["noaa_ar"].iloc[i]) for i in order if inside[i]]
    return tuple(dict.fromkeys([principal, *others]))
