"""What do the records of an HDF5 file say, byte by byte?

Those of the oldest form (HDF5 File Format Specification, version 3.0, what h5py writes unless it is told otherwise, and
so Keras): superblock 0, object headers 1, groups as B-trees of symbol tables. HDF5's own library is not asked, because
from some damaged files it does not come back: one of the first twenty changed model files that it was given was such.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from flarescope.backbones.keras.defect import DefectError

UNDEFINED: Final = 2**64 - 1
"""An address of nothing."""
MOST_RECORDS: Final = 100_000
"""Of a file; VGG16's have some hundred."""

_FLOATS: Final = {  # bit offset, precision, exponent's place and size, mantissa's place and size, exponent's bias
    (0, 16, 10, 5, 0, 10, 15): np.float16,
    (0, 32, 23, 8, 0, 23, 127): np.float32,
    (0, 64, 52, 11, 0, 52, 1023): np.float64,
}


class Records:
    """The bytes of a file, by address; so many records are read of it and no more, whatever its links say."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = stream.seek(0, 2)
        self._left = MOST_RECORDS

    def read(self, address: int, size: int) -> bytearray:
        """Give so many bytes at an address.

        Raises:
            DefectError: the file ends before, or too much of it was asked for.
        """
        self._left -= 1
        if self._left < 0:
            raise DefectError(f"damaged (more than {MOST_RECORDS:,} records); copy or download it again")
        if address + size > self.size:
            raise DefectError("damaged or incomplete (truncated file); copy or download it again")
        self.stream.seek(address)
        content = bytearray(size)  # an array over it can be written to, as PyTorch wants
        if self.stream.readinto(content) != size:  # type: ignore[attr-defined]
            raise DefectError("damaged or incomplete (truncated file); copy or download it again")
        return content

    def signed(self, address: int, signature: bytes, size: int) -> bytearray:
        """Give a record that begins with a signature."""
        record = self.read(address, size)
        if not record.startswith(signature):
            raise DefectError(f"damaged or incomplete (no {signature.decode()} where one should be); copy it again")
        return record


@dataclass(frozen=True)
class Message:
    """One message of an object's header: what kind, and its content."""

    kind: int
    content: bytes


def messages(records: Records, address: int) -> Iterator[Message]:
    """Give the messages of an object's header, version 1."""
    version, _, count, _, size = struct.unpack("<BBHII", records.read(address, 12))
    if version != 1:
        raise not_read("object headers of a newer form")
    blocks, seen = [(address + 16, size)], set[int]()
    for place, length in blocks:
        if place in seen:
            raise DefectError("damaged (a header that goes on in itself); copy or download it again")
        seen.add(place)
        block, at = records.read(place, length), 0
        while at + 8 <= len(block) and count > 0:
            kind, size, flags = struct.unpack("<HHB", block[at : at + 5])
            content = block[at + 8 : at + 8 + size]
            if flags & 2:
                raise not_read("shared messages")
            if kind == 0x10:
                blocks.append(struct.unpack("<QQ", content[:16]))
            yield Message(kind, bytes(content))
            at, count = at + 8 + size, count - 1


def not_read(what: str) -> DefectError:
    """Say that a file has what Keras does not write."""
    return DefectError(f"HDF5 with {what}, which Keras does not write; load the model in Keras and save it again")


def members(records: Records, tree: int, heap: int) -> Iterator[tuple[str, int | None]]:
    """Give name and address of each member of a group by its B-tree and its heap of names; None is a link elsewhere."""
    _, _, _, length, _, data = struct.unpack("<4sB3sQQQ", records.signed(heap, b"HEAP", 32))
    names = records.read(data, length)
    for node in _leaves(records, tree):
        (count,) = struct.unpack("<H", records.signed(node, b"SNOD", 8)[6:8])
        entries = records.read(node + 8, 40 * count)
        for start in range(0, len(entries), 40):
            name_at, address, cached = struct.unpack("<QQI", entries[start : start + 20])
            name = names[name_at:].partition(b"\0")[0]
            yield name.decode(), None if cached == 2 else address


def _leaves(records: Records, address: int, above: int = 256) -> Iterator[int]:
    """Walk down a B-tree; each level is below the one before, so that no ring is walked for ever."""
    _, kind, level, count = struct.unpack("<4sBBH", records.signed(address, b"TREE", 24)[:8])
    if kind != 0 or level >= above:
        raise DefectError("damaged (a B-tree that is none); copy or download it again")
    entries = records.read(address + 24, 16 * count)
    for start in range(0, len(entries), 16):
        (child,) = struct.unpack("<Q", entries[start + 8 : start + 16])
        yield from [child] if level == 0 else _leaves(records, child, level)


def shape_of(content: bytes) -> tuple[int, ...] | None:
    """Read a dataspace: the shape, `()` of a single value, None of no value."""
    version, rank, _, kind = struct.unpack("<BBBB", content[:4])
    if version == 2 and kind == 2:
        return None
    start = {1: 8, 2: 4}.get(version)
    if start is None or rank > 32:
        raise not_read("array sizes of a newer form")
    return struct.unpack(f"<{rank}Q", content[start : start + 8 * rank])


def dtype_of(content: bytes) -> np.dtype | None:
    """Read a datatype: floats and texts of fixed length as NumPy has them; None for any other."""
    kind, bits, size = content[0] & 15, content[1], struct.unpack("<I", content[4:8])[0]
    if kind == 1 and not bits & 0x41 and len(content) >= 20:
        known = _FLOATS.get(struct.unpack("<HHBBBBI", content[8:20]))
        return np.dtype(known) if known is not None and np.dtype(known).itemsize == size else None
    return np.dtype(f"S{size}") if kind == 3 and 0 < size <= 1 << 16 else None


def is_text_of_any_length(content: bytes) -> bool:
    """Whether a datatype is that of texts whose bytes lie in a heap of their own."""
    return content[0] & 15 == 9 and content[1] & 15 == 1


def from_heap(records: Records, reference: bytes) -> bytes:
    """Give the bytes that a text of any length refers to: its length, the heap, its number there."""
    length, heap, wanted = struct.unpack("<IQI", reference)
    (size,) = struct.unpack("<Q", records.signed(heap, b"GCOL", 16)[8:16])
    content, at = records.read(heap, size), 16
    while at + 16 <= len(content):
        number, _, _, held = struct.unpack("<HHIQ", content[at : at + 16])
        if number == wanted and length <= held and number != 0:
            return bytes(content[at + 16 : at + 16 + length])
        at += 16 + (held + 7) // 8 * 8
    raise DefectError("damaged (a text that is not in its heap); copy or download it again")
