"""Which readers of issued forecasts are given hostile files, and with what do they begin?"""

import json
import sqlite3
from pathlib import Path

from flarescope.archive import database, keep, read_archive
from flarescope.catalog.swpc_probabilities import read_probabilities
from flarescope.pipeline.archiving.verifying import summary_of

from ..made_archive import made_forecast
from .harness import Target
from .targets_text import texts

CHANGES = (
    "UPDATE forecast SET header = replace(header, '1996', '9999')",
    "UPDATE forecast SET digest = id, stored = 'x'",
    "UPDATE forecast_row SET probability = 'x', noaa_ar = 1e300",
    "INSERT INTO forecast_row SELECT forecast + 7, noaa_ar, event, window_h, latency_h, probability, model "
    "FROM forecast_row",
)


def archives(folder: Path) -> list[bytes]:
    """Give an archive, and some in which values are not what they were."""
    path, found = folder / database.NAME, []
    for change in ("", *CHANGES):
        path.unlink(missing_ok=True)
        for day in (1, 2):
            keep(folder, made_forecast(day))
        if change:
            with sqlite3.connect(path) as connection:
                connection.execute(change)
            connection.close()
        found.append(path.read_bytes())
    path.unlink()
    return found


def use_archive(path: Path) -> None:
    """Read an archive, say what it holds, and keep one more forecast in it."""
    read_archive(path.parent).table()
    summary_of(path.parent)
    keep(path.parent, made_forecast(3))


PROBABILITIES = [
    {"date": "2026-02-01T00:00:00", "c_class_1_day": 99, "m_class_2_day": "35", "x_class_3_day": 1},
    {"date": "2026-02-02T00:00:00Z", "C_Class_1_day": None, "10mev_protons_1_day": 1, "m_class_1_day": 5.5},
]

TARGETS = {
    "archive": Target(database.NAME, archives, use_archive),
    "swpc-probabilities": Target("a.json", texts(json.dumps(PROBABILITIES)), read_probabilities),
}
