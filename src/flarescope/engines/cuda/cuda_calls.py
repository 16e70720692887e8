"""Which calls of PyTorch's CUDA interface does the lane to a GPU make?

They stand together so that a test without a GPU can stand in for them and check their order.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import torch


class Event(Protocol):
    """A point in a stream's work."""

    def record(self, stream: Any) -> None:  # noqa: ANN401 - a stream of CUDA, or of a test
        """Set the point behind all that the stream was given so far."""

    def wait(self, stream: Any) -> None:  # noqa: ANN401
        """Make the stream's further work wait for the point."""

    def synchronize(self) -> None:
        """Make the caller wait for the point."""


class CudaCalls(Protocol):
    """What the lane asks of CUDA."""

    def stream(self) -> Any:  # noqa: ANN401
        """Give a new stream."""

    def event(self) -> Event:
        """Give a new event."""

    def on(self, stream: Any) -> AbstractContextManager[Any]:  # noqa: ANN401
        """Make a stream the current one."""

    def exact(self) -> AbstractContextManager[None]:
        """Choose kernels by measurement, and compute fp32 in fp32."""

    def pinned(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Give memory of the host that the GPU copies from and to on its own."""

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Give memory of the GPU; it belongs to the current stream."""

    def record(
        self,
        function: Callable[[], torch.Tensor],
        stream: Any,  # noqa: ANN401
    ) -> tuple[Callable[[], None], torch.Tensor]:
        """Record what a function launches; give the call that launches it again, and the tensor that it fills."""

    def settle(self, stream: Any) -> None:  # noqa: ANN401
        """Wait for all of a stream's work."""


class Cuda:
    """The calls themselves, on the current CUDA device."""

    def __init__(self) -> None:
        self._device = torch.device("cuda", torch.cuda.current_device())
        self._pool: Any = None

    def stream(self) -> torch.cuda.Stream:
        """See `CudaCalls`."""
        return torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]

    def event(self) -> Event:
        """See `CudaCalls`; who waits for it sleeps, and leaves the core to a thread that reads images."""
        return torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]

    def on(self, stream: torch.cuda.Stream) -> AbstractContextManager[Any]:
        """See `CudaCalls`."""
        return torch.cuda.stream(stream)

    def exact(self) -> AbstractContextManager[None]:
        """See `CudaCalls`."""
        return exact_fp32()

    def pinned(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """See `CudaCalls`."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """See `CudaCalls`."""
        return torch.empty(shape, dtype=dtype, device=self._device)

    def record(
        self, function: Callable[[], torch.Tensor], stream: torch.cuda.Stream
    ) -> tuple[Callable[[], None], torch.Tensor]:
        """See `CudaCalls`. All graphs share their memory, so only one may be at work: they run on one stream."""
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        # "thread_local": what other threads do meanwhile is none of the recording's business.
        with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
            filled = function()
        return graph.replay, filled

    def settle(self, stream: torch.cuda.Stream) -> None:
        """See `CudaCalls`."""
        stream.synchronize()


@contextmanager
def exact_fp32() -> Iterator[None]:
    """Let cuDNN choose its kernels by measurement and keep TF32 out of fp32; everything is as before afterwards.

    `torch.backends.cudnn.flags` does not serve: it speaks of TF32 by PyTorch's older switch, and raises where the
    process has used the newer one (`fp32_precision`, from 2.9), which is also what the kernels then ask.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    wanted: list[tuple[Any, str, object]] = [(cudnn, "benchmark", True)]
    if hasattr(cudnn, "conv"):
        wanted += [(cudnn.conv, "fp32_precision", "ieee"), (matmul, "fp32_precision", "ieee")]
    else:
        wanted += [(cudnn, "allow_tf32", False), (matmul, "allow_tf32", False)]
    before = [(switch, name, getattr(switch, name)) for switch, name, _ in wanted]
    try:
        for switch, name, value in wanted:
            setattr(switch, name, value)
        yield
    finally:
        for switch, name, value in before:
            setattr(switch, name, value)
