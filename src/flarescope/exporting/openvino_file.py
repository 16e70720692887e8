"""How does a torch module become a model of OpenVINO in a file, and what does OpenVINO make of it?"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from flarescope.exporting.metadata import KEY, OUTPUT
from flarescope.exporting.onnx_file import trace_onnx


def write_openvino(
    module: nn.Module, example: torch.Tensor, path: Path, *, source: str, said: Mapping[str, Any]
) -> None:
    """Write a model as `path` and, with its weights in fp32, the same name ending in `.bin`.

    It is converted from ONNX, which takes a second where OpenVINO's own conversion of VGG16 from torch takes twenty.
    What it is stands in its `rt_info`, key `flarescope`, as JSON.
    """
    import openvino

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        between = Path(folder) / "model.onnx"
        trace_onnx(module, example, between, source=source)
        model = openvino.convert_model(between)
        model.set_rt_info(json.dumps(dict(said)), [KEY])
        openvino.save_model(model, path, compress_to_fp16=False)


def run_openvino(path: Path, batch: np.ndarray) -> np.ndarray:
    """Forecast a batch by OpenVINO on the CPU, in fp32; `(N, E)` float32."""
    import openvino

    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(openvino.Core().read_model(path), "CPU", hint)
    return np.array(compiled({0: batch})[OUTPUT])
