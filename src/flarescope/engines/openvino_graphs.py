"""How does a network become graphs of OpenVINO, one for each number of channels?

VGG16's is written out. Any other is converted from its torch module, which takes seconds and needs torch, so that what
came out is kept in the cache: a folder for each network, weights, number of channels and version of OpenVINO. Beside
the graph lies what of it a kind of processor may compute in bf16.
"""

import contextlib
import shutil
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from flarescope.backbones.base import Arrays, Weights
from flarescope.backbones.module import FAMILY as MODULE
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.weights import cache_dir
from flarescope.engines.base import MIXED
from flarescope.engines.openvino import Graphs
from flarescope.errors import FlarescopeError
from flarescope.files import make_folder, replace_durably
from flarescope.locks import locked
from flarescope.progress import warn_user

if TYPE_CHECKING:
    from flarescope.engines.openvino_bf16 import Choice

FORM: Final = 2
"""Of the graphs in the cache: another once a network's module computes the same by other operations."""


def graphs_of(weights: Weights, arrays: Arrays, precision: str = "fp32") -> Graphs:
    """Give the maker of a network's graphs.

    Args:
        weights: of the network.
        arrays: of the weights; they must outlive what is made.
        precision: see `engines.base.EngineChoice`. With `MIXED` what stays in fp32 is marked, or a graph of its own.
    """
    if weights.backbone is VGG16:
        from flarescope.engines.vgg16_openvino import build

        return lambda channels: (build(arrays, channels),)
    if precision == MIXED:
        return partial(_mixed, weights, arrays, {})
    return lambda channels: (_converted(weights, arrays, channels),)


def cached_graph(weights: Weights, channels: int) -> Path:
    """Name the folder of a converted graph."""
    digest = weights.digest.removeprefix("sha256:")[:16]
    name = weights.backbone.name.replace("/", "-").replace(":", "-")
    return cache_dir() / "openvino" / f"{name}-{digest}-{channels}-{version('openvino')}-{FORM}"


def _converted(weights: Weights, arrays: Arrays, channels: int) -> Any:  # noqa: ANN401 - openvino is untyped
    import openvino

    folder = cached_graph(weights, channels)  # a module's preprocessing is in no digest: it is never kept
    with contextlib.suppress(RuntimeError):  # none is there, or it is damaged: it is made anew
        return openvino.Core().read_model(folder / "graph.xml")
    from flarescope.engines.openvino_convert import to_openvino

    graph = to_openvino(weights.backbone.build(arrays), weights.backbone.pixels.size, channels)
    if _is_kept(weights):
        # A cache that cannot be written, or that another process writes, costs the time again; OpenVINO says with a
        # RuntimeError that it cannot write.
        with contextlib.suppress(FlarescopeError, OSError, RuntimeError):
            _keep(graph, folder)
    return graph


def _mixed(weights: Weights, arrays: Arrays, chosen: dict[int, "Choice"], channels: int) -> Sequence[Any]:
    """Give what of a network is fp32 and bf16. What is measured is kept beside the graph, or forgotten with it.

    Args:
        weights: of the network.
        arrays: of the weights.
        chosen: what was chosen before by number of channels, so that it is measured and said once; it is added to.
        channels: of the pixels.

    Raises:
        InputError: no part of the network bears bf16.
    """
    import openvino

    from flarescope.engines.openvino_bf16 import WHOLE, check, in_words
    from flarescope.engines.openvino_choice import measured, parts_of, remembered

    folder, size, name = cached_graph(weights, channels), weights.backbone.pixels.size, weights.backbone.name
    with TemporaryDirectory() as made:
        graph = _converted(weights, arrays, channels)
        if not _is_kept(weights) or not (folder / "graph.xml").is_file():
            folder = Path(made)
            openvino.save_model(graph, folder / "graph.xml", compress_to_fp16=False)
        if channels not in chosen:
            choice = remembered(folder) or measured(folder, size, channels)
            check(name, choice)
            if choice.plan != WHOLE:
                warn_user(in_words(name, choice))
            chosen[channels] = choice
        return parts_of(folder, chosen[channels].plan)


def _is_kept(weights: Weights) -> bool:
    return not weights.is_random and not weights.family.startswith(MODULE)


def _keep(graph: Any, folder: Path) -> None:  # noqa: ANN401 - openvino is untyped
    """Write a graph into the cache, unless another process did meanwhile: somebody may be reading that one.

    Raises:
        FlarescopeError: another process is writing it, or it cannot be written.
        OSError, RuntimeError: it cannot be written.
    """
    import openvino

    with locked(make_folder(folder.parent) / f"{folder.name}.graph"):
        with contextlib.suppress(RuntimeError):
            openvino.Core().read_model(folder / "graph.xml")
            return
        temporary = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed process
        try:
            openvino.save_model(graph, temporary / "graph.xml", compress_to_fp16=False)
            shutil.rmtree(folder, ignore_errors=True)  # of a damaged one
            replace_durably(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
