"""Which network, with which weights, does a user mean by a name?"""

from pathlib import Path

from flarescope.backbones import weights
from flarescope.backbones.base import Weights
from flarescope.backbones.keras.reading import read_backbone
from flarescope.errors import InputError


def find(spec: str) -> Weights:
    """Find the weights that a user names.

    Args:
        spec: `imagenet`; `random` or `random:SEED`; or the path of a Keras file with VGG16's weights.

    Raises:
        InputError: weights that are not in the cache, a file that is missing or of another network, a bad seed.
    """
    if spec == "imagenet":
        return weights.load_imagenet(weights.cached_imagenet())
    if spec == "random" or spec.startswith("random:"):
        seed = spec.partition(":")[2] or "0"
        if not seed.isdecimal():
            raise InputError(f"--backbone {spec}: the seed is {seed!r}; expected a number, as random:7")
        return weights.random_weights(int(seed))
    path = Path(spec)
    if not path.exists():
        raise InputError(f"--backbone {spec}: no such file; expected imagenet, random, random:SEED or a Keras file")
    return weights.of_arrays(read_backbone(path))
