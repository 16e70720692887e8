"""What does one worker of a cluster do: images of a shard -> pixels -> network -> the shard, whole?"""

import os
import secrets
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from flarescope.cores import available_cores
from flarescope.engines.base import Engine
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.filling import Filling, Shard, shards_of
from flarescope.features.shards import write_part
from flarescope.files import translate_os_errors
from flarescope.images.reading import Fingerprint


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
class Arrays:
    """What a shard holds, on its way to who writes it."""

    prints: list[Fingerprint]
    features: np.ndarray
    exponents: np.ndarray | None


@dataclass(frozen=True)
class Made:
    """What came of a task.

    Attributes:
        failure: why there is no shard; None where there is one.
        is_input: whether the failure is about the input.
        part: the temporary folder in the store where the shard lies, whole.
        arrays: the shard's contents, where the worker does not see the store.
    """

    failure: str | None = None
    is_input: bool = False
    part: Path | None = None
    arrays: Arrays | None = None

    @property
    def error(self) -> FlarescopeError:
        """The failure as an error."""
        return (InputError if self.is_input else FlarescopeError)(self.failure)


class ShardWorker:
    """One network on a node: it reads and renders ahead in threads while the network computes, shard by shard."""

    def __init__(
        self, filling: Filling, engine: Callable[[], Engine], *, sees_store: bool, slot: int = 0, slots: int = 1
    ) -> None:
        """Take what is common to all shards.

        Args:
            filling: of the store; its names and its progress are not used.
            engine: makes the network ready.
            sees_store: whether the folder of the filling is the store, here too.
            slot: which of the workers of this node it is, from 0.
            slots: how many there are; each takes its part of the cores.
        """
        self._filling, self._start, self._sees_store = filling, engine, sees_store
        self._engine: Engine | None = None
        if slots > 1 and hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, cores[slot::slots] or cores)

    def begin(self) -> Made:
        """Make the network ready, and say whether it is."""
        try:
            self._engine = self._start()
        except FlarescopeError as error:
            return _failed(error)
        return Made()

    def compute(self, task: Task) -> Made:
        """Make a shard: written under its temporary name, or given back."""
        if self._engine is None:
            raise RuntimeError("a worker computes before it has begun")
        names = pa.array(task.names, pa.large_string())
        workers = min(self._filling.workers, available_cores())
        filling = replace(self._filling, names=names, shard_rows=len(names), workers=workers)
        made = Made()
        try:
            for shard in shards_of(filling, self._engine):
                if self._sees_store:
                    made = Made(part=_written(filling.folder, task.number, shard))
                else:
                    made = Made(arrays=Arrays(list(shard.prints), shard.features, shard.exponents))
        except FlarescopeError as error:
            return _failed(error)
        return made


def _written(store: Path, number: int, shard: Shard) -> Path:
    """Write a shard under a name that no other try of it has, and give that."""
    part = store / f".shard-{number:06d}-{secrets.token_hex(4)}.part"
    try:
        with translate_os_errors(part):
            write_part(part, shard.names, shard.prints, shard.features, shard.exponents)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return part


def _failed(error: FlarescopeError) -> Made:
    return Made(f"{error} (on {socket.gethostname()})", isinstance(error, InputError))
