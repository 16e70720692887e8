"""How does a model become one torch module, from pixels or a field in gauss to calibrated probabilities?"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from flarescope.errors import InputError
from flarescope.exporting.calibrated import Calibrated
from flarescope.forecaster.as_torch import LogOdds, heads_of, log_odds_module
from flarescope.forecaster.classifier import Classifier
from flarescope.images.magnetogram import LARGEST_FIELD_GAUSS
from flarescope.images.render import DISK_LIMIT_GAUSS, FIELD_LIMIT_GAUSS, Rendering
from flarescope.images.resize import resize_operator


class FromPixels(nn.Module):
    """Pixels of a grey image in, probabilities out."""

    def __init__(self, log_odds: LogOdds, calibrated: Calibrated) -> None:
        super().__init__()
        self.log_odds, self.calibrated = log_odds, calibrated
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Forecast `(N, 1, S, S)` float32, 0..255; give `(N, E)` float32."""
        found: torch.Tensor = self.calibrated(self.log_odds(pixels))
        return found


class FromGauss(nn.Module):
    """Fields in gauss in, probabilities out; a field that could not be forecast gives NaN."""

    rows: torch.Tensor
    columns: torch.Tensor

    def __init__(self, inner: FromPixels, rendering: Rendering, shape: tuple[int, int]) -> None:
        """Take the rendering, as `images.render` has it, for fields of one shape.

        Args:
            inner: from pixels to probabilities.
            rendering: `reference-fits` or `disk-fits`.
            shape: height and width of the fields.
        """
        super().__init__()
        self.inner = inner
        self._is_disk = rendering.of_disk
        self._nan_is_zero = rendering.of_disk or rendering.nan == "zero"
        self.register_buffer("rows", torch.tensor(resize_operator(shape[0], rendering.size)))
        self.register_buffer("columns", torch.tensor(resize_operator(shape[1], rendering.size).T.copy()))
        self.eval()

    def forward(self, field_gauss: torch.Tensor) -> torch.Tensor:
        """Forecast `(N, H, W)` float32, gauss; give `(N, E)` float32."""
        if self._nan_is_zero:
            field_gauss = torch.where(torch.isnan(field_gauss), torch.zeros_like(field_gauss), field_gauss)
        is_good = field_gauss.abs() <= LARGEST_FIELD_GAUSS  # not for NaN
        field = torch.where(is_good, field_gauss, torch.zeros_like(field_gauss)).double()
        limit = DISK_LIMIT_GAUSS if self._is_disk else FIELD_LIMIT_GAUSS
        if self._is_disk:
            field = field.clamp(-limit, limit)
        pixels = ((self.rows @ field @ self.columns) / limit + 1) * 127.5
        found: torch.Tensor = self.inner(pixels.float().unsqueeze(1))
        is_bad = (~is_good).float().amax((1, 2)) > 0
        return torch.where(is_bad.unsqueeze(1), torch.full_like(found, float("nan")), found)


def forecast_module(
    parts: Sequence[Classifier], implies: np.ndarray, *, shape: tuple[int, int] | None = None
) -> FromPixels | FromGauss:
    """Make the module of models that share a backbone, one an event.

    Args:
        parts: the models.
        implies: `(E, E)` bool, which event (row) implies which (column).
        shape: height and width of fields in gauss; None for pixels.

    Raises:
        InputError: no network, or, for fields, a model of images whose scale in gauss is not known.
    """
    calibrated = Calibrated([one.decision for one in heads_of(parts)], implies)
    inner = FromPixels(log_odds_module(parts), calibrated)
    return inner if shape is None else FromGauss(inner, gauss_rendering(parts[0]), shape)


def gauss_rendering(part: Classifier) -> Rendering:
    """Say how a field in gauss becomes pixels for a model; one trained on PNG takes them as of a FITS file.

    Raises:
        InputError: a model of images whose scale in gauss is not known.
    """
    trained, size = part.description.rendering, part.weights.backbone.pixels.size
    rendering = Rendering("reference-fits", size=size) if trained is None else Rendering.from_id(trained)
    if rendering.name == "helioviewer-jpeg" or rendering.name == "given":
        raise InputError(
            f"--from gauss: the model was trained on {rendering.name} images, whose scale in gauss is not known; take "
            "--from pixels"
        )
    return rendering if rendering.files == "FITS" else Rendering("reference-fits", size=size)
