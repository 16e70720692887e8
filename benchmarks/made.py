"""What are the benchmarks run on? Synthetic images, random filters, made features: speed depends on none of them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from flarescope.backbones.base import Weights
from flarescope.backbones.registry import find
from flarescope.backbones.weight_arrays import FIRST_BIASES, FIRST_FILTER, digest_of
from flarescope.backbones.weights import IMAGENET, cached_imagenet, random_weights
from flarescope.features.shards import write_shard
from flarescope.features.store import SHARD_ROWS, FeatureStore
from flarescope.forecaster.classifier import Classifier, Description
from flarescope.heads.head import glorot_head
from flarescope.images.reading import Fingerprint
from flarescope.synthetic.files import FITS_FOLDER, PNG_FOLDER, write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions

SEED = 0
IMAGES_PER_REGION = 8


def random_filters(cache: Path) -> Weights:
    """Put random filters where the cached ImageNet weights would lie, and let this process use them.

    Their first numbers are ImageNet's and their header says `imagenet`, for the program takes no other weights for
    these; speed is all that they are for.
    """
    os.environ["FLARESCOPE_CACHE"] = str(cache)
    path = cached_imagenet()
    if not path.exists():
        from safetensors.numpy import save_file

        arrays = {name: array.copy() for name, array in random_weights(SEED).load().items()}
        arrays["block1_conv1.weight"][0, 0] = FIRST_FILTER
        arrays["block1_conv1.bias"][: len(FIRST_BIASES)] = FIRST_BIASES
        said = {"family": "imagenet", "digest": digest_of(arrays), "source_digest": str(IMAGENET.digest)}
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        save_file(arrays, temporary, said)
        temporary.replace(path)
    return find("imagenet")


def images(folder: Path, number: int, *, fits: bool = False) -> tuple[Path, pd.DataFrame]:
    """Write synthetic magnetograms, once, and give the image root and a labelled table (`filename`, `class`).

    Args:
        folder: where they go.
        number: how many, rounded up to whole regions.
        fits: the 600x600 FITS files instead of the 224x224 PNG files.
    """
    regions = -(-number // IMAGES_PER_REGION)
    done = folder / f"{regions}.written"
    if not done.exists():
        made = synthetic_regions(regions, images_per_region=IMAGES_PER_REGION, seed=SEED)
        write_synthetic_images(folder, made, images_per_region=IMAGES_PER_REGION, fits_every=1)
        done.touch()
    root, suffix = (folder / FITS_FOLDER, "fits") if fits else (folder / PNG_FOLDER, "png")
    names = sorted(path.relative_to(root).as_posix() for path in root.glob(f"*/*.{suffix}"))[:number]
    return root, labelled(names)


def labelled(names: Sequence[str]) -> pd.DataFrame:
    """Give a table whose labels are made: every fourth image flares."""
    return pd.DataFrame({"filename": list(names), "class": [int(i % 4 == 0) for i in range(len(names))]})


def split(table: pd.DataFrame, folder: Path) -> dict[str, Path]:
    """Write a table as three, 80 : 10 : 10 by region."""
    regions = sorted({name.split("/")[0] for name in table["filename"]})
    first, second = round(len(regions) * 0.8), round(len(regions) * 0.9)
    parts = {"train": regions[:first], "validation": regions[first:second], "test": regions[second:]}
    paths = {}
    for name, mine in parts.items():
        paths[name] = folder / f"{name}.csv"
        table[table["filename"].str.split("/").str[0].isin(mine)].to_csv(paths[name], index=False)
    return paths


def few(tables: dict[str, Path], folder: Path) -> dict[str, str]:
    """Write the first rows of tables as tables of their own, for a warm-up."""
    paths = {}
    for name, path in tables.items():
        paths[name] = str(folder / f"few-{name}.csv")
        pd.read_csv(path).head(8).to_csv(paths[name], index=False)
    return paths


def linked_images(folder: Path, source: Path, regions: int, number: int) -> list[str]:
    """Give `number` names of images of so many regions: hard links to a few files, as a directory of a large set."""
    regions, names = min(regions, number), []
    for i in range(number):
        region, place = i % regions, i // regions
        day, rest = divmod(place * 12, 24 * 60)
        stamp = pd.Timestamp("2011-01-01") + pd.Timedelta(days=day, minutes=rest)
        names.append(f"{region + 1000}/{region + 1000}_hmi.M_720s.{stamp:%Y%m%d_%H%M%S}_TAI.1.magnetogram_224.png")
    for region in range(regions):
        (folder / str(region + 1000)).mkdir(parents=True, exist_ok=True)
        first = folder / names[region]
        if not first.exists():
            first.write_bytes(source.read_bytes())
    for i, name in enumerate(names[regions:], start=regions):
        path = folder / name
        if not path.exists():
            os.link(folder / names[i % regions], path)
    return names


def fill_made(store: FeatureStore, names: Sequence[str], root: Path, labels: np.ndarray) -> None:
    """Fill a store with made features: random numbers, a little larger where the label says event."""
    generator = np.random.default_rng(SEED)
    for first in range(0, len(names), SHARD_ROWS):
        chunk = names[first : first + SHARD_ROWS]
        features = generator.standard_normal((len(chunk), 4096), dtype=np.float32)
        np.maximum(features, 0, out=features)
        features[:, :64] += 0.3 * labels[first : first + len(chunk), np.newaxis]
        write_shard(store.folder, chunk, list(_fingerprints(chunk, root)), features)


def _fingerprints(names: Sequence[str], root: Path) -> Iterator[Fingerprint]:
    for name in names:
        stat = (root / name).stat()
        yield Fingerprint(stat.st_size, stat.st_mtime_ns, stat.st_ino, "0" * 32)


def model(path: Path, weights: Weights, *, full: bool = False) -> Path:
    """Write a model file with a head that was never trained; a full one is a Keras model with the backbone."""
    described = Description("imagenet", weights.family, weights.digest, "reference-png")
    Classifier(glorot_head(4096, SEED), described, weights).save(path, full=full)
    return path
