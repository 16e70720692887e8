"""What decides the value of a feature beside its image?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flarescope.backbones.vgg16 import VGG16
from flarescope.errors import InputError

DTYPES: Final = ("float32", "float16")


@dataclass(frozen=True)
class StoreKey:
    """What decides the value of a feature beside the image; a store never mixes two of these.

    Attributes:
        family: of the backbone's weights.
        digest: of the backbone's weights.
        rendering: id of the rendering.
        engine: id of the engine, with device and precision.
        batch: images a forward pass; it can change the last bit of a feature.
        streams: networks side by side (`EngineChoice`); it can change the last bit too.
        dtype: `float32` as the network gives them, or `float16` (see `half`).
        network: name of the backbone.
        features: numbers an image.
    """

    family: str
    digest: str
    rendering: str
    engine: str
    batch: int
    streams: int = 0
    dtype: str = "float32"
    network: str = VGG16.name
    features: int = VGG16.features

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise InputError(f"--store {self.dtype}: expected {' or '.join(DTYPES)}")

    @property
    def folder(self) -> str:
        """Name of the store's folder."""
        family = self.family.replace(":", "-")
        dtype = "" if self.dtype == "float32" else f"_{self.dtype}"
        return (
            f"{self.network}-{family}-{self.digest.removeprefix('sha256:')[:8]}_{self.rendering}_{self.engine}{dtype}"
        )


def with_network(key: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a file says of a store's key, with the network that it was of when there was only one."""
    return {"network": VGG16.name, "features": VGG16.features, **key}
