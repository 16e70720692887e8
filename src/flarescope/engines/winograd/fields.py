"""Which numbers does a kernel read?

Each function that can be called from outside takes the address of a table of 64-bit integers, addresses among them, in
the order of the fields here. Lengths are in elements, strides in bytes. Channels lie innermost.
"""

from enum import IntEnum, auto
from typing import Final


class Conv(IntEnum):
    """Fields of a 3x3 convolution with ReLU, by Winograd's filtering; `_pool` takes the largest of 2x2 outputs."""

    SOURCE = 0
    """First pixel of the zero border of the first image: `(images, 4 * tiles_y + 2, ...)` float32."""
    SOURCE_ROW = auto()
    SOURCE_IMAGE = auto()
    TURNED = auto()
    """Room for `(36, tiles, channels)`, each of the 36 64 bytes further apart."""
    FILTERS = auto()
    """`(outputs / panel, 36, ...)`, see `packing`."""
    SUMS = auto()
    """Room for `(36, tiles, panel)` float32, each of the 36 64 bytes further apart."""
    BIAS = auto()
    TARGET = auto()
    """First output of the first image."""
    TARGET_ROW = auto()
    TARGET_IMAGE = auto()
    IMAGES = auto()
    HEIGHT = auto()
    """Of the convolution's outputs, which are square."""
    CHANNELS = auto()
    OUTPUTS = auto()
    TILES = auto()
    """Tiles at a time, a multiple of the rows of a product."""


class First(IntEnum):
    """Fields of the first convolution with ReLU, on planes."""

    SOURCE = 0
    """`(images, 3, IMAGE_SIZE + 2, IMAGE_SIZE + 2)` float32 with a border of zeros."""
    FILTERS = auto()
    """`(outputs / panel, 27, panel)` float32."""
    BIAS = auto()
    TARGET = auto()
    TARGET_ROW = auto()
    TARGET_IMAGE = auto()
    IMAGES = auto()
    OUTPUTS = auto()


class Dense(IntEnum):
    """Fields of a product of matrices."""

    SOURCE = 0
    """`(rows, channels)`."""
    FILTERS = auto()
    """`(outputs / panel, ...)`, see `packing`."""
    TARGET = auto()
    """`(rows, outputs)` float32."""
    ROW_BLOCKS = auto()
    """Rows by the rows of a product."""
    CHANNELS = auto()
    OUTPUTS = auto()


APART: Final = 64
"""Bytes between the 36 parts, so that they do not all fall on the same lines of the cache."""


class Kernel(IntEnum):
    """Numbers of the kernels in a program."""

    FIRST = 0
    CONV = auto()
    CONV_POOL = auto()
    DENSE = auto()


class Program(IntEnum):
    """Fields of a program: layers that run one after another, in one call."""

    COUNT = 0
    """How many layers; the fields after it are pairs, the `Kernel` and the address of its table."""
