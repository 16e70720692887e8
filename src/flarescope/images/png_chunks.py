"""Is a PNG whole: do its pixel data reach to the last row, and does a checksum confirm them?"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flarescope.errors import InputError

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"

CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel for each colour type of a PNG (ISO/IEC 15948, 11.2.2)."""

_PASSES: Final = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
"""Of an interlaced PNG: first row and step, first column and step of each pass (ISO/IEC 15948, 8.2)."""

_DISPENSABLE: Final = (b"iCCP", b"zTXt", b"iTXt")
"""Kinds of chunks that may be compressed and hold no pixels: a colour profile, and texts."""


def chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give the kind of each chunk, and where its content begins and ends in the file."""
    place = len(PNG_MAGIC)
    while place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        yield kind, place + 8, place + 8 + length
        place += 12 + length


def data_confirmed(content: bytes) -> bool:
    """Tell whether the checksums of all chunks of pixel data are right."""
    return all(
        content[end : end + 4] == zlib.crc32(content[start - 4 : end]).to_bytes(4)
        for kind, start, end in chunks(content)
        if kind == b"IDAT"
    )


def is_interlaced(content: bytes) -> bool:
    """Tell whether the rows come in seven passes; some of the last row then comes in the first."""
    return content[28] != 0


def check_rows(path: Path, content: bytes) -> None:
    """Refuse pixel data that end before the last row, or that no checksum confirms.

    Raises:
        InputError: naming the file.
    """
    confirmed = data_confirmed(content)
    width, height, depth, colour = struct.unpack(">IIBB", content[16:26])
    if colour in CHANNELS:  # an unknown one is left to Pillow
        bits = CHANNELS[colour] * depth
        passes = _PASSES if is_interlaced(content) else ((0, 1, 0, 1),)
        sizes = [_pass_bytes(width, height, bits, one) for one in passes]
        unpacker = zlib.decompressobj()
        packed = b"".join(content[start:end] for kind, start, end in chunks(content) if kind == b"IDAT")
        try:
            inflated = len(unpacker.decompress(packed, sum(sizes) + 1))
        except zlib.error as error:
            raise InputError(f"{path}: damaged or cut short ({error}); fetch it again") from error
        if inflated < sum(sizes):
            rows = inflated * height // sum(sizes)
            held = "not all of its passes" if is_interlaced(content) else f"{rows} of {height} rows"
            raise InputError(f"{path}: damaged or cut short: it holds {held}; fetch it again")
        confirmed |= unpacker.eof  # the data's own checksum stands at their end
    if not confirmed:
        raise InputError(f"{path}: damaged (its checksum is wrong); fetch it again")


def _pass_bytes(width: int, height: int, bits: int, one: tuple[int, int, int, int]) -> int:
    """Give the bytes of a pass before compression: each row has a byte for its filter before its pixels."""
    row, rows, column, columns = one
    wide, high = max(0, -(-(width - column) // columns)), max(0, -(-(height - row) // rows))
    return high * (1 + (wide * bits + 7) // 8) if wide else 0


def without_profile_and_packed_texts(content: bytes) -> bytes:
    """Leave out the chunks that a decoder refuses to unpack beyond a size; no pixel depends on them."""
    parts, kept = [content[: len(PNG_MAGIC)]], len(PNG_MAGIC)
    for kind, start, end in chunks(content):
        if kind not in _DISPENSABLE:
            parts.append(content[start - 8 : end + 4])
        kept = end + 4
    return b"".join([*parts, content[kept:]])
