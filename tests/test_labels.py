import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.labels import label_images
from flarescope.errors import InputError
from flarescope.events import flux_if_class, flux_w_m2
from flarescope.times import utc_to_tai
from real_data import REAL_DATA, needs_real_data

START = pd.Timestamp("2011-01-01T00:00Z")


def events(*rows):
    return pd.DataFrame(
        [{"noaa_ar": ar, "time": START + pd.Timedelta(minutes=m), "flare": flare} for ar, m, flare in rows],
        columns=["noaa_ar", "time", "flare"],
    )


@needs_real_data
def test_every_official_label_is_reproduced():
    folder = REAL_DATA / "boucheron2023"
    official = pd.read_csv(folder / "official_labels_sample.csv", dtype=str)
    raw = pd.read_csv(folder / "eventList.txt", header=None, names=["day", "hhmm", "ar", "flare"], dtype=str)
    raw = raw[raw["hhmm"].str.fullmatch(r"\d{4}")]
    times = pd.to_datetime(raw["day"] + raw["hhmm"], format="%Y %m %d%H%M").dt.tz_localize("UTC")
    flares = pd.DataFrame({"noaa_ar": raw["ar"].astype(int) + 10_000, "time": times, "flare": raw["flare"]})
    images = region_and_time(official["filename"])
    # The set compared the TAI of its file names with UTC as they stand.
    images["time"] = utc_to_tai(pd.DatetimeIndex(images["time"])).tz_localize("UTC")
    found = label_images(images, flares)["flare"].str[0].fillna("0")
    assert len(found) == 9223
    assert (found == official["class"]).all()


def test_classes_compare_as_numbers():
    flux = flux_w_m2(pd.Series(["X1.0", "M5.0", "C9.9", "B1.0", "X10.5"])).tolist()
    assert flux == pytest.approx([1e-4, 5e-5, 9.9e-6, 1e-7, 1.05e-3])
    with pytest.raises(InputError, match=r"'D1\.0'"):
        flux_w_m2(pd.Series(["C1.0", "D1.0"]))
    none = flux_if_class(pd.Series(["C1.0", "M1.2", " X2.0", "0", None, "x2.0", "M"]))
    np.testing.assert_allclose(none, [1e-6, 1.2e-5, 2e-4, *[np.nan] * 4])


def test_both_ends_of_the_window_are_strict():
    images = pd.DataFrame({"noaa_ar": 1, "time": START + pd.to_timedelta([0, 1, 1440, 1441], unit="min")})
    labels = label_images(images, events((1, 1440, "C1.0"), (1, 1441, "B9.9")))["label"]
    assert labels.tolist() == [0, 1, 0, 0]  # 1,440 minutes before, inside, at the peak, after


def test_the_largest_flare_is_named_and_the_threshold_is_numeric():
    images = pd.DataFrame({"noaa_ar": [1], "time": [START]})
    flares = events((1, 10, "M9.9"), (1, 20, "X1.0"), (1, 30, "C1.0"))
    assert label_images(images, flares)["flare"].tolist() == ["X1.0"]
    assert label_images(images, flares, threshold="M5.0")["flare"].tolist() == ["X1.0"]
    assert label_images(images, flares, threshold="X1.1")["label"].tolist() == [0]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4000)), max_size=25),
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 4000), st.sampled_from(["B5.0", "C1.0", "C5.5", "M1.0", "X2.0"])),
        max_size=12,
    ),
    st.sampled_from([6, 24, 48]),
    st.sampled_from(["C1.0", "M1.0"]),
)
def test_against_a_plain_loop(images, flares, window, threshold):
    frame = pd.DataFrame(images, columns=["noaa_ar", "minute"])
    frame["time"] = START + pd.to_timedelta(frame["minute"], unit="min")
    order = {"B5.0": 0, "C1.0": 1, "C5.5": 2, "M1.0": 3, "X2.0": 4}
    expected = []
    for ar, minute in images:
        hits = [c for a, m, c in flares if a == ar and 0 < m - minute < window * 60 and order[c] >= order[threshold]]
        expected.append(max(hits, key=order.get) if hits else None)
    found = label_images(frame, events(*flares), threshold=threshold, window_hours=window)
    assert [None if pd.isna(x) else x for x in found["flare"]] == expected
    assert found["label"].tolist() == [int(x is not None) for x in expected]
