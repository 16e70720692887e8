"""Where is each region of a Solar Region Summary when an image is taken?

A summary gives positions at 24:00 UTC in whole degrees. From there the Sun turns a region westward by its latitude:
Howard, Harvey & Forgach 1990 (Solar Physics 130, 295), whose law for magnetic features, 2.894 - 0.428 sin^2(latitude)
- 0.370 sin^4(latitude) microradians a second against the stars, is the one that sunpy takes by default.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from flarescope.disk.sun import sunpy_at_work
from flarescope.disk.view import View
from flarescope.errors import InputError

STATES: Final = ("visible", "not yet visible", "no longer visible", "no position")
"""What becomes of a region: on the disk as the observer sees it; behind the east limb; behind the west limb; without a
position in the summary."""

MOST_HOURS: Final = 24.0
"""Between the positions of a summary and an image. In a day a region turns by 13 degrees, and new ones come."""

GRACE_S: Final = 60.0
"""By which a summary's positions may be later than an image and count as before it: 00:00 TAI is 23:59:23 UTC."""


def nearest_day(days: Sequence[pd.Timestamp], time: dt.datetime) -> pd.Timestamp:
    """Choose the summary whose positions an image's regions are turned from.

    It is the last one before the image, so that nothing is used that was not known then; where that is more than a day
    old or not there, the first one after it, within a day.

    Args:
        days: of issue, at whose first moment (UTC) the positions hold.
        time: of the image, UTC.

    Raises:
        InputError: none within `MOST_HOURS`.
    """
    ahead = [(time - day.to_pydatetime()).total_seconds() for day in days]
    before = [(s, day) for s, day in zip(ahead, days, strict=True) if -GRACE_S <= s <= MOST_HOURS * 3600]
    after = [(-s, day) for s, day in zip(ahead, days, strict=True) if GRACE_S < -s <= MOST_HOURS * 3600]
    if before or after:
        return min(before or after)[1]
    closest = min(zip(map(abs, ahead), days, strict=True), default=None)
    said = "has no day" if closest is None else f"holds for {closest[1]:%Y-%m-%d %H:%M} UTC"
    raise InputError(
        f"an image of {time:%Y-%m-%d %H:%M} UTC, and the nearest summary {said}; expected one of at most "
        f"{MOST_HOURS:g} hours before or after"
    )


def turned_longitude(
    longitude_deg: np.ndarray, latitude_deg: np.ndarray, start: dt.datetime, end: dt.datetime
) -> np.ndarray:
    """Turn places on the Sun by differential rotation.

    Args:
        longitude_deg: `(N,)` degrees west of the central meridian as seen from Earth at `start`.
        latitude_deg: `(N,)` degrees north.
        start: UTC.
        end: UTC; before `start` the Sun is turned back.

    Returns:
        `(N,)` degrees west of the central meridian at `end`, -180..180.
    """
    with sunpy_at_work():
        import astropy.units as u
        from sunpy.coordinates import HeliographicStonyhurst, propagate_with_solar_surface

        there = HeliographicStonyhurst(longitude_deg * u.deg, latitude_deg * u.deg, obstime=start)
        # The Sun itself moves, a thousand km a day; without this sunpy leaves the place where the Sun was.
        with propagate_with_solar_surface(rotation_model="howard"):
            seen = there.transform_to(HeliographicStonyhurst(obstime=end))
        return np.asarray(seen.lon.wrap_at(180 * u.deg).to_value("deg"))


def place_regions(regions: pd.DataFrame, view: View) -> pd.DataFrame:
    """Say where the regions of one summary are when an image is taken.

    Args:
        regions: rows of one day with the columns of `catalog.noaa_regions.REGION_DTYPES`.
        view: of the image.

    Returns:
        One row a region in their order, with the columns of `regions` and `state` (of `STATES`); `lon_deg` (west of the
        central meridian as seen from Earth) and `lat_deg` at the image's time; `x_arcsec`, `y_arcsec` west and north of
        the disk's centre; `column`, `row` in pixels of the array, the first pixel's centre at 0. They are NaN where the
        region has no position, and `column` and `row` also where it is not visible.
    """
    named = regions[regions["noaa_ar"].notna()].reset_index(drop=True)
    start = named["day"].iloc[0].to_pydatetime() if len(named) else view.time
    latitude = named["latitude_deg"].to_numpy(np.float64, na_value=np.nan)
    longitude = _longitudes(named, start)
    known = np.isfinite(latitude) & np.isfinite(longitude)
    place = pd.DataFrame(np.nan, named.index, ["lon_deg", "lat_deg", "x_arcsec", "y_arcsec", "column", "row"])
    state = np.full(len(named), "no position", dtype=object)
    if known.any():
        west = turned_longitude(longitude[known], latitude[known], start, view.time)
        x, y, visible = on_sky(west, latitude[known], view)
        column, row = view.wcs.all_world2pix(x / 3600, y / 3600, 0)
        hidden = np.where(visible, 1.0, np.nan)
        place.loc[known] = np.column_stack([west, latitude[known], x, y, column * hidden, row * hidden])
        state[known] = np.where(visible, "visible", np.where(west < 0, "not yet visible", "no longer visible"))
    return named.assign(state=pd.Series(state, named.index, dtype="str"), **place)


def _longitudes(regions: pd.DataFrame, start: dt.datetime) -> np.ndarray:
    """Give degrees west of the central meridian; of regions due to return they follow from Carrington's longitude."""
    west = regions["longitude_deg"].to_numpy(np.float64, na_value=np.nan)
    fixed = regions["carrington_deg"].to_numpy(np.float64, na_value=np.nan)
    with sunpy_at_work():
        from sunpy.coordinates.sun import L0

        middle = float(L0(start).to_value("deg"))
    return np.where(np.isfinite(west), west, (fixed - middle + 180) % 360 - 180)


def on_sky(
    longitude_deg: np.ndarray, latitude_deg: np.ndarray, view: View
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give where places on the Sun are seen.

    Args:
        longitude_deg: `(N,)` west of the central meridian as seen from Earth, at the time of the view.
        latitude_deg: `(N,)` north.
        view: of the image.

    Returns:
        `(N,)` arcsec west and north of the disk's centre, and whether the observer sees them, bool.
    """
    with sunpy_at_work():
        import astropy.units as u
        from sunpy.coordinates import HeliographicStonyhurst, Helioprojective

        observer = HeliographicStonyhurst(
            view.longitude_deg * u.deg, view.latitude_deg * u.deg, view.distance_m * u.m, obstime=view.time
        )
        radius = view.radius_m * u.m
        there = HeliographicStonyhurst(longitude_deg * u.deg, latitude_deg * u.deg, radius, obstime=view.time)
        seen = there.transform_to(Helioprojective(observer=observer, obstime=view.time, rsun=radius))
        # sunpy's is_visible leaves room for rounding at the limb; a place on the limb is seen either way.
        visible = np.asarray(seen.distance.to_value("m") <= np.sqrt(view.distance_m**2 - view.radius_m**2))
        return np.asarray(seen.Tx.to_value("arcsec")), np.asarray(seen.Ty.to_value("arcsec")), visible
