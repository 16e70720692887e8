"""Which flares did a region, or the disk, have in the window after a forecast?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from flarescope.events import flux_w_m2
from flarescope.regions.grid import SHAPE, THRESHOLDS_W_M2, WINDOWS_H
from flarescope.regions.pairs import pairs_between

_SAME = 1 - 1e-9  # a C1.0 read as 1.0 * 1e-6 must not fall below its own threshold


def flare_counts(
    issued: "pd.Series[pd.Timestamp]",
    keys: np.ndarray,
    flares: pd.DataFrame,
    flare_keys: np.ndarray,
    *,
    thresholds_w_m2: Sequence[float] = THRESHOLDS_W_M2,
    windows_hours: Sequence[tuple[float, float]] = WINDOWS_H,
) -> np.ndarray:
    """Count the flares that peak within each window after `issued`, its beginning not included and its end included.

    Args:
        issued: `(N,)` UTC.
        keys: `(N,)` whole numbers, such as the region; the same for all to count the whole disk's.
        flares: `(F,)` rows of `catalog.noaa_flares.FLARE_DTYPES` with a peak; one flare, one row.
        flare_keys: `(F,)` as `keys`.
        thresholds_w_m2: T least peak fluxes that count.
        windows_hours: W windows, each its latency from the issue time and its length.

    Returns:
        `(N, T, W)` int64.
    """
    flux = flux_w_m2(flares["flare"]).to_numpy(float)
    counts = np.zeros((len(issued), len(thresholds_w_m2), len(windows_hours)), np.int64)
    for place, (latency, length) in enumerate(windows_hours):
        rows, which = pairs_between(
            issued, keys, flares["time"], flare_keys, first_hours=latency, last_hours=latency + length
        )
        for number, least in enumerate(thresholds_w_m2):
            strong = flux[which] >= least * _SAME
            counts[:, number, place] = np.bincount(rows[strong], minlength=len(issued))
    return counts


def region_counts(
    regions: pd.DataFrame, flares: pd.DataFrame, *, windows_hours: Sequence[tuple[float, float]] = WINDOWS_H
) -> np.ndarray:
    """Count each region's own flares for the events of the grid, `(N, T, W)`; see `flare_counts`.

    Args:
        regions: `(N,)` `noaa_ar` and `issued` (UTC).
        flares: `FLARE_DTYPES`; those without region or peak are nobody's.
        windows_hours: others than the grid's.
    """
    own = flares.dropna(subset=["noaa_ar", "time"]).drop_duplicates(["noaa_ar", "time", "flare"])
    return flare_counts(regions["issued"], _numbers(regions), own, _numbers(own), windows_hours=windows_hours)


def disk_counts(
    issued: "pd.Series[pd.Timestamp]",
    flares: pd.DataFrame,
    *,
    windows_hours: Sequence[tuple[float, float]] = WINDOWS_H,
) -> np.ndarray:
    """Count all flares of the disk for the events of the grid, `(D, T, W)`; see `flare_counts`."""
    all_of_them = flares.dropna(subset=["time"]).drop_duplicates(["noaa_ar", "time", "flare"])
    one_key = [np.zeros(len(rows), np.int64) for rows in (issued, all_of_them)]
    return flare_counts(issued, one_key[0], all_of_them, one_key[1], windows_hours=windows_hours)


def unnumbered_counts(issued: "pd.Series[pd.Timestamp]", regions: pd.DataFrame, flares: pd.DataFrame) -> np.ndarray:
    """Count the flares of no region of the day's rows for the events of the grid, `(D, T, W)`.

    They are those without a region's number and those of regions that are numbered later, or no longer.

    Args:
        issued: `(D,)` UTC, each once.
        regions: `noaa_ar` and `issued` of the regions forecast.
        flares: `FLARE_DTYPES`.
    """
    codes = pd.Index(issued).get_indexer(pd.Index(regions["issued"]))
    numbered = np.zeros((len(issued), *SHAPE), np.int64)
    np.add.at(numbered, codes, region_counts(regions, flares))
    return np.maximum(disk_counts(issued, flares) - numbered, 0)


def _numbers(rows: pd.DataFrame) -> np.ndarray:
    numbers: np.ndarray = rows["noaa_ar"].to_numpy(np.int64)
    return numbers
