"""How does a torch module of a Python program become a backbone?"""

import copy
import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from flarescope.backbones.base import Arrays, Network, Weights
from flarescope.errors import InputError
from flarescope.images.render import LARGEST_SIZE, PixelForm
from flarescope.images.resize import SIZE

if TYPE_CHECKING:
    import torch
    from torch import nn

FAMILY: Final = "module"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


class Backbone(Weights):
    """A frozen network of your own: any torch module that turns images into features.

    It goes where the name of a network goes: `train(backbone=...)`, and `load(run, backbone=...)`, which
    a model that was trained on it needs, for its file does not hold the module.

    Example:
        >>> import torch
        >>> pooled = torch.nn.Sequential(torch.nn.AvgPool2d(28), torch.nn.Flatten())
        >>> backbone = flarescope.Backbone(pooled, name="means", preprocess=lambda pixels: pixels / 255)
        >>> backbone.backbone.features
        192
    """

    def __init__(
        self,
        module: "nn.Module",
        *,
        name: str,
        size: int = SIZE,
        channels: int = 3,
        preprocess: "Callable[[torch.Tensor], torch.Tensor] | None" = None,
    ) -> None:
        """Take a module; it is copied, put into evaluation mode, and never changed.

        Args:
            module: called with pixels `(N, channels, size, size)` float32; gives `(N, F)` float32.
            name: of letters, digits, `_.-`; part of the key of its features. Modules with other weights are told apart
                by these, but another `preprocess` needs another name.
            size: height and width of its input in pixels.
            channels: of its input, 1 or 3; grey magnetograms are repeated for 3.
            preprocess: from pixels 0..255 to what the module takes; None leaves them.

        Raises:
            InputError: a bad name or size; the module does not run, or gives no features `(N, F)`.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"name {name[:40]!r}; expected up to 60 letters, digits, _ . -")
        if not 1 <= size <= LARGEST_SIZE or channels not in (1, 3):
            raise InputError(f"size {size}, channels {channels}; expected 1 to {LARGEST_SIZE} pixels, 1 or 3 channels")
        own = copy.deepcopy(module).requires_grad_(False).eval()
        arrays = {key: value.detach().cpu().numpy() for key, value in own.state_dict().items()}

        def build(_arrays: Arrays) -> Any:  # noqa: ANN401 - a torch module
            from flarescope.backbones.module_torch import Wrapped

            return Wrapped(copy.deepcopy(own), channels, preprocess)

        from flarescope.backbones.module_torch import width_of

        network = Network(
            name=f"{FAMILY}-{name}",
            features=width_of(build({}), size, name),
            build=build,
            pixels=PixelForm(size, "smooth"),
            engines=("torch", "openvino"),
            precisions=("fp32",),
        )
        super().__init__(f"{FAMILY}:{name}", _digest(arrays, size, channels), lambda: arrays, network)


def absent(family: str, digest: str, features: int) -> Weights:
    """Give the weights of a module that is not in hand: with them a model can do all but forecast images.

    Args:
        family: `module:NAME`, of the module that is meant.
        digest: of its weights.
        features: numbers an image.
    """

    def load() -> Arrays:
        raise InputError(
            f"the backbone {family} is a module of a Python program; from there, give it: load(..., backbone=...)"
        )

    name = family.replace(":", "-", 1)
    network = Network(name=name, features=features, build=lambda _: load(), engines=("torch",), precisions=("fp32",))
    return Weights(family, digest, load, network)


def _digest(arrays: dict[str, np.ndarray], size: int, channels: int) -> str:
    digest = hashlib.sha256(f"{size} {channels}".encode())
    for key, value in arrays.items():
        digest.update(f"{key} {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return f"sha256:{digest.hexdigest()}"
