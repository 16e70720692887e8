"""How much memory do long passes take beside the network, and do they slow down as they grow?

    python benchmarks/memory.py make-features WORK 100000 && python benchmarks/memory.py features WORK 100000
    python benchmarks/memory.py make-training WORK 760000 && python benchmarks/memory.py training WORK 760000
    python benchmarks/memory.py make-features WORK 3000 && python benchmarks/memory.py network WORK 3000

Each measurement is a process of its own, since memory that was once taken is seldom given back. The pass over 100,000
images has a stand-in for the network, which takes next to no time and memory: what is measured is everything else.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import made
from common import Result, peak_memory, seconds
from flarescope.backbones.base import Weights
from flarescope.backbones.registry import find
from flarescope.backbones.vgg16 import VGG16
from flarescope.catalog.boucheron import read_table
from flarescope.engines.start import start
from flarescope.features.store import FeatureStore
from flarescope.features.store_key import StoreKey
from flarescope.heads.head import Recipe
from flarescope.images.render import Rendering
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.training import train

TRAINING_REGIONS = 1256
VALIDATION_REGIONS = 157
VALIDATION_ROWS = 10_000


class StandIn:
    """Stands in for the network: its "features" are pixels of the middle of the image."""

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `flarescope.engines.base.Engine`."""
        for batch in batches:
            yield batch[:, 0, 16:208:3, 16:208:3].reshape(len(batch), 4096).astype(np.float32)


def make_features(work: Path, images: int) -> None:
    """Make what a long pass needs: a file for each image, and their table."""
    source, table = made.images(work / "images", 8)
    names = made.linked_images(work / "many", source / table["filename"].iloc[0], TRAINING_REGIONS, images)
    made.labelled(names).to_csv(work / "many.csv", index=False)


def of_features(work: Path) -> dict[str, float]:
    """Measure the growth of the anonymous memory over reading the table and a pass, MB, and the time of both."""
    shutil.rmtree(work / "stand-in", ignore_errors=True)
    key = StoreKey("stand-in", "sha256:0", "reference-png", "stand-in", 16)
    threads = Compute().threads()

    def whole() -> None:
        names = read_table(work / "many.csv")["filename"].tolist()
        FeatureStore(work / "stand-in", key).build(names, work / "many", StandIn, workers=threads)

    with peak_memory() as peak:
        time = seconds(whole)
    shutil.rmtree(work / "stand-in")
    return {"mb": peak[0], "seconds": time}


def of_network(work: Path, images: int, name: str) -> dict[str, float]:
    """Measure anonymous memory, MB: of the network once it has run, and what a pass takes beyond that."""
    weights = find(name)
    names = read_table(work / "many.csv")["filename"].tolist()[:images]
    choice, rendering = Compute().choose(weights.backbone), Rendering.for_file(names[0], form=weights.backbone.pixels)
    with peak_memory() as network:
        engine = start(choice, weights)
        side = weights.backbone.pixels.size
        for _ in engine.stream([np.zeros((choice.batch, 1, side, side), np.uint8)] * 8):
            pass
    own = {"network": weights.backbone.name, "features": weights.backbone.features}
    key = StoreKey(weights.family, weights.digest, rendering.id, choice.id, choice.batch, choice.streams, **own)
    shutil.rmtree(work / "network", ignore_errors=True)
    store = FeatureStore(work / "network", key)
    with peak_memory() as peak:
        time = seconds(lambda: store.build(names, work / "many", lambda: engine, workers=Compute().threads()))
    shutil.rmtree(work / "network")
    return {"mb": peak[0], "network_mb": network[0], "seconds": time}


def of_networks(work: Path, *, images: int) -> Iterator[Result]:
    """Measure efficientnet-lite0 and VGG16, which is slow and needs no more images to show what it takes."""
    in_own_process("make-features", work, images)
    for name, number in (("efficientnet-lite0", images), ("vgg16", images // 10)):
        found = in_own_process("network", work, number, "--backbone", name)
        yield Result(
            f"memory_{name}",
            f"anonymous memory of a pass of {name} over {number:,} PNG files, beyond the network",
            "MB",
            [found["mb"]],
            limit=300,
            note=f"the network itself {found['network_mb']:.0f} MB",
        )


def make_training(work: Path, rows: int, weights: Weights) -> None:
    """Make what a training needs: tables of `rows` and 10,000 rows, a file for each, and a store of made features."""
    folder = work / "trained"
    source, table = made.images(work / "images", 8)
    image = source / table["filename"].iloc[0]
    regions = TRAINING_REGIONS + VALIDATION_REGIONS
    names = made.linked_images(folder / "images", image, regions, -(-rows // TRAINING_REGIONS) * regions)
    every = made.labelled(names)
    is_validation = every["filename"].str[:4].astype(int) >= 1000 + TRAINING_REGIONS
    every = pd.concat([every[~is_validation].head(rows), every[is_validation].head(VALIDATION_ROWS)])
    is_validation = is_validation[every.index]
    if int((~is_validation).sum()) != rows:
        raise SystemExit(f"{(~is_validation).sum():,} training rows were made, {rows:,} asked for")
    every[~is_validation].to_csv(folder / "train.csv", index=False)
    every[is_validation].to_csv(folder / "validation.csv", index=False)
    choice = Compute().choose(VGG16)
    key = StoreKey(weights.family, weights.digest, "reference-png", choice.id, choice.batch, choice.streams)
    store = FeatureStore(folder / "features", key)
    if not len(store):
        made.fill_made(store, every["filename"].tolist(), folder / "images", every["class"].to_numpy())


def of_training(work: Path) -> dict[str, float]:
    """Measure the growth of the anonymous memory over two epochs on what `make_training` made, MB, and their time."""
    folder = work / "trained"
    tables = {name: folder / f"{name}.csv" for name in ("train", "validation")}
    shutil.rmtree(folder / "run", ignore_errors=True)
    with peak_memory() as peak:
        time = seconds(lambda: train(**tables, images=folder / "images", out=folder / "run", recipe=Recipe(epochs=2)))
    return {"mb": peak[0], "seconds": time}


def growth(work: Path, weights: Weights, *, few: int, many: int) -> Result:
    """Time the pass over few and over many images, with the network: few, many, few again."""
    choice = Compute().choose(VGG16)
    source, table = made.images(work / "images", 8)
    names = made.linked_images(work / "many", source / table["filename"].iloc[0], TRAINING_REGIONS, many)
    engine = start(choice, weights)
    threads = Compute().threads()

    def speed(number: int) -> float:
        shutil.rmtree(work / "growth", ignore_errors=True)
        key = StoreKey(weights.family, weights.digest, "reference-png", choice.id, choice.batch, choice.streams)
        store = FeatureStore(work / "growth", key)
        return number / seconds(lambda: store.build(names[:number], work / "many", lambda: engine, workers=threads))

    speed(64)
    before, large, after = speed(few), speed(many), speed(few)
    shutil.rmtree(work / "growth")
    return Result(
        name="growth",
        what=f"file to stored feature, {many:,} PNG files",
        unit="images/s",
        ours=[large],
        against=f"{few:,} files, before and after",
        alternative=[before, after],
        target=0.95,
    )


def in_own_process(what: str, work: Path, number: int, *more: str) -> dict[str, float]:
    """Measure in a fresh process."""
    command = [sys.executable, __file__, what, str(work), str(number), *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def memory(work: Path, *, images: int, rows: int) -> list[Result]:
    """Measure both in processes of their own."""
    in_own_process("make-features", work, images)
    passed = in_own_process("features", work, images)
    in_own_process("make-training", work, rows)
    trained = in_own_process("training", work, rows)
    return [
        Result(
            "memory_features",
            f"anonymous memory of reading a table and a pass over {images:,} PNG files, beyond the network",
            "MB",
            [passed["mb"]],
            limit=300,
            note=f"a stand-in for the network; {images / passed['seconds']:.0f} images/s, the limit of everything else",
        ),
        Result(
            "memory_training",
            f"anonymous memory of training on {rows:,} x 4,096 cached features",
            "MB",
            [trained["mb"]],
            limit=500,
            note=f"two epochs with validation in {trained['seconds']:.1f} s; made features (random numbers)",
        ),
    ]


def main() -> None:
    """Measure one thing in this process and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make-features", "features", "network", "make-training", "training"))
    parser.add_argument("work", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("--backbone", default="efficientnet-lite0", help="of `network`")
    chosen = parser.parse_args()
    weights = made.random_filters(chosen.work / "cache")
    found = {}
    if chosen.what == "make-features":
        make_features(chosen.work, chosen.number)
    elif chosen.what == "features":
        found = of_features(chosen.work)
    elif chosen.what == "network":
        found = of_network(chosen.work, chosen.number, chosen.backbone)
    elif chosen.what == "make-training":
        make_training(chosen.work, chosen.number, weights)
    else:
        found = of_training(chosen.work)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
