"""Does every file and sentence behind `catalog label` say the event that the labels are of, whichever it is?"""

import json

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank, use_fake_network, write_set
from flarescope.catalog.table_event import event_of_table
from flarescope.cli import main
from flarescope.events import PUBLISHED, EventDefinition
from flarescope.forecaster.classifier import load_classifier
from flarescope.notes import read_event

EVENT = EventDefinition(threshold="M1.0", window_hours=12, latency_hours=1, flux_scale="operational")
SAID = "a flare of class M1.0 or above in the 12 hours that begin 1 hour later"
REGIONS = list(range(1121, 1141))


def run(*arguments):
    return main([str(argument) for argument in arguments])


def flare_list(folder):
    """Every second region has an M2 that peaks at 15:00, and all have C flares that do not count."""
    rows = [
        f"2010-11-10T{hour:02d}:{(region - 1121) // 2 * 3:02d},{flare},{region + 10000}"
        for region in REGIONS
        for hour, flare in DAY(region)
    ]
    rows += ["2010-11-09T00:00,B1.0,11000", "2010-11-12T00:00,B1.0,11000"]
    path = folder / "flares.csv"
    path.write_text("\n".join(["time,flare,noaa_ar", *rows]) + "\n")
    return path


def DAY(region):
    return [(4, "C2.0"), (15, f"M{2 + (region - 1121) / 10:.1f}" if region % 2 else "C9.0")]


pytestmark = pytest.mark.xdist_group("event")  # one worker does the job


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A whole job for M1.0 in the 12 hours from 1 hour after the image on, by a fake network, on noise."""
    folder = tmp_path_factory.mktemp("event")
    write_set(folder, regions={"all": REGIONS}, images_a_region=4)
    images, flares = folder / "images", flare_list(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_fake_network(monkeypatch)
        draw_blank(monkeypatch)
        rule = ["--threshold", "M1.0", "--window", 12, "--latency", 1, "--flux-scale", "operational"]
        for out in ("labelled.parquet", "labelled.csv", "labelled.txt"):
            assert run("catalog", "label", images, "--flares", flares, *rule, "--out", folder / out, "--quiet") == 0
        select = ["--first", "2010-11-01", "--out", folder / "selected.parquet", "--quiet"]
        assert run("catalog", "select", folder / "labelled.parquet", *select) == 0
        split = ["--how", "region", "--out", folder / "tables", "--quiet"]
        assert run("catalog", "split", folder / "selected.parquet", *split, "--fractions", "0.5,0.25,0.25") == 0
        table, out = folder / "tables/catalogue.parquet", folder / "runs/m"
        common = ["--images", images, "--quiet"]
        assert run("train", "--train", table, "--validation", table, "--out", out, *common) == 0
        assert run("calibrate", out, "--method", "none", "--quiet") == 0
        assert run("evaluate", out, "--table", table, "--replicates", 20, *common) == 0
        assert run("report", out, "--replicates", 20, "--events", flares, "--quiet") == 0
    return folder


@pytest.fixture
def fake(monkeypatch):
    use_fake_network(monkeypatch)


def test_every_table_says_it(made):
    tables = ["labelled.parquet", "labelled.csv", "labelled.txt", "selected.parquet", "tables/catalogue.parquet"]
    tables += [f"tables/{name}_Data_by_AR_M1.0_12hr_after_1hr_png_224.csv" for name in ("Train", "Validation", "Test")]
    assert [event_of_table(made / table) for table in tables] == [EVENT] * len(tables)
    labelled = pd.read_parquet(made / "labelled.parquet")
    odd = (
        labelled["noaa_ar"] % 2 == 1
    )  # a flare of M2.0 or more at 15:00 to 15:27: images from 02:36 on see it in 1 to 13 hours
    expected = odd & (labelled["time"].dt.hour >= 2)
    assert (labelled["label"] == expected).all()


def test_run_model_forecasts_and_scores_say_it(made):
    out = made / "runs/m"
    for file in ("run.json", "scores.json"):
        assert json.loads((out / file).read_text())["event"] == EVENT.to_json()
    assert [read_event(out / f"forecasts/{split}.parquet") for split in ("validation", "test")] == [EVENT, EVENT]
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_fake_network(monkeypatch)
        assert {load_classifier(out / row["model"]).description.event for row in history} == {EVENT}


def test_persistence_of_a_run_is_of_its_own_event_and_window(made, fake, tmp_path):
    table = pd.read_parquet(made / "tables/catalogue.parquet").query("split == 'test'")
    regions = sorted(table["noaa_ar"].unique())
    # C flares just before all images, an M flare 13 hours before the first one, and one that counts of one region.
    rows = [f"2010-11-09T23:00,C9.0,{region}" for region in regions] + [f"2010-11-09T11:30,M1.0,{regions[0]}"]
    rows += [f"2010-11-09T23:00,M1.0,{regions[1]}", "2010-11-08T00:00,B1.0,11000", "2010-11-12T00:00,B1.0,11000"]
    (tmp_path / "before.csv").write_text("\n".join(["time,flare,noaa_ar", *rows]) + "\n")
    common = ["--table", made / "tables/catalogue.parquet", "--images", made / "images", "--quiet"]
    more = ["--replicates", 0, "--out", tmp_path / "listed", "--events", tmp_path / "before.csv"]
    assert run("evaluate", made / "runs/m", *common, *more) == 0
    found = json.loads((tmp_path / "listed/scores.json").read_text())["verification"]
    assert found["settings"]["event"] == EVENT.to_json()
    assert found["previous"]["known"] == len(table)
    decision = found["baselines"]["persistence"]["decision"]
    assert decision["tp"] + decision["fp"] == (table["noaa_ar"] == regions[1]).sum() == 4
    assert any("does not say on which flux scale its classes are" in note for note in found["notes"])
    for scale, said in (("operational", False), ("science", True)):
        stated = [
            "--replicates",
            0,
            "--out",
            tmp_path / scale,
            "--events",
            tmp_path / "before.csv",
            "--flux-scale",
            scale,
        ]
        assert run("evaluate", made / "runs/m", *common, *stated) == 0
        notes = json.loads((tmp_path / scale / "scores.json").read_text())["verification"]["notes"]
        assert any("on two flux scales" in note and "M1.0 on the former" in note for note in notes) == said
        assert not any("does not say on which flux scale" in note for note in notes)
    # From labels an image 13 hours older would tell; the images span four hours.
    own = json.loads((made / "runs/m/scores.json").read_text())["verification"]
    assert own["previous"] is None
    assert any("in the 12 h before is not known of 20 of 20 rows" in note for note in own["notes"])


def test_page_and_card_say_it_and_nothing_else(made):
    for file in ("report.html", "README.md"):
        text = (made / "runs/m" / file).read_text().replace("<wbr>", "")
        assert SAID in text
        assert "C1.0" not in text
        assert "24 hours" not in text
        assert "24 h" not in text.replace("24 h and", "")


def test_predict_says_it_on_screen_and_in_every_form(made, fake, capsys, tmp_path):
    image = sorted((made / "images").rglob("*.png"))[0]
    files = ["--csv", tmp_path / "f.csv", "--parquet", tmp_path / "f.parquet"]
    assert run("predict", made / "runs/m", image, *files) == 0
    assert " ".join(SAID.split()) in " ".join(capsys.readouterr().out.split())
    assert pd.read_csv(tmp_path / "f.csv")["event"].tolist() == ["M1.0/12+1"]
    assert pd.read_parquet(tmp_path / "f.parquet")["event"].tolist() == ["M1.0/12+1"]
    assert [read_event(tmp_path / name) for name in ("f.csv", "f.parquet")] == [EVENT, EVENT]
    assert run("predict", made / "runs/m", image, "--json", "--quiet") == 0
    assert '"M1.0/12+1"' in capsys.readouterr().out


def published(folder):
    """A table of the published event, of other regions."""
    paths = write_set(folder, regions={"other": [2001, 2002]})
    name = folder / "Test_Data_by_AR_png_224.csv"
    paths["other"].rename(name)
    return name, paths["images"]


def refused(capsys, *words):
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert all(word in told for word in words), told


def test_one_event_is_trained_and_another_validated_only_over_a_refusal(made, fake, tmp_path, capsys):
    table, images = published(tmp_path)
    tables = ["--train", made / "tables/catalogue.parquet", "--validation", table]
    assert run("train", *tables, "--images", images, "--out", tmp_path / "run", "--quiet") == 2
    refused(capsys, "M1.0", ">= C1.0 within 24 h")
    assert not (tmp_path / "run").exists()


def test_a_model_is_not_evaluated_on_another_event(made, fake, tmp_path, capsys):
    table, images = published(tmp_path)
    before = (made / "runs/m/scores.json").read_bytes()
    assert run("evaluate", made / "runs/m", "--table", table, "--images", images, "--quiet") == 2
    refused(capsys, "the model is of", "M1.0", "Test_Data_by_AR_png_224.csv", "C1.0")
    assert (made / "runs/m/scores.json").read_bytes() == before


def foreign(path, **columns):
    rng = np.random.default_rng(0)
    regions = np.repeat(np.arange(11000, 11030), 4)
    frame = pd.DataFrame({"filename": [f"{i}.png" for i in range(120)], "noaa_ar": regions})
    frame["label"] = (regions % 3 == 0).astype(int)
    frame.assign(probability=rng.random(120), **columns).to_csv(path, index=False)
    return path


def test_forecasts_of_different_events_are_not_compared(made, fake, tmp_path, capsys):
    a = made / "runs/m/forecasts/test.parquet"
    b = tmp_path / "b.csv"
    pd.read_parquet(a).to_csv(b, index=False)
    assert run("compare", a, b, "--replicates", 20, "--quiet") == 0
    assert "does not say what an event is" in capsys.readouterr().err
    (tmp_path / "b.csv.notes.json").write_text(json.dumps({"event": PUBLISHED.to_json()}))
    assert run("compare", a, b, "--replicates", 20, "--quiet") == 2
    refused(capsys, "M1.0", "C1.0")
    assert run("report", made / "runs/m", "--compare", b, "--replicates", 20, "--quiet") == 2
    refused(capsys, "M1.0", "C1.0")


def test_a_foreign_table_states_its_event_or_leaves_it_to_its_author(tmp_path, capsys):
    table = foreign(tmp_path / "other.csv")
    out = tmp_path / "out"
    assert run("evaluate", table, "--replicates", 20, "--out", out, "--event", "M1.0", "--window", 48, "--quiet") == 0
    assert json.loads((out / "scores.json").read_text())["event"]["threshold"] == "M1.0"
    assert run("evaluate", table, "--replicates", 20, "--out", out, "--quiet") == 0
    assert json.loads((out / "scores.json").read_text())["event"] is None


def test_stating_part_of_an_event_is_refused(tmp_path, capsys):
    assert run("evaluate", foreign(tmp_path / "other.csv"), "--event", "M1.0", "--quiet") == 2
    refused(capsys, "--event and --window")


def test_stating_another_event_than_the_table_says_is_refused(made, tmp_path, capsys):
    split = ["catalog", "split", made / "labelled.parquet", "--how", "time", "--test-from", "2010-11-10T02:00"]
    assert run(*split, "--event", "C1.0", "--window", 24, "--out", tmp_path / "s.parquet", "--quiet") == 2
    refused(capsys, "M1.0", "C1.0")


def test_the_gap_of_a_split_by_time_is_the_event_s(made, tmp_path, capsys):
    table = pd.read_parquet(made / "labelled.parquet")
    days = pd.to_timedelta(np.arange(len(table)) % 40, unit="h")
    late = table.assign(time=table["time"].dt.floor("D") + days, noaa_ar=np.arange(len(table)) + 11000)
    late["filename"] = [f"{row}.png" for row in range(len(late))]
    from flarescope.notes import event_notes
    from flarescope.parquet_tables import write_parquet

    write_parquet(late, tmp_path / "late.parquet", event_notes(EVENT))
    split = ["catalog", "split", tmp_path / "late.parquet", "--how", "time", "--test-from", "2010-11-11"]
    assert run(*split, "--out", tmp_path / "s.parquet") == 0
    placed = pd.read_parquet(tmp_path / "s.parquet")
    last = placed["time"][placed["split"] == "train"].max()
    assert last == pd.Timestamp("2010-11-10T11:00Z")  # 12 + 1 hours before the boundary
    left = placed["split"].isna().sum()
    told = capsys.readouterr().err
    assert f"left out: {left} images less than 13 h before a boundary\n" in told
    assert "WARNING: no image is in the validation set" in told
    assert event_of_table(tmp_path / "s.parquet") == EVENT
    assert run(*split, "--gap-hours", 12, "--out", tmp_path / "s.parquet", "--quiet") == 2
    refused(capsys, "--gap-hours 12", "13 hours")
    late.to_parquet(tmp_path / "late.parquet")  # and of a table that says nothing, nothing is guessed
    assert run(*split, "--out", tmp_path / "s.parquet", "--quiet") == 2
    refused(capsys, "--gap-hours", "--event and --window")


def test_a_check_takes_the_rule_from_the_table(made, capsys):
    table = made / "tables/catalogue.parquet"
    assert run("catalog", "check", table, "--flares", made / "flares.csv", "--quiet") == 0
    assert run("catalog", "check", table, "--event", "C1.0", "--window", 24, "--quiet") == 2
    assert "M1.0" in capsys.readouterr().err
