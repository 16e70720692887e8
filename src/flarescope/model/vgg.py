"""What network turns a magnetogram into 4,096 features, and which preprocessing belongs to it?

VGG16 (configuration D of Simonyan & Zisserman 2015, arXiv 1409.1556) up to the ReLU of `fc2`, with the layer names of
Keras' application. There is no dropout: in the reference recipe the network is frozen and only ever evaluated.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

FEATURES = 4096
"""Width of the feature vector: the units of `fc2`."""

IMAGE_SIZE = 224
"""Height and width in pixels of the network's input."""

MEAN_BGR = (103.939, 116.779, 123.68)
"""Channel means of ImageNet in the order blue, green, red; Keras' "caffe" preprocessing, part of these weights."""

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of each 3x3 convolution, block by block."""


def _layer_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for block, widths in enumerate(BLOCKS, start=1):
        for conv, width in enumerate(widths, start=1):
            shapes[f"block{block}_conv{conv}"] = (width, channels, 3, 3)
            channels = width
    shapes["fc1"] = (FEATURES, channels * 7 * 7)
    shapes["fc2"] = (FEATURES, FEATURES)
    return shapes


LAYER_SHAPES: Mapping[str, tuple[int, ...]] = _layer_shapes()
"""Weight shape of every layer, in order, in PyTorch's layout: OIHW, and (out, in) with `fc1` reading C, H, W."""


class VGG16(nn.Module):
    """The frozen backbone: pixels in, `fc2` features out.

    Its layers carry Keras' names (`block1_conv1` ... `fc2`), so that a weight is found under the same name in a Keras
    file and here. The parameters never ask for a gradient and the module stays in evaluation mode.
    """

    mean_bgr: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, shape in LAYER_SHAPES.items():
            layer = nn.Conv2d(shape[1], shape[0], 3, padding=1) if len(shape) == 4 else nn.Linear(shape[1], shape[0])
            self.add_module(name, layer)
        self.register_buffer("mean_bgr", torch.tensor(MEAN_BGR).reshape(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the features of a batch.

        Args:
            pixels: `(N, 1, 224, 224)` for three equal channels, or `(N, 3, 224, 224)` as RGB; 0..255, any float dtype.

        Returns:
            `(N, 4096)`, not negative: the output of `fc2` after its ReLU.
        """
        # RGB -> BGR is a flip of the channel axis, and subtracting three means from one channel makes three of it.
        # The means come off before the zero padding of the first convolution, as in Keras.
        x = pixels.flip(1) - self.mean_bgr
        for block, widths in enumerate(BLOCKS, start=1):
            for conv in range(1, len(widths) + 1):
                x = F.relu(self.get_submodule(f"block{block}_conv{conv}")(x))
            x = F.max_pool2d(x, 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.get_submodule("fc1")(x))
        return F.relu(self.get_submodule("fc2")(x))


def build(arrays: Mapping[str, np.ndarray]) -> VGG16:
    """Make the network of the given weights, without copying them.

    Args:
        arrays: float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout (see `LAYER_SHAPES`).

    Returns:
        The network in evaluation mode, without gradients.
    """
    with torch.device("meta"):
        network = VGG16()
    network.mean_bgr = torch.tensor(MEAN_BGR).reshape(1, 3, 1, 1)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, assign=True)
    return network.requires_grad_(False).eval()
