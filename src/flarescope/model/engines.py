"""How is a frozen network run on this machine, and in which precision?"""

import contextlib
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from flarescope.errors import InputError
from flarescope.model.weights import Arrays, Weights

ENGINES: Final = ("auto", "torch", "openvino")
PRECISIONS: Final = ("auto", "fp32", "bf16")


class Engine(Protocol):
    """A network that is ready to run."""

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Turn batches of pixels `(n, C, 224, 224)` float32 into features `(n, 4096)` float32, in the same order."""


@dataclass(frozen=True)
class EngineChoice:
    """Which engine, on what, in which precision; it is part of the key of every cached feature.

    Attributes:
        engine: `torch` or `openvino`.
        device: `cuda`, `mps` or `cpu`.
        precision: `fp32` or `bf16`.
        batch: images a forward pass.
    """

    engine: str
    device: str
    precision: str
    batch: int

    @property
    def id(self) -> str:
        """What the cache key says, such as `openvino-cpu-bf16`."""
        return f"{self.engine}-{self.device}-{self.precision}"

    def start(self, weights: Weights) -> Engine:
        """Load the weights and make the engine ready."""
        arrays = weights.load()
        if self.engine == "openvino":
            return OpenVinoEngine(arrays, self)
        from flarescope.model.engine_torch import TorchEngine

        return TorchEngine(arrays, self)


GPU_NODES: Final = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device files of NVIDIA's and AMD's drivers, and of Windows' under WSL."""


def _torch_device() -> str:
    # Without a driver there is no GPU, and torch need not be imported to know it: that takes longer than a forecast.
    if sys.platform == "linux" and not any(Path(node).exists() for node in GPU_NODES):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _openvino_has_bf16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def choose(engine: str = "auto", precision: str = "auto") -> EngineChoice:
    """Choose an engine by what is there.

    Args:
        engine: `auto` takes torch on a GPU (CUDA, then Apple's MPS), else OpenVINO, else torch on the CPU.
        precision: `auto` takes bf16 where the hardware computes in it (CUDA, CPUs with AVX512-BF16 or AMX under
            OpenVINO), else fp32.

    Raises:
        InputError: an unknown name, or an engine that is not installed.
    """
    if engine not in ENGINES:
        raise InputError(f"--engine {engine}: expected one of {', '.join(ENGINES)}")
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision}: expected one of {', '.join(PRECISIONS)}")
    has_openvino = find_spec("openvino") is not None
    if engine == "openvino" and not has_openvino:
        raise InputError("--engine openvino: OpenVINO is not installed; pip install openvino, or --engine torch")
    device = "cpu" if engine == "openvino" else _torch_device()
    if engine == "openvino" or (engine == "auto" and device == "cpu" and has_openvino):
        chosen = ("bf16" if _openvino_has_bf16() else "fp32") if precision == "auto" else precision
        return EngineChoice("openvino", "cpu", chosen, batch=16)
    chosen = ("bf16" if device == "cuda" else "fp32") if precision == "auto" else precision
    return EngineChoice("torch", device, chosen, batch=256 if device == "cuda" else 16)


class OpenVinoEngine:
    """OpenVINO on the CPU: two requests in flight, so that one batch computes while another is handed over."""

    def __init__(self, arrays: Arrays, choice: EngineChoice) -> None:
        import openvino

        self._arrays = arrays  # the graphs share their memory
        self._core = openvino.Core()
        self._config = {
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[choice.precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": "2",
        }
        self._requests: dict[int, list[Any]] = {}

    def _requests_for(self, channels: int) -> list[Any]:
        if channels not in self._requests:
            from flarescope.model.vgg_openvino import build

            compiled = self._core.compile_model(build(self._arrays, channels), "CPU", self._config)
            self._requests[channels] = [compiled.create_infer_request() for _ in range(2)]
        return self._requests[channels]

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `Engine`."""
        running: deque[Any] = deque()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [request.wait() for request in running])
            for number, batch in enumerate(batches):
                if len(running) == 2:
                    yield _finished(running.popleft())
                request = self._requests_for(batch.shape[1])[number % 2]
                request.start_async({0: batch})
                running.append(request)
            while running:
                yield _finished(running.popleft())


def _finished(request: Any) -> np.ndarray:  # noqa: ANN401 - openvino is untyped
    request.wait()
    return np.array(request.get_output_tensor(0).data, dtype=np.float32)
