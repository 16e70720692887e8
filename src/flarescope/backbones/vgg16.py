"""What network turns a magnetogram into 4,096 features, and which preprocessing belongs to it?

VGG16 (configuration D of Simonyan & Zisserman 2015, arXiv 1409.1556) up to the ReLU of `fc2`, with the layer names of
Keras' application. There is no dropout: in the reference recipe the network is frozen and only ever evaluated.
`vgg_torch` and `vgg_openvino` build it; neither is imported here, since either import takes longer than a forecast.
"""

from collections.abc import Mapping
from typing import Final

from flarescope.backbones.base import Network, builder

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


VGG16: Final = Network(
    name="vgg16",
    features=FEATURES,
    build=builder("flarescope.backbones.vgg16_torch"),
    engines=("winograd", "openvino", "torch"),
    preprocessing="RGB becomes BGR, ImageNet's channel means 103.939, 116.779, 123.68 come off",
    paper="Simonyan & Zisserman 2015, arXiv 1409.1556, configuration D",
)
"""The backbone of the reference recipe."""
