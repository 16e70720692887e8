"""How much memory does a step take, is there as much, and what is to be lowered where there is not?"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from flarescope.errors import FlarescopeError, InputError
from flarescope.finetuning.network import Tuned

OF_PARAMETERS: Final = 3
"""Times a trained array: its gradient, and AdamW's two moments."""


@dataclass(frozen=True)
class Need:
    """What a step takes beside the network, bytes.

    Attributes:
        an_image: kept of each image until the way back, counted in one pass; what layers need for themselves while
            they compute comes on top.
        parameters: gradients and moments.
    """

    an_image: int
    parameters: int

    def of(self, images: int) -> int:
        """Give the bytes for so many images at a time."""
        return images * self.an_image + self.parameters


def measure(tuned: Tuned, channels: int, size: int) -> Need:
    """Count what one image leaves behind on its way through the network."""
    own = {one.data_ptr() for one in tuned.model.parameters()}
    seen: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if tensor.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    device = tuned.model.head.weight.device
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        # Held until it is counted: memory that is given back could be given out again, and be counted once.
        log_odds = tuned.model(torch.full((1, channels, size, size), 127.5, device=device))
    trained = sum(one.numel() * one.element_size() for one in tuned.parameters.values())
    need = Need(sum(seen.values()), OF_PARAMETERS * trained)
    del log_odds
    return need


def check(need: Need, images: int, device: torch.device, *, sharing: int = 1, checkpointing: bool = False) -> None:
    """Refuse a step that has no room, before the first one.

    Args:
        need: of a process.
        images: that it sends through the network at a time.
        device: where.
        sharing: processes of this machine; on CPUs they share its memory, on GPUs each has its own.
        checkpointing: whether activations are computed twice already.

    Raises:
        InputError: more is needed than is free; it says what to lower.
    """
    free = free_bytes(device)
    if free is None:
        return
    shared = sharing > 1 and device.type == "cpu"
    free = free // sharing if shared else free
    if need.of(images) <= free:
        return
    fits = int(max(0, free - need.parameters) // max(1, need.an_image))
    raise InputError(
        f"no room to fine-tune {images} images at a time: about {need.of(images) / 1e9:,.1f} GB are needed, "
        f"{free / 1e9:,.1f} GB are free{f' for each of {sharing} processes' if shared else ''}; "
        f"{_lower(images, fits, checkpointing=checkpointing)}"
    )


def _lower(images: int, fits: int, *, checkpointing: bool) -> str:
    if 1 <= fits < images:
        twice = "" if checkpointing else " --checkpointing,"
        return f"take --micro-batch {fits} (a step adds several up),{twice} or a later layer in --from"
    return "train fewer layers (a later one in --from, or --from lora), or take a smaller network"


def free_bytes(device: torch.device) -> int | None:
    """Give the memory that is free: of a CUDA GPU, else of this machine, or of the job, where a cgroup limits it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")))
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # `max` where there is no limit
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        found.append(int(limit) - int(used))
    return min(found, default=None)


def out_of_memory(error: RuntimeError, images: int, *, checkpointing: bool) -> FlarescopeError | None:
    """Say in one line what to lower where PyTorch found no memory; None of any other error."""
    from flarescope.engines.torch import NO_MEMORY

    kind: Any = torch.OutOfMemoryError
    if not isinstance(error, kind) and not any(sign in str(error) for sign in NO_MEMORY):
        return None
    lower = _lower(images, images // 2, checkpointing=checkpointing)
    return FlarescopeError(f"out of memory with {images} images at a time; {lower}")
