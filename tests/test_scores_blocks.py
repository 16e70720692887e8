"""Are forecasts that share an error in one block of time?"""

import pandas as pd
import pytest

from flarescope import InputError
from flarescope.scores.blocks import ROTATION_DAYS, time_blocks


def test_blocks_of_time_are_rotations():
    days = pd.Series(pd.date_range("2001-01-01", periods=54, tz="UTC"))
    assert ROTATION_DAYS == 27
    assert time_blocks(days).value_counts().max() == 27


def test_a_block_is_counted_from_1970_whatever_rows_there_are():
    times = pd.Series(
        pd.to_datetime(["1970-01-01", "1970-01-07 23:59", "1970-01-08", "1969-12-31", None], utc=True, format="ISO8601")
    )
    assert time_blocks(times, days=7).tolist()[:4] == [0, 0, 1, -1]
    assert time_blocks(times, days=7).isna().tolist() == [False] * 4 + [True]
    assert time_blocks(times[2:], days=7).iloc[0] == 1


def test_blocks_have_a_length():
    with pytest.raises(InputError, match="expected more than 0"):
        time_blocks(pd.Series(pd.date_range("2001-01-01", periods=2, tz="UTC")), days=0)
