"""How does OpenVINO run the frozen network on a CPU?"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from flarescope.engines.base import MIXED, EngineChoice

Graphs = Callable[[int], Any]
"""From the number of channels to an OpenVINO model; what it holds lives as long as the function."""

HINTS: Final = {"fp32": "f32", "bf16": "bf16", MIXED: "bf16"}
"""OpenVINO's names of the precisions; of `MIXED` marks in the graph keep the rest in fp32."""


@dataclass(frozen=True)
class _Network:
    """A graph that is compiled.

    Attributes:
        compiled: for OpenVINO's CPU.
        dtype: of the pixels that it takes.
        ahead: batches that a stream has under way.
        idle: requests that no batch holds.
    """

    compiled: Any
    dtype: type[np.generic]
    ahead: int
    idle: deque[Any] = field(default_factory=deque)

    def begin(self, batch: np.ndarray) -> Any:  # noqa: ANN401 - openvino is untyped
        """Start on a batch; the request is this batch's own until `finish`, whatever another thread asks."""
        try:
            request = self.idle.pop()
        except IndexError:
            request = self.compiled.create_infer_request()
        request.start_async({0: np.asarray(batch, self.dtype)})
        return request

    def finish(self, request: Any) -> np.ndarray:  # noqa: ANN401
        """Wait for the features, in memory of their own."""
        request.wait()
        features = np.array(request.get_output_tensor(0).data, dtype=np.float32)
        self.idle.append(request)
        return features


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
        self._networks: dict[int, _Network] = {}
        self._compiling = threading.Lock()

    def _network_for(self, channels: int, of_bytes: bool) -> _Network:
        """Give what runs batches of so many channels.

        There is one graph for each number of channels: once floats came, bytes are made floats before it, for a second
        copy of the weights is worth more than a copy of some pixels.
        """
        with self._compiling:
            made = self._networks.get(channels)
            if made is None or (made.dtype is np.uint8 and not of_bytes):
                graph = self._graph(channels)
                compiled = self._core.compile_model(_of_bytes(graph) if of_bytes else graph, "CPU", self._config)
                ahead = 2 * int(compiled.get_property("NUM_STREAMS"))
                made = self._networks[channels] = _Network(compiled, np.uint8 if of_bytes else np.float32, ahead)
            return made

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `engines.base.Engine`; several threads may each have a stream."""
        running: deque[tuple[_Network, Any]] = deque()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [request.wait() for _, request in running])
            for batch in batches:
                network = self._network_for(batch.shape[1], batch.dtype == np.uint8)
                while len(running) >= network.ahead:
                    of, request = running.popleft()
                    yield of.finish(request)
                running.append((network, network.begin(batch)))
            while running:
                of, request = running.popleft()
                yield of.finish(request)


def _of_bytes(graph: Any) -> Any:  # noqa: ANN401 - openvino is untyped
    """Let a graph of float32 pixels take bytes, which become floats inside: a quarter of the memory goes in."""
    from openvino import Type
    from openvino.preprocess import PrePostProcessor

    changed = PrePostProcessor(graph)
    changed.input().tensor().set_element_type(Type.u8)
    return changed.build()
