"""What does a magnetogram look like, in so few numbers that each can be compared with a hundred thousand others?"""

import base64
import functools
from collections.abc import Iterable
from typing import Final

import numpy as np

from flarescope.images.magnetogram import zero_for_nan
from flarescope.images.render import FIELD_LIMIT_GAUSS, field_of_pixels

BLOCKS: Final = 24
"""Blocks along each side. Fewer, and different regions look alike; more, and a shift by a pixel of 224 tells."""

WEAK_GAUSS: Final = 2 * FIELD_LIMIT_GAUSS / 255
"""A grey level of the published PNG files, 46.9 G: pixels below count as zero field, since a PNG of the same field says
of them no more than a sign."""

HALF_GAUSS: Final = 30.0
"""The mean field at which a block has half its weight: spots then count little more than the weaker field around them,
which tells one round spot from another."""

LEAST_BLOCKS: Final = 16
LEAST_GAUSS: Final = 10.0
"""An image is flat where fewer blocks than that differ from its mean by so much: two lone spots in the middle would
look alike. The magnetograms at hand have 28 such blocks or more, and of 999 made regions one has fewer than 16."""

STEPS: Final = 127


def field_signature(field_gauss: np.ndarray) -> str | None:
    """Give the signature of a field: what is left of it in 24 x 24 blocks, each mean field B as B / (|B| + 30 G).

    Args:
        field_gauss: `(H, W)` float, gauss, of any size; pixels that are not finite, or weaker than `WEAK_GAUSS`, count
            as zero field.

    Returns:
        Base64 of 576 int8, row by row, -127 .. 127; None for a flat image, which would look like
            any other flat one.
    """
    field = zero_for_nan(field_gauss.astype(np.float64))
    rows, columns = field.shape
    blocks = _block_means(rows) @ np.where(np.abs(field) < WEAK_GAUSS, 0.0, field) @ _block_means(columns).T
    if np.count_nonzero(np.abs(blocks - blocks.mean()) >= LEAST_GAUSS) < LEAST_BLOCKS:
        return None
    weights = blocks / (np.abs(blocks) + HALF_GAUSS)
    return base64.b64encode(np.rint(weights * STEPS).astype(np.int8).tobytes()).decode()


def pixel_signature(pixels: np.ndarray) -> str | None:
    """Give the signature of a PNG's pixels, nearly that of the field they were reduced from.

    Args:
        pixels: `(H, W)` or `(H, W, 3)`, 0..255 in the scale of the published set.
    """
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    return field_signature(field_of_pixels(grey.astype(np.float64)))


def signature_vectors(signatures: Iterable[object]) -> np.ndarray:
    """Read signatures back; what is no text, such as null, is none.

    Returns:
        `(N, 576)` int8; a row of zeros where there is none.
    """
    texts = list(signatures)
    vectors = np.zeros((len(texts), BLOCKS * BLOCKS), dtype=np.int8)
    for row, text in enumerate(texts):
        if isinstance(text, str):
            vectors[row] = np.frombuffer(base64.b64decode(text), dtype=np.int8)
    return vectors


@functools.lru_cache(maxsize=64)
def _block_means(size: int) -> np.ndarray:
    """Give the matrix that averages an axis in blocks, a pixel across a border by its parts: `(24, size)`."""
    edges = np.linspace(0, size, BLOCKS + 1)
    pixels = np.arange(size)
    inside = np.minimum(pixels + 1, edges[1:, np.newaxis]) - np.maximum(pixels, edges[:-1, np.newaxis])
    means: np.ndarray = np.clip(inside, 0, None) * (BLOCKS / size)
    means.setflags(write=False)
    return means
