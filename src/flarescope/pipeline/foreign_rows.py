"""What do anybody's forecasts hold, and what of it do only the names of the images say?"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.file_names import region_and_time
from flarescope.counted import counted
from flarescope.events import EventDefinition
from flarescope.pipeline.issued_rows import is_issued, issued_rows, split_name
from flarescope.tables import read_forecasts


def read_foreign(
    path: Path, event: EventDefinition | None = None, *, keep: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Read a table of forecasts; region and time that it does not give are taken from file names of the usual form.

    Args:
        path: the table; of one of issued forecasts (`issued_rows`) also with a model behind it, `#mcintosh`.
        event: which, where the table has several.
        keep: further columns, as in `tables.check_forecasts`.

    Returns:
        What `tables.read_forecasts` gives, and a note on what came from the names, if anything did.

    Raises:
        InputError: whatever is wrong with the table, naming it.
    """
    place, model = split_name(path)
    if is_issued(place):
        rows, _, said = issued_rows(place, event, model)
        return rows, said
    forecasts = read_forecasts(path, keep=keep)
    named = region_and_time(forecasts["filename"])
    filled = {name: named[name].notna() & forecasts[name].isna() for name in ("noaa_ar", "time")}
    words = {"noaa_ar": "the region of", "time": "the time (TAI, turned into UTC) of"}
    parts = [f"{words[name]} {counted(int(rows.sum()), 'row')}" for name, rows in filled.items() if rows.any()]
    notes = [f"Read from the file names, since the table does not give it: {' and '.join(parts)}."] if parts else []
    return forecasts.assign(**{name: forecasts[name].fillna(named[name]) for name in filled}), notes
