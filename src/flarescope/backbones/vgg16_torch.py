"""How is VGG16 written as a PyTorch module?"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from flarescope.backbones.vgg16 import BLOCKS, LAYER_SHAPES, MEAN_BGR


class VGG16Module(nn.Module):
    """The frozen backbone: pixels in, `fc2` features out.

    Its layers carry Keras' names (`block1_conv1` ... `fc2`), so that a weight is found under the same name in a Keras
    file and here. The parameters never ask for a gradient and the module stays in evaluation mode.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, shape in LAYER_SHAPES.items():
            layer = nn.Conv2d(shape[1], shape[0], 3, padding=1) if len(shape) == 4 else nn.Linear(shape[1], shape[0])
            self.add_module(name, layer)
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Compute the features of a batch.

        Args:
            pixels: `(N, 1, 224, 224)` for three equal channels, or `(N, 3, 224, 224)` as RGB; 0..255, float32 or uint8.
            dtype: what the layers compute in; their parameters must have it.

        Returns:
            `(N, 4096)`, not negative: the output of `fc2` after its ReLU.
        """
        # The means come off before the zero padding of the first convolution, as in Keras, and as numbers: a tensor of
        # them would be copied to the device in every pass, which a CUDA graph cannot record.
        x = torch.stack([plane - mean for plane, mean in zip(_bgr(pixels), MEAN_BGR, strict=True)], dim=1).to(dtype)
        for block, widths in enumerate(BLOCKS, start=1):
            for conv in range(1, len(widths) + 1):
                x = self.get_submodule(f"block{block}_conv{conv}")(x)
                if conv == len(widths):  # the largest after ReLU is the ReLU of the largest, and a quarter of the work
                    x = F.max_pool2d(x, 2)
                x = F.relu(x, inplace=True)
        x = torch.flatten(x, 1)
        x = F.relu(self.get_submodule("fc1")(x))
        return F.relu(self.get_submodule("fc2")(x))


def _bgr(pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Give the planes blue, green, red `(N, H, W)` float32 of RGB images; of one channel three times the same."""
    planes = pixels.float().unbind(1)
    return planes[::-1] if len(planes) == 3 else planes * 3


def build(arrays: Mapping[str, np.ndarray]) -> VGG16Module:
    """Make the network of the given weights, without copying them.

    Args:
        arrays: float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout (see `LAYER_SHAPES`).

    Returns:
        The network in evaluation mode, without gradients.
    """
    with torch.device("meta"):
        network = VGG16Module()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, assign=True)
    return network.requires_grad_(False).eval()
