"""What does an image file hold that decides whether it is used: NaN pixels, QUALITY, region, time, content?"""

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.images.disk_picture import DiskPicture, read_disk
from flarescope.images.line_of_sight import Accept, NotMagnetogramError
from flarescope.images.magnetogram import Magnetogram, is_fits, read_bytes
from flarescope.images.region import PngImage, read_region, read_region_png
from flarescope.images.signature import field_signature, pixel_signature
from flarescope.region_numbers import regions_text

SCAN_DTYPES: Final = {
    "nan_pixels": "Int64",
    "quality": "Int64",
    "noaa_ar": "Int32",
    "noaa_ars": "str",
    "time": "datetime64[us, UTC]",
    "digest": "str",
    "signature": "str",
    "instrument": "str",
    "other": "str",
}
"""What is found in a file: pixels without a value; HMI's QUALITY as an unsigned number; the principal region, all
regions of a patch that shows several (`11429,11430`) and T_REC in UTC, as the header or the text chunks of a reduced
PNG say them; a digest of the pixels, equal for the same picture under another name or header; a signature, nearly equal
for nearly the same picture (see `signature`), null for a flat one; the instrument (see `look`); and why it is no
line-of-sight magnetogram of a region, then with nothing else. What a file does not give is null."""


def scan_file(path: str, instrument_ok: bool = False, whole_disk: bool = False) -> dict[str, Any]:
    """Read one image and say what is in it, in values that have a JSON form (the time in ISO 8601).

    Args:
        path: the file.
        instrument_ok: whether other magnetographs than HMI are taken (see `line_of_sight.Accept`).
        whole_disk: whether the file shows the whole disk. Then it has no signature: two days of one disk look alike.

    Raises:
        InputError: the file cannot be read; the message names it.
    """
    try:
        return _scan(Path(path), Accept(instrument_ok, whole_disk))
    except NotMagnetogramError as error:
        return {"other": str(error)}


def _scan(file: Path, accept: Accept) -> dict[str, Any]:
    content = read_bytes(file)
    if accept.whole_disk:
        return _scan_disk(read_disk(file, content, accept=accept))
    if is_fits(file):
        magnetogram = read_region(file, content, accept=accept)
        found: Magnetogram | PngImage = magnetogram
        nan_pixels, field = magnetogram.nan_pixels, magnetogram.field_gauss
        digest, signature = pixel_digest(np.nan_to_num(field, nan=1e30).astype(np.float32)), field_signature(field)
    else:
        found = image = read_region_png(file, content, accept=accept)
        nan_pixels, digest, signature = 0, pixel_digest(image.pixels), pixel_signature(image.pixels)
    return {
        "nan_pixels": nan_pixels,
        "quality": None if found.quality is None else found.quality & 0xFFFFFFFF,
        "noaa_ar": found.noaa_ar,
        "noaa_ars": regions_text(found.noaa_ars),
        "time": None if found.time is None else found.time.isoformat(),
        "digest": digest,
        "signature": signature,
        "instrument": found.look.instrument,
    }


def _scan_disk(found: DiskPicture | Magnetogram) -> dict[str, Any]:
    if isinstance(found, DiskPicture):
        return {"nan_pixels": 0, "digest": pixel_digest(found.pixels), "instrument": found.look.instrument}
    return {
        "nan_pixels": found.nan_pixels,
        "quality": None if found.quality is None else found.quality & 0xFFFFFFFF,
        "time": None if found.time is None else found.time.isoformat(),
        "digest": pixel_digest(np.nan_to_num(found.field_gauss, nan=1e30).astype(np.float32)),
        "instrument": found.look.instrument,
    }


def pixel_digest(pixels: np.ndarray) -> str:
    """Give the BLAKE2b-128 digest of an array's shape and values, hexadecimal."""
    digest = hashlib.blake2b(repr((pixels.shape, pixels.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
