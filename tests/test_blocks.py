"""Do the blocks of time that rows of the whole disk are resampled by begin and end where they should?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.blocks import FEWEST_ROTATIONS, ROTATION_DAYS, rotation_numbers, time_blocks
from flarescope.errors import InputError


def times(*texts):
    return pd.Series(pd.to_datetime(list(texts), utc=True))


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


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=30), st.floats(0.5, 2000))
def test_no_block_is_shorter_than_the_window_and_rows_of_one_lie_within_it(minutes, window):
    rows = pd.Series(pd.Timestamp("2011-01-01", tz="UTC") + pd.to_timedelta(minutes, unit="min"))
    for blocks in ("day", "rotation"):
        number, unit = time_blocks(rows, window_hours=window, blocks=blocks)
        assert unit.hours >= window * (1 - 1e-9)
        spread = rows.groupby(number).agg(lambda one: (one.max() - one.min()).total_seconds() / 3600)
        assert (spread < unit.hours).all()
        order = np.argsort(rows.to_numpy(), kind="stable")
        assert number.iloc[order].is_monotonic_increasing


def test_rotations_are_carringtons():
    carrington = pytest.importorskip("sunpy.coordinates.sun").carrington_rotation_number
    rows = times("1996-02-01", "2010-05-01", "2012-07-12", "2026-02-01", "2026-04-17")
    expected = [float(carrington(time.tz_localize(None).isoformat())) for time in rows]
    assert rotation_numbers(rows) == pytest.approx(expected, abs=0.015)
    number, unit = time_blocks(rows, window_hours=24, blocks="rotation")
    assert number.tolist() == np.floor(expected).tolist()
    assert (unit.one, unit.hours) == ("Carrington rotation", 24 * ROTATION_DAYS)


def test_auto_takes_rotations_where_there_are_enough():
    start = pd.Timestamp("2012-01-01", tz="UTC")
    for rotations, one in ((FEWEST_ROTATIONS + 1, "Carrington rotation"), (FEWEST_ROTATIONS - 2, "day")):
        rows = pd.Series(pd.date_range(start, start + pd.Timedelta(days=rotations * ROTATION_DAYS), freq="1D"))
        assert time_blocks(rows, window_hours=24)[1].one == one


def test_a_row_without_time_is_in_no_block_and_other_words_are_refused():
    rows = times("2026-02-01", None)
    number, _ = time_blocks(rows, window_hours=24, blocks="day")
    assert number.isna().tolist() == [False, True]
    with pytest.raises(InputError, match="--blocks week: expected auto, day or rotation"):
        time_blocks(rows, window_hours=24, blocks="week")  # type: ignore[arg-type]
