"""Which made images is an exported file compared on, and what does flarescope itself forecast for them?"""

from typing import Final

import numpy as np
import torch

from flarescope.exporting.module import FromGauss, FromPixels, gauss_rendering
from flarescope.images.render import Rendering, render_disk, render_field
from flarescope.pipeline.model_parts import ModelParts

MADE: Final = 12
COMPARED: Final = 3
"""Of the made images those are compared whose probabilities are nearest 1/2, where a difference shows most."""


def made_fields(shape: tuple[int, int]) -> np.ndarray:
    """Make fields of two spots in noise (synthetic), `(MADE, H, W)` float32 gauss, from weak to strong."""
    rows, columns = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    generator = np.random.default_rng(0)
    fields = []
    for number in range(MADE):
        row, column, apart = generator.uniform(0.3, 0.7, 3)
        spots = [np.exp(-((rows - row) ** 2 + (columns - column - sign * apart / 5) ** 2) / 0.005) for sign in (-1, 1)]
        fields.append(100 * 1.4**number * (spots[0] - spots[1]) + generator.normal(0, 20, shape))
    return np.array(fields, np.float32)


def made_pixels(size: int) -> np.ndarray:
    """Render made fields as a network takes them, `(MADE, 1, size, size)` float32."""
    return np.stack([render_field(field.astype(np.float64), size) for field in made_fields((size, size))])


def most_telling(expected: np.ndarray) -> np.ndarray:
    """Choose images by their probabilities `(N, E)`: places of those that are nearest 1/2 in the mean of the events."""
    clipped = np.clip(expected, 1e-15, 1 - 1e-15)
    return np.argsort(np.abs(np.log(clipped / (1 - clipped))).mean(axis=1), kind="stable")[:COMPARED]


def forecast_here(found: ModelParts, module: FromPixels | FromGauss, batch: np.ndarray) -> np.ndarray:
    """Forecast a batch without the exported graph's own rendering, heads and calibration.

    Args:
        found: the models.
        module: whose network is run in torch, fp32.
        batch: pixels, or fields in gauss.

    Returns:
        `(N, E)` float64.
    """
    inner = module.inner if isinstance(module, FromGauss) else module
    pixels = _rendered(gauss_rendering(found.parts[0]), batch) if isinstance(module, FromGauss) else batch
    with torch.inference_mode():
        features = inner.log_odds.backbone(torch.from_numpy(pixels)).numpy()
    return found.probability(np.stack([part.head.probability(features) for part in found.parts], axis=1))


def _rendered(rendering: Rendering, fields: np.ndarray) -> np.ndarray:
    render = render_disk if rendering.of_disk else render_field
    return np.stack([render(field.astype(np.float64), rendering.size) for field in fields])
