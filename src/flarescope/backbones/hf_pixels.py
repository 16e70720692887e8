"""Which size, mean and scale of pixels belong to a network of transformers?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""Of ImageNet's training images, red, green, blue, pixels 0..1: what most networks are trained with."""

SMALLEST: Final = 8
LARGEST: Final = 4096


@dataclass(frozen=True)
class Pixels:
    """What is done to RGB pixels 0..255 before the first layer: (pixel * factor - mean) / std.

    Attributes:
        size: height and width.
        factor: mostly 1 / 255.
        mean, std: of red, green, blue.
        own: whether the numbers come from the network's `preprocessor_config.json`; else they are ImageNet's.
    """

    size: int
    factor: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    own: bool

    def __str__(self) -> str:
        """Give the preprocessing in words."""
        mean, std = (", ".join(f"{number:.4g}" for number in numbers) for numbers in (self.mean, self.std))
        whose = "" if self.own else "; ImageNet's, since it came without a preprocessor_config.json"
        return f"RGB times {self.factor:.4g}, less {mean}, over {std}{whose}"


def pixels_of(said: Mapping[str, Any] | None, config: Mapping[str, Any], path: Path) -> Pixels:
    """Read the preprocessing of a network.

    Args:
        said: what `preprocessor_config.json` holds, or None where there is none.
        config: what `config.json` holds.
        path: of the former, for messages.

    Raises:
        InputError: numbers that are none, or another kind of preprocessing.
    """
    if config.get("num_channels", 3) != 3:
        raise InputError(f"{path.parent}: a network of {config['num_channels']} channels; expected one of RGB images")
    size = _size(said or {}, config, path)
    if said is None:
        return Pixels(size, 1 / 255, IMAGENET_MEAN, IMAGENET_STD, own=False)
    if said.get("rescale_offset"):
        raise InputError(f"{path}: rescale_offset is not known here; from Python any torch module can be run")
    factor = said.get("rescale_factor", 1 / 255) if said.get("do_rescale", True) else 1.0
    mean: Any = (0.0, 0.0, 0.0)
    std: Any = (1.0, 1.0, 1.0)
    if said.get("do_normalize", True):
        mean, std = said.get("image_mean", IMAGENET_MEAN), said.get("image_std", IMAGENET_STD)
    numbers = (_numbers([factor], 1), _numbers(mean, 3), _numbers(std, 3))
    if not all(numbers) or factor <= 0 or min(std) <= 0:
        raise InputError(
            f"{path}: expected rescale_factor, image_mean and image_std as 1, 3 and 3 numbers; got "
            f"{str((factor, mean, std))[:80]}"
        )
    return Pixels(size, float(factor), numbers[1], numbers[2], own=True)  # type: ignore[arg-type]


def _numbers(values: object, number: int) -> tuple[float, ...]:
    """Give finite numbers as a tuple, or nothing where they are others."""
    if not isinstance(values, list | tuple) or len(values) != number:
        return ()
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return ()
    return tuple(float(value) for value in values) if all(map(math.isfinite, values)) else ()


def _size(said: Mapping[str, Any], config: Mapping[str, Any], path: Path) -> int:
    """Find the size: of the crop, else of the resized image, else of the configuration, else 224."""
    size = said.get("crop_size") if said.get("do_center_crop") else None
    size = size or said.get("size") or config.get("image_size") or 224
    if isinstance(size, dict):
        size = size.get("shortest_edge") or (size.get("height") if size.get("height") == size.get("width") else None)
    if isinstance(size, list) and len(size) == 2 and size[0] == size[1]:
        size = size[0]
    if not isinstance(size, int) or isinstance(size, bool) or not SMALLEST <= size <= LARGEST:
        raise InputError(f"{path}: expected a square size of {SMALLEST} to {LARGEST} pixels; got {str(size)[:60]}")
    return size
