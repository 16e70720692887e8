"""Is each head of several events the one that `train` makes of its event alone, in one run and one model file?"""

import json
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest

from fakes import use_fake_network
from flarescope.cli import main
from flarescope.cli.screen import settings
from flarescope.cli.train import show_events
from flarescope.errors import InputError
from flarescope.forecaster.event_models import load_event_models, read_event_descriptions
from flarescope.forecaster.event_runs import EventRuns, is_of_events, run_of_event
from flarescope.forecaster.runs import RunFolder
from flarescope.heads import together
from flarescope.heads.head import Recipe
from flarescope.notes import read_event
from flarescope.pipeline import solving
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.training import train
from flarescope.several_events import event_of_code
from made_events import CODES, EVENTS, write_events_set

COMPUTE = Compute(engine="torch", precision="fp32", workers=0)
RECIPE = Recipe(epochs=3, batch=8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_events_set(tmp_path_factory.mktemp("events"))


@pytest.fixture
def engine(monkeypatch):
    return use_fake_network(monkeypatch)


def trained(data, out, table=None, **options):
    table = table or data["table"]
    given = {"recipe": RECIPE, "backbone": "fake", "compute": COMPUTE} | options
    return train(train=table, validation=table, images=data["images"], out=out, **given)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_each_head_has_the_bytes_of_one_trained_alone(data, engine, tmp_path, solver):
    recipe = RECIPE if solver == "adam" else Recipe(solver="lbfgs", l2=1e-2)
    several = EventRuns.open(trained(data, tmp_path / "several", recipe=recipe).path)
    assert [event.code for event in several.events] == list(CODES)
    for event in several.events:
        alone = trained(data, tmp_path / event.name, data[event.name], recipe=recipe, features=tmp_path / "features")
        mine = several.run(event)
        assert mine.history() == alone.history()
        for row in alone.history():
            assert (mine.path / row["model"]).read_bytes() == (alone.path / row["model"]).read_bytes()
        for name in ("validation",):
            pd.testing.assert_frame_equal(pd.read_parquet(mine.forecasts(name)), pd.read_parquet(alone.forecasts(name)))
        assert read_event(mine.forecasts("validation")) == event
        theirs, ours = alone.read(), mine.read()
        differing = [name for name in theirs if theirs[name] != ours[name]]
        assert differing in ([], ["tables"])  # the path of the table that the labels were read from


def test_the_rows_are_read_once_for_all_events(data, engine, tmp_path, monkeypatch):
    calls, real = [], together.train_together

    def counted(states, *arguments, **options):
        calls.append(len(states))
        return real(states, *arguments, **options)

    monkeypatch.setattr(solving, "train_together", counted)
    trained(data, tmp_path / "r")
    assert calls == [3, 3, 3]


def test_one_file_holds_the_best_model_of_each_event(data, engine, tmp_path):
    several = EventRuns.open(trained(data, tmp_path / "r").path)
    models = load_event_models(several.model, backbone="fake")
    assert models.events == EVENTS
    assert [part.head.digest for part in models.parts] == [
        load_one(several.run(event)).head.digest for event in several.events
    ]
    assert [one.event.code for one in read_event_descriptions(several.model)] == list(CODES)
    again = tmp_path / "again.hdf5"
    models.save(again)
    assert again.read_bytes() == several.model.read_bytes()


def load_one(run):
    from flarescope.forecaster.classifier import load_classifier

    return load_classifier(run.model_path(), backbone="fake")


def test_forecasts_of_several_events_keep_their_order(data, engine, tmp_path):
    models = load_event_models(EventRuns.open(trained(data, tmp_path / "r").path).model, backbone="fake")
    raw = np.random.default_rng(0).uniform(0, 1, (50, 3))
    found = models.probability(raw)
    assert (found[:, 1] <= found[:, 0]).all()  # M1.0 within 24 h implies C1.0 within 24 h
    assert (found[:, 0] <= found[:, 2]).all()  # C1.0 within 24 h implies C1.0 within 48 h
    in_order = np.sort(raw, axis=1)[:, [1, 0, 2]]
    np.testing.assert_array_equal(models.probability(in_order), in_order)


def test_some_of_the_events_can_be_chosen(data, engine, tmp_path):
    several = trained(data, tmp_path / "two", event=[event_of_code("C1/48"), event_of_code("M1.0/24")])
    assert [event.code for event in EventRuns.open(several.path).events] == ["C1.0/48", "M1.0/24"]
    one = trained(data, tmp_path / "one", event=event_of_code("M1.0/24"))
    assert not is_of_events(one.path)
    assert one.read()["event"]["threshold"] == "M1.0"
    with pytest.raises(InputError, match=r"has labels of C1\.0/24.*not of X1\.0/24"):
        trained(data, tmp_path / "x", event=[*EVENTS, event_of_code("X1.0/24")])
    assert not (tmp_path / "x").exists()


def test_an_event_that_no_row_has_is_refused(data, engine, tmp_path):
    table = pd.read_parquet(data["table"]).assign(**{"label_M1.0_24h": 0})
    from flarescope.pipeline.catalogues.listing import write_catalogue

    write_catalogue(table, tmp_path / "none.parquet", EVENTS)
    with pytest.raises(InputError, match=r"none of the 32 training rows is followed by a flare >= M1\.0 within 24 h"):
        trained(data, tmp_path / "r", tmp_path / "none.parquet")


def test_a_run_of_several_events_goes_on_and_takes_no_other(data, engine, tmp_path):
    first = EventRuns.open(trained(data, tmp_path / "r", recipe=Recipe(epochs=2, batch=8)).path)
    more = EventRuns.open(trained(data, tmp_path / "r").path)
    whole = EventRuns.open(trained(data, tmp_path / "whole").path)
    assert [len(run.history()) for run in more.runs()] == [3, 3, 3]
    assert more.model.read_bytes() == whole.model.read_bytes()
    with pytest.raises(InputError, match=r"holds a run of C1\.0/24, M1\.0/24, C1\.0/48, not of C1\.0/24, M1\.0/24"):
        trained(data, tmp_path / "r", event=EVENTS[:2])
    with pytest.raises(InputError, match="holds a run of one event"):
        trained(data, trained(data, tmp_path / "one", data["M1.0_24h"]).path)
    assert first.path == more.path


def test_what_takes_a_run_of_one_event_says_which_to_give(data, engine, tmp_path):
    several = trained(data, tmp_path / "r")
    with pytest.raises(InputError, match=r"a run of several events; give one, such as .*events/C1\.0_24h"):
        several.read()
    assert run_of_event(several.path, EVENTS[1]) == several.path / "events/M1.0_24h"
    with pytest.raises(InputError, match=r"a run of 3 events; choose one: --event C1\.0/24"):
        run_of_event(several.path, None)
    with pytest.raises(InputError, match=r"not of X1\.0/24"):
        run_of_event(several.path, event_of_code("X1.0/24"))
    assert run_of_event(several.path / "events/M1.0_24h", None).name == "M1.0_24h"
    assert RunFolder(run_of_event(several.path, EVENTS[1])).history()


def test_a_damaged_file_of_several_events_is_refused_in_one_line(data, engine, tmp_path):
    path = EventRuns.open(trained(data, tmp_path / "r").path).model
    whole = path.read_bytes()
    with h5py.File(path, "r+") as file:
        file["models/01/head/bias"][0] = 9
    with pytest.raises(InputError, match="damaged"):
        load_event_models(path, backbone="fake")
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        file.attrs["flarescope"] = json.dumps({"format": "flarescope-events-1", "models": 4})
    with pytest.raises(InputError, match=r"model\.hdf5"):
        load_event_models(path, backbone="fake")


def test_the_command_trains_all_events_of_a_table(data, engine, tmp_path, capsys):
    words = ["train", "--train", data["table"], "--validation", data["table"], "--images", data["images"]]
    words += ["--out", tmp_path / "r", "--backbone", "random", "--batch", "8", "--epochs", "2"]
    assert main([str(word) for word in words]) == 0
    shown = capsys.readouterr()
    assert "heads for 3 events: C1.0/24, M1.0/24, C1.0/48" in shown.err
    assert all(code in shown.out for code in CODES)
    assert main([*map(str, words), "--full"]) == 2
    assert "one head" in capsys.readouterr().err


def test_where_no_epoch_is_the_best_the_table_of_all_events_says_so(monkeypatch, capsys):
    monkeypatch.setattr(settings, "as_json", False)

    def history(tss):
        row = {"epoch": 1, "model": "m.hdf5", "validation": dict.fromkeys(("loss", "tpr", "tnr", "hss"), 0.5)}
        return [row | {"validation": row["validation"] | {"tss": tss}}]

    for undefined in (False, True):
        told = {"C1.0/24": history(0.2), "M1.0/24": history(None if undefined else 0.1)}
        runs = {code: SimpleNamespace(history=lambda rows=rows: rows) for code, rows in told.items()}
        events = [event_of_code(code) for code in told]
        show_events(SimpleNamespace(path="runs/e", events=events, run=lambda event, runs=runs: runs[event.code]))
        assert ("none is the best, and the last one stands" in capsys.readouterr().out) == undefined
