"""How do images go through VGG16, layer by layer, in the memory of one worker?"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from flarescope.backbones.vgg16 import IMAGE_SIZE, MEAN_BGR
from flarescope.engines.winograd import algebra
from flarescope.engines.winograd.fields import APART, Kernel
from flarescope.engines.winograd.filters import Filters, Layer
from flarescope.engines.winograd.packing import factors, zeros
from flarescope.native.machine import Compiled

SHALLOW: Final = 3
"""Blocks that are computed image by image: what lies between their layers is large, and their filters are small."""

TILES: Final = 96
"""Tiles at a time, a multiple of every target's rows; 24 to 192 made a difference of 5 %."""


class Worker:
    """Computes batches, one at a time, in memory of its own.

    A feature depends on its image alone: not on the batch, nor on its place there, bit for bit.

    Args:
        filters: the weights.
        compiled: the kernels.
        batch: images at most.
    """

    def __init__(self, filters: Filters, compiled: Compiled, batch: int) -> None:
        self._filters = filters
        self._run_program = compiled.function("program")
        self.batch = batch
        target = filters.target
        self._planes = zeros(batch, 3, IMAGE_SIZE + 2, IMAGE_SIZE + 2)
        widest = max(layer.channels for block in filters.blocks for layer in block)
        self._turned = zeros(algebra.PRODUCTS * (TILES * widest * target.item + APART), dtype=np.uint8)
        self._sums = zeros(algebra.PRODUCTS * (TILES * target.panel * 4 + APART), dtype=np.uint8)
        self._shallow_maps, self._deep_maps = self._maps()
        rows = -(-batch // target.rows) * target.rows
        self._inputs = [zeros(rows, layer.channels, dtype=target.dtype) for layer in filters.dense]
        self._outputs = [zeros(rows, layer.outputs) for layer in filters.dense]

    def _maps(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Make room for what lies between the layers: of one image up to the end of the shallow blocks, then of all.

        Each has a border of zeros, as wide as the tiles of the convolution that reads it ask for; the last has none.
        """
        first = self._filters.first
        shallow = [_bordered(1, first.height, first.outputs)]
        deep: list[np.ndarray] = []
        for number, block in enumerate(self._filters.blocks, start=1):
            for layer in block:
                side = layer.height // 2 if layer.pool else layer.height
                if number < SHALLOW or (number == SHALLOW and not layer.pool):
                    shallow.append(_bordered(1, side, layer.outputs))
                elif number == len(self._filters.blocks) and layer.pool:
                    deep.append(zeros(self.batch, side, side, layer.outputs))
                else:
                    deep.append(_bordered(self.batch, side, layer.outputs))
        return shallow, deep

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """Compute features.

        Args:
            pixels: `(n, 1, 224, 224)` for three equal channels, or `(n, 3, 224, 224)` as RGB; 0..255, float32 or
                uint8; at most a batch.

        Returns:
            `(n, 4096)` float32.
        """
        count = len(pixels)
        planes = pixels[:, ::-1] if pixels.shape[1] == 3 else np.broadcast_to(pixels, (count, 3, *pixels.shape[2:]))
        means = np.array(MEAN_BGR, np.float32).reshape(3, 1, 1)
        np.subtract(planes, means, out=self._planes[:count, :, 1:-1, 1:-1], dtype=np.float32)
        self._call([step for image in range(count) for step in self._shallow(image)] + list(self._deep(count)))
        values = self._deep_maps[-1][:count].transpose(0, 3, 1, 2).reshape(count, -1)
        for layer, inputs, outputs in zip(self._filters.dense, self._inputs, self._outputs, strict=True):
            inputs[:count] = factors(values, self._filters.target)
            self._call([self._dense(layer, inputs, outputs, count)])
            values = np.maximum(outputs[:count] + layer.bias, 0)
        return values

    def _shallow(self, image: int) -> Iterator[tuple[Kernel, list[int]]]:
        layer, goal = self._filters.first, self._shallow_maps[0]
        source, inside = self._planes[image], goal[:, 1:, 1:]
        addresses = [source.ctypes.data, layer.filters.ctypes.data, layer.bias.ctypes.data, inside.ctypes.data]
        yield Kernel.FIRST, [*addresses, goal.strides[1], goal.strides[0], 1, layer.outputs]
        layers = [layer for block in self._filters.blocks[:SHALLOW] for layer in block]
        maps = [*self._shallow_maps, self._deep_maps[0][image : image + 1]]
        for layer, source, goal in zip(layers, maps[:-1], maps[1:], strict=True):
            yield self._conv(layer, source, goal[:, 1:, 1:], 1)

    def _deep(self, count: int) -> Iterator[tuple[Kernel, list[int]]]:
        layers = [layer for block in self._filters.blocks[SHALLOW:] for layer in block]
        goals = [*(goal[:, 1:, 1:] for goal in self._deep_maps[1:-1]), self._deep_maps[-1]]
        for layer, source, goal in zip(layers, self._deep_maps[:-1], goals, strict=True):
            yield self._conv(layer, source, goal, count)

    def _conv(self, layer: Layer, source: np.ndarray, goal: np.ndarray, images: int) -> tuple[Kernel, list[int]]:
        kernel = Kernel.CONV_POOL if layer.pool else Kernel.CONV
        fields = [source.ctypes.data, source.strides[1], source.strides[0], self._turned.ctypes.data]
        fields += [layer.filters.ctypes.data, self._sums.ctypes.data, layer.bias.ctypes.data]
        fields += [goal.ctypes.data, goal.strides[1], goal.strides[0]]
        return kernel, [*fields, images, layer.height, layer.channels, layer.outputs, TILES]

    def _dense(self, layer: Layer, inputs: np.ndarray, outputs: np.ndarray, rows: int) -> tuple[Kernel, list[int]]:
        blocks = -(-rows // self._filters.target.rows)
        addresses = [inputs.ctypes.data, layer.filters.ctypes.data, outputs.ctypes.data]
        return Kernel.DENSE, [*addresses, blocks, layer.channels, layer.outputs]

    def _call(self, steps: list[tuple[Kernel, list[int]]]) -> None:
        """Run kernels one after another; Python's lock is let go once for all of them."""
        tables = [np.array(fields, np.int64) for _, fields in steps]
        pairs = [
            number for (kernel, _), table in zip(steps, tables, strict=True) for number in (kernel, table.ctypes.data)
        ]
        program = np.array([len(steps), *pairs], np.int64)
        self._run_program(program.ctypes.data)


def _bordered(images: int, side: int, channels: int) -> np.ndarray:
    padded = -(-side // algebra.OUTPUTS) * algebra.OUTPUTS + 2
    return zeros(images, padded, padded, channels)
