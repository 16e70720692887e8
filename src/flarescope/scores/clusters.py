"""Which rows are drawn or left out whole in an interval: a region's, those of connected regions, a block of time's?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from flarescope.blocks import GROUP, REGION, Blocks, Unit, time_blocks
from flarescope.connected import connected_regions, region_groups
from flarescope.events import EventDefinition


@dataclass(frozen=True)
class Clusters:
    """What rows are alike.

    Attributes:
        of_rows: `(N,)` number of each row's cluster, nullable whole numbers with the index of the rows; null where it
            is not known.
        unit: what a cluster is.
    """

    of_rows: "pd.Series[int]"
    unit: Unit

    @property
    def connected(self) -> bool:
        """Whether some regions are in one group."""
        return self.unit == GROUP

    @property
    def why_none(self) -> str | None:
        """Say why no intervals can be made by these clusters; None where they can."""
        number = self.of_rows.nunique()
        if number > 1:
            return None
        if self.unit.hours is not None:
            rows = f"All rows are of one {self.unit.one}" if number else "No row has a time"
            return f"{rows}: no intervals can be made by {self.unit.many}."
        which = {0: "No row names a region", 1: "All rows are of one region"}
        joined = "Images join the regions of all rows"
        said = f"{joined if self.connected else which[number]}: no intervals can be made by regions"
        return f"{said}." if number else f"{said}; of the whole disk state the event (--event, --window)."


def clusters_of(tables: Sequence[pd.DataFrame], event: EventDefinition | None, blocks: Blocks = "auto") -> Clusters:
    """Group rows by region, with those connected; of the whole disk by blocks of time.

    Args:
        tables: of the same rows; the first one's are grouped, and all of them say which regions are connected.
        event: what label 1 means: scope, and the window that a block of time is not shorter than
            (`baselines.event_of_rows`). None: by region, since nothing says how long a block must be.
        blocks: how long they are.
    """
    if event is not None and event.scope == "disk":
        return Clusters(*time_blocks(tables[0]["time"], window_hours=event.window_hours, blocks=blocks))
    connected = connected_regions(tables)
    return Clusters(region_groups(tables[0], connected), GROUP if connected else REGION)


def unit_of(settings: Mapping[str, Any]) -> Unit:
    """Say what the clusters of a verification or a comparison were, by its `settings`; of older ones regions."""
    said = settings.get("unit")
    if isinstance(said, Mapping):
        return Unit(str(said["one"]), str(said["many"]), said.get("hours"))
    return GROUP if settings.get("connected") else REGION
