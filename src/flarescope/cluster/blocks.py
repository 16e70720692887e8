"""What passes between the stages of a cluster's pipeline: plans of shards, images as pixels, finished shards?

All of it is tables of Arrow, which Ray moves between machines as they are: a plan is one row, a shard on its way from
who reads to who computes has one row an image, and a finished shard is one row again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from flarescope.errors import FlarescopeError, InputError
from flarescope.features.filling import Shard
from flarescope.images.reading import Fingerprint, ReadImage
from flarescope.images.render import Rendered

_FAILURE: Final = (pa.field("failure", pa.string()), pa.field("is_input", pa.bool_()))
_PRINT: Final = (
    pa.field("size", pa.int64()),
    pa.field("mtime_ns", pa.int64()),
    pa.field("inode", pa.int64()),
    pa.field("digest", pa.string()),
)
_READ: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("filename", pa.large_string()),
        *_PRINT,
        ("channels", pa.int32()),
        ("dtype", pa.string()),
        ("pixels", pa.large_binary()),
        *_FAILURE,
    ]
)
_MADE: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("host", pa.string()),
        ("worker", pa.string()),
        ("is_second", pa.bool_()),
        ("part", pa.string()),
        ("features", pa.large_binary()),
        ("exponents", pa.binary()),
        *(pa.field(one.name, pa.list_(one.type)) for one in _PRINT),
        *_FAILURE,
    ]
)


@dataclass(frozen=True)
class Task:
    """A shard that is to be made.

    Attributes:
        number: of the shard.
        names: of its images.
    """

    number: int
    names: list[str]


@dataclass(frozen=True)
class Made:
    """What came of a task.

    Attributes:
        number: of the shard.
        host: who made it, or failed.
        worker: tells the workers apart.
        is_second: whether the worker was started again, after another had ended.
        part: the temporary folder in the store where the shard lies, whole; None where the worker does not see it.
        row: of the table, with the shard's contents where it lies nowhere.
        error: why there is no shard; None where there is one.
    """

    number: int
    host: str
    worker: str
    is_second: bool
    part: Path | None
    row: Mapping[str, Any]
    error: FlarescopeError | None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Made":
        """Take a row of a table of finished shards."""
        part = None if row["part"] is None else Path(row["part"])
        common = row["number"], row["host"], row["worker"], row["is_second"]
        return cls(*common, part, row, _error(row["failure"], row["is_input"]))

    def contents(self, width: int, dtype: str) -> tuple[list[Fingerprint], np.ndarray, np.ndarray | None]:
        """Give prints, features `(n, width)` and exponents of a shard that was sent."""
        stamps = zip(*(self.row[one.name] for one in _PRINT), strict=True)
        exponents = self.row["exponents"]
        features = np.frombuffer(self.row["features"], dtype).reshape(-1, width)
        return [Fingerprint(*one) for one in stamps], features, exponents and np.frombuffer(exponents, np.int8)


def read_block(number: int, names: Sequence[str], images: Sequence[ReadImage]) -> pa.Table:
    """Give the table of a shard's images, `(n,)`, as they were read."""
    pixels = [np.ascontiguousarray(one.rendered.pixels) for one in images]
    columns = {
        "number": [number] * len(images),
        "filename": list(names),
        **{one.name: [getattr(image.fingerprint, one.name) for image in images] for one in _PRINT},
        "channels": [len(one) for one in pixels],
        "dtype": [one.dtype.str for one in pixels],
        "pixels": pa.array([one.data.cast("B") for one in pixels], pa.large_binary()),
    }
    return _table(columns, _READ)


def failed_block(number: int, error: FlarescopeError) -> pa.Table:
    """Give the table of a shard one image of which cannot be read."""
    return _table({"number": [number], "failure": [str(error)], "is_input": [isinstance(error, InputError)]}, _READ)


def error_in(block: pa.Table) -> FlarescopeError | None:
    """Give why a shard could not be read; None where it could."""
    return _error(block["failure"][0].as_py(), block["is_input"][0].as_py())


def images_of(block: pa.Table, side: int) -> Iterator[ReadImage]:
    """Give the images of a shard again, pixels `(C, side, side)`."""
    for row in range(len(block)):
        one = {name: block[name][row] for name in ("channels", "dtype", "pixels", *(one.name for one in _PRINT))}
        content = np.frombuffer(one["pixels"].as_buffer(), one["dtype"].as_py())
        pixels = content.reshape(one["channels"].as_py(), side, side)
        yield ReadImage(Rendered(pixels), Fingerprint(*(one[field.name].as_py() for field in _PRINT)))


def made_block(who: Mapping[str, Any], number: int, shard: Shard | Path | FlarescopeError) -> pa.Table:
    """Give the table of a finished shard: where it lies, what it holds, or why there is none.

    Args:
        who: `host`, `worker` and `is_second` as in `Made`.
        number: of the shard.
        shard: its contents, or its folder, or the failure.
    """
    row: dict[str, Any] = {"number": number, **who}
    if isinstance(shard, Path):
        row["part"] = str(shard)
    elif isinstance(shard, FlarescopeError):
        row |= {"failure": str(shard), "is_input": isinstance(shard, InputError)}
    else:
        row["features"] = shard.features.tobytes()
        row["exponents"] = None if shard.exponents is None else shard.exponents.tobytes()
        row |= {one.name: [getattr(each, one.name) for each in shard.prints] for one in _PRINT}
    return _table({name: [value] for name, value in row.items()}, _MADE)


def _table(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    rows = len(next(iter(columns.values())))
    nothing: list[None] = [None] * rows
    return pa.table({one.name: columns.get(one.name, nothing) for one in schema}, schema=schema)


def _error(failure: str | None, is_input: bool | None) -> FlarescopeError | None:
    return None if failure is None else (InputError if is_input else FlarescopeError)(failure)
