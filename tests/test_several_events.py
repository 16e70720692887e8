"""Are several events labelled, named and ordered as each of them alone?"""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.boucheron import read_table
from flarescope.catalog.labels import label_catalogue
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.catalog.several import events_of, label_several
from flarescope.catalog.table_event import agreed_event, events_of_table
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.notes import read_notes
from flarescope.pipeline.catalogues.labelling import label
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.regions.grid import SHAPE, THRESHOLDS_W_M2, WINDOWS_H
from flarescope.regions.grid import ordered as ordered_grid
from flarescope.several_events import (
    event_of_code,
    flare_column,
    implications,
    label_column,
    longest,
    not_among,
    one_of,
    ordered,
    rows_of_event,
)

CODES = ("C1.0/24", "M1.0/24", "X1.0/24", "M1.0/48", "M1.0/24+24", "C1.0/12")
EVENTS = [event_of_code(code) for code in CODES]


def utc(text):
    return pd.Timestamp(text, tz="UTC")


PEAKS = (("2012-01-02 06:00", "C4.7"), ("2012-01-03 06:00", "M2.0"), ("2012-01-03 18:00", "X1.5"))
FLARES = FlareList(
    flare_frame({"noaa_ar": 11121, "time": utc(peak), "flare": flare} for peak, flare in PEAKS),
    ((utc("2012-01-01"), utc("2012-01-20")),),
)


def images(*times, ar=11121):
    stamps = pd.to_datetime(pd.Series(times), utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame({"filename": [f"{i}.png" for i in range(len(times))], "noaa_ar": ar, "time": stamps})


IMAGES = images("2012-01-01 12:00", "2012-01-02 12:00", "2012-01-03 12:00", "2012-01-05 12:00")


def test_events_are_written_in_short_and_read_back():
    assert [event.code for event in EVENTS] == list(CODES)
    assert [label_column(event) for event in EVENTS[3:5]] == ["label_M1.0_48h", "label_M1.0_24h_after_24h"]
    assert flare_column(EVENTS[4]) == "flare_24h_after_24h"
    assert EventDefinition(threshold="M1", window_hours=0.5).name == "M1.0_0.5h"
    assert EventDefinition(threshold="C1.25").name == "C1.25_24h"


def test_each_event_has_the_labels_that_it_has_alone():
    table = label_several(IMAGES, FLARES, EVENTS).table
    for event in EVENTS:
        alone = label_catalogue(IMAGES, FLARES, event).table
        mine = rows_of_event(table, event)
        pd.testing.assert_frame_equal(mine[["label", "flare"]], alone[["label", "flare"]])
    # The X1.5 comes 30 h after the second image and 6 h after the third.
    assert table["label_X1.0_24h"].tolist() == [0, 0, 1, 0]
    assert table["label_M1.0_48h"].tolist() == [1, 1, 1, 0]
    assert table["flare_24h"].tolist()[:3] == ["C4.7", "M2.0", "X1.5"]
    assert table["flare_24h_after_24h"].tolist()[:2] == ["M2.0", "X1.5"]
    assert table["label"].equals(table["label_C1.0_24h"].rename("label"))


def test_rows_are_those_whose_longest_window_the_list_covers():
    late = images("2012-01-18 12:00", "2012-01-18 06:00", "2012-01-17 06:00")
    assert len(label_several(late, FLARES, EVENTS[:3]).table) == 3
    found = label_several(late, FLARES, EVENTS)
    assert found.table["filename"].tolist() == ["2.png"]
    assert found.account["a window not covered by the flare list, left out"] == 2
    kept = label_several(late, FLARES, EVENTS, keep_uncovered=True)
    assert kept.table["window_known"].tolist() == [False, False, True]
    with pytest.raises(InputError, match="covers the 480 h after none"):
        label_several(late, FLARES, [*EVENTS, event_of_code("C1.0/480")])


def test_one_event_leaves_the_table_of_one_event():
    several, one = label_several(IMAGES, FLARES, EVENTS[1:2]), label_catalogue(IMAGES, FLARES, EVENTS[1])
    pd.testing.assert_frame_equal(several.table, one.table)
    assert several.account == one.account
    assert events_of(several) == (EVENTS[1],)


def test_a_table_of_several_events_says_them_and_gives_each(tmp_path):
    found = label_several(IMAGES, FLARES, EVENTS)
    path = tmp_path / "several.parquet"
    write_catalogue(found.table, path, events_of(found))
    assert events_of_table(path) == tuple(EVENTS)
    assert read_notes(path)["event"] == EVENTS[0].to_json()
    assert agreed_event(path, EVENTS[3]) == EVENTS[3]
    assert agreed_event(path, None) == EVENTS[0]
    assert read_table(path, event=EVENTS[3])["label"].tolist() == [1, 1, 1, 0]
    assert list(read_table(path, event=EVENTS[3])) == ["filename", "noaa_ar", "time", "flare", "label", "split"]
    with pytest.raises(InputError, match=r"has labels of C1\.0/24, M1\.0/24, .* not of M5\.0/24; choose one"):
        agreed_event(path, event_of_code("M5.0/24"))
    with pytest.raises(InputError, match=r"no column label_M5\.0_24h"):
        rows_of_event(read_table(path), event_of_code("M5.0/24"))


def test_a_table_of_one_event_is_written_byte_for_byte_as_before(tmp_path):
    found = label_catalogue(IMAGES, FLARES, EVENTS[0])
    write_catalogue(found.table, tmp_path / "one.parquet", found.event)
    write_catalogue(found.table, tmp_path / "same.parquet", [found.event])
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "same.parquet").read_bytes()
    assert set(read_notes(tmp_path / "one.parquet")) == {"event"}


def test_the_command_labels_several_events(tmp_path, capsys):
    write_catalogue(IMAGES.assign(label=0, flare=None), tmp_path / "images.parquet", None)
    flares = FLARES.table.assign(time=FLARES.table["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    flares.rename(columns={"time": "peak"}).to_csv(tmp_path / "flares.csv", index=False)
    given = ["catalog", "label", str(tmp_path / "images.parquet"), "--flares", str(tmp_path / "flares.csv")]
    given += ["--column", "time=peak", "--keep-uncovered"]
    words = list(itertools.chain.from_iterable(("--event", code) for code in CODES))
    assert main([*given, *words, "--out", str(tmp_path / "out.parquet")]) == 0
    assert [event.code for event in events_of_table(tmp_path / "out.parquet")] == list(CODES)
    assert "6 events" in capsys.readouterr().out
    assert main([*given, *words, "--out", str(tmp_path / "out.csv")]) == 2
    assert "need a .parquet file" in capsys.readouterr().err
    assert main([*given, "--event", "M1.0/24", "--window", "12", "--out", str(tmp_path / "out.parquet")]) == 2
    assert "says its class and hours" in capsys.readouterr().err
    assert main([*given, "--event", "M1.0", "--window", "12", "--out", str(tmp_path / "one.csv")]) == 0
    assert events_of_table(tmp_path / "one.csv")[0].code == "M1.0/12"


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (("M1.0/24", "M1/24"), "given twice"),
        (("M1.0",), "expected a class and hours as M1.0/24"),
        (("Q1.0/24",), "expected a class and hours"),
        (("M1.0/0",), "window of 0.0 hours"),
    ],
)
def test_events_that_cannot_be_are_refused(codes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        label(tmp_path, flares=[], out=tmp_path / "x.parquet", rule=[event_of_code(code) for code in codes])


def test_what_looks_furthest_ahead_and_which_one_is_wanted():
    assert longest(EVENTS).code == "M1.0/48"
    assert one_of(EVENTS, event_of_code("M1/48")) is EVENTS[3]
    assert one_of(EVENTS, event_of_code("M1.0/47")) is None


def test_what_implies_what():
    implies = implications(EVENTS)
    named = {(CODES[i], CODES[j]) for i, j in zip(*np.nonzero(implies), strict=True) if i != j}
    assert named == {
        ("M1.0/24", "C1.0/24"),
        ("X1.0/24", "C1.0/24"),
        ("X1.0/24", "M1.0/24"),
        ("M1.0/24", "M1.0/48"),
        ("X1.0/24", "M1.0/48"),
        ("M1.0/24+24", "M1.0/48"),
        ("C1.0/12", "C1.0/24"),
    }


@given(st.lists(st.floats(0, 1), min_size=len(EVENTS), max_size=len(EVENTS)))
def test_ordered_probabilities_obey_every_implication_and_leave_order_alone(given_values):
    implies = implications(EVENTS)
    found = ordered(np.array([given_values]), implies)
    assert all(found[0, i] <= found[0, j] for i, j in zip(*np.nonzero(implies), strict=True))
    np.testing.assert_array_equal(ordered(found, implies), found)


def test_the_grid_of_region_models_is_ordered_by_the_same_step():
    """The step that `regions.grid` had of its own, as it was: by running extremes over classes, then over windows."""
    p = np.random.default_rng(0).uniform(0.01, 0.99, (200, *SHAPE))
    inside = np.array([[a >= b and a + c <= b + d for b, d in WINDOWS_H] for a, c in WINDOWS_H])
    implying = np.maximum.accumulate(p[:, ::-1], axis=1)[:, ::-1]
    implied = np.minimum.accumulate(p, axis=1)
    windows = range(len(WINDOWS_H))
    least = np.stack([implying[..., inside[:, window]].max(axis=-1) for window in windows], axis=-1)
    most = np.stack([implied[..., inside[window]].min(axis=-1) for window in windows], axis=-1)
    np.testing.assert_array_equal(ordered_grid(p), (least + most) / 2)
    assert len(THRESHOLDS_W_M2) == SHAPE[0]


def test_an_event_of_another_scope_is_told_by_it():
    disk = [event_of_code(code, EventDefinition(scope="disk")) for code in ("M1.0/24", "X1.0/48")]
    assert not_among(disk, event_of_code("M1.0/24")) == "M1.0/24, X1.0/48 of scope disk, not region: say --scope disk"
    assert not_among(disk, event_of_code("C1.0/24")).endswith("not of C1.0/24; choose one of them")
