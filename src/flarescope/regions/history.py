"""How did a region flare before a forecast was issued, and how did the rest of the disk?"""

from typing import Final

import numpy as np
import pandas as pd

from flarescope.events import flux_w_m2
from flarescope.regions.pairs import hours_between, pairs_before

WINDOWS_H: Final = (6, 12, 24, 48, 72)
"""Hours before the forecast in which flares are counted."""
DECAYS_H: Final = (6, 12, 24, 72, 168)
"""Times after which a flare counts for 1/e."""
CLASSES: Final = {"c": 1e-6, "m": 1e-5, "x": 1e-4}
"""Least flux of each class that is counted, W/m^2."""
DECAYING: Final = {"rate": 1e-6, "rate_c5": 5e-6, "rate_m": 1e-5}
"""Names of the decaying counts, and the least flux of each."""
MORE: Final = 2
"""So many flares of C1.0 are added where the mean strength of flares is asked for, so that one flare says little."""
LONG_AGO_H: Final = 400.0
"""Stands for "never": longer than a region is on the disk (14 days)."""
NO_FLUX: Final = -7.0
"""Stands for "none" where the log of a flux is asked for: B1.0, below what lists hold whole."""

DISK_DAYS: Final = (1, 3, 27)
"""Days over which the whole disk's flares are counted; 27 are a rotation."""


def region_history(issued: "pd.Series[pd.Timestamp]", noaa_ar: "pd.Series[int]", flares: pd.DataFrame) -> pd.DataFrame:
    """Count each region's own flares before the forecast.

    Args:
        issued: `(N,)` UTC.
        noaa_ar: `(N,)` full region numbers.
        flares: rows of `catalog.noaa_flares.FLARE_DTYPES` with region and peak; C1.0 and above are used.

    Returns:
        `(N, ...)` float64: `flares_<c, m, x>_<hours>h` and `flares_<class>_life`, logs of 1 + number; `rate_<hours>h`,
        `rate_c5_<hours>h` and `rate_m_<hours>h`, logs of 1 + the number that decays in so many hours; `flux_<hours>h`,
        the log of 1 + the decaying sum of fluxes in 1e-6 W/m^2; `largest_<24h, 72h, life>`, log10 of W/m^2, `NO_FLUX`
        without; `strength_<24h, 72h, life>`, the mean of log10 of the fluxes over C1.0, `MORE` flares of C1.0 among
        them; `since_c`, `since_m`, logs of 1 + hours since the last, `LONG_AGO_H` without.
    """
    listed = counted_flares(flares)
    rows, which = pairs_before(issued, noaa_ar.to_numpy(np.int64), listed["time"], listed["noaa_ar"].to_numpy(np.int64))
    hours = hours_between(issued.iloc[rows], listed["time"].iloc[which])
    flux = listed["flux"].to_numpy()[which]
    return _counted(rows, hours, flux, len(issued))


def counted_flares(flares: pd.DataFrame) -> pd.DataFrame:
    """Give the flares of C1.0 and above that have a region and a peak, each once, with `flux` in W/m^2."""
    return _listed(flares.dropna(subset=["noaa_ar", "time"]))


def _listed(flares: pd.DataFrame) -> pd.DataFrame:
    known = flares.drop_duplicates(["noaa_ar", "time", "flare"])
    flux = flux_w_m2(known["flare"])
    return known.assign(flux=flux)[flux >= CLASSES["c"] * (1 - 1e-9)].reset_index(drop=True)


def _total(rows: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    total: np.ndarray = np.log1p(np.bincount(rows, weights=weights, minlength=count))
    return total


def _counted(rows: np.ndarray, hours: np.ndarray, flux: np.ndarray, count: int) -> pd.DataFrame:
    columns: dict[str, np.ndarray] = {}
    of_class = {name: flux >= least * (1 - 1e-9) for name, least in CLASSES.items()}
    for name, counts in of_class.items():
        columns |= {f"flares_{name}_{window}h": _total(rows, counts & (hours < window), count) for window in WINDOWS_H}
        columns[f"flares_{name}_life"] = _total(rows, counts, count)
    for decay in DECAYS_H:
        weight = np.exp(-hours / decay)
        for name, least in DECAYING.items():
            columns[f"{name}_{decay}h"] = _total(rows, weight * (flux >= least * (1 - 1e-9)), count)
        columns[f"flux_{decay}h"] = _total(rows, weight * flux / CLASSES["c"], count)
    spans = {"24h": hours < 24, "72h": hours < 72, "life": np.ones(len(hours), bool)}
    columns |= {f"largest_{name}": _largest(rows[span], flux[span], count) for name, span in spans.items()}
    columns |= {f"strength_{name}": _strength(rows[span], flux[span], count) for name, span in spans.items()}
    for name in ("c", "m"):
        columns[f"since_{name}"] = _since(rows[of_class[name]], hours[of_class[name]], count)
    return pd.DataFrame(columns)


def _largest(rows: np.ndarray, flux: np.ndarray, count: int) -> np.ndarray:
    largest = np.full(count, NO_FLUX)
    np.maximum.at(largest, rows, np.log10(flux))
    return largest


def _strength(rows: np.ndarray, flux: np.ndarray, count: int) -> np.ndarray:
    logs = np.bincount(rows, weights=np.log10(flux / CLASSES["c"]), minlength=count)
    strength: np.ndarray = logs / (np.bincount(rows, minlength=count) + MORE)
    return strength


def _since(rows: np.ndarray, hours: np.ndarray, count: int) -> np.ndarray:
    since: np.ndarray = np.full(count, LONG_AGO_H)
    np.minimum.at(since, rows, hours)
    logs: np.ndarray = np.log1p(since)
    return logs


def disk_activity(issued: "pd.Series[pd.Timestamp]", flares: pd.DataFrame) -> pd.DataFrame:
    """Count the whole disk's flares before the forecast, those without a region among them.

    Args:
        issued: `(N,)` UTC.
        flares: rows of `catalog.noaa_flares.FLARE_DTYPES` with a peak.

    Returns:
        `(N, ...)` float64: `disk_<c, m>_<days>d` and `unnumbered_<days>d`, logs of 1 + number.
    """
    listed = _listed(flares.dropna(subset=["time"]))
    times, back = np.unique(issued.to_numpy("datetime64[us]"), return_inverse=True)
    moments = pd.Series(times).dt.tz_localize("UTC")
    reach = 24 * max(DISK_DAYS)
    keys, none = np.zeros(len(moments), np.int64), np.zeros(len(listed), np.int64)
    rows, which = pairs_before(moments, keys, listed["time"], none, reach_hours=reach)
    hours = hours_between(moments.iloc[rows], listed["time"].iloc[which])
    m_class = listed["flux"].to_numpy()[which] >= CLASSES["m"] * (1 - 1e-9)
    unnumbered = listed["noaa_ar"].isna().to_numpy()[which]
    columns: dict[str, np.ndarray] = {}
    for days in DISK_DAYS:
        for name, counts in (("disk_c", True), ("disk_m", m_class), ("unnumbered", unnumbered)):
            weights = (hours < 24 * days) & counts
            columns[f"{name}_{days}d"] = _total(rows, weights, len(moments))[back]
    return pd.DataFrame(columns)
