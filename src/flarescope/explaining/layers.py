"""Which layer of a network still knows where things are, so that Grad-CAM can be taken there?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from flarescope.backbones.vgg16_torch import VGG16Module
from flarescope.errors import InputError
from flarescope.explaining.watch import Layer, Relus, outputs_of
from flarescope.forecaster.as_torch import LogOdds

LAST_OF_VGG16: Final = "block5_conv3"
"""Its ReLU stands behind the pooling here (`backbones.vgg16_torch`); the map is taken before that, with 14 x 14 places,
and what is negative in it is cut as if the ReLU stood first, as it is written."""

MOST_PREFIX: Final = 10
"""Tokens before those of the image: the class token and registers (DINOv2 and DINOv3 have 4)."""


@dataclass(frozen=True)
class Watched:
    """One pass of one image: log-odds, and a layer's map with the gradient of an event's log-odds there.

    Attributes:
        layer: name of the layer.
        activation: `(C, h, w)`.
        gradient: `(C, h, w)`.
    """

    layer: str
    activation: torch.Tensor
    gradient: torch.Tensor


def _is_map(module: nn.Module, output: torch.Tensor) -> bool:
    """Whether it is a square map of more than one place, or tokens behind a layer norm."""
    if output.ndim == 4:
        return output.shape[2] == output.shape[3] > 1 and not isinstance(module, nn.Linear)
    return output.ndim == 3 and isinstance(module, nn.LayerNorm)


def last_map(module: LogOdds, pixels: torch.Tensor, event: int) -> Watched:
    """Find the last map of places through which an image reaches the log-odds of an event, and its gradient.

    Of transformers it is the last layer norm whose image tokens still reach the class token: that of the last block's
    attention where the class token alone is read. Tokens are laid out as the patches that they came from.

    Args:
        module: the model.
        pixels: `(1, C, S, S)`.
        event: number of the event.

    Raises:
        InputError: no layer of the network gives a map.
    """
    pixels = pixels.detach().requires_grad_(True)
    is_vgg16 = isinstance(module.backbone, VGG16Module)
    watched = module.backbone.get_submodule(LAST_OF_VGG16) if is_vgg16 else module.backbone
    with torch.enable_grad(), outputs_of(watched, _is_map) as found, Relus(heard=_noting(found, is_vgg16)):
        log_odds = module(pixels)[0, event]
        gradients = torch.autograd.grad(log_odds, [one.output for one in found], allow_unused=True) if found else ()
    for one, gradient in reversed(list(zip(found, gradients, strict=True))):
        laid = None if gradient is None else _laid_out(module.backbone, one, gradient)
        if laid is not None and bool(laid[1].any()):
            return Watched(LAST_OF_VGG16, laid[0].clamp(min=0), laid[1]) if is_vgg16 else Watched(one.name, *laid)
    raise InputError(
        "grad-cam: no layer of this network gives a map of places that reaches the forecast (a convolution's, or "
        "tokens of patches); take integrated-gradients or occlusion"
    )


def _noting(found: list[Layer], is_vgg16: bool) -> Callable[[torch.Tensor], None]:
    """Note what a ReLU makes of the map before it, under that one's name."""

    def heard(output: torch.Tensor) -> None:
        is_map = output.ndim == 4 and output.shape[2] == output.shape[3] > 1
        if found and is_map and output.requires_grad and not is_vgg16:
            found.append(Layer(found[-1].name, output))

    return heard


def _laid_out(backbone: nn.Module, layer: Layer, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Give a layer's output and gradient as `(C, h, w)`; None for tokens that are no square of patches."""
    output = layer.output.detach()
    if output.ndim == 4:
        return output[0], gradient[0]
    side, prefix = _square(backbone, output.shape[1])
    if side < 2:
        return None
    patches = [values[0, prefix:].T.reshape(-1, side, side) for values in (output, gradient)]
    return patches[0], patches[1]


def _square(backbone: nn.Module, tokens: int) -> tuple[int, int]:
    """Give the side of the square of patches among tokens, and how many tokens stand before it; 0, 0 for none."""
    config = getattr(getattr(backbone, "network", None), "config", None)
    size, patch = getattr(config, "image_size", None), getattr(config, "patch_size", None)
    if isinstance(size, int) and isinstance(patch, int) and patch > 0:
        side = size // patch
        if 0 <= tokens - side * side <= MOST_PREFIX:
            return side, tokens - side * side
    side = int(tokens**0.5)
    return (side, 0) if side * side == tokens else (side, 1) if side * side + 1 == tokens else (0, 0)
