"""What does a shard of the feature store look like on disk, and how is it written whole or not at all?

A shard is a folder: `features.npy` `(n, F)` float32 or float16, and `rows.parquet` with the file name, size, time of
modification and digest of the image behind each row, and the row's exponent where it is float16 (see `half`). It is
written under a temporary name and renamed.
"""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from flarescope.errors import FlarescopeError, InputError
from flarescope.files import atomic_path, replace_durably, translate_os_errors
from flarescope.images.reading import Fingerprint
from flarescope.images.root import ImageRoot
from flarescope.parquet_tables import read_arrow, write_arrow
from flarescope.parsing import reason, refusing_damage

_SHARD_NAME = re.compile(r"shard-\d{6,12}")
_STAMPS = ("size", "mtime_ns", "inode")
_INDEX_SCHEMA = pa.schema([("filename", pa.large_string()), *((name, pa.int64()) for name in _STAMPS)])
_EXPONENT = pa.field("exponent", pa.int8())
_DIGEST = pa.field("digest", pa.string())
_DAMAGED, _DELETE = "the shard is damaged", "delete it and run again"


@dataclass(frozen=True)
class Index:
    """The rows of all shards of a store, newest shard first: the first row of a name is the one that counts.

    Attributes:
        shards: folders.
        starts: `(S + 1,)` int64, the first row of each shard, and the number of rows.
        filenames: name of each row.
        stamps: `(N, 3)` int64, size, time of modification (ns) and inode of each image.
        exponents: `(N,)` int8 of a float16 store; None of a float32 one.
    """

    shards: list[Path]
    starts: np.ndarray
    filenames: pa.Array
    stamps: np.ndarray
    exponents: np.ndarray | None

    def shard_of(self, rows: np.ndarray) -> np.ndarray:
        """Give the number of the shard that holds each row."""
        return np.searchsorted(self.starts, rows, side="right") - 1


def shard_folders(store: Path) -> list[Path]:
    """List the finished shards of a store, oldest first."""
    return sorted(path for path in store.iterdir() if _SHARD_NAME.fullmatch(path.name))


def read_index(store: Path, dtype: str) -> Index:
    """Read the rows of every shard of a store of float32 or float16.

    Raises:
        InputError: a shard that cannot be read.
    """
    shards = shard_folders(store)[::-1]
    schema = _INDEX_SCHEMA if dtype == "float32" else _INDEX_SCHEMA.append(_EXPONENT)
    tables = [_read_rows(shard, schema) for shard in shards]
    whole = pa.concat_tables([schema.empty_table(), *tables])
    starts = np.concatenate([[0], np.cumsum([len(table) for table in tables])]).astype(np.int64)
    names = pa.concat_arrays(whole["filename"].chunks)
    stamps = np.stack([whole[name].to_numpy() for name in _STAMPS], axis=1)
    return Index(shards, starts, names, stamps, None if dtype == "float32" else whole[_EXPONENT.name].to_numpy())


def _read_rows(shard: Path, schema: pa.Schema) -> pa.Table:
    """Read columns of a shard's rows, no value of which may be missing."""
    try:
        table = read_arrow(shard / "rows.parquet", schema.names).select(schema.names)
    except InputError as error:
        raise _damaged(shard, reason(error.__cause__ or error)) from error
    with refusing_damage(shard, _DELETE, what=_DAMAGED):
        if any(column.null_count for column in table.columns):
            raise ValueError("rows without a name, a stamp or a digest")
        return table.replace_schema_metadata(None).cast(schema)


def _damaged(shard: Path, why: str) -> InputError:
    return InputError(f"{shard}: {_DAMAGED} ({why}); {_DELETE}")


def map_features(shard: Path, shape: tuple[int, int], dtype: str) -> np.ndarray:
    """Map a shard's features into memory, `(rows, F)` of the dtype, without reading them.

    Raises:
        InputError: features that cannot be read, or of another number, width or type.
    """
    try:
        with refusing_damage(shard, _DELETE, what=_DAMAGED):
            mapped = np.load(shard / "features.npy", mmap_mode="r", allow_pickle=False)
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise _damaged(shard, reason(error)) from error
        raise FlarescopeError(  # nothing is wrong with the shard
            f"{shard}: {error.strerror}: each shard of a store in use is one open, mapped file; "
            "raise the limits (ulimit -n, vm.max_map_count) and run again"
        ) from error
    if mapped.shape != shape or mapped.dtype != dtype or not mapped.flags.c_contiguous:
        raise _damaged(shard, f"features.npy is {mapped.shape} {mapped.dtype}; expected {shape} {dtype}")
    return np.asarray(mapped)  # the plain array over the same pages: np.memmap's own indexing is slow


def write_shard(
    store: Path,
    filenames: Sequence[str],
    prints: Sequence[Fingerprint],
    features: np.ndarray,
    exponents: np.ndarray | None = None,
    *,
    number: int | None = None,
) -> None:
    """Write a shard of a store; it appears whole under its name, or not at all.

    Args:
        store: its folder.
        filenames: of the n images.
        prints: of the n images.
        features: `(n, F)` float32 or float16, in C order: they are written from where they lie.
        exponents: `(n,)` int8 of float16 features.
        number: of the shard; None takes the next one.
    """
    number = next_number(store) if number is None else number
    temporary = store / f".shard-{number:06d}.part"
    try:
        with translate_os_errors(store / shard_name(number)):
            write_part(temporary, filenames, prints, features, exponents)
            take_part(temporary, store, number)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def next_number(store: Path) -> int:
    """Give the number of the next shard of a store."""
    return max((int(path.name.removeprefix("shard-")) for path in shard_folders(store)), default=-1) + 1


def shard_name(number: int) -> str:
    """Give the name of a shard's folder."""
    return f"shard-{number:06d}"


def write_part(
    temporary: Path,
    filenames: Sequence[str],
    prints: Sequence[Fingerprint],
    features: np.ndarray,
    exponents: np.ndarray | None = None,
) -> None:
    """Write a shard under a temporary name, `.shard-*.part`; it counts only after `take_part`."""
    columns: dict[str, Any] = {name: [getattr(one, name) for one in prints] for name in (*_STAMPS, "digest")}
    if exponents is not None:
        columns[_EXPONENT.name] = exponents
    temporary.mkdir()
    write_arrow(pa.table({"filename": list(filenames), **columns}), temporary / "rows.parquet")
    _write_npy(temporary / "features.npy", features)
    _sync(temporary / "rows.parquet")


def take_part(temporary: Path, store: Path, number: int) -> None:
    """Make a shard of what was written whole under a temporary name."""
    replace_durably(temporary, store / shard_name(number))


def remove_partial(store: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in store.glob(".shard-*.part"):
        shutil.rmtree(path)


def same_content(shard: Path, rows: np.ndarray, files: Sequence[str], images: ImageRoot, dtype: str) -> np.ndarray:
    """Tell whether images whose size or time differ still have the bytes that their features were made of.

    Where they do, the shard remembers the new size and time, so that they need not be read again.

    Args:
        shard: the folder.
        rows: `(n,)` rows within the shard.
        files: names of the images of these rows.
        images: where they lie.
        dtype: of the store, `float32` or `float16`.

    Returns:
        `(n,)` bool.
    """
    schema = pa.schema([*_INDEX_SCHEMA, _DIGEST, *([_EXPONENT] if dtype == "float16" else [])])
    table = _read_rows(shard, schema)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    same = np.zeros(len(rows), bool)
    for place, (row, file) in enumerate(zip(rows.tolist(), files, strict=True)):
        if images.digest(file) == columns["digest"][row]:
            same[place] = True
            for name, value in zip(_STAMPS, images.stamp(file), strict=True):
                columns[name][row] = value
    if same.any():
        # To remember is a convenience: in a store that nobody may write to, the files are read again next time.
        with contextlib.suppress(FlarescopeError), atomic_path(shard / "rows.parquet") as temporary:
            write_arrow(pa.table(columns, schema=table.schema), temporary)
    return same


def content_digests(index: Index, rows: np.ndarray) -> np.ndarray:
    """Give the digest of the image behind each row, `(N,)` of 32 bytes (a string of a million takes 80 MB)."""
    shard_of = index.shard_of(rows)
    digests = np.empty(len(rows), "S32")
    for shard in np.unique(shard_of).tolist():
        mine = shard_of == shard
        listed = np.array(_read_rows(index.shards[shard], pa.schema([_DIGEST]))["digest"].to_pylist(), "S32")
        digests[mine] = listed[rows[mine] - index.starts[shard]]
    return digests


def _write_npy(path: Path, array: np.ndarray) -> None:
    # Written as bytes: ndarray.tofile, which np.save uses, does not say that the disk is full.
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
