"""How fast are features of efficientnet-lite0 from files: beside its engine alone, and beside what a user would write?

A user would write: PIL or astropy and scikit-image for the pixels, then the published implementation in PyTorch, eager,
batches of 16. That is measured on the same files, in turns.
"""

import shutil
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from PIL import Image
from skimage.transform import resize

import made
from common import Result, seconds, take_turns
from flarescope.backbones.base import Weights
from flarescope.backbones.efficientnet_lite import MEAN, NETWORKS, SCALE
from flarescope.backbones.efficientnet_lite_weights import packaged_file
from flarescope.backbones.registry import find
from flarescope.engines.start import start
from flarescope.features.store import FeatureStore
from flarescope.features.store_key import StoreKey
from flarescope.images.render import FIELD_LIMIT_GAUSS, Rendering
from flarescope.pipeline.featuring import Compute
from passes import batches, drain, pixels_of

NAME = "efficientnet-lite0"
BATCH = 16
FEW = 512
"""Images that the published network, eager and slow, computes; ours beside it the same."""


class Published:
    """The implementation that the weights were published for, and the pixels as its users make them."""

    def __init__(self, weights: Weights) -> None:
        from efficientnet_lite_pytorch import EfficientNet

        self._size = weights.backbone.pixels.size
        self._network = EfficientNet.from_pretrained(NAME, weights_path=str(packaged_file(NETWORKS[NAME]))).eval()

    def pixels(self, path: Path) -> np.ndarray:
        """Read a file: `(size, size)`, 0..255."""
        if path.suffix == ".png":
            return np.asarray(Image.open(path), np.float32)
        with fits.open(path) as hdus:
            hdus.verify("silentfix")
            field = np.nan_to_num(hdus[1].data)
        shape = (self._size, self._size)
        small = resize(field, shape, order=1, mode="reflect", preserve_range=True, anti_aliasing=True)
        return np.asarray((small + FIELD_LIMIT_GAUSS) / (2 * FIELD_LIMIT_GAUSS) * 255, np.float32)

    def features(self, paths: list[Path]) -> np.ndarray:
        """Give `(N, 1280)`."""
        found = []
        with torch.inference_mode():
            for first in range(0, len(paths), BATCH):
                read = np.stack([self.pixels(path) for path in paths[first : first + BATCH]])
                grey = torch.from_numpy((read - MEAN) / SCALE)[:, None]
                found.append(self._network.extract_features(grey.expand(-1, 3, -1, -1)).mean((2, 3)).numpy())
        return np.concatenate(found)


def from_files(work: Path, *, images: int, repeats: int, in_fits: bool) -> list[Result]:
    """Measure both comparisons on PNG or FITS files."""
    root, table = made.images(work / "images", images, fits=in_fits)
    names, weights = table["filename"].tolist(), find(NAME)
    rendering = Rendering.for_file(names[0], form=weights.backbone.pixels)
    choice, published = Compute().choose(weights.backbone), Published(weights)
    engine = start(choice, weights)
    pixels, paths = pixels_of(root, names, rendering), [root / name for name in names]
    drain(engine.stream(batches(pixels[:64], choice.batch)))

    def store() -> FeatureStore:
        key = StoreKey(weights.family, weights.digest, rendering.id, choice.id, choice.batch, choice.streams)
        own = {"network": weights.backbone.name, "features": weights.backbone.features}
        shutil.rmtree(work / "store", ignore_errors=True)
        return FeatureStore(work / "store", StoreKey(**{**vars(key), **own}))

    def ours(count: int) -> float:
        fresh = store()
        return count / seconds(lambda: fresh.build(names[:count], root, lambda: engine, workers=Compute().threads()))

    kept = store()
    kept.build(names, root, lambda: engine, workers=Compute().threads())
    first, theirs = kept.rows(names[:BATCH])[np.arange(BATCH)], published.features(paths[:BATCH])
    error = float(np.linalg.norm(first - theirs) / np.linalg.norm(theirs))
    kind, ending = ("FITS 600x600", "fits") if in_fits else ("PNG 224x224", "png")
    few = min(images, FEW)
    alone = take_turns(
        repeats,
        lambda: ours(images),
        lambda: images / seconds(lambda: drain(engine.stream(batches(pixels, choice.batch)))),
    )
    eager = take_turns(repeats, lambda: ours(few), lambda: few / seconds(lambda: published.features(paths[:few])))

    def what(count: int) -> str:
        return f"{NAME} from file to stored feature, {count:,} {kind}, {choice.id}"

    return [
        Result(
            f"lite_{ending}_engine",
            what(images),
            "images/s",
            alone[0],
            "the engine alone on the same pixels in memory",
            alone[1],
            target=None if in_fits else 0.9,
        ),
        Result(
            f"lite_{ending}_eager",
            what(few),
            "images/s",
            eager[0],
            f"{'astropy and scikit-image' if in_fits else 'PIL'}, then the published network in PyTorch, eager, fp32",
            eager[1],
            target=2 if in_fits else 1,
            note=f"features differ by {error:.1g} of themselves",
        ),
    ]
