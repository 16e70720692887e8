"""How long do commands take from their start to their end?"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import made
from common import Result, seconds
from flarescope.model.features import FeatureStore, StoreKey
from flarescope.model.weights import Weights
from flarescope.pipeline.featuring import Compute

EVALUATED = 95_000
TEST_REGIONS = 157
FLARES = 12_000


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


def labelling(work: Path, *, repeats: int, regions: int) -> Result:
    """`flarescope catalog label` of made names against 12,000 made flares: the whole process."""
    stamps = pd.date_range("2012-03-01", periods=600, freq="12min").strftime("%Y%m%d_%H%M%S")
    names = [
        f"{ar}/{ar}_hmi.M_720s.{text}_TAI.1.magnetogram_224.png"
        for ar in range(1000, 1000 + regions)
        for text in stamps
    ]
    pd.DataFrame({"filename": names, "class": 0}).to_csv(work / "unlabelled.csv", index=False)
    generator = np.random.default_rng(1)
    minutes = np.append(np.sort(generator.integers(0, 20 * 1440, FLARES - 1)), 30 * 1440)
    peaks = pd.Timestamp("2012-02-29") + pd.to_timedelta(minutes, unit="min")
    noaa_ars = generator.integers(11000, 11000 + regions, FLARES)
    pd.DataFrame({"time": peaks, "flare": "C5.0", "noaa_ar": noaa_ars}).to_csv(work / "flares.csv", index=False)
    arguments = ["catalog", "label", work / "unlabelled.csv", "--flares", work / "flares.csv"]
    arguments += ["--out", work / "labelled.parquet"]
    samples = [_run(*arguments) for _ in range(repeats)]
    what = f"`flarescope catalog label` of {len(names):,} names against {FLARES:,} flares"
    return Result("label", what, "s", samples, target=5, note="made names and flares")
