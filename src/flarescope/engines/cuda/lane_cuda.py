"""How do batches go through a CUDA GPU so that copying, computing and reading go on at the same time?

Three streams: one brings pixels in, one computes, one takes features out, each waiting for the one before by an event.
Three batches are under way: one in each stream, or ready in pinned memory when the GPU asks for it.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from flarescope.engines.cuda.cuda_calls import Cuda, CudaCalls, Event
from flarescope.engines.cuda.lanes import NOTHING, Network, host_tensor, padded_size


@dataclass
class CudaSlot:
    """What a `CudaLane` holds of one batch; the buffers are kept for the next one.

    Attributes:
        arrived: behind the copy of the pixels to the GPU.
        computed: behind the network.
        returned: behind the copy of the features to the host.
        images: of the batch in it.
        rows: those it is computed in; the ones behind the images are zero.
        staged: `(>= rows, C, H, W)`, pinned.
        pixels: `(>= rows, C, H, W)` on the GPU.
        features: `(rows, F)` float32 on the GPU.
        result: `(>= rows, F)` float32, pinned.
    """

    arrived: Event
    computed: Event
    returned: Event
    images: int = 0
    rows: int = 0
    staged: torch.Tensor = NOTHING
    pixels: torch.Tensor = NOTHING
    features: torch.Tensor = NOTHING
    result: torch.Tensor = NOTHING


class CudaLane:
    """Pinned memory, three streams, three batches under way; memory is bounded by `batch`."""

    slots = 3

    def __init__(self, network: Network, batch: int, *, graphs: bool = True, cuda: CudaCalls | None = None) -> None:
        """Make the streams.

        Args:
            network: with its parameters on the GPU.
            batch: images of a full batch; smaller ones are padded (see `padded_size`).
            graphs: launch the network as a recorded graph; False launches every kernel by itself.
            cuda: the calls of CUDA; None takes the true ones.
        """
        self._cuda = cuda or Cuda()
        self._batch = batch
        self._inward, self._compute, self._outward = (self._cuda.stream() for _ in range(3))
        # Threads may share the lane: a graph has one place for pixels, and while it is recorded nobody may call CUDA.
        self._alone = threading.Lock()
        self.network = RecordedNetwork(network, self._compute, self._cuda, enabled=graphs)

    def allocate(self) -> CudaSlot:
        """See `Lane`; the buffers come with the first batch."""
        return CudaSlot(self._cuda.event(), self._cuda.event(), self._cuda.event())

    def copy_in(self, slot: CudaSlot, pixels: np.ndarray) -> None:
        """See `Lane`. One channel goes over as one; the network makes three of it on the GPU."""
        with self._alone:
            self._copy_in(slot, host_tensor(pixels))

    def _copy_in(self, slot: CudaSlot, source: torch.Tensor) -> None:
        slot.images, slot.rows = len(source), padded_size(len(source), self._batch)
        shape = (slot.rows, *source.shape[1:])
        slot.staged = _room(slot.staged, shape, source.dtype, self._cuda.pinned)
        slot.staged[: slot.images].copy_(source)
        slot.staged[slot.images : slot.rows].zero_()
        with self._cuda.on(self._inward):  # the memory too: that of the computing stream may still be in use there
            slot.pixels = _room(slot.pixels, shape, source.dtype, self._cuda.empty)
            slot.pixels[: slot.rows].copy_(slot.staged[: slot.rows], non_blocking=True)
            slot.arrived.record(self._inward)

    def run(self, slot: CudaSlot) -> None:
        """See `Lane`."""
        with self._alone, self._cuda.on(self._compute), self._cuda.exact(), torch.inference_mode():
            slot.arrived.wait(self._compute)
            slot.features = self.network(slot.pixels[: slot.rows])
            slot.computed.record(self._compute)

    def copy_out(self, slot: CudaSlot) -> None:
        """See `Lane`."""
        shape = (slot.rows, *slot.features.shape[1:])
        with self._alone:
            slot.result = _room(slot.result, shape, slot.features.dtype, self._cuda.pinned)
            with self._cuda.on(self._outward):
                slot.computed.wait(self._outward)
                slot.result[: slot.images].copy_(slot.features[: slot.images], non_blocking=True)
                slot.returned.record(self._outward)

    def wait(self, slot: CudaSlot) -> np.ndarray:
        """See `Lane`."""
        with self._alone:
            slot.returned.synchronize()
        features: np.ndarray = slot.result[: slot.images].clone().numpy()
        return features

    def drain(self) -> None:
        """See `Lane`."""
        for stream in (self._inward, self._compute, self._outward):
            # A GPU that is lost says so again; the first error is the one to hear.
            with self._alone, suppress(RuntimeError):
                self._cuda.settle(stream)


def _room(
    buffer: torch.Tensor,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    make: Callable[[tuple[int, ...], torch.dtype], torch.Tensor],
) -> torch.Tensor:
    """Give the buffer if it has room for `shape`, else a new one."""
    if buffer.dtype == dtype and buffer.shape[1:] == shape[1:] and len(buffer) >= shape[0]:
        return buffer
    return make(shape, dtype)


@dataclass(frozen=True)
class Recorded:
    """A graph: what it reads, the call that launches it, what it fills."""

    pixels: torch.Tensor
    replay: Callable[[], None]
    features: torch.Tensor


class RecordedNetwork:
    """A network that is launched as one CUDA graph, from the second batch of a size on.

    The first batch of a size runs kernel by kernel, which is also the warm-up that a recording needs: cuDNN measures
    its kernels then. A recording that fails leaves the network as it is.

    Attributes:
        failure: why graphs were given up, or None.
    """

    def __init__(
        self,
        network: Network,
        stream: Any,  # noqa: ANN401 - of CUDA, or of a test
        cuda: CudaCalls,
        *,
        enabled: bool,
    ) -> None:
        self._network = network
        self._stream = stream
        self._cuda = cuda
        self._enabled = enabled
        self._warm: set[object] = set()
        self._recorded: dict[object, Recorded] = {}
        self.failure: str | None = None

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute, on the current stream, features `(n, F)` float32 in memory of their own."""
        size = (pixels.shape, pixels.dtype)
        if self._enabled and size in self._warm and size not in self._recorded:
            self._record(size, pixels)
        recorded = self._recorded.get(size)
        if recorded is None:
            features = self._plainly(pixels)
            self._warm.add(size)
            return features
        recorded.pixels.copy_(pixels)
        recorded.replay()
        return recorded.features.clone()

    def _record(self, size: object, pixels: torch.Tensor) -> None:
        try:
            fixed = pixels.clone()
            replay, features = self._cuda.record(lambda: self._network(fixed), self._stream)
        except RuntimeError as error:
            self._give_up(f"recording failed: {str(error).splitlines()[0]}")
        else:
            self._recorded[size] = Recorded(fixed, replay, features)

    def _plainly(self, pixels: torch.Tensor) -> torch.Tensor:
        try:
            return self._network(pixels)
        except torch.OutOfMemoryError:
            if not self._recorded:
                raise
        self._give_up("their memory was needed")  # outside `except`, which would keep the failed pass' tensors alive
        return self._network(pixels)

    def _give_up(self, reason: str) -> None:
        with suppress(RuntimeError):  # the next call on a GPU that is lost says so
            self._cuda.settle(self._stream)
        self._enabled, self.failure = False, reason
        self._recorded.clear()
