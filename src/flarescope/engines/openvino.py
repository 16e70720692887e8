"""How does OpenVINO run the frozen network on a CPU?"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np

from flarescope.engines.base import EngineChoice

Graphs = Callable[[int], Any]
"""From the number of channels to an OpenVINO model; what it holds lives as long as the function."""

HINTS: Final = {"fp32": "f32", "bf16": "bf16"}
"""OpenVINO's names of the precisions."""


class OpenVinoEngine:
    """OpenVINO on the CPU: several streams compute side by side, and each has its next batch waiting."""

    def __init__(self, graph: Graphs, choice: EngineChoice) -> None:
        """Prepare; a graph is made when the first batch comes.

        Args:
            graph: gives the network for so many channels of its input.
            choice: precision and streams.
        """
        import openvino

        self._graph = graph
        self._core = openvino.Core()
        self._config = {
            "INFERENCE_PRECISION_HINT": HINTS[choice.precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(choice.streams or "AUTO"),
        }
        self._requests: dict[int, list[Any]] = {}

    def _requests_for(self, channels: int) -> list[Any]:
        if channels not in self._requests:
            compiled = self._core.compile_model(self._graph(channels), "CPU", self._config)
            number = 2 * int(compiled.get_property("NUM_STREAMS"))
            self._requests[channels] = [compiled.create_infer_request() for _ in range(number)]
        return self._requests[channels]

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `engines.base.Engine`."""
        running: deque[Any] = deque()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [request.wait() for request in running])
            for number, batch in enumerate(batches):
                requests = self._requests_for(batch.shape[1])
                if len(running) == len(requests):
                    yield _finished(running.popleft())
                request = requests[number % len(requests)]
                request.start_async({0: batch})
                running.append(request)
            while running:
                yield _finished(running.popleft())


def _finished(request: Any) -> np.ndarray:  # noqa: ANN401 - openvino is untyped
    request.wait()
    return np.array(request.get_output_tensor(0).data, dtype=np.float32)
