"""What happens inside a network while it runs: how its ReLUs pass gradients back, and what its layers give?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

RELUS: Final = (F.relu, F.relu_, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_, F.relu6, F.hardtanh)
"""Functions that cut at zero; `nn.ReLU` and `nn.ReLU6` call them, the latter as a hardtanh from 0 to 6."""


def ceiling_of(func: Any, args: Sequence[Any], more: Mapping[str, Any]) -> float | None:  # noqa: ANN401 - of torch
    """Give where a ReLU ends, infinity for most; None where the function is none."""
    if func not in RELUS:
        return None
    if func is F.hardtanh:
        floor, ceiling = (*args[1:3], *[more.get(name, 0) for name in ("min_val", "max_val")])[:2]
        return float(ceiling) if floor == 0 else None
    return 6.0 if func is F.relu6 else float("inf")


@dataclass(frozen=True)
class Layer:
    """What one layer gave while the network ran.

    Attributes:
        name: of the module within the network.
        output: a map `(N, C, h, w)`, or tokens `(N, T, C)`.
    """

    name: str
    output: torch.Tensor


class _Guided(torch.autograd.Function):
    """A ReLU that passes back only what is positive, where it let the signal through (Springenberg et al. 2015)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, ceiling: float) -> torch.Tensor:  # noqa: ANN401 - of torch
        ctx.save_for_backward((x > 0) & (x < ceiling))
        return x.clamp(0, ceiling)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401 - of torch
        (passed,) = ctx.saved_tensors
        return gradients[0].clamp(min=0) * passed, None


class Relus(TorchFunctionMode):
    """Within it no ReLU writes over its input, so that hooks see what a layer gave; `guided` changes its gradient.

    Attributes:
        count: how many ReLUs ran.
    """

    def __init__(self, *, guided: bool = False, heard: Callable[[torch.Tensor], None] | None = None) -> None:
        """Take what to do.

        Args:
            guided: whether gradients are passed back as `_Guided` does.
            heard: called with what each ReLU gives.
        """
        super().__init__()
        self.guided, self.count, self._heard = guided, 0, heard

    def __torch_function__(  # what it is called with, torch says
        self,
        func: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Replace ReLUs; let everything else pass."""
        more = kwargs or {}
        ceiling = ceiling_of(func, args, more)
        if ceiling is None:
            return func(*args, **more)
        self.count += 1
        x = args[0] if args else more["input"]
        result: torch.Tensor
        if self.guided:
            result = _Guided.apply(x, ceiling)  # type: ignore[no-untyped-call]
        else:
            result = x.clamp(0, ceiling)
        if self._heard:
            self._heard(result)
        return result


@contextmanager
def outputs_of(network: nn.Module, wanted: Callable[[nn.Module, torch.Tensor], bool]) -> Iterator[list[Layer]]:
    """Note what the layers of a network give, in the order in which they end, while the block runs.

    Args:
        network: whose modules are watched.
        wanted: called with a module and its output; whether that is noted.
    """
    found: list[Layer] = []

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(module: nn.Module, _: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.requires_grad and wanted(module, output):
                found.append(Layer(name, output))

        return note

    handles = [module.register_forward_hook(hook(name)) for name, module in network.named_modules()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
