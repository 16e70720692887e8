"""How does a network become graphs of OpenVINO, one for each number of channels?

VGG16's is written out. Any other is converted from its torch module, which takes seconds and needs torch, so that what
came out is kept in the cache: a folder for each network, weights, number of channels and version of OpenVINO.
"""

import contextlib
import shutil
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flarescope.backbones.base import Arrays, Weights
from flarescope.backbones.module import FAMILY as MODULE
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.weights import cache_dir
from flarescope.engines.openvino import Graphs
from flarescope.errors import FlarescopeError
from flarescope.files import make_folder, replace_durably


def graphs_of(weights: Weights, arrays: Arrays) -> Graphs:
    """Give the maker of a network's graphs."""
    if weights.backbone is VGG16:
        from flarescope.engines.vgg16_openvino import build

        return partial(build, arrays)
    return partial(_converted, weights, arrays)


def cached_graph(weights: Weights, channels: int) -> Path:
    """Name the folder of a converted graph."""
    digest = weights.digest.removeprefix("sha256:")[:16]
    name = weights.backbone.name.replace("/", "-").replace(":", "-")
    return cache_dir() / "openvino" / f"{name}-{digest}-{channels}-{version('openvino')}"


def _converted(weights: Weights, arrays: Arrays, channels: int) -> Any:  # noqa: ANN401 - openvino is untyped
    import openvino

    folder = cached_graph(weights, channels)  # a module's preprocessing is in no digest: it is never kept
    with contextlib.suppress(RuntimeError):  # none is there, or it is damaged: it is made anew
        return openvino.Core().read_model(folder / "graph.xml")
    from flarescope.engines.openvino_convert import to_openvino

    graph = to_openvino(weights.backbone.build(arrays), weights.backbone.pixels.size, channels)
    if not weights.is_random and not weights.family.startswith(MODULE):
        with contextlib.suppress(FlarescopeError, OSError):  # a cache that cannot be written costs the time again
            _keep(graph, folder)
    return graph


def _keep(graph: Any, folder: Path) -> None:  # noqa: ANN401 - openvino is untyped
    import openvino

    temporary = make_folder(folder.parent) / f".{folder.name}.part"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        openvino.save_model(graph, temporary / "graph.xml", compress_to_fp16=False)
        shutil.rmtree(folder, ignore_errors=True)  # of a damaged one
        replace_durably(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
