"""Do evaluate, calibrate, compare and report give what a referee asks for, through the command line?"""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank, use_fake_network, write_set
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.cli import main
from flarescope.events import EventDefinition
from flarescope.forecaster.classifier import load_classifier
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.foreign_rows import read_foreign
from flarescope.pipeline.verifying import list_notes
from flarescope.tables import read_forecasts

REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132], "test": [1141, 1142, 1143, 1144]}


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A trained and evaluated run on a tiny made set with a fake network; no data of the Sun."""
    place = tmp_path_factory.mktemp("made")
    data = write_set(place / "set", regions=REGIONS)
    (place / "set/synthetic.json").write_text("{}")  # what marks a made set
    common = ["--images", data["images"], "--quiet"]
    tables = ["--train", data["train"], "--validation", data["validation"]]
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        assert run("train", *tables, "--out", place / "runs/r", "--backbone", "random", "--batch", 8, *common) == 0
        assert run("evaluate", place / "runs/r", "--table", data["test"], *common) == 0
    return place, data


@pytest.fixture
def trained(made, tmp_path, monkeypatch):
    """A copy of that run, to be changed, and its set, which is not."""
    place, data = made
    use_fake_network(monkeypatch)
    shutil.copytree(place / "runs", tmp_path / "runs")
    return tmp_path / "runs/r", data


def scores_of(out):
    return json.loads((out / "scores.json").read_text())


def test_evaluate_writes_scores_with_intervals_and_baselines(trained):
    out, data = trained
    written = scores_of(out)
    verification = written["verification"]
    assert verification["sample"]["regions"] == 4
    argmax = verification["decisions"]["argmax"]
    assert {name: argmax[name] for name in ("tp", "fn", "fp", "tn")} == written["counts"]
    for name, value in written["scores"].items():
        row = argmax["scores"][name]
        assert row["value"] == pytest.approx(value)
        assert row["low"] <= row["value"] <= row["high"]
    assert set(verification["baselines"]) >= {"climatology", "always_no"}
    assert verification["settings"]["climatology"] == pd.read_csv(data["train"])["class"].mean()
    assert "chosen" not in verification["decisions"]


def test_calibrate_stores_calibration_and_threshold_and_leaves_argmax(trained, capsys):
    out, data = trained
    before = scores_of(out)
    model = RunFolder(out).model_path()
    head = load_classifier(model).head
    assert run("calibrate", out, "--method", "platt", "--threshold", "hss", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    described = load_classifier(model).description
    assert described.choice["rule"] == "hss"
    assert described.threshold == said["threshold"] == described.choice["threshold"]
    assert described.calibration["method"] == "platt"
    assert np.array_equal(load_classifier(model).head.kernel, head.kernel)

    assert run("evaluate", out, "--table", data["test"], "--images", data["images"], "--quiet") == 0
    after = scores_of(out)
    assert after["counts"] == before["counts"]
    assert set(after["verification"]["decisions"]) == {"argmax", "chosen"}
    assert after["verification"]["calibrated"]["scores"]["brier"]["value"] >= 0
    capsys.readouterr()

    assert run("predict", out, data["images"] / "1141", "--json") == 0
    records = json.loads(capsys.readouterr().out)
    raw = read_forecasts(RunFolder(out).forecasts("test")).set_index("filename")["probability"]
    for record in records:
        name = record["filename"].split("images/")[1]
        assert record["probability_raw"] == pytest.approx(raw[name], abs=1e-6)
        assert record["flare"] == (record["probability"] >= described.threshold)


def test_calibration_never_uses_test_rows(trained, capsys):
    out, _ = trained
    folder = RunFolder(out)
    folder.forecasts("validation").write_bytes(folder.forecasts("test").read_bytes())
    assert run("calibrate", out) == 2
    assert "fitted on validation rows only, but there are rows of test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "magic"], "'magic' is not one of 'platt'"),
        (["--threshold", "cost"], "--threshold cost: expected a probability such as 0.3, tss, hss, or cost=10"),
        (["--threshold", "luck"], "--threshold luck: expected a probability such as 0.3, tss, hss, or cost=10"),
        (
            ["--columns", "label=target"],
            "is a run's folder, and these are for a table of forecasts: leave out --columns",
        ),
    ],
)
def test_bad_calibration_options(trained, capsys, arguments, message):
    assert run("calibrate", trained[0], *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_anybodys_forecasts_are_verified_and_compared(trained, tmp_path, capsys):
    out, _ = trained
    ours = read_forecasts(RunFolder(out).forecasts("test"))
    foreign = tmp_path / "foreign.csv"
    ours[["filename", "noaa_ar", "label", "probability"]].to_csv(foreign, index=False)
    assert run("evaluate", foreign, "--climatology", "0.5", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    argmax = scores_of(out)["verification"]["decisions"]["argmax"]
    assert found["decisions"]["argmax"]["scores"]["tss"] == argmax["scores"]["tss"]

    assert run("compare", out, foreign, "--json") == 0
    row = json.loads(capsys.readouterr().out)["decision"]["tss"]
    assert (row["difference"], row["low"], row["high"], row["better"]) == (0, 0, 0, None)

    worse = tmp_path / "worse.csv"
    ours.assign(probability=1 - ours["probability"]).to_csv(worse, index=False)
    assert run("compare", out, worse, "--json") == 0
    row = json.loads(capsys.readouterr().out)["probability"]["roc_area"]
    assert row["a"] == pytest.approx(1 - row["b"])
    assert run("calibrate", out, "--quiet") == 0
    assert run("evaluate", out, "--table", trained[1]["test"], "--images", trained[1]["images"], "--quiet") == 0
    chosen = scores_of(out)["verification"]["decisions"]["chosen"]["threshold"]
    capsys.readouterr()
    assert run("compare", out, worse) == 0
    shown = capsys.readouterr()
    assert "A - B" in shown.out
    assert "an event is as its author defined it" in shown.out
    assert f"yes: A from calibrated p >= {chosen:.3g}; B from p >= 0.5" in shown.out
    assert "- Only 4 regions have events, worth 4.0 of equal weight, too few to resample" in shown.err


def test_a_foreign_table_is_told_as_forecasts_of_somebody(trained, tmp_path, capsys):
    ours = read_forecasts(RunFolder(trained[0]).forecasts("test"))
    ours[["filename", "label", "probability"]].to_csv(tmp_path / "plain.csv", index=False)
    assert run("evaluate", tmp_path / "plain.csv", "--event", "C1.0", "--window", 6) == 0
    shown = capsys.readouterr()
    counts = scores_of(trained[0])["counts"]
    assert f"{tmp_path / 'plain.csv'}: {len(ours)} forecasts, yes from p >= 0.5" in shown.out
    assert all(re.search(rf"\b{counts[name]} .*\({name.upper()}\)", shown.out) for name in counts)
    said = shown.out + shown.err
    assert "image" not in said
    assert "network" not in said
    read = f"the region of {len(ours)} rows and the time (TAI, turned into UTC) of {len(ours)} rows."
    assert shown.err.count(f"Read from the file names, since the table does not give it: {read}") == 1
    assert "4 regions" in shown.out
    assert "persistence" in shown.out


def test_names_fill_only_what_a_foreign_table_lacks(tmp_path):
    name = "1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png"
    (tmp_path / "t.csv").write_text(f"filename,noaa_ar,label,probability\n{name},11200,1,0.5\nother.png,,0,0.1\n")
    found = read_foreign(tmp_path / "t.csv")
    rows, notes = found.rows, found.notes
    assert rows["noaa_ar"].tolist() == [11200, pd.NA]
    assert rows["time"].tolist() == [pd.Timestamp("2010-11-10T05:35:26", tz="UTC"), pd.NaT]
    assert notes == (
        "Read from the file names, since the table does not give it: the time (TAI, turned into UTC) of 1 row.",
    )


@pytest.mark.parametrize(("regions", "why"), [(None, "No row names a region"), (11121, "All rows are of one region")])
def test_a_foreign_table_without_regions_has_scores_without_intervals_and_says_why(tmp_path, capsys, regions, why):
    rows = pd.DataFrame({"filename": ["a", "b", "c"], "noaa_ar": regions, "label": [0, 1, 1], "probability": 0.6})
    rows.to_csv(tmp_path / "t.csv", index=False)
    assert run("evaluate", tmp_path / "t.csv") == 0
    shown = capsys.readouterr()
    assert f"- {why}: no intervals can be made by regions" in shown.err
    assert "interval" not in shown.out.replace("no score has an interval here", "")
    assert run("compare", tmp_path / "t.csv", tmp_path / "t.csv") == 0
    assert f"- {why}: no intervals can be made by regions" in capsys.readouterr().err


def test_images_are_not_for_a_table_of_forecasts(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("filename,label,probability\na,1,0.5\nb,0,0.5\n")
    assert run("evaluate", tmp_path / "t.csv", "--images", tmp_path) == 2
    assert "is a table of forecasts: leave out --images" in capsys.readouterr().err


def test_forecasts_of_the_whole_disk_have_baselines_of_their_stated_event(tmp_path, capsys):
    hours = pd.date_range("2014-01-01", periods=72, freq="h", tz="UTC")
    label = [int(24 < hour <= 36) for hour in range(72)]  # an M2.0 at 37:00
    table = pd.DataFrame({"time": hours, "label": label, "probability": 0.3})
    table.to_csv(tmp_path / "disk.csv", index=False)
    flares = ["2014-01-02T13:00,M2.0,11936", "2014-01-01T05:00,C9.0,11936"]
    flares += ["2013-12-31T00:00,B1.0,11936", "2014-01-05T00:00,B1.0,11936"]
    (tmp_path / "flares.csv").write_text("\n".join(["time,flare,noaa_ar", *flares]) + "\n")
    task = ["--climatology", "0.2", "--replicates", "0", "--json"]
    stated = ["--event", "M1.0", "--window", "12"]
    for more, known in (([], 60), (["--events", tmp_path / "flares.csv"], 72)):
        assert run("evaluate", tmp_path / "disk.csv", *task, *stated, *more) == 0
        found = json.loads(capsys.readouterr().out)
        decision = found["baselines"]["persistence"]["decision"]
        assert [decision[count] for count in ("tp", "fn", "fp", "tn")] == [0, 12, 12, 48]
        assert found["previous"]["known"] == known
        assert "climatology" in found["baselines"]
    assert run("evaluate", tmp_path / "disk.csv", *task) == 0
    assert "persistence" not in json.loads(capsys.readouterr().out)["baselines"]


@pytest.mark.parametrize(
    ("scales", "weakest", "said"),
    [
        (("operational",), "B1.0", []),
        ((None,), "C1.0", ["they are taken to be on the labels', operational"]),
        (("science",), "C3.0", ["C1.0 on the former is C1.4 on the latter"]),
        (("operational", "science"), "M1.0", ["C1.0 on the former is C1.4 on the latter", "no flare below M1.0"]),
        ((None,), "X2.0", ["does not say on which flux scale", "no flare below X1.0 is listed"]),
    ],
)
def test_what_a_flare_list_does_not_see_is_said(scales, weakest, said):
    peak = pd.Timestamp("2014-01-01", tz="UTC")
    table = flare_frame([{"noaa_ar": 11936, "time": peak, "flare": flare} for flare in (weakest, "X9.0")])
    notes = list_notes(FlareList(table, ((peak, peak),), scales=scales), EventDefinition(flux_scale="operational"))
    assert len(notes) == len(said)
    assert all(words in note for words, note in zip(said, notes, strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(probability=2.0), "probability is 2.0"),
        (lambda t: t.assign(probability=np.nan), "probability is nan"),
        (lambda t: t.assign(label=3), "label is 3"),
        (lambda t: t.assign(label=1), "needs both classes"),
        (lambda t: t.assign(noaa_ar=t["noaa_ar"].where(t.index > 0)).assign(filename=t.index), "1 of 32 rows has no"),
    ],
)
def test_bad_foreign_forecasts_are_one_line(trained, tmp_path, capsys, change, message):
    table = read_forecasts(RunFolder(trained[0]).forecasts("test"))
    path = tmp_path / "bad.csv"
    change(table.drop(columns=["split", "time"])).to_csv(path, index=False)
    assert run("evaluate", path) == 2
    error = capsys.readouterr().err
    assert message in error
    assert str(path) in error
    assert error.count("\n") == 1


def test_a_comparison_is_of_the_rows_that_both_have(trained, tmp_path, capsys):
    out, _ = trained
    ours = read_forecasts(RunFolder(out).forecasts("test"))
    ours.iloc[1:].to_csv(tmp_path / "other.csv", index=False)
    assert run("compare", out, tmp_path / "other.csv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == len(ours) - 1
    assert found["own"]["a"]["n"] == len(ours)
    assert f"Compared are the {len(ours) - 1} rows that all have; left out are 1 of A." in found["notes"]
    ours.assign(filename=ours["filename"] + "x").to_csv(tmp_path / "other.csv", index=False)
    assert run("compare", out, tmp_path / "other.csv") == 2
    assert "no row stands in each of A, B (by filename)" in capsys.readouterr().err


def test_a_model_needs_table_and_images(trained, capsys):
    assert run("evaluate", trained[0]) == 2
    assert "give --table and --images" in capsys.readouterr().err


def test_report_card_and_figures(trained, tmp_path, capsys):
    out, data = trained
    foreign = tmp_path / "foreign.csv"
    ours = read_forecasts(RunFolder(out).forecasts("test"))
    ours.assign(probability=0.5).to_csv(foreign, index=False)
    events = tmp_path / "eventList.txt"
    events.write_text("2010 11 10,0410,1141,M2.5\n2010 11 10,0410,1142,B2.5\n")
    assert run("report", out, "--compare", foreign, "--events", events, "--json") == 0
    written = json.loads(capsys.readouterr().out)
    page = (out / "report.html").read_text()
    assert written["page"] == str(out / "report.html")
    assert "SYNTHETIC DATA" in page
    assert "foreign.csv" in page.replace("<wbr>", "")
    tables = {path.suffix for path in (out / "report.tables").iterdir()}
    assert tables == {".csv", ".tex"}
    assert "no official forecast" in page
    assert "data:image/png;base64" in page
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlibrary_name:")
    assert "SYNTHETIC DATA" in card
    names = {path.rsplit("/", 1)[1] for path in written["figures"]}
    assert {"roc.png", "roc.svg", "reliability.png", "history.svg"} <= names
    assert data["images"].is_dir()


def test_a_report_of_a_run_that_was_not_evaluated(trained, capsys):
    out, _ = trained
    (out / "scores.json").unlink()
    assert run("report", out) == 2
    assert "not evaluated on test yet" in capsys.readouterr().err


SUMMARY_OF_THE_DAY = """\
:Issued: 2010 Nov 10 0030 UTC
SRS Number 314 Issued at 0030Z on 10 Nov 2010
I.  Regions with Sunspots.  Locations Valid at 09/2400Z
Nmbr Location  Lo  Area  Z   LL   NN Mag Type
1141 N03W04   305  0030 Dso  07   03 Beta
1142 S20E40   305  0030 Dso  07   03 Beta
1143 N10W59   305  0030 Dso  07   03 Beta
IA. H-alpha Plages without Spots.  Locations Valid at 09/2400Z Nov
II. Regions Due to Return 10 Nov to 12 Nov
"""


def test_places_from_the_summaries_reach_the_report(trained, tmp_path, capsys, monkeypatch):
    draw_blank(monkeypatch)
    out, data = trained
    (tmp_path / "20101110SRS.txt").write_text(SUMMARY_OF_THE_DAY)
    selected = tmp_path / "selected.parquet"
    arguments = ["--summaries", tmp_path / "20101110SRS.txt", "--out", selected, "--quiet"]
    assert run("catalog", "select", data["test"], *arguments) == 0
    places = pd.read_parquet(selected).groupby("noaa_ar")[["lon_deg", "lat_deg"]].first()
    # 00:36 TAI after the summary's 00:00: 13.2 degrees a day at latitude 20
    assert places.loc[11142].tolist() == [pytest.approx(-40 + 13.2 * 0.6 / 24, abs=0.02), -20.0]
    assert places.loc[11144].isna().all()
    capsys.readouterr()
    fractions = ["--how", "region", "--fractions", "0.5,0.25,0.25", "--quiet"]
    assert run("catalog", "split", selected, *fractions, "--out", tmp_path / "split.parquet") == 0
    assert pd.read_parquet(tmp_path / "split.parquet").groupby("noaa_ar")["lon_deg"].first()[11143] > 59

    assert run("evaluate", out, "--table", selected, "--images", data["images"], "--quiet") == 0
    forecasts = read_forecasts(RunFolder(out).forecasts("test"))
    first = forecasts.groupby("noaa_ar")["lon_deg"].first().dropna().to_dict()
    assert first == pytest.approx({11141: 4.33, 11142: -39.68, 11143: 59.33}, abs=0.01)
    # from the centre: acos(cos 4.3 cos 3) = 5.3, acos(cos 39.7 cos 20) = 43.7, acos(cos 59.33 cos 10) = 59.8 degrees,
    # and of the last region 36 minutes later acos(cos 59.66 cos 10) = 60.2
    slices = scores_of(out)["verification"]["slices"]["argmax"]["position"]
    assert [(row["slice"], row["n"], row["regions"]) for row in slices] == [
        ("0-30 deg", 8, 1),
        ("30-45 deg", 8, 1),
        ("45-60 deg", 1, 1),
        ("60-90 deg", 7, 1),
    ]
    assert run("report", out, "--quiet") == 0
    assert "By angle from the centre of the disk" in (out / "report.html").read_text()
    assert run("evaluate", out, "--table", data["test"], "--images", data["images"], "--quiet") == 0
    assert "position" not in scores_of(out)["verification"]["slices"]["argmax"]
