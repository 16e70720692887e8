"""What do forecasting centres' forms have in common: percent of a class on each of the next days, of the whole disk?"""

from typing import Final

import pandas as pd

from flarescope.errors import InputError
from flarescope.events import EventDefinition, flux_w_m2

DAILY_DTYPES: Final = {"time": "datetime64[us, UTC]", "event": "str", "latency_h": "float64", "probability": "float64"}
"""Columns: `time` (UTC) that the days are counted from; `event` the least class that counts; `latency_h` from the time
to the day that is forecast; `probability` 0..1."""
DAY_H: Final = 24.0


def of_event(table: pd.DataFrame, event: EventDefinition | None, source: str) -> pd.DataFrame:
    """Give the forecasts of one event.

    Args:
        table: `DAILY_DTYPES`.
        event: which; the form has several.
        source: what to call the file in a message.

    Returns:
        `time` and `probability`, by time.

    Raises:
        InputError: no event stated, or one that the form does not have.
    """
    latencies = sorted(set(table["latency_h"]))
    classes = sorted(set(table["event"]))
    offer = f"it has {', '.join(classes)} with --window 24 and --latency {', '.join(f'{one:g}' for one in latencies)}"
    if event is None:
        raise InputError(f"{source}: forecasts of several events; state one (--event M1.0 --window 24): {offer}")
    same = (flux_w_m2(table["event"]) / event.flux_w_m2 - 1).abs() < 1e-6
    found = table[same & table["latency_h"].eq(event.latency_hours) & (event.window_hours == DAY_H)]
    if found.empty:
        raise InputError(f"{source}: no forecast of flares {event.brief}; {offer}")
    return found[["time", "probability"]].sort_values("time", kind="stable").reset_index(drop=True)
