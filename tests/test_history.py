"""Does a forecast look back to the right earlier images, to nothing after its own, and does it say what is missing?"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import Heard, train_three_epochs, use_fake_network, write_set
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.features.history import History, HistoryRows, find_past, history_from_json
from flarescope.forecaster.classifier import read_description
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import Recipe
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.history import look_back
from flarescope.pipeline.models import load
from flarescope.pipeline.predicting import predict
from flarescope.pipeline.training import train
from made_events import EVENTS, write_events_set

START = pd.Timestamp("2014-01-01", tz="UTC")
BACK = ("--history", "2,4", "--tolerance", "0.5")
REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132, 1133], "test": [1141, 1142, 1143]}


def images(rows):
    """A table of (region, hour)."""
    return pd.DataFrame(
        {
            "noaa_ar": pd.Series([region for region, _ in rows], dtype="Int32"),
            "time": START + pd.to_timedelta([hour for _, hour in rows], unit="h"),
        }
    )


def test_the_nearest_image_of_the_region_within_the_tolerance_is_taken():
    table = images([(1, 0.0), (1, 5.4), (1, 6.8), (2, 6.0), (1, 12.0), (1, 18.2)])
    found = find_past(table, table, History((6, 12), 1.0))
    assert found[4].tolist() == [1, 0]  # 5.4 is 0.6 h off, 6.8 is 0.8 h off; 12 h before is the first
    assert found[5].tolist() == [4, 2]  # 12.0 for 12.2; 6.8 for 6.2
    assert found[0].tolist() == [-1, -1]
    assert found[3].tolist() == [-1, -1]  # no other image of region 2
    assert find_past(table, table, History((6, 12), 0.5))[4].tolist() == [-1, 0]


def test_of_two_that_are_equally_near_the_earlier_one_is_taken_and_of_one_time_the_first():
    table = images([(1, 7.0), (1, 5.0), (1, 5.0), (1, 12.0)])
    assert find_past(table, table, History((6,), 1.0))[3].tolist() == [1]


def test_an_image_without_region_or_time_has_no_past_and_the_whole_disk_is_one_series():
    table = images([(1, 0.0), (1, 6.0), (None, 6.0), (1, 12.0)])
    table.loc[3, "time"] = pd.NaT
    assert find_past(table, table, History((6,)))[:, 0].tolist() == [-1, 0, -1, -1]
    disk = images([(None, 0.0), (None, 6.0)])
    assert find_past(disk, disk, History((6,)))[:, 0].tolist() == [-1, 0]


def plain_past(table, row, hours, tolerance):
    """The same by looking at every image."""
    best = -1, np.inf, np.inf
    for other in range(len(table)):
        before = (table["time"].iloc[row] - table["time"].iloc[other]).total_seconds() / 3600
        if table["noaa_ar"].iloc[other] != table["noaa_ar"].iloc[row] or before <= 0:
            continue
        off = round(abs(before - hours), 6)
        if off <= tolerance and (off, -before, other) < (*best[1:], best[0]):
            best = other, off, -before
    return best[0]


@given(
    rows=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 80).map(lambda n: n / 4)), min_size=1, max_size=25),
    tolerance=st.integers(0, 5).map(lambda n: n / 4),
)
def test_a_second_implementation_finds_the_same(rows, tolerance):
    table, history = images(rows), History((3, 6, 13), tolerance)
    found = find_past(table, table, history)
    for row in range(len(table)):
        expected = [plain_past(table, row, hours, tolerance) for hours in history.hours]
        assert found[row].tolist() == expected


@given(
    rows=st.lists(st.tuples(st.integers(1, 2), st.integers(0, 40)), min_size=2, max_size=20),
    form=st.sampled_from(["stack", "difference"]),
)
@settings(max_examples=30)
def test_nothing_after_the_image_changes_what_the_head_sees(rows, form):
    table, history = images(rows), History((2, 5), 0.9, form)
    features = np.random.default_rng(0).normal(size=(len(table), 3)).astype(np.float32)
    past = find_past(table, table, history)
    seen = HistoryRows(features, np.arange(len(table)), past, form)[np.arange(len(table))]
    for row in range(len(table)):
        later = (table["time"] > table["time"].iloc[row]).to_numpy()
        tampered = np.where(later[:, None], np.float32(1e9), features)
        known = table[~later]
        assert HistoryRows(tampered, np.arange(len(table)), past, form)[np.array([row])].tolist() == [
            seen[row].tolist()
        ]
        again = find_past(table.iloc[[row]], known, history)[0]  # nor whether later images are there
        expected = [-1 if one < 0 else int(np.flatnonzero(~later).tolist().index(one)) for one in past[row]]
        assert again.tolist() == expected


def test_a_row_is_the_image_its_earlier_ones_and_an_indicator_of_what_is_missing():
    features = np.array([[1, 2], [5, 7]], np.float32)
    past = np.array([[-1, -1], [0, -1]])
    rows = HistoryRows(features, np.arange(2), past, "stack")
    assert rows[np.array([1, 0])].tolist() == [[5, 7, 1, 2, 0, 0, 0, 1], [1, 2, 0, 0, 0, 0, 1, 1]]
    assert HistoryRows(features, np.arange(2), past, "difference")[np.array([1])].tolist() == [[5, 7, 4, 5, 0, 0, 0, 1]]
    assert History((6, 12)).width(2) == 8
    assert History((6, 12)).features(8) == 2
    assert History((6, 12)).features(9) == 0


@pytest.mark.parametrize(
    ("hours", "tolerance", "form", "said"),
    [
        ((), 1.0, "stack", "a history of 0 images"),
        ((6, 6), 1.0, "stack", "rising hours above 0"),
        ((12, 6), 1.0, "stack", "rising hours above 0"),
        ((-6, 6), 1.0, "stack", "rising hours above 0"),
        ((6, 400), 1.0, "stack", "at most 336"),
        ((float("nan"),), 1.0, "stack", "rising hours"),
        ((6, 8), 1.0, "stack", "less than half of the shortest step of --history (2 h)"),
        ((6,), float("nan"), "stack", "--tolerance nan"),
        ((6,), 1.0, "shuffled", "expected one of stack, difference"),
    ],
)
def test_a_history_that_cannot_be_is_refused(hours, tolerance, form, said):
    with pytest.raises(InputError, match=r"history|tolerance") as caught:
        History(hours, tolerance, form)
    assert said in str(caught.value)


def test_the_plain_form_is_read_back_and_another_is_refused():
    history = History((6, 12.5), 0.25, "difference")
    assert history_from_json(json.loads(json.dumps(history.to_json()))) == history
    for values in ([6], {"hours": 6}, {"hours": ["6"], "tolerance_hours": 1, "form": "stack"}):
        with pytest.raises(TypeError):
            history_from_json(values)


@pytest.fixture(scope="module")
def run_with_past(tmp_path_factory):
    place = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        data = write_set(place / "set", regions=REGIONS)
        train_three_epochs(data, place / "run", *BACK)
    return place / "run", data


def test_a_run_with_a_history_says_so_and_its_model_file_too(run_with_past):
    run, _ = run_with_past
    history = {"hours": [2.0, 4.0], "tolerance_hours": 0.5, "form": "stack"}
    assert RunFolder(run).read()["history"] == history
    assert read_description(RunFolder(run).model_path()).history == history


def test_it_is_evaluated_and_forecasts_the_same_from_files(run_with_past, tmp_path, monkeypatch):
    run, data = run_with_past
    use_fake_network(monkeypatch)
    found = evaluate(run, table=data["test"], images=data["images"], out=tmp_path, reporter=Heard())
    heard = Heard()
    predicted = predict(run, data["images"] / "1142", reporter=heard).forecasts
    own = found.forecasts[found.forecasts["noaa_ar"] == 11142]
    assert np.allclose(predicted["probability"], own["probability"], atol=1e-6)
    assert predicted["missing_h"].tolist() == ["2,4", "2,4", "4", "4", "", "", "", ""]
    assert any("of 4 of 8 images not every earlier one is among those given" in text for text in heard.warnings)


def test_images_after_the_one_forecast_change_nothing(run_with_past, tmp_path, monkeypatch):
    run, data = run_with_past
    use_fake_network(monkeypatch)
    files = sorted((data["images"] / "1141").glob("*.png"))
    whole = predict(run, files, reporter=Heard()).forecasts
    until = predict(run, files[:6], reporter=Heard()).forecasts
    # As many rows in a product of matrices can change the last bits.
    assert np.allclose(until["probability"], whole["probability"][:6], rtol=0, atol=1e-7)
    for file in files:
        (tmp_path / "1141").mkdir(exist_ok=True)
        shutil.copy(files[0] if file > files[5] else file, tmp_path / "1141" / file.name)  # another image in its place
    tampered = predict(run, tmp_path / "1141", reporter=Heard()).forecasts
    assert tampered["probability"][:6].tolist() == whole["probability"][:6].tolist()


def test_a_limited_table_looks_back_to_the_images_that_were_not_drawn():
    whole = images([(1, hour) for hour in range(8)]).assign(filename=[f"{n}.png" for n in range(8)])
    drawn = whole.iloc[[5, 7]].reset_index(drop=True)
    look = look_back(drawn, whole, History((2, 4), 0.5))
    assert look.names.tolist() == ["5.png", "7.png", "1.png", "3.png"]
    assert look.past.tolist() == [[3, 2], [0, 3]]


def told(capsys, *words):
    code = main([str(word) for word in words])
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--history", "30"), "the longest series is 7 h: choose a shorter --history"),
        (("--history", "six"), "expected hours with commas between, as 6,12,24"),
        (("--history", "2", "--full"), "a Keras model takes one image"),
        (("--tolerance", "2"), "give --history 6,12,24 too"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_line(run_with_past, tmp_path, monkeypatch, capsys, words, said):
    _, data = run_with_past
    use_fake_network(monkeypatch)
    tables = ("--train", data["train"], "--validation", data["validation"], "--images", data["images"])
    code, error = told(capsys, "train", *tables, "--out", tmp_path / "r", "--backbone", "random", "--quiet", *words)
    assert code == 2
    assert said in error
    assert len(error.strip().splitlines()[-1]) < 300


def test_a_table_without_times_is_refused(run_with_past, tmp_path, monkeypatch, capsys):
    _, data = run_with_past
    use_fake_network(monkeypatch)
    rows = pd.read_csv(data["train"]).rename(columns={"class": "label"})
    rows["noaa_ar"] = rows["filename"].str[:4].astype(int) + 10000
    rows["filename"] = [name.replace("_TAI", "") for name in rows["filename"]]
    rows.to_csv(tmp_path / "train.csv", index=False)
    tables = ("--train", tmp_path / "train.csv", "--validation", data["validation"], "--images", data["images"])
    code, error = told(capsys, "train", *tables, "--out", tmp_path / "r", "--backbone", "random", "--history", "2")
    assert code == 2
    assert "a history needs when each image was taken" in error


@pytest.mark.parametrize("kind", ["gru", "attention"])
def test_a_head_over_the_past_is_trained_kept_and_read_again(run_with_past, tmp_path, monkeypatch, kind):
    _, data = run_with_past
    use_fake_network(monkeypatch)
    tables = ("--train", data["train"], "--validation", data["validation"], "--images", data["images"], *BACK)
    choices = ("--backbone", "random", "--head", kind, "--hidden", 4, "--epochs", 2, "--quiet")
    assert main([str(word) for word in ("train", *tables, "--out", tmp_path / "r", *choices)]) == 0
    model = load(tmp_path / "r").classifier
    assert model.head.kind == kind
    assert model.head.width == 4096 * 3 + 2
    found = evaluate(tmp_path / "r", table=data["test"], images=data["images"], reporter=Heard())
    predicted = predict(tmp_path / "r", data["images"] / "1143", reporter=Heard()).forecasts
    own = found.forecasts[found.forecasts["noaa_ar"] == 11143]
    assert np.allclose(predicted["probability"], own["probability"], atol=1e-5)


def test_a_head_over_the_past_needs_one(run_with_past, tmp_path, monkeypatch, capsys):
    _, data = run_with_past
    use_fake_network(monkeypatch)
    tables = ("--train", data["train"], "--validation", data["validation"], "--images", data["images"])
    words = ("train", *tables, "--out", tmp_path / "r", "--backbone", "random", "--head", "gru")
    differences = (*BACK, "--history-form", "difference")
    for more, said in (((), "give --history, as 6,12,24"), (differences, "not at differences")):
        code, error = told(capsys, *words, *more)
        assert code == 2
        assert said in error


def test_a_run_of_several_events_looks_back_and_forecasts_all_in_one_row(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    data = write_events_set(tmp_path)
    history = History.of((2,), 0.5)
    given = {"backbone": "fake", "compute": Compute(engine="torch", precision="fp32", workers=0), "history": history}
    recipe = Recipe(solver="lbfgs", l2=1e-2)
    run = train(
        train=data["table"], validation=data["table"], images=data["images"], out=tmp_path / "r", recipe=recipe, **given
    )
    found = predict(run.path, data["images"], backbone="fake", reporter=Heard())
    assert len(found.events) == len(EVENTS)
    assert set(found.forecasts["missing_h"]) <= {"", "2"}
    assert "" in set(found.forecasts["missing_h"])
    alone = EventRuns.open(run.path).run(found.events[0])
    one = predict(alone.path, data["images"], backbone="fake", reporter=Heard()).forecasts
    raw = found.forecasts[f"raw_{found.events[0].name}"]
    assert np.allclose(raw, one["probability"], atol=1e-6)
