"""Where are the features kept, so that each image goes through the network once and never silently a stale one is used?

A store is a folder for one combination of backbone, rendering, engine and precision; it holds shards (see `shards`). An
image is found by its file name, so that every table of the same images shares the store.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flarescope.engines.base import Engine
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.filling import Fill, Filling, fill_here
from flarescope.features.gather import FeatureRows
from flarescope.features.shards import (
    content_digests,
    map_features,
    read_index,
    remove_partial,
    same_content,
    shard_folders,
)
from flarescope.features.store_key import StoreKey, with_network
from flarescope.files import allow_open_files, make_folder, read_json, write_json
from flarescope.images.line_of_sight import HMI_ONLY, Accept
from flarescope.images.root import ImageRoot, root_of
from flarescope.json_values import is_count
from flarescope.locks import locked, remove_abandoned_lock

SHARD_ROWS: Final = 1024
"""Rows a shard: what a kill can cost, and 16 MiB."""

Names: TypeAlias = "Sequence[str] | pd.Series[str] | pa.Array"
"""File names relative to an image root, `(N,)`."""

VERSION: Final = 3
"""Of the store's form on disk."""


def begun_with(root: Path, key: StoreKey) -> tuple[int, int] | None:
    """Give the batch and the streams that a store on disk was begun with, or None where it holds no features yet."""
    path = root / key.folder / "store.json"
    if not (path.exists() and shard_folders(path.parent)):
        return None
    header = read_json(path)
    batch, streams = header.get("batch"), header.get("streams")
    if not (isinstance(batch, int) and isinstance(streams, int) and is_count(batch) and is_count(streams)):
        return None
    return (batch, streams) if batch else None


class FeatureStore:
    """Features on disk for one `StoreKey`."""

    def __init__(self, root: Path, key: StoreKey) -> None:
        """Open the store, or create its folder; what it is of is written with its first features.

        Args:
            root: the folder that holds the stores.
            key: which of them.

        Raises:
            InputError: a folder that cannot be written, or that holds a store of another key.
        """
        self.key = key
        self.folder = make_folder(root / key.folder)
        self._check_header()
        self._index = read_index(self.folder, self.key.dtype)
        self._mapped: dict[Path, np.ndarray] = {}

    def _check_header(self) -> bool:
        """Whether the store says what it is of; one without features can become any other.

        Raises:
            InputError: it holds features of another kind.
        """
        path = self.folder / "store.json"
        if path.exists() and shard_folders(self.folder) and with_network(read_json(path)) != self._header():
            raise InputError(f"{self.folder}: holds features of another kind (store.json); choose another --features")
        return path.exists() and bool(shard_folders(self.folder))

    def _header(self) -> dict[str, Any]:
        return {"version": VERSION, **asdict(self.key)}

    def __len__(self) -> int:
        return len(self._index.filenames)

    def locate(self, filenames: Names) -> np.ndarray:
        """Find rows by file name.

        Returns:
            `(N,)` int64, the number of the newest row of each name over all shards, newest shard first; -1 where there
            is none.
        """
        found = pc.index_in(in_arrow(filenames), value_set=self._index.filenames).fill_null(-1)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def outdated(self, filenames: Names, images: Path | ImageRoot) -> np.ndarray:
        """Find the images whose features are missing, or were made of other bytes than the file has now.

        A file whose size, time of modification and inode are unchanged is taken as unchanged; any other is read and
        its digest compared.

        Args:
            filenames: names relative to `images`.
            images: the image root.

        Returns:
            `(N,)` bool.

        Raises:
            InputError: files that are not there, with their number and the first.
        """
        names, index, root = in_arrow(filenames), self._index, root_of(images)
        rows, stamps = self.locate(names), root.stamps(names)
        outdated = rows < 0
        known = np.flatnonzero(~outdated)
        touched = known[(index.stamps[rows[known]] != stamps[known]).any(axis=1)]
        shard_of = index.shard_of(rows[touched])
        for shard in np.unique(shard_of).tolist():
            group = touched[shard_of == shard]
            files = names.take(group).to_pylist()
            outdated[group] = ~same_content(
                index.shards[shard], rows[group] - index.starts[shard], files, root, self.key.dtype
            )
        return outdated

    def build(
        self,
        filenames: Names,
        images: Path | ImageRoot,
        engine: Callable[[], Engine],
        *,
        workers: int = 0,
        accept: Accept = HMI_ONLY,
        progress: Callable[[int, int], None] | None = None,
        shard_rows: int = SHARD_ROWS,
        fill: Fill = fill_here,
    ) -> int:
        """Compute what is missing or outdated; shards that are finished stay, whatever happens.

        Args:
            filenames: names relative to `images`.
            images: the image root.
            engine: makes the network ready; called only if there is something to compute.
            workers: threads that read ahead.
            accept: what may be read beside HMI's line-of-sight field.
            progress: called with the images done and the images to do, at the start and after each batch.
            shard_rows: rows a shard.
            fill: what computes and writes the shards, in this process or on a cluster.

        Returns:
            The number of images that went through the network.

        Raises:
            InputError: a missing or unreadable image, named.
            FlarescopeError: a full disk, or another process at work on the same store.
        """
        names = in_arrow(filenames)
        if not self.outdated(names, images).any():
            remove_abandoned_lock(self.folder / "store")
            return 0  # without the lock: a store that nobody may write to can still be read
        with locked(self.folder / "store"):
            self._index = read_index(self.folder, self.key.dtype)
            todo = names.take(np.flatnonzero(self.outdated(names, images)))
            if len(todo):
                if not self._check_header():  # until here another process may have begun it
                    write_json(self.folder / "store.json", self._header())
                remove_partial(self.folder)
                progress = progress or (lambda _done, _total: None)
                progress(0, len(todo))
                root = root_of(images)
                fill(Filling(self.folder, self.key, todo, root, accept, workers, shard_rows, progress), engine)
                self._index = read_index(self.folder, self.key.dtype)
        return len(todo)

    def content_digest(self, filenames: Names) -> str:
        """Give `sha256:<hex>` over the digests of the images behind these features, in order."""
        digests = content_digests(self._index, self.locate(filenames))
        return f"sha256:{hashlib.sha256(digests.tobytes()).hexdigest()}"

    def rows(self, filenames: Names) -> FeatureRows:
        """Give the features of images that are in the store.

        Raises:
            FlarescopeError: an image whose features were never computed.
        """
        names = in_arrow(filenames)
        rows = self.locate(names)
        if (rows < 0).any():
            name = names[int((rows < 0).argmax())].as_py()
            raise FlarescopeError(f"{self.folder}: no features of {name}; compute them first")
        shard = self._index.shard_of(rows)
        used, place = np.unique(shard, return_inverse=True)
        exponents = None if self._index.exponents is None else self._index.exponents[rows]
        return FeatureRows(self._maps(used.tolist()), place, rows - self._index.starts[shard], exponents)

    def _maps(self, numbers: Sequence[int]) -> list[np.ndarray]:
        """Map shards, each once however many tables ask for it: a mapped file is an open file."""
        wanted = {self._index.shards[number]: number for number in numbers}
        missing = [path for path in wanted if path not in self._mapped]
        allow_open_files(len(missing))
        sizes = np.diff(self._index.starts)
        for path in missing:
            self._mapped[path] = map_features(path, (int(sizes[wanted[path]]), self.key.features), self.key.dtype)
        return [self._mapped[path] for path in wanted]


def in_arrow(filenames: Names) -> pa.Array:
    """Give names as Arrow keeps them: a million as Python strings take twice the memory."""
    names = pa.array(filenames, pa.large_string())
    return names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
