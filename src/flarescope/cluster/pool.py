"""How are tasks handed to workers of a Ray cluster, so that what a dying worker had in hand is done by another?"""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flarescope.cluster.nodes import Node, nodes_of
from flarescope.cluster.worker import Made, Task
from flarescope.errors import FlarescopeError

TRIES: Final = 3
"""Workers that may end over one task, or in a row at one seat, before it is given up: a task that needs more memory
than there is would end every worker of the cluster in turn."""

WAIT_S: Final = 1.0
"""Seconds after which the waiting loop looks whether Ctrl-C was pressed, and whether there are workers at all."""

SAY_AFTER: Final = 30
"""Waits without any worker after which it is said what is waited for."""


@dataclass
class Seat:
    """A place for one worker.

    Attributes:
        node: where.
        slot: which worker of the node, from 0.
        ends: how many workers ended here since a task was last finished.
    """

    node: Node
    slot: int
    ends: int = 0


@dataclass
class _Worker:
    seat: Seat
    actor: Any
    task: Task | None = None


@dataclass
class Pool:
    """Workers at seats.

    Attributes:
        ray: joined.
        employ: starts a worker at a seat; gives an actor with `begin` and `compute` (see `worker.ShardWorker`).
        say: hears one line of each worker that ends.
    """

    ray: Any
    employ: Callable[[Seat], Any]
    say: Callable[[str], None]
    _at_work: dict[Any, _Worker] = field(default_factory=dict)
    _idle: list[_Worker] = field(default_factory=list)
    _ends: Counter[int] = field(default_factory=Counter)
    _waits: int = 0

    def run(self, seats: Sequence[Seat], tasks: Sequence[Task]) -> Iterator[tuple[Task, Made]]:
        """Do tasks, each by one worker at a time.

        Yields:
            Each task with what came of it, as they finish, in any order.

        Raises:
            FlarescopeError: a task, or a worker's start, failed: raised after what others had in hand has come; or no
                worker is left.
        """
        waiting = deque(tasks)
        try:
            for seat in seats:
                self._employ(seat)
            failed = yield from self._until_done(waiting)
        finally:
            for worker in [*self._at_work.values(), *self._idle]:
                self.ray.kill(worker.actor)
        if failed is not None:
            raise failed
        if waiting:
            raise FlarescopeError(
                f"no worker of the cluster is left, and {len(waiting):,} shards are to be done; what was finished is "
                "kept: run the same command again"
            )

    def _until_done(self, waiting: deque[Task]) -> Generator[tuple[Task, Made], None, FlarescopeError | None]:
        failed: FlarescopeError | None = None
        while waiting or any(worker.task for worker in self._at_work.values()):
            while waiting and self._idle:
                self._hand_over(self._idle.pop(), waiting.popleft())
            if not self._at_work:
                break
            for worker, made in self._finished(waiting):
                if made.failure is not None:
                    failed = failed or made.error
                    waiting.clear()
                elif worker.task is not None:
                    task, worker.task, worker.seat.ends = worker.task, None, 0
                    self._idle.append(worker)
                    yield task, made
                    continue
                worker.task = None
                self._idle.append(worker)
        return failed

    def _finished(self, waiting: deque[Task]) -> list[tuple[_Worker, Made]]:
        """Give what has finished within a while; what a dead worker had in hand waits again, in front."""
        done, _ = self.ray.wait(list(self._at_work), num_returns=1, timeout=WAIT_S)
        self._say_what_is_waited_for(done)
        found = []
        for reference in done:
            worker = self._at_work.pop(reference)
            try:
                found.append((worker, self.ray.get(reference)))
            except self.ray.exceptions.RayTaskError as error:  # a fault in the program, as one on this machine
                raise FlarescopeError(f"a worker on {worker.seat.node.host} failed: {error.cause!r}") from error
            except self.ray.exceptions.RayError as error:
                self._replace(worker, error, waiting)
        return found

    def _replace(self, worker: _Worker, error: Exception, waiting: deque[Task]) -> None:
        seat, task = worker.seat, worker.task
        reason = type(error).__name__
        seat.ends += 1
        if task is not None:
            self._ends[task.number] += 1
            if self._ends[task.number] >= TRIES:
                raise FlarescopeError(
                    f"{TRIES} workers ended over the shard that begins with {task.names[0]}, the last on "
                    f"{seat.node.host} ({reason}); out of memory? Lower --workers or --engine-batch"
                ) from error
            waiting.appendleft(task)
        alive = seat.node.id in {node.id for node in nodes_of(self.ray)}
        again = alive and seat.ends < TRIES
        what = "its shard is done again" if task is not None else "it had no shard"
        self.say(
            f"a worker on {seat.node.host} ended ({reason}), {what}; "
            f"{'another starts there' if again else 'the node is done without'}"
        )
        if again:
            self._employ(seat)

    def _employ(self, seat: Seat) -> None:
        worker = _Worker(seat, self.employ(seat))
        self._at_work[worker.actor.begin.remote()] = worker

    def _hand_over(self, worker: _Worker, task: Task) -> None:
        worker.task = task
        self._at_work[worker.actor.compute.remote(task)] = worker

    def _say_what_is_waited_for(self, done: Sequence[Any]) -> None:
        idle = not done and not self._idle and not any(worker.task for worker in self._at_work.values())
        self._waits = self._waits + 1 if idle else 0
        if self._waits == SAY_AFTER:
            self.say("no worker has started yet; they wait for CPUs that others hold? See `ray status`")
