"""Which forecasts does an archive hold, of which regions, told without reading their rows?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from flarescope.archive.database import NAME, WAIT_S, is_whole, opened
from flarescope.archive.records import ModelUsed
from flarescope.errors import InputError
from flarescope.parsing import parse_json, refusing_damage


@dataclass(frozen=True)
class Entry:
    """What an archive says of a forecast before it is read; `folder.read_one` reads it, and checks that it is so.

    Attributes:
        digest: as `IssuedForecast.digest` gives it.
        issued: its issue time, UTC.
        stored: when it was kept, UTC.
        models: whose rows there are, the main one first.
        regions: NOAA's numbers of those that have rows, in order.
    """

    digest: str
    issued: pd.Timestamp
    stored: pd.Timestamp
    models: tuple[ModelUsed, ...]
    regions: tuple[int, ...]


def read_contents(
    folder: str | Path, *, known: Mapping[str, Entry] | None = None, wait_s: float = WAIT_S
) -> tuple[list[Entry], list[str]]:
    """List the forecasts of a folder, by the time at which they were kept.

    Args:
        folder: of the archive.
        known: digest -> what was read of it before, for whoever looks often.
        wait_s: so long another process that writes is waited for.

    Returns:
        The forecasts, and a line for each that cannot be used.

    Raises:
        InputError: no archive, another kind of file, or one that is damaged.
        FlarescopeError: another process is writing all that time.
    """
    path, known = Path(folder) / NAME, known or {}
    with opened(Path(folder), wait_s=wait_s) as connection:
        if not is_whole(connection, path):
            return [], []
        told = connection.execute("SELECT id, digest, stored FROM forecast ORDER BY id").fetchall()
        first = min((number for number, digest, _ in told if digest not in known), default=None)
        headers = dict(connection.execute("SELECT id, header FROM forecast WHERE id >= ?", (first,)).fetchall())
        wanted = "SELECT DISTINCT forecast, noaa_ar FROM forecast_row WHERE forecast >= ? AND noaa_ar IS NOT NULL"
        regions: dict[int, list[int]] = {}
        for number, noaa_ar in connection.execute(f"{wanted} ORDER BY forecast, noaa_ar", (first,)):
            regions.setdefault(number, []).append(noaa_ar)
    entries, refused = [], []
    for number, digest, stored in told:
        try:
            own = regions.get(number, [])
            entries.append(known.get(digest) or _entry(path, digest, stored, headers[number], own))
        except InputError as error:
            refused.append(str(error))
    return entries, refused


def _entry(path: Path, digest: str, stored: str, header: bytes, regions: list[int]) -> Entry:
    what = f"{path}, the forecast {str(digest)[:15]}"
    with refusing_damage(what, "it is not used"):
        values = parse_json(header, what)
        return Entry(
            str(digest),
            pd.Timestamp(values["issued"]).tz_convert("UTC"),
            pd.Timestamp(stored).tz_convert("UTC"),
            tuple(ModelUsed(**one) for one in values["models"]),
            tuple(int(number) for number in regions),
        )
