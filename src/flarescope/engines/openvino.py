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
        self._requests: dict[int, tuple[type[np.generic], list[Any]]] = {}

    def _requests_for(self, channels: int, of_bytes: bool) -> tuple[type[np.generic], list[Any]]:
        """Give what runs batches of so many channels, and the type of pixels that it takes.

        There is one graph for each number of channels: once floats came, bytes are made floats before it, for a second
        copy of the weights is worth more than a copy of some pixels.
        """
        made = self._requests.get(channels)
        if made is None or (made[0] is np.uint8 and not of_bytes):
            graph = self._graph(channels)
            compiled = self._core.compile_model(_of_bytes(graph) if of_bytes else graph, "CPU", self._config)
            number = 2 * int(compiled.get_property("NUM_STREAMS"))
            requests = [compiled.create_infer_request() for _ in range(number)]
            made = self._requests[channels] = (np.uint8 if of_bytes else np.float32, requests)
        return made

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `engines.base.Engine`."""
        running: deque[Any] = deque()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [request.wait() for request in running])
            for number, batch in enumerate(batches):
                dtype, requests = self._requests_for(batch.shape[1], batch.dtype == np.uint8)
                if len(running) == len(requests):
                    yield _finished(running.popleft())
                request = requests[number % len(requests)]
                request.start_async({0: np.asarray(batch, dtype)})
                running.append(request)
            while running:
                yield _finished(running.popleft())


def _of_bytes(graph: Any) -> Any:  # noqa: ANN401 - openvino is untyped
    """Let a graph of float32 pixels take bytes, which become floats inside: a quarter of the memory goes in."""
    from openvino import Type
    from openvino.preprocess import PrePostProcessor

    changed = PrePostProcessor(graph)
    changed.input().tensor().set_element_type(Type.u8)
    return changed.build()


def _finished(request: Any) -> np.ndarray:  # noqa: ANN401 - openvino is untyped
    request.wait()
    return np.array(request.get_output_tensor(0).data, dtype=np.float32)
