"""Which rows are drawn or left out whole in an interval: a region's, those of connected regions, a block of time's?

`resample` is one word: `auto`, `region`, `harp`, `day`, `week`, `month`, `carrington`, hours as `12h`, or the name of a
column of the table. `auto` takes the region where there is one, else a block of time that is long enough for the memory
of the error (`scores.memory`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.blocks import GROUP, PERIODS, REGION, Unit, hours_of, is_time, time_blocks
from flarescope.connected import connected_regions, region_groups
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.scores.memory import Memory, error_memory, longest, usual_blocks

AUTO: Final = "auto"
OF_REGION: Final = "region"
HARP: Final = "harp"
HARP_COLUMNS: Final = ("harp", "harpnum", "HARP", "HARPNUM")
"""Columns in which tables keep the number of HMI's active region patch."""

HARP_UNIT: Final = Unit("HARP", "HARPs")


@dataclass(frozen=True)
class Clusters:
    """What rows are alike.

    Attributes:
        of_rows: `(N,)` number of each row's cluster, nullable whole numbers with the index of the rows; null where it
            is not known.
        unit: what a cluster is.
        memory: of the error, where blocks of time are drawn; None where it is not known or not asked for.
    """

    of_rows: "pd.Series[int]"
    unit: Unit
    memory: Memory | None = None

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
        if self.unit not in (REGION, GROUP):
            lacks = "No row has a time" if self.unit.hours is not None else f"No row is of a {self.unit.one}"
            rows = f"All rows are of one {self.unit.one}" if number else lacks
            return f"{rows}: no intervals can be made by {self.unit.many}."
        which = {0: "No row names a region", 1: "All rows are of one region"}
        joined = "Images join the regions of all rows"
        return f"{joined if self.connected else which[number]}: no intervals can be made by regions."


def check_resample(resample: str) -> None:
    """Refuse a word that can be no `resample`: an empty one, or blocks of no length.

    Raises:
        InputError: naming what can be said.
    """
    if not resample.strip():
        words = ", ".join((AUTO, OF_REGION, HARP, *PERIODS))
        raise InputError(f"--resample says nothing: expected {words}, hours such as 12h, or a column of the table")
    hours_of(resample)


def column_of(resample: str) -> tuple[str, ...]:
    """Give the columns of a table one of which holds what is drawn whole; none for regions and blocks of time."""
    if resample == HARP:
        return HARP_COLUMNS
    return () if resample in (AUTO, OF_REGION) or is_time(resample) else (resample,)


def clusters_of(tables: Sequence[pd.DataFrame], event: EventDefinition | None, resample: str = AUTO) -> Clusters:
    """Group rows by what is drawn or left out whole.

    Args:
        tables: of the same rows; the first one's are grouped, and all of them say which regions are connected and how
            long the error is remembered.
        event: what label 1 means: scope, and the window that no day, week, month or rotation is shorter than
            (`baselines.event_of_rows`). None: nothing says how long a block must be but the error.
        resample: what is drawn, as above.

    Raises:
        InputError: a column that the first table has not.
    """
    first = tables[0]
    disk = event is not None and event.scope == "disk"
    if columns := column_of(resample):
        return _by_column(first, resample, columns)
    if resample == OF_REGION or (resample == AUTO and not disk and _has_regions(first)):
        connected = connected_regions(tables)
        return Clusters(region_groups(first, connected), GROUP if connected else REGION)
    if resample == AUTO and not disk and first["time"].isna().all():
        return Clusters(region_groups(first, {}), REGION)
    return _by_time(first, tables, event, resample)


def _has_regions(rows: pd.DataFrame) -> bool:
    return "noaa_ar" in rows and bool(rows["noaa_ar"].notna().any())


def _by_time(
    rows: pd.DataFrame, tables: Sequence[pd.DataFrame], event: EventDefinition | None, resample: str
) -> Clusters:
    window = 0.0 if event is None else event.window_hours
    memory = longest([_memory(table) for table in tables])
    blocks = usual_blocks(rows["time"], memory, window) if resample == AUTO else resample
    return Clusters(*time_blocks(rows["time"], blocks=blocks, window_hours=window), memory)


def _memory(table: pd.DataFrame) -> Memory | None:
    if not {"label", "probability"} <= set(table.columns):
        return None
    label = table["label"].astype("Float64").to_numpy(float, na_value=np.nan)
    return error_memory(table["time"], table["probability"].to_numpy(float) - label)


def _by_column(rows: pd.DataFrame, resample: str, columns: Sequence[str]) -> Clusters:
    column = next((name for name in columns if name in rows), None)
    if column is None:
        named = f"a column {' or '.join(columns[:2])}" if resample == HARP else "a word it knows or a column"
        has = ", ".join(map(str, rows.columns))
        raise InputError(f"--resample {resample}: expected {named}; the rows have {has[:120]}")
    codes = pd.Series(pd.factorize(rows[column], sort=True)[0], index=rows.index).astype("Int64")
    unit = HARP_UNIT if resample == HARP else Unit(f"value of {column}", f"values of {column}")
    return Clusters(codes.mask(codes < 0), unit)


def unit_of(settings: Mapping[str, Any]) -> Unit:
    """Say what the clusters of a verification or a comparison were, by its `settings`; of older ones regions."""
    said = settings.get("unit")
    if isinstance(said, Mapping):
        return Unit(str(said["one"]), str(said["many"]), said.get("hours"))
    return GROUP if settings.get("connected") else REGION
