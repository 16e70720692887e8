"""How is the PNG that nearly all images are, 8-bit grey and whole, decoded in half of Pillow's time, or a third?

What is unusual in any way, or damaged, is left to Pillow, which gives the same pixels (a test holds that) and the
errors.
"""

import functools
import itertools
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from flarescope.images.png_chunks import PNG_MAGIC, chunks
from flarescope.native.available import native_available

FIRST: Final = 100
"""Files of a process that are left to Pillow: making the instructions takes as long as some hundreds give back."""

LONGEST_TEXTS: Final = 1 << 20
"""Bytes of texts; Pillow refuses more than 64 times as many."""

_SHAPE: Final = struct.Struct(">II")
_GREY: Final = bytes([8, 0, 0, 0, 0])
"""Depth, colour type, compression, filters and interlacing of an image that is plain."""

_SEEN: Final = itertools.count()
_COMPILING: Final = threading.Lock()


@functools.cache
def _compiled() -> Callable[[int], None]:
    from flarescope.images import png_kernel
    from flarescope.native.machine import Compiled

    return Compiled(png_kernel.write()).function("unfilter")


@functools.cache
def _inflater() -> tuple[Callable[[], Any], type[Exception]]:
    """Give what starts to inflate, and what it raises: ISA-L, in a third of zlib's time, where it is installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.decompressobj, zlib.error
    damage: Any = isal_zlib.error  # its own stubs call it an instance
    return isal_zlib.decompressobj, damage


def plain_pixels(content: bytes) -> np.ndarray | None:
    """Decode a plain PNG; Python's lock is let go meanwhile.

    Args:
        content: the file, of a size that may be unpacked.

    Returns:
        `(H, W)` uint8; or None for the `FIRST`, and for what is not plain: another kind of image, a chunk that is cut
        short or whose checksum is wrong, rows that do not fit the size, a machine that runs no code made here.
    """
    if next(_SEEN) < FIRST or not native_available():
        return None
    packed = _packed_rows(content)
    if packed is None:
        return None
    width, height = _SHAPE.unpack_from(content, 16)
    rows = _inflated(packed, height * (width + 1))
    if rows is None or not width or not height:
        return None
    filtered = np.frombuffer(rows, np.uint8)
    from flarescope.images.png_kernel import FILTERS, Rows

    if filtered[:: width + 1].max() >= FILTERS:
        return None
    pixels = np.zeros((height + 1, width), np.uint8)  # the first row is what stands above the image
    table = np.zeros(len(Rows), np.int64)
    table[Rows.FILTERED], table[Rows.PIXELS] = filtered.ctypes.data, pixels.ctypes.data + width
    table[Rows.HEIGHT], table[Rows.WIDTH] = height, width
    with _COMPILING:  # not by two threads at once
        unfilter = _compiled()
    unfilter(table.ctypes.data)
    return pixels[1:]


def _packed_rows(content: bytes) -> bytes | None:
    """Give the compressed rows of a plain image; None where anything but them, short texts and an end is there."""
    found = list(chunks(content))
    kinds = [kind for kind, _, _ in found]
    data = [place for place, kind in enumerate(kinds) if kind == b"IDAT"]
    if not data or data[-1] - data[0] >= len(data) or content[24:29] != _GREY or not content.startswith(PNG_MAGIC):
        return None
    others = [kind for kind in kinds if kind not in (b"IDAT", b"tEXt")]
    _, start, end = found[0]
    if others != [b"IHDR", b"IEND"] or kinds[0] != others[0] or kinds[-1] != others[-1] or end - start != 13:
        return None
    if sum(b - a for kind, a, b in found if kind == b"tEXt") > LONGEST_TEXTS:
        return None
    if any(zlib.crc32(content[a - 4 : b]) != int.from_bytes(content[b : b + 4]) for _, a, b in found):
        return None
    return b"".join(content[a:b] for _, a, b in found[data[0] : data[-1] + 1])


def _inflated(packed: bytes, size: int) -> bytes | None:
    """Inflate what must give so many bytes and no more, confirmed by the checksum at its end."""
    if packed[:1] > b"\x7f":  # a window of more than 32 KiB, which there is not; ISA-L does not ask (RFC 1950)
        return None
    start, damage = _inflater()
    unpacker = start()
    try:
        rows: bytes = unpacker.decompress(packed, size + 1)
    except damage:
        return None
    return rows if len(rows) == size and unpacker.eof and not unpacker.unused_data else None
