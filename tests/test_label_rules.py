import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.labels import label_by, label_catalogue, label_images, window_covered
from flarescope.catalog.noaa_flares import FlareList, flare_frame, read_event_list
from flarescope.errors import InputError
from flarescope.events import EventDefinition, flux_w_m2
from flarescope.times import tai_to_utc
from real_data import REAL_DATA, needs_real_data

AR_FLARES = EventDefinition(rules="ar-flares")


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def flares(*rows, covered=("2010-01-01", "2020-01-01")):
    table = flare_frame({"noaa_ar": ar, "time": utc(peak), "flare": flare} for ar, peak, flare in rows)
    return FlareList(table, ((utc(covered[0]), utc(covered[1])),))


def images(*rows):
    ars, times = zip(*rows, strict=True)
    stamps = pd.to_datetime(pd.Series(times), utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame({"filename": [f"{i}.png" for i in range(len(rows))], "noaa_ar": list(ars), "time": stamps})


def tai_images(*stamps, ar=11121):
    frame = images(*[(ar, stamp) for stamp in stamps])
    return frame.assign(time=tai_to_utc(pd.DatetimeIndex(stamps)))


@needs_real_data
def test_every_official_label_at_hand_follows_from_the_published_event_list():
    official = pd.read_csv(REAL_DATA / "boucheron2023" / "official_labels_sample.csv", dtype=str)
    table = official.join(region_and_time(official["filename"]))
    labels = label_by(table, read_event_list(REAL_DATA / "boucheron2023" / "eventList.txt").table, AR_FLARES)
    assert len(official) == 9223
    assert (labels["flare"].str[0].fillna("0") == official["class"]).all()
    assert (labels["label"] == (official["class"] != "0")).all()


@needs_real_data
def test_no_image_of_the_published_period_is_left_out_by_its_own_event_list():
    official = pd.read_csv(REAL_DATA / "boucheron2023" / "official_labels_sample.csv", dtype=str)
    table = official.join(region_and_time(official["filename"]))
    listed = read_event_list(REAL_DATA / "boucheron2023" / "eventList.txt")
    result = label_catalogue(table, listed, AR_FLARES)
    assert len(result.table) == 9223
    assert result.table["window_known"].all()
    assert result.account["labelled"] == 9223
    assert result.account["followed by a flare >= C1.0"] == 9223 - 2436
    assert result.account["flares without region"] == 2
    assert result.account["flares without peak time"] == 7


def test_ar_flares_rules_are_strict_at_both_ends_of_the_tai_clock():
    # AR 1121, C1.1 at 05:24: of the official rows, 11-10 05:36 to 11-11 05:12 are 1, 05:24 on either day is 0
    table = tai_images("2010-11-10 05:24", "2010-11-10 05:36", "2010-11-11 05:12", "2010-11-11 05:24")
    labels = label_by(table, flares((11121, "2010-11-11 05:24", "C1.1")).table, AR_FLARES)
    assert labels["label"].tolist() == [0, 1, 1, 0]
    assert labels["flare"].dropna().tolist() == ["C1.1", "C1.1"]


def test_utc_rules_compare_instants():
    # 05:24:00 TAI is 05:23:26 UTC in 2010: the peak at 05:24 UTC follows it by 34 s
    table = tai_images("2010-11-10 05:24", "2010-11-10 05:36", "2010-11-11 05:12", "2010-11-11 05:24")
    labels = label_by(table, flares((11121, "2010-11-11 05:24", "C1.1")).table, EventDefinition())
    assert labels["label"].tolist() == [0, 1, 1, 1]


def test_utc_windows_one_after_another_leave_out_no_instant_and_count_none_twice():
    one = images((11000, "2012-01-01T00:00"))
    for hour, expected in [(0, [0, 0]), (6, [1, 0]), (12, [0, 1]), (7, [0, 1])]:
        listed = flares((11000, f"2012-01-01T{hour:02d}:00", "M1.0")).table
        first = label_by(one, listed, EventDefinition(window_hours=6))
        second = label_by(one, listed, EventDefinition(window_hours=6, latency_hours=6))
        assert [first["label"].item(), second["label"].item()] == expected


def test_an_image_takes_the_largest_flare_by_flux_not_by_letter_and_digits():
    listed = flares((1, "2012-01-01T01:00", "M9.9"), (1, "2012-01-01T02:00", "X1.0"), (1, "2012-01-01T03:00", "X10"))
    labels = label_by(images((1, "2012-01-01"), (2, "2012-01-01")), listed.table, EventDefinition(threshold="M5.0"))
    assert labels["flare"].fillna("-").tolist() == ["X10", "-"]


def test_a_flare_of_exactly_the_threshold_counts():
    for threshold in ("C1.0", "M1.2", "X2.3", "B9.7", "A1.1"):
        listed = flares((1, "2012-01-01T01:00", threshold))
        assert (
            label_by(images((1, "2012-01-01")), listed.table, EventDefinition(threshold=threshold))["label"].item() == 1
        )


def test_classes_become_watts_per_square_metre():
    flux = flux_w_m2(pd.Series(["A1.0", "B2.5", "C1.0", "M5.0", "X1.0", "X17.2"]))
    np.testing.assert_allclose(flux, [1e-8, 2.5e-7, 1e-6, 5e-5, 1e-4, 1.72e-3], rtol=1e-12)


CLASSES = ["A5.0", "B9.9", "C1.0", "C9.9", "M1.0", "M5.5", "X1.0", "X9.3"]
MINUTES = st.integers(0, 5 * 24 * 60)


def slow_labels(image_rows, flare_rows, threshold, window_hours, latency_hours, closed):
    """The rule word by word: every flare against every image."""
    flux = dict(zip(CLASSES, flux_w_m2(pd.Series(CLASSES)), strict=True))
    start, end = timedelta(hours=latency_hours), timedelta(hours=latency_hours + window_hours)
    result = []
    for ar, when in image_rows:
        largest = None
        for other, peak, flare in flare_rows:
            elapsed = peak - when
            inside = start < elapsed <= end if closed else start < elapsed < end
            counts = other == ar and inside and flux[flare] >= flux[threshold]
            if counts and (largest is None or flux[flare] > flux[largest]):
                largest = flare
        result.append(largest)
    return result


@given(
    image_rows=st.lists(st.tuples(st.integers(1, 3), MINUTES), min_size=1, max_size=30),
    flare_rows=st.lists(st.tuples(st.integers(1, 3), MINUTES, st.sampled_from(CLASSES)), max_size=30),
    threshold=st.sampled_from(CLASSES),
    window=st.integers(1, 72),
    latency=st.integers(0, 48),
    closed=st.booleans(),
)
def test_labels_equal_those_of_a_slow_plain_rule(image_rows, flare_rows, threshold, window, latency, closed):
    epoch = datetime(2012, 1, 1)
    pictures = [(ar, epoch + timedelta(minutes=minute)) for ar, minute in image_rows]
    events = [(ar, epoch + timedelta(minutes=minute), flare) for ar, minute, flare in flare_rows]
    frame = images(*pictures)
    listed = flare_frame({"noaa_ar": ar, "time": utc(peak), "flare": flare} for ar, peak, flare in events)
    labels = label_images(frame, listed, threshold=threshold, window_hours=window, latency_hours=latency, closed=closed)
    expected = slow_labels(pictures, events, threshold, window, latency, closed)
    assert labels["flare"].astype(object).where(labels["flare"].notna(), None).tolist() == expected
    assert labels["label"].tolist() == [int(flare is not None) for flare in expected]


@given(seed=st.integers(0, 1000))
def test_labels_do_not_depend_on_the_order_of_rows(seed):
    rng = np.random.default_rng(seed)
    frame = images(
        *[(int(ar), utc("2012-01-01") + pd.Timedelta(minutes=int(m))) for ar, m in rng.integers(1, 4000, (20, 2))]
    )
    frame["noaa_ar"] %= 3
    listed = flares(*[(i % 3, f"2012-01-0{1 + i % 4}T0{i % 7}:00", CLASSES[i % 8]) for i in range(20)]).table
    straight = label_by(frame, listed, EventDefinition())
    order, other = rng.permutation(20), rng.permutation(20)
    shuffled = label_by(frame.iloc[order], listed.iloc[other], EventDefinition())
    pd.testing.assert_frame_equal(shuffled.sort_index(), straight)


def test_images_whose_window_runs_past_the_list_are_left_out_unless_asked_for():
    listed = flares((1, "2012-01-02T00:00", "M1.0"), covered=("2012-01-01", "2012-01-02T12:00"))
    frame = images((1, "2011-12-31T23:00"), (1, "2012-01-01T01:00"), (1, "2012-01-01T12:00"), (1, "2012-01-01T13:00"))
    assert window_covered(frame, listed, EventDefinition()).tolist() == [False, True, True, False]
    assert label_catalogue(frame, listed, EventDefinition()).table["filename"].tolist() == ["1.png", "2.png"]
    kept = label_catalogue(frame, listed, EventDefinition(), keep_uncovered=True)
    assert kept.table["window_known"].tolist() == [False, True, True, False]
    assert kept.account["window not covered by the flare list, kept"] == 2


def test_a_window_across_a_missing_day_is_not_covered():
    days = ((utc("2012-01-01"), utc("2012-01-03")), (utc("2012-01-04"), utc("2012-01-06")))
    listed = FlareList(flares().table, days)
    frame = images((1, "2012-01-01T12:00"), (1, "2012-01-02T12:00"), (1, "2012-01-03T12:00"), (1, "2012-01-04T00:00"))
    assert window_covered(frame, listed, EventDefinition()).tolist() == [True, False, False, True]


def test_images_without_region_or_time_are_left_out_and_counted():
    frame = images((1, "2012-01-01"), (None, "2012-01-01"), (1, None))
    result = label_catalogue(frame, flares(), EventDefinition())
    assert result.table["filename"].tolist() == ["0.png"]
    assert result.account["without region or time, left out"] == 2


def test_no_image_left_says_what_the_list_covers():
    with pytest.raises(InputError, match=r"no image is left of 1: .* \(it covers 2010-01-01 00:00 to 2020-01-01 00:00"):
        label_catalogue(images((1, "2021-01-01")), flares(), EventDefinition())
    with pytest.raises(InputError, match="it covers nothing"):
        label_catalogue(images((1, "2012-01-01")), FlareList(flares().table, ()), EventDefinition())


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"threshold": "K1.0"}, "GOES class 'K1.0'"),
        ({"threshold": ""}, "GOES class ''"),
        ({"window_hours": 0}, "window of 0 hours"),
        ({"window_hours": -24}, "window of -24 hours"),
        ({"window_hours": float("nan")}, "window of nan hours"),
        ({"window_hours": float("inf")}, "window of inf hours"),
        ({"latency_hours": -1}, "latency of -1 hours"),
        ({"latency_hours": float("nan")}, "latency of nan hours"),
        ({"rules": "boucheron"}, "rules 'boucheron'; expected utc or ar-flares"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_one_line(choice, message):
    with pytest.raises(InputError, match=message) as caught:
        EventDefinition(**choice)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_two_hundred_thousand_names_against_twelve_thousand_flares_are_labelled(tmp_path):
    regions, stamps = range(11064, 12731), pd.date_range("2012-03-01", periods=120, freq="60min")
    texts = stamps.strftime("%Y%m%d_%H%M%S")
    names = [
        f"{ar % 10000}/{ar % 10000}_hmi.M_720s.{text}_TAI.1.magnetogram_224.png" for ar in regions for text in texts
    ]
    pd.DataFrame({"filename": names, "class": 0}).to_csv(tmp_path / "images.csv", index=False)
    rng = np.random.default_rng(1)
    minutes = np.append(np.sort(rng.integers(0, 20 * 1440, 11_999)), 30 * 1440)
    peaks = pd.Timestamp("2012-02-29") + pd.to_timedelta(minutes, unit="min")
    listed = pd.DataFrame({"time": peaks, "flare": "C5.0", "noaa_ar": rng.integers(11064, 12731, 12_000)})
    listed.to_csv(tmp_path / "flares.csv", index=False)
    command = [sys.executable, "-m", "flarescope", "catalog", "label", "images.csv", "--flares", "flares.csv"]
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = os.environ | {"PYTHONPATH": source}
    subprocess.run([*command, "--out", "c.parquet", "--quiet"], cwd=tmp_path, env=environment, check=True)
    made = pd.read_parquet(tmp_path / "c.parquet")
    assert len(made) == 1667 * 120
    assert 0.2 < made["label"].mean() < 0.95
