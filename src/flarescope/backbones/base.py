"""What is a frozen network, apart from its weights, and what are weights of one?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from flarescope.brief import brief
from flarescope.images.render import REFERENCE, PixelForm

Arrays = Mapping[str, np.ndarray]
"""Arrays of a network by name, float32, in PyTorch's layout."""


def builder(module: str) -> Callable[[Arrays], Any]:
    """Give the function `build` of a module that is imported when it is called: torch takes longer than a forecast.

    Args:
        module: such as `flarescope.backbones.vgg16_torch`.
    """
    return lambda arrays: import_module(module).build(arrays)


@dataclass(frozen=True)
class Network:
    """A frozen network that turns an image into features.

    Attributes:
        name: such as `vgg16`; part of the key of every cached feature.
        features: width of what it gives.
        build: makes a torch module of arrays, in evaluation mode and without gradients: called with pixels
            `(N, 1, S, S)` (three equal channels) or `(N, 3, S, S)` (RGB), 0..255, float32 or uint8, and `dtype`, it
            gives `(N, features)`. Preprocessing is part of it.
        pixels: which pixels it takes.
        engines: what can run it (`engines.base.ENGINES`); where the first is `torch`, `auto` takes that on a CPU too.
        precisions: in which it is the same network as a whole (`engines.base.PRECISIONS`); bf16 that is not among them
            is computed, when asked for, in the layers that bear it (`engines.base.MIXED`), or refused.
        preprocessing: what it does to pixels before its first layer, in words.
        paper: where it is described.
    """

    name: str
    features: int
    build: Callable[[Arrays], Any] = field(repr=False)
    pixels: PixelForm = REFERENCE
    engines: tuple[str, ...] = ("openvino", "torch")
    precisions: tuple[str, ...] = ("fp32", "bf16")
    preprocessing: str = field(default="", repr=False)
    paper: str = field(default="", repr=False)

    __repr__ = brief


@dataclass(frozen=True)
class Weights:
    """The weights of a backbone, loaded when they are asked for.

    Attributes:
        family: `imagenet`, `random:<seed>`, or `keras` for any other Keras file.
        digest: `sha256:...` over the arrays.
        load: gives the arrays.
        backbone: the network that they are of.
    """

    family: str
    digest: str
    load: Callable[[], Arrays] = field(repr=False)
    backbone: Network = field(repr=False)

    __repr__ = brief

    @property
    def is_random(self) -> bool:
        """Whether the filters were drawn at random, so that a result says nothing of ImageNet features."""
        return self.family.startswith("random")


Spec = str | Weights
"""How a user names a backbone: by a name (see `registry.find`), or by one in hand."""


def spec_text(spec: Spec) -> str:
    """Give a spec as a file keeps it; of one in hand its family, by which it is asked for again."""
    return spec if isinstance(spec, str) else spec.family
