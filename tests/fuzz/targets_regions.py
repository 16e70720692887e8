"""Which readers of region models are given hostile files, and with which do they begin?"""

from pathlib import Path

import numpy as np
import pandas as pd

from flarescope.forecaster.with_regions import IMAGE, NAME, WithRegions, read_with_regions
from flarescope.heads.stack import Stack
from flarescope.regions.description import describe
from flarescope.regions.grid import SHAPE
from flarescope.regions.logistic import EVENTS, Logistic
from flarescope.regions.mixture import Mixture
from flarescope.regions.model import RegionModel
from flarescope.regions.model_file import read_model, write_model
from flarescope.regions.rates import ClassRates
from flarescope.regions.trees import Trees
from flarescope.regions.whole_disk import COLUMNS, WholeDisk
from flarescope.scores.threshold import Threshold

from .harness import Target

DAY = pd.Timestamp("2014-10-22", tz="UTC")
ROW = {"noaa_ar": 12192, "mcintosh": "Fkc", "hale": "Beta", "area_msh": 2610, "spots": 58, "extent_deg": 18}
PLACE = {"latitude_deg": -13, "longitude_deg": -13, "carrington_deg": 247}
REGIONS = pd.DataFrame([{"day": DAY, **ROW, **PLACE}])
FLARES = pd.DataFrame({"noaa_ar": [12192], "time": [DAY], "flare": ["M1.0"]})


def _logistic(columns: tuple[str, ...]) -> Logistic:
    number = len(columns)
    return Logistic(columns, np.zeros(number), np.ones(number), np.full((number, EVENTS), 0.1), np.full(EVENTS, -3.0))


def models(folder: Path) -> list[bytes]:
    """Write a small model of each kind."""
    columns = ("area", "rate_24h")
    trees = Trees(columns, -2.0, np.array([0, 3]), np.array([0, -1, -1, 2, -1, -1]), np.linspace(-1, 1, 6),
                  np.array([2, 0, 0, 5, 0, 0]), np.array([True, False, False, True, False, False]))  # fmt: skip
    disk = WholeDisk(_logistic(COLUMNS), np.ones(SHAPE), np.zeros(SHAPE))
    rates = ClassRates("mcintosh", {"": np.full(SHAPE, 0.1), "F": np.full(SHAPE, 0.2), "FKC": np.full(SHAPE, 0.5)})
    path, found = folder / "made.json", []
    for regional, blind in ((Mixture(_logistic(columns), trees), _logistic(columns)), (rates, None)):
        write_model(RegionModel("made", regional, blind, disk, {"first": "2014-01-01"}), path)
        whole = path.read_bytes()
        found += [whole, whole.replace(b',\n  "content"', b',\n  "other"')]  # one whose digest is not looked at
    path.unlink()
    return found


def use_model(path: Path) -> None:
    """Read a model and forecast with it."""
    model = read_model(path)
    repr(model)
    model.probabilities(describe(REGIONS.assign(issued=DAY), FLARES, [(DAY - pd.Timedelta(days=40), DAY)]))
    model.forecast(REGIONS, FLARES, covered=[(DAY - pd.Timedelta(days=40), DAY)])


def joined(folder: Path) -> list[bytes]:
    """Write what joins a head with a small region model."""
    stack = Stack((IMAGE, "history"), np.zeros(2), np.ones(2), np.array([1.0, 0.5, 0.0, -0.5]), -1.0)
    trained, validated = {"region_days": 9, "regions": 3}, {"images": 5, "events": 2, "regions": 2}
    found = WithRegions(
        "history", _logistic(("rate_24h",)), stack, Threshold(0.4, "tss", 0.5), "sha256:00", trained, validated
    )
    found.write(folder / NAME)
    whole = (folder / NAME).read_bytes()
    (folder / NAME).unlink()
    return [whole, whole.replace(b'"content"', b'"other"')]


def use_joined(path: Path) -> None:
    """Read it and forecast with it."""
    found = read_with_regions(path.parent)
    repr(found)
    described = describe(REGIONS.assign(issued=DAY), FLARES, [(DAY - pd.Timedelta(days=40), DAY)])
    found.regional.forecast(described)
    found.stack.log_odds(np.array([[0.5, np.nan], [1e9, -2.0]]))


TARGETS = {
    "region-model": Target("model.json", models, use_model),
    "with-regions": Target(NAME, joined, use_joined),
}
