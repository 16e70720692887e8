"""Do the blocks of time that rows are resampled by begin and end where they should?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flarescope.blocks import (
    PERIODS,
    ROTATION_DAYS,
    WHOLE_DAYS_OF_A_ROTATION,
    rotation_blocks,
    rotation_numbers,
    time_blocks,
)
from flarescope.errors import InputError


def times(*texts):
    return pd.Series(pd.to_datetime(list(texts), utc=True, format="ISO8601"))


def test_days_are_those_of_utc_and_no_shorter_than_the_window():
    rows = times("2026-02-01 00:00", "2026-02-01 23:59", "2026-02-02 00:00", "2026-02-03 12:00")
    days, unit = time_blocks(rows, window_hours=24, blocks="day")
    assert (days - days[0]).tolist() == [0, 0, 1, 2]
    assert (unit.one, unit.many, unit.hours) == ("day", "days", 24)
    for window, number in ((25, 2), (48, 2), (72, 3), (6, 1)):
        blocks, unit = time_blocks(rows, window_hours=window, blocks="day")
        assert unit.hours == 24 * number >= window
        first = 20_485  # days from 1970-01-01 to 2026-02-01: 56 years of 365, 14 leap days, and 31
        assert 56 * 365 + 14 + 31 == first
        assert blocks.tolist() == [first // number, first // number, (first + 1) // number, (first + 2) // number]
    assert unit.one == "day"
    assert time_blocks(rows, window_hours=72, blocks="day")[1].many == "blocks of 3 days"


@settings(max_examples=25)
@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=30), st.floats(0.5, 2000))
def test_no_period_is_shorter_than_the_window_and_rows_of_one_lie_within_it(minutes, window):
    rows = pd.Series(pd.Timestamp("2011-01-01", tz="UTC") + pd.to_timedelta(minutes, unit="min"))
    for blocks in (*PERIODS, "12h", "0.5h"):
        number, unit = time_blocks(rows, window_hours=window, blocks=blocks)
        assert unit.hours >= window * (1 - 1e-9) or blocks.endswith("h")
        spread = rows.groupby(number).agg(lambda one: (one.max() - one.min()).total_seconds() / 3600)
        longest = unit.hours * 31 / 28 if blocks == "month" else unit.hours
        assert (spread < longest).all()
        order = np.argsort(rows.to_numpy(), kind="stable")
        assert number.iloc[order].is_monotonic_increasing


def test_weeks_begin_on_monday_and_months_on_their_first():
    rows = times("2026-02-01 23:00", "2026-02-02 00:00", "2026-02-08 23:59", "2026-02-09", "2026-03-01")
    weeks, unit = time_blocks(rows, blocks="week")  # 2026-02-02 was a Monday
    assert (weeks - weeks[0]).tolist() == [0, 1, 1, 2, 4]
    assert (unit.many, unit.hours) == ("weeks", 168)
    months, unit = time_blocks(rows, blocks="month")
    assert months.tolist() == [12 * 56 + 1] * 4 + [12 * 56 + 2]
    assert unit.many == "months"


def test_blocks_of_hours_are_counted_from_1970_whatever_rows_there_are():
    rows = times("1970-01-01", "1970-01-01 11:59", "1970-01-01 12:00", "1969-12-31 23:00")
    halves, unit = time_blocks(rows, blocks="12h", window_hours=48)
    assert halves.tolist() == [0, 0, 1, -1]
    assert (unit.one, unit.many, unit.hours) == ("block of 12 hours", "blocks of 12 hours", 12)
    assert time_blocks(rows[2:], blocks="12h")[0].tolist() == [1, -1]
    with pytest.raises(InputError, match="blocks of 0 hours; expected more than 0"):
        time_blocks(rows, blocks="0h")


def test_a_row_a_day_is_resampled_by_27_days():
    days = pd.Series(pd.date_range("2001-01-01", periods=54, tz="UTC"))
    assert rotation_blocks(days).value_counts().max() == WHOLE_DAYS_OF_A_ROTATION == 27
    assert rotation_blocks(times("1970-01-27 23:59", "1970-01-28", None)).tolist()[:2] == [0, 1]


def test_rotations_are_carringtons():
    carrington = pytest.importorskip("sunpy.coordinates.sun").carrington_rotation_number
    rows = times("1996-02-01", "2010-05-01", "2012-07-12", "2026-02-01", "2026-04-17")
    expected = [float(carrington(time.tz_localize(None).isoformat())) for time in rows]
    assert rotation_numbers(rows) == pytest.approx(expected, abs=0.015)
    number, unit = time_blocks(rows, window_hours=24, blocks="carrington")
    assert number.tolist() == np.floor(expected).tolist()
    assert (unit.one, unit.hours) == ("Carrington rotation", 24 * ROTATION_DAYS)


def test_a_row_without_time_is_in_no_block_and_other_words_are_refused():
    rows = times("2026-02-01", None)
    for blocks in (*PERIODS, "6h"):
        number, _ = time_blocks(rows, window_hours=24, blocks=blocks)
        assert number.isna().tolist() == [False, True]
    with pytest.raises(InputError, match="blocks of time 'year': expected day, week, month, carrington, or hours"):
        time_blocks(rows, window_hours=24, blocks="year")
