"""Is a file an image of the whole disk, and what does it hold: a JPEG as Helioviewer renders them, or a FITS file?"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from flarescope.errors import InputError
from flarescope.hmi import RSUN_MM
from flarescope.images.fits.plain_fits import LARGEST_PIXELS
from flarescope.images.line_of_sight import HMI_ONLY, Accept, NotMagnetogramError, check_name
from flarescope.images.look import Look
from flarescope.images.magnetogram import Magnetogram, is_jpeg, read_bytes, read_fits
from flarescope.images.plausible import DARK_GAUSS, ZERO_LEVEL, shows_disk

LEAST_DISK_SIDE: Final = 64
"""Pixels: on a smaller disk a region has none."""

WHOLE_DISK_WIDTH: Final = 1.8
"""Solar radii from which on an image is one of the whole disk; the disk itself has 2."""

MIDDLE_LEVELS: Final = 24.0
"""How far the median of the middle third of a JPEG may lie from 127.5, zero field. The 540 of Helioviewer at hand
(2026) lie within 1.5 of it; a picture of the Sun's light or of another wavelength does not."""

SKY_LEVELS: Final = 32.0
"""The mean of a corner of a JPEG, a twelfth of its side, where no disk reaches; Helioviewer's sky is black."""
_CORNER: Final = 12

COLOURED_LEVELS: Final = 8
"""How far the channels of a JPEG may differ, by its compression, that is grey all the same."""

FOR_DISK_MODELS: Final = (
    "is read by models and tables of the whole disk alone (`flarescope catalog label --scope disk`), for its scale in "
    "gauss is not known; of one region give FITS, or PNG in the published scale"
)


@dataclass(frozen=True)
class DiskPicture:
    """A JPEG of the whole disk.

    Attributes:
        pixels: `(S, S)` uint8, 127.5 for no field; how many gauss a level is, nobody says.
        look: its size; nothing else is known of it.
    """

    pixels: np.ndarray = field(repr=False)
    look: Look


def read_disk_jpeg(path: Path, content: bytes | None = None) -> DiskPicture:
    """Read an 8-bit grey JPEG of the whole disk, as Helioviewer renders HMI's magnetograms.

    Raises:
        InputError: a file that is missing, damaged or cut short, or no JPEG; `NotMagnetogramError` for a coloured one,
            or one that shows no whole disk around 127.5 in a black sky.
    """
    check_name(path)
    pixels = _decoded(path, read_bytes(path) if content is None else content)
    _check_disk(path, pixels)
    return DiskPicture(pixels, Look(size=(pixels.shape[1], pixels.shape[0])))


def read_disk_fits(path: Path, content: bytes | None = None, *, accept: Accept = HMI_ONLY) -> Magnetogram:
    """Read a FITS file as `magnetogram.read_fits` does, and refuse what shows no whole disk.

    Raises:
        InputError: it cannot be read; `NotMagnetogramError` where it holds something else, or one region.
    """
    found = read_fits(path, content, accept=accept)
    look = found.look
    if look.width_mm is not None and look.height_mm is not None:
        narrowest = min(look.width_mm, look.height_mm) / RSUN_MM
        whole = bool(look.projected) and narrowest >= WHOLE_DISK_WIDTH
        shown = f"{narrowest:.2f} solar radii wide" if look.projected else "a map"
    else:
        whole, shown = shows_disk(found.field_gauss, DARK_GAUSS), "no empty sky in its corners"
    if not whole or min(found.field_gauss.shape) < LEAST_DISK_SIDE:
        raise NotMagnetogramError(f"{path}: {shown}; the model, or the table, is of the whole disk: expected one")
    return found


def read_disk(path: Path, content: bytes | None = None, *, accept: Accept = HMI_ONLY) -> DiskPicture | Magnetogram:
    """Read a JPEG or a FITS file of the whole disk, by the file's name.

    Raises:
        InputError: see `read_disk_jpeg` and `read_disk_fits`; a PNG, whose scale is that of one region.
    """
    if is_jpeg(path):
        return read_disk_jpeg(path, content)
    if path.name.lower().endswith(".png"):
        raise NotMagnetogramError(
            f"{path}: a PNG is read as one region; a model, or a table, of the whole disk takes FITS or grey JPEG"
        )
    return read_disk_fits(path, content, accept=accept)


def _decoded(path: Path, content: bytes) -> np.ndarray:
    """Give `(H, W)` uint8.

    Raises:
        InputError: damaged, too large, or no JPEG; `NotMagnetogramError` for a coloured one.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise InputError(
                    f"{path}: {image.width:,} x {image.height:,} pixels; expected at most {LARGEST_PIXELS:,}"
                )
            values = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not a JPEG, whatever its name says; fetch it again") from error
    # As of PNG (`png.read_png`) Pillow has no error of its own for a damaged file.
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: damaged or cut short ({reason}); fetch it again") from error
    if values.ndim == 2:
        return values
    if int(np.ptp(values.astype(np.int16), axis=2).max()) > COLOURED_LEVELS:
        raise NotMagnetogramError(f"{path}: a coloured JPEG; expected 8-bit grey, as HMI's magnetograms are rendered")
    return np.ascontiguousarray(values[..., 1])


def _check_disk(path: Path, pixels: np.ndarray) -> None:
    height, width = pixels.shape
    if height != width or width < LEAST_DISK_SIDE:
        raise NotMagnetogramError(
            f"{path}: {width} x {height} pixels; expected a square of the whole disk, {LEAST_DISK_SIDE} or more a side"
        )
    corner = slice(width // _CORNER), slice(-(width // _CORNER), None)
    if any(float(pixels[rows, columns].mean()) > SKY_LEVELS for rows in corner for columns in corner):
        raise NotMagnetogramError(f"{path}: no disk in a black sky; expected a line-of-sight magnetogram of it whole")
    third = slice(width // 3, width - width // 3)
    middle = pixels[third, third]
    half = float(np.median(middle))
    if abs(half - ZERO_LEVEL) > MIDDLE_LEVELS or not middle.min() < ZERO_LEVEL < middle.max():
        raise NotMagnetogramError(
            f"{path}: half of the disk's middle is above {half:g}; expected a magnetogram, where no field is 127.5 and "
            "most pixels are near it"
        )
