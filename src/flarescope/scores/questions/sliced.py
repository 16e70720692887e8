"""Is a first flare forecast as well as one of a region that flares already, and how soon before its peak is it seen?

Two slicings of rows, for `slices.slices`. Flare history is most of what is easy: a region that flared will flare. So
the rows before a region's first event stand by themselves.
"""

import itertools
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.connected import shown_regions
from flarescope.events import EventDefinition
from flarescope.scores.previous import Flares
from flarescope.scores.questions.pairs import hours_to_peak, series_of
from flarescope.windows import span

HISTORY: Final = "history"
NOT_YET: Final = "before it"
BEFORE: Final = "from it on"
LEAD_SHARES: Final = (0.0, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
"""Edges of the hours to the peak, in windows: 0, 3, 6, 12, 18 and 24 of 24."""


def history_of(rows: pd.DataFrame, event: EventDefinition, flares: Flares | None) -> "pd.Series[Any] | None":
    """Say of each row whether its region had an event before, as far as is known then.

    With a flare list, by peaks up to the row's time, as far back as the list goes. Without, by earlier labels: an event
    is known of from the end of the window of the first row with label 1 on, so that rows soon after a first flare
    still count as before it.

    Args:
        rows: N rows with `noaa_ar`, `time` and `label`.
        event: what label 1 means.
        flares: a flare list, or None.

    Returns:
        `(N,)` `NOT_YET`, `BEFORE`, or null without region or time; None of the whole disk.
    """
    if event.scope == "disk" or rows["noaa_ar"].isna().all() or rows["time"].isna().all():
        return None
    if flares is not None:
        strong = flares.table[event.counts(flares.table["flare"])].dropna(subset=["time", "noaa_ar"])
        known = pd.DataFrame({"region": strong["noaa_ar"].to_numpy(np.int64), "time": strong["time"].array})
    else:
        labelled = rows[(rows["label"] == 1).fillna(False).to_numpy(bool)]
        at, regions = shown_regions(labelled, labelling=True)
        told = labelled["time"] + span(event.window_hours + event.latency_hours)
        known = pd.DataFrame({"region": regions, "time": told.array[at]})
    first = known.groupby("region")["time"].min()
    row, region = shown_regions(rows, labelling=True)
    since, time = first.reindex(region).array, rows["time"].array[row]
    flared = np.zeros(len(rows), bool)
    flared[row[np.asarray(since <= time, bool)]] = True
    placed = np.isin(np.arange(len(rows)), row) & rows["time"].notna().to_numpy()
    words = pd.Series(np.where(flared, BEFORE, NOT_YET), index=rows.index)
    return words.where(placed)


def lead_of(rows: pd.DataFrame, event: EventDefinition, flares: Flares | None) -> "pd.Series[Any] | None":
    """Say of each event how many hours its first peak is away.

    Args:
        rows: N rows with `noaa_ar`, `time` and `label`.
        event: what label 1 means.
        flares: a flare list; None knows no peaks.

    Returns:
        `(N,)` categories such as "0-3 h", in order; null of non-events, and of events that the list does not show. None
        without a list.
    """
    if flares is None:
        return None
    hours = hours_to_peak(rows, series_of(rows, flares, event), event.latency_hours)
    edges = [event.latency_hours + share * event.window_hours for share in LEAD_SHARES]
    names = [f"{low:g}-{high:g} h" for low, high in itertools.pairwise(edges)]
    bands = pd.Series(pd.cut(hours, edges, labels=names), index=rows.index)
    return bands.where((rows["label"] == 1).fillna(False).to_numpy(bool))
