"""Are the fastest batch and streams measured once, remembered, and kept by a store that was begun with others?"""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from fakes import FakeEngine, write_png
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.engines import start as starting
from flarescope.engines import tuning
from flarescope.engines.base import EngineChoice
from flarescope.engines.tuning import Measured
from flarescope.errors import FlarescopeError, InputError
from flarescope.pipeline import featuring
from flarescope.pipeline.featuring import Compute, open_store
from flarescope.progress import Reporter

CHOICE = EngineChoice("openvino", "cpu", "fp32", batch=16)
WEIGHTS = Weights("random:0", "sha256:" + "0" * 64, dict, VGG16)
TABLE = pd.DataFrame({"filename": ["a.png"] * 3})


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))


def fp32(**options):
    return Compute("openvino", "fp32", **options)


def test_the_fastest_setting_is_remembered_for_this_machine_engine_and_precision():
    assert tuning.remembered(CHOICE) is None
    best = tuning.remember(CHOICE, [Measured(16, 0, 10.0), Measured(32, 2, 12.0), Measured(8, 0, 11.0)])
    assert best == tuning.remembered(CHOICE) == replace(CHOICE, batch=32, streams=2)
    assert tuning.remembered(replace(CHOICE, precision="bf16")) is None
    tuning.remember(replace(CHOICE, precision="bf16"), [Measured(8, 0, 1.0)])
    assert tuning.remembered(CHOICE) == best  # both are kept


def test_a_gain_within_the_noise_changes_nothing():
    assert tuning.remember(CHOICE, [Measured(16, 0, 10.0), Measured(32, 2, 10.2)]) == CHOICE


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"%s": {"batch": "many"}}', '{"%s": {"batch": 0, "streams": 0}}', '{"%s": 3}']
)
def test_a_damaged_note_counts_as_none_and_is_replaced(text):
    path = tuning.settings_file()
    path.parent.mkdir()
    path.write_text(text.replace("%s", tuning.machine_key(CHOICE)))
    assert tuning.remembered(CHOICE) is None
    tuning.remember(CHOICE, [Measured(8, 1, 1.0)])
    assert tuning.remembered(CHOICE) == replace(CHOICE, batch=8, streams=1)
    assert json.loads(path.read_text())


def test_the_engines_own_setting_is_measured_first_and_each_setting_once_a_round(monkeypatch):
    speeds = iter([5.0, *[1.0] * (len(tuning.candidates(CHOICE)) - 1), *[3.0] * len(tuning.candidates(CHOICE))])
    monkeypatch.setattr(starting, "make", lambda choice, weights: FakeEngine())
    monkeypatch.setattr(tuning, "measure", lambda engine, shape, seconds: next(speeds))
    heard = []
    measured = tuning.tune(WEIGHTS, CHOICE, progress=heard.append)
    assert len(heard) == 2 * len(measured) == 2 * len(set(tuning.candidates(CHOICE)))
    assert measured[0] == Measured(16, 0, 5.0)  # the better of two rounds
    assert {one.images_per_s for one in measured[1:]} == {3.0}


@pytest.mark.parametrize("side_by_side", [1, 2, 4])
def test_measuring_counts_every_image_however_many_batches_end_together(side_by_side, monkeypatch):
    class Clockwork:
        """Gives so many batches at a time, each time after a tenth of a second of a clock that it moves itself."""

        def __init__(self):
            self.now = 0.0

        def stream(self, batches):
            while waiting := list(islice(batches, side_by_side)):
                self.now += 0.1
                yield from (np.zeros((len(batch), 4096), np.float32) for batch in waiting)

    engine = Clockwork()
    monkeypatch.setattr(tuning.time, "perf_counter", lambda: engine.now)
    monkeypatch.setattr(tuning, "available_cores", lambda: 4)
    assert tuning.measure(engine, (4, 1, 224, 224), seconds=1.0) == pytest.approx(40 * side_by_side)


def test_a_setting_that_does_not_fit_counts_as_none_but_the_engines_own_has_to(monkeypatch):
    def start(choice, weights):
        if choice.batch >= limit:
            raise FlarescopeError("no room")
        return FakeEngine()

    monkeypatch.setattr(starting, "make", start)
    monkeypatch.setattr(tuning, "measure", lambda engine, shape, seconds: 1.0)
    limit = 32
    speeds = {(one.batch, one.streams): one.images_per_s for one in tuning.tune(WEIGHTS, CHOICE)}
    assert speeds[32, 0] == 0
    assert speeds[16, 0] == speeds[8, 0] == 1
    limit = 16
    with pytest.raises(FlarescopeError, match="no room"):
        tuning.tune(WEIGHTS, CHOICE)


def test_a_store_keeps_the_batch_and_streams_that_it_was_begun_with(tmp_path):
    tuning.remember(CHOICE, [Measured(8, 1, 1.0)])
    first = open_store(tmp_path / "features", [TABLE], WEIGHTS, fp32(), Reporter())
    assert (first.key.batch, first.key.streams) == (8, 1)
    write_png(tmp_path / "a.png", 0)
    first.build(["a.png"], tmp_path, FakeEngine)
    tuning.remember(CHOICE, [Measured(32, 2, 1.0)])
    assert open_store(tmp_path / "features", [TABLE], WEIGHTS, fp32(), Reporter()).key == first.key
    assert open_store(tmp_path / "features", [TABLE], WEIGHTS, fp32(batch=8), Reporter()).key == first.key
    with pytest.raises(InputError, match=r"--engine-batch 4: the features in .* were begun with batches of 8; leave"):
        open_store(tmp_path / "features", [TABLE], WEIGHTS, fp32(batch=4), Reporter())
    assert open_store(tmp_path / "others", [TABLE], WEIGHTS, fp32(batch=4), Reporter()).key.batch == 4


def test_a_large_new_store_points_to_the_measurement_until_it_was_made(tmp_path, monkeypatch):
    monkeypatch.setattr(featuring, "MANY", 6)
    said = []
    reporter = Reporter()
    monkeypatch.setattr(reporter, "say", said.append)
    open_store(tmp_path / "small", [TABLE], WEIGHTS, fp32(), reporter)
    open_store(tmp_path / "asked", [TABLE, TABLE], WEIGHTS, fp32(batch=4), reporter)
    assert said == []
    open_store(tmp_path / "large", [TABLE, TABLE], WEIGHTS, fp32(), reporter)
    assert "`flarescope engine tune --backbone vgg16:random` measures what is fastest here" in said[0]
    tuning.remember(CHOICE, [Measured(16, 0, 1.0), Measured(8, 2, 2.0)])
    key = open_store(tmp_path / "large", [TABLE, TABLE], WEIGHTS, fp32(), reporter).key
    assert (key.batch, key.streams) == (8, 2)
    assert len(said) == 1


def test_a_batch_below_one_is_refused():
    with pytest.raises(InputError, match="--engine-batch 0: expected at least 1"):
        fp32(batch=0).choose(VGG16)
