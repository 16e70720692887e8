"""How is a user's torch module called, and how many features does it give?"""

from collections.abc import Callable

import torch
from torch import nn

from flarescope.errors import InputError, one_line


class Wrapped(nn.Module):
    """A module with its preprocessing: pixels in, features out."""

    def __init__(
        self, module: nn.Module, channels: int, preprocess: Callable[[torch.Tensor], torch.Tensor] | None
    ) -> None:
        super().__init__()
        self.module, self._channels, self._preprocess = module, channels, preprocess
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Compute the features of a batch.

        Args:
            pixels: `(N, 1, S, S)` or `(N, 3, S, S)` RGB, 0..255, float32 or uint8. A colour image for a module of one
                channel becomes the mean of its three.
            dtype: what the module computes in; its parameters must have it.

        Returns:
            `(N, F)` float32.
        """
        x = pixels.float()
        if x.shape[1] != self._channels:
            x = x.expand(-1, 3, -1, -1) if self._channels == 3 else x.mean(dim=1, keepdim=True)
        features: torch.Tensor = self.module((self._preprocess(x) if self._preprocess else x).to(dtype))
        return features.float()


def width_of(network: Wrapped, size: int, name: str) -> int:
    """Give the number of features by running two black images.

    Raises:
        InputError: the module fails, or gives something else than `(2, F)`.
    """
    try:
        with torch.inference_mode():
            features = network(torch.zeros(2, 1, size, size))
    except Exception as error:  # whatever a user's module raises
        raise InputError(
            f"backbone {name}: it fails on images of {size} x {size} pixels ({one_line(error, 120)}); check size, "
            "channels and preprocess"
        ) from error
    if features.ndim != 2 or len(features) != 2 or not features.shape[1]:
        raise InputError(
            f"backbone {name}: it gives {tuple(features.shape)} for 2 images; expected (2, F): pool and flatten"
        )
    return int(features.shape[1])
