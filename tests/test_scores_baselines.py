import numpy as np
import pandas as pd
import pytest

from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.scores.baselines import NO_EVENT, WHOLE_DISK, all_baselines, always_no, climatology, persistence
from flarescope.scores.verify import verify
from test_scores_previous import ROWS, images, listed

M_IN_12 = EventDefinition(threshold="M1.0", window_hours=12)


def test_climatology_and_always_no():
    assert set(climatology(ROWS, 0.2)["probability"]) == {0.2}
    assert set(always_no(ROWS)["probability"]) == {0.0}
    assert set(ROWS["probability"]) == {0.5}  # the table itself is left alone
    with pytest.raises(InputError, match="climatology is 20; expected the training set's share of events"):
        climatology(ROWS, 20)


def test_persistence_is_yes_no_or_what_is_given_for_the_unknown():
    flared = np.array([np.nan, 1, np.nan, 1, 0])
    assert list(persistence(ROWS, flared, unknown=0.2)["probability"]) == [0.2, 1, 0.2, 1, 0]


def test_the_unknown_is_forecast_by_climatology_said_and_counted():
    made = all_baselines(ROWS, rate=0.2, event=EventDefinition(), flares=None)
    assert list(made.tables["persistence"]["probability"]) == [0.2, 1, 0.2, 1, 0]
    assert made.previous == {
        "source": "labels",
        "known": 3,
        "unknown": 2,
        "reasons": {"rows without an earlier one of that age": 2},
        "instead": 0.2,
    }
    assert made.notes == [
        "Persistence forecasts what was observed in the 24 h before each row's time (flares of C1.0 or above of the "
        "same region), by the label of the row 24 h older, or up to 2 h more.",
        "Persistence: whether there was an event in the 24 h before is not known of 2 of 5 rows (rows without an "
        "earlier one of that age: 2); it forecasts the training climatology, 0.2, there.",
    ]


def test_without_a_climatology_the_unknown_is_the_share_of_events_in_the_known_never_no():
    made = all_baselines(ROWS, rate=None, event=EventDefinition(), flares=None)
    assert list(made.tables["persistence"]["probability"]) == pytest.approx([2 / 3, 1, 2 / 3, 1, 0])
    assert "the share of events in the windows that are known, 0.667, there" in made.notes[-1]


def test_an_unknown_event_gives_no_persistence_and_says_what_to_give():
    for flares in (None, listed((11121, "2010-11-11 05:00", "X1.0"))):
        made = all_baselines(ROWS, rate=0.2, event=None, flares=flares)
        assert set(made.tables) == {"always_no", "climatology"}
        assert made.notes == [NO_EVENT]
        assert made.previous is None


def test_nothing_known_gives_no_persistence_and_says_why():
    made = all_baselines(ROWS, rate=0.2, event=M_IN_12, flares=listed(covered=(("2015-01-01", "2015-02-01"),)))
    assert set(made.tables) == {"always_no", "climatology"}
    assert made.notes == [
        "No persistence baseline: whether there was an event in the 12 h before is not known of 5 of 5 rows "
        "(windows that the flare list does not cover: 5)."
    ]


def test_rows_that_are_no_series_in_time_are_not_taken_for_the_whole_disk():
    nowhere = ROWS.assign(noaa_ar=pd.Series(None, index=ROWS.index, dtype="Int32"))  # two rows of one time
    timeless = nowhere.assign(time=pd.Series(pd.NaT, index=ROWS.index, dtype=ROWS["time"].dtype))
    for rows in (nowhere, timeless):
        result = verify(rows, event=EventDefinition(), climatology=0.2, replicates=0)
        assert result["settings"]["event"]["scope"] == "region"
        assert set(result["baselines"]) == {"always_no", "climatology"}
        assert "(rows without region or time: 5)" in result["notes"][0]


def test_rows_without_regions_are_the_whole_disk_and_have_both_baselines():
    hours = pd.date_range("2014-01-01", periods=96, freq="h", tz="UTC")
    event = EventDefinition(threshold="M1.0", window_hours=12)
    peak = pd.Timestamp("2014-01-02T12:30", tz="UTC")
    label = ((peak > hours) & (peak <= hours + pd.Timedelta(hours=12))).astype(int)
    rows = images(*((None, time, y) for time, y in zip(hours, label, strict=True)))
    covered = (("2013-12-31", "2014-01-10"),)
    by_list = listed((None, "2014-01-02 12:30", "M1.5"), (11936, "2014-01-02 22:00", "C5.0"), covered=covered)
    yes = [int(peak <= time < peak + pd.Timedelta(hours=12)) for time in hours]
    for flares, unknown in ((by_list, 0), (None, 12)):
        result = verify(rows, event=event, flares=flares, climatology=0.1, replicates=0)
        assert result["settings"]["event"]["scope"] == "disk"
        assert WHOLE_DISK in result["notes"]
        assert set(result["baselines"]) == {"always_no", "climatology", "persistence"}
        assert result["previous"]["unknown"] == unknown
        decision = result["baselines"]["persistence"]["decision"]
        assert (decision["tp"], decision["fp"], decision["fn"]) == (0, sum(yes), 12)
        climatology_brier = result["baselines"]["climatology"]["probability"]["scores"]["brier"]["value"]
        assert climatology_brier == pytest.approx((12 * 0.9**2 + 84 * 0.1**2) / 96)
