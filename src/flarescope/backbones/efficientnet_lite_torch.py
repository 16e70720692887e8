"""How is EfficientNet-Lite written as a PyTorch module?"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from flarescope.backbones.base import Arrays
from flarescope.backbones.efficientnet_lite import (
    EPSILON,
    MEAN,
    SCALE,
    Block,
    Convolution,
    EfficientNetLite,
    network_of,
)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding for one size of image: zeros may lie on one side only."""

    def __init__(self, layer: Convolution, size: int) -> None:
        before, after = layer.padding(size)
        is_even = before == after  # what the convolution itself can do costs no copy
        padding = before if is_even else 0
        super().__init__(layer.inputs, layer.outputs, layer.kernel, layer.stride, padding, groups=layer.groups)
        self.zeros = () if is_even else (before, after, before, after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve `(N, C, size, size)`; sides of the result are sides of `x` over the stride, rounded up."""
        return super().forward(F.pad(x, self.zeros) if self.zeros else x)


class Network(nn.Module):
    """The frozen backbone: pixels in, means of the head's channels out.

    Each convolution carries its name in the published file (`_blocks.3._expand_conv`) and has taken in the batch
    normalisation behind it. The parameters never ask for a gradient and the module stays in evaluation mode.
    """

    def __init__(self, network: EfficientNetLite) -> None:
        super().__init__()
        size = _add(self, network.stem, network.size)
        self._blocks = nn.ModuleList()
        for block in network.blocks:
            module = _Block(block, size)
            self._blocks.append(module)
            size = module.output_size
        _add(self, network.head, size)
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Compute the features of a batch.

        Args:
            pixels: `(N, 1, S, S)` for three equal channels, or `(N, 3, S, S)` as RGB; 0..255, float32 or uint8; S is
                the size of the network's input.
            dtype: what the layers compute in; their parameters must have it.

        Returns:
            `(N, 1280)` float32, 0..6: the mean over all places of the head's channels, each after its ReLU6.
        """
        # One factor for each colour: OpenVINO keeps no layer in fp32 that copies one channel to three, or divides
        # (engines.openvino_marks). 1 / 128 is exact, and a filled tensor no copy, which a CUDA graph cannot record.
        factors = torch.full((3, 1, 1), 1 / SCALE, device=pixels.device)
        x = ((pixels.float() - MEAN) * factors).to(dtype)
        x = F.relu6(self.get_submodule("_conv_stem")(x), inplace=True)
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self.get_submodule("_conv_head")(x), inplace=True)
        features: torch.Tensor = x.float().mean((2, 3))
        return features


class _Block(nn.Module):
    """Wider, each channel alone, narrower; ReLU6 after all but the last."""

    def __init__(self, block: Block, size: int) -> None:
        super().__init__()
        self.has_shortcut = block.has_shortcut
        for layer in block.convolutions:
            size = _add(self, layer, size)
        self.output_size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *widening, narrowing = self.children()
        y: torch.Tensor = x
        for layer in widening:
            y = F.relu6(layer(y), inplace=True)
        y = narrowing(y)
        if self.has_shortcut:
            y = y + x
        return y


def _add(module: nn.Module, layer: Convolution, size: int) -> int:
    """Add a convolution of images of `size` pixels under the last part of its name; give the size that it makes."""
    module.add_module(layer.name.rpartition(".")[2], SameConv2d(layer, size))
    return -(-size // layer.stride)


def folded(layer: Convolution, arrays: Arrays) -> dict[str, torch.Tensor]:
    """Take a batch normalisation, which is linear once it is trained, into the convolution before it.

    Returns:
        `<name>.weight` and `<name>.bias`, float32, computed in float64.
    """
    weight, bias, mean, variance = (
        arrays[f"{layer.norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = weight / np.sqrt(variance + EPSILON)
    kernel = arrays[f"{layer.name}.weight"] * factor[:, None, None, None]
    return {
        f"{layer.name}.weight": torch.from_numpy(kernel.astype(np.float32)),
        f"{layer.name}.bias": torch.from_numpy((bias - mean * factor).astype(np.float32)),
    }


def build(arrays: Arrays) -> Network:
    """Make the network of the given weights, with its batch normalisations taken into the convolutions.

    Args:
        arrays: float32 arrays under the names of the published file (see `EfficientNetLite.shapes`); what `_fc` has is
            not used.

    Returns:
        The network in evaluation mode, without gradients.

    Raises:
        ValueError: arrays of another network.
    """
    network = network_of(arrays)
    with torch.device("meta"):
        module = Network(network)
    state: dict[str, torch.Tensor] = {}
    for layer in (network.stem, *(one for block in network.blocks for one in block.convolutions), network.head):
        state |= folded(layer, arrays)
    module.load_state_dict(state, assign=True)
    return module.requires_grad_(False).eval()
