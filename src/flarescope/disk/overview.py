"""What does the whole disk look like in few pixels, with north up and west to the right?"""

import numpy as np

from flarescope.disk.view import View

HALF_WIDTH_RADII = 1.0
"""Solar radii from the disk's centre to the edges of the small image."""


def overview(field_gauss: np.ndarray, view: View, side: int = 560) -> np.ndarray:
    """Make the disk smaller, and turn it upright.

    A pixel shows the strongest of four averages, of the squares that it covers: an average of all would lose small
    spots, and a single pixel shows noise.

    Args:
        field_gauss: `(H, W)` of the whole disk as it lies, gauss.
        view: of the image.
        side: pixels of the small image, which the disk fills from edge to edge.

    Returns:
        `(side, side)` float64, the first row in the north, the last column in the west; NaN off the disk, and where no
        pixel has a value.
    """
    steps = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(steps * HALF_WIDTH_RADII, -steps * HALF_WIDTH_RADII)
    on_disk = np.hypot(x, y) <= 1
    degrees = view.radius_arcsec / 3600
    column, row = view.wcs.all_world2pix(x[on_disk] * degrees, y[on_disk] * degrees, 0)
    half = max(1, round(HALF_WIDTH_RADII * view.radius_arcsec / view.pixel_arcsec / side))
    small, block = strongest_of_four(block_means(field_gauss, half)), 2 * half
    rows, columns = (np.floor((np.asarray(place) + 0.5) / block).astype(np.int64) for place in (row, column))
    inside = (rows >= 0) & (rows < small.shape[0]) & (columns >= 0) & (columns < small.shape[1])
    values = np.full(len(rows), np.nan)
    values[inside] = small[rows[inside], columns[inside]]
    upright = np.full((side, side), np.nan)
    upright[on_disk] = values
    return upright


def block_means(field_gauss: np.ndarray, block: int) -> np.ndarray:
    """Average squares of `block` pixels, of those with a value; NaN where none has, and rests at the edges lost."""
    rows, columns = (size // block for size in field_gauss.shape)
    squares = field_gauss[: rows * block, : columns * block].reshape(rows, block, columns, block)
    known = np.isfinite(squares)
    count = known.sum(axis=(1, 3))
    total = np.where(known, squares, 0.0).sum(axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def strongest_of_four(values: np.ndarray) -> np.ndarray:
    """Take from each square of two by two the value that is the farthest from 0; NaN where none has one."""
    rows, columns = (size // 2 for size in values.shape)
    four = values[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).swapaxes(1, 2).reshape(rows, columns, 4)
    chosen = np.where(np.isfinite(four), np.abs(four), -1.0).argmax(axis=-1, keepdims=True)
    strongest: np.ndarray = np.take_along_axis(four, chosen, axis=-1)[..., 0]
    return strongest
