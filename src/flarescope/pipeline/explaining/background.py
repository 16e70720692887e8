"""What are the maps of an image drawn over: its field in gauss, its scale, its polarity inversion line?"""

from pathlib import Path

import numpy as np

from flarescope.figures.explained import Background
from flarescope.figures.field import shrink
from flarescope.images.axes import axes_of
from flarescope.images.disk_picture import read_disk_jpeg
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import is_fits, read_bytes, read_fits, zero_for_nan
from flarescope.images.png import read_png
from flarescope.images.render import FIELD_LIMIT_GAUSS
from flarescope.images.stored import StoredImage
from flarescope.magnetic.features import ZERO_PIXEL, gradient_magnitude, lines_on, neutral_line_vertices

LINE_SIDE = 700
"""Pixels of the longer side, to which a larger field is averaged before its inversion line is sought."""


def background_of(image: Path | StoredImage, accept: Accept) -> Background:
    """Read an image that could be forecast for the drawing.

    Raises:
        InputError: it cannot be read.
    """
    path, content = (image, read_bytes(image)) if isinstance(image, Path) else (Path(image.name), image.content())
    if is_fits(path):
        return _of_field(path, content, read_fits(path, content, accept=accept).field_gauss, accept.whole_disk)
    if path.suffix.lower() == ".png":
        pixels = np.asarray(read_png(path, content), np.float64)
        grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
        return _of_field(path, content, (grey - ZERO_PIXEL) * (2 * FIELD_LIMIT_GAUSS / 255), whole_disk=False)
    values = np.asarray(read_disk_jpeg(path, content).pixels, np.float64)
    axes = axes_of(path, content, values.shape)
    return Background(values, False, axes.unit, axes.width, axes.height)


def _of_field(path: Path, content: bytes, field_gauss: np.ndarray, whole_disk: bool) -> Background:
    """Give the field with its axes; the line is a region's, and on the whole disk would be the limb's noise."""
    axes = axes_of(path, content, field_gauss.shape[:2])
    line = None if whole_disk else inversion_line(field_gauss)
    return Background(field_gauss, True, axes.unit, axes.width, axes.height, line)


def inversion_line(field_gauss: np.ndarray) -> np.ndarray:
    """Find the strong part of the polarity inversion line, as the magnetic-complexity features define it.

    It is the zero contour of the field smoothed by a 10x10 box, where the gradient is at least 0.2 of the largest one
    on it.

    Args:
        field_gauss: `(H, W)`; NaN counts as zero field.

    Returns:
        `(V, 2)`, row and column of each pixel's middle as shares of height and width, 0..1.
    """
    field = shrink(zero_for_nan(field_gauss), LINE_SIDE)
    vertices, counts = neutral_line_vertices(field)
    if not len(counts):
        return np.empty((0, 2))
    strong = lines_on(vertices, gradient_magnitude(field))[1]
    return (np.argwhere(strong) + 0.5) / field.shape
