"""How long do commands take from their start to their end?"""

import subprocess
import sys
from pathlib import Path

import made
from common import Result, seconds
from flarescope.model.features import FeatureStore, StoreKey
from flarescope.model.weights import Weights
from flarescope.pipeline.featuring import Compute

EVALUATED = 95_000
TEST_REGIONS = 157


def _run(*arguments: object) -> float:
    command = [sys.executable, "-m", "flarescope", *map(str, arguments), "--quiet", "--json"]
    return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def first_forecast(work: Path, weights: Weights, *, repeats: int) -> list[Result]:
    """`flarescope predict` of one image, weights cached: the whole process."""
    model = made.model(work / "untrained.hdf5", weights)
    results = []
    for fits in (False, True):
        root, table = made.images(work / "images", 8, fits=fits)
        image = root / table["filename"].iloc[0]
        _run("predict", model, image)
        samples = [_run("predict", model, image) for _ in range(repeats)]
        kind = "FITS" if fits else "PNG"
        what = f"`flarescope predict` of one {kind} file, start and end of the process included"
        results.append(Result(f"first_forecast_{kind.lower()}", what, "s", samples, target=3))
    return results


def evaluation(work: Path, weights: Weights, *, repeats: int, rows: int = EVALUATED) -> Result:
    """`flarescope evaluate` of cached rows, scores and intervals included: the whole process."""
    folder = work / "evaluated"
    source, table = made.images(work / "images", 8)
    names = made.linked_images(folder / "images", source / table["filename"].iloc[0], TEST_REGIONS, rows)
    table = made.labelled(names)
    table.to_csv(folder / "test.csv", index=False)
    choice = Compute().choose()
    key = StoreKey(weights.family, weights.digest, "reference-png", choice.id, choice.batch, choice.streams)
    store = FeatureStore(folder / "features", key)
    if not len(store):
        made.fill_made(store, names, folder / "images", table["class"].to_numpy())
    model = made.model(folder / "untrained.hdf5", weights)
    arguments = ["evaluate", model, "--table", folder / "test.csv", "--images", folder / "images"]
    arguments += ["--features", folder / "features", "--out", folder / "evaluation"]
    _run(*arguments)
    samples = [_run(*arguments) for _ in range(repeats)]
    what = f"`flarescope evaluate` of {rows:,} cached rows of {TEST_REGIONS} regions, scores and intervals included"
    return Result("evaluate", what, "s", samples, target=10, note="made features (random numbers)")
