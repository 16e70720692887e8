"""How does a torch module become an ONNX file, and what does onnxruntime make of it?"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from flarescope.errors import InputError
from flarescope.exporting.metadata import KEY, OUTPUT
from flarescope.parsing import reason

OPSET: Final = 17
"""Of 2022; onnxruntime reads it from 1.12 on, OpenVINO 2023 on."""


def check_onnx() -> None:
    """Refuse, before the work, where the packages are not there.

    Raises:
        InputError: onnx or onnxruntime is missing.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise InputError(f"--to onnx: {' and '.join(missing)} not installed: pip install 'flarescope[export]'")


def trace_onnx(module: nn.Module, example: torch.Tensor, path: Path, *, source: str) -> None:
    """Write a module as ONNX by following a batch through it; the number of images stays free.

    Args:
        module: in evaluation mode.
        example: a batch of two: one of one could be followed into branches that hold for one alone.
        path: of the file.
        source: name of the input.

    Raises:
        InputError: the network has an operation that ONNX lacks.
    """
    axes = {source: {0: "N"}, OUTPUT: {0: "N"}}
    with warnings.catch_warnings(), torch.inference_mode(), fixed_places(module, example):
        # The exporter by torch.jit, which PyTorch calls deprecated and still has: its successor takes ten times as long
        # here and another package (onnxscript).
        warnings.simplefilter("ignore")
        options: dict[str, Any] = {"dynamic_axes": axes, "opset_version": OPSET, "dynamo": False}
        try:
            torch.onnx.export(module, (example,), str(path), input_names=[source], output_names=[OUTPUT], **options)
        except Exception as error:  # of many kinds, by what the network does
            raise InputError(
                f"this network cannot be written as ONNX opset {OPSET} ({reason(error)}); take --to state-dict or --to "
                "folder"
            ) from error


@contextmanager
def fixed_places(module: nn.Module, example: torch.Tensor) -> Iterator[None]:
    """Let networks of transformers take what they add for places as it comes for this size of image.

    While they are followed they would interpolate it anew, by an operation that ONNX lacks, although the size is fixed.
    """
    name = "interpolate_pos_encoding"
    parts = [part for part in module.modules() if callable(getattr(part, name, None))]
    kept: dict[int, Any] = {}
    for number, part in enumerate(parts):
        own = getattr(part, name)

        def keep(*given: Any, number: int = number, own: Any = own, **more: Any) -> Any:  # noqa: ANN401 - theirs
            if number not in kept:
                kept[number] = own(*given, **more)
            return kept[number]

        part.__dict__[name] = keep
    try:
        if parts:
            module(example)
        yield
    finally:
        for part in parts:
            del part.__dict__[name]


def write_onnx(module: nn.Module, example: torch.Tensor, path: Path, *, source: str, said: Mapping[str, Any]) -> None:
    """Write an ONNX file that says what it is (`metadata_props`, key `flarescope`, JSON)."""
    import onnx

    trace_onnx(module, example, path, source=source)
    more = onnx.ModelProto(producer_name="flarescope", producer_version=str(said["flarescope"]))
    more.doc_string = "; ".join(str(event["code"]) for event in said["events"])
    onnx.helper.set_model_props(more, {KEY: json.dumps({**said, "opset": OPSET})})
    # What is appended to a message in the wire format is merged into it; to write VGG16 anew takes 8 s.
    # https://protobuf.dev/programming-guides/encoding/#last-one-wins
    with path.open("ab") as file:
        file.write(more.SerializeToString())
    onnx.checker.check_model(str(path))


def run_onnx(path: Path, batch: np.ndarray) -> np.ndarray:
    """Forecast a batch by onnxruntime on the CPU; `(N, E)` float32."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run([OUTPUT], {session.get_inputs()[0].name: batch})
    return np.asarray(found)
