"""Are the weights in the cache whole, and are they what their header says?

A header is a claim: the digest is taken anew of the arrays. That costs half a second to a second for 553 MB, so what
came out is noted beside the file, with all that would differ if it were another file: where it lies, size, both times,
inode. A note that was copied along with a file, or kept when the file was replaced, fits no longer. It guards against
accidents (a broken disk, a file put there by hand), not against somebody who may write to the cache.
"""

import contextlib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.backbones.base import Arrays
from flarescope.backbones.vgg16 import LAYER_SHAPES
from flarescope.backbones.weight_arrays import digest_of
from flarescope.errors import FlarescopeError, InputError
from flarescope.files import atomic_path, read_json, translate_os_errors, write_json
from flarescope.parsing import parse_json

LONGEST_HEADER: Final = 1_000_000
"""Bytes; that of VGG16 has some 3,000."""
ADVICE: Final = "delete it and run `flarescope weights fetch` (or import) again"

_verified: dict[Path, dict[str, Any]] = {}


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Read the header of a safetensors file, and where its arrays begin.

    Raises:
        InputError: the file cannot be read, or is no such file.
    """
    with translate_os_errors(path, "read"), path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if length > min(LONGEST_HEADER, size - 8):
            raise _damaged(path, "it is no safetensors file, or cut short")
        text = file.read(length)
    try:
        header = parse_json(text, path)
    except InputError as error:
        raise _damaged(path, "its header is no JSON") from error
    if not isinstance(header, dict):
        raise _damaged(path, "its header is no JSON object")
    return header, 8 + length


def read_metadata(path: Path) -> dict[str, str]:
    """Read what a safetensors file says of itself: texts by name.

    Raises:
        InputError: the file cannot be read, or is no such file.
    """
    metadata = read_header(path)[0].get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, "its metadata are not texts by name")
    return metadata


def map_safetensors(path: Path) -> Arrays:
    """Map the arrays of VGG16 in a safetensors file into memory without reading them; see `map_arrays`."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, shape in LAYER_SHAPES.items():
        shapes |= {f"{layer}.weight": shape, f"{layer}.bias": shape[:1]}
    return map_arrays(path, shapes)


def map_arrays(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Map arrays of a safetensors file into memory without reading them.

    Args:
        path: of the file.
        shapes: of the arrays, by name.

    Returns:
        Float32 arrays on copy-on-write pages of the file: the memory they take is the system's cache of the file.

    Raises:
        InputError: an array is missing, of another type or shape, or not wholly in the file.
    """
    header, start = read_header(path)
    with translate_os_errors(path, "read"):
        buffer = np.memmap(path, dtype=np.uint8, mode="c")
    arrays = {}
    for name, expected in shapes.items():
        first = start + _offset(path, header, name, expected)
        last = first + 4 * math.prod(expected)
        if last > len(buffer):
            raise _damaged(path, f"it ends before {name} does")
        arrays[name] = buffer[first:last].view("<f4").reshape(expected)
    return arrays


def _offset(path: Path, header: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> int:
    """Find where an array begins, behind the header."""
    entry = header.get(name)
    if not isinstance(entry, dict):
        raise _damaged(path, f"no {name} in it")
    if entry.get("dtype") != "F32" or entry.get("shape") != list(shape):
        raise _damaged(path, f"{name} is not float32 of shape {shape}")
    match entry.get("data_offsets"):
        case [int(first), int(last)] if first >= 0 and last - first == 4 * math.prod(shape):
            return first
    raise _damaged(path, f"{name} has no place that fits its shape")


def store_arrays(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> None:
    """Write arrays as a safetensors file, whole or not at all, for all who may read other files of its folder."""
    from safetensors.numpy import save_file

    with atomic_path(path) as temporary:
        temporary.touch()
        mode = temporary.stat().st_mode
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary, dict(metadata))
        temporary.chmod(mode)  # safetensors lets its owner alone read a file


def verified_digest(path: Path, take: Callable[[Path], str] | None = None) -> str:
    """Give the digest of a file's arrays, taken once for the file as it is.

    Args:
        path: of the file.
        take: gives the digest of the arrays in a file; by default of VGG16's.

    Raises:
        InputError: the file cannot be read, or lacks arrays.
    """
    now = _as_it_is(path)
    for note in (_verified.get(path, {}), _read_note(path)):
        if {name: note.get(name) for name in now} == now and isinstance(note.get("digest"), str):
            _verified[path] = note
            return str(note["digest"])
    note = {**now, "digest": take(path) if take else digest_of(map_safetensors(path))}
    _verified[path] = note
    with contextlib.suppress(FlarescopeError):  # a cache that cannot be written costs the time again, no run
        write_json(note_beside(path), note)
    return str(note["digest"])


def note_beside(path: Path) -> Path:
    """Name the file that holds what was verified."""
    return path.with_suffix(".verified.json")


def _read_note(path: Path) -> dict[str, Any]:
    try:
        return read_json(note_beside(path))
    except FlarescopeError:
        return {}


def _as_it_is(path: Path) -> dict[str, Any]:
    """Give all that differs where a file is another one, or was changed; a copy has another inode and time."""
    with translate_os_errors(path, "read"):
        stat = path.stat()
    return {
        "path": str(path.absolute()),
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "ctime_ns": stat.st_ctime_ns,
        "inode": stat.st_ino,
    }


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path}: {why}; {ADVICE}")
