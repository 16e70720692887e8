"""How did a region change since yesterday, since it was first seen, and beside its largest?"""

from typing import Final

import numpy as np
import pandas as pd

FOLLOWED: Final = ("area", "spots", "extent_deg", "zurich_rank", "penumbra_rank", "compactness_rank", "gamma", "delta")
"""Columns of `appearance` whose changes are told."""

DAY_H: Final = (12.0, 36.0)
"""A row of the same region so many hours earlier is yesterday's."""

DISK_DAYS: Final = 14.0
"""A region crosses the disk in no longer."""

EAST_LIMB_DEG: Final = -65.0
"""First seen beyond it, a region turned onto the disk; else it emerged there."""


def changes(regions: pd.DataFrame, look: pd.DataFrame) -> pd.DataFrame:
    """Follow each region through its rows; a row is compared with earlier ones alone.

    Args:
        regions: `(N,)` `noaa_ar`, `day` (UTC) and `longitude_deg`, one row a region and day, in any order.
        look: `(N, ...)` the same rows as `appearance` gives them.

    Returns:
        `(N, ...)` float64, for each of `FOLLOWED`: `<name>_since_yesterday` (NaN without a row of yesterday),
        `<name>_since_first`, `<name>_largest` so far and `<name>_below_largest`; `age_days` since it was first seen, at
        most `DISK_DAYS`; `first_longitude_deg`; `emerged`, 1 where it was first seen on the disk.
    """
    order = np.lexsort((regions["day"].to_numpy("datetime64[us]"), regions["noaa_ar"].to_numpy(np.int64)))
    sorted_rows, numbers = regions.iloc[order], regions["noaa_ar"].to_numpy(np.int64)[order]
    by_region = sorted_rows.groupby(numbers, sort=False)
    day = sorted_rows["day"]
    gap = (day - by_region["day"].shift(1)).dt.total_seconds() / 3600
    yesterday = gap.between(*DAY_H).to_numpy()
    columns: dict[str, np.ndarray] = {}
    for name in FOLLOWED:
        value = look[name].iloc[order].reset_index(drop=True)
        grouped = value.groupby(numbers, sort=False)
        largest = grouped.cummax()
        columns[f"{name}_since_yesterday"] = (value - grouped.shift(1)).where(yesterday).to_numpy()
        columns[f"{name}_since_first"] = (value - grouped.transform("first")).to_numpy()
        columns[f"{name}_largest"] = largest.to_numpy()
        columns[f"{name}_below_largest"] = (largest - value).to_numpy()
    first_day = by_region["day"].transform("first")
    columns["age_days"] = np.minimum((day - first_day).dt.total_seconds().to_numpy() / 86_400, DISK_DAYS)
    first_longitude = by_region["longitude_deg"].transform("first").astype("Float64").to_numpy(float, na_value=np.nan)
    columns["first_longitude_deg"] = first_longitude
    columns["emerged"] = np.where(np.isnan(first_longitude), np.nan, first_longitude > EAST_LIMB_DEG)
    back = np.argsort(order)
    return pd.DataFrame({name: column[back] for name, column in columns.items()}, index=regions.index)
