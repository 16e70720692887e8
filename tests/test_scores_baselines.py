import numpy as np
import pandas as pd
import pytest

from flarescope.errors import InputError
from flarescope.scores.baselines import always_no, climatology, events_before, labels_before, persistence


def images(*rows):
    frame = pd.DataFrame(rows, columns=["noaa_ar", "time", "label"])
    return frame.assign(
        noaa_ar=frame["noaa_ar"].astype("Int32"),
        time=pd.to_datetime(frame["time"], utc=True).astype("datetime64[us, UTC]"),
        label=frame["label"].astype("Int8"),
        probability=0.5,
    )


ROWS = images(
    (11121, "2010-11-10 05:36", 1),
    (11121, "2010-11-11 05:36", 0),
    (11122, "2010-11-11 05:36", 1),
    (11121, "2010-11-11 05:48", 0),
    (11121, "2010-11-12 05:36", 0),
)


def test_climatology_and_always_no():
    assert set(climatology(ROWS, 0.2)["probability"]) == {0.2}
    assert set(always_no(ROWS)["probability"]) == {0.0}
    assert set(ROWS["probability"]) == {0.5}  # the table itself is left alone
    with pytest.raises(InputError, match="climatology is 20; expected the training set's share of events"):
        climatology(ROWS, 20)


def test_persistence_from_the_labels_of_the_day_before():
    before = labels_before(ROWS, ROWS)
    # First image of each region: unknown. 05:36 a day later: the label 1. 05:48: the image of 05:36 is the last one
    # that is at least 24 hours old. Two days later: the image of 05:36, label 0.
    assert before == pytest.approx([np.nan, 1, np.nan, 1, 0], nan_ok=True)
    assert list(persistence(ROWS, before, unknown=0.2)["probability"]) == [0.2, 1, 0.2, 1, 0]


def test_persistence_never_looks_ahead():
    # An image 23 hours 48 minutes earlier is labelled by flares up to 12 minutes from now.
    rows = images((11121, "2010-11-10 05:48", 1), (11121, "2010-11-11 05:36", 0))
    assert np.isnan(labels_before(rows, rows)).all()


def test_an_image_that_is_too_old_says_nothing():
    rows = images((11121, "2010-11-10 03:24", 1), (11121, "2010-11-11 05:36", 0))
    assert np.isnan(labels_before(rows, rows)).all()
    assert labels_before(rows, rows, tolerance_hours=3)[1] == 1


def test_persistence_from_the_event_list():
    events = images(
        (11121, "2010-11-11 05:24", 1),
        (11121, "2010-11-10 05:36", 1),
        (None, "2010-11-11 05:00", 1),
        (11123, "2010-11-11 05:00", 1),
    )
    # A peak at the time of the image counts, one exactly 24 hours before does not (the label rule's window, turned).
    assert list(events_before(ROWS, events)) == [1, 1, 0, 1, 0]
    assert list(events_before(images((11121, "2010-11-11 05:36", 0)), events.iloc[1:])) == [0]


def test_the_label_of_the_day_before_is_the_event_list_seen_from_then():
    rng = np.random.default_rng(0)
    minutes = np.arange(0, 12 * 24 * 60, 12)
    start = pd.Timestamp("2014-01-01", tz="UTC").as_unit("us")
    peaks = np.sort(rng.choice(minutes[:-1], 8, replace=False)) + 5
    label = [int(((peaks > t) & (peaks < t + 24 * 60)).any()) for t in minutes]
    rows = images(*((11950, start + pd.Timedelta(minutes=int(t)), y) for t, y in zip(minutes, label, strict=True)))
    events = images(*((11950, start + pd.Timedelta(minutes=int(t)), 1) for t in peaks))
    first_day = minutes < 24 * 60
    assert np.isnan(labels_before(rows, rows))[first_day].all()
    assert list(labels_before(rows, rows)[~first_day]) == list(events_before(rows, events)[~first_day])


def test_images_without_region_or_time_are_unknown():
    rows = images((None, "2010-11-11 05:36", 1), (11121, None, 1), (11121, "2010-11-11 05:36", 1))
    assert np.isnan(events_before(rows, ROWS.iloc[:0])[:2]).all()
    assert events_before(rows, ROWS.iloc[:0])[2] == 0
    assert np.isnan(labels_before(rows, ROWS.assign(label=pd.Series([None] * 5, dtype="Int8")))).all()
