"""In which unit do the columns and rows of an image count, and how large is it in that unit?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flarescope.hmi import RSUN_MM
from flarescope.images.fits.cards import Value
from flarescope.images.header import header_values, pixel_matrix
from flarescope.images.look import RSUN_ARCSEC, look_of_png
from flarescope.images.magnetogram import is_fits, unzipped
from flarescope.images.png_text import png_header


@dataclass(frozen=True)
class ImageAxes:
    """How large an image is, as it lies.

    Attributes:
        unit: `arcsec` of helioprojective images, `degrees` of heliographic maps, `pixels` where nothing says more.
        width: along the columns, in that unit.
        height: along the rows.
    """

    unit: str
    width: float
    height: float


def axes_of(path: Path, content: bytes, shape: tuple[int, int]) -> ImageAxes:
    """Read the scale of an image from its header, or from the text or the published name of a PNG.

    Args:
        path: of the file; its name tells its kind.
        content: its bytes, of an image that could be read.
        shape: height and width in pixels.
    """
    if is_fits(path):
        return _by_header(header_values(unzipped(path, content)), shape) or _in_pixels(shape)
    if path.suffix.lower() != ".png":
        return _in_pixels(shape)
    header = png_header(content)
    look = look_of_png(path.name, header, shape)
    found = _by_header(header, shape)
    if found is None and look.projected and look.width_mm and look.height_mm:  # by its name: see `look.look_of_png`
        arcsec = RSUN_ARCSEC / RSUN_MM
        return ImageAxes("arcsec", look.width_mm * arcsec, look.height_mm * arcsec)
    return found or _in_pixels(shape)


def _in_pixels(shape: tuple[int, int]) -> ImageAxes:
    return ImageAxes("pixels", float(shape[1]), float(shape[0]))


def _by_header(header: Mapping[str, Value], shape: tuple[int, int]) -> ImageAxes | None:
    numbers = {
        key: value
        for key, value in header.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    matrix = pixel_matrix({"CRPIX1": 0, "CRPIX2": 0, **numbers})
    kind, unit = (str(header.get(key, "")).strip().lower() for key in ("CTYPE1", "CUNIT1"))
    if matrix is None:
        return None
    steps = [math.hypot(matrix[1, column], matrix[2, column]) for column in (1, 2)]
    if not all(0 < step < math.inf for step in steps):
        return None
    width, height = steps[0] * shape[1], steps[1] * shape[0]
    if unit.startswith("arcsec"):
        return ImageAxes("arcsec", width, height)
    if unit.startswith("deg"):
        projected = kind.startswith(("hpln", "solar"))
        return ImageAxes("arcsec", width * 3600, height * 3600) if projected else ImageAxes("degrees", width, height)
    return None
