"""How do the images of several uploads go through one network together, each with the numbers that it has alone?

Each upload keeps its own batches, so that its forecasts are those of `flarescope predict` on the same files, digit for
digit. What is shared is the pass: batches that come within a window of milliseconds, and those that come while a pass
runs, follow one another through the engine without waiting for each other's end.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Final

import numpy as np

from flarescope.engines.base import Engine
from flarescope.errors import FlarescopeError

MOST_BATCHES: Final = 64
"""Of one pass, so that none is without end."""
Job = tuple[np.ndarray, "Future[np.ndarray]"]


class SharedEngine:
    """An engine that many threads may ask at a time; one thread runs it."""

    def __init__(self, engine: Engine, *, window_s: float) -> None:
        """Start the thread.

        Args:
            engine: ready.
            window_s: in which batches are gathered for one pass.
        """
        self._engine, self._window_s = engine, window_s
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.passes = 0
        self._thread = threading.Thread(target=self._run, name="flarescope-engine", daemon=True)
        self._thread.start()

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Turn batches of pixels into features, one for one and in order, as every engine does."""
        waiting: list[Future[np.ndarray]] = []
        for batch in batches:
            future: Future[np.ndarray] = Future()
            self._jobs.put((batch, future))
            waiting.append(future)
        for future in waiting:
            yield future.result()

    def close(self) -> None:
        """End the thread after what it has begun."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            taken: deque[Job] = deque()
            gathering = self._gathered(job, taken)
            try:
                for features in self._engine.stream(gathering):
                    taken.popleft()[1].set_result(features)
                self.passes += 1
                lost: BaseException | None = FlarescopeError("the engine ended before its last batch")
            except Exception as error:
                lost = error
            for _, future in taken:
                future.set_exception(lost)

    def _gathered(self, first: Job, taken: deque[Job]) -> Iterator[np.ndarray]:
        """Give the batches of a pass as they come, and note them."""
        end = time.monotonic() + self._window_s
        job: Job | None = first
        for _ in range(MOST_BATCHES):
            if job is None:
                self._jobs.put(None)  # the end; for `_run`
                return
            taken.append(job)
            yield job[0]
            try:
                job = self._jobs.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
        self._jobs.put(job)
