"""What are the scores if one forecast a day is issued, as centres do it, and does the hour matter?"""

from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.cases import BOUNDS

HOURS: Final = (0, 6, 12, 18)
"""Hours of UTC at which the days begin."""
_DAY: Final = pd.Timedelta(days=1)


def first_of_days(rows: pd.DataFrame, hour: int) -> np.ndarray:
    """Choose the first row of each day and series, days counted from an hour of UTC.

    Args:
        rows: N rows with `time` and maybe `noaa_ar`; all rows without a region are one series.
        hour: at which a day begins, 0 .. 23.

    Returns:
        Rising positions of the rows; those without a time are left out.
    """
    day = ((rows["time"] - pd.Timedelta(hours=hour)).dt.floor("D")).reset_index(drop=True)
    table = pd.DataFrame(
        {"series": rows["noaa_ar"].fillna(0).to_numpy(np.int64), "day": day, "time": rows["time"].array}
    )
    known = table.dropna(subset=["time"]).sort_values("time", kind="stable")
    return np.sort(known.drop_duplicates(["series", "day"]).index.to_numpy())


def once_a_day(
    rows: pd.DataFrame, labels: np.ndarray, probability: np.ndarray, threshold: float, by: ByCluster
) -> list[dict[str, Any]]:
    """Score the first forecast of each day.

    Args:
        rows: N rows with `time` and `noaa_ar`.
        labels: `(N,)` bool.
        probability: `(N,)` in 0..1.
        threshold: yes is forecast from it on.
        by: what is drawn whole.

    Returns:
        A row for each of `HOURS`: `hour`, `n`, `events`, the four yes/no scores and `bss_sample` with their intervals;
        empty where there are hardly more rows than days, or no times.
    """
    found = []
    for hour in HOURS:
        chosen = first_of_days(rows, hour)
        if not len(chosen) or len(chosen) > 0.7 * len(rows) or labels[chosen].all() or not labels[chosen].any():
            return []
        part, event, p = by.part(labels, chosen), labels[chosen], probability[chosen]
        scores = part.decision(event, p >= threshold) | part.rows(_Skill(event, p, part), BOUNDS)
        found.append({"hour": hour, "n": len(chosen), "events": int(event.sum())} | scores)
    return found


class _Skill:
    """Brier's skill against the sample's own rate, as a function of the weights of the clusters."""

    def __init__(self, labels: np.ndarray, probability: np.ndarray, by: ByCluster) -> None:
        columns = (None, labels, (probability - labels) ** 2)
        self._sums = np.stack([np.bincount(by.codes, one, minlength=by.count) for one in columns], axis=1)

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        n, events, squares = (weights @ self._sums).T
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = events / n
            return {"bss_sample": 1 - squares / n / np.where((rate > 0) & (rate < 1), rate * (1 - rate), np.nan)}
