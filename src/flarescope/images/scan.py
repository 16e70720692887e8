"""What does an image file hold that decides whether it is used: NaN pixels, QUALITY, region, time, content?"""

import hashlib
import io
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from flarescope.images.magnetogram import is_fits, read_bytes, read_fits, read_png
from flarescope.images.signature import field_signature, pixel_signature
from flarescope.times import parse_t_rec

SCAN_DTYPES: Final = {
    "nan_pixels": "Int64",
    "quality": "Int64",
    "noaa_ar": "Int32",
    "time": "datetime64[us, UTC]",
    "digest": "str",
    "signature": "str",
}
"""What is found in a file: pixels without a value; HMI's QUALITY as an unsigned number; the principal region and T_REC
in UTC, as the header or the text chunks of a reduced PNG say them; a digest of the pixels, equal for the same picture
under another name or header; a signature, nearly equal for nearly the same picture (see `signature`), null for a flat
one. What a file does not give is null."""


def scan_file(path: str) -> dict[str, Any]:
    """Read one image and say what is in it, in values that have a JSON form (the time in ISO 8601).

    Raises:
        InputError: the file cannot be read; the message names it.
    """
    file = Path(path)
    content = read_bytes(file)
    if not is_fits(file):
        return _scan_png(file, content)
    magnetogram = read_fits(file, content)
    return {
        "nan_pixels": magnetogram.nan_pixels,
        "quality": None if magnetogram.quality is None else magnetogram.quality & 0xFFFFFFFF,
        "noaa_ar": magnetogram.noaa_ar,
        "time": None if magnetogram.time is None else magnetogram.time.isoformat(),
        "digest": pixel_digest(np.nan_to_num(magnetogram.field_gauss, nan=1e30).astype(np.float32)),
        "signature": field_signature(magnetogram.field_gauss),
    }


def pixel_digest(pixels: np.ndarray) -> str:
    """Give the BLAKE2b-128 digest of an array's shape and values, hexadecimal."""
    digest = hashlib.blake2b(repr((pixels.shape, pixels.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def _scan_png(file: Path, content: bytes) -> dict[str, Any]:
    pixels = read_png(file, content)
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        texts = {key: value for key, value in image.info.items() if isinstance(value, str)}
    quality, region = (_whole_number(texts.get(key, "")) for key in ("QUALITY", "NOAA_AR"))
    time = parse_t_rec(texts.get("T_REC", ""))
    return {
        "nan_pixels": 0,
        "quality": None if quality is None else quality & 0xFFFFFFFF,
        "noaa_ar": region or None,
        "time": None if time is None else time.isoformat(),
        "digest": pixel_digest(pixels),
        "signature": pixel_signature(pixels),
    }


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch("-?[0-9]{1,10}", text.strip()) else None
