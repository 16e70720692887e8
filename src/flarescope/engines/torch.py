"""How does PyTorch run the frozen network: on a CUDA GPU, on Apple's MPS, or on the CPU?"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from torch import nn

from flarescope.backbones.base import Arrays
from flarescope.backbones.vgg16_torch import build
from flarescope.engines.base import EngineChoice
from flarescope.engines.cuda.lane_cuda import CudaLane
from flarescope.engines.cuda.lanes import EagerLane, Lane, Network, pipelined
from flarescope.errors import FlarescopeError


def lane_for(network: Network, choice: EngineChoice) -> Lane[Any]:
    """Give the lane to the chosen device."""
    return CudaLane(network, choice.batch) if choice.device == "cuda" else EagerLane(network, _device(choice))


class TorchEngine:
    """PyTorch on the chosen device; on a CUDA GPU three batches are under way at once (see `lane_cuda`)."""

    def __init__(
        self,
        arrays: Arrays,
        choice: EngineChoice,
        *,
        module: Callable[[Arrays], nn.Module] = build,
        lane: Callable[[Network, EngineChoice], Lane[Any]] = lane_for,
    ) -> None:
        """Bring the weights to the device.

        Args:
            arrays: weights, as `module` takes them.
            choice: device, precision and size of a full batch.
            module: makes the network; it is called with pixels and `dtype`.
            lane: makes the way to the device.

        Raises:
            FlarescopeError: the device has no room for the weights, or fails.
        """
        self._choice = choice
        with in_one_line(choice):
            self._lane = lane(placed(module(arrays), choice), choice)

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `Engine`; pixels may be uint8 too.

        Raises:
            FlarescopeError: the device has no room for a batch, or fails.
        """
        with in_one_line(self._choice):
            yield from pipelined(self._lane, batches)


def placed(network: nn.Module, choice: EngineChoice) -> Network:
    """Bring a network to the device, in the precision of the choice.

    Returns:
        From pixels `(n, C, H, W)` on the device to features `(n, F)` float32 on the device.
    """
    dtype = torch.bfloat16 if choice.precision == "bf16" else torch.float32
    network = network.to(_device(choice), dtype)
    if choice.device != "mps":  # the layout of the tensor cores and of oneDNN; activations take it from the weights
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if choice.device == "cuda":
        torch.cuda.synchronize()  # the lane's streams do not wait for the one that laid out the weights

    def features(pixels: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = network(pixels, dtype=dtype)
        return result.float()

    return features


def _device(choice: EngineChoice) -> torch.device:
    return torch.device(choice.device)


@contextmanager
def in_one_line(choice: EngineChoice) -> Iterator[None]:
    """Turn what PyTorch raises of a device into one line.

    Raises:
        FlarescopeError: no memory, with the batch to try; or a device that fails.
    """
    try:
        yield
    except RuntimeError as error:
        line = device_error(error, choice)
        if line is None:
            raise
        raise FlarescopeError(line) from error


NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")
OF_A_DEVICE = ("CUDA error", "CUDA driver", "cuDNN", "CUBLAS_", "HIP error", "MIOpen", "MPS ", "NVML")
"""What marks an error of a device in PyTorch's messages; it has a class of its own only from 2.8, and not for all."""


def device_error(error: RuntimeError, choice: EngineChoice) -> str | None:
    """Say in one line what an error of a device means, or None of an error that is not a device's."""
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in NO_MEMORY):
        if choice.batch == 1:
            help_ = "nothing smaller is left: end what else uses its memory, or take another --engine"
        else:
            help_ = f"take fewer, as --engine-batch {max(1, choice.batch // 2)}, or end what else uses its memory"
        return f"{device_name(choice)}: no room for batches of {choice.batch} images in {choice.precision}; {help_}"
    accelerator = getattr(torch, "AcceleratorError", ())  # from 2.8
    if isinstance(error, accelerator) or any(sign in text for sign in OF_A_DEVICE):
        reason = text.strip().splitlines()[0] if text.strip() else type(error).__name__
        return (
            f"{device_name(choice)}: the device failed ({reason}); run the same command again, finished features "
            "are kept, or take another --engine"
        )
    return None


def device_name(choice: EngineChoice) -> str:
    """Give the device's name for messages: of a GPU its model and memory, where it still says so."""
    if choice.device == "cuda":
        with suppress(RuntimeError, AssertionError):  # a lost GPU; a build of PyTorch without CUDA
            properties = torch.cuda.get_device_properties(torch.cuda.current_device())
            return f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB"
    return f"torch on {choice.device}"
