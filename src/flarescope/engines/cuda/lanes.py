"""How do batches go through a device and come back in order, while the next ones are on their way?"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import numpy as np
import torch

Network = Callable[[torch.Tensor], torch.Tensor]
"""From pixels `(n, C, H, W)`, uint8 or float32, to features `(n, F)` float32, each row of its own image alone."""

NOTHING: Final = torch.empty(0)
"""What a slot holds before its first batch."""

Slot = TypeVar("Slot")


class Lane(Protocol[Slot]):
    """The way to a device and back. A batch holds a slot, with all its memory, from `copy_in` to the end of `wait`.

    Attributes:
        slots: batches that may be under way at once.
    """

    slots: int

    def allocate(self) -> Slot:
        """Give a new slot."""

    def copy_in(self, slot: Slot, pixels: np.ndarray) -> None:
        """Start to bring pixels `(n, C, H, W)`, uint8 or float32, to the device."""

    def run(self, slot: Slot) -> None:
        """Start the network on what was copied in; afterwards the caller may change the pixels."""

    def copy_out(self, slot: Slot) -> None:
        """Start to bring the features back."""

    def wait(self, slot: Slot) -> np.ndarray:
        """Wait for the features `(n, F)` float32, in memory of their own: the slot is free again."""

    def drain(self) -> None:
        """Wait until nothing is under way any more, after an error as well; never raises."""


def pipelined(lane: Lane[Slot], batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Run batches through a lane, up to `lane.slots` of them at once.

    Args:
        lane: the way to the device.
        batches: pixels `(n, C, H, W)`, uint8 or float32; the next one is asked for while the others are under way.

    Yields:
        Features `(n, F)` float32, in the order of the batches. However the stream ends, by an error of the lane, an
        error of the batches or because it was closed, nothing is under way then.
    """
    free = [lane.allocate() for _ in range(lane.slots)]
    running: deque[Slot] = deque()
    try:
        for batch in batches:
            slot = free.pop()
            lane.copy_in(slot, batch)
            lane.run(slot)
            lane.copy_out(slot)
            running.append(slot)
            if not free:
                free.append(running.popleft())
                yield lane.wait(free[-1])
        while running:
            yield lane.wait(running.popleft())
    finally:
        lane.drain()


@dataclass
class EagerSlot:
    """What an `EagerLane` holds of one batch."""

    pixels: torch.Tensor = NOTHING
    features: torch.Tensor = NOTHING


class EagerLane:
    """One batch after the other, without any copy ahead: for the CPU, and for Apple's MPS."""

    slots = 1

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network
        self._device = device

    def allocate(self) -> EagerSlot:
        """See `Lane`."""
        return EagerSlot()

    def copy_in(self, slot: EagerSlot, pixels: np.ndarray) -> None:
        """See `Lane`; on the CPU the pixels are used where they lie."""
        slot.pixels = host_tensor(pixels).to(self._device)

    def run(self, slot: EagerSlot) -> None:
        """See `Lane`."""
        with torch.inference_mode():
            slot.features = self._network(slot.pixels)
        slot.pixels = NOTHING

    def copy_out(self, slot: EagerSlot) -> None:
        """See `Lane`."""
        slot.features = slot.features.cpu()

    def wait(self, slot: EagerSlot) -> np.ndarray:
        """See `Lane`."""
        features: np.ndarray = slot.features.numpy()
        slot.features = NOTHING
        return features

    def drain(self) -> None:
        """See `Lane`; every call here has done its work when it returns."""


def host_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Give the tensor that shares an array's memory; one that is not contiguous, or is read-only, is copied."""
    return torch.from_numpy(np.require(pixels, requirements=["C", "W"]))


def padded_size(images: int, batch: int) -> int:
    """Give the number of rows that so many images are computed in: the next power of two, at most a full batch.

    A GPU chooses its kernels, and records its graphs, for one size each: so there are few sizes. The number depends
    on the images of this batch alone, so that a build that is taken up again computes as the first one did.

    Args:
        images: images at hand, any number from 0.
        batch: of a full batch; more images than that are taken as they are.
    """
    power = 1 << (max(images, 1) - 1).bit_length()
    return max(images, min(power, batch))
