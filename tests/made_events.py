"""A tiny set with labels of three events, which hang together as flares do; the network is fake, and so is the Sun."""

from pathlib import Path

import pandas as pd

from fakes import write_set
from flarescope.catalog.boucheron import read_table
from flarescope.events import EventDefinition
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.several_events import event_of_code, flare_column, label_column

CODES = ("C1.0/24", "M1.0/24", "C1.0/48")
EVENTS = tuple(event_of_code(code) for code in CODES)
REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132], "test": [1141, 1142]}
FLARES_24H = (None, "C3.0", None, "M2.0")
FLARES_48H = ("C1.5", "C3.0", None, "M2.0")


def label_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of a set of `write_set` labels of `EVENTS` by their place in the region."""
    place = pd.Series(range(len(table))) % 4
    day, two = (place.map(pd.Series(flares, dtype="object")) for flares in (FLARES_24H, FLARES_48H))
    columns = {flare_column(EVENTS[0]): day, flare_column(EVENTS[2]): two}
    for event, flares in zip(EVENTS, (day, day, two), strict=True):
        counts = flares.notna() & flares.fillna("A1.0").str[0].isin(["M"] if event.threshold == "M1.0" else ["C", "M"])
        columns[label_column(event)] = counts.astype("Int8")
    return table.assign(**columns, label=columns[label_column(EVENTS[0])], flare=day.astype("str").where(day.notna()))


def write_events_set(folder: Path) -> dict[str, Path]:
    """Write the set: `images`, and `table`, one catalogue with the three splits and the labels of three events.

    Each event's own table, as `catalog label` writes it alone, is `C1.0_24h` and so on.
    """
    paths = write_set(folder, regions=REGIONS)
    tables = [label_rows(read_table(paths[split]).assign(split=split)) for split in REGIONS]
    whole = pd.concat(tables, ignore_index=True)
    write_catalogue(whole, folder / "events.parquet", EVENTS)
    found = {"images": paths["images"], "table": folder / "events.parquet"}
    for event in EVENTS:
        found[event.name] = folder / f"{event.name}.parquet"
        write_catalogue(own_table(folder / "events.parquet", event), found[event.name], event)
    return found


def own_table(path: Path, event: EventDefinition) -> pd.DataFrame:
    """Give the table that an event would have alone."""
    return read_table(path, event=event)
