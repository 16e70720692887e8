"""How does OpenVINO compute some layers of a converted network in bf16 and the others in fp32?

A layer with the mark `precise`, an attribute in OpenVINO's files, stays in fp32 on its CPU when bf16 is asked for.
Marks get lost where OpenVINO rewrites a graph, as it does with most products of matrices; those of convolutions stay.
So what is chosen is measured as it runs, and nothing is concluded from the marks.
"""

import contextlib
import hashlib
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino

from flarescope.engines.openvino_bf16 import AIM, Choice, Layers, choose_layers, error_of, made_pixels
from flarescope.errors import FlarescopeError
from flarescope.files import read_json, write_json
from flarescope.json_values import are_texts

_LAYER: Final = re.compile(r'<layer id="\d+" name="([^"]*)" type="([^"]*)"[^>]*>(?:\s*<data [^>]*/>)?')
_PRECISE: Final = '<rt_info><attribute name="precise" version="0" /></rt_info>'
_NO_LAYERS: Final = ("Const", "Parameter", "Result")


def marked(text: str, layers: Layers) -> str:
    """Mark all layers but these as such that stay in fp32.

    Args:
        text: of a model as OpenVINO writes it, without marks.
        layers: in bf16.
    """
    if layers is None:
        return text

    def mark(found: re.Match[str]) -> str:
        is_exact = found[2] not in _NO_LAYERS and found[1] not in layers
        return found[0] + (_PRECISE if is_exact else "")

    return _LAYER.sub(mark, text)


def read(folder: Path, layers: Layers) -> Any:  # noqa: ANN401 - openvino is untyped
    """Read a network of which these layers are computed in bf16 when that is asked for.

    Args:
        folder: with `graph.xml` and `graph.bin`, as OpenVINO wrote them. It may be deleted afterwards.
        layers: in bf16.
    """
    text = marked((folder / "graph.xml").read_text("utf-8"), layers)
    return openvino.Core().read_model(text, openvino.Tensor(np.fromfile(folder / "graph.bin", np.uint8)))


def multiplications_of(graph: Any) -> dict[str, float]:  # noqa: ANN401
    """Count the multiplications of each layer that has weights of its own: places of its result times weights.

    Args:
        graph: of one image; all its shapes are known.

    Returns:
        By the layer's name. Convolutions of single channels have few and are left out.
    """
    found = {}
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind in ("Convolution", "MatMul") and node.input_value(1).get_node().get_type_name() == "Constant":
            result, weights = list(node.get_output_shape(0)), math.prod(node.input_value(1).get_shape())
            found[node.get_friendly_name()] = math.prod(result) / result[1 if kind == "Convolution" else -1] * weights
    return found


def measured(folder: Path, size: int, channels: int) -> Choice:
    """Measure on this processor what of a network is to be computed in bf16, and keep a note of it in the folder.

    That takes a compilation and a short pass for each larger layer, unless the whole network bears bf16, or would not
    keep its features with all marks.

    Args:
        folder: see `read`.
        size: height and width of its pixels.
        channels: of its pixels.
    """
    pixels, plain = made_pixels(size, channels), read(folder, None)
    plain.reshape([1, channels, size, size])

    def features(layers: Layers, hint: str = "bf16") -> np.ndarray:
        compiled = openvino.Core().compile_model(read(folder, layers), "CPU", {"INFERENCE_PRECISION_HINT": hint})
        return np.array(compiled(pixels)[0], np.float64)

    exact = features(None, "f32")
    choice = choose_layers(lambda layers: error_of(features(layers), exact), multiplications_of(plain))
    layers = None if choice.layers is None else sorted(choice.layers)
    with contextlib.suppress(FlarescopeError):  # a cache that cannot be written costs the time again
        write_json(_note(folder), {**asdict(choice), "layers": layers})
    return choice


def remembered(folder: Path) -> Choice | None:
    """Give what was measured on such a processor; None where nothing was, or its note is damaged."""
    try:
        kept = read_json(_note(folder))
        layers, *numbers = (kept[one] for one in ("layers", "error", "error_of_whole", "share"))
        error, error_of_whole, share = map(float, numbers)
    except (FlarescopeError, KeyError, OverflowError, TypeError, ValueError):
        return None
    if not (layers is None or are_texts(layers)) or not error <= AIM:
        return None
    return Choice(None if layers is None else frozenset(layers), error, error_of_whole, share)


def _note(folder: Path) -> Path:
    """Name the note for this kind of processor: another may round otherwise, or not at all."""
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME").strip()
    digest = hashlib.sha256(f"{processor} {AIM}".encode() + made_pixels(16, 1).tobytes())  # and by what it was chosen
    return folder / f"bf16-{digest.hexdigest()[:16]}.json"
