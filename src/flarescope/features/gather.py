"""How do rows of features get from the memory map to the one who computes with them, fast and in little memory?"""

from collections.abc import Generator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Final, Protocol

import numpy as np

from flarescope.features.half import decode

GATHER: Final = 64
"""Rows that are copied at a time, 1 MiB: small enough for a core's own cache, where the batch is then used twice."""

AHEAD: Final = 2
"""Copies that are made while one is in use."""


class Rows(Protocol):
    """Features by row: `len(rows)`, and `rows[indices] -> (n, F) float32`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: np.ndarray, /) -> np.ndarray: ...


class FeatureRows:
    """Features of chosen rows, read from the memory map as they are asked for."""

    def __init__(
        self, maps: Sequence[np.ndarray], shard: np.ndarray, row: np.ndarray, exponents: np.ndarray | None = None
    ) -> None:
        """Find the rows in memory.

        Args:
            maps: S arrays `(n, F)` in C order, of one dtype, where the shards are mapped.
            shard: `(N,)` which of them holds each row.
            row: `(N,)` the row within it.
            exponents: `(N,)` of rows that are kept as float16 (see `half`); None for float32.
        """
        self._exponents = exponents
        self._maps = maps  # kept: `_window` alone does not keep them mapped
        addresses = np.array([one.ctypes.data for one in maps], np.int64)
        self._window, unit = _window(maps, addresses)
        bytes_a_row = self._window.itemsize * self._window.shape[1]
        first = addresses.min(initial=np.iinfo(np.int64).max)
        self._place = (addresses[shard] - first + row * bytes_a_row) // unit if len(row) else np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._place)

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """Copy rows: `(n,)` integers -> `(n, F)` float32."""
        kept = np.asarray(self._window[self._place[index]])
        return kept if self._exponents is None else decode(kept, self._exponents[index])


def _window(maps: Sequence[np.ndarray], addresses: np.ndarray) -> tuple[np.ndarray, int]:
    """Give one array whose row k is what lies k units behind the lowest map, so that one index reaches every shard.

    A loop over rows in Python takes as long as the copying, and keeps Python's lock from the one who computes. The
    rows of this array overlap, and between the maps lies memory that is not ours: it may only be asked for rows that
    begin where a row of a map begins. The unit divides the distance between any two of those.

    Returns:
        `(K, F)`, not writeable, and the unit in bytes.
    """
    if not maps:
        return np.empty((0, 0), np.float32), 1
    lowest, highest = maps[int(addresses.argmin())], maps[int(addresses.argmax())]
    width = lowest.shape[1]
    bytes_a_row = lowest.itemsize * width
    unit = int(np.gcd.reduce([bytes_a_row, *(addresses - addresses.min())]))
    count = (highest.ctypes.data + highest.nbytes - lowest.ctypes.data - bytes_a_row) // unit + 1
    strides = (unit, lowest.itemsize)
    return np.lib.stride_tricks.as_strided(lowest, (count, width), strides, writeable=False), unit


def batches(rows: Rows, order: np.ndarray, size: int) -> Generator[np.ndarray, None, None]:
    """Give rows in an order, batch by batch; a thread copies the next ones while the caller computes.

    Args:
        rows: features.
        order: `(n,)` integers.
        size: rows a batch.

    Yields:
        `(size, F)` float32; the last batch may be smaller. What they hold does not depend on the thread.
    """
    step, stopped = size * max(1, GATHER // size), False
    copied: SimpleQueue[np.ndarray | BaseException | None] = SimpleQueue()
    room: SimpleQueue[None] = SimpleQueue()  # queues hand over in a third of the time of futures
    for _ in range(AHEAD + 1):
        room.put(None)

    def copy() -> None:
        try:
            for start in range(0, len(order), step):
                room.get()
                if stopped:
                    return
                copied.put(np.asarray(rows[order[start : start + step]], np.float32))
            copied.put(None)
        except BaseException as error:  # whatever it is, the caller raises it
            copied.put(error)

    thread = Thread(target=copy, name="gather", daemon=True)
    thread.start()
    try:
        while (some := copied.get()) is not None:
            if isinstance(some, BaseException):
                raise some
            yield from (some[start : start + size] for start in range(0, len(some), size))
            room.put(None)
    finally:
        stopped = True
        room.put(None)
        thread.join()
