"""What was forecast for the whole disk on each of the last days, and what happened?"""

from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.archive.records import base_name
from flarescope.catalog.noaa_flares import FlareList
from flarescope.events import flux_if_class

SHOWN_DAYS: Final = 30
HOURS: Final = 24.0


def last_days(rows: pd.DataFrame, listed: FlareList, *, model: str, days: int = SHOWN_DAYS) -> list[dict[str, Any]]:
    """Give the last days' forecasts of the disk in 24 hours, each against what came; of a day its first forecast.

    Args:
        rows: as `outcomes.with_outcomes` gives them.
        listed: the flares.
        model: whose forecasts.
        days: how many at most.

    Returns:
        JSON-able, the oldest first: `issued`; `events`: name -> `probability` and `happened` (True, False, or None
        where the list does not cover the window); `flares`: how many of C1.0 or above; `largest`: the largest, or None.
    """
    own = rows[rows["noaa_ar"].isna() & rows["model"].map(base_name).eq(model)]
    own = own[own["window_h"].eq(HOURS) & own["latency_h"].eq(0)]
    first = own.groupby(own["issued"].dt.floor("D"))["issued"].transform("min")
    own = own[own["issued"].eq(first)]
    chosen = sorted(own["issued"].unique())[-days:]
    return [_day(own[own["issued"].eq(issued)], listed.table, pd.Timestamp(issued)) for issued in chosen]


def _day(rows: pd.DataFrame, flares: pd.DataFrame, issued: pd.Timestamp) -> dict[str, Any]:
    time = flares["time"]
    inside = flares[time.gt(issued) & time.le(issued + pd.Timedelta(hours=HOURS))].drop_duplicates(
        ["noaa_ar", "time", "flare"]
    )
    flux = flux_if_class(inside["flare"]).to_numpy(float)
    strong = flux[flux >= 1e-6 * (1 - 1e-9)]
    events = {
        name: {"probability": float(probability), "happened": None if pd.isna(label) else bool(label)}
        for name, probability, label in zip(rows["event"], rows["probability"], rows["label"], strict=True)
    }
    known = any(one["happened"] is not None for one in events.values())
    return {
        "issued": issued.isoformat(),
        "events": events,
        "flares": len(strong) if known else None,
        "largest": str(inside["flare"].iloc[int(np.nanargmax(flux))]) if known and len(strong) else None,
    }
