"""How is the same VGG16 written as an OpenVINO graph?

Built from the arrays directly: OpenVINO's own conversion of the PyTorch module takes 20 s for this network, this 0.1 s.
"""

from collections.abc import Mapping

import numpy as np
import openvino
from openvino import opset13 as ops

from flarescope.backbones.vgg16 import BLOCKS, IMAGE_SIZE, MEAN_BGR


def _conv_relu(x: openvino.Node, weight: np.ndarray, bias: np.ndarray) -> openvino.Node:
    kernel = ops.constant(weight, shared_memory=True)
    x = ops.convolution(x, kernel, strides=[1, 1], pads_begin=[1, 1], pads_end=[1, 1], dilations=[1, 1])
    return ops.relu(ops.add(x, ops.constant(bias.reshape(1, -1, 1, 1))))


def _dense_relu(x: openvino.Node, weight: np.ndarray, bias: np.ndarray) -> openvino.Node:
    x = ops.matmul(x, ops.constant(weight, shared_memory=True), False, True)
    return ops.relu(ops.add(x, ops.constant(bias.reshape(1, -1))))


def build(arrays: Mapping[str, np.ndarray], channels: int) -> openvino.Model:
    """Make the graph of the given weights, sharing their memory.

    Args:
        arrays: float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout; they must outlive the model.
        channels: of the input: 1 for three equal channels, 3 for RGB.

    Returns:
        A model from `(N, channels, 224, 224)` float32, 0..255, to `(N, 4096)` float32, as `vgg.VGG16` computes.
    """
    pixels = ops.parameter([-1, channels, IMAGE_SIZE, IMAGE_SIZE], np.float32, name="pixels")
    x: openvino.Node = pixels
    if channels == 3:  # RGB -> BGR
        x = ops.gather(x, ops.constant(np.array([2, 1, 0])), ops.constant(1))
    x = ops.subtract(x, ops.constant(np.array(MEAN_BGR, np.float32).reshape(1, 3, 1, 1)))
    for block, widths in enumerate(BLOCKS, start=1):
        for conv in range(1, len(widths) + 1):
            name = f"block{block}_conv{conv}"
            x = _conv_relu(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"])
        x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
    x = ops.reshape(x, ops.constant(np.array([0, -1])), True)
    for name in ("fc1", "fc2"):
        x = _dense_relu(x, arrays[f"{name}.weight"], arrays[f"{name}.bias"])
    return openvino.Model([x], [pixels], "vgg16_fc2")
