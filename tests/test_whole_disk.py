"""Are tables of the whole disk labelled, split, trained on and verified by time, without regions?"""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flarescope
from disk_pictures import FIRST, disk_forecasts, name_at, write_jpeg, write_series
from fakes import Heard, draw_blank, use_fake_network, write_png
from flarescope.catalog.apart import (
    check_apart,
    near_spans,
    refuse_near,
    spans_from_json,
    spans_to_json,
    time_spans,
)
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.scores.verify import verify
from flarescope.tables import check_forecasts

EVENT = EventDefinition(threshold="M1.0", scope="disk", flux_scale="science")
LONG = EventDefinition(threshold="M5.0", window_hours=48, latency_hours=6, scope="disk")


def test_any_flare_anywhere_labels_an_image_and_no_region_is_asked_for(tmp_path):
    images = pd.DataFrame({"filename": [name_at(hour) for hour in (0, 12, 13, 36, 60)]})
    images.assign(label=0).to_csv(tmp_path / "images.csv", index=False)
    lines = ["begin,class", "2026-01-20 00:00,C1.0", "2026-02-02 12:00,M1.0", "2026-02-03 00:00,C9.9"]
    (tmp_path / "flares.csv").write_text("\n".join([*lines, "2026-02-09 00:00,C1.0"]) + "\n")
    found = flarescope.label(
        tmp_path / "images.csv",
        flares=[tmp_path / "flares.csv"],
        out=tmp_path / "catalogue.parquet",
        rule=EVENT,
        columns={"time": "begin"},
        flux_scale="science",
        reporter=Heard(),
    )
    # The peak is 36 h after the first image: within (t, t + 24] of those at 12 h, and 13 h, not of the one at 36 h.
    assert found.table["label"].tolist() == [0, 1, 1, 0, 0]
    assert found.table["noaa_ar"].isna().all()
    assert found.account["followed by a flare >= M1.0 anywhere"] == 2
    assert found.account["flares usable"] == 4
    later = flarescope.label(
        tmp_path / "images.csv",
        flares=[tmp_path / "flares.csv"],
        out=tmp_path / "later.parquet",
        rule=EventDefinition(threshold="C5.0", window_hours=12, latency_hours=24, scope="disk"),
        columns={"time": "begin"},
        flux_scale="science",
        reporter=Heard(),
    )
    # M1.0 at 36 h, C9.9 at 48 h: windows (t + 24, t + 36] are (24, 36], (36, 48], (37, 49], (60, 72], (84, 96].
    assert later.table["flare"].fillna("-").tolist() == ["M1.0", "C9.9", "C9.9", "-", "-"]


def test_a_list_without_regions_labels_no_region(tmp_path):
    (tmp_path / "flares.csv").write_text("begin,class\n2026-02-02 12:00,M1.0\n")
    with pytest.raises(InputError, match="no column noaa_ar or region"):
        flarescope.label(
            write_series(tmp_path / "s", 2) / "images",
            flares=[tmp_path / "flares.csv"],
            out=tmp_path / "a.csv",
            columns={"time": "begin"},
        )


HOURS = st.lists(st.integers(0, 400), min_size=1, max_size=12, unique=True)


def at(hours):
    return pd.Series(pd.Timestamp(FIRST) + pd.to_timedelta(sorted(hours), unit="h"))


@given(HOURS, HOURS, st.sampled_from([EVENT, LONG]))
def test_rows_are_refused_exactly_where_two_are_less_than_the_label_looks_ahead_apart(a, b, event):
    ahead = event.latency_hours + event.window_hours
    expected = [any(abs(hour - other) < ahead for other in a) for hour in sorted(b)]
    spans = time_spans(at(a), ahead)
    assert spans_from_json(spans_to_json(spans)) == spans
    assert near_spans(at(b), spans, ahead).tolist() == expected
    tables = {"train": pd.DataFrame({"time": at(a)}), "test": pd.DataFrame({"time": at(b)})}
    if any(expected):
        with pytest.raises(InputError, match=f"less than {ahead:g} h from rows of train"):
            check_apart(tables, event)
    else:
        check_apart(tables, event)
        refuse_near(at(b), spans, event, names=("train", "test"))


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A labelled and split series of 30 days, and a run on it, by a fake network."""
    folder = write_series(tmp_path_factory.mktemp("disk"), 30)
    images = folder / "images"
    flarescope.label(
        images,
        flares=[folder / "flares.csv"],
        out=folder / "catalogue.parquet",
        rule=EVENT,
        columns={"time": "begin"},
        flux_scale="science",
        reporter=Heard(),
    )
    rules = flarescope.SplitRules(
        how="time", validation_from=pd.Timestamp("2026-02-13"), test_from=pd.Timestamp("2026-02-20")
    )
    flarescope.split(folder / "catalogue.parquet", rules=rules, out=folder / "split.parquet", reporter=Heard())
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        common = {"images": images, "reporter": Heard()}
        table = folder / "split.parquet"
        flarescope.train(train=table, validation=table, out=folder / "run", backbone="random", **common)
        found = flarescope.evaluate(folder / "run", table=table, **common)
    return folder, found


def test_a_split_by_time_leaves_the_gap_and_no_check_finds_anything(series):
    folder, _ = series
    table = pd.read_parquet(folder / "split.parquet")
    counts = table["split"].value_counts(dropna=False)
    # 12, 7 and 11 days of four images; of those before each boundary, the last three are less than 24 h from it.
    assert (counts["train"], counts["validation"]) == (12 * 4 - 3, 7 * 4 - 3)
    assert flarescope.check([folder / "split.parquet"], images=folder / "images", reporter=Heard()) == []
    wrong = table.assign(split=table["split"].fillna("train"))
    path = folder / "wrong.parquet"
    write_parquet(wrong, path, event_notes(EVENT))
    (train, validation, *_) = flarescope.check([path], reporter=Heard())
    assert "images of validation are less than 24 hours from one of train" in train.what
    assert train.severity == validation.severity == "error"
    with pytest.raises(InputError, match="rows of validation less than 24 h from rows of train"):
        flarescope.train(
            train=path,
            validation=path,
            images=folder / "images",
            out=folder / "no",
            backbone="random",
            reporter=Heard(),
        )
    for how in ("region", "folds"):
        with pytest.raises(InputError, match="the table is of the whole disk"):
            flarescope.split(path, rules=flarescope.SplitRules(how=how), out=folder / "x.parquet", reporter=Heard())


def test_a_run_says_its_times_and_is_not_scored_near_them(series, monkeypatch):
    folder, found = series
    described = json.loads((folder / "run/run.json").read_text())
    assert described["store"]["rendering"] == "helioviewer-jpeg"
    assert described["data"]["train"]["times"] == [["2026-02-01T00:00:00+00:00", "2026-02-12T00:00:00+00:00"]]
    settings, sample = found.verification["settings"], found.verification["sample"]
    assert settings["unit"] == {"one": "day", "many": "days", "hours": 24}
    assert (sample["regions"], sample["groups"]) == (None, settings["clusters"])
    assert sample["groups"] == found.forecasts["time"].dt.floor("D").nunique()
    use_fake_network(monkeypatch)
    with pytest.raises(InputError, match=r"rows of the test table less than 24 h from rows of the training set"):
        flarescope.evaluate(
            folder / "run", table=folder / "catalogue.parquet", images=folder / "images", reporter=Heard()
        )


def test_page_and_card_speak_of_the_disk(series, monkeypatch):
    folder, _ = series
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    flarescope.report(folder / "run", reporter=Heard())
    card, page = ((folder / "run" / name).read_text() for name in ("README.md", "report.html"))
    assert "from one magnetogram of the whole disk of the Sun" in card
    assert "No row scored is less than 24 h from a row of training or validation." in card
    assert "Active regions" not in card
    assert "of the whole disk (test rows" in page
    assert "Interval by time" in page
    assert "Interval by region" not in page
    assert ">Regions<" not in page


def test_a_disk_model_forecasts_jpegs_and_refuses_regions(series, tmp_path, monkeypatch):
    folder, found = series
    use_fake_network(monkeypatch)
    test = found.forecasts.head(3)
    paths = [folder / "images" / name for name in test["filename"]]
    predicted = flarescope.predict(folder / "run", [*paths, write_png(tmp_path / "region.png", 0)], reporter=Heard())
    assert predicted.forecasts["probability"].tolist() == pytest.approx(test["probability"].tolist(), abs=1e-6)
    assert predicted.forecasts["time"].tolist() == test["time"].tolist()
    assert "a PNG is read as one region" in predicted.failures[0].reason
    with pytest.raises(InputError, match="a field in hand"):
        flarescope.load(folder / "run").forecast(np.zeros((64, 64)), strict=True, reporter=Heard())


def test_a_region_model_refuses_a_disk_with_a_pointer(fake_run, tmp_path, monkeypatch):
    place, _ = fake_run
    use_fake_network(monkeypatch)
    with pytest.raises(InputError, match="--scope disk"):
        flarescope.predict(place / "runs/r", write_jpeg(tmp_path / name_at(0)), reporter=Heard())


def test_intervals_of_anybodys_disk_forecasts_are_by_blocks_no_shorter_than_the_window(tmp_path):
    disk_forecasts(tmp_path / "a.parquet", hours=range(0, 24 * 60, 6))
    for window, hours in ((24.0, 24), (72.0, 72)):
        event = EventDefinition(threshold="M1.0", window_hours=window, scope="disk")
        found = flarescope.verify_table(
            tmp_path / "a.parquet", event=event, verifying=flarescope.Verifying(resample="day")
        )
        assert found["settings"]["unit"]["hours"] == hours
        assert found["settings"]["clusters"] == 60 * 24 // hours + (hours == 72)
    unstated = flarescope.verify_table(tmp_path / "a.parquet")
    assert unstated["settings"]["unit"]["hours"] == 168  # what the memory of the error asks for
    pair = flarescope.compare(tmp_path / "a.parquet", tmp_path / "a.parquet")
    assert pair["settings"]["unit"] == unstated["settings"]["unit"]
    assert pair["settings"]["memory"] == unstated["settings"]["memory"]


def test_an_interval_by_days_is_that_of_days_called_regions():
    """The same rows, with the day in the place of a region: one second way to the same numbers."""
    table = disk_forecasts_table()
    day = ((table["time"] - pd.Timestamp(FIRST)) // pd.Timedelta(days=1)).astype("Int32") + 11_000
    event = EventDefinition(threshold="M1.0", scope="disk")
    by_time = verify(table, event=event, climatology=0.3)
    by_name = verify(table.assign(noaa_ar=day), climatology=0.3)
    a, b = (found["decisions"]["argmax"]["scores"] for found in (by_time, by_name))
    assert a == b
    assert all(row["low"] < row["value"] < row["high"] for row in a.values())


def disk_forecasts_table():
    times = pd.Series([pd.Timestamp(FIRST) + pd.Timedelta(hours=hour) for hour in range(0, 24 * 50, 4)])
    label = ((times - pd.Timestamp(FIRST)) // pd.Timedelta(days=1) % 3 == 0).astype(int)
    probability = np.random.default_rng(1).uniform(0, 1, len(times))
    return check_forecasts(pd.DataFrame({"time": times, "label": label, "probability": probability}), "made")


def test_the_commands_do_it_all(tmp_path, capsys):
    folder = write_series(tmp_path, 8, every_hours=12)
    out = str(folder / "catalogue.csv")
    words = ["catalog", "label", str(folder / "images"), "--scope", "disk", "--flares", str(folder / "flares.csv")]
    words += ["--column", "time=begin", "--threshold", "M1.0", "--window", "48", "--flux-scale", "science"]
    assert main([*words, "--out", out]) == 0
    assert flarescope.read_table(out)["time"].notna().all()
    split = ["catalog", "split", out, "--how", "time", "--validation-from", "2026-02-03", "--test-from", "2026-02-06"]
    assert main([*split, "--out", str(folder / "tables")]) == 0
    names = sorted(path.name for path in (folder / "tables").glob("*.csv"))
    assert names[0] == "Test_Data_whole_disk_M1.0_48hr.csv"
    shown = capsys.readouterr()
    assert "left out: 6 images less than 48 h before a boundary" in shown.err


def test_a_table_that_does_not_say_its_scope_can_have_it_stated(tmp_path, capsys):
    names = [name_at(hour) for hour in range(0, 240, 12)]
    lines = ["filename,class", *(f"{name},{number % 2}" for number, name in enumerate(names))]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    words = ["catalog", "split", str(tmp_path / "own.csv"), "--how", "time", "--test-from", "2026-02-06"]
    words += ["--out", str(tmp_path / "split.parquet"), "--event", "M1.0", "--window", "24"]
    assert main(words) == 2
    assert "carries no region number" in capsys.readouterr().err
    assert main([*words, "--scope", "disk"]) == 0
    assert main(["catalog", "check", str(tmp_path / "split.parquet")]) == 0
