"""How are the Rice-compressed tiles of a FITS image decoded, all in one call?"""

import functools
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from flarescope.images.fits.cards import NotPlainError
from flarescope.native.available import native_available

_LARGEST_FLOAT32: Final = 3e38
_COMPILING: Final = threading.Lock()


class Scaling(NamedTuple):
    """What stored integers stand for: `bzero + bscale * raw`, NaN for `blank` (None where there is no blank)."""

    bscale: float
    bzero: float
    blank: int | None


@functools.cache
def _compiled(itemsize: int, block: int) -> Callable[[int], None]:
    """Give the decoder for a kind of tiles; it is compiled in about 0.1 s, when such tiles are first met."""
    from flarescope.images.fits import rice_kernel
    from flarescope.native.machine import Compiled

    return Compiled(rice_kernel.write(itemsize, block)).function("decode")


def _factors(scaling: Scaling) -> np.ndarray:
    """Give BSCALE and BZERO as the kernel wants them, `(2,)` float64."""
    if max(abs(scaling.bscale), abs(scaling.bzero)) > _LARGEST_FLOAT32:
        raise NotPlainError("BSCALE, BZERO")
    # -0.0 added changes nothing, 0.0 would make 0.0 of -0.0; astropy adds nothing where BZERO is 0.
    return np.array([scaling.bscale, scaling.bzero or -0.0], np.float64)


def decode_tiles(
    content: bytes, spans: np.ndarray, tile_pixels: int, pixels: int, block: int, itemsize: int, scaling: Scaling
) -> np.ndarray:
    """Decode the tiles of an image and scale its pixels; Python's lock is let go once for all of them.

    Like astropy this scales 16-bit integers in float32.

    Args:
        content: the file.
        spans: `(tiles, 2)` int64, where each begins and ends in it, inside the file and at least a byte long.
        tile_pixels: pixels of each tile but the last, which has the rest.
        pixels: of the image, more than `tile_pixels * (tiles - 1)`.
        block: pixels a block of the compression, 16 or 32.
        itemsize: bytes a pixel, 2 or 4.
        scaling: of the pixels.

    Returns:
        `(pixels,)` float64, what the tiles hold, one after another.

    Raises:
        NotPlainError: a tile whose bits do not end in its last byte, or with a code or a difference that there is not;
            a scaling beyond float32; a machine that runs no code made here.
    """
    if not native_available():
        raise NotPlainError("no native code")
    from flarescope.images.fits.rice_kernel import BEHIND, Image

    padded = np.frombuffer(content + bytes(BEHIND), np.uint8)
    spans = np.ascontiguousarray(spans, np.int64)
    field = np.empty(pixels + block)
    factors = _factors(scaling)
    table = np.zeros(len(Image), np.int64)
    table[Image.CONTENT], table[Image.SPANS], table[Image.TILES] = padded.ctypes.data, spans.ctypes.data, len(spans)
    table[Image.PIXELS], table[Image.LAST_PIXELS] = tile_pixels, pixels - tile_pixels * (len(spans) - 1)
    table[Image.FIELD], table[Image.SCALING] = field.ctypes.data, factors.ctypes.data
    table[Image.BLANK], table[Image.HAS_BLANK] = scaling.blank or 0, scaling.blank is not None
    with _COMPILING:  # not by two threads at once
        decode = _compiled(itemsize, block)
    decode(table.ctypes.data)
    if table[Image.DAMAGED]:
        raise NotPlainError("tiles")
    return field[:pixels]
