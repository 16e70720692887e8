"""How are many images read and rendered ahead of the network, in order and in bounded memory?"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from flarescope.errors import InputError
from flarescope.images.line_of_sight import HMI_ONLY, Accept
from flarescope.images.magnetogram import read_bytes
from flarescope.images.render import Rendered, Rendering, render

READ_AHEAD = 32
"""Images that wait for the network, a worker."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Fingerprint:
    """What a file was when it was read: enough to tell later that it is still the same.

    Attributes:
        size: bytes.
        mtime_ns: time of last modification, nanoseconds.
        inode: number of the file in its file system, so that a copy with the same time is looked at again.
        digest: BLAKE2b-128 of the bytes, hexadecimal.
    """

    size: int
    mtime_ns: int
    inode: int
    digest: str


@dataclass(frozen=True)
class ReadImage:
    """One file: what rendering it gave, and its fingerprint."""

    rendered: Rendered
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Unread:
    """What could not be read: its name, and why."""

    name: str
    error: InputError


def digest_of(content: bytes) -> str:
    """Give the BLAKE2b-128 digest of a file's bytes, hexadecimal."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def inode_of(stat: os.stat_result) -> int:
    """Give a file's inode as a number that int64 holds: some file systems count up to 2^64."""
    return stat.st_ino & 0x7FFF_FFFF_FFFF_FFFF


def read_image(path: Path, rendering: Rendering, accept: Accept = HMI_ONLY) -> ReadImage:
    """Read, fingerprint and render one file.

    Raises:
        InputError: the file cannot be read or rendered; the message names it.
    """
    content = read_bytes(path)
    stat = path.stat()
    fingerprint = Fingerprint(len(content), stat.st_mtime_ns, inode_of(stat), digest_of(content))
    return ReadImage(render(path, rendering, content, accept=accept), fingerprint)


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], ReadImage], *, workers: int
) -> Generator[ReadImage, None, None]:
    """Read items in worker threads, ahead of who takes them.

    Args:
        items: what is read, such as paths.
        read: gives an item's image, or raises an InputError.
        workers: number of threads; 0 reads each item when it is asked for.

    Yields:
        One image an item, in their order.

    Raises:
        InputError: at the first item, in order, that cannot be read; no thread is left behind, as after Ctrl-C. Who
            stops taking images early closes the generator.
    """
    with closing(each_ahead(items, read, workers=workers)) as images:
        for image in images:
            if isinstance(image, Unread):
                raise image.error
            yield image


def each_ahead(
    items: Iterable[Item], read: Callable[[Item], ReadImage], *, workers: int
) -> Generator[ReadImage | Unread, None, None]:
    """Read items in worker threads as `read_ahead` does; what cannot be read is said in its place, and ends nothing.

    Args:
        items: what is read; `str(item)` is its name.
        read: gives an item's image, or raises an InputError.
        workers: number of threads.

    Yields:
        One for each item, in their order.
    """

    def job(item: Item) -> ReadImage | Unread:
        try:
            return read(item)
        except InputError as error:
            return Unread(str(item), error)

    if workers <= 0:
        yield from map(job, items)
        return
    remaining = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="flarescope-read")
    try:
        waiting: deque[Future[ReadImage | Unread]] = deque(
            pool.submit(job, item) for item in islice(remaining, workers * READ_AHEAD)
        )
        while waiting:
            image = waiting.popleft().result()
            waiting.extend(pool.submit(job, item) for item in islice(remaining, 1))
            yield image
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
