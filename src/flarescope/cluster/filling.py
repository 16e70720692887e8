"""How does a Ray cluster fill a feature store, with the same bytes as one machine?

Each worker makes whole shards of the same rows, in the same batches, as one machine would; where it sees the store it
writes them there under temporary names. Only the driver gives a shard its final name, by its place in the table, and
so puts it into the store, as soon as it is whole.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from flarescope.cluster.nodes import Node, check_installed, look_around, nodes_of
from flarescope.cluster.pool import Pool, Seat
from flarescope.cluster.worker import Made, ShardWorker, Task
from flarescope.counted import counted
from flarescope.engines.base import Engine, EngineChoice
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.filling import Filling
from flarescope.features.shards import next_number, remove_partial, take_part, write_shard
from flarescope.files import translate_os_errors
from flarescope.images.root import LocalImages
from flarescope.progress import Reporter

NO_NODES: Final = "the Ray cluster has no node with a CPU to give; see `ray status`"


@dataclass(frozen=True)
class Crew:
    """Nodes that were asked and can work.

    Attributes:
        ray: joined.
        nodes: of the cluster.
        choice: the engine that all of them take.
        per_node: workers a node; where the engine runs on GPUs, one a GPU instead.
    """

    ray: Any
    nodes: list[Node]
    choice: EngineChoice
    per_node: int

    def seats(self) -> list[Seat]:
        """Give the places for workers."""
        return [Seat(node, slot) for node in self.nodes for slot in range(self.slots(node))]

    def slots(self, node: Node) -> int:
        """Give the number of workers on a node."""
        return max(node.gpus, 1) if self.choice.device == "cuda" else min(self.per_node, node.cpus)

    def employ(self, filling: Filling, engine: Callable[[], Engine], seat: Seat) -> Any:  # noqa: ANN401
        """Start a worker at a seat; it holds its part of the node's CPUs, so that other jobs keep off them."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        slots = self.slots(seat.node)
        needs = {"num_cpus": max(seat.node.cpus // slots, 1)}
        if self.choice.device == "cuda":
            needs["num_gpus"] = 1
        there = NodeAffinitySchedulingStrategy(seat.node.id, soft=False)
        # Ray itself restarts nothing: a shard that is done twice at a time could be written twice.
        options = {"max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": there, **needs}
        return self.ray.remote(**options)(ShardWorker).remote(
            filling, engine, sees_store=seat.node.sees_store, slot=seat.slot, slots=slots
        )


def assemble(ray: Any, store: Path, choose: Callable[[], EngineChoice], per_node: int) -> Crew:  # noqa: ANN401
    """Ask the nodes of a cluster what they have, before any work begins.

    Args:
        ray: joined.
        store: a folder that is there, in which the stores are.
        choose: gives the engine of the machine where it is called; it can be sent.
        per_node: workers a node.

    Raises:
        InputError: no node, one without flarescope, or nodes that would take different engines.
    """
    if per_node < 1:
        raise InputError(f"--per-node {per_node}: expected at least 1")
    nodes = nodes_of(ray)
    if not nodes:
        raise InputError(NO_NODES)
    check_installed(ray, nodes, version("flarescope"))
    with _marked(store) as mark:
        seen, choice = look_around(ray, nodes, choose, mark)
    return Crew(ray, seen, choice, per_node)


@contextlib.contextmanager
def _marked(folder: Path) -> Iterator[Path]:
    """Put a file into a folder, of a name that no other place has, for a `with` block."""
    mark = folder.absolute() / f".{secrets.token_hex(8)}.part"
    with translate_os_errors(mark):
        mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def fill_on(crew: Crew, reporter: Reporter, filling: Filling, engine: Callable[[], Engine]) -> None:
    """Compute what a store lacks on a cluster, and take in its shards as they come whole.

    Args:
        crew: that works.
        reporter: hears how many workers there are, and which of them end.
        filling: what is to be computed; its folder becomes absolute on the way to the workers.
        engine: makes the network ready; it can be sent.

    Raises:
        InputError: an image that is missing or unreadable, named with the node; finished shards stay.
        FlarescopeError: a full disk, or no worker is left.
    """
    seats = crew.seats()
    reporter.say(f"Ray: {counted(len(seats), 'worker')} on {counted(len(crew.nodes), 'node')}, {crew.choice.id}")
    first = next_number(filling.folder)
    images = filling.images
    if isinstance(images, LocalImages):  # a worker is in another folder
        images = LocalImages(images.folder.absolute())
    sent = replace(filling, folder=filling.folder.absolute(), names=filling.names[:0], images=images, progress=_silent)
    pool = Pool(crew.ray, partial(crew.employ, sent, engine), reporter.say)
    done = 0
    try:
        for task, made in pool.run(seats, _tasks(filling, first)):
            _take(filling.folder, task, made)
            done += len(task.names)
            filling.progress(done, len(filling.names))
    finally:
        remove_partial(filling.folder)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody: a worker's progress is its finished shards."""


def _tasks(filling: Filling, first: int) -> list[Task]:
    rows, names = filling.shard_rows, filling.names
    starts = range(0, len(names), rows)
    return [Task(number, names[start : start + rows].to_pylist()) for number, start in enumerate(starts, first)]


def _take(folder: Path, task: Task, made: Made) -> None:
    """Put a finished shard into the store.

    Raises:
        FlarescopeError: it is not where the worker said, or the disk is full.
    """
    if made.arrays is not None:
        arrays = made.arrays
        write_shard(folder, task.names, arrays.prints, arrays.features, arrays.exponents, number=task.number)
    elif made.part is None or not made.part.is_dir():
        raise FlarescopeError(f"{made.part}: a worker wrote this shard, and it is not seen here; run again")
    else:
        with translate_os_errors(folder):
            take_part(made.part, folder, task.number)
