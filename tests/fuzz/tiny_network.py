"""How small can VGG16 be made, so that its files are of a size that can be changed thousands of times?

The layers keep their names and kinds; their widths become 1 to 16. The program's own constants are replaced, so this is
for a process of its own.
"""

import importlib

import numpy as np

WIDTH = 16
"""Of `fc1` and `fc2`, for 4,096."""
MODULES = (
    *("backbones.vgg16", "backbones.vgg16_torch", "backbones.keras.reading", "backbones.keras.writing"),
    *("features.store", "features.shards", "features.gather", "forecaster.classifier"),
)


def shrink() -> None:
    """Let every module of the program in this process take the tiny network for VGG16."""
    from flarescope.backbones import vgg16 as vgg

    channels = 3
    for name in list(vgg.LAYER_SHAPES):
        if name.startswith("block"):
            vgg.LAYER_SHAPES[name] = (2, channels, 3, 3)  # type: ignore[index]
            channels = 2
    vgg.LAYER_SHAPES["fc1"], vgg.LAYER_SHAPES["fc2"] = (WIDTH, channels * 49), (WIDTH, WIDTH)  # type: ignore[index]
    for module in MODULES:
        found = importlib.import_module(f"flarescope.{module}")
        if hasattr(found, "FEATURES"):
            found.FEATURES = WIDTH


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Draw weights of the tiny network, in PyTorch's layout."""
    from flarescope.backbones.vgg16 import LAYER_SHAPES

    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in LAYER_SHAPES.items():
        found[f"{name}.weight"] = rng.standard_normal(shape, dtype=np.float32)
        found[f"{name}.bias"] = rng.standard_normal(shape[0], dtype=np.float32)
    return found


def head(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw kernel `(WIDTH, 2)` and bias `(2,)` of a head."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((WIDTH, 2), dtype=np.float32), rng.standard_normal(2, dtype=np.float32)
