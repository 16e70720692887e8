"""How do several processes train one network: who am I among them, what do all of them know, and what if one ends?

They are started by torchrun, which says in the environment how many there are, and talk by PyTorch's own means: gloo on
CPUs, nccl on CUDA GPUs (the latter is untried).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any, Final

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from flarescope.errors import FlarescopeError, InputError

_OF_ANOTHER: Final = ("gloo", "NCCL", "Connection closed", "Connection reset", "Broken pipe", "process group")


@dataclass(frozen=True)
class Processes:
    """This process among those of one training.

    Attributes:
        rank: its number, from 0; that one writes.
        number: how many there are.
        device: where it computes.
    """

    rank: int
    number: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes and speaks."""
        return self.rank == 0

    def total(self, values: np.ndarray) -> np.ndarray:
        """Add an array up over all processes, place by place."""
        if self.number == 1:
            return values
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
        dist.all_reduce(tensor)
        return np.asarray(tensor.cpu().numpy())

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.number > 1:
            self.total(np.zeros(1, np.float32))

    def together(self, model: nn.Module) -> nn.Module:
        """Let a module average its gradients over all processes."""
        if self.number == 1:
            return model
        ddp: Any = nn.parallel.DistributedDataParallel
        # Buffers do not change. PyTorch 2.13 has another name for it, and warns of the old one.
        still = "forward_sync_buffers" if "forward_sync_buffers" in signature(ddp).parameters else "broadcast_buffers"
        together: nn.Module = ddp(
            model, device_ids=[self.device] if self.device.type == "cuda" else None, **{still: False}
        )
        return together


def on_this_machine() -> int:
    """Give how many processes torchrun started on this machine."""
    return max(_number("LOCAL_WORLD_SIZE", 1), 1)


def is_first() -> bool:
    """Whether this process is the one that speaks: the first that torchrun started, or the only one."""
    return _number("RANK", 0) == 0


@contextmanager
def joined(device: str | None = None) -> Iterator[Processes]:
    """Join the other processes for a `with` block; alone where torchrun has not started this one.

    Args:
        device: `cpu` or `cuda`; None takes a CUDA GPU where there is one.

    Raises:
        InputError: torchrun's words in the environment are no numbers; no CUDA GPU where one was asked for.
        FlarescopeError: another process ended, or cannot be reached.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch finds no CUDA GPU here; leave --device out, or take cpu")
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    rank, number, local = (_number(name, default) for name, default in _WORDS.items())
    own = torch.device(kind, local) if kind == "cuda" else torch.device(kind)
    if number == 1:
        yield Processes(0, 1, own)
        return
    with _in_one_line(rank):
        if kind == "cuda":
            torch.cuda.set_device(own)
        dist.init_process_group("nccl" if kind == "cuda" else "gloo")
        try:
            yield Processes(rank, number, own)
        finally:
            _ENDED.append(dist.group.WORLD)
            dist.destroy_process_group()


_ENDED: Final[list[Any]] = []
"""Groups that are no longer used, kept until the process ends: PyTorch 2.13 frees a group of gloo with Python's lock
held and waits for its threads, one of which may itself wait for that lock, to let go of a tensor."""
_WORDS: Final = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or (name == "WORLD_SIZE" and text == "0"):
        raise InputError(f"environment variable {name} is {text!r}; expected a number, as torchrun sets it")
    return int(text)


@contextmanager
def _in_one_line(rank: int) -> Iterator[None]:
    """Turn what PyTorch raises where another process is gone into one line.

    Raises:
        FlarescopeError: another process ended.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and not any(sign in str(error) for sign in _OF_ANOTHER):
            raise
        raise FlarescopeError(
            f"process {rank}: another process of this training ended or cannot be reached; its own message says why; "
            "run the same command again to go on from the last state that was kept"
        ) from error
