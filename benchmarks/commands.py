"""How long do commands take from their start to their end?"""

import functools
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import avx2_only
import made
from common import Result, seconds, take_turns
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.features.store import FeatureStore
from flarescope.features.store_key import StoreKey
from flarescope.pipeline.featuring import Compute

EVALUATED = 95_000
TEST_REGIONS = 157
FLARES = 12_000


OURS = ("-m", "flarescope")
AVX2_ONLY = (Path(__file__).with_name("avx2_only.py"),)
KERAS = Path(__file__).with_name("keras_first.py")


def _run(*arguments: object, program: Sequence[object] = OURS) -> float:
    return _time(*program, *arguments, "--quiet", "--json")


def _time(*arguments: object, settings: Mapping[str, str] | None = None) -> float:
    command = [sys.executable, *map(str, arguments)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return seconds(lambda: subprocess.run(command, check=True, env={**os.environ, **(settings or {})}, **quiet))


def first_forecast(work: Path, weights: Weights, *, repeats: int) -> list[Result]:
    """`flarescope predict` of one image, weights cached: the whole process.

    Of a PNG file beside Keras on PyTorch with the same model, also where both may use no more than AVX2.
    """
    model = made.model(work / "untrained.hdf5", weights)
    whole = made.model(work / "untrained-whole.hdf5", weights, full=True)
    png, fits = (_first(*made.images(work / "images", 8, fits=fits)) for fits in (False, True))
    what = "`flarescope predict` of one {} file, start and end of the process included"
    against = "Keras on PyTorch, the same model and file: `load_model`, `predict`"
    results = []
    for only, program, settings in (("", OURS, {}), (", AVX2 only", AVX2_ONLY, avx2_only.OTHERS)):
        ours = functools.partial(_run, "predict", model, png, program=program)
        keras = functools.partial(_time, KERAS, whole, png, settings=settings)
        ours(), keras()  # then the files are in memory
        samples, theirs = take_turns(repeats, ours, keras)
        name = "first_forecast_png" + ("_avx2" if only else "")
        results.append(Result(name, what.format("PNG") + only, "s", samples, against + only, theirs, limit=3))
    _run("predict", model, fits)
    samples = [_run("predict", model, fits) for _ in range(repeats)]
    return [*results, Result("first_forecast_fits", what.format("FITS"), "s", samples, limit=3)]


def _first(root: Path, table: pd.DataFrame) -> Path:
    return root / table["filename"].iloc[0]


def evaluation(work: Path, weights: Weights, *, repeats: int, rows: int = EVALUATED) -> Result:
    """`flarescope evaluate` of cached rows, scores and intervals included: the whole process."""
    folder = work / "evaluated"
    source, table = made.images(work / "images", 8)
    names = made.linked_images(folder / "images", source / table["filename"].iloc[0], TEST_REGIONS, rows)
    table = made.labelled(names)
    table.to_csv(folder / "test.csv", index=False)
    choice = Compute().choose(VGG16)
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
    return Result("evaluate", what, "s", samples, limit=10, note="made features (random numbers)")


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
    return Result("label", what, "s", samples, limit=5, note="made names and flares")
