"""What lies in an HDF5 file: groups, arrays of floats, attributes that are texts?

Read is what Keras and this program write (see `hdf5_records`). A file is data here: no link is followed, no other file
is opened, and of an array nothing is read before its shape and type are known.
"""

import contextlib
import math
import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from flarescope.backbones.keras.defect import DefectError
from flarescope.backbones.keras.hdf5_records import (
    UNDEFINED,
    Message,
    Records,
    dtype_of,
    from_heap,
    is_text_of_any_length,
    members,
    messages,
    not_read,
    shape_of,
)
from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.parsing import refusing_damage

MAGIC: Final = b"\x89HDF\r\n\x1a\n"
DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE, SYMBOLS, DENSE_ATTRIBUTES = (
    *(0x1, 0x2, 0x3, 0x6, 0x7, 0x8, 0xB, 0xC, 0x11, 0x15),
)


class Node:
    """A group or an array: its path in the file, and the texts that are attached to it."""

    def __init__(self, records: Records, name: str, found: list[Message]) -> None:
        self.records, self.name, self._found = records, name, found

    def _all(self, kind: int) -> list[bytes]:
        return [message.content for message in self._found if message.kind == kind]

    def _one(self, kind: int) -> bytes | None:
        return next(iter(self._all(kind)), None)

    def text(self, name: str) -> "str | list[str] | None":
        """Give an attribute, a text or a list of them; None where there is none.

        Raises:
            DefectError: it is something else, or in a form that is not read.
        """
        for content in self._all(ATTRIBUTE):
            found = _attribute(content)
            if found[0] == name.encode():
                return _texts(self.records, *found[1:])
        for content in self._all(DENSE_ATTRIBUTES):
            if struct.unpack("<Q", content[2 + 2 * (content[1] & 1) :][:8])[0] != UNDEFINED:
                raise not_read("attributes in a heap")
        return None


class Array(Node):
    """An array, unread."""

    @cached_property
    def shape(self) -> tuple[int, ...] | None:
        """Its shape; None of an array that can hold nothing."""
        return shape_of(self._one(DATASPACE) or b"")

    @cached_property
    def dtype(self) -> np.dtype | None:
        """Its type, of floats or texts; None of any other."""
        return dtype_of(self._one(DATATYPE) or b"")

    @property
    def is_elsewhere(self) -> bool:
        """Whether its numbers lie in another file."""
        return self._one(EXTERNAL) is not None or self._layout[:2] == b"\4\3"

    @property
    def is_whole(self) -> bool:
        """Whether its numbers lie in one piece."""
        return self._one(FILTERS) is None and self._layout[:1] == b"\3" and self._layout[1] in (0, 1)

    @property
    def _layout(self) -> bytes:
        return self._one(LAYOUT) or b""

    def read(self) -> np.ndarray:
        """Read the numbers; an array that was never written is zero.

        Raises:
            DefectError: not whole, of no known type, or longer than the file.
        """
        if self.shape is None or self.dtype is None or not self.is_whole or self.is_elsewhere:
            raise not_read("arrays in several pieces, or not of floats")
        wanted = math.prod(self.shape) * self.dtype.itemsize
        if self._layout[1] == 0:
            (size,) = struct.unpack("<H", self._layout[2:4])
            return np.frombuffer(bytearray(self._layout[4 : 4 + size]), self.dtype).reshape(self.shape)
        address, size = struct.unpack("<QQ", self._layout[2:18])
        if address == UNDEFINED:
            return np.zeros(self.shape, self.dtype)
        if size != wanted:
            raise DefectError(f"damaged ({wanted:,} bytes of '{self.name}' lie in {size:,}); copy or download it again")
        return np.frombuffer(self.records.read(address, wanted), self.dtype).reshape(self.shape)


class Group(Node):
    """A group: members by name."""

    @cached_property
    def _members(self) -> Mapping[str, int | None]:
        content = self._one(SYMBOLS)
        if content is not None:
            return dict(members(self.records, *struct.unpack("<QQ", content[:16])))
        for info in self._all(LINK_INFO):
            start = 2 + 8 * (info[1] & 1)
            if struct.unpack("<Q", info[start : start + 8])[0] != UNDEFINED:
                raise not_read("members in a heap")
        return dict(_link(content) for content in self._all(LINK))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def open(self, name: str) -> "Group | Array":
        """Open a member that lies in this file.

        Raises:
            DefectError: there is none, or it is a link, which could lead anywhere.
        """
        if name not in self._members:
            raise DefectError(f"'{name}' is missing in '{self.name}'")
        address = self._members[name]
        if address is None:
            raise DefectError(f"'{name}' in '{self.name}' is a link, and links are not followed; save the model again")
        return _node(self.records, f"{self.name.rstrip('/')}/{name}", address)


def _node(records: Records, name: str, address: int) -> Group | Array:
    found = list(messages(records, address))
    is_array = any(message.kind == LAYOUT for message in found)
    return (Array if is_array else Group)(records, name, found)


def _link(content: bytes) -> tuple[str, int | None]:
    """Read a link message: name and address, None for a link that is not hard."""
    flags, at = content[1], 2
    kind = content[at] if flags & 8 else 0
    at += bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
    width = 1 << (flags & 3)
    length = int.from_bytes(content[at : at + width], "little")
    at += width
    name = content[at : at + length].decode()
    return name, None if kind else struct.unpack("<Q", content[at + length :][:8])[0]


def _attribute(content: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Split an attribute into its name, its type, its shape and its values."""
    version, shared, *sizes = struct.unpack("<BBHHH", content[:8])
    if version not in (1, 2, 3) or (version > 1 and shared):
        raise not_read("attributes of a newer form")
    at, parts = 8 + (version == 3), []
    for size in sizes:
        parts.append(content[at : at + size])
        at += (size + 7) // 8 * 8 if version == 1 else size
    return parts[0].partition(b"\0")[0], parts[1], parts[2], content[at:]


def _texts(records: Records, kind: bytes, space: bytes, values: bytes) -> str | list[str]:
    shape, dtype = shape_of(space), dtype_of(kind)
    count = 0 if shape is None else math.prod(shape)
    if count == 0:
        return []
    if is_text_of_any_length(kind) and 16 * count <= len(values):
        found = [from_heap(records, values[16 * i : 16 * i + 16]) for i in range(count)]
    elif dtype is not None and dtype.kind == "S" and dtype.itemsize * count <= len(values):
        found = np.frombuffer(values[: dtype.itemsize * count], dtype).tolist()
    else:
        raise DefectError("an attribute that is no text where one is expected; save the model again")
    texts = [text.decode() for text in found]
    return texts if shape else texts[0]


@contextlib.contextmanager
def opened(path: Path, *, named: Path | None = None) -> Iterator[Group]:
    """Open an HDF5 file for a `with` block; whatever is found wrong inside becomes one line that names the file.

    Args:
        path: the file.
        named: the file to name where `path` was unpacked of it.

    Raises:
        InputError: no such file, none of HDF5, or a damaged one.
    """
    with translate_os_errors(path, "read"), path.open("rb") as stream, naming(named or path):
        yield _root(Records(stream))


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in what is found wrong with it in a `with` block."""
    with refusing_damage(path, "copy or download it again"):
        try:
            yield
        except DefectError as defect:
            raise InputError(f"{path}: {defect}") from defect


def _root(records: Records) -> Group:
    head = records.read(0, min(96, records.size))
    if not head.startswith(MAGIC):
        raise DefectError(
            f"damaged or incomplete (not HDF5: it begins with {bytes(head[:8])!r}); copy or download it again"
        )
    if head[8:9] > b"\0":
        raise not_read("a head of a newer form")
    if len(head) < 96 or struct.unpack("<Q", head[40:48])[0] > records.size:
        raise DefectError("damaged or incomplete (truncated file); copy or download it again")
    if head[13:15] != b"\x08\x08" or struct.unpack("<Q", head[24:32])[0] != 0:
        raise not_read("addresses of another form")
    root = _node(records, "/", struct.unpack("<Q", head[64:72])[0])
    if not isinstance(root, Group):
        raise DefectError("damaged (its root is an array); copy or download it again")
    return root
