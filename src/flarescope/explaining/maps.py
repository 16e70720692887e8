"""Which parts of an image speak for an event, by four ways of asking a network?

All of them explain the log-odds of an event as the model gives them, before any calibration: that rises with them and
would change no order of places. What stands for "nothing there" is zero field, the middle of the scale.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final

import numpy as np
import torch

from flarescope.errors import InputError
from flarescope.explaining.layers import last_map
from flarescope.explaining.watch import Relus
from flarescope.forecaster.as_torch import LogOdds

ZERO_FIELD: Final = 127.5
"""The level of zero gauss in pixels 0..255 (`images.render.scale_field`)."""

CELLS: Final = 14
"""Cells a side into which an image is cut: 16 pixels of VGG16's 224, the grid of its last convolution."""

STEPS: Final = 32
"""Points of the integral of integrated gradients (Gauss-Legendre)."""

BATCH: Final = 16


@dataclass(frozen=True)
class Map:
    """What each pixel of an image says of an event.

    Attributes:
        method: one of `METHODS`.
        values: `(S, S)` float32, larger where the image speaks more for the event. Of the three that end in `cam` not
            negative; of the others negative where it speaks against the event.
        layer: whose map a `cam` is of, or None.
        said: numbers that belong to it, such as by how much integrated gradients miss the whole difference.
    """

    method: str
    values: np.ndarray = field(repr=False)
    layer: str | None = None
    said: dict[str, float] = field(default_factory=dict)


def grad_cam(module: LogOdds, pixels: torch.Tensor, event: int) -> Map:
    """Give Grad-CAM (Selvaraju et al. 2017, ICCV, 618): channels weighted by their mean gradient, what is positive.

    The mean forgets where the gradient was: in a network whose last layers weigh places, as VGG16's do, it also shows
    places that have what counts elsewhere. `hires_cam` does not.

    Args:
        module: the model.
        pixels: `(1, C, S, S)` float32, 0..255.
        event: number of the event in the model.

    Raises:
        InputError: no layer of the network gives a map.
    """
    seen = last_map(module, pixels, event)
    cam = (seen.gradient.mean((1, 2), keepdim=True) * seen.activation).sum(0).clamp(min=0)
    return Map("grad-cam", _resized(cam, pixels.shape[-1]), seen.layer)


def hires_cam(module: LogOdds, pixels: torch.Tensor, event: int) -> Map:
    """Give HiResCAM (Draelos & Carin 2020, arXiv 2011.08891): gradient times map, place by place, what is positive.

    Where a network takes the mean of its last map, as EfficientNet-Lite and ResNet do, it is Grad-CAM.

    Raises:
        InputError: as `grad_cam`.
    """
    seen = last_map(module, pixels, event)
    return Map(
        "hires-cam", _resized((seen.gradient * seen.activation).sum(0).clamp(min=0), pixels.shape[-1]), seen.layer
    )


def guided_gradient(module: LogOdds, pixels: torch.Tensor, event: int) -> torch.Tensor:
    """Give the gradient `(C, S, S)` by guided backpropagation (Springenberg et al. 2015, arXiv 1412.6806).

    Raises:
        InputError: the network has no ReLU, by which it is defined.
    """
    pixels = pixels.detach().requires_grad_(True)
    with torch.enable_grad(), Relus(guided=True) as relus:
        (gradient,) = torch.autograd.grad(module(pixels)[0, event], pixels)
    if not relus.count:
        raise InputError(
            "guided-grad-cam: this network has no ReLU, by which guided backpropagation is defined; take grad-cam, "
            "integrated-gradients or occlusion"
        )
    return torch.as_tensor(gradient)[0]


def guided_grad_cam(module: LogOdds, pixels: torch.Tensor, event: int) -> Map:
    """Give Grad-CAM times the size of the gradient by guided backpropagation (Selvaraju et al. 2017).

    The gradient's sign is left out: it says which polarity would raise the log-odds, not how much a place matters.

    Raises:
        InputError: as `grad_cam` and `guided_gradient`.
    """
    guided = guided_gradient(module, pixels, event).sum(0).numpy()
    cam = grad_cam(module, pixels, event)
    return Map("guided-grad-cam", np.asarray(cam.values * np.abs(guided), np.float32), cam.layer)


def integrated_gradients(module: LogOdds, pixels: torch.Tensor, event: int) -> Map:
    """Give integrated gradients from zero field to the image (Sundararajan et al. 2017, ICML, 3319), by captum.

    They add up to the difference of the log-odds of the two; by how much they miss it, of that difference, stands in
    `said` as `missing`.
    """
    from captum.attr import IntegratedGradients

    zero = torch.full_like(pixels, ZERO_FIELD)
    with torch.enable_grad(), Relus():
        found = IntegratedGradients(module).attribute(
            pixels, zero, target=event, n_steps=STEPS, internal_batch_size=BATCH
        )
    with torch.inference_mode():
        ends = module(torch.cat([zero, pixels]))[:, event]
    whole = float(ends[1] - ends[0])
    missing = abs(float(found.sum()) - whole) / abs(whole) if whole else 0.0
    return Map("integrated-gradients", _summed(found), said={"difference": whole, "missing": missing})


def occlusion(module: LogOdds, pixels: torch.Tensor, event: int) -> Map:
    """Give by how much the log-odds fall where a square of 2 x 2 cells is zero field (Zeiler & Fergus 2014), by captum.

    The square moves by a cell; a pixel has the mean over the squares that hold it.
    """
    from captum.attr import Occlusion

    cell = max(1, pixels.shape[-1] // CELLS)
    channels, window = pixels.shape[1], min(2 * cell, pixels.shape[-1])
    with torch.inference_mode():
        found = Occlusion(module).attribute(
            pixels,
            sliding_window_shapes=(channels, window, window),
            strides=(channels, cell, cell),
            baselines=ZERO_FIELD,
            target=event,
            perturbations_per_eval=BATCH,
        )
    return Map("occlusion", _summed(found) / channels)


METHODS: Final[dict[str, Callable[[LogOdds, torch.Tensor, int], Map]]] = {
    "grad-cam": grad_cam,
    "hires-cam": hires_cam,
    "guided-grad-cam": guided_grad_cam,
    "integrated-gradients": integrated_gradients,
    "occlusion": occlusion,
}
BY_CAPTUM: Final = ("integrated-gradients", "occlusion")


def check_methods(methods: Sequence[str]) -> None:
    """Refuse, before the work, methods that are not known or not installed.

    Raises:
        InputError: the first of them.
    """
    for method in methods:
        if method not in METHODS:
            raise InputError(f"--method {method}: expected one of {', '.join(METHODS)}")
        if method in BY_CAPTUM and find_spec("captum") is None:
            raise InputError(f"--method {method}: captum is not installed: pip install 'flarescope[explain]'")


def _summed(attributions: torch.Tensor) -> np.ndarray:
    return np.asarray(attributions.detach()[0].sum(0).numpy(), np.float32)


def _resized(cam: torch.Tensor, size: int) -> np.ndarray:
    resized = torch.nn.functional.interpolate(cam[None, None], (size, size), mode="bilinear", align_corners=False)
    return np.asarray(resized[0, 0].detach().numpy(), np.float32)
