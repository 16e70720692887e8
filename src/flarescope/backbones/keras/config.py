"""Is a model's configuration that of VGG16, and what is its head?

The configuration is JSON, in the form of Keras 2 or 3. It is compared with what VGG16 is; nothing is built from it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from flarescope.backbones.keras.defect import DefectError
from flarescope.backbones.vgg16 import BLOCKS, IMAGE_SIZE, LAYER_SHAPES
from flarescope.errors import InputError
from flarescope.parsing import parse_json


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

_ADDED_LATER = {"groups", "data_format"}  # older files lack them; the default is what VGG16 has
_NETWORKS = {"Functional", "Model", "Sequential"}


def parse_config(text: object) -> Mapping[str, Any] | None:
    """Read a configuration as Keras stores it, text or UTF-8; `None` stays `None`."""
    if text is None:
        return None
    try:
        config = parse_json(text, "the model's configuration", strict=False) if isinstance(text, str | bytes) else None
    except InputError:
        config = None
    if not isinstance(config, dict):
        raise DefectError("the model's configuration is not JSON as Keras writes it; save the model again")
    return config


def head_config(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Check that a model is VGG16 and give the settings of the head's layer, if it has one.

    A dropout layer does nothing in inference and may stand anywhere. What the model was compiled with is not looked at.
    """
    try:
        layers = [layer for layer in _chain(config) if layer["class_name"] not in {"InputLayer", "Dropout"}]
        for expected, layer in zip(LAYERS, layers, strict=False):
            _check_layer(layer, expected)
        if len(layers) < len(LAYERS):
            raise DefectError(f"not VGG16 with its fully connected layers: missing layer '{LAYERS[len(layers)][1]}'")
        head = layers[len(LAYERS) :]
        if len(head) > 1 or (head and head[0]["class_name"] != "Dense"):
            raise _unexpected(head[-1], "at most one Dense layer after 'fc2'")
        return head[0]["config"] if head else None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DefectError("the model's configuration is not of a form that Keras writes; save it again") from error


def _chain(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the layers of a functional model in which each one simply follows the one before."""
    if config["class_name"] not in {"Functional", "Model"}:
        form = "save it as keras.Model(vgg.input, head(vgg.get_layer('fc2').output))"
        raise DefectError(f"expected a functional model, got a '{config['class_name']}'; {form}")
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
        raise DefectError(f"not VGG16: expected an input of shape {INPUT_SHAPE}, got {shape}")
    if _tensor_names(config["config"]["output_layers"]) != [last["config"]["name"]]:
        raise DefectError(f"not a classifier: expected one output, of the last layer '{last['config']['name']}'")
    return layers


def _check_class(layer: Mapping[str, Any]) -> None:
    class_name, name = layer["class_name"], layer["config"]["name"]
    if class_name in _NETWORKS:
        line = f"'{name}' is a network inside the network ({class_name}), which is not read"
        raise DefectError(f"{line}; build the head on vgg.get_layer('fc2').output")
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
            raise DefectError(f"not VGG16: layer '{settings['name']}' has {key}={found!r}, expected {value!r}")


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
        raise DefectError(f"layer '{layer['config']['name']}' is called with training=True; expected inference")
    return _tensor_names(tensors)


def _tensor_names(tensors: Sequence[Any]) -> list[str]:
    """Give the layers in `[[name, node, tensor], ...]`; Keras 3 writes a single one without the outer list."""
    return [tensors[0]] if tensors and isinstance(tensors[0], str) else [tensor[0] for tensor in tensors]


def _unexpected(layer: Mapping[str, Any], expected: str) -> DefectError:
    name, class_name = layer["config"]["name"], layer["class_name"]
    return DefectError(f"not VGG16: unexpected layer '{name}' ({class_name}); expected {expected}")
