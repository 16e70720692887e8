"""How does a Ray cluster fill a feature store, with the same bytes as one machine?

Each network makes whole shards of the same rows, in the same batches, as one machine would; where it sees the store it
writes them there under temporary names. Only the driver gives a shard its final name, by its place in the table, and
so puts it into the store, as soon as it is whole.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from flarescope.cluster.blocks import Made, Task
from flarescope.cluster.nodes import Node, check_installed, look_around, nodes_of
from flarescope.cluster.pipeline import Needs, Pipeline
from flarescope.cluster.stages import Place
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
        per_node: networks on the smallest node; on larger ones there are more. Where the engine runs on GPUs, one a
            GPU instead.
    """

    ray: Any
    nodes: list[Node]
    choice: EngineChoice
    per_node: int

    @property
    def on_gpu(self) -> bool:
        """Whether networks run on GPUs."""
        return self.choice.device == "cuda"

    @property
    def cpus(self) -> int:
        """CPUs that come upon one network."""
        if self.on_gpu:
            return min((node.cpus // node.gpus for node in self.nodes if node.gpus), default=1)
        return max(min(node.cpus for node in self.nodes) // self.per_node, 1)

    def networks(self, node: Node) -> int:
        """Give the number of networks on a node."""
        return node.gpus if self.on_gpu else node.cpus // self.cpus

    def places(self) -> dict[str, Place]:
        """Give Ray's name of each node, and what a network there has to know."""
        return {node.id: Place(node.sees_store, self.networks(node)) for node in self.nodes}


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
        FlarescopeError: a full disk, or workers that end again and again.
    """
    places, tasks = crew.places(), _tasks(filling, next_number(filling.folder))
    number = min(sum(place.workers for place in places.values()), len(tasks))
    reporter.say(f"Ray: {counted(number, 'worker')} on {counted(len(crew.nodes), 'node')}, {crew.choice.id}")
    images = filling.images
    if isinstance(images, LocalImages):  # a worker is in another folder
        images = LocalImages(images.folder.absolute())
    sent = replace(filling, folder=filling.folder.absolute(), names=filling.names[:0], images=images, progress=_silent)
    needs = Needs.of(crew.cpus, on_gpu=crew.on_gpu)
    pipeline = Pipeline(crew.ray, sent, engine, number, needs, places, reporter.say)
    done = 0
    try:
        # Ray says on standard output what ends, which is for results; `reporter` hears of it.
        with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(nothing):
            for task, made in pipeline.run(tasks):
                _take(filling, task, made)
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


def _take(filling: Filling, task: Task, made: Made) -> None:
    """Put a finished shard into the store.

    Raises:
        FlarescopeError: it is not where the worker said, or the disk is full.
    """
    if made.part is None:
        prints, features, exponents = made.contents(filling.key.features, filling.key.dtype)
        write_shard(filling.folder, task.names, prints, features, exponents, number=task.number)
    elif not made.part.is_dir():
        raise FlarescopeError(f"{made.part}: a worker wrote this shard, and it is not seen here; run again")
    else:
        with translate_os_errors(filling.folder):
            take_part(made.part, filling.folder, task.number)
