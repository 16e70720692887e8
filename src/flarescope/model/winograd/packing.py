"""How do weights lie in memory, so that a product reads them in one go?

A panel has so many outputs as a product computes at once. Within it lie the channels one after another, each with its
weights of all outputs; with bf16, two channels side by side for each output, as the processor multiplies them in pairs.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from flarescope.model.winograd import algebra
from flarescope.model.winograd.target import Target

ALIGNMENT: Final = 64
"""Bytes: a line of the cache, and the widest vector."""


def room(*shape: int, dtype: type | str = np.float32) -> np.ndarray:
    """Give memory that begins at a line of the cache and holds anything; zeros where that matters: `zeros`."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    whole = np.empty(size + ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % ALIGNMENT
    return whole[start : start + size].view(kind).reshape(shape)


def zeros(*shape: int, dtype: type | str = np.float32) -> np.ndarray:
    """Give zeros that begin at a line of the cache."""
    array = room(*shape, dtype=dtype)
    array[...] = 0
    return array


def to_bf16(numbers: np.ndarray) -> np.ndarray:
    """Round float32 to bfloat16, to the nearest and to even; the bits as uint16. For finite numbers."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (rounded >> np.uint32(16)).astype(np.uint16)


def factors(numbers: np.ndarray, target: Target) -> np.ndarray:
    """Give numbers as a product takes them: float32, or the bits of bfloat16 as uint16."""
    return to_bf16(numbers) if target.bf16 else np.ascontiguousarray(numbers, np.float32)


def _packed(
    weight: np.ndarray, target: Target, parts: int, turn: Callable[[np.ndarray], np.ndarray], workers: int
) -> np.ndarray:
    """Pack panel by panel, several at once.

    Args:
        weight: `(outputs, channels..., taps)` float32, of any strides.
        target: says how many outputs a panel has.
        parts: so many numbers `turn` makes of the taps.
        turn: from `(taps, ...)` to `(parts, ...)`.
        workers: threads.

    Returns:
        `(outputs / panel, parts, channels, panel)`, or with bf16 `(outputs / panel, parts, channels / 2, panel, 2)`.
    """
    outputs, taps = len(weight), weight.shape[-1]
    pairs = target.channels_at_once
    channels = weight[0].size // taps
    shape = (outputs // target.panel, parts, channels // pairs, target.panel, pairs)
    packed = room(*shape, dtype=np.uint16 if target.bf16 else np.float32)

    def pack(panel: int) -> None:
        own = weight[panel * target.panel : (panel + 1) * target.panel]
        split = own.reshape(target.panel, channels // pairs, pairs, taps).transpose(3, 1, 0, 2)
        packed[panel] = factors(turn(np.ascontiguousarray(split)), target)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(pack, range(len(packed))))
    return packed


def pack_convolution(weight: np.ndarray, target: Target, workers: int = 1) -> np.ndarray:
    """Turn and pack the filters `(outputs, channels, 3, 3)` of a convolution; see `_packed`, with 36 parts."""
    taps = weight.reshape(*weight.shape[:2], 9)
    return _packed(taps, target, algebra.PRODUCTS, algebra.turned_filters, workers)


def pack_matrix(weight: np.ndarray, target: Target, workers: int = 1) -> np.ndarray:
    """Pack a matrix `(outputs, channels...)` of any strides; see `_packed`, with one part."""
    return _packed(weight[..., None], target, 1, lambda taps: taps, workers)
