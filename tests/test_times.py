import datetime as dt

import pandas as pd
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from flarescope.times import moment_of, parse_t_rec, tai_minus_utc, tai_to_utc, utc_to_tai

TIMES = st.datetimes(dt.datetime(1973, 1, 1), dt.datetime(2026, 1, 1)).map(lambda t: t.replace(microsecond=0))


@pytest.mark.parametrize(
    ("tai", "seconds"), [("2010-11-10T05:36:00", 34), ("2013-01-01", 35), ("2016-01-01", 36), ("2018-01-01", 37)]
)
def test_offset_of_the_years_of_the_data_set(tai, seconds):
    assert tai_minus_utc(pd.DatetimeIndex([tai])).tolist() == [seconds]


@given(st.lists(TIMES, min_size=1, max_size=20))
def test_agrees_with_astropy(times):
    ours = tai_to_utc(pd.DatetimeIndex(times)).tz_localize(None).to_numpy(dtype="datetime64[s]")
    theirs = Time(times, scale="tai").utc
    seconds = theirs.ymdhms["second"]
    usual = seconds < 60  # a second 60 has no name in a time of 60-second minutes
    assert (ours[usual] == theirs[usual].to_value("datetime64").astype("datetime64[s]")).all()


@given(st.lists(TIMES, min_size=1, max_size=20))
def test_there_and_back(times):
    utc = pd.DatetimeIndex(times).as_unit("us").tz_localize("UTC")
    assert (tai_to_utc(utc_to_tai(utc)) == utc).all()


def test_around_a_leap_second():
    tai = pd.DatetimeIndex(["2012-07-01T00:00:33", "2012-07-01T00:00:35"])
    assert tai_to_utc(tai).strftime("%Y-%m-%dT%H:%M:%S").tolist() == ["2012-06-30T23:59:59", "2012-07-01T00:00:00"]


def test_missing_times_stay_missing():
    assert tai_to_utc(pd.DatetimeIndex([None, "2011-01-01"])).isna().tolist() == [True, False]


def test_t_rec():
    assert parse_t_rec("2011.02.14_20:35:15_TAI") == dt.datetime(2011, 2, 14, 20, 34, 41, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "2011-02-14T20:35:15", "2011.13.14_20:35:15_TAI", "2011.02.14_20:35:15_UTC"])
def test_other_forms_are_not_guessed(text):
    assert parse_t_rec(text) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2012-04-03", "2012-04-03T00:00Z"),
        ("20120403", "2012-04-03T00:00Z"),
        ("2012-04-03 12:30", "2012-04-03T12:30Z"),
        ("2012-04-03T12:30+02:00", "2012-04-03T10:30Z"),
        (pd.Timestamp("2012-04-03", tz="UTC"), "2012-04-03T00:00Z"),
    ],
)
def test_a_moment_that_was_typed_is_in_utc(typed, meant):
    assert moment_of(typed) == pd.Timestamp(meant)


@pytest.mark.parametrize("typed", ["03.04.2012", "4/3/2012", "2012", "2012-04", "now", "NaT", "", "2012-13-01"])
def test_what_could_be_another_day_or_none_is_no_moment(typed):
    with pytest.raises(ValueError, match=r".+"):
        moment_of(typed)
