"""What weights does a Keras file hold, and are they those of VGG16?

Read are weights files and complete models as Keras 2 and 3 write them, in HDF5 or as a `.keras` zip; which of them it
is, the content says, not the suffix. A file is data here: no code in it runs, nothing is unpickled, no link is
followed, and an array's shape is checked before a byte of it is read. `keras_writing` writes a complete model.
"""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flarescope.backbones.keras.config import CLASSES, head_config, parse_config
from flarescope.backbones.keras.datasets import layers_of, read_layer
from flarescope.backbones.keras.defect import DefectError
from flarescope.backbones.keras.hdf5 import MAGIC, Array, Group, naming, opened
from flarescope.backbones.keras.layout import from_keras_layout
from flarescope.backbones.vgg16 import FEATURES, LAYER_SHAPES
from flarescope.files import translate_os_errors

_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_LIMITS = {"config.json": 16 << 20, "model.weights.h5": 4 << 30}  # bytes; VGG16 with Adam's moments is 1.6 GB


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

    file: Group
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
            head_config(source.config)
        return _read_backbone(layers_of(source.file, source.config))


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
            raise DefectError(
                "expected a complete model, got weights without one; save it with model.save, or give this file as a "
                "backbone and train a head"
            )
        head = head_config(source.config)
        if head is None:
            raise DefectError("the model ends at 'fc2'; give it as a backbone and train a head")
        layers = layers_of(source.file, source.config)
        kernel, bias = _read_head(head, layers)
        return KerasModel(_read_backbone(layers), kernel, bias, head["name"])


def _read_backbone(layers: Mapping[str, list[Array]]) -> dict[str, np.ndarray]:
    others = [name for name in layers if name not in LAYER_SHAPES]
    unexpected = [name for name in others if (layers[name][0].shape or ())[:1] != (FEATURES,)] or others[1:]
    if unexpected:
        raise DefectError(f"not VGG16: unexpected layer '{unexpected[0]}'; expected its layers and one head on 'fc2'")
    arrays = {}
    for name, shape in LAYER_SHAPES.items():
        keras_shape = (*shape[2:], *shape[1::-1])
        kernel, bias = read_layer(layers, name, keras_shape)
        arrays[f"{name}.weight"] = from_keras_layout(f"{name}.weight", kernel)
        arrays[f"{name}.bias"] = bias
    return arrays


def _read_head(settings: Mapping[str, Any], layers: Mapping[str, list[Array]]) -> tuple[np.ndarray, np.ndarray]:
    """Read kernel `(4096, 2)` and bias `(2,)` of the head."""
    name, units, activation = settings["name"], settings.get("units"), settings.get("activation")
    if units != CLASSES:
        what = "ImageNet's own classifier; " if units == 1000 else ""
        advice = "give this file as a backbone and train a head"
        raise DefectError(f"expected a head of {CLASSES} outputs, '{name}' has {units}; {what}{advice}")
    if activation != "softmax" or settings.get("use_bias") is not True:
        raise DefectError(f"expected a head with softmax and a bias, '{name}' has activation={activation!r}")
    return read_layer(layers, name, (FEATURES, CLASSES))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    """Open a Keras file; whatever is found wrong inside the block becomes one line that names the file."""
    with translate_os_errors(path, "read"), path.open("rb") as stream:
        magic = stream.read(len(MAGIC))
    if magic == MAGIC:
        with opened(path) as file:
            yield _Source(file, parse_config(file.text("model_config")))
        return
    with naming(path):
        if not magic.startswith(_ZIP_MAGIC):
            raise DefectError(f"expected a Keras file (HDF5, or the zip of .keras), got one that begins with {magic!r}")
        with _unzipped(path) as source:
            yield source


@contextlib.contextmanager
def _unzipped(path: Path) -> Iterator[_Source]:
    """Open a `.keras` file by way of a temporary copy of its weights.

    Measured on VGG16: reading through Python's seekable member takes 6 s, the copy 1.5 s, and it checks the CRC.
    """
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="flarescope-") as folder:
        config = parse_config(archive.read(_member(archive, "config.json")))
        weights = Path(folder, "model.weights.h5")
        member = _member(archive, weights.name)
        with translate_os_errors(weights), archive.open(member) as packed, weights.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
        with opened(weights, named=path) as file:
            yield _Source(file, config)


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Find a member of a `.keras` file that is not larger than a model can be."""
    if name not in archive.namelist():
        raise DefectError(f"a zip without '{name}'; expected what model.save writes to a .keras file")
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DefectError(f"'{name}' is packed as Keras does not pack it (method {info.compress_type})")
    if info.file_size > _ZIP_LIMITS[name]:
        raise DefectError(f"'{name}' claims {info.file_size} bytes; expected at most {_ZIP_LIMITS[name]}")
    return info
