"""What of a converted network does this processor compute in bf16? Measured once, and kept beside the graph."""

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from flarescope.engines.openvino_bf16 import AIM, NOTHING, WHOLE, Choice, Plan, choose_plan, error_of, made_pixels
from flarescope.engines.openvino_marks import multiplications_of, read
from flarescope.engines.openvino_parts import cut, places
from flarescope.errors import FlarescopeError
from flarescope.files import read_json, write_json
from flarescope.json_values import are_texts


def parts_of(folder: Path, plan: Plan) -> Sequence[Any]:
    """Read a network as it is planned: one graph, or what is in fp32 and what is in bf16 behind it.

    Args:
        folder: see `openvino_marks.read`.
        plan: for it.
    """
    graph = read(folder, plan.layers)
    return cut(graph, plan.behind) if plan.behind else (graph,)


def measured(folder: Path, size: int, channels: int) -> Choice:
    """Measure on this processor what of a network is to be computed in bf16, and keep a note of it in the folder.

    That takes a compilation and a short pass for each larger layer, and some five for where to cut, unless the whole
    network bears bf16.

    Args:
        folder: see `openvino_marks.read`.
        size: height and width of its pixels.
        channels: of its pixels.
    """
    pixels, plain = made_pixels(size, channels), read(folder, None)
    plain.reshape([1, channels, size, size])
    exact = _features(folder, WHOLE, pixels, "f32")

    def error(plan: Plan) -> float:
        return error_of(_features(folder, plan, pixels, "bf16"), exact)

    multiplications = multiplications_of(plain)
    choice = choose_plan(error, multiplications, places(plain, multiplications))
    with contextlib.suppress(FlarescopeError):  # a cache that cannot be written costs the time again
        _keep(choice, _note(folder))
    return choice


def _features(folder: Path, plan: Plan, pixels: np.ndarray, hint: str) -> np.ndarray:
    """Compute features; the precision is that of the last graph, all before it are fp32."""
    *before, last = parts_of(folder, plan)
    values = [pixels]
    for graph, precision in (*((one, "f32") for one in before), (last, hint)):
        results = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})(values)
        values = [results[place] for place in range(len(results))]
    return np.array(values[0], np.float64)


def _keep(choice: Choice, note: Path) -> None:
    layers = None if choice.plan.layers is None else sorted(choice.plan.layers)
    numbers = {"error": choice.error, "error_of_whole": choice.error_of_whole, "share": choice.share}
    write_json(note, {"layers": layers, "behind": choice.plan.behind, **numbers})


def remembered(folder: Path) -> Choice | None:
    """Give what was measured on such a processor; None where nothing was, or its note is damaged."""
    try:
        kept = read_json(_note(folder))
        layers, behind, *numbers = (kept[one] for one in ("layers", "behind", "error", "error_of_whole", "share"))
        error, error_of_whole, share = map(float, numbers)
        is_there = behind == "" or f' name="{behind}" ' in (folder / "graph.xml").read_text("utf-8")
    except (FlarescopeError, KeyError, OSError, OverflowError, TypeError, ValueError):
        return None
    if not (layers is None or are_texts(layers)) or not is_there or not 0 <= share <= 1:
        return None
    plan = Plan(None if layers is None else frozenset(layers), behind)
    return Choice(plan, error, error_of_whole, share) if error <= AIM or plan == NOTHING else None


def _note(folder: Path) -> Path:
    """Name the note for this kind of processor: another may round otherwise, or not at all."""
    processor = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME").strip()
    digest = hashlib.sha256(f"{processor} {AIM}".encode() + made_pixels(16, 3).tobytes())  # and by what it was chosen
    return folder / f"bf16-{digest.hexdigest()[:16]}.json"
