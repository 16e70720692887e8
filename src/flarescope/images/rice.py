"""How are the Rice-compressed tiles of a FITS image decoded, without a library's work around each of them?"""

import functools
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

Decoder = Callable[[np.ndarray, int, int, int], bytes]
"""(tile, pixels a block, bytes a pixel, pixels) -> native integers."""

_PADDING: Final = b"\xff" * 1024
"""The decoder looks at the length of its input only after each block of pixels, and may read on until a bit is set."""

_GROUP_PIXELS: Final = 32_768
"""Pixels that are handed out at a time: little enough to stay in a processor's cache until they are scaled, and to be
taken from memory that the process has already. Whole images were given back to the system and asked for again."""


@functools.cache
def rice_decoder() -> Decoder | None:
    """Give the Rice decoder that astropy brings.

    It is astropy's own C function (CFITSIO's decoder) and private: None where it is not found or does not do what it
    did, and then astropy reads the file by its public way. It lets go of Python's lock while it works.
    """
    try:
        from astropy.io.fits.hdu.compressed._compression import decompress_rice_1_c as decode

        known = decode(np.frombuffer(b"\0\0\0\x07\0", np.uint8), 32, 4, 3)  # a first value and "no differences"
    except (ImportError, TypeError, ValueError):
        return None
    return decode if known == np.full(3, 7, np.int32).tobytes() else None


def decoded_tiles(
    decode: Decoder, content: bytes, spans: np.ndarray, sizes: list[int], block: int, itemsize: int
) -> Iterator[np.ndarray]:
    """Decode the tiles of an image, some at a time.

    Args:
        decode: from `rice_decoder`.
        content: the file.
        spans: `(tiles, 2)`, where each begins and ends in it.
        sizes: pixels of each tile.
        block: pixels a block of the compression.
        itemsize: bytes a pixel, 2 or 4.

    Yields:
        `(n,)` int16 or int32: the pixels of all tiles, in their order.

    Raises:
        Exception: the decoder's own, for a tile that is damaged: its bits end before its pixels, or after them.
    """
    padded = np.frombuffer(content + _PADDING, np.uint8)
    tiles = list(zip(spans[:, 0].tolist(), spans[:, 1].tolist(), sizes, strict=True))
    group = max(1, _GROUP_PIXELS // sizes[0])
    for first in range(0, len(tiles), group):
        pixels = [decode(padded[start:end], block, itemsize, size) for start, end, size in tiles[first : first + group]]
        yield np.frombuffer(b"".join(pixels), f"i{itemsize}")
