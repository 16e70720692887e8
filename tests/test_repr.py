"""Does what Python users get and give show itself on one short line, however much it holds?"""

import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import flarescope
from fakes import fake_weights
from flarescope.catalog.labels import Labelled
from flarescope.catalog.leaks import Finding
from flarescope.catalog.select import Removal, Selection
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import Head
from flarescope.images.look import Look
from flarescope.images.workers import Failure
from flarescope.pipeline.calibrating import Calibrated
from flarescope.pipeline.origin import Origin
from flarescope.pipeline.predicted import Predicted
from flarescope.pipeline.reporting import Reported
from flarescope.scores.threshold import Threshold

DEEP = Path("/data") / "/".join(["a_folder_with_a_long_name"] * 8)
EVENT = flarescope.EventDefinition(
    threshold="M1.0", window_hours=12, latency_hours=1, scope="disk", rules="ar-flares", flux_scale="operational"
)
TABLE = pd.DataFrame({"filename": ["1121/some.png"] * 3, "label": [0, 1, 0], "probability": [0.1, 0.9, 0.3]})
WHEN = pd.Timestamp("2014-06-01T12:00", tz="UTC")
NUMBERS = {f"score {number}": float(number) for number in range(500)}
DESCRIPTION = Description(
    backbone=str(DEEP / "vgg16.h5"),
    family="keras",
    digest="sha256:" + "0" * 64,
    rendering="reference-fits",
    threshold=1 / 3,
    choice=NUMBERS,
    calibration=NUMBERS,
    regions=list(range(11000, 12256)),
    event=EVENT,
    training_images=NUMBERS,
    fitted_on=NUMBERS,
)
FORECAST = flarescope.Forecast(
    pd.Timestamp("2016-07-07T00:30Z"),
    pd.Timestamp("2016-07-07T00:00Z"),
    "regions",
    None,
    "operational",
    pd.DataFrame({"noaa_ar": range(30)}),
    pd.DataFrame({"probability": np.zeros(600)}),
)
MODEL = flarescope.Model(
    Classifier(Head(np.zeros((4096, 2), np.float32), np.zeros(2, np.float32)), DESCRIPTION, fake_weights("sha256:0")),
    DEEP / "model.02_0.48.hdf5",
    RunFolder(DEEP),
)
ORIGIN = Origin("model.02_0.48.hdf5", "sha256:" + "0" * 64, 2, str(DEEP), "sha256:" + "1" * 64, "test", 5, True, "now")
THRESHOLD = Threshold(1 / 3, "cost", 1 / 7, 10.0)

PUBLIC = [
    flarescope.Backbone(torch.nn.Flatten(), name="n" * 60, size=4),
    flarescope.Choosing(threshold="cost=10", calibration="platt", on=str(DEEP / "validation.csv")),
    flarescope.Comparing(event=flarescope.EventDefinition()),
    flarescope.Reading(columns={"probability": "flare_prob"}, percent=True, flares=DEEP / "list.csv"),
    flarescope.Compute("winograd", "fp32", 8, "zero", 12, "float16", True),
    flarescope.ContingencyTable(tp=15_822, fn=5_720, fp=14_787, tn=58_428),
    flarescope.Evaluation(
        model=DEEP / "model.02_0.48.hdf5",
        split="validation",
        table=flarescope.ContingencyTable(tp=15_822, fn=5_720, fp=14_787, tn=58_428),
        loss=0.5018412345678,
        forecasts=TABLE,
        evaluated=NUMBERS,
        verification=NUMBERS,
        folder=DEEP,
        origin=ORIGIN,
        event=EVENT,
    ),
    EVENT,
    flarescope.Explaining(["occlusion"] * 5, ["M1.0/24"] * 20, False, 7),
    FORECAST,
    flarescope.Grid(learning_rates=tuple(np.linspace(0.001, 0.1, 20)), seeds=tuple(range(20))),
    flarescope.History((6, 12)),
    flarescope.Magnetogram(np.zeros((600, 600)), WHEN, (11429, 11430), 0, Look((600, 600)), ("quality", "limb")),
    MODEL,
    flarescope.Recipe(0.0123, 0.8, 0.99, 1e-5, 32, 50, False, 7, (1.0, 4.08785), 1e-7, 5),
    flarescope.region_model(),
    flarescope.Reporter(),
    flarescope.Saving("best", True),
    flarescope.SelectionRules(first=WHEN, max_degrees=60, max_nan_pixels=0, quality_mask=1, unknown="keep"),
    flarescope.SplitRules(how="time", lists=DEEP, test_from=WHEN, validation_from=WHEN, gap_hours=48, event=EVENT),
    flarescope.TuneRecipe(
        start="block5", batch=64, micro_batch=8, learning_rate=3e-5, class_weight=(1.0, 4.08785), rank=4
    ),
    flarescope.Verifying(replicates=20, seed=1, events=DEEP / "eventList.txt"),
]
RETURNED = [
    RunFolder(DEEP),
    Calibrated(DEEP, DESCRIPTION, THRESHOLD),
    Predicted(TABLE, tuple(Failure(str(DEEP), f"{DEEP}: no such file or folder") for _ in range(3)), EVENT),
    Reported(DEEP / "report.html", DEEP / "README.md", [DEEP / "figures" / f"{number}.png" for number in range(14)]),
    Labelled(TABLE, {"images": 3, "flares": 2}, EVENT),
    Selection(TABLE, 5, (Removal("another segment by its name", 1), Removal("no line-of-sight magnetogram", 1))),
    Finding("error", f"{DEEP}: the same picture on both sides", str(DEEP), "leave one out", 2),
]


def everything_in(one):
    """Give an object and every object that its public fields hold."""
    yield one
    if is_dataclass(one):
        for field in fields(one):
            yield from everything_in(getattr(one, field.name))


def test_every_public_class_is_looked_at():
    public = {getattr(flarescope, name) for name in flarescope.__all__}
    kinds = {one for one in public if inspect.isclass(one) and not issubclass(one, Exception)}
    assert {type(one) for one in PUBLIC} == kinds


@pytest.mark.parametrize("one", [*PUBLIC, *RETURNED], ids=lambda one: type(one).__name__)
def test_it_and_what_it_holds_of_ours_is_on_one_short_line(one):
    for part in everything_in(one):
        if type(part).__module__.startswith("flarescope"):
            assert len(repr(part)) < 200
            assert repr(part).isprintable()
            assert type(part).__name__ in repr(part)


def test_it_says_what_was_chosen_and_how_large_the_rest_is():
    assert repr(flarescope.Recipe()) == "Recipe()"
    assert repr(flarescope.Recipe(batch=4, seed=1)) == "Recipe(batch=4, seed=1)"
    assert repr(flarescope.EventDefinition()) == "EventDefinition(threshold='C1.0', window_hours=24)"
    field = flarescope.Magnetogram(np.zeros((600, 600)), noaa_ars=(11429, 11430))
    assert repr(field) == "Magnetogram(field_gauss=<ndarray 600 x 600>, noaa_ars=(11429, 11430))"
    assert repr(Predicted(TABLE)) == "Predicted(forecasts=<DataFrame 3 x 3>)"
    assert repr(RunFolder(Path("runs/png"))) == "RunFolder(path='runs/png')"
    assert repr(flarescope.Grid(seeds=(0, 1, 2, 3, 4))) == "Grid(seeds=<tuple of 5>)"
    assert repr(flarescope.Compute(workers=0, precision="fp32")) == "Compute(precision='fp32', workers=0)"
    assert repr(RunFolder(DEEP)) == f"RunFolder(path='...{str(DEEP)[-60:]}')"
