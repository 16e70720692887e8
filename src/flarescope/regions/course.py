"""How do a region's flares go on: do they become more, how strong are they beside each other, how long do they last?"""

from typing import Final

import numpy as np
import pandas as pd

from flarescope.regions.history import CLASSES, counted_flares
from flarescope.regions.pairs import hours_between, pairs_before

DURATIONS_H: Final = (12, 24, 72)
"""Times after which a flare counts for 1/e in the mean duration."""
USUAL_MINUTES: Final = {"c": 13.0, "m": 20.0, "x": 26.0}
"""From begin to end: the medians of each class in SWPC's lists of 1996 to 2015. They stand for what a list lacks."""
LONGEST_MINUTES: Final = 400.0
"""No flare counts as longer; few of those lists' 22,649 are."""


def flare_course(
    issued: "pd.Series[pd.Timestamp]", noaa_ar: "pd.Series[int]", flares: pd.DataFrame, history: pd.DataFrame
) -> pd.DataFrame:
    """Tell the course of each region's own flares before the forecast.

    Args:
        issued: `(N,)` UTC.
        noaa_ar: `(N,)` full region numbers.
        flares: as for `history.region_history`; `begin` and `end` may be unknown or not there.
        history: `(N, ...)` the same rows, by `history.region_history`.

    Returns:
        `(N, ...)` float64: `rate_trend`, the log of the decaying rate over 12 hours beside that over 72; `share_c5` and
        `share_m`, logs of the flares of C5.0 beside those of C1.0 (decaying in 72 hours) and of M1.0 beside those of
        C5.0 (in 168); `duration_<hours>h`, the mean of minutes from begin to end, or to the moment of issue, by flares
        that decay in so many hours, one of no minutes among them.
    """
    listed = counted_flares(flares)
    rows, which = pairs_before(issued, noaa_ar.to_numpy(np.int64), listed["time"], listed["noaa_ar"].to_numpy(np.int64))
    hours = hours_between(issued.iloc[rows], listed["time"].iloc[which])
    minutes = _minutes(listed.iloc[which].reset_index(drop=True), issued.iloc[rows].reset_index(drop=True))
    columns = _trends(history)
    for decay in DURATIONS_H:
        weight = np.exp(-hours / decay)
        total, number = (np.bincount(rows, weights=one, minlength=len(issued)) for one in (weight * minutes, weight))
        columns[f"duration_{decay}h"] = total / (number + 1)
    return pd.DataFrame(columns)


def _trends(history: pd.DataFrame) -> dict[str, np.ndarray]:
    def number(name: str, decay: int) -> np.ndarray:
        return np.asarray(np.expm1(history[f"{name}_{decay}h"].to_numpy()))

    # What is added stands for a region without flares: one of C1.0 in two days, of three one of C5.0, of five one of M.
    return {
        "rate_trend": np.log((number("rate", 12) / 12 + 0.02) / (number("rate", 72) / 72 + 0.02)),
        "share_c5": np.log((number("rate_c5", 72) + 0.5) / (number("rate", 72) + 1.5)),
        "share_m": np.log((number("rate_m", 168) + 0.1) / (number("rate_c5", 168) + 0.5)),
    }


def _minutes(flares: pd.DataFrame, issued: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Give how long each flare lasted, as far as was known when the forecast beside it was issued, `(P,)`."""
    flux = flares["flux"].to_numpy()
    usual = np.full(len(flares), USUAL_MINUTES["c"])
    for name, minutes in USUAL_MINUTES.items():
        usual[flux >= CLASSES[name] * (1 - 1e-9)] = minutes
    if not {"begin", "end"} <= set(flares):
        return usual
    begin, end = (pd.to_datetime(flares[name], utc=True) for name in ("begin", "end"))
    known = end.fillna(begin + pd.to_timedelta(usual, unit="min"))
    lasted = (known.where(known < issued, issued) - begin).dt.total_seconds() / 60
    return np.asarray(lasted.clip(1, LONGEST_MINUTES).fillna(pd.Series(usual)), float)
