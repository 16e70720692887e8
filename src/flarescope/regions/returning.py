"""Did a region, or the one that it came out of, flare a rotation ago?"""

from typing import Final

import numpy as np
import pandas as pd

AWAY_DAYS: Final = (8.0, 26.0)
"""From when an old region was last seen to when the new one was first: behind the limb for some 13.5 days, with a few
days in which spots near the limb are not numbered."""
APART_DEG: Final = (12.0, 7.0)
"""Largest distance in Carrington longitude and in latitude."""

COLUMNS: Final = ("returned", "returned_flares_c", "returned_flares_m", "returned_area")


def returning(
    regions: pd.DataFrame, look: pd.DataFrame, history: pd.DataFrame, flares_of_life: tuple[str, str]
) -> pd.DataFrame:
    """Look for an old region at the place of each one, and tell what that came to in its life.

    The old region was out of sight before the new one was seen, so that all of its life is before any forecast of the
    new one; its last row tells that life.

    Args:
        regions: `(N,)` `noaa_ar`, `day` (UTC), `carrington_deg` and `latitude_deg`, one row a region and day.
        look: `(N, ...)` the same rows, by `appearance`.
        history: `(N, ...)` the same rows, by `history.region_history`.
        flares_of_life: names of the columns of `history` with the flares of a region's life, of C1.0 and of M1.0.

    Returns:
        `(N, 4)` `COLUMNS`: 1 where there is one, and of the nearest in longitude its `flares_of_life` and largest area;
        0 without one.
    """
    frame = pd.DataFrame(
        {
            "noaa_ar": regions["noaa_ar"].to_numpy(np.int64),
            "day": regions["day"].to_numpy("datetime64[us]"),
            "carrington": regions["carrington_deg"].astype("Float64").to_numpy(float, na_value=np.nan),
            "latitude": regions["latitude_deg"].astype("Float64").to_numpy(float, na_value=np.nan),
            "area": look["area"].to_numpy(),
            "c": history[flares_of_life[0]].to_numpy(),
            "m": history[flares_of_life[1]].to_numpy(),
        }
    )
    order = np.lexsort((frame["day"], frame["noaa_ar"]))
    life = _lives(frame.iloc[order])
    lives = (
        frame.iloc[order]
        .groupby(life)
        .agg(
            first_day=("day", "first"),
            last_day=("day", "last"),
            first_carrington=("carrington", "first"),
            last_carrington=("carrington", "last"),
            first_latitude=("latitude", "first"),
            last_latitude=("latitude", "last"),
            area=("area", "max"),
            c=("c", "last"),
            m=("m", "last"),
        )
    )
    found = np.empty((len(frame), len(COLUMNS)))
    found[order] = _matched(lives)[life]
    return pd.DataFrame(found, columns=COLUMNS, index=regions.index)


def _lives(rows: pd.DataFrame) -> np.ndarray:
    """Number the lives of regions, `(N,)` from 0, of rows in the order of region and day.

    A number that is seen again after being out of sight is another life: what comes later must not change when an old
    region went.
    """
    number, day = rows["noaa_ar"].to_numpy(), rows["day"].to_numpy()
    away = np.diff(day) > np.timedelta64(round(AWAY_DAYS[0] * 24), "h")
    return np.asarray(np.concatenate([[0], np.cumsum((number[1:] != number[:-1]) | away)])[: len(rows)], np.intp)


def _matched(lives: pd.DataFrame) -> np.ndarray:
    first, last = lives["first_day"].to_numpy(), lives["last_day"].to_numpy()
    came, went = lives["first_carrington"].to_numpy(), lives["last_carrington"].to_numpy()
    north, norths = lives["first_latitude"].to_numpy(), lives["last_latitude"].to_numpy()
    told = np.nan_to_num(np.stack([np.ones(len(lives)), lives["c"], lives["m"], lives["area"]], axis=1))
    found = np.zeros((len(lives), len(COLUMNS)))
    for row in range(len(lives)):
        days = (first[row] - last) / np.timedelta64(1, "D")
        apart = np.abs((went - came[row] + 180) % 360 - 180)
        near = (days > AWAY_DAYS[0]) & (days < AWAY_DAYS[1]) & (apart < APART_DEG[0])
        old = np.flatnonzero(near & (np.abs(norths - north[row]) < APART_DEG[1]))
        if len(old):
            found[row] = told[old[np.argmin(apart[old])]]
    return found
