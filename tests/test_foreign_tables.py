"""Are anybody's tables read as they come, labelled by a flare list, and decided by rows that are not scored?"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fakes import Heard
from flarescope import Choosing, EventDefinition, InputError, Reading, Reporter, Verifying, verify_table
from flarescope.catalog.met_office import read_met_office
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.swpc_reports import read_swpc
from flarescope.cli import main
from flarescope.pipeline.calibrating import calibrate_table
from flarescope.pipeline.choosing import read_fitted, row_marks
from flarescope.pipeline.foreign_columns import as_shares, parse_columns, with_our_names, with_times
from flarescope.pipeline.foreign_rows import read_foreign
from flarescope.pipeline.threshold_rule import parse_threshold
from flarescope.tables import check_forecasts
from real_data import REAL_DATA, needs_real_data

M_DISK = EventDefinition(threshold="M1.0", scope="disk")
NONE = Verifying(replicates=0)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def hourly(first, labels, probability):
    times = pd.date_range(first, periods=len(labels), freq="h", tz="UTC")
    return pd.DataFrame({"time": times, "label": labels, "probability": probability})


def written(table, path):
    table.to_csv(path, index=False)
    return path


def test_columns_are_named_as_the_table_names_them():
    columns = parse_columns("probability=p, label=target,time=label")
    table = pd.DataFrame({"p": [0.1], "target": [1], "label": ["2012-01-01T00:00Z"], "probability": [9]})
    named = with_our_names(table, columns, "t.csv")
    assert named.iloc[0].to_dict() == {"probability": 0.1, "label": 1, "time": "2012-01-01T00:00Z"}
    assert list(with_our_names(table, {"label": ""}, "t.csv")) == ["p", "target", "probability"]
    with pytest.raises(InputError, match=r"t\.csv: no column 'q' for probability \(--columns\); it has p, target"):
        with_our_names(table, {"probability": "q"}, "t.csv")


@pytest.mark.parametrize("text", ["probability", "chance=p", "label=a,label=b"])
def test_columns_in_another_form_are_refused(text):
    with pytest.raises(InputError, match="--columns"):
        parse_columns(text)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("/scratch/x/2011/01/02/HMI.m2011.01.02_03.00.00.jpg", "2011-01-02T03:00:00Z"),
        ("d/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png", "2010-11-10T05:35:26Z"),
        ("runs/20140107_183209_run7.npy", "2014-01-07T18:32:09Z"),
        ("runs/2014-01-07T18:32.npy", "2014-01-07T18:32:00Z"),
        ("2014-01-07T18:32:00+02:00", "2014-01-07T16:32:00Z"),
        ("2014-01-07 18:32", "2014-01-07T18:32:00Z"),
    ],
)
def test_times_are_found_in_paths(text, time):
    found, notes = with_times(pd.DataFrame({"time": [text]}), "t.csv")
    assert found["time"][0] == pd.Timestamp(time)
    said = "is read from a path" in " ".join(notes), "without a zone are taken as UTC" in " ".join(notes)
    assert said == ("/" in text, text == "2014-01-07 18:32")


def test_a_time_that_is_none_is_named():
    with pytest.raises(InputError, match=r"t\.csv: time 'tomorrow'; expected one such as 2012-03-07T00:24:00Z"):
        with_times(pd.DataFrame({"time": ["2012-03-07T00:24:00Z", "tomorrow"]}), "t.csv")


def test_percent_is_percent_only_where_it_is_said():
    shares, _ = as_shares(pd.DataFrame({"probability": ["5", "60"]}), percent=True, source="t.csv")
    assert shares["probability"].tolist() == [0.05, 0.6]
    for values, percent, message in (
        ([5, 60], False, "probability is 60; expected a number from 0 to 1: if it is percent, say so"),
        ([0.1, 0.9], True, "no probability above 0.9: that is no percent"),
        ([5, 160], True, "probability is 160; expected percent from 0 to 100"),
        (["5", "high"], True, "probability is high; expected percent"),
    ):
        with pytest.raises(InputError, match=message):
            as_shares(pd.DataFrame({"probability": values}), percent=percent, source="t.csv")


MET_OFFICE = """\
2014 01 01 00 59 60 50 40 30 20 15 10 5
2014 01 02 00 20 70 70 70 70 30 30 30 30
2014 01 02 00 20 71 70 70 70 30 30 30 30
2014 01 03 00 09 70 70 70 70 15 15 15 15
"""
FLARES = """\
2014 01 01 0040 0052 0103 M9.9 1936
2014 01 03 2355 0005 0020 M1.2 NaN
2014 01 04 2212 2218 2222 M1.0 1944
"""


def test_the_met_offices_form_and_its_flares(tmp_path):
    (tmp_path / "m.txt").write_text(MET_OFFICE)
    (tmp_path / "f.txt").write_text(FLARES)
    table = read_met_office(tmp_path / "m.txt")
    day = table[(table["event"] == "X1.0") & (table["latency_h"] == 48)]
    assert day["probability"].tolist() == [0.10, 0.30, 0.30, 0.15]
    listed = read_flares(tmp_path / "f.txt")
    assert listed.table["time"].dt.strftime("%d %H:%M").tolist() == ["01 00:52", "04 00:05", "04 22:18"]
    assert listed.table["noaa_ar"].tolist() == [11936, pd.NA, 11944]
    # 24 h from 00:59 on the 1st: none (00:52 is before); from 00:20 on the 2nd: none; from 00:09 on the 3rd: 00:05
    found = read_foreign(tmp_path / "m.txt", M_DISK, Reading(form="metoffice", flares=tmp_path / "f.txt"))
    assert found.rows["label"].tolist() == [0, 0, 1]
    assert found.rows["probability"].tolist() == [0.60, 0.71, 0.70]
    assert any("1 forecast of a time that stands there again: the last is taken." in text for text in found.notes)
    with pytest.raises(InputError, match=r"no forecast of flares >= C1\.0 within 24 h; it has M1\.0, X1\.0 with --win"):
        read_foreign(tmp_path / "m.txt", EventDefinition(), Reading(form="metoffice"))
    (tmp_path / "m.txt").write_text(f"2014 01 {'9' * 30} 00 59 60 50 40 30 20 15 10 5\n")
    with pytest.raises(InputError, match=r"m\.txt, line 1: '2014 01 9999"):
        read_met_office(tmp_path / "m.txt")
    (tmp_path / "m.txt").write_text("2014 01 01 00 59 60 50 40 30 20 15 10\n")
    with pytest.raises(InputError, match=r"m\.txt, line 1: '2014 01 01 00 59 60 50 40 30 20 15 10'; expected year"):
        read_met_office(tmp_path / "m.txt")


REPORT = """\
:Product: 1027RSGA.txt
:Issued: 2013 Oct {day} 2200 UTC
# Prepared jointly by the U.S. Dept. of Commerce, NOAA,
IB.  Solar Activity Forecast: Solar activity is expected to be low
with a chance for Class M 99/99/99
III.  Event probabilities 28 Oct-30 Oct
Class M    60/55/50
Class X    20/15/10
Proton     20/20/20
"""


def test_swpcs_daily_reports(tmp_path):
    (tmp_path / "20131027RSGA.txt").write_text(REPORT.format(day=27) + REPORT.format(day=28))
    (tmp_path / "20131029RSGA.txt").write_text("nothing\n")
    table, refused, said = read_swpc(tmp_path)
    x = table[table["event"] == "X1.0"]
    assert x["probability"].tolist() == [0.2, 0.15, 0.1] * 2
    assert x["latency_h"].tolist() == [0, 24, 48] * 2
    assert x["time"].iloc[0] == pd.Timestamp("2013-10-28", tz="UTC")
    assert table["probability"].max() == 0.6
    assert len(refused) == 1
    assert "2 hours after the report" in said


def labelled_apart(tmp_path):
    """Two tables of the disk, a day apart: the chance of an event is what is forecast."""
    rng = np.random.default_rng(0)
    made = []
    for name, first in (("first", "2014-01-01"), ("second", "2014-03-01")):
        p = rng.uniform(0, 1, 200).round(3)
        made.append(written(hourly(first, (rng.random(200) < p**2).astype(int), p), tmp_path / f"{name}.csv"))
    return made


def test_threshold_and_calibration_come_from_rows_that_are_named(tmp_path):
    first, second = labelled_apart(tmp_path)
    how = Choosing("tss", "platt", on=str(first))
    found = verify_table(second, choosing=how, verifying=NONE)
    assert found["decisions"]["chosen"]["calibrated"]
    assert found["calibrated"]["scores"]["brier"]["value"] < found["probability"]["scores"]["brier"]["value"]
    file, fitted = calibrate_table(first, threshold="tss", reporter=Reporter())
    assert fitted.threshold.rule == "tss"
    again = verify_table(second, choosing=Choosing(on=str(file)), verifying=NONE)
    assert again["decisions"]["chosen"] == found["decisions"]["chosen"]
    assert read_fitted(file).marks["time"].tolist() == fitted.marks["time"].tolist()
    # by rows of the same table: validation first, then test
    both = pd.concat([pd.read_csv(path) for path in (first, second)])
    both = both.assign(split=["validation"] * 200 + ["test"] * 200)
    split = verify_table(
        written(both, tmp_path / "both.csv"), choosing=Choosing("tss", "platt", on="validation"), verifying=NONE
    )
    assert split["decisions"]["chosen"] == found["decisions"]["chosen"]
    assert split["sample"]["n"] == 200


def test_rows_that_are_scored_are_never_chosen_on(tmp_path):
    first, second = labelled_apart(tmp_path)
    heard = Heard()
    file, _ = calibrate_table(first, reporter=heard)
    assert any(
        re.match(r"fitted on \d+ rows with an event, .*: rows .* can be nearly copies", text) for text in heard.warnings
    )
    mixed = pd.concat([pd.read_csv(second), pd.read_csv(first).head(3)])
    for on in (first, file):
        with pytest.raises(InputError, match=r"3 of 203 rows are among those of .* choose on rows that are not scored"):
            verify_table(
                written(mixed, tmp_path / "m.csv"), choosing=Choosing("tss" if on == first else None, on=str(on))
            )
    with pytest.raises(InputError, match=r"a threshold by a rule is chosen on rows that are not scored: name them"):
        verify_table(second, choosing=Choosing("cost=10"))
    with pytest.raises(InputError, match="no rows of validation to choose on"):
        verify_table(second, choosing=Choosing("tss", on="validation"))


def test_a_row_has_the_same_mark_whatever_table_it_stands_in():
    rows = check_forecasts(hourly("2014-01-01", [0, 1], 0.5).assign(noaa_ar=11936), "t")
    assert row_marks(rows)["time"].tolist() == row_marks(rows.iloc[::-1])["time"].tolist()
    assert set(row_marks(rows)) == {"time"}
    disk = row_marks(rows.assign(noaa_ar=pd.NA).astype({"noaa_ar": "Int32"}))["time"]
    assert len(set(disk) | set(row_marks(rows)["time"])) == 4


@pytest.mark.parametrize(
    ("text", "threshold"),
    [("0.3", 0.3), ("tss", 0.55), ("cost=10", 0.3), ("cost=0.1", 0.55), ("hss", 0.55)],
)
def test_thresholds_are_stated_or_chosen(text, threshold):
    # events at .4, .6, .9, others at .2, .4, .5: where a miss is worth ten false alarms all from .4 on are alarms
    rows = pd.DataFrame({"label": [0, 0, 1, 0, 1, 1], "probability": [0.2, 0.4, 0.4, 0.5, 0.6, 0.9]})
    assert parse_threshold(text).choose(rows).threshold == pytest.approx(threshold)


@pytest.mark.parametrize("text", ["1.2", "cost", "cost=0", "cost=nan", "tss=3", "best", ""])
def test_other_thresholds_are_refused(text):
    with pytest.raises(InputError, match="--threshold"):
        parse_threshold(text)


def test_what_an_option_cannot_mean_for_a_table_is_refused(tmp_path, capsys):
    table = written(hourly("2014-01-01", [0, 1], 0.5), tmp_path / "t.csv")
    assert run("evaluate", table, "--epoch", 2, "--engine", "torch", "--nan", "zero") == 2
    assert "is a table of forecasts: leave out --epoch, --engine, --nan" in capsys.readouterr().err
    assert run("evaluate", tmp_path / "model.hdf5", "--percent", "--threshold", "tss") == 2
    assert "they end in .csv or .parquet): leave out --percent, --threshold" in capsys.readouterr().err
    assert run("compare", table, table, "--split", "test", "--score", "tss") == 2
    assert "all of these are tables, and no run: leave out --split" in capsys.readouterr().err
    assert run("report", table, "--split", "test") == 2
    assert "none of these is a run that was evaluated: leave out --split" in capsys.readouterr().err
    assert run("evaluate", table, "--form", "swpc", "--columns", "label=x") == 2
    assert "--form swpc says what its columns are" in capsys.readouterr().err


def test_evaluate_writes_beside_the_table_or_says_why_not(tmp_path, capsys):
    table = written(hourly("2014-01-01", [0, 1], [40, 70]).rename(columns={"label": "y"}), tmp_path / "t.csv")
    options = ["--columns", "label=y", "--percent", "--replicates", 0, "--threshold", "0.3"]
    assert run("evaluate", table, *options) == 0
    assert "yes from p >= 0.3" in capsys.readouterr().out
    kept = json.loads((tmp_path / "t.verified/scores.json").read_text())
    assert kept["verification"]["decisions"]["chosen"]["fp"] == 1
    (tmp_path / "t.verified/scores.json").unlink()
    (tmp_path / "t.verified").rmdir()
    (tmp_path / "t.verified").write_text("a file where the folder should be")
    assert run("evaluate", table, *options, "--quiet") == 0
    assert "no scores.json was written" in capsys.readouterr().err


def test_labels_of_a_table_are_held_against_the_list(tmp_path):
    (tmp_path / "f.txt").write_text(FLARES)
    table = hourly("2014-01-01", [1] + [0] * 47, 0.5)  # a peak at 00:52 labels 00:00 alone; all of the 3rd is quiet
    table.loc[40, "label"] = 1
    path = written(table, tmp_path / "t.csv")
    found = read_foreign(path, M_DISK, Reading(flares=tmp_path / "f.txt"))
    assert found.rows["label"].sum() == 2
    anew = read_foreign(path, M_DISK, Reading(columns={"label": ""}, flares=tmp_path / "f.txt"))
    assert anew.rows["label"].to_numpy(int).tolist() == [1] + [0] * 47
    assert "gives another for 1 of 48 rows" in found.notes[-1]
    with pytest.raises(InputError, match="a flare list labels forecasts of a stated event"):
        read_foreign(path, None, Reading(flares=tmp_path / "f.txt"))


@needs_real_data
def test_the_real_tables_are_read_as_they_come():
    folder = REAL_DATA / "foreign_forecasts"
    columns = parse_columns("probability=flare_prob,label=target,time=timestamp")
    found = verify_table(
        folder / "fulldisk_m1_24h_alex.csv",
        event=M_DISK,
        reading=Reading(columns),
        verifying=NONE,
        choosing=Choosing("0.3"),
    )
    assert (found["sample"]["n"], found["sample"]["events"]) == (14_788, 2_334)
    table = pd.read_csv(folder / "fulldisk_m1_24h_alex.csv")
    yes = table["flare_prob"] >= 0.3
    assert found["decisions"]["chosen"]["tp"] == int((yes & table["target"].eq(1)).sum())
    reading = Reading(form="metoffice", flares=folder / "met_office_mx_flares.txt")
    rows = read_foreign(folder / "met_office_fulldisk_2014_2016.txt", M_DISK, reading).rows
    flares = read_flares(folder / "met_office_mx_flares.txt").table["time"]
    plain = [int(((flares > time) & (flares <= time + pd.Timedelta(hours=24))).any()) for time in rows["time"]]
    assert rows["label"].to_numpy(int).tolist() == plain
    guide = (Path(__file__).parents[1] / "docs/verification.md").read_text()
    assert f"| M1.0 | 1 | {sum(plain)} of {len(plain):,} |" in guide
    resnet = pd.read_csv(folder / "fulldisk_m1_24h_resnet.csv")
    yes, event = resnet["flare_prob"] >= 0.5, resnet["target"] == 1
    tss = (yes & event).sum() / event.sum() - (yes & ~event).sum() / (~event).sum()
    assert f"| `--resample day` | 645 | {tss:.3f} (" in guide
