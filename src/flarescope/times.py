"""Which UTC instant does a TAI time stamp name, and which one does somebody mean who typed it?

HMI stamps its images in TAI, flares are reported in UTC; the two differ by 34 s (2010) to 37 s (since 2017).
"""

import datetime as dt
import functools
import re

import erfa
import numpy as np
import pandas as pd

_T_REC = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})_(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?_TAI")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(\D|$)|\d{8}(\D|$)")


@functools.cache
def _leap_seconds() -> tuple[np.ndarray, np.ndarray]:
    """Give the TAI instants from which an offset holds, and the offsets in seconds."""
    table = erfa.leap_seconds.get()
    table = table[table["year"] >= 1972]
    offsets = table["tai_utc"].astype(np.int64)
    starts = [dt.datetime(int(row["year"]), int(row["month"]), 1) for row in table]
    return np.array(starts, dtype="datetime64[us]") + offsets.astype("timedelta64[s]"), offsets


def tai_minus_utc(tai: pd.DatetimeIndex) -> np.ndarray:
    """Give TAI - UTC for each TAI time.

    Args:
        tai: times on the TAI scale, without a time zone, 1972 or later.

    Returns:
        `(N,)` int64, whole seconds, from the leap-second table of ERFA (IERS Bulletin C).
    """
    starts_tai, offsets = _leap_seconds()
    position = np.searchsorted(starts_tai, tai.to_numpy(dtype="datetime64[us]"), side="right") - 1
    return np.asarray(offsets[np.maximum(position, 0)])  # NaT sorts last, and any offset leaves it NaT


def tai_to_utc(tai: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Turn TAI times into UTC ones.

    Args:
        tai: times on the TAI scale, without a time zone; NaT stays NaT.

    Returns:
        The same instants as `datetime64[us, UTC]`.
    """
    values = tai.to_numpy(dtype="datetime64[us]")
    return pd.DatetimeIndex(values - tai_minus_utc(tai).astype("timedelta64[s]")).tz_localize("UTC")


def utc_to_tai(utc: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Turn UTC times into TAI ones without a time zone (the inverse of `tai_to_utc`)."""
    naive = pd.DatetimeIndex(utc.tz_convert("UTC").tz_localize(None))
    guess = naive + pd.to_timedelta(tai_minus_utc(naive), unit="s")
    return pd.DatetimeIndex(naive + pd.to_timedelta(tai_minus_utc(pd.DatetimeIndex(guess)), unit="s"))


def calendar_times(day: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Turn 20101110 and 53600 into the time 2010-11-10 05:36:00, by arithmetic: a million take `pandas` two seconds.

    Args:
        day: `(N,)` int64, YYYYMMDD.
        second: `(N,)` int64, HHMMSS.

    Returns:
        `(N,)` datetime64[us]; NaT where there is no such day or time.
    """
    month = ((day // 10_000 - 1970) * 12 + day // 100 % 100 - 1).astype("datetime64[M]")
    date = month.astype("datetime64[D]") + (day % 100 - 1).astype("timedelta64[D]")
    hours, minutes, seconds = second // 10_000, second // 100 % 100, second % 100
    known = (day >= 10_000) & (day // 100 % 100 >= 1) & (day // 100 % 100 <= 12) & (day % 100 >= 1)
    known &= (date.astype("datetime64[M]") == month) & (second >= 0) & (hours < 24) & (minutes < 60) & (seconds < 60)
    elapsed = (hours * 3600 + minutes * 60 + seconds).astype("timedelta64[s]")
    return np.where(known, date.astype("datetime64[us]") + elapsed, np.datetime64("NaT", "us"))


def parse_t_rec(text: str) -> dt.datetime | None:
    """Read the T_REC of an HMI header, such as `2011.02.14_20:35:15_TAI`, as a UTC time; None for any other form."""
    match = _T_REC.fullmatch(text.strip())
    if match is None:
        return None
    *whole, fraction = match.groups()
    year, month, day, hour, minute, second = (int(part) for part in whole)
    try:
        tai = dt.datetime(year, month, day, hour, minute, second, int(((fraction or "") + "000000")[:6]))
        starts_tai, offsets = _leap_seconds()
        position = int(np.searchsorted(starts_tai, np.datetime64(tai), side="right")) - 1
        return (tai - dt.timedelta(seconds=int(offsets[max(position, 0)]))).replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):  # such as month 13, or the first second of the year 1
        return None


def moment_of(time: pd.Timestamp | str) -> pd.Timestamp:
    """Read a moment that somebody typed, in UTC; without a zone it is UTC.

    Its day is written as in ISO 8601: 03.04.2012 could be two days, 2012 is none, and `now` has a zone of its own.

    Raises:
        ValueError: anything else, or no time at all.
    """
    if not isinstance(time, pd.Timestamp) and not _ISO_DAY.match(str(time).strip()):
        raise ValueError(f"{str(time)[:40]!r} does not begin with a day such as 2012-04-03")
    moment = pd.Timestamp(time)
    if pd.isna(moment):
        raise ValueError("no time")
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
