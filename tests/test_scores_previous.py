"""Is the window before each image seen as it was, whatever the task's window, latency, class, scope and rules?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plain_persistence
from flarescope.catalog.labels import label_by
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.events import EventDefinition
from flarescope.scores.previous import (
    NO_IMAGE,
    NO_PLACE,
    NO_SAME_REGIONS,
    NO_TIME,
    NOT_COVERED,
    previous_by_flares,
    previous_by_labels,
)

DAY = EventDefinition()
TWO_DAYS = EventDefinition(window_hours=48)
START = pd.Timestamp("2010-11-10", tz="UTC").as_unit("us")


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def images(*rows):
    frame = pd.DataFrame(rows, columns=["noaa_ar", "time", "label"])
    return frame.assign(
        noaa_ar=frame["noaa_ar"].astype("Int32"),
        time=pd.to_datetime(frame["time"], utc=True).astype("datetime64[us, UTC]"),
        label=frame["label"].astype("Int8"),
        probability=0.5,
    )


def listed(*rows, covered=(("2010-01-01", "2020-01-01"),)):
    table = flare_frame({"noaa_ar": region, "time": utc(peak), "flare": flare} for region, peak, flare in rows)
    return FlareList(table, tuple((utc(first), utc(last)) for first, last in covered))


def same(found, expected):
    return found.flared == pytest.approx(expected, nan_ok=True)


ROWS = images(
    (11121, "2010-11-10 05:36", 1),
    (11121, "2010-11-11 05:36", 0),
    (11122, "2010-11-11 05:36", 1),
    (11121, "2010-11-11 05:48", 0),
    (11121, "2010-11-12 05:36", 0),
)


def test_the_label_of_an_image_older_by_the_window_tells_of_the_window_before():
    # First image of each region: unknown. 05:36 a day later: the label 1. 05:48: the image of 05:36 is the last one
    # that is at least 24 hours old. Two days later: the image of 05:36, label 0.
    found = previous_by_labels(ROWS, DAY)
    assert same(found, [np.nan, 1, np.nan, 1, 0])
    assert found.unknown == {NO_IMAGE: 2}
    # Labels of 48 hours: only the last image has one that is 48 hours older.
    assert same(previous_by_labels(ROWS, TWO_DAYS), [np.nan, np.nan, np.nan, np.nan, 1])
    # 12 hours that begin 12 hours after the image: 24 hours older again.
    later = EventDefinition(window_hours=12, latency_hours=12)
    assert same(previous_by_labels(ROWS, later), [np.nan, 1, np.nan, 1, 0])


def test_a_label_whose_window_reaches_past_the_image_is_never_used():
    # An image 23 hours 48 minutes earlier is labelled by flares up to 12 minutes from now; of 36 hours after a
    # latency of 6, one that is 41 hours 48 minutes older likewise.
    assert np.isnan(
        previous_by_labels(images((11121, "2010-11-10 05:48", 1), (11121, "2010-11-11 05:36", 0)), DAY).flared
    ).all()
    rows = images((11121, "2010-11-10 00:12", 1), (11121, "2010-11-11 18:00", 0))
    assert np.isnan(previous_by_labels(rows, EventDefinition(window_hours=36, latency_hours=6)).flared).all()
    assert previous_by_labels(rows, EventDefinition(window_hours=35.8, latency_hours=6)).flared[1] == 1


@pytest.mark.parametrize(("window", "old", "too_old"), [(24, "02:00", "02:01"), (6, "00:30", "00:31")])
def test_how_much_older_an_image_may_be_goes_with_the_window(window, old, too_old):
    event, now = EventDefinition(window_hours=window), pd.Timestamp("2010-11-12", tz="UTC")
    for more, known in ((old, True), (too_old, False)):
        then = now - pd.Timedelta(hours=window) - pd.Timedelta(f"{more}:00")
        found = previous_by_labels(images((11121, then, 1), (11121, now, 0)), event)
        assert np.isnan(found.flared[1]) != known


def test_labels_that_contradict_each_other_say_nothing():
    then, now = "2010-11-10 05:36", "2010-11-11 05:36"
    both = images((11121, then, 1), (11121, then, 0), (11121, now, 0))
    assert np.isnan(previous_by_labels(both, DAY).flared).all()
    twice = images((11121, then, 1), (11121, then, 1), (11121, now, 0))
    assert previous_by_labels(twice, DAY).flared[2] == 1
    assert np.isnan(previous_by_labels(images((11121, then, None), (11121, now, 0)), DAY).flared).all()


def test_the_list_is_asked_for_the_window_that_ends_at_the_image():
    now = images((11121, "2010-11-11 05:36", 0))
    # Of 24 hours: a peak at the image counts, one a second later or exactly 24 hours before does not.
    for peak, flared in (("05:36:00", 1), ("05:36:01", 0), ("05:35:59", 1)):
        assert previous_by_flares(now, listed((11121, f"2010-11-11 {peak}", "C1.0")), DAY).flared == [flared]
    for peak, flared in (("05:36:00", 0), ("05:36:01", 1)):
        assert previous_by_flares(now, listed((11121, f"2010-11-10 {peak}", "C1.0")), DAY).flared == [flared]
    two_days_back = listed((11121, "2010-11-09 06:00", "C1.0"))
    assert previous_by_flares(now, two_days_back, DAY).flared == [0]
    assert previous_by_flares(now, two_days_back, TWO_DAYS).flared == [1]
    # The latency is no part of it: what happened until the image is known at the image.
    late = EventDefinition(latency_hours=24)
    assert previous_by_flares(now, listed((11121, "2010-11-11 05:30", "C1.0")), late).flared == [1]


def test_only_flares_of_the_task_and_of_the_region_count():
    now = images((11121, "2010-11-11 05:36", 0))
    m_class = EventDefinition(threshold="M1.0")
    for flare, flared in (("C9.9", 0), ("M1.0", 1), ("X1.0", 1)):
        assert previous_by_flares(now, listed((11121, "2010-11-11 05:00", flare)), m_class).flared == [flared]
    elsewhere = listed((11123, "2010-11-11 05:00", "X1.0"), (None, "2010-11-11 05:00", "X1.0"))
    assert previous_by_flares(now, elsewhere, m_class).flared == [0]
    disk = EventDefinition(threshold="M1.0", scope="disk")
    assert previous_by_flares(now, elsewhere, disk).flared == [1]
    assert previous_by_flares(images((None, "2010-11-11 05:36", 0)), elsewhere, disk).flared == [1]


def test_time_that_the_list_does_not_cover_is_unknown_and_never_no_flare():
    rows = images(*[(11121, f"2010-11-{day} 12:00", 0) for day in (10, 11, 12, 13, 14)])
    gap = listed(covered=(("2010-11-10", "2010-11-12 12:00"), ("2010-11-13", "2010-11-15")))
    # The 10th lacks its first half, the 13th and what went before it the night of the 12th.
    found = previous_by_flares(rows, gap, DAY)
    assert same(found, [np.nan, 0, 0, np.nan, 0])
    assert found.unknown == {NOT_COVERED: 2}
    assert np.isnan(previous_by_flares(rows, listed(covered=()), DAY).flared).all()


def test_the_tai_clock_of_the_published_set():
    rules = EventDefinition(rules="ar-flares")
    # 05:36:00 TAI is 05:35:26 UTC in 2010. The labels call it 05:36:00: the window begins a day before that.
    now = images((11121, "2010-11-11 05:35:26", 0))
    for peak, flared in (("10 05:36:00", 0), ("10 05:37:00", 1), ("11 05:35:00", 1), ("11 05:36:00", 0)):
        assert previous_by_flares(now, listed((11121, f"2010-11-{peak}", "C1.0")), rules).flared == [flared]
    # A peak 14 seconds after the image lies in the future, though before the image's TAI clock reading.
    assert previous_by_flares(now, listed((11121, "2010-11-11 05:35:40", "C1.0")), rules).flared == [0]


def test_rows_without_a_place_are_counted():
    rows = images((None, "2010-11-11 05:36", 1), (11121, None, 1), (11121, "2010-11-11 05:36", 1))
    by_list = previous_by_flares(rows, listed(), DAY)
    assert same(by_list, [np.nan, np.nan, 0])
    assert by_list.unknown == {NO_PLACE: 2}
    assert previous_by_labels(rows, DAY).unknown == {NO_PLACE: 2, NO_IMAGE: 1}
    assert previous_by_labels(rows, EventDefinition(scope="disk")).unknown == {NO_TIME: 1, NO_IMAGE: 2}


def patches(*rows, **more):
    """Images of `(noaa_ars, time, label)`; a single region as `11121`, none as None."""
    frame = images(*((int(text[:5]) if text else None, time, label) for text, time, label in rows))
    several = [text if text and "," in text else None for text, _, _ in rows]
    return frame.assign(noaa_ars=pd.Series(several, dtype="str"), **more)


NOW = "2012-03-06 14:24"


@pytest.mark.parametrize(
    ("shown", "flared"), [("11429,11430", 1), ("11430,11429", 1), ("11430", 1), ("11429", 0), ("11428,11429", 0)]
)
def test_a_flare_of_any_region_of_a_patch_counts(shown, flared):
    flares = listed((11430, "2012-03-06 02:00", "C1.0"), (11431, "2012-03-06 03:00", "X1.0"))
    found = previous_by_flares(patches((shown, NOW, 0), (None, NOW, 0)), flares, DAY)
    assert same(found, [flared, np.nan])
    assert found.unknown == {NO_PLACE: 1}


def test_of_a_patch_labelled_by_its_principal_region_only_that_one_counts():
    rows = patches(("11429,11430", NOW, 0), ("11429,11430", NOW, 0), ("11430,11429", NOW, 0))
    rows = rows.assign(principal_only=pd.array([1, 0, 1], "Int8"))
    assert previous_by_flares(rows, listed((11430, "2012-03-06 02:00", "C1.0")), DAY).flared.tolist() == [0, 1, 1]


def test_a_flare_of_any_region_is_found_beside_later_and_weaker_ones():
    # The last flare of 11429 is too old, the last of 11430 too weak, the one before that counts.
    flares = listed(
        (11429, "2012-03-05 13:00", "X1.0"), (11430, "2012-03-06 02:00", "C1.0"), (11430, "2012-03-06 12:00", "B9.0")
    )
    assert previous_by_flares(patches(("11429,11430", NOW, 0)), flares, DAY).flared == [1]


def test_the_label_of_a_patch_answers_for_the_same_regions_alone():
    then = "2012-03-05 14:24"
    rows = patches(("11429,11430", then, 1), ("11431", then, 0), ("11430,11429", NOW, 0), ("11429", NOW, 0))
    found = previous_by_labels(rows, DAY)
    assert same(found, [np.nan, np.nan, 1, np.nan])
    assert found.unknown == {NO_SAME_REGIONS: 3}
    alone = previous_by_labels(rows.assign(principal_only=1), DAY)  # labels of 11429, 11431, 11430 and 11429
    assert same(alone, [np.nan, np.nan, np.nan, 1])
    assert alone.unknown == {NO_IMAGE: 3}
    assert same(previous_by_labels(rows, EventDefinition(scope="disk")), [np.nan, np.nan, np.nan, np.nan])


@given(second=st.integers(0, 59), late=st.integers(1, 60))
def test_no_label_tells_of_a_flare_after_the_image(second, late):
    rules = EventDefinition(rules="ar-flares")
    now = pd.Timestamp("2012-03-06 14:24", tz="UTC").as_unit("us") + pd.Timedelta(seconds=second)
    rows = images(*((11429, now - pd.Timedelta(minutes=minutes), 0) for minutes in (24 * 60 + 12, 24 * 60, 0)))
    peak = (now + pd.Timedelta(seconds=late)).floor("min")
    flares = flare_frame([{"noaa_ar": 11429, "time": peak, "flare": "C1.0"}])
    rows = rows.assign(label=label_by(rows, flares, rules)["label"])
    before = previous_by_labels(rows, rules).flared[2]
    assert before == 0 or (before == 1 and peak <= now)
    if second == 26 and peak <= now:  # a whole minute of HMI's clock in 2012, 34 s ahead: nothing is lost
        assert before == 1


EVENTS = st.builds(
    EventDefinition,
    threshold=st.sampled_from(["C1.0", "M1.0"]),
    window_hours=st.sampled_from([6.0, 13.5, 24.0, 48.0]),
    latency_hours=st.sampled_from([0.0, 1.5, 24.0]),
    scope=st.sampled_from(["region", "disk"]),
    rules=st.sampled_from(["utc", "ar-flares", None]),
)
REGIONS = st.sampled_from([11121, 11122, None])
BITS = st.sampled_from([0, 1, None])
SHOWN = st.sampled_from(["11121", "11122", "11121,11122", "11122,11121", None])
QUARTERS = st.one_of(st.none(), st.integers(0, 4 * 24 * 4))


def at(quarter):
    return None if quarter is None else START + pd.Timedelta(minutes=15 * quarter)


@given(
    rows=st.lists(
        st.tuples(SHOWN, QUARTERS, st.sampled_from([0, 1, None]), st.sampled_from([0, 1, None])),
        min_size=1,
        max_size=40,
    ),
    flares=st.lists(st.tuples(REGIONS, QUARTERS, st.sampled_from(["B9.9", "C1.0", "M1.0", "M5.5"])), max_size=12),
    edges=st.lists(st.integers(-200, 500), unique=True, max_size=6).map(sorted),
    seconds=st.sampled_from([0, 26, 50]),  # 26 and 34 are a whole minute of TAI in 2010
    event=EVENTS,
)
def test_both_ways_equal_a_slow_plain_look(rows, flares, edges, seconds, event):
    frame = patches(
        *((shown, at(quarter), label) for shown, quarter, label, _ in rows),
        principal_only=pd.array([row[3] for row in rows], "Int8"),
    )
    frame["time"] += pd.Timedelta(seconds=seconds)
    table = flare_frame({"noaa_ar": region, "time": at(quarter), "flare": flare} for region, quarter, flare in flares)
    covered = tuple((at(first), at(last)) for first, last in zip(edges[::2], edges[1::2], strict=False))
    by_list = previous_by_flares(frame, FlareList(table, covered), event)
    assert same(by_list, plain_persistence.by_flares(frame, FlareList(table, covered), event))
    by_label = previous_by_labels(frame, event)
    assert same(by_label, plain_persistence.by_labels(frame, event))
    for found in (by_list, by_label):
        assert sum(found.unknown.values()) == np.isnan(found.flared).sum()


@pytest.mark.parametrize(
    "event",
    [
        DAY,
        TWO_DAYS,
        EventDefinition(window_hours=6, latency_hours=18),
        EventDefinition(window_hours=12, threshold="M1.0", rules="ar-flares"),
    ],
)
def test_the_label_of_then_is_the_event_list_seen_from_now(event):
    rng = np.random.default_rng(0)
    minutes = np.arange(0, 12 * 24 * 60, 12)
    # Whole minutes of the TAI clock, as HMI's images are stamped, and peaks on whole minutes UTC.
    times = START + pd.to_timedelta(minutes, unit="min") - pd.Timedelta(seconds=34)
    rows = images(*((11950, time, 0) for time in times))
    peaks = np.sort(rng.choice(minutes[:-1], 10, replace=False))
    table = flare_frame(
        {"noaa_ar": 11950, "time": START + pd.Timedelta(minutes=int(peak)), "flare": rng.choice(["C2.0", "M2.0"])}
        for peak in peaks
    )
    flares = FlareList(table, ((utc("2010-01-01"), utc("2020-01-01")),))
    rows = rows.assign(label=label_by(rows, table, event)["label"])
    by_label = previous_by_labels(rows, event).flared
    known = minutes >= (event.window_hours + event.latency_hours) * 60
    assert np.isnan(by_label[~known]).all()
    assert list(by_label[known]) == list(previous_by_flares(rows, flares, event).flared[known])
    assert 0 < by_label[known].mean() < 1
