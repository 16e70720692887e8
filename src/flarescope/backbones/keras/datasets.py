"""Where in a Keras file are the arrays of each layer, and can they be read safely?

HDF5 -> the arrays of each layer, unread -> their numbers, after shape, dtype and storage have been checked. No link is
followed.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from flarescope.backbones.keras.config import LAYERS
from flarescope.backbones.keras.defect import DefectError
from flarescope.backbones.keras.hdf5 import Array, Group

_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3; Keras 2.12 to 2.15


def layers_of(file: Group, config: Mapping[str, Any] | None) -> dict[str, list[Array]]:
    """Find the arrays of each layer that has any, by the layer's name, without reading them.

    Args:
        file: an open weights file, or the HDF5 part of a model.
        config: the model's configuration, where there is one; files whose groups lack names need it.
    """
    if any(key.partition("\\")[0] in _CONTAINERS for key in file):
        return _stored_layers(file, config)
    group = _group(file, "model_weights") if "model_weights" in file else file
    layers = {}
    for name in group:
        layer = group.open(name)
        if isinstance(layer, Group):
            # Which array is the kernel says the order of this attribute; the names differ between versions.
            names = layer.text("weight_names") or []
            layers[name] = [_array(layer, weight) for weight in ([names] if isinstance(names, str) else names)]
    found = {name: weights for name, weights in layers.items() if weights}
    if not found:
        raise DefectError("an HDF5 file without the weights of a Keras model; expected what Keras saves")
    return found


def _stored_layers(file: Group, config: Mapping[str, Any] | None) -> dict[str, list[Array]]:
    """Find the arrays of each layer where groups are called after classes: `layers/conv2d_3/vars/0`.

    The layer's name is an attribute. Without it (Keras 2.12 to 2.15, and Keras 3 at first) the groups of one class, by
    number, are the layers of that class in the order of the configuration; in that of VGG16 where there is none.
    """
    names: dict[str, str | list[str] | None] = {}
    layers: dict[str, list[Array]] = {}
    for group_name, group in _stored_groups(file).items():
        if any(container in group for container in _CONTAINERS):
            raise DefectError(f"'{group_name}' is a network inside the network; build the head on VGG16's own layers")
        variables = _group(group, "vars") if "vars" in group else None
        if variables is not None and len(variables):
            layers[group_name] = [_array(variables, str(number)) for number in range(len(variables))]
            names[group_name] = variables.text("name")
    if not all(isinstance(name, str) for name in names.values()):
        names = dict(_names_by_order(list(layers), config))
    return {str(names[group_name]): weights for group_name, weights in layers.items()}


def _stored_groups(file: Group) -> dict[str, Group]:
    groups = {}
    for key in file:
        container, _, name = key.partition("\\")
        if container in _CONTAINERS and name:  # Keras 2 on Windows: `_layer_checkpoint_dependencies\conv2d`, one name
            groups[name] = _group(file, key)
        elif container in _CONTAINERS:
            parent = _group(file, key)
            groups.update({child: _group(parent, child) for child in parent})
    return groups


def _names_by_order(groups: list[str], config: Mapping[str, Any] | None) -> dict[str, str]:
    """Name groups such as `conv2d`, `conv2d_2`; one too many keeps its own name, and is unexpected as such."""
    wanted = [*LAYERS, ("Dense", "predictions")]
    if config is not None:
        wanted = [(layer["class_name"], layer["config"]["name"]) for layer in config["config"]["layers"]]
    names = {group: group for group in groups}
    for class_name in ("Conv2D", "Dense"):
        numbered = {group: re.fullmatch(rf"{class_name.lower()}(?:_(\d+))?", group) for group in groups}
        ordered = sorted((int(match[1] or 0), group) for group, match in numbered.items() if match)
        in_order = [name for kind, name in wanted if kind == class_name]
        names.update({group: name for (_, group), name in zip(ordered, in_order, strict=False)})
    return names


def _group(group: Group, name: str) -> Group:
    found = group.open(name)
    if not isinstance(found, Group):
        raise DefectError(f"'{found.name}' is not a group")
    return found


def _array(group: Group, path: str) -> Array:
    *above, last = path.split("/")
    for name in above:
        group = _group(group, name)
    found = group.open(last)
    if not isinstance(found, Array):
        raise DefectError(f"'{found.name}' is not an array")
    if found.is_elsewhere:
        raise DefectError(f"'{found.name}' keeps its numbers in another file, which is not read; save the model again")
    return found


def read_layer(
    layers: Mapping[str, list[Array]], name: str, kernel_shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Read kernel and bias of a layer in Keras' layout."""
    if name not in layers:
        raise DefectError(f"not VGG16 with its fully connected layers: missing layer '{name}'")
    if len(layers[name]) != 2:
        raise DefectError(f"layer '{name}' has {len(layers[name])} arrays, expected a kernel and a bias")
    kernel, bias = layers[name]
    return _read_array(kernel, name, kernel_shape), _read_array(bias, name, kernel_shape[-1:])


def _read_array(dataset: Array, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Read an array after everything about it has been checked that can be without reading it."""
    if dataset.shape != shape or dataset.dtype != np.float32:
        found = f"{dataset.dtype or 'object'} {dataset.shape}"
        raise DefectError(f"layer '{name}': expected an array of float32 {shape}, got {found} in '{dataset.name}'")
    if not dataset.is_whole:
        raise DefectError(f"layer '{name}': its numbers lie in several pieces; save the model again")
    array = dataset.read()
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):  # NaN spreads through both
        raise DefectError(f"layer '{name}' holds NaN or infinity; the training that made it diverged")
    return array
