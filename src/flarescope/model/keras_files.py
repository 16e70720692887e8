"""What weights does a Keras file hold, and are they those of VGG16?

Read are weights files and complete models as Keras 2 and 3 write them, in HDF5 or as a `.keras` zip; which of them it
is, the content says, not the suffix. A file is data here: no code in it runs, nothing is unpickled, no link is
followed, and an array's shape is checked before a byte of it is read. `keras_writing` writes a complete model.
"""

import contextlib
import json
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.model.vgg import BLOCKS, FEATURES, IMAGE_SIZE, LAYER_SHAPES


def _layers_of_vgg16() -> list[tuple[str, str]]:
    layers = []
    for block, widths in enumerate(BLOCKS, start=1):
        layers += [("Conv2D", f"block{block}_conv{conv}") for conv in range(1, len(widths) + 1)]
        layers += [("MaxPooling2D", f"block{block}_pool")]
    return [*layers, ("Flatten", "flatten"), ("Dense", "fc1"), ("Dense", "fc2")]


LAYERS: Sequence[tuple[str, str]] = _layers_of_vgg16()
"""Class and name of the layers of Keras' VGG16 between its input and its head, in order."""

SETTINGS: Mapping[str, Mapping[str, object]] = {
    "Conv2D": {
        "kernel_size": [3, 3],
        "strides": [1, 1],
        "padding": "same",
        "data_format": "channels_last",
        "dilation_rate": [1, 1],
        "groups": 1,
        "activation": "relu",
        "use_bias": True,
    },
    "MaxPooling2D": {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"},
    "Flatten": {"data_format": "channels_last"},
    "Dense": {"activation": "relu", "use_bias": True},
}
"""What VGG16 says of its layers, by class, in Keras' words."""

INPUT_SHAPE = [None, IMAGE_SIZE, IMAGE_SIZE, 3]
"""Shape of the input in a model's configuration: any number of images, height, width, channels."""

CLASSES = 2
"""Outputs of the head: no flare, flare."""

_POOLED = 7  # height and width of what `block5_pool` gives and `flatten` flattens
_ADDED_LATER = {"groups", "data_format"}  # older files lack them; the default is what VGG16 has
_NETWORKS = {"Functional", "Model", "Sequential"}
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3; Keras 2.12 to 2.15
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_LIMITS = {"config.json": 16 << 20, "model.weights.h5": 4 << 30}  # bytes; VGG16 with Adam's moments is 1.6 GB
_BROKEN = (OSError, KeyError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class _DefectError(Exception):
    """What is wrong with a file, without its name."""


@dataclass(frozen=True, eq=False)
class KerasModel:
    """A complete model: VGG16 up to `fc2` and a softmax of two outputs on it.

    Attributes:
        backbone: float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout (see `vgg.LAYER_SHAPES`).
        head_kernel: `(4096, 2)` float32; column 0 is no flare, column 1 is flare.
        head_bias: `(2,)` float32.
        head_name: name of the head's layer in the file.
    """

    backbone: dict[str, np.ndarray]
    head_kernel: np.ndarray
    head_bias: np.ndarray
    head_name: str


@dataclass(frozen=True)
class _Source:
    """An open file: its HDF5 part and, if it is a model, its configuration."""

    file: h5py.File
    config: Mapping[str, Any] | None


def read_backbone(path: Path | str) -> dict[str, np.ndarray]:
    """Read the weights of VGG16 up to `fc2`; a head, ImageNet's own too, is ignored.

    Args:
        path: a weights file (`.h5`, `.weights.h5`) or a complete model (`.h5`, `.hdf5`, `.keras`).

    Returns:
        Contiguous float32 arrays `<layer>.weight` and `<layer>.bias` in PyTorch's layout (see `vgg.LAYER_SHAPES`).

    Raises:
        InputError: the file is missing, damaged, not of Keras, or holds another network; the layer is named.
    """
    with _opened(Path(path)) as source:
        if source.config is not None:
            _head_config(source.config)
        return _read_backbone(_layers(source))


def read_model(path: Path | str) -> KerasModel:
    """Read a complete model: VGG16 and a head `Dense(2, activation="softmax")` on `fc2`, compiled or not.

    Args:
        path: a model that `model.save` wrote (`.h5`, `.hdf5`, `.keras`).

    Raises:
        InputError: the file is missing, damaged, not of Keras, without a configuration, another network, or its head
            is not a softmax of two outputs.
    """
    with _opened(Path(path)) as source:
        if source.config is None:
            raise _DefectError(
                "expected a complete model, got weights without one; save it with model.save, or give this file as a "
                "backbone and train a head"
            )
        head = _head_config(source.config)
        if head is None:
            raise _DefectError("the model ends at 'fc2'; give it as a backbone and train a head")
        layers = _layers(source)
        kernel, bias = _read_head(head, layers)
        return KerasModel(_read_backbone(layers), kernel, bias, head["name"])


def from_keras_layout(name: str, array: np.ndarray) -> np.ndarray:
    """Turn an array of Keras into PyTorch's layout; contiguous.

    Args:
        name: `<layer>.weight` or `<layer>.bias`; `fc1.weight` alone is special, since it reads what was flattened.
        array: `(H, W, I, O)` of a convolution, `(in, out)` of a dense layer, or a bias.

    Returns:
        `(O, I, H, W)`, `(out, in)` or the bias; the columns of `fc1.weight` go from the order H, W, C to C, H, W.
    """
    if array.ndim == 4:
        height, width, channels, units = array.shape
        return _last_axis_first(array.transpose(2, 0, 1, 3)).reshape(units, channels, height, width)
    if name == "fc1.weight":
        array = array.reshape(_POOLED**2, -1, array.shape[1]).transpose(1, 0, 2)
    return np.ascontiguousarray(array) if array.ndim == 1 else _last_axis_first(array)


def _last_axis_first(array: np.ndarray) -> np.ndarray:
    """Copy `(..., n)` to `(n, the others flattened)`; block by block, which for `fc1` takes 0.4 s instead of 2.6."""
    copy = np.empty((array.shape[-1], array[..., 0].size), array.dtype)
    for start in range(0, len(copy), 64):
        block = array[..., start : start + 64]
        copy[start : start + 64] = block.reshape(-1, block.shape[-1]).T
    return copy


def to_keras_layout(name: str, array: np.ndarray) -> np.ndarray:
    """Turn an array of PyTorch into Keras' layout; contiguous, the inverse of `from_keras_layout`.

    Args:
        name: `<layer>.weight` or `<layer>.bias`.
        array: `(O, I, H, W)` of a convolution, `(out, in)` of a linear layer, or a bias.

    Returns:
        `(H, W, I, O)`, `(in, out)` or the bias; the rows of `fc1.weight` go from the order C, H, W to H, W, C.
    """
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    if name == "fc1.weight":
        units, flattened = array.shape
        image = array.reshape(units, -1, _POOLED**2)
        return np.ascontiguousarray(image.transpose(2, 1, 0).reshape(flattened, units))
    return np.ascontiguousarray(array.T)


# --- Opening: bytes -> an HDF5 file and a configuration


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    """Open a Keras file; whatever is found wrong inside the block becomes one line that names the file."""
    with translate_os_errors(path, "read"), path.open("rb") as stream:
        magic = stream.read(len(_HDF5_MAGIC))
    try:
        if magic == _HDF5_MAGIC:
            with h5py.File(path, "r") as file:
                yield _Source(file, _parse_config(file.attrs.get("model_config")))
        elif magic.startswith(_ZIP_MAGIC):
            with _unzipped(path) as source:
                yield source
        else:
            raise _DefectError(
                f"expected a Keras file (HDF5, or the zip of .keras), got one that begins with {magic!r}"
            )
    except InputError:
        raise
    except _DefectError as defect:
        raise InputError(f"{path}: {defect}") from defect
    except _BROKEN as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: damaged or incomplete ({reason}); copy or download it again") from error


@contextlib.contextmanager
def _unzipped(path: Path) -> Iterator[_Source]:
    """Open a `.keras` file by way of a temporary copy of its weights.

    Measured on VGG16: reading through Python's seekable member takes 6 s, the copy 1.5 s, and it checks the CRC.
    """
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="flarescope-") as folder:
        config = _parse_config(archive.read(_member(archive, "config.json")))
        weights = Path(folder, "model.weights.h5")
        member = _member(archive, weights.name)
        with translate_os_errors(weights), archive.open(member) as packed, weights.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
        with h5py.File(weights, "r") as file:
            yield _Source(file, config)


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Find a member of a `.keras` file that is not larger than a model can be."""
    if name not in archive.namelist():
        raise _DefectError(f"a zip without '{name}'; expected what model.save writes to a .keras file")
    info = archive.getinfo(name)
    if info.file_size > _ZIP_LIMITS[name]:
        raise _DefectError(f"'{name}' claims {info.file_size} bytes; expected at most {_ZIP_LIMITS[name]}")
    return info


def _parse_config(text: object) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        config = json.loads(text) if isinstance(text, str | bytes) else None
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise _DefectError("the model's configuration is not JSON as Keras writes it; save the model again")
    return config


# --- The configuration: is it VGG16, and what is its head?


def _head_config(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Check that a model is VGG16 and give the settings of the head's layer, if it has one.

    A dropout layer does nothing in inference and may stand anywhere. What the model was compiled with is not looked at.
    """
    try:
        layers = [layer for layer in _chain(config) if layer["class_name"] not in {"InputLayer", "Dropout"}]
        for expected, layer in zip(LAYERS, layers, strict=False):
            _check_layer(layer, expected)
        if len(layers) < len(LAYERS):
            raise _DefectError(f"not VGG16 with its fully connected layers: missing layer '{LAYERS[len(layers)][1]}'")
        head = layers[len(LAYERS) :]
        if len(head) > 1 or (head and head[0]["class_name"] != "Dense"):
            raise _unexpected(head[-1], "at most one Dense layer after 'fc2'")
        return head[0]["config"] if head else None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise _DefectError("the model's configuration is not of a form that Keras writes; save it again") from error


def _chain(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the layers of a functional model in which each one simply follows the one before."""
    if config["class_name"] not in {"Functional", "Model"}:
        form = "save it as keras.Model(vgg.input, head(vgg.get_layer('fc2').output))"
        raise _DefectError(f"expected a functional model, got a '{config['class_name']}'; {form}")
    layers: list[dict[str, Any]] = config["config"]["layers"]
    for layer in layers:
        _check_class(layer)
    for before, layer in pairwise(layers):
        if _sources(layer) != [before["config"]["name"]]:
            raise _unexpected(layer, f"one that follows '{before['config']['name']}' and nothing else")
    first, last = layers[0], layers[-1]
    settings = first["config"]
    shape = settings.get("batch_shape", settings.get("batch_input_shape"))
    if first["class_name"] != "InputLayer" or shape != INPUT_SHAPE:
        raise _DefectError(f"not VGG16: expected an input of shape {INPUT_SHAPE}, got {shape}")
    if _tensor_names(config["config"]["output_layers"]) != [last["config"]["name"]]:
        raise _DefectError(f"not a classifier: expected one output, of the last layer '{last['config']['name']}'")
    return layers


def _check_class(layer: Mapping[str, Any]) -> None:
    class_name, name = layer["class_name"], layer["config"]["name"]
    if class_name in _NETWORKS:
        line = f"'{name}' is a network inside the network ({class_name}), which is not read"
        raise _DefectError(f"{line}; build the head on vgg.get_layer('fc2').output")
    # A class of the user's own may carry the name of one of Keras; Keras then registers it as "package>name".
    own = ">" in str(layer.get("registered_name"))
    if own or class_name not in {*SETTINGS, "InputLayer", "Dropout"}:
        raise _unexpected(layer, "only the layers of VGG16, Dropout and one Dense head")


def _check_layer(layer: Mapping[str, Any], expected: tuple[str, str]) -> None:
    """Check class, name and settings; layers without weights may have any name."""
    class_name, name = expected
    settings = layer["config"]
    if layer["class_name"] != class_name or (name in LAYER_SHAPES and settings["name"] != name):
        raise _unexpected(layer, f"'{name}' ({class_name})")
    for key, value in SETTINGS[class_name].items():
        found = settings.get(key, value if key in _ADDED_LATER else None)
        if found != value:
            raise _DefectError(f"not VGG16: layer '{settings['name']}' has {key}={found!r}, expected {value!r}")


def _sources(layer: Mapping[str, Any]) -> list[str]:
    """Give the names of the layers whose outputs a layer reads, from the form of Keras 3 or of Keras 2."""
    (node,) = layer["inbound_nodes"] or [[]]
    if isinstance(node, dict):
        tensors = [tensor["config"]["keras_history"] for tensor in node["args"]]
        options = [node["kwargs"]]
    else:
        tensors = node
        options = [tensor[3] for tensor in node if len(tensor) > 3]
    if any(option.get("training") for option in options):
        raise _DefectError(f"layer '{layer['config']['name']}' is called with training=True; expected inference")
    return _tensor_names(tensors)


def _tensor_names(tensors: Sequence[Any]) -> list[str]:
    """Give the layers in `[[name, node, tensor], ...]`; Keras 3 writes a single one without the outer list."""
    return [tensors[0]] if tensors and isinstance(tensors[0], str) else [tensor[0] for tensor in tensors]


def _unexpected(layer: Mapping[str, Any], expected: str) -> _DefectError:
    name, class_name = layer["config"]["name"], layer["class_name"]
    return _DefectError(f"not VGG16: unexpected layer '{name}' ({class_name}); expected {expected}")


# --- The weights: HDF5 -> the arrays of each layer, and only then their bytes


def _layers(source: _Source) -> dict[str, list[h5py.Dataset]]:
    """Find the arrays of each layer that has any, by the layer's name, without reading them."""
    if any(key.partition("\\")[0] in _CONTAINERS for key in source.file):
        return _stored_layers(source)
    group = _child(source.file, "model_weights") if "model_weights" in set(source.file) else source.file
    layers = {}
    for name in group:
        layer = _child(group, name)
        if isinstance(layer, h5py.Group):
            # Which array is the kernel says the order of this attribute; the names differ between versions.
            names = np.asarray(layer.attrs.get("weight_names", [])).ravel().tolist()
            layers[name] = [_dataset(layer, _text(weight)) for weight in names]
    found = {name: weights for name, weights in layers.items() if weights}
    if not found:
        raise _DefectError("an HDF5 file without the weights of a Keras model; expected what Keras saves")
    return found


def _stored_layers(source: _Source) -> dict[str, list[h5py.Dataset]]:
    """Find the arrays of each layer where groups are called after classes: `layers/conv2d_3/vars/0`.

    The layer's name is an attribute. Without it (Keras 2.12 to 2.15, and Keras 3 at first) the groups of one class, by
    number, are the layers of that class in the order of the configuration; in that of VGG16 where there is none.
    """
    names, layers = {}, {}
    for group_name, group in _stored_groups(source.file).items():
        if any(container in set(group) for container in _CONTAINERS):
            raise _DefectError(f"'{group_name}' is a network inside the network; build the head on VGG16's own layers")
        variables = _child(group, "vars") if "vars" in set(group) else None
        if variables is not None and len(variables):
            layers[group_name] = [_dataset(variables, str(number)) for number in range(len(variables))]
            names[group_name] = variables.attrs.get("name")
    if None in names.values():
        names = _names_by_order(list(layers), source.config)
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
        raise _DefectError(f"'{name}' is missing in '{group.name}'")
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise _DefectError(f"'{name}' in '{group.name}' is a link, and links are not followed; save the model again")
    return group[name]


def _dataset(group: h5py.Group, path: str) -> h5py.Dataset:
    for name in path.split("/"):
        if not isinstance(group, h5py.Group):
            raise _DefectError(f"'{group.name}' is not a group")
        group = _child(group, name)
    if not isinstance(group, h5py.Dataset):
        raise _DefectError(f"'{group.name}' is not an array")
    if group.external or group.is_virtual:
        raise _DefectError(f"'{group.name}' keeps its numbers in another file, which is not read; save the model again")
    return group


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read_backbone(layers: Mapping[str, list[h5py.Dataset]]) -> dict[str, np.ndarray]:
    others = [name for name in layers if name not in LAYER_SHAPES]
    unexpected = [name for name in others if (layers[name][0].shape or ())[:1] != (FEATURES,)] or others[1:]
    if unexpected:
        raise _DefectError(f"not VGG16: unexpected layer '{unexpected[0]}'; expected its layers and one head on 'fc2'")
    arrays = {}
    for name, shape in LAYER_SHAPES.items():
        keras_shape = (*shape[2:], *shape[1::-1])
        kernel, bias = _read_layer(layers, name, keras_shape)
        arrays[f"{name}.weight"] = from_keras_layout(f"{name}.weight", kernel)
        arrays[f"{name}.bias"] = bias
    return arrays


def _read_head(settings: Mapping[str, Any], layers: Mapping[str, list[h5py.Dataset]]) -> tuple[np.ndarray, np.ndarray]:
    """Read kernel `(4096, 2)` and bias `(2,)` of the head."""
    name, units, activation = settings["name"], settings.get("units"), settings.get("activation")
    if units != CLASSES:
        what = "ImageNet's own classifier; " if units == 1000 else ""
        advice = "give this file as a backbone and train a head"
        raise _DefectError(f"expected a head of {CLASSES} outputs, '{name}' has {units}; {what}{advice}")
    if activation != "softmax" or settings.get("use_bias") is not True:
        raise _DefectError(f"expected a head with softmax and a bias, '{name}' has activation={activation!r}")
    return _read_layer(layers, name, (FEATURES, CLASSES))


def _read_layer(
    layers: Mapping[str, list[h5py.Dataset]], name: str, kernel_shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Read kernel and bias of a layer in Keras' layout."""
    if name not in layers:
        raise _DefectError(f"not VGG16 with its fully connected layers: missing layer '{name}'")
    if len(layers[name]) != 2:
        raise _DefectError(f"layer '{name}' has {len(layers[name])} arrays, expected a kernel and a bias")
    kernel, bias = layers[name]
    return _read_array(kernel, name, kernel_shape), _read_array(bias, name, kernel_shape[-1:])


def _read_array(dataset: h5py.Dataset, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Read an array after everything about it has been checked that can be without reading it."""
    if dataset.shape != shape or dataset.dtype != np.float32:
        found = f"{dataset.dtype} {dataset.shape}"
        raise _DefectError(f"layer '{name}': expected an array of float32 {shape}, got {found} in '{dataset.name}'")
    if dataset.chunks is not None and any(chunk > size for chunk, size in zip(dataset.chunks, shape, strict=True)):
        raise _DefectError(f"layer '{name}': chunks of {dataset.chunks} for an array of {shape}; save the model again")
    array: np.ndarray = dataset[()]
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):  # NaN spreads through both
        raise _DefectError(f"layer '{name}' holds NaN or infinity; the training that made it diverged")
    return array
