"""Are the arrays of a VGG16 ImageNet's, and what is their digest?

They are `<layer>.weight` and `<layer>.bias` of every layer.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np

from flarescope.backbones.base import Arrays
from flarescope.backbones.vgg16 import LAYER_SHAPES

FIRST_FILTER: Final = (
    (0.42947057, 0.373467, -0.061360113),
    (0.27476987, 0.038680777, -0.36722335),
    (-0.05746817, -0.26224968, -0.35009676),
)
FIRST_BIASES: Final = (0.73429835, 0.093403675, 0.06775674, 0.8862966, 0.25994542, 0.66426694, -0.015828926, 0.3249065)
"""Of Keras' ImageNet VGG16: the first filter of `block1_conv1` on its first channel, row by row, and the first biases.
Read off the file by several people who printed what they found: a test in C++ on the HDF5 file (D. Cody 2018), the
printed arrays of notebooks, and a check in TensorFlow; they agree to the last digit. The digest of all arrays is
published nowhere."""


def digest_of(arrays: Arrays) -> str:
    """Give `sha256:<hex>` over the arrays of all layers, in order, as little-endian float32 in PyTorch's layout."""
    return digest_in_order(arrays, (f"{layer}.{part}" for layer in LAYER_SHAPES for part in ("weight", "bias")))


def digest_in_order(arrays: Arrays, names: Iterable[str]) -> str:
    """Give `sha256:<hex>` over the arrays of these names, one after the other, as little-endian float32."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(np.ascontiguousarray(arrays[name], dtype="<f4").data)
    return f"sha256:{digest.hexdigest()}"


def begin_as_imagenet(arrays: Arrays) -> bool:
    """Whether the first layer has the numbers that Keras' ImageNet VGG16 is known to have.

    That tells any other network's weights and random numbers apart; a network that was tuned from ImageNet's with its
    first layer frozen it does not.
    """
    kernel, bias = arrays["block1_conv1.weight"][0, 0], arrays["block1_conv1.bias"][: len(FIRST_BIASES)]
    known = ((kernel, FIRST_FILTER), (bias, FIRST_BIASES[: len(bias)]))
    return all(np.allclose(got, expected, rtol=0, atol=1e-6) for got, expected in known)
