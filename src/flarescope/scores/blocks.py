"""Which forecasts of a series in time share an error, so that they are resampled together?"""

from typing import Final

import pandas as pd

from flarescope.errors import InputError

ROTATION_DAYS: Final = 27
"""Days of the disk are resampled in blocks of a rotation: what is on the disk stays there for half of it."""


def time_blocks(times: "pd.Series[pd.Timestamp]", *, days: float = ROTATION_DAYS) -> "pd.Series[int]":
    """Number the blocks of so many days that moments lie in, counted from 1970.

    Blocks should be at least as long as the memory of the error. They take the place of regions where a score's
    interval is made (`cases.ScoredCases`).

    Args:
        times: `(N,)` UTC.
        days: length of a block.

    Returns:
        `(N,)` Int64 on the index of `times`; null where the time is.

    Raises:
        InputError: blocks of no length.
    """
    if not days > 0:
        raise InputError(f"blocks of {days:g} days; expected more than 0")
    since = times.astype("datetime64[us, UTC]") - pd.Timestamp(0, tz="UTC")
    return (since / pd.Timedelta(days=days)).floordiv(1).astype("Int64")
