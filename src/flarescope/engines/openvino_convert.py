"""How does a PyTorch module of pixels become an OpenVINO graph?"""

import warnings

import openvino
import torch
from torch import nn
from torch.jit._trace import TracerWarning


def to_openvino(module: nn.Module, size: int, channels: int) -> openvino.Model:
    """Convert a frozen network by following one batch through it; that takes seconds.

    Args:
        module: called with pixels alone, float32, 0..255; it gives features `(N, F)`. Its parameters are float32 on
            the CPU, and it is in evaluation mode.
        size: height and width of the input in pixels.
        channels: of the input: 1 for three equal channels, 3 for RGB.

    Returns:
        A model from `(N, channels, size, size)` float32, any N, to `(N, F)` float32; the input is named `pixels`, the
        output `features`. It shares no memory with the module once it is compiled or saved.
    """
    # Two images, not one: a batch of one can be followed into branches that hold for one alone.
    example = torch.zeros(2, channels, size, size)
    with warnings.catch_warnings(), torch.inference_mode():
        # What of a shape becomes a constant here is meant to: the size is fixed, and the batch is no part of a branch.
        warnings.simplefilter("ignore", TracerWarning)
        # OpenVINO's own way, torch.jit, which PyTorch 2.13 calls deprecated and both still have; it also looks at all
        # attributes of a module, some of which transformers calls deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        model = openvino.convert_model(module, example_input=example, input=[-1, channels, size, size])
    model.input(0).set_names({"pixels"})
    model.output(0).set_names({"features"})
    return model
