"""Was each flare forecast, how long before its peak, and how many alarms came to nothing?

Scores count rows: a region that flares for a day has a hundred rows of one flare. Here each flare counts once, and so
does each spell of "yes": what somebody on duty remembers. A flare is hit if some row that reaches it said yes; the
warning is the time from the first such row to the peak. An alarm is an unbroken run of "yes" of one series (a gap
longer than the event's window breaks it); it is false if no row of it was followed by an event.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.events import EventDefinition
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.jackknife import MINIMUM_REGIONS
from flarescope.scores.previous import Flares
from flarescope.scores.questions.pairs import Series, rows_of_flares, series_of
from flarescope.scores.rates import rate

QUARTILES: Final = (0.25, 0.5, 0.75)


def flare_by_flare(
    rows: pd.DataFrame, labels: np.ndarray, yes: np.ndarray, flares: Flares, event: EventDefinition, by: ByCluster
) -> dict[str, Any] | None:
    """Verify forecasts flare by flare and alarm by alarm.

    Args:
        rows: N rows with `noaa_ar` and `time`.
        labels: `(N,)` bool.
        yes: `(N,)` bool.
        flares: a flare list with those that count.
        event: what label 1 means.
        by: what is drawn whole.

    Returns:
        `flares` (that some row reaches), `hit_rate` (of these, a row with its interval), `hit_rate_last` (by the last
        row before alone), `warning_hours` (quartiles of the hits), `classes` (class -> `flares`, `hits`), `alarms`,
        `false_alarms`, `days` (days of UTC with rows, of each series), `false_per_day` and `false_share` (rows with
        intervals). None where no row reaches a flare of the list.
    """
    found = series_of(rows, flares, event)
    begin, end = rows_of_flares(found)
    reached = end > begin
    if not reached.any():
        return None
    begin, end, peak, flare = begin[reached], end[reached], found.peak_us[reached], found.flare[reached]
    said = yes[found.row]
    first = np.array([_first(said, low, high) for low, high in zip(begin, end, strict=True)])
    hit = first >= 0
    hours = (peak[hit] - found.start_us[first[hit]]) / 3.6e9 + event.latency_hours
    cluster = by.codes[found.row[begin]]
    letters = pd.Series(flare, dtype="str").str.strip().str[:1].str.upper()
    classes = {
        name: {"flares": int((letters == name).sum()), "hits": int(hit[(letters == name).to_numpy()].sum())}
        for name in sorted(letters.unique(), key="ABCMX".find)
    }
    return {
        "flares": len(hit),
        "hit_rate": _share(hit, cluster, by),
        "hit_rate_last": _share(said[end - 1], cluster, by),
        "warning_hours": [float(value) for value in np.quantile(hours, QUARTILES)] if hit.any() else None,
        "classes": classes,
    } | _alarms(found, said, labels, by)


def _first(said: np.ndarray, begin: int, end: int) -> int:
    where = np.flatnonzero(said[begin:end])
    return int(begin + where[0]) if len(where) else -1


def _share(counted: np.ndarray, cluster: np.ndarray, by: ByCluster) -> dict[str, float]:
    """Give a share of things, each of a cluster, with Wilson's interval by clusters."""
    value = {"value": float(counted.mean())}
    codes, names = pd.factorize(cluster)
    if by.method is None or len(names) < MINIMUM_REGIONS:
        return value
    one = rate(np.bincount(codes, counted), np.bincount(codes), by.sampling.level).interval
    return value | {"low": one.low, "high": one.high, "undefined": one.undefined}


def _alarms(found: Series, said: np.ndarray, labels: np.ndarray, by: ByCluster) -> dict[str, Any]:
    """Count the runs of yes, and those that no event followed, over the days with rows of each series."""
    series, start = found.series, found.start_us
    fresh = np.ones(len(said), bool)
    fresh[1:] = (series[1:] != series[:-1]) | (start[1:] - start[:-1] > found.window_us) | ~said[:-1]
    number = np.cumsum(fresh & said)[said] - 1
    cluster = by.codes[found.row]
    alarms = int(number[-1]) + 1 if len(number) else 0
    came = np.bincount(number, labels[found.row][said], minlength=alarms) > 0
    of_alarm = cluster[fresh & said]
    day = pd.DataFrame({"series": series, "day": start // 86_400_000_000, "cluster": cluster})
    days = day.drop_duplicates(["series", "day"])["cluster"].to_numpy()
    false, every = np.bincount(of_alarm, ~came, minlength=by.count), np.bincount(of_alarm, minlength=by.count)
    length = np.bincount(days, minlength=by.count)

    def per_day(weights: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"false_per_day": (weights @ false) / (weights @ length)}

    rows = by.rows(per_day, {"false_per_day": (0.0, np.inf)}) | by.shares({"false_share": (false, every)})
    return {"alarms": alarms, "false_alarms": int((~came).sum()), "days": len(days)} | rows
