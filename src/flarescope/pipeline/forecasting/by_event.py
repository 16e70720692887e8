"""Which events do the rows of forecasts speak of?"""

from collections.abc import Iterator
from typing import Any, Final, cast

import pandas as pd

from flarescope.events import EventDefinition

EVENT: Final = ["event", "window_h", "latency_h"]
"""Columns that name what is forecast, beside the scope."""


def by_event(rows: pd.DataFrame) -> Iterator[tuple[EventDefinition, pd.DataFrame]]:
    """Give the rows of each event and scope, in the order in which these come; those of the disk name no region.

    Args:
        rows: `noaa_ar`, `event`, `window_h`, `latency_h`; with `flux_scale`, that of the event where it is known.
    """
    scale = rows["flux_scale"].fillna("") if "flux_scale" in rows else pd.Series("", index=rows.index)
    keys = [*EVENT, scale.rename("scale"), rows["noaa_ar"].isna().rename("disk")]
    for key, piece in rows.groupby(keys, sort=False):
        name, window, latency, of_scale, disk = cast("tuple[Any, ...]", key)
        yield (
            EventDefinition(
                threshold=str(name),
                window_hours=float(window),
                latency_hours=float(latency),
                scope="disk" if disk else "region",
                flux_scale=of_scale or None,
            ),
            piece,
        )
