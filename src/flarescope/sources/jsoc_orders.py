"""What exactly is JSOC asked for, to get 600x600 cut-outs that follow a NOAA region?"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from flarescope.errors import FlarescopeError, InputError
from flarescope.region_numbers import NOAA_OFFSET
from flarescope.times import utc_to_tai

SERIES: Final = {"definitive": "hmi.M_720s", "near-real-time": "hmi.M_720s_nrt"}
"""Line-of-sight magnetograms every 720 s; the definitive ones, those of the published set, appear some days later."""

SIDE_PIXELS: Final = 600
CADENCE_MINUTES: Final = 12


@dataclass(frozen=True)
class Order:
    """One export.

    Attributes:
        noaa_ar: full number of the region.
        record_set: what JSOC is asked for, such as `hmi.M_720s[...@12m]{magnetogram}`.
        patch: the arguments of `im_patch`.
    """

    noaa_ar: int
    record_set: str
    patch: dict[str, str | int | float] = field(hash=False)

    @property
    def key(self) -> str:
        """What tells this order from others: the region and the record set."""
        return f"{self.noaa_ar} {self.record_set}"

    @property
    def file_format(self) -> str:
        """How JSOC shall name the files, as those of the published set; drms itself would write `hmi.m_720s`."""
        return f"{self.record_set.partition('[')[0]}.{{T_REC:A}}.{{CAMERA}}.{{segment}}"

    def file_name(self, name: str) -> str:
        """Give the published name of a file: `1121/1121_<JSOC's name>`.

        Raises:
            FlarescopeError: a name that JSOC does not give and that would leave the folder.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.fits", name):
            raise FlarescopeError(f"JSOC offers a file named {name!r}; expected a FITS file")
        short = f"{self.noaa_ar % NOAA_OFFSET:04d}"
        return f"{short}/{short}_{name}"


@dataclass(frozen=True)
class Position:
    """Where a region's centre is at a time, as a Solar Region Summary says.

    Attributes:
        noaa_ar: full number.
        time: UTC.
        latitude_deg: north positive.
        longitude_deg: from the central meridian (Stonyhurst), west positive.
    """

    noaa_ar: int
    time: dt.datetime
    latitude_deg: float
    longitude_deg: float


def make_order(
    position: Position,
    start: dt.datetime,
    stop: dt.datetime,
    *,
    series: str = "definitive",
    cadence_minutes: int = CADENCE_MINUTES,
) -> Order:
    """Describe an export of 600x600 cut-outs that follow a region as the Sun turns.

    Args:
        position: the region's centre at some time near the period; the patch is carried on from there.
        start: of the period, UTC; JSOC takes the record nearest to it.
        stop: of the period, included.
        series: a name of `SERIES`.
        cadence_minutes: a multiple of 12.

    Raises:
        InputError: another series, a cadence that JSOC has no records for, a period that ends before it begins, a
            centre that is not on the disk.
    """
    if series not in SERIES:
        raise InputError(f"series {series!r} is not known; expected {' or '.join(SERIES)}")
    if cadence_minutes < CADENCE_MINUTES or cadence_minutes % CADENCE_MINUTES:
        raise InputError(f"cadence of {cadence_minutes} min; expected a multiple of {CADENCE_MINUTES}")
    if stop < start:
        raise InputError(f"the period ends at {stop}, before it begins at {start}")
    if abs(position.latitude_deg) > 90 or abs(position.longitude_deg) > 90:
        raise InputError(
            f"region {position.noaa_ar} is at {position.longitude_deg} degrees of longitude, not on the disk"
        )
    first, last = (f"{moment:%Y.%m.%d_%H:%M:%S}_TAI" for moment in utc_to_tai(_utc(start, stop)))
    patch: dict[str, str | int | float] = {
        "t_ref": f"{_utc(position.time)[0]:%Y-%m-%dT%H:%M:%SZ}",
        "t": 0,  # 1 would switch the tracking off
        "r": 0,  # no shifting by parts of a pixel: the field stays as it was measured
        "c": 0,  # pixels off the limb are not set to NaN
        "locunits": "stony",
        "boxunits": "pixels",
        "x": position.longitude_deg,
        "y": position.latitude_deg,
        "width": SIDE_PIXELS,
        "height": SIDE_PIXELS,
    }
    return Order(position.noaa_ar, f"{SERIES[series]}[{first}-{last}@{cadence_minutes}m]{{magnetogram}}", patch)


def daily_orders(
    positions: Iterable[Position], *, series: str = "definitive", cadence_minutes: int = CADENCE_MINUTES
) -> list[Order]:
    """Describe one export a position: the 24 hours that begin at its time.

    A Solar Region Summary gives positions at 24:00, so each day's cut-outs are centred anew where NOAA saw the region.

    Args:
        positions: such as those of a region's summaries, one a day.
        series: a name of `SERIES`.
        cadence_minutes: a multiple of 12.
    """
    day = dt.timedelta(days=1, minutes=-cadence_minutes)
    return [
        make_order(one, one.time, one.time + day, series=series, cadence_minutes=cadence_minutes) for one in positions
    ]


def _utc(*moments: dt.datetime) -> pd.DatetimeIndex:
    """Take times without a zone as UTC."""
    stamps = [pd.Timestamp(moment) for moment in moments]
    return pd.DatetimeIndex([one.tz_localize("UTC") if one.tzinfo is None else one.tz_convert("UTC") for one in stamps])
