"""What does a FITS file hold whose layout is not one of HMI's own (`plain_fits`)?

astropy knows what is invalid and mends it, and knows every layout. What it reads in this process is Python and NumPy
alone. Compressed tiles go through its decoders in C, which damaged tiles have crashed and filled 4 GB with: they are
decoded in a process of their own (`apart`), and only after every size was looked at.
"""

import math
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError
from flarescope.images.fits.apart import decode_apart
from flarescope.images.fits.astropy_hdus import Read, description, flat, opened
from flarescope.images.fits.cards import BLOCK_BYTES, CARD_BYTES
from flarescope.images.fits.datasum import agrees
from flarescope.images.fits.plain_fits import LARGEST_PIXELS

MOST_AXES: Final = 999
"""FITS 4.0, 4.4.1.1: of NAXIS, and of TFIELDS. A library that believes more counts up to them."""

PIXELS_A_BYTE: Final = 64
"""A file holds no more of them: magnetograms are noise, of which Rice's code makes a third at best (a whole disk in
HMI's files has 1.2 pixels a byte, a patch 0.9)."""

MOST_HDUS: Final = 100
"""Header and data units that are looked at for an image."""

MOST_CARDS: Final = 36_000
"""Cards of all headers together; HMI's have 100 to 200. A library makes an object of each, and mends it."""

_COUNTS: Final = re.compile(rb"(?:Z?NAXIS|TFIELDS) *= *\+?0*(\d+)", re.IGNORECASE)

_CARDS: Final = re.compile(rb"[A-Z][A-Z0-9_-]{0,7} *[= ]|" + b" " * CARD_BYTES)
"""How a block of a header begins."""


def read_unusual(path: Path, content: bytes) -> Read:
    """Read the first image of a file in any layout.

    Args:
        path: the file; what a message names.
        content: its bytes, not gzipped.

    Returns:
        The field, `(H, W)` float64, scaled, NaN where it is blank, and what its header says, as `read_plain_fits`.

    Raises:
        InputError: no image, one that is too large, in more dimensions, or whose data are not those that were written.
        Exception: whatever astropy raises at a damaged file.
    """
    _refuse_counts(path, content)
    with opened(content, disable_image_compression=True) as hdus:
        for number, hdu in enumerate(islice(hdus, MOST_HDUS)):
            shape = _image_shape(hdu)
            if shape is None:
                continue
            if math.prod(shape) > LARGEST_PIXELS:
                raise InputError(f"{path}: the image has shape {shape}; expected at most {LARGEST_PIXELS:,} pixels")
            if math.prod(shape) > PIXELS_A_BYTE * len(content):
                raise InputError(
                    f"{path}: damaged or not FITS (an image of shape {shape} in {len(content):,} bytes); "
                    "fetch the file again"
                )
            _check_sum(path, content, hdu)
            if hdu.header.get("ZIMAGE") is True:
                return _compressed(path, content, number, hdu.header)
            if hdu.data is not None:
                return flat(path, hdu), description(hdu.header)
    raise InputError(f"{path}: no HDU with an image; expected a line-of-sight magnetogram")


def _refuse_counts(path: Path, content: bytes) -> None:
    blocks = (content[start : start + BLOCK_BYTES] for start in range(0, len(content), BLOCK_BYTES))
    cards = sum(BLOCK_BYTES // CARD_BYTES for block in blocks if _CARDS.match(block) and block.isascii())
    if cards > MOST_CARDS:
        raise InputError(f"{path}: damaged or not FITS (about {cards:,} header cards); fetch the file again")
    for found in _COUNTS.finditer(content):
        if found.start() % CARD_BYTES == 0 and len(found[1]) > 3:
            said = found[0].decode("ascii")[:60]
            raise InputError(f"{path}: damaged or not FITS ({' '.join(said.split())}); fetch the file again")


def _image_shape(hdu: Any) -> tuple[int, ...] | None:  # noqa: ANN401 - astropy is untyped
    """Give the shape of an HDU's image, compressed or not; None where it has none of two dimensions or more."""
    header = hdu.header
    if header.get("ZIMAGE") is True:
        axes = range(header["ZNAXIS"], 0, -1) if header["ZNAXIS"] <= MOST_AXES else ()
        return tuple(int(header[f"ZNAXIS{axis}"]) for axis in axes) or None
    return hdu.shape if getattr(hdu, "is_image", False) and header.get("NAXIS", 0) >= 2 else None


def _check_sum(path: Path, content: bytes, hdu: Any) -> None:  # noqa: ANN401 - astropy is untyped
    place = hdu.fileinfo()
    data = memoryview(content)[place["datLoc"] : place["datLoc"] + place["datSpan"]]
    if "DATASUM" in hdu.header and len(data) == place["datSpan"] and not agrees(hdu.header["DATASUM"], data):
        raise InputError(f"{path}: damaged (its data do not have the sum that DATASUM states); fetch the file again")


def _compressed(path: Path, content: bytes, number: int, header: Mapping[str, Any]) -> Read:
    tile = [int(header.get(f"ZTILE{axis}", 1)) for axis in range(1, header["ZNAXIS"] + 1)]
    if math.prod(tile) > LARGEST_PIXELS or min(tile) < 1:
        raise InputError(f"{path}: damaged or not FITS (tiles of {tile}); fetch the file again")
    return decode_apart(path, content, number)
