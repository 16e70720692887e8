"""Which weights does VGG16 have, where do they come from, and are they what they claim to be?

A family has a name and a digest. The digest is taken over the arrays, not over a file, so that the same weights are
recognised in a Keras weights file, inside a model of the reference notebook, and in our cache.
"""

import contextlib
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from flarescope.backbones.base import Arrays, Weights
from flarescope.backbones.keras.reading import read_backbone
from flarescope.backbones.vgg16 import LAYER_SHAPES, VGG16
from flarescope.backbones.weight_arrays import begin_as_imagenet, digest_of
from flarescope.backbones.weight_cache import ADVICE, map_safetensors, read_metadata, store_arrays, verified_digest
from flarescope.errors import FlarescopeError, InputError
from flarescope.fetch import Source, fetch, forget
from flarescope.files import md5_of

IMAGENET: Final = Source(
    name="vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    url="https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    size=553_467_096,
    digest="md5:64373286793e3c8b2b4e3219cbf3544b",
)
"""The ImageNet weights that the reference recipe uses, as Keras publishes them."""


def of_arrays(arrays: Arrays, family: str = "keras") -> Weights:
    """Make weights of arrays at hand; ImageNet's are recognised by their digest where the cache holds them."""
    digest = digest_of(arrays)
    if begin_as_imagenet(arrays) and digest == _digest_of_imagenet():
        family = "imagenet"
    return Weights(family, digest, lambda: arrays, VGG16)


def _digest_of_imagenet() -> str | None:
    """Give the digest of the ImageNet weights in the cache; None where there are none, or no good ones."""
    try:
        return load_imagenet(cached_imagenet()).digest
    except InputError:
        return None


def cache_dir() -> Path:
    """Give the folder of cached weights: `FLARESCOPE_CACHE`, or the user's cache folder."""
    import platformdirs

    named = os.environ.get("FLARESCOPE_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("flarescope"))


def cached_imagenet() -> Path:
    """Give the path of the converted ImageNet weights in the cache."""
    return cache_dir() / "vgg16-imagenet.safetensors"


@functools.lru_cache(maxsize=1)
def random_weights(seed: int = 0) -> Weights:
    """Draw random filters, for demonstrations and tests: He-normal (He et al. 2015, ICCV, 1026), zero biases.

    Those of `fc2` are 128 times smaller, so that features are of the order 0.1: with pixels of 0..255 they would be of
    the order 20, one step of Adam would turn every forecast over, and a head's scores would be chance.
    """
    arrays: dict[str, np.ndarray] = {}
    for number, (layer, shape) in enumerate(LAYER_SHAPES.items()):
        generator = np.random.default_rng([seed, number])
        kernel = generator.standard_normal(shape, dtype=np.float32)
        kernel *= np.float32(np.sqrt(2 / np.prod(shape[1:])))
        if layer == "fc2":
            kernel /= 128
        arrays[f"{layer}.weight"], arrays[f"{layer}.bias"] = kernel, np.zeros(shape[0], np.float32)
    return Weights(f"random:{seed}", digest_of(arrays), lambda: arrays, VGG16)


def import_imagenet(path: Path) -> Weights:
    """Verify a local copy of Keras' ImageNet file and convert it into the cache.

    Raises:
        InputError: a file of another size or digest.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a copy of {IMAGENET.name}")
    size = path.stat().st_size
    if size != IMAGENET.size:
        raise InputError(
            f"{path}: {size:,} bytes; {IMAGENET.name} has {IMAGENET.size:,}: copy it again, "
            "or use another network's file with --backbone FILE"
        )
    expected = str(IMAGENET.digest).removeprefix("md5:")
    got = md5_of(path)
    if got != expected:
        raise InputError(
            f"{path}: md5 is {got}, expected {expected} ({IMAGENET.name}): copy it again, "
            "or use another network's file with --backbone FILE"
        )
    return _store(read_backbone(path), cached_imagenet())


def fetch_imagenet(progress: Callable[[int, int | None], None] | None = None) -> Weights:
    """Fetch Keras' ImageNet file, verify and convert it into the cache; a broken download resumes.

    Args:
        progress: called with the bytes that are here and the bytes in all.

    Raises:
        FlarescopeError: the server cannot be reached, or what came is not the file.
    """
    target = cached_imagenet()
    download = target.with_name(IMAGENET.name)
    with contextlib.suppress(InputError):  # there are none, or they are damaged: the download takes their place
        weights = load_imagenet(target)
        forget(download)  # of a process that was killed after the import
        return weights
    try:
        fetch(IMAGENET, download, progress=progress)
    except FlarescopeError as error:
        raise type(error)(f"{error} (or, with a copy of the file: flarescope weights import FILE.h5)") from error
    weights = import_imagenet(download)
    forget(download)
    return weights


def _store(arrays: Arrays, path: Path) -> Weights:
    metadata = {
        "family": "imagenet",
        "digest": digest_of(arrays),
        "source": IMAGENET.url,
        "source_digest": str(IMAGENET.digest),
    }
    store_arrays(path, arrays, metadata)
    return load_imagenet(path)


def load_imagenet(path: Path) -> Weights:
    """Load the ImageNet weights of the cache, after comparing what their header says with the arrays.

    Raises:
        InputError: there are none, they are damaged, or they are others.
    """
    if not path.exists():
        raise InputError(
            f"the ImageNet weights are not in {path.parent}: `flarescope weights fetch`, or with a copy of their file "
            "`flarescope weights import FILE.h5`; for a trial without them: --backbone random"
        )
    said, digest = read_metadata(path), verified_digest(path)
    arrays = map_safetensors(path)
    if said.get("digest") != digest:
        raise InputError(f"{path}: its arrays are not those that it was written with (digest differs); {ADVICE}")
    whole = said.get("family") == "imagenet" and said.get("source_digest") == str(IMAGENET.digest)
    if not (whole and begin_as_imagenet(arrays)):
        family = said.get("family", "unknown")
        raise InputError(f"{path}: these are not Keras' ImageNet weights (family {family[:40]}); {ADVICE}")
    return Weights("imagenet", digest, lambda: arrays, VGG16)
