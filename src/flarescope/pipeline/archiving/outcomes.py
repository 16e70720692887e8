"""What came of issued forecasts, and what had come in the window before each of them?"""

import numpy as np
import pandas as pd

from flarescope.catalog.noaa_flares import FlareList
from flarescope.events import OPERATIONAL_FACTOR, EventDefinition, FluxScale
from flarescope.pipeline.forecasting.by_event import by_event
from flarescope.regions.outcomes import flare_counts
from flarescope.windows import covers


def with_outcomes(rows: pd.DataFrame, listed: FlareList, *, list_scale: FluxScale | None) -> pd.DataFrame:
    """Say of each forecast whether its event came, and whether one had come in a window as long before its issue.

    Windows begin `latency_h` after the issue time, which is not in them, and their end is. A region's flares are those
    with its number; the disk's are all.

    Args:
        rows: `issued` (UTC), `noaa_ar` (null for the disk), `event`, `window_h`, `latency_h`; with `flux_scale`, that
            of the event, where it is known.
        listed: the flares.
        list_scale: of the list; None where nobody says it: then events are taken to be on the same.

    Returns:
        The rows with `label` and `before`, Int8: 1, 0, or null where the list does not cover the window.
    """
    label = pd.Series(pd.NA, index=rows.index, dtype="Int8")
    before = label.copy()
    for event, piece in by_event(rows):
        for target, start in ((label, event.latency_hours), (before, -event.window_hours)):
            target.loc[piece.index] = _happened(piece, listed, event, start, _flux_on_list(event, list_scale))
    return rows.assign(label=label, before=before)


def _flux_on_list(event: EventDefinition, list_scale: FluxScale | None) -> float:
    """Give the least flux that counts, on the list's scale."""
    if not event.flux_scale or not list_scale or event.flux_scale == list_scale:
        return event.flux_w_m2
    return event.flux_w_m2 / OPERATIONAL_FACTOR if list_scale == "science" else event.flux_w_m2 * OPERATIONAL_FACTOR


def _happened(
    rows: pd.DataFrame, listed: FlareList, event: EventDefinition, start_h: float, flux_w_m2: float
) -> "pd.Series[int]":
    """Give 1 or 0 for the window that begins so many hours after each issue time; null where it is not covered."""
    disk, window_h = event.scope == "disk", event.window_hours
    issued = rows["issued"].reset_index(drop=True)
    flares = listed.table.dropna(subset=["time"] if disk else ["time", "noaa_ar"])
    flares = flares.drop_duplicates(["noaa_ar", "time", "flare"])
    keys = np.zeros(len(rows), np.int64) if disk else rows["noaa_ar"].to_numpy(np.int64)
    flare_keys = np.zeros(len(flares), np.int64) if disk else flares["noaa_ar"].to_numpy(np.int64)
    counts = flare_counts(
        issued, keys, flares, flare_keys, thresholds_w_m2=[flux_w_m2], windows_hours=[(start_h, window_h)]
    )
    start = issued + pd.Timedelta(hours=start_h)
    known = covers(listed.covered, start, start + pd.Timedelta(hours=window_h))
    found = pd.Series((counts[:, 0, 0] > 0).astype(np.int8), index=rows.index, dtype="Int8")
    return found.where(known)
