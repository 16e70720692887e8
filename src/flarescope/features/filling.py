"""How do images become whole shards of a store, one after the other, on this machine?

The same work that a cluster does (`cluster`), described by one value: `Filling`.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from flarescope.engines.base import Engine
from flarescope.errors import FlarescopeError
from flarescope.features.batching import batch_sizes
from flarescope.features.extract import extract
from flarescope.features.half import encode
from flarescope.features.shards import write_shard
from flarescope.features.store_key import StoreKey
from flarescope.images.line_of_sight import Accept
from flarescope.images.reading import Fingerprint, ReadImage, read_ahead
from flarescope.images.render import Rendering
from flarescope.images.root import ImageRoot, each_name


@dataclass(frozen=True)
class Filling:
    """What a store lacks, and how it is to be computed.

    Attributes:
        folder: of the store; the caller holds its lock.
        key: of the store.
        names: `(N,)` of the images that it lacks, large strings; each `shard_rows` of them make a shard.
        images: where they lie.
        accept: what may be read beside HMI's line-of-sight field.
        workers: threads that read ahead.
        shard_rows: rows a shard.
        progress: called with the images done and the images to do.
    """

    folder: Path
    key: StoreKey
    names: pa.Array
    images: ImageRoot
    accept: Accept
    workers: int
    shard_rows: int
    progress: Callable[[int, int], None]


Fill: TypeAlias = "Callable[[Filling, Callable[[], Engine]], None]"
"""Computes what a store lacks and writes its shards; the second argument makes the network ready."""


@dataclass(frozen=True)
class Shard:
    """A finished shard's contents; prints and arrays hold until the next one is asked for.

    Attributes:
        names: of its n images.
        prints: of its n images.
        features: `(n, F)` float32 or float16.
        exponents: `(n,)` int8 of float16 features; None of float32.
    """

    names: list[str]
    prints: list[Fingerprint]
    features: np.ndarray
    exponents: np.ndarray | None


def fill_here(filling: Filling, engine: Callable[[], Engine]) -> None:
    """Compute the shards in order with one network in this process, and write each as it is whole."""
    for shard in shards_of(filling, engine()):
        write_shard(filling.folder, shard.names, shard.prints, shard.features, shard.exponents)


def shards_of(filling: Filling, engine: Engine) -> Iterator[Shard]:
    """Compute the shards in order; nothing is written.

    Raises:
        InputError: a missing or unreadable image, named.
        FlarescopeError: features that are not finite.
    """
    # Closed here, so that its threads end with the build and not with the traceback of an error.
    with closing(images_ahead(filling)) as stream:
        yield from shards_of_images(filling, stream, engine)


def images_ahead(filling: Filling) -> Generator[ReadImage, None, None]:
    """Read and render the images in order, in threads ahead of who takes them; who stops early closes it.

    Raises:
        InputError: a missing or unreadable image, named.
    """
    rendering, images = Rendering.from_id(filling.key.rendering), filling.images

    def read(name: str) -> ReadImage:
        return images.read(name, rendering, filling.accept)

    yield from read_ahead(each_name(filling.names), read, workers=filling.workers)


def shards_of_images(filling: Filling, stream: Iterator[ReadImage], engine: Engine) -> Iterator[Shard]:
    """Compute the shards of images that were read, in order; nothing is written.

    Raises:
        FlarescopeError: features that are not finite.
    """
    names, key, shard_rows = filling.names, filling.key, filling.shard_rows
    prints: list[Fingerprint] = []
    buffer = _ShardBuffer(min(shard_rows, len(names)), key.features, key.dtype)
    first = 0
    sizes = batch_sizes(len(names), shard_rows, key.batch)
    for kept, features in extract(stream, sizes, engine, lambda image: image.fingerprint):
        prints += kept
        if not np.isfinite(features).all():
            name = names[first].as_py()
            raise FlarescopeError(f"the network gave features that are not finite, at or after {name}")
        buffer.append(features)
        filling.progress(first + buffer.filled, len(names))
        if buffer.filled == min(shard_rows, len(names) - first):
            last = first + buffer.filled
            yield Shard(names[first:last].to_pylist(), prints, *buffer.take())
            prints.clear()
            first = last


class _ShardBuffer:
    """Room for one shard, made once: batches are put where they are written from."""

    def __init__(self, rows: int, width: int, dtype: str) -> None:
        self._features = np.empty((rows, width), dtype)
        self._exponents = None if dtype == "float32" else np.empty(rows, np.int8)
        self.filled = 0

    def append(self, features: np.ndarray) -> None:
        """Put a batch `(n, width)` float32 behind those before it."""
        part = slice(self.filled, self.filled + len(features))
        if self._exponents is None:
            self._features[part] = features
        else:
            self._exponents[part] = encode(features, self._features[part])
        self.filled = part.stop

    def take(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Give what was put in, until the next `append`, and begin anew."""
        filled, self.filled = self.filled, 0
        return self._features[:filled], None if self._exponents is None else self._exponents[:filled]
