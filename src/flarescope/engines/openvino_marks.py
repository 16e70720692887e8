"""How does OpenVINO compute some layers of a converted network in bf16 and the others in fp32?

A layer with the mark `precise`, an attribute in OpenVINO's files, stays in fp32 on its CPU when bf16 is asked for.
Marks get lost where OpenVINO rewrites a graph, as it does with most products of matrices; those of convolutions stay.
So what is chosen is measured as it runs, and nothing is concluded from the marks.
"""

import math
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino

_LAYER: Final = re.compile(r'<layer id="\d+" name="([^"]*)" type="([^"]*)"[^>]*>(?:\s*<data [^>]*/>)?')
_PRECISE: Final = '<rt_info><attribute name="precise" version="0" /></rt_info>'
_NO_LAYERS: Final = ("Const", "Parameter", "Result")


def marked(text: str, layers: frozenset[str] | None) -> str:
    """Mark all layers but these as such that stay in fp32.

    Args:
        text: of a model as OpenVINO writes it, without marks.
        layers: in bf16; None is all.
    """
    if layers is None:
        return text

    def mark(found: re.Match[str]) -> str:
        is_exact = found[2] not in _NO_LAYERS and found[1] not in layers
        return found[0] + (_PRECISE if is_exact else "")

    return _LAYER.sub(mark, text)


def read(folder: Path, layers: frozenset[str] | None) -> Any:  # noqa: ANN401 - openvino is untyped
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
