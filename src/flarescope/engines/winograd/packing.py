"""How do weights lie in memory, so that a product reads them in one go?

A panel has so many outputs as a product computes at once. Within it lie the channels one after another, each with its
weights of all outputs; with bf16, two channels side by side for each output, as the processor multiplies them in pairs.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from flarescope.engines.winograd import algebra
from flarescope.engines.winograd.target import Target

ALIGNMENT: Final = 64
"""Bytes: a line of the cache, and the widest vector."""

_AT_ONCE: Final = 8
"""Outputs of a matrix that are packed at a time: little enough to stay in the cache on their way."""


def room(*shape: int, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
    """Give memory that begins at a line of the cache; what it holds is not defined."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    whole = np.empty(size + ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % ALIGNMENT
    return whole[start : start + size].view(kind).reshape(shape)


def zeros(*shape: int, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
    """Give zeros that begin at a line of the cache."""
    array = room(*shape, dtype=dtype)
    array[...] = 0
    return array


def _rounded(numbers: np.ndarray) -> np.ndarray:
    """Round float32 to bfloat16, to the nearest and to even: its bits are the upper half of the uint32 given."""
    bits = np.array(numbers, np.float32).view(np.uint32)
    half = bits >> np.uint32(16)
    half &= np.uint32(1)
    half += np.uint32(0x7FFF)
    bits += half
    return bits


def factors(numbers: np.ndarray, target: Target) -> np.ndarray:
    """Give finite numbers as a product takes them: float32, or the bits of bfloat16 as uint16."""
    if not target.bf16:
        return np.ascontiguousarray(numbers, np.float32)
    return (_rounded(numbers) >> np.uint32(16)).astype(np.uint16)


def words(numbers: np.ndarray, target: Target) -> np.ndarray:
    """Give finite numbers `(..., channels, n)` as words of 32 bits.

    Returns:
        `(..., channels, n)` float32, or with bf16 `(..., channels / 2, n)` uint32: the earlier channel below.
    """
    if not target.bf16:
        return numbers
    pairs = _rounded(numbers[..., 0::2, :])
    pairs >>= np.uint32(16)
    upper = _rounded(numbers[..., 1::2, :])
    upper &= np.uint32(0xFFFF0000)
    pairs |= upper
    return pairs


def pack_convolution(weight: np.ndarray, target: Target, workers: int = 1) -> np.ndarray:
    """Turn and pack the filters of a convolution.

    Args:
        weight: `(outputs, channels, 3, 3)` float32.
        target: says how many outputs a panel has.
        workers: threads.

    Returns:
        `(outputs / panel, 36, channels, panel)` float32; with bf16 `(outputs / panel, 36, channels / 2, panel)` uint32.
    """
    outputs, channels = weight.shape[:2]
    packed = _room_for_words(outputs, algebra.PRODUCTS, channels, target)

    def pack(start: int) -> None:
        own = weight[start : start + target.panel].reshape(target.panel, channels, 9)
        turned = algebra.turned_filters(np.ascontiguousarray(own.transpose(2, 1, 0)))
        packed[start // target.panel] = words(turned, target)

    _each(pack, range(0, outputs, target.panel), workers)
    return packed


def pack_matrix(weight: np.ndarray, target: Target, workers: int = 1) -> np.ndarray:
    """Pack a matrix `(outputs, channels)` float32; see `pack_convolution`, with 1 instead of 36."""
    outputs, channels = weight.shape
    packed = _room_for_words(outputs, 1, channels, target)

    def pack(start: int) -> None:
        panel, column = divmod(start, target.panel)
        own = weight[start : start + _AT_ONCE, :, None]
        packed[panel, 0, :, column : column + _AT_ONCE] = words(own, target)[..., 0].T

    _each(pack, range(0, outputs, _AT_ONCE), workers)
    return packed


def _room_for_words(outputs: int, parts: int, channels: int, target: Target) -> np.ndarray:
    shape = (outputs // target.panel, parts, channels // target.channels_at_once, target.panel)
    return room(*shape, dtype=np.uint32 if target.bf16 else np.float32)


def _each(pack: Callable[[int], None], starts: range, workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(pack, starts))
