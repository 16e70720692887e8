"""Where in a Keras file are the arrays of each layer, and can they be read safely?

HDF5 -> the arrays of each layer, unread -> their numbers, after shape, dtype and storage have been checked. No link is
followed.
"""

import re
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from flarescope.model.keras_config import LAYERS
from flarescope.model.keras_defect import DefectError

_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3; Keras 2.12 to 2.15


def layers_of(file: h5py.File, config: Mapping[str, Any] | None) -> dict[str, list[h5py.Dataset]]:
    """Find the arrays of each layer that has any, by the layer's name, without reading them.

    Args:
        file: an open weights file, or the HDF5 part of a model.
        config: the model's configuration, where there is one; files whose groups lack names need it.
    """
    if any(key.partition("\\")[0] in _CONTAINERS for key in file):
        return _stored_layers(file, config)
    group = _child(file, "model_weights") if "model_weights" in set(file) else file
    layers = {}
    for name in group:
        layer = _child(group, name)
        if isinstance(layer, h5py.Group):
            # Which array is the kernel says the order of this attribute; the names differ between versions.
            names = np.asarray(layer.attrs.get("weight_names", [])).ravel().tolist()
            layers[name] = [_dataset(layer, _text(weight)) for weight in names]
    found = {name: weights for name, weights in layers.items() if weights}
    if not found:
        raise DefectError("an HDF5 file without the weights of a Keras model; expected what Keras saves")
    return found


def _stored_layers(file: h5py.File, config: Mapping[str, Any] | None) -> dict[str, list[h5py.Dataset]]:
    """Find the arrays of each layer where groups are called after classes: `layers/conv2d_3/vars/0`.

    The layer's name is an attribute. Without it (Keras 2.12 to 2.15, and Keras 3 at first) the groups of one class, by
    number, are the layers of that class in the order of the configuration; in that of VGG16 where there is none.
    """
    names, layers = {}, {}
    for group_name, group in _stored_groups(file).items():
        if any(container in set(group) for container in _CONTAINERS):
            raise DefectError(f"'{group_name}' is a network inside the network; build the head on VGG16's own layers")
        variables = _child(group, "vars") if "vars" in set(group) else None
        if variables is not None and len(variables):
            layers[group_name] = [_dataset(variables, str(number)) for number in range(len(variables))]
            names[group_name] = variables.attrs.get("name")
    if None in names.values():
        names = _names_by_order(list(layers), config)
    return {_text(names[group_name]): weights for group_name, weights in layers.items()}


def _stored_groups(file: h5py.File) -> dict[str, h5py.Group]:
    groups = {}
    for key in file:
        container, _, name = key.partition("\\")
        if container in _CONTAINERS and name:  # Keras 2 on Windows: `_layer_checkpoint_dependencies\conv2d`, one name
            groups[name] = _child(file, key)
        elif container in _CONTAINERS:
            parent = _child(file, key)
            groups.update({child: _child(parent, child) for child in parent})
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


def _child(group: h5py.Group, name: str) -> Any:  # noqa: ANN401 -- a group or a dataset of h5py, which has no types
    """Open a member that lies in this file; a link could lead anywhere."""
    if name not in set(group):
        raise DefectError(f"'{name}' is missing in '{group.name}'")
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise DefectError(f"'{name}' in '{group.name}' is a link, and links are not followed; save the model again")
    return group[name]


def _dataset(group: h5py.Group, path: str) -> h5py.Dataset:
    for name in path.split("/"):
        if not isinstance(group, h5py.Group):
            raise DefectError(f"'{group.name}' is not a group")
        group = _child(group, name)
    if not isinstance(group, h5py.Dataset):
        raise DefectError(f"'{group.name}' is not an array")
    if group.external or group.is_virtual:
        raise DefectError(f"'{group.name}' keeps its numbers in another file, which is not read; save the model again")
    return group


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read_layer(
    layers: Mapping[str, list[h5py.Dataset]], name: str, kernel_shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Read kernel and bias of a layer in Keras' layout."""
    if name not in layers:
        raise DefectError(f"not VGG16 with its fully connected layers: missing layer '{name}'")
    if len(layers[name]) != 2:
        raise DefectError(f"layer '{name}' has {len(layers[name])} arrays, expected a kernel and a bias")
    kernel, bias = layers[name]
    return _read_array(kernel, name, kernel_shape), _read_array(bias, name, kernel_shape[-1:])


def _read_array(dataset: h5py.Dataset, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Read an array after everything about it has been checked that can be without reading it."""
    if dataset.shape != shape or dataset.dtype != np.float32:
        found = f"{dataset.dtype} {dataset.shape}"
        raise DefectError(f"layer '{name}': expected an array of float32 {shape}, got {found} in '{dataset.name}'")
    if dataset.chunks is not None and any(chunk > size for chunk, size in zip(dataset.chunks, shape, strict=True)):
        raise DefectError(f"layer '{name}': chunks of {dataset.chunks} for an array of {shape}; save the model again")
    array: np.ndarray = dataset[()]
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):  # NaN spreads through both
        raise DefectError(f"layer '{name}' holds NaN or infinity; the training that made it diverged")
    return array
