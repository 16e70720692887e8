"""The event is one value: one sentence, one JSON form, and two of them fit together or do not."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.errors import InputError
from flarescope.events import (
    PUBLISHED,
    UNKNOWN_EVENT,
    EventDefinition,
    agreed,
    difference,
    event_from_json,
    remarks,
    scales_differ,
    sentence_of,
)
from flarescope.notes import event_notes, notes_beside, read_event, read_notes, write_notes_beside
from flarescope.parquet_tables import write_parquet

events = st.builds(
    EventDefinition,
    threshold=st.sampled_from(["B1.0", "C1.0", "C5", "M1.0", "X2.3"]),
    window_hours=st.sampled_from([0.5, 6.0, 12.0, 24.0, 48.0, 72.0]),
    latency_hours=st.sampled_from([0.0, 1.0, 24.0]),
    scope=st.sampled_from(["region", "disk"]),
    rules=st.sampled_from(["utc", "ar-flares", None]),
    flux_scale=st.sampled_from(["operational", "science", None]),
)


@given(events)
def test_an_event_survives_its_json_form(event):
    assert event_from_json(json.loads(json.dumps(event.to_json())), "x") == event
    assert difference(event, event) is None
    assert remarks(event, event) == []


def test_sentences():
    assert PUBLISHED.sentence == "a flare of class C1.0 or above within 24 hours"
    assert EventDefinition(threshold="M1.0", window_hours=1).sentence == "a flare of class M1.0 or above within 1 hour"
    later = EventDefinition(threshold="M1.0", window_hours=12, latency_hours=6)
    assert later.sentence == "a flare of class M1.0 or above in the 12 hours that begin 6 hours later"
    assert later.brief == ">= M1.0 in the 12 h that begin 6 h later"
    assert later.code == "M1.0/12+6"
    assert "anywhere on the disk" in EventDefinition(scope="disk").sentence
    assert sentence_of(None) == UNKNOWN_EVENT


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"threshold": "M1.0"}, True),
        ({"threshold": "C1"}, False),
        ({"window_hours": 12.0}, True),
        ({"latency_hours": 1.0}, True),
        ({"scope": "disk"}, True),
        ({"rules": "ar-flares"}, False),
        ({"flux_scale": "science"}, False),
    ],
)
def test_what_makes_another_event(changed, differs):
    assert (difference(EventDefinition(), EventDefinition(**changed)) is not None) == differs


def test_two_scales_are_said_aloud_with_their_factor():
    (said,) = remarks(EventDefinition(flux_scale="operational"), EventDefinition(flux_scale="science"))
    assert "0.7" in said
    assert "C1.0 on the former is C1.4 on the latter" in said


def test_events_that_differ_are_refused_in_one_line():
    with pytest.raises(InputError, match=r"train is of flares >= C1\.0 within 24 h, test of") as told:
        agreed({"train": EventDefinition(), "test": EventDefinition(threshold="M1.0")}, "label one of them again")
    assert "\n" not in str(told.value)


def test_a_silent_table_is_taken_to_mean_what_the_other_says_and_that_is_told():
    event, said = agreed({"a.csv": None, "run": PUBLISHED}, "")
    assert event == PUBLISHED
    assert said == [f"a.csv does not say what an event is; taken to be {PUBLISHED.sentence}, as run says"]
    assert agreed({"a.csv": None}, "") == (None, [])


@pytest.mark.parametrize(
    "values",
    [
        [],
        {},
        {"threshold": "C1.0"},
        {"threshold": 1, "window_hours": 24},
        {"threshold": "C1.0", "window_hours": "24"},
        {"threshold": "C1.0", "window_hours": True},
        {"threshold": "C1.0", "window_hours": float("nan")},
        {"threshold": "D1.0", "window_hours": 24},
        {"threshold": "C1.0", "window_hours": 24, "rules": "mine"},
        {"threshold": "C1.0", "window_hours": 24, "scope": ["disk"]},
    ],
)
def test_what_is_no_event_is_refused(values):
    with pytest.raises(InputError, match=r"x\.json: its event cannot be read"):
        event_from_json(values, "x.json")


def test_notes_travel_in_parquet_and_beside_csv(tmp_path):
    frame, event = pd.DataFrame({"a": [1]}), EventDefinition(threshold="M1.0", window_hours=12)
    parquet, csv = tmp_path / "t.parquet", tmp_path / "t.csv"
    write_parquet(frame, parquet, event_notes(event))
    frame.to_csv(csv, index=False)
    assert read_notes(csv) == {}
    write_notes_beside(csv, event_notes(event))
    assert read_event(parquet) == read_event(csv) == event
    pd.testing.assert_frame_equal(pd.read_parquet(parquet), frame)
    write_notes_beside(csv, {})  # another table of that name, of which nothing is known
    assert read_event(csv) is None
    assert not notes_beside(csv).exists()


@pytest.mark.parametrize(
    ("threshold", "unscaled"),
    [("C1.0", "C1.4"), ("C8.0", "M1.1"), ("M9.0", "X1.3"), ("C7.0", "M1.0"), ("X100", "X143")],
)
def test_the_factor_gives_a_class_that_there_is(threshold, unscaled):
    assert f"{threshold} on the former is {unscaled} on the latter" in scales_differ(threshold)


def test_what_one_definition_leaves_open_the_next_one_says():
    silent, old, new = (EventDefinition(flux_scale=scale) for scale in (None, "operational", "science"))
    event, said = agreed({"a": silent, "b": old, "c": new}, "")
    assert event.flux_scale == "operational"
    assert len(said) == 1
    assert "0.7" in said[0]


def test_notes_of_a_table_that_was_replaced_say_nothing_of_the_new_one(tmp_path):
    csv = tmp_path / "t.csv"
    csv.write_text("filename,class\na.png,1\n")
    write_notes_beside(csv, event_notes(EventDefinition(threshold="M1.0")))
    assert read_event(csv).threshold == "M1.0"
    csv.write_text("filename,class\nb.png,0\n")
    assert read_event(csv) is None
