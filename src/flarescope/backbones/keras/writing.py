"""How does a trained classifier become a file that Keras opens as its own?

Written is the HDF5 form of Keras 2, which Keras 3 reads too: the architecture as JSON in the attribute `model_config`,
the weights at `model_weights/<layer>/<layer>/kernel:0`. The JSON is made here; Keras is not needed to write it.
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from flarescope.backbones.keras.config import CLASSES, INPUT_SHAPE, LAYERS, SETTINGS
from flarescope.backbones.keras.layout import to_keras_layout
from flarescope.backbones.vgg16 import FEATURES, LAYER_SHAPES
from flarescope.errors import InputError
from flarescope.files import atomic_path

HEAD = "dense"
"""Name of the head's layer in the files that are written."""

_FORM = {"keras_version": "2.15.0", "backend": "tensorflow"}  # whose form it is; without it Keras assumes version 1
_RESERVED = {"model_config", *_FORM}
_ATTRIBUTE_LIMIT = 64_000  # bytes; HDF5 keeps an attribute in an object header of 64 KiB


def write_full_model(
    path: Path | str,
    backbone: Mapping[str, np.ndarray],
    head_kernel: np.ndarray,
    head_bias: np.ndarray,
    *,
    extra_attributes: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write VGG16 and its head as one model that `keras.models.load_model` opens; 537 MB, whole or not at all.

    The model expects what the reference's does: `(N, 224, 224, 3)` in the order blue, green, red, ImageNet's means
    subtracted ("caffe" preprocessing). It gives `(N, 2)`: the probabilities of no flare and of flare.

    Args:
        path: the file to write; Keras wants the suffix `.h5` or `.hdf5`.
        backbone: float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout (see `vgg.LAYER_SHAPES`).
        head_kernel: `(4096, 2)` float32.
        head_bias: `(2,)` float32.
        extra_attributes: text to keep with the model, as attributes of the file's root; Keras does not look at it.

    Raises:
        InputError: the suffix, an array's name, shape or dtype, or an attribute's name is not as above, or the path
            cannot be written.
        FlarescopeError: the disk is full.
    """
    path = Path(path)
    _check_names(path, extra_attributes)
    arrays = {**backbone, f"{HEAD}.weight": np.transpose(head_kernel), f"{HEAD}.bias": head_bias}
    _check_arrays(arrays)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({**_FORM, **extra_attributes, "model_config": json.dumps(model_config())})
        weights = file.create_group("model_weights")
        weights.attrs.update({**_FORM, "layer_names": _names([layer["name"] for layer in _layer_configs()])})
        for layer in _layer_configs():
            _write_layer(weights.create_group(layer["name"]), layer["name"], arrays)


def _check_names(path: Path, extra_attributes: Mapping[str, str]) -> None:
    if path.suffix not in {".h5", ".hdf5"}:
        raise InputError(f"cannot write {path}: Keras opens a model in HDF5 by its suffix; name it .hdf5 or .h5")
    for name, text in extra_attributes.items():
        if name in _RESERVED:
            raise InputError(f"cannot write {path}: the attribute '{name}' is Keras' own; choose another name")
        if len(text.encode()) > _ATTRIBUTE_LIMIT:
            raise InputError(f"cannot write {path}: the attribute '{name}' is longer than {_ATTRIBUTE_LIMIT} bytes")


def _check_arrays(arrays: Mapping[str, np.ndarray]) -> None:
    """Compare names, shapes and dtypes with what a reader will expect."""
    shapes = {**LAYER_SHAPES, HEAD: (CLASSES, FEATURES)}
    expected = {f"{name}.weight": shape for name, shape in shapes.items()}
    expected |= {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
    for name in [*expected, *arrays]:
        if name not in arrays or name not in expected:
            raise InputError(
                f"cannot write a Keras model: array '{name}' is {'unexpected' if name in arrays else 'missing'}"
            )
        array = arrays[name]
        if array.shape != expected[name] or array.dtype != np.float32:
            wanted, found = f"float32 {expected[name]}", f"{array.dtype} {array.shape}"
            raise InputError(f"cannot write a Keras model: expected '{name}' of {wanted}, got {found}")


def _write_layer(group: h5py.Group, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    keys = {"kernel": f"{name}.weight", "bias": f"{name}.bias"} if f"{name}.weight" in arrays else {}
    group.attrs["weight_names"] = _names([f"{name}/{role}:0" for role in keys])
    for role, key in keys.items():
        group[f"{name}/{role}:0"] = to_keras_layout(key, arrays[key])


def _names(names: list[str]) -> np.ndarray:
    return np.array([name.encode() for name in names], dtype=np.bytes_)


def model_config() -> dict[str, Any]:
    """Give the architecture in the form of Keras 2, which Keras 3 reads too."""
    layers = _layer_configs()
    for before, layer in pairwise(layers):
        layer["inbound_nodes"] = [[[before["name"], 0, 0, {}]]]
    inputs, outputs = ([[layer["name"], 0, 0]] for layer in (layers[0], layers[-1]))
    config = {"name": "vgg16_flare", "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "config": config}


def _layer_configs() -> list[dict[str, Any]]:
    """Give every layer of the model in order, not yet connected."""
    widths = {name: shape[0] for name, shape in LAYER_SHAPES.items()}
    first = {"batch_input_shape": INPUT_SHAPE, "dtype": "float32", "sparse": False, "ragged": False}
    layers = [_layer_config("InputLayer", "input_1", first)]
    for class_name, name in LAYERS:
        width = {"Conv2D": {"filters": widths.get(name)}, "Dense": {"units": widths.get(name)}}.get(class_name, {})
        # As in the reference, training that goes on from this file moves the head alone.
        frozen = {"trainable": False, "dtype": "float32"}
        layers.append(_layer_config(class_name, name, {**frozen, **width, **SETTINGS[class_name]}))
    head = {"trainable": True, "dtype": "float32", "units": CLASSES, **SETTINGS["Dense"], "activation": "softmax"}
    return [*layers, _layer_config("Dense", HEAD, head)]


def _layer_config(class_name: str, name: str, settings: Mapping[str, object]) -> dict[str, Any]:
    return {"class_name": class_name, "name": name, "config": {"name": name, **settings}, "inbound_nodes": []}
