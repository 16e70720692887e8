"""How does OpenVINO run the frozen network on a CPU?"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from flarescope.engines.base import MIXED, EngineChoice

Graphs = Callable[[int], Sequence[Any]]
"""From the number of channels to OpenVINO models, each of which takes what the one before it gives; all before the last
are computed in fp32. What they hold lives as long as the function."""

HINTS: Final = {"fp32": "f32", "bf16": "bf16", MIXED: "bf16"}
"""OpenVINO's names of the precision of the last model; with `MIXED` marks in it may keep some of it in fp32."""

LOOK_MS: Final = 2
"""How often batches are looked after while one is waited for: a part of a network takes tens of times as long."""


@dataclass(frozen=True)
class _Network:
    """Graphs that are compiled.

    Attributes:
        parts: for OpenVINO's CPU, one after the other.
        dtype: of the pixels that the first takes.
        ahead: batches that a stream has under way.
        idle: requests that no batch holds, one for each part.
    """

    parts: Sequence[Any]
    dtype: type[np.generic]
    ahead: int
    idle: deque[list[Any]] = field(default_factory=deque)

    def begin(self, batch: np.ndarray) -> "_Batch":
        """Start on a batch; the requests are its own until its features are taken, whatever another thread asks."""
        try:
            requests = self.idle.pop()
        except IndexError:
            requests = [part.create_infer_request() for part in self.parts]
        requests[0].start_async({0: np.asarray(batch, self.dtype)})
        return _Batch(self, requests)


@dataclass
class _Batch:
    """A batch under way.

    Attributes:
        network: that computes it.
        requests: of its parts.
        part: the last that was begun.
    """

    network: _Network
    requests: list[Any]
    part: int = 0

    def go_on(self) -> bool:
        """Begin the next part where this one has ended; tell whether the last one was begun."""
        while self.part + 1 < len(self.requests):
            before = self.requests[self.part]
            if not before.wait_for(0):
                return False
            request = self.requests[self.part + 1]
            for place in range(len(before.model_outputs)):
                request.set_input_tensor(place, before.get_output_tensor(place))
            request.start_async()
            self.part += 1
        return True

    def wait(self, ms: int | None = None) -> bool:
        """Wait for the part that was begun, or so long at most; tell whether it has ended."""
        request = self.requests[self.part]
        if ms is not None:
            return bool(request.wait_for(ms))
        request.wait()
        return True

    def take(self) -> np.ndarray:
        """Give the features, once the last part has ended, in memory of their own."""
        features = np.array(self.requests[-1].get_output_tensor(0).data, dtype=np.float32)
        self.network.idle.append(self.requests)
        return features


class OpenVinoEngine:
    """OpenVINO on the CPU: several streams compute side by side, and each has its next batch waiting."""

    def __init__(self, graphs: Graphs, choice: EngineChoice) -> None:
        """Prepare; graphs are made when the first batch comes.

        Args:
            graphs: gives the network for so many channels of its input.
            choice: precision and streams.
        """
        import openvino

        self._graphs = graphs
        self._core = openvino.Core()
        self._hint = HINTS[choice.precision]
        self._config = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(choice.streams or "AUTO"),
        }
        self._networks: dict[int, _Network] = {}
        self._compiling = threading.Lock()

    def _network_for(self, channels: int, of_bytes: bool) -> _Network:
        """Give what runs batches of so many channels.

        There is one for each number of channels: once floats came, bytes are made floats before it, for a second copy
        of the weights is worth more than a copy of some pixels.
        """
        with self._compiling:
            made = self._networks.get(channels)
            if made is None or (made.dtype is np.uint8 and not of_bytes):
                parts = self._compile(self._graphs(channels), of_bytes)
                ahead = 2 * int(parts[0].get_property("NUM_STREAMS"))
                made = self._networks[channels] = _Network(parts, np.uint8 if of_bytes else np.float32, ahead)
            return made

    def _compile(self, graphs: Sequence[Any], of_bytes: bool) -> list[Any]:
        hints = ["f32"] * (len(graphs) - 1) + [self._hint]
        return [
            self._core.compile_model(
                _of_bytes(graph) if of_bytes and graph is graphs[0] else graph,
                "CPU",
                self._config | {"INFERENCE_PRECISION_HINT": hint},
            )
            for graph, hint in zip(graphs, hints, strict=True)
        ]

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `engines.base.Engine`; several threads may each have a stream."""
        running: deque[_Batch] = deque()
        with contextlib.ExitStack() as stack:
            stack.callback(_let_end, running)
            for batch in batches:
                network = self._network_for(batch.shape[1], batch.dtype == np.uint8)
                while len(running) >= network.ahead:
                    yield _oldest(running)
                running.append(network.begin(batch))
            while running:
                yield _oldest(running)


def _oldest(running: deque[_Batch]) -> np.ndarray:
    """Wait for the features of the batch that was begun first; the others go from part to part meanwhile."""
    first = running[0]
    while True:
        in_last = [one.go_on() for one in running]
        if first.wait(None if all(in_last) else LOOK_MS) and in_last[0]:
            running.popleft()
            return first.take()


def _let_end(running: Iterable[_Batch]) -> None:
    for one in running:
        with contextlib.suppress(RuntimeError):  # what it computed is wanted no more
            one.wait()


def _of_bytes(graph: Any) -> Any:  # noqa: ANN401 - openvino is untyped
    """Let a graph of float32 pixels take bytes, which become floats inside: a quarter of the memory goes in."""
    from openvino import Type
    from openvino.preprocess import PrePostProcessor

    changed = PrePostProcessor(graph)
    changed.input().tensor().set_element_type(Type.u8)
    return changed.build()
