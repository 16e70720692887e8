"""How does the frozen network run on a CPU by Winograd's filtering?"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue

import numpy as np

from flarescope.backbones.base import Arrays
from flarescope.cores import available_cores
from flarescope.engines.base import EngineChoice
from flarescope.engines.winograd import kernels
from flarescope.engines.winograd.filters import prepare
from flarescope.engines.winograd.network import Worker
from flarescope.engines.winograd.target import target_for
from flarescope.errors import FlarescopeError, InputError
from flarescope.native.machine import host_features


class WinogradEngine:
    """Workers on their own cores, each with a batch of its own and the next one waiting."""

    def __init__(self, arrays: Arrays, choice: EngineChoice) -> None:
        target = target_for(choice.precision, host_features())
        if target is None:
            raise InputError(f"--engine winograd: this processor cannot compute in {choice.precision} by it")
        self._streams = choice.streams or available_cores()
        self._batch = choice.batch
        with ThreadPoolExecutor(1) as pool:  # LLVM works beside the packing
            compiled = pool.submit(kernels.compiled, target)
            self._filters = prepare(arrays, target, self._streams)
            self._compiled = compiled.result()
        self._idle: SimpleQueue[Worker] = SimpleQueue()

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `engines.base.Engine`."""
        running: deque[Future[np.ndarray]] = deque()
        pool = ThreadPoolExecutor(self._streams, "winograd")
        try:
            for batch in batches:
                if len(running) == 2 * self._streams:
                    yield running.popleft().result()
                running.append(pool.submit(self._compute, batch))
            while running:
                yield running.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _compute(self, batch: np.ndarray) -> np.ndarray:
        try:
            worker = self._idle.get_nowait()
        except Empty:
            worker = None
        size = min(len(batch), self._batch)
        if worker is None or worker.batch < size:  # small ones for a few images
            try:
                worker = Worker(self._filters, self._compiled, size)
            except MemoryError as error:
                raise FlarescopeError(
                    f"not enough memory for batches of {size} images on {self._streams} cores; "
                    "choose a smaller --engine-batch"
                ) from error
        parts = [worker.run(batch[start : start + size]) for start in range(0, len(batch), size)]
        self._idle.put(worker)
        return np.concatenate(parts)
