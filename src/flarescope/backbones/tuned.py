"""What of a network did fine-tuning change, and how do network and change become weights again?

Kept is the change alone: whole arrays of the layers that were trained, or the two thin matrices of each layer that LoRA
adapted (Hu et al. 2021, arXiv 2106.09685), which are added to the layer when the weights are loaded.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from flarescope.backbones.base import Arrays, Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.brief import brief
from flarescope.errors import InputError

SUFFIX: Final = "+tuned"
"""Behind the family of weights of which something was changed."""

DOWN: Final = ".lora_a"
UP: Final = ".lora_b"
"""Behind a layer's name: LoRA's two matrices, `(r, ...)` of what goes in and `(out, r, ...)` of what comes out."""


@dataclass(frozen=True)
class Change:
    """What was changed of a network.

    Attributes:
        arrays: float32, by their names in the torch module (`block5_conv1.weight`), or `<layer>.lora_a` and
            `<layer>.lora_b`.
        scale: LoRA's factor, alpha / r.
    """

    arrays: Arrays = field(repr=False)
    scale: float = 1.0

    __repr__ = brief

    @property
    def adapted(self) -> list[str]:
        """Names of the layers that LoRA adapted."""
        return sorted(name.removesuffix(DOWN) for name in self.arrays if name.endswith(DOWN))

    def digest(self, base: Weights) -> str:
        """Give `sha256:<hex>` over the digest of the network it was made of, and the change."""
        digest = hashlib.sha256(f"{base.digest} {self.scale!r}".encode())
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name], dtype="<f4")
            digest.update(f"{name} {array.shape}".encode())
            digest.update(array.tobytes())
        return f"sha256:{digest.hexdigest()}"

    def applied(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give the arrays of the changed network.

        Args:
            state: of the network as it was; it is not changed.

        Raises:
            InputError: a change of an array that the network has not, or that has another shape there.
        """
        found = dict(state)
        for name, array in self.arrays.items():
            if not name.endswith((DOWN, UP)):
                _check(name, array.shape, state)
                found[name] = array
        for layer in self.adapted:
            down, up = self.arrays[layer + DOWN], self.arrays.get(layer + UP)
            if up is None or down.ndim < 2 or up.ndim < 2 or up.shape[1] != len(down):
                raise InputError(f"the change of {layer} is damaged: its two matrices do not fit; fine-tune again")
            name = f"{layer}.weight"
            _check(name, (len(up), *down.shape[1:]), state)
            added = np.tensordot(up.reshape(len(up), -1), down, 1) * np.float32(self.scale)
            found[name] = (found[name] + added).astype(np.float32)
        return found


def _check(name: str, shape: tuple[int, ...], state: Mapping[str, np.ndarray]) -> None:
    if name not in state or state[name].shape != shape:
        raise InputError(f"the change is of another network: it has {name} of shape {shape}; give its own --backbone")


@dataclass(frozen=True)
class TunedWeights(Weights):
    """Weights of which something was changed.

    Attributes:
        base: as they were.
        change: since then.
    """

    base: Weights = field(repr=False)
    change: Change = field(repr=False)

    __repr__ = brief


def tuned_weights(base: Weights, change: Change) -> TunedWeights:
    """Put a change on weights; they get a family and a digest of their own, and so do their features.

    Args:
        base: as they were, of any network that torch runs.
        change: what became of them.
    """
    family = base.family + SUFFIX
    if base.backbone is VGG16:  # its module has the arrays of every engine under the same names

        def load() -> Arrays:
            return change.applied(base.load())

        return TunedWeights(family, change.digest(base), load, VGG16, base, change)
    from dataclasses import replace

    from flarescope.backbones.tuned_torch import build_of, state_of

    network = replace(base.backbone, build=build_of(base), engines=_generic(base.backbone.engines))
    return TunedWeights(family, change.digest(base), lambda: change.applied(state_of(base)), network, base, change)


def _generic(engines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(engine for engine in engines if engine != "winograd")
