import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.parquet_tables import write_parquet
from flarescope.scores.calibration import Platt
from flarescope.scores.compare import compare
from flarescope.scores.contingency import ContingencyTable
from flarescope.scores.definitions import CATEGORICAL, PROBABILISTIC
from flarescope.scores.verify import plain, verify
from flarescope.tables import check_forecasts, read_forecasts


def sample(rows=3000, regions=80, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.sort(rng.integers(0, regions, rows))
    activity = rng.normal(size=regions)[codes]
    hours = np.arange(rows) * 2 + codes * 100
    frame = pd.DataFrame(
        {
            "filename": [f"{index}.png" for index in range(rows)],
            "noaa_ar": 11100 + codes,
            "time": pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(hours, unit="h"),
            "split": "test",
            "label": (activity + rng.normal(size=rows) > 1).astype(int),
            "probability": 1 / (1 + np.exp(-activity - rng.normal(size=rows))),
        }
    )
    return check_forecasts(frame, "here")


FAST = {"replicates": 50}


def test_published_counts_through_verify():
    tp, fn, fp, tn = 15822, 5720, 14787, 58428
    frame = pd.DataFrame({"label": [1] * (tp + fn) + [0] * (fp + tn)})
    frame["probability"] = np.repeat([0.9, 0.1, 0.9, 0.1], [tp, fn, fp, tn])
    decision = verify(frame, replicates=0)["decisions"]["argmax"]
    assert [decision[name] for name in ("tp", "fn", "fp", "tn")] == [tp, fn, fp, tn]
    assert decision["scores"]["tss"] == {"value": pytest.approx(0.532505, abs=5e-7)}
    assert decision["scores"]["hss"] == {"value": pytest.approx(0.463641, abs=5e-7)}
    assert decision["image_level"] == {}


def test_the_dictionary_is_json_and_complete():
    event = EventDefinition()
    result = verify(sample(), event=event, threshold=0.3, calibration=Platt(0.8, -0.5), climatology=0.2, **FAST)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert list(result["decisions"]) == ["argmax", "chosen"]
    assert [result["decisions"][name]["calibrated"] for name in ("argmax", "chosen")] == [False, True]
    assert set(result["baselines"]) == {"climatology", "persistence", "always_no"}
    for decision in result["decisions"].values():
        assert list(decision["scores"]) == list(CATEGORICAL)
        row = decision["scores"]["tss"]
        assert row["low"] <= row["value"] <= row["high"]
        narrow = decision["image_level"]["tss"]
        assert narrow["high"] - narrow["low"] < row["high"] - row["low"]
    assert list(result["probability"]["scores"]) == list(PROBABILISTIC)
    assert len({len(column) for column in result["curves"]["threshold"].values()}) == 1


def test_argmax_is_of_the_raw_and_chosen_of_the_calibrated_probabilities():
    frame, calibration = sample(), Platt(0.8, -0.5)
    result = verify(frame, threshold=0.3, calibration=calibration, replicates=0)
    raw, label = frame["probability"].to_numpy(), frame["label"] == 1
    assert result["decisions"]["argmax"]["tp"] == int((label & (raw >= 0.5)).sum())
    assert result["decisions"]["chosen"]["tp"] == int((label & (calibration.apply(raw) >= 0.3)).sum())
    assert result["probability"]["mean_probability"] == pytest.approx(raw.mean())
    assert result["calibrated"]["mean_probability"] == pytest.approx(calibration.apply(raw).mean())
    assert result["calibrated"]["scores"]["roc_area"] == pytest.approx(result["probability"]["scores"]["roc_area"])


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_the_rows():
    frame = sample(rows=300, regions=8)
    once = verify(frame, climatology=0.2, **FAST)
    assert verify(frame, climatology=0.2, **FAST) == once
    assert verify(frame, climatology=0.2, seed=1, **FAST) != once
    shuffled = verify(frame.sample(frac=1, random_state=0), climatology=0.2, **FAST)
    for part in ("scores", "image_level"):
        for name, row in once["decisions"]["argmax"][part].items():
            assert shuffled["decisions"]["argmax"][part][name] == pytest.approx(row)


def test_baselines_go_through_the_same_scoring():
    frame = sample()
    result = verify(frame, climatology=0.2, **FAST)
    rate = float(frame["label"].mean())
    never, climatology = result["baselines"]["always_no"], result["baselines"]["climatology"]
    assert never["decision"]["scores"]["accuracy"]["value"] == pytest.approx(1 - rate)
    assert never["decision"]["scores"]["precision"] == {"value": None, "low": None, "high": None, "undefined": 50}
    assert climatology["probability"]["scores"]["bss_climatology"]["value"] == 0
    assert climatology["probability"]["scores"]["brier"]["value"] == pytest.approx(rate * 0.8**2 + (1 - rate) * 0.2**2)
    difference = climatology["difference"]["probability"]["roc_area"]
    assert difference["value"] == pytest.approx(result["probability"]["scores"]["roc_area"]["value"] - 0.5)
    assert difference["low"] > 0


def test_persistence_from_the_event_list():
    frame = sample()
    peak = frame["time"].iloc[0]
    table = flare_frame([{"noaa_ar": 11100, "time": peak, "flare": "M2.0"}])
    flares = FlareList(table, ((peak - pd.Timedelta(days=100), peak + pd.Timedelta(days=1000)),))
    for event, hours in ((EventDefinition(), 24), (EventDefinition(threshold="M1.0", window_hours=6), 6)):
        result = verify(frame, event=event, flares=flares, replicates=0)
        found = result["baselines"]["persistence"]["decision"]
        yes = (frame["noaa_ar"] == 11100) & (frame["time"] - peak < pd.Timedelta(hours=hours))
        assert found["tp"] + found["fp"] == int(yes.sum()) > 0
        assert result["previous"] == {"source": "flare list", "known": 3000, "unknown": 0, "reasons": {}} | {
            "instead": int(yes.sum()) / 3000
        }
        assert result["settings"]["event"] == event.to_json()
    stronger = verify(frame, event=EventDefinition(threshold="X1.0"), flares=flares, replicates=0)
    found = stronger["baselines"]["persistence"]["decision"]
    assert found["tp"] + found["fp"] == 0


def test_notes_say_what_the_numbers_do_not():
    notes = " ".join(verify(sample(), event=EventDefinition(window_hours=12), **FAST)["notes"])
    assert "climatology" in notes
    assert "whether there was an event in the 12 h before is not known of" in notes
    assert "times as wide" in notes
    assert verify(sample(), climatology=0.2, replicates=0)["notes"][-1] == "No intervals were made."


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"probability": 1.2}, {}, "needs probabilities from 0 to 1; a row has 1.2"),
        ({"probability": np.nan}, {}, "needs probabilities from 0 to 1; a row has nan"),
        ({"label": 2}, {}, "needs labels 0 or 1"),
        ({"label": pd.NA}, {}, "needs labels 0 or 1; 3,000 of 3,000 rows"),
        ({"label": 0}, {}, "needs both classes; each of the 3,000 labels is 0"),
        ({"noaa_ar": pd.NA}, {"resample": "region"}, "3,000 of 3,000 rows have no region"),
        ({"noaa_ar": 11121}, {}, "one region only"),
        ({}, {"threshold": 1.5}, "threshold is 1.5; expected"),
        ({}, {"climatology": -1.0}, "climatology is -1.0; expected"),
        ({}, {"replicates": -1}, "replicates -1"),
        ({}, {"level": 1.0}, "level 1.0"),
    ],
)
def test_bad_input_is_one_line(change, options, message):
    with pytest.raises(InputError) as caught:
        verify(sample().assign(**change), **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_regions_there_are_scores_but_no_intervals():
    frame = sample().drop(columns=["noaa_ar", "time"])
    with pytest.raises(InputError, match="intervals are made by regions"):
        verify(frame)
    result = verify(frame, replicates=0)
    assert list(result["decisions"]["argmax"]["scores"]["tss"]) == ["value"]
    assert result["sample"]["regions"] is None


def test_compare_finds_the_better_one():
    a = sample()
    rng = np.random.default_rng(0)
    noise = check_forecasts(a.assign(probability=rng.permutation(a["probability"])), "noise")
    result = compare(a, noise, replicates=200)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    tss = result["decision"]["tss"]
    assert tss["difference"] == pytest.approx(tss["a"] - tss["b"])
    assert tss["better"] == "a"
    assert result["probability"]["brier"]["difference"] < 0
    assert result["probability"]["brier"]["better"] == "a"
    assert result["decision"]["bias"]["better"] is None
    turned = compare(noise, a, replicates=200)
    assert turned["decision"]["tss"]["better"] == "b"
    assert turned["decision"]["tss"]["low"] == pytest.approx(-tss["high"])


def test_a_table_differs_from_itself_by_nothing_in_any_order():
    a = sample()
    result = compare(a, a.sample(frac=1, random_state=0), climatology=0.2, **FAST)
    for part in ("decision", "probability"):
        for row in result[part].values():
            assert (row["difference"], row["low"], row["high"], row["better"]) == (0, 0, 0, None)


def test_a_paired_difference_is_narrower_than_its_parts():
    a = sample()
    near = a.assign(probability=(a["probability"] + 0.02).clip(0, 1))
    part = verify(a, replicates=200)["decisions"]["argmax"]["scores"]["tss"]
    difference = compare(a, near, replicates=200)["decision"]["tss"]
    assert difference["high"] - difference["low"] < 0.5 * (part["high"] - part["low"])


def test_different_rows_cannot_be_compared():
    a = sample()
    with pytest.raises(InputError, match=r"different rows: 1 only in the first, 0 only in the second .*0\.png"):
        compare(a, a.iloc[1:])
    with pytest.raises(InputError, match="different rows: 0 only in the first, 1 only in the second"):
        compare(a.iloc[1:], a)
    other = a.assign(label=1 - a["label"])
    with pytest.raises(InputError, match="3,000 labels differ"):
        compare(a, other)


def test_a_table_with_times_is_compared_with_one_with_names():
    a = sample()
    b = check_forecasts(a.drop(columns="filename"), "times")
    assert compare(a, b, **FAST)["decision"]["tss"]["difference"] == 0


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_foreign_tables_are_read(tmp_path, form):
    frame = sample(rows=50)[["time", "noaa_ar", "label", "probability"]].assign(model="theirs")
    path = tmp_path / f"theirs.{form}"
    if form == "csv":
        frame.to_csv(path, index=False)
    else:
        write_parquet(frame, path)
    read = read_forecasts(path)
    assert read["time"].equals(frame["time"])
    assert read["probability"].to_numpy() == pytest.approx(frame["probability"].to_numpy())
    assert read["filename"].isna().all()
    assert "model" not in read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,label\na.png,1\n", "forecasts need the column probability, and filename or time; it has"),
        ("noaa_ar,label,probability\n11121,1,0.5\n", "and filename or time"),
        ("filename,probability\na.png,much\n", "column 'probability' cannot be read as float64"),
        ("filename,probability\na.png,-0.5\n", "row 1: probability is -0.5; expected a number from 0 to 1"),
        ("filename,probability\na.png,\n", "row 1: probability is nan"),
        ("filename,probability,label\na.png,0.5,3\n", "row 1: label is 3"),
        ("filename,probability\na.png,0.5\na.png,0.6\n", "row 2: the same filename as a row above"),
        ("time,noaa_ar,probability\n2014-01-01,11121,0\n2014-01-01,11121,1\n", "the same noaa_ar and time"),
        ("time,probability\nyesterday-ish,0.5\n", "column 'time' cannot be read"),
        ("time,noaa_ar,probability\n2014-01-01,1,0.5\n2014-01-01 12h,1,0.5\n", "column 'time' cannot be read"),
        ("filename,time,probability\na.png,,0.5\n,2014-01-01,0.5\n", "give one for every row"),
        ("filename,probability\n", "no rows"),
        ("", "the file is empty"),
        ("a,b\n1,2,3,4\n1\n1,2,3,4,5\n", "its header names 2 columns and its rows have 5 fields"),
    ],
)
def test_foreign_tables_that_cannot_be_read(tmp_path, text, message):
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_forecasts(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_forecasts(tmp_path / "none.csv")


def test_plain_turns_what_is_not_finite_into_none():
    assert plain({"a": np.array([1.0, np.nan]), "b": (np.int64(2), float("inf")), "c": "x", "d": None}) == {
        "a": [1.0, None],
        "b": [2, None],
        "c": "x",
        "d": None,
    }


def test_importing_is_light_until_something_is_scored():
    script = (
        "import sys; import flarescope.scores.verify, flarescope.scores.compare; "
        "assert not {'torch', 'xarray', 'sklearn', 'scores'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_table_of_counts_knows_all_its_scores():
    assert list(ContingencyTable(1, 2, 3, 4).all_scores()) == list(CATEGORICAL)
