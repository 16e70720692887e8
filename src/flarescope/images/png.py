"""Which pixels does a PNG hold, whatever kind of PNG it is?"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from flarescope.errors import InputError
from flarescope.images.fits.plain_fits import LARGEST_PIXELS
from flarescope.images.magnetogram import read_bytes
from flarescope.images.plain_png import plain_pixels
from flarescope.images.png_chunks import (
    PNG_MAGIC,
    check_rows,
    data_confirmed,
    is_interlaced,
    without_profile_and_packed_texts,
)


def _check_png(path: Path, content: bytes) -> None:
    """Refuse what is no PNG, or one that is too large to be unpacked."""
    if not content.startswith(PNG_MAGIC):
        raise InputError(f"{path}: not a PNG, whatever its name says; fetch or convert it again")
    if len(content) < 33:
        raise InputError(f"{path}: damaged or cut short; fetch it again")
    width, height = struct.unpack(">II", content[16:24])
    if width * height > LARGEST_PIXELS:
        raise InputError(f"{path}: {width:,} x {height:,} pixels; expected at most {LARGEST_PIXELS:,}")


def read_png(path: Path, content: bytes | None = None) -> np.ndarray:
    """Read a PNG as pixels 0..255.

    Args:
        path: the file; what a message names.
        content: its bytes, where they are already read.

    Returns:
        `(H, W)` for a grey image (or a colour one whose channels are equal), `(H, W, 3)` RGB otherwise; uint8, or
        float32 for 16-bit grey, whose 0..65535 is scaled to 0..255 without rounding. Transparency is dropped.

    Raises:
        InputError: a file that is missing, cut short, or no PNG.
    """
    content = read_bytes(path) if content is None else content
    _check_png(path, content)
    plain = plain_pixels(content)
    if plain is not None:
        return plain
    try:
        stored, pixels = _decoded(content)
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not a PNG, whatever its name says; fetch or convert it again") from error
    # Pillow has no error of its own for a damaged file: OSError, SyntaxError, ValueError, IndexError and struct.error
    # were all seen. Nothing here but decoding the file can fail.
    except Exception as error:
        check_rows(path, content)
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: damaged or cut short ({reason}); fetch it again") from error
    # Pillow does not look at the checksums of the pixel data, and where they end early it leaves the other rows zero.
    # Most images have right checksums and a last row that is not zero, and need not be inflated a second time.
    reached = stored.size and stored[-1].any() and not is_interlaced(content)
    if not (reached and data_confirmed(content)):
        check_rows(path, content)
    return pixels


def _decoded(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Give the pixels as they are stored, and as they are shown; without large texts where Pillow refuses those."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
            stored = np.asarray(image)
            return stored, _shown(image, stored)
    except ValueError:
        smaller = without_profile_and_packed_texts(content)
        if len(smaller) == len(content):
            raise
        return _decoded(smaller)


def _shown(image: Image.Image, stored: np.ndarray) -> np.ndarray:
    if image.mode in ("I;16", "I;16B", "I"):
        return stored.astype(np.float32) / np.float32(257)
    if image.mode == "L":
        return stored
    if image.mode in ("1", "LA"):
        return np.asarray(image.convert("L"))
    rgb = np.asarray(image.convert("RGB"))
    equal = (rgb[..., :1] == rgb).all()
    return np.ascontiguousarray(rgb[..., 0]) if equal else rgb
