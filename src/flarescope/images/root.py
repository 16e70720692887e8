"""Where do the images of a table lie, and how is one of them looked at and read?

The feature store and the workers of a cluster ask this and nothing else, so that a folder of this machine and a bucket
of a cloud are the same to them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
import pyarrow as pa

from flarescope.errors import InputError
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import read_bytes
from flarescope.images.reading import ReadImage, digest_of, inode_of, read_image
from flarescope.images.render import Rendering

NAMES_AT_A_TIME: Final = 1024

Stamp: TypeAlias = "tuple[int, int, int]"
"""Size in bytes, time of last modification in ns, and inode of a file."""


class ImageRoot(Protocol):
    """Where images lie; their names are relative to it, with `/` between folders. It can be sent to another machine."""

    @property
    def where(self) -> str:
        """The place in words that mean it from anywhere, as a run keeps it."""

    def path(self, name: str) -> Path:
        """Give an image's name for messages, and for what asks its ending."""

    def check(self) -> None:
        """Raise an InputError where there is no such place."""

    def is_synthetic(self) -> bool:
        """Tell whether it belongs to a made set, which says so in `synthetic.json` beside it."""

    def bytes_of(self, name: str) -> bytes:
        """Give the bytes of one image, whole."""

    def stamps(self, names: pa.Array) -> np.ndarray:
        """Give the `Stamp` of every image `(N, 3)` int64; all that are missing are counted in one InputError."""

    def stamp(self, name: str) -> Stamp:
        """Give the stamp of one image."""

    def digest(self, name: str) -> str:
        """Give the digest of the bytes of one image (see `reading.digest_of`)."""

    def read(self, name: str, rendering: Rendering, accept: Accept) -> ReadImage:
        """Read, fingerprint and render one image; an InputError names it."""


@dataclass(frozen=True)
class LocalImages:
    """Images in a folder.

    Attributes:
        folder: the image root.
    """

    folder: Path

    @property
    def where(self) -> str:
        """The folder, absolute and without links."""
        return str(self.folder.resolve())

    def path(self, name: str) -> Path:
        """Give the path of one file."""
        return self.folder / name

    def is_synthetic(self) -> bool:
        """Tell whether `synthetic.json` lies beside the folder."""
        return (self.folder.parent / "synthetic.json").is_file()

    def bytes_of(self, name: str) -> bytes:
        """Give the bytes of one file."""
        return read_bytes(self.folder / name)

    def check(self) -> None:
        """Raise an InputError where there is no such folder."""
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such folder; expected the image root (--images)")

    def stamps(self, names: pa.Array) -> np.ndarray:
        """Give size, time of modification and inode of every file `(N, 3)`; all that are missing are counted first."""
        stamps = np.zeros((len(names), 3), np.int64)
        missing = []
        root = os.fspath(self.folder)
        for i, name in enumerate(each_name(names)):
            try:
                stat = os.stat(f"{root}/{name}")  # noqa: PTH116 - a million times, and twice as fast as Path.stat
            except OSError:
                missing.append(name)
            else:
                stamps[i] = stat.st_size, stat.st_mtime_ns, inode_of(stat)
        refuse_missing(str(self.folder), missing, len(names))
        return stamps

    def stamp(self, name: str) -> Stamp:
        """Give size, time of modification and inode of one file."""
        stat = (self.folder / name).stat()
        return stat.st_size, stat.st_mtime_ns, inode_of(stat)

    def digest(self, name: str) -> str:
        """Give the digest of the bytes of one file."""
        return digest_of(self.bytes_of(name))

    def read(self, name: str, rendering: Rendering, accept: Accept) -> ReadImage:
        """Read, fingerprint and render one file."""
        return read_image(self.folder / name, rendering, accept)


def refuse_missing(root: str, missing: list[str], total: int) -> None:
    """Raise an InputError that names the first of the missing images and says how many there are."""
    if missing:
        others = f" (and {len(missing) - 1:,} more of {total:,})" if len(missing) > 1 else ""
        raise InputError(f"{root}/{missing[0]}: no such image{others}; check --images and the table's file names")


def root_of(images: "Path | ImageRoot") -> ImageRoot:
    """Give the image root that a path means, or the one in hand."""
    return LocalImages(images) if isinstance(images, Path) else images


def each_name(names: pa.Array) -> Iterator[str]:
    """Give names one by one, a part of them at a time as Python's strings."""
    for first in range(0, len(names), NAMES_AT_A_TIME):
        yield from names[first : first + NAMES_AT_A_TIME].to_pylist()
