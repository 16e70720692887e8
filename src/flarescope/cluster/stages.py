"""What do the stages of a cluster's pipeline do: plan of a shard -> pixels, pixels -> network -> the shard, whole?"""

import os
import secrets
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from flarescope.cluster.blocks import error_in, failed_block, images_of, made_block, read_block
from flarescope.cluster.tries import trying
from flarescope.cores import available_cores
from flarescope.engines.base import Engine
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.filling import Filling, Shard, images_ahead, shards_of_images
from flarescope.features.shards import write_part
from flarescope.files import translate_os_errors
from flarescope.images.render import Rendering


def read_shard(plan: pa.Table, *, filling: Filling, tally: Any) -> pa.Table:  # noqa: ANN401 - Ray's types need Ray
    """Read and render the images of a shard, in threads.

    Args:
        plan: one row, `number` and `names` of a shard.
        filling: of the store; its names and its progress are not used.
        tally: counts the tries (see `tries`).

    Returns:
        One row an image (see `blocks`); or one row that says which cannot be read.
    """
    number, names = plan["number"][0].as_py(), plan["names"][0].as_py()
    workers = min(filling.workers, available_cores())
    try:
        with trying(tally, "reading", number, names[0]):
            images = list(images_ahead(replace(filling, names=pa.array(names, pa.large_string()), workers=workers)))
    except FlarescopeError as error:
        return failed_block(number, _on_this_host(error))
    return read_block(number, names, images)


@dataclass(frozen=True)
class Place:
    """What is known of a node where networks run.

    Attributes:
        sees_store: whether the folder of the filling is the store there too.
        workers: networks that share its cores.
    """

    sees_store: bool = False
    workers: int = 1


class ShardNetwork:
    """One network on a node: images of a shard become features, and these a shard."""

    def __init__(
        self,
        filling: Filling,
        engine: Callable[[], Engine],
        places: Mapping[str, Place],
        tally: Any,  # noqa: ANN401
    ) -> None:
        """Make the network ready; where that fails, the first shard says so.

        Args:
            filling: of the store; its names and its progress are not used.
            engine: makes the network ready.
            places: Ray's name of a node -> what is known of it.
            tally: counts the tries (see `tries`).
        """
        import ray

        context = ray.get_runtime_context()
        place = places.get(context.get_node_id(), Place())
        self._who: dict[str, Any] = {
            "host": socket.gethostname(),
            "worker": f"{context.get_node_id()} {os.getpid()}",
            "is_second": context.was_current_actor_reconstructed,
        }
        self._filling, self._sees_store, self._tally = filling, place.sees_store, tally
        self._side = Rendering.from_id(filling.key.rendering).size
        self._seat = _seat(place.workers, context.get_job_id())
        self._engine: Engine | FlarescopeError
        try:
            self._engine = engine()
        except FlarescopeError as error:
            self._engine = error

    def __call__(self, block: pa.Table) -> pa.Table:
        """Make a shard, one row an image: written under its temporary name, or given back."""
        number = block["number"][0].as_py()
        try:
            if (failure := error_in(block)) is not None:
                return made_block(self._who, number, failure)
            if isinstance(self._engine, FlarescopeError):
                raise self._engine
            with trying(self._tally, "network", number, block["filename"][0].as_py()):
                shard = self._made(number, block, self._engine)
        except FlarescopeError as error:
            return made_block(self._who, number, _on_this_host(error))
        return made_block(self._who, number, shard)

    def _made(self, number: int, block: pa.Table, engine: Engine) -> Shard | Path:
        filling = replace(self._filling, names=block["filename"].combine_chunks(), shard_rows=len(block))
        (made,) = [
            _written(filling.folder, number, one) if self._sees_store else _kept(one)
            for one in shards_of_images(filling, images_of(block, self._side), engine)
        ]
        return made


def _kept(shard: Shard) -> Shard:
    """Give a shard that holds when the next one is asked for."""
    exponents = None if shard.exponents is None else shard.exponents.copy()
    return Shard(shard.names, list(shard.prints), shard.features.copy(), exponents)


def _seat(workers: int, job: str) -> socket.socket | None:
    """Take this worker's part of the node's cores, where several share them.

    A seat is a name that one process of a machine can have, of a socket that nobody connects to: it is free again when
    the process ends, however it ends, and leaves no file.
    """
    if workers < 2 or not hasattr(os, "sched_setaffinity"):
        return None
    for seat in range(workers):
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0flarescope-{job}-{seat}")
        except OSError:
            held.close()
            continue
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[seat::workers] or cores)
        return held
    return None  # of a node that was lost: beside those of this one


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


def _on_this_host(error: FlarescopeError) -> FlarescopeError:
    kind = InputError if isinstance(error, InputError) else FlarescopeError
    return kind(f"{error} (on {socket.gethostname()})")
