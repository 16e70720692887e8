"""How are features kept in half the room, with a known error and none too large to be kept?

A float16 has 11 significant bits and ends at 65504. Each row is scaled by a power of two, which costs no bit, so that
its largest feature lies in 2^14 .. 2^15: what is at least 2^-28 of that is rounded by 2^-11 of itself at most, and the
rest by less than 2^-39 of the largest. The scale depends on the row alone, so that a row's bytes do not depend on those
beside it.
"""

from typing import Final

import numpy as np

from flarescope.errors import FlarescopeError

LARGEST: Final = 2.0**30
"""No feature may be as large."""

_SMALLEST_EXPONENT: Final = -100
_SHIFT: Final = 23 - 10
"""Bits that a float32's fraction has more."""
_BIAS: Final = 127 - 15
"""What a float32 adds more to the exponent."""


def encode(features: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Round features to scaled float16.

    Args:
        features: `(n, F)` float32, not negative, as they are after a ReLU.
        out: `(n, F)` float16, filled.

    Returns:
        `(n,)` int8, the exponents e: a feature is `out * 2^e`.

    Raises:
        FlarescopeError: negative features, or some of 2^30 and more.
    """
    peaks = features.max(axis=1)
    if peaks.max(initial=0) >= LARGEST or features.min(initial=0) < 0:
        low, high = features.min(), features.max()
        raise FlarescopeError(
            f"features from {low:g} to {high:g} cannot be kept as float16 (0 to {LARGEST:g}); use --store float32"
        )
    exponents = np.maximum(np.frexp(peaks)[1] - 15, _SMALLEST_EXPONENT)
    exponents[peaks == 0] = 0
    scale = np.ldexp(np.float32(1), -exponents)[:, np.newaxis]
    np.copyto(out, np.abs(features * scale), casting="same_kind")  # abs: -0 becomes 0
    return np.asarray(exponents, np.int8)


def decode(halves: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Give the features back, exactly as they were rounded.

    The bits of a float16 that is not negative, moved to their places in a float32, are the number divided by 2^112.
    NumPy's own conversion does it number by number and takes twenty times as long.

    Args:
        halves: `(n, F)` float16 from `encode`.
        exponents: `(n,)` int8 from `encode`.

    Returns:
        `(n, F)` float32.
    """
    bits = halves.view(np.uint16).astype(np.uint32)
    bits <<= _SHIFT
    features = bits.view(np.float32)
    features *= np.ldexp(np.float32(1), exponents.astype(np.int32) + _BIAS)[:, np.newaxis]
    return features
