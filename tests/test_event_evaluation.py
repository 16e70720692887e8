"""Are all events of a run evaluated, calibrated, reported and forecast, each as alone, and together in order?"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank, use_fake_network
from flarescope.cli import main
from flarescope.errors import FlarescopeWarning, InputError
from flarescope.forecaster.event_models import load_event_models, read_event_descriptions
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import Recipe
from flarescope.notes import read_events
from flarescope.pipeline.calibrating import calibrate
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.evaluating_events import evaluate_events
from flarescope.pipeline.exporting.stage import run_json_of
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.model_parts import load_parts
from flarescope.pipeline.models import load
from flarescope.pipeline.predicting import predict
from flarescope.pipeline.reporting import report
from flarescope.pipeline.training import train
from flarescope.pipeline.verifying import Verifying
from flarescope.scores.contingency import count
from flarescope.several_events import event_of_code
from made_events import CODES, EVENTS, write_events_set

COMPUTE = Compute(engine="torch", precision="fp32", workers=0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set and a run of three events on it; copy the run before you change it."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        data = write_events_set(place)
        table = data["table"]
        given = {"recipe": Recipe(epochs=2, batch=8), "backbone": "random", "compute": COMPUTE}
        run = train(train=table, validation=table, images=data["images"], out=place / "runs/r", **given)
        evaluate_events(run.path, **on_test(data))
    return data, run.path


def on_test(data):
    verifying = Verifying(replicates=50)
    return {"table": data["table"], "images": data["images"], "compute": COMPUTE, "verifying": verifying}


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    shutil.copytree(made[1], tmp_path / "r")
    return tmp_path / "r"


def test_each_event_is_scored_as_alone_and_all_are_in_one_file(made, run):
    data, _ = made
    scores = json.loads((run / "scores.json").read_text())
    assert list(scores["by_event"]) == list(CODES)
    for event in EVENTS:
        alone = evaluate(run / "events" / event.name, **on_test(data), out=run / "alone")
        mine = scores["by_event"][event.code]
        assert mine["counts"] == alone.table.counts()
        assert mine["verification"]["decisions"] == json.loads(json.dumps(alone.verification["decisions"]))
        assert mine["event"]["threshold"] == event.threshold


def test_the_forecasts_of_all_events_stand_in_one_table_in_order(run):
    table = pd.read_parquet(run / "forecasts/test.parquet")
    assert [event.code for event in read_events(run / "forecasts/test.parquet")] == list(CODES)
    c24, m24, c48 = (table[f"probability_{event.name}"] for event in EVENTS)
    assert (m24 <= c24).all()
    assert (c24 <= c48).all()
    assert (table["label_M1.0_24h"] <= table["label_C1.0_24h"]).all()
    order = json.loads((run / "scores.json").read_text())["order"]
    raw = [pd.read_parquet(run / f"events/{event.name}/forecasts/test.parquet")["probability"] for event in EVENTS]
    for event, alone in zip(EVENTS, raw, strict=True):
        ordered, labels = table[f"probability_{event.name}"], table[f"label_{event.name}"].astype(float)
        assert order[event.code]["brier"] == pytest.approx(((alone - labels) ** 2).mean())
        assert order[event.code]["brier_ordered"] == pytest.approx(((ordered - labels) ** 2).mean())
        tss = [count(labels, one >= 0.5).tss for one in (alone, ordered)]  # no calibration yet
        assert [order[event.code][name] for name in ("tss", "tss_ordered")] == pytest.approx(tss)
        assert order[event.code]["changed"] == pytest.approx((np.abs(ordered - alone) > 1e-12).mean())


def test_one_event_of_a_run_or_of_its_file_is_evaluated_when_it_is_chosen(made, run):
    data, _ = made
    of_run = evaluate(run, **on_test(data), event=event_of_code("M1.0/24"))
    assert of_run.folder == run / "events/M1.0_24h"
    of_file = evaluate(run / "model.hdf5", **on_test(data), event=event_of_code("M1.0/24"), out=run / "file")
    assert of_file.table == of_run.table
    with pytest.raises(InputError, match=r"a run of 3 events; choose one"):
        evaluate(run, **on_test(data))
    with pytest.raises(InputError, match=r"a model of C1\.0/24, M1\.0/24, C1\.0/48; choose one"):
        evaluate(run / "model.hdf5", **on_test(data))


def test_the_one_event_of_a_run_that_a_table_has_is_taken_and_said(made, run, tmp_path, capsys):
    data, _ = made
    expected = evaluate(run, **on_test(data), event=event_of_code("M1.0/24"))
    one = on_test(data) | {"table": data["M1.0_24h"]}
    for model, place in ((run, {}), (run / "model.hdf5", {"out": tmp_path / "file"})):
        found = evaluate(model, **one, **place)
        assert (found.event.code, found.table) == ("M1.0/24", expected.table)
    words = ["evaluate", str(run), "--table", str(data["M1.0_24h"]), "--images", str(data["images"])]
    assert main([*words, "--engine", "torch", "--precision", "fp32", "--workers", "0"]) == 0
    said = capsys.readouterr()
    assert "of the 3 events that" in said.err
    assert "the table has labels of M1.0/24 alone" in said.err
    assert "within 24 hours" in said.out


def test_a_table_of_some_or_none_of_a_runs_events_or_that_does_not_say_is_refused(made, run, tmp_path):
    data, _ = made
    from flarescope.pipeline.catalogues.listing import write_catalogue

    table = pd.read_parquet(data["table"])
    write_catalogue(table.drop(columns=["label_M1.0_24h"]), tmp_path / "some.parquet", [EVENTS[0], EVENTS[2]])
    with pytest.raises(InputError, match=r"2 of the 3 events of the run; say --event C1\.0/24 --event C1\.0/48"):
        evaluate_events(run, **on_test(data) | {"table": tmp_path / "some.parquet"})
    other = pd.read_parquet(data["M1.0_24h"])
    write_catalogue(other, tmp_path / "other.parquet", event_of_code("X1.0/24"))
    table[["filename", "label", "split"]].to_csv(tmp_path / "mute.csv", index=False)
    for name, said in (
        ("other.parquet", r"has labels of X1\.0/24; label"),
        ("mute.csv", r"does not say of which event"),
    ):
        for ask in (evaluate, evaluate_events):
            with pytest.raises(InputError, match=said):
                ask(run, **on_test(data) | {"table": tmp_path / name})


def test_a_model_meets_its_own_event_in_a_table_of_several_and_refuses_one_that_lacks_it(made, run, tmp_path):
    data, _ = made
    alone = evaluate(run / "events/M1.0_24h", **on_test(data) | {"table": data["M1.0_24h"]}, out=run / "a")
    mine = evaluate(run / "events/M1.0_24h", **on_test(data), out=run / "b")
    assert alone.table == mine.table
    with pytest.raises(InputError, match=r"of flares >= M1\.0 within 24 h, the table .* of flares >= C1\.0"):
        evaluate(run / "events/M1.0_24h", **on_test(data) | {"table": data["C1.0_24h"]})
    from flarescope.pipeline.catalogues.listing import write_catalogue

    few = pd.read_parquet(data["table"]).drop(columns=["label_M1.0_24h"])
    write_catalogue(few, tmp_path / "few.parquet", [EVENTS[0], EVENTS[2]])
    with pytest.raises(InputError, match=r"has labels of C1\.0/24, C1\.0/48, not of M1\.0/24"):
        evaluate(run / "events/M1.0_24h", **on_test(data) | {"table": tmp_path / "few.parquet"})


def test_each_event_has_its_own_calibration_and_threshold_in_the_one_file(run, capsys):
    assert main(["calibrate", str(run), "--method", "platt", "--threshold", "tss"]) == 0
    shown = capsys.readouterr()
    assert "C1.0/24" in shown.out
    assert all(f"WARNING: {code}: fitted on " in shown.err for code in CODES)
    described = read_event_descriptions(run / "model.hdf5")
    assert all(one.calibration and one.choice for one in described)
    assert len({one.threshold for one in described}) > 1 or len({one.calibration["slope"] for one in described}) > 1
    with pytest.warns(FlarescopeWarning, match="fewer than 40"):
        calibrate(run / "events/M1.0_24h", method="none")
    assert [bool(one.calibration) for one in read_event_descriptions(run / "model.hdf5")] == [True, False, True]
    (run / "events/M1.0_24h/forecasts/validation.parquet").unlink()
    assert main(["calibrate", str(run), "--threshold", "hss"]) == 0  # one event that cannot be costs the others nothing
    shown = capsys.readouterr()
    assert "M1.0/24 is not calibrated" in shown.err
    assert "C1.0/48" in shown.out
    assert main(["calibrate", str(run), "--event", "X1.0/24"]) == 2
    assert "not of X1.0/24" in capsys.readouterr().err


def test_predict_gives_all_events_in_one_row_an_image(made, run, tmp_path, capsys):
    data, _ = made
    images = sorted((data["images"] / "1141").iterdir())
    found = predict(run, images, compute=COMPUTE)
    assert found.events == EVENTS
    table = found.forecasts
    assert len(table) == len(images)
    models = load_event_models(run / "model.hdf5", backbone="random")
    for place, event in enumerate(EVENTS):
        alone = load(run / "events" / event.name).forecast(images, compute=COMPUTE)
        np.testing.assert_array_equal(table[f"raw_{event.name}"], alone["probability"])
        raw = table[[f"raw_{one.name}" for one in EVENTS]].to_numpy()
        np.testing.assert_array_equal(table[f"probability_{event.name}"], models.probability(raw)[:, place])
        assert table[f"yes_{event.name}"].tolist() == (table[f"probability_{event.name}"] >= 0.5).tolist()
    assert (table["probability_M1.0_24h"] <= table["probability_C1.0_24h"]).all()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    words = ["predict", str(run / "model.hdf5"), *map(str, images[:2]), str(broken), "--backbone", "random"]
    assert main([*words, "--parquet", str(tmp_path / "f.parquet"), "--json"]) == 1
    records = json.loads(capsys.readouterr().out)
    assert records[0]["probability_C1.0_24h"] == pytest.approx(table["probability_C1.0_24h"].iloc[0])
    assert records[-1]["probability_C1.0_48h"] is None
    assert [event.code for event in read_events(tmp_path / "f.parquet")] == list(CODES)
    assert main([*words[:4], "--backbone", "random"]) == 0
    assert "C1.0/48" in capsys.readouterr().out


def test_a_python_program_forecasts_all_events(made, run):
    data, _ = made
    model = load(run)
    table = model.forecast(next((data["images"] / "1141").iterdir()), compute=COMPUTE)
    assert [name for name in table if name.startswith("probability_")] == [f"probability_{one.name}" for one in EVENTS]
    with pytest.raises(InputError, match="--epoch is of one event"):
        load(run, epoch=1)


def test_the_command_evaluates_and_reports_each_event(made, run, capsys):
    data, _ = made
    words = ["--table", data["table"], "--images", data["images"], "--engine", "torch", "--precision", "fp32"]
    words = [*map(str, words), "--replicates", "0", "--workers", "0"]
    assert main(["evaluate", str(run), *words]) == 0
    told = capsys.readouterr()
    assert all(code in told.out for code in CODES)
    assert told.err.count("16 from the store") == 1  # what is so of all events is said once
    assert main(["evaluate", str(run), *words, "--event", "M1.0/24", "--event", "C1.0/24", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["by_event"]) == ["M1.0/24", "C1.0/24"]
    assert main(["evaluate", str(run), *words, "--epoch", "1"]) == 2
    assert "choose it by --event" in capsys.readouterr().err
    assert main(["report", str(run), "--event", "M1.0/24", "--replicates", "0"]) == 0
    assert (run / "events/M1.0_24h/report.html").is_file()
    assert "M1.0" in (run / "events/M1.0_24h/README.md").read_text()
    assert not (run / "events/C1.0_24h/report.html").exists()
    with pytest.raises(InputError, match="choose one"):
        report(run)
    assert RunFolder(EventRuns.open(run).runs()[0].path).history()


@pytest.mark.parametrize("verb", ["report", "calibrate"])
def test_the_scope_that_is_advised_may_be_said(verb, made, capsys):
    """Of a run of several events all that states one chooses among them, or the advice leads nowhere."""
    assert main([verb, str(made[1]), "--event", "M1.0/24", "--scope", "disk"]) == 2
    assert "of scope region, not disk: say --scope region" in capsys.readouterr().err
    assert main([verb, str(made[1]), "--event", "M2.0", "--window", "24", "--scope", "region"]) == 2
    assert "not of M2.0/24; choose one of them" in capsys.readouterr().err


def test_what_is_of_one_event_alone_names_it(made, run, capsys):
    data, _ = made
    assert main(["calibrate", str(run), "--method", "isotonic", "--quiet"]) == 0
    capsys.readouterr()
    words = ["--table", data["table"], "--images", data["images"], "--engine", "torch", "--precision", "fp32"]
    assert main(["evaluate", str(run), *map(str, words), "--replicates", "0", "--quiet"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "calibrated probabilities" in line]
    assert told  # of the rates, or of probabilities of exactly 0 and 1
    assert all(line.startswith(tuple(f"WARNING: {code}: " for code in CODES)) for line in told)


def test_an_exported_file_of_several_events_says_of_what_tables_each_was_made(run):
    said = run_json_of(load_parts(run))
    assert list(said["by_event"]) == [event.code for event in EventRuns.open(run).events]
    for code, folder in zip(said["by_event"], EventRuns.open(run).runs(), strict=True):
        own = folder.read()
        assert said["by_event"][code] == {"recipe": own["recipe"], "data": own["data"]}
        assert run_json_of(load_parts(folder.path)) == own
