"""What do the names of the published files say: which region, and when?"""

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flarescope.region_numbers import NOAA_OFFSET
from flarescope.times import calendar_times, tai_to_utc

NAME_PATTERN: Final = r"(?:^|/)(?P<ar>\d{4,5})_hmi\.[^/]*$"
TIME_PATTERN: Final = r"[._](?P<day>\d{8})_(?P<second>\d{6})_TAI[^/]*$"
UTC_PATTERN: Final = (
    r"(?:^|/)HMI\.m(?P<year>\d{4})\.(?P<month>\d{2})\.(?P<date>\d{2})_"
    r"(?P<hour>\d{2})\.(?P<minute>\d{2})\.(?P<second>\d{2})\.(?:jpg|jpeg|JPG|JPEG)$"
)
"""Of images of the whole disk that were rendered by Helioviewer, such as `HMI.m2026.02.01_03.00.00.jpg`, in UTC."""


def region_and_time(filenames: "pd.Series[str]") -> pd.DataFrame:
    """Read region and time out of file names.

    Args:
        filenames: such as `1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png`. Four digits before `_hmi`
            are NOAA's number minus 10,000, five the full number. The time is TAI. Or as
            `HMI.m2026.02.01_03.00.00.jpg`, without a region and in UTC.

    Returns:
        `noaa_ar` (Int32, full number) and `time` (UTC); null where the name does not carry them.
    """
    names = pa.array(filenames, type=pa.large_string())
    ar_text = pc.struct_field(pc.extract_regex(names, NAME_PATTERN), "ar")
    number = pd.Series(pc.cast(ar_text, pa.int32()).to_pandas().array, index=filenames.index).astype("Int32")
    short = pd.Series(pc.utf8_length(ar_text).to_pandas().array, index=filenames.index).eq(4)
    number = number.where(~short, number + NOAA_OFFSET)
    stamp = pc.extract_regex(names, TIME_PATTERN)
    day, second = (_numbers(pc.struct_field(stamp, field)) for field in ("day", "second"))
    time = pd.Series(tai_to_utc(pd.DatetimeIndex(calendar_times(day, second))), index=filenames.index)
    if time.isna().any():
        time = time.fillna(_utc_times(names, filenames.index).astype(time.dtype))
    return pd.DataFrame({"noaa_ar": number, "time": time})


def _utc_times(names: pa.Array, index: "pd.Index[Any]") -> "pd.Series[pd.Timestamp]":
    """Read the times in names by `UTC_PATTERN`, null elsewhere."""
    parts = pc.extract_regex(names, UTC_PATTERN)
    year, month, date, hour, minute, second = (
        _numbers(pc.struct_field(parts, name)) for name in ("year", "month", "date", "hour", "minute", "second")
    )
    days, seconds = year * 10_000 + month * 100 + date, hour * 10_000 + minute * 100 + second
    return pd.Series(pd.DatetimeIndex(calendar_times(days, seconds)).tz_localize("UTC"), index=index)


def _numbers(digits: "pa.ChunkedArray | pa.Array") -> np.ndarray:
    """Turn digits into whole numbers, null into -1."""
    return np.asarray(pc.fill_null(pc.cast(digits, pa.int64()), -1).to_numpy(zero_copy_only=False))
