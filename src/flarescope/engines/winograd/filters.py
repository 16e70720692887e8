"""What of VGG16's weights do the kernels read? All workers share it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from flarescope.backbones.vgg16 import BLOCKS, IMAGE_SIZE
from flarescope.cores import one_blas_thread
from flarescope.engines.winograd.packing import pack_convolution, pack_matrix
from flarescope.engines.winograd.target import Target


@dataclass(frozen=True)
class Layer:
    """A layer with ReLU.

    Attributes:
        filters: packed weights, see `packing`.
        bias: `(outputs,)` float32.
        channels: of the inputs.
        outputs: channels of the outputs.
        height: and width of a convolution's outputs before pooling; 1 in a dense layer.
        pool: whether the largest of 2x2 outputs is taken.
    """

    filters: np.ndarray
    bias: np.ndarray
    channels: int
    outputs: int
    height: int = 1
    pool: bool = False


@dataclass(frozen=True)
class Filters:
    """All layers.

    Attributes:
        target: for which they are packed.
        first: the first convolution, in fp32.
        blocks: the other convolutions, block by block.
        dense: `fc1`, which reads channels, rows, columns, and `fc2`.
    """

    target: Target
    first: Layer
    blocks: tuple[tuple[Layer, ...], ...]
    dense: tuple[Layer, Layer]


def prepare(arrays: Mapping[str, np.ndarray], target: Target, workers: int = 1) -> Filters:
    """Turn and pack the weights, on `workers` threads whose products NumPy does not spread over more.

    Args:
        arrays: float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout.
        target: the processor's instructions.
        workers: threads.
    """
    with one_blas_thread():  # the products are small: BLAS's threads would wait for one another
        return _prepare(arrays, target, workers)


def _prepare(arrays: Mapping[str, np.ndarray], target: Target, workers: int) -> Filters:
    blocks = []
    height = IMAGE_SIZE
    for block, widths in enumerate(BLOCKS, start=1):
        names = [f"block{block}_conv{conv}" for conv in range(1, len(widths) + 1)]
        layers = []
        for name in names:
            weight, bias = arrays[f"{name}.weight"], _bias(arrays, name)
            if name == "block1_conv1":
                taps = weight.reshape(len(weight), -1)
                first = Layer(pack_matrix(taps, replace(target, bf16=False)), bias, taps.shape[1], len(taps), height)
                continue
            packed = pack_convolution(weight, target, workers)
            layers.append(Layer(packed, bias, weight.shape[1], len(weight), height, pool=name == names[-1]))
        blocks.append(tuple(layers))
        height //= 2
    dense = [
        Layer(pack_matrix(weight, target, workers), _bias(arrays, name), weight.shape[1], len(weight))
        for name, weight in ((name, arrays[f"{name}.weight"]) for name in ("fc1", "fc2"))
    ]
    return Filters(target, first, tuple(blocks), (dense[0], dense[1]))


def _bias(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Give a layer's bias as the kernels read it."""
    return np.ascontiguousarray(arrays[f"{name}.bias"], np.float32)
