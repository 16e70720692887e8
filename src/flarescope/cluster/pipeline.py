"""How does Ray Data pass shards through a cluster: plans -> tasks that read and render -> networks that write shards?

Ray Data does again what a killed process or a lost node had in hand, and sends the next shard to whoever is idle. What
it has to be told is here: that a shard stays one block, and how much of a node each stage asks for. Networks never take
all CPUs: Ray Data starts them first, and would wait without end for a CPU to read with (its issue 44687).
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from flarescope.cluster.blocks import Made, Task
from flarescope.cluster.stages import Place, ShardNetwork, read_shard
from flarescope.cluster.tries import Tally
from flarescope.counted import counted
from flarescope.engines.base import Engine
from flarescope.errors import FlarescopeError
from flarescope.features.filling import Filling

IN_HAND: Final = 2
"""Shards of a network: one that it computes, and one whose images are on their way to it."""


@dataclass(frozen=True)
class Needs:
    """What the stages ask of a node, in Ray's CPUs and GPUs.

    Attributes:
        network_cpus: of a network; above 1 a whole number.
        network_gpus: of a network.
        reading_cpus: of a task that reads a shard. Beside the networks of every node there is room for one.
    """

    network_cpus: float
    network_gpus: int
    reading_cpus: float

    @classmethod
    def of(cls, cpus: int, *, on_gpu: bool) -> "Needs":
        """Share out the CPUs that come upon one network; 0 where a node has more GPUs than CPUs."""
        if on_gpu and cpus < 1:
            return cls(0, 1, 0.5)
        if on_gpu:
            return cls(0.5, 1, 0.5) if cpus < 4 else cls(1, 1, 2)
        return cls(0.75, 0, 0.25) if cpus < 2 else cls(cpus - 1, 0, 1)


@dataclass(frozen=True)
class Pipeline:
    """Shards on their way through a cluster.

    Attributes:
        ray: joined.
        filling: as it is sent: its names are not used, its paths mean the same on all nodes.
        engine: makes the network ready; it can be sent.
        networks: how many at a time.
        needs: of each stage.
        places: Ray's name of a node -> what is known of it.
        say: hears of workers that took the place of others.
    """

    ray: Any
    filling: Filling
    engine: Callable[[], Engine]
    networks: int
    needs: Needs
    places: Mapping[str, Place]
    say: Callable[[str], None]

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Made]]:
        """Make shards.

        Yields:
            Each task with what came of it, as they finish, in any order.

        Raises:
            FlarescopeError: an image that cannot be read, a network that cannot be started; a shard over which
                workers ended again and again, or the cluster gives nothing for half an hour.
        """
        left, told = {task.number: task for task in tasks}, set[str]()
        with self._errors(left), _quiet(), closing(iter(self._dataset(tasks).iter_rows())) as rows:
            for made in map(Made.of_row, rows):
                if made.error is not None:
                    raise made.error
                if made.is_second and made.worker not in told:
                    told.add(made.worker)
                    self.say(f"a worker on {made.host} took the place of one that ended; its shard was done again")
                yield left.pop(made.number), made

    def _dataset(self, tasks: Sequence[Task]) -> Any:  # noqa: ANN401 - Ray's types need Ray
        import ray.data

        blocks = {"batch_size": None, "batch_format": "pyarrow", "zero_copy_batch": True}
        with _context() as context:  # a dataset keeps the one that it was made in
            context.enable_progress_bars = False
            context.target_max_block_size = None  # a shard is one block
            plans = ray.data.from_items([vars(task) for task in tasks], override_num_blocks=len(tasks))
        tally = self._tally()
        reading = partial(read_shard, filling=self.filling, tally=tally)
        images = plans.map_batches(reading, num_cpus=self.needs.reading_cpus, **blocks)
        gpus = {"num_gpus": self.needs.network_gpus} if self.needs.network_gpus else {}
        return images.map_batches(
            ShardNetwork,
            fn_constructor_args=(self.filling, self.engine, dict(self.places), tally),
            compute=ray.data.ActorPoolStrategy(size=self.networks, max_tasks_in_flight_per_actor=IN_HAND),
            num_cpus=self.needs.network_cpus,
            **gpus,
            **blocks,
        )

    def _tally(self) -> Any:  # noqa: ANN401
        """Start what counts the tries of each shard, beside this process, where it lives as long."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(self.ray.get_runtime_context().get_node_id(), soft=False)
        return self.ray.remote(num_cpus=0, scheduling_strategy=here)(Tally).remote()

    @contextmanager
    def _errors(self, left: Mapping[int, Task]) -> Iterator[None]:
        """Turn what Ray says in a `with` block into one line."""
        from ray.data.exceptions import ExecutionTimeoutError

        try:
            yield
        except ExecutionTimeoutError as error:
            raise FlarescopeError(
                f"nothing came of the cluster for half an hour, and {counted(len(left), 'shard')} are to be done: do "
                "others hold its CPUs? See `ray status`, and run the same command again"
            ) from error
        except self.ray.exceptions.RayTaskError as error:  # a fault in the program, as one on this machine
            raise FlarescopeError(f"a worker failed: {error.cause!r}") from error
        except self.ray.exceptions.RayError as error:
            raise FlarescopeError(
                f"Ray does not go on ({type(error).__name__}), and {counted(len(left), 'shard')} are to be done; what "
                "was finished is kept: run the same command again"
            ) from error


@contextmanager
def _context() -> Iterator[Any]:
    """Give choices of Ray Data for a `with` block, which leaves those of a program that uses it too."""
    from ray.data import DataContext

    own = DataContext.get_current().copy()
    with DataContext.current(own):
        yield own


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Ray Data logs off the screen in a `with` block; errors come as exceptions too."""
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
