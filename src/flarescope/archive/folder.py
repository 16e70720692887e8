"""How is a forecast kept in an archive's folder, and what does the folder hold?"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.archive.database import ADVICE, NAME, WAIT_S, is_whole, opened
from flarescope.archive.records import ROW_DTYPES, Input, IssuedForecast, ModelUsed, checked, row_values
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.parsing import parse_json, refusing_damage

NAMES: Final = ", ".join(ROW_DTYPES)
MOST_ROWS: Final = 50_000_000
"""Of an archive that is read: a century of days with all their regions and three models."""


@dataclass(frozen=True)
class Archive:
    """What a folder holds.

    Attributes:
        forecasts: by the time at which they were kept.
        refused: what cannot be used, a line for each.
        digests: of the forecasts, as `IssuedForecast.digest` gives them.
    """

    forecasts: tuple[IssuedForecast, ...]
    refused: tuple[str, ...] = ()
    digests: tuple[str, ...] = field(default=(), repr=False)

    __repr__ = brief

    def table(self) -> pd.DataFrame:
        """Give all rows with `issued`, `stored` (UTC) and `flux_scale`; of a row that was issued twice the first kept.

        A later forecast of the same issue time could know what came.
        """
        pieces = [
            one.rows.assign(issued=one.issued, stored=one.stored, flux_scale=one.flux_scale) for one in self.forecasts
        ]
        times = {"issued": "datetime64[us, UTC]", "stored": "datetime64[us, UTC]"}
        if not pieces:
            empty = pd.DataFrame(columns=[*ROW_DTYPES, "issued", "stored", "flux_scale"])
            return empty.astype({**ROW_DTYPES, **times})
        rows = pd.concat(pieces, ignore_index=True).astype(times)
        return rows.drop_duplicates(["issued", "model", "noaa_ar", "event", "window_h", "latency_h"], ignore_index=True)


def keep(folder: str | Path, forecast: IssuedForecast) -> bool:
    """Keep a forecast; it is there whole or not at all, whatever ends the process.

    Args:
        folder: of the archive; made where it is not there.
        forecast: with `stored`, when it is kept.

    Returns:
        False where the very same forecast is kept already.

    Raises:
        InputError, FlarescopeError: the forecast makes no sense (`records.checked`), or the archive cannot be written
            (`database.opened`).
    """
    one = checked(forecast)
    if one.stored is None:
        raise InputError("a forecast is kept with the time at which it is kept (stored)")
    with opened(Path(folder), write=True) as connection:
        added = connection.execute(
            "INSERT INTO forecast (digest, stored, issued, header) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            (one.digest(), one.stored.isoformat(), one.issued.isoformat(), json.dumps(one.header())),
        )
        if added.rowcount != 1:
            return False
        values = [(added.lastrowid, *row) for row in row_values(one.rows)]
        connection.executemany("INSERT INTO forecast_row VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return True


def read_archive(folder: str | Path) -> Archive:
    """Read every forecast of a folder; one that was changed since it was kept is named and left out.

    Args:
        folder: of the archive.

    Raises:
        InputError: no archive, another kind of file, or one that is damaged.
    """
    path = Path(folder) / NAME
    with opened(Path(folder)) as connection:
        if not is_whole(connection, path):
            return Archive(())
        if connection.execute("SELECT count(*) FROM forecast_row").fetchone()[0] > MOST_ROWS:
            raise InputError(f"{path}: more than {MOST_ROWS:,} rows; {ADVICE}")
        headers = connection.execute("SELECT id, digest, stored, header FROM forecast ORDER BY id").fetchall()
        rows = connection.execute(f"SELECT forecast, {NAMES} FROM forecast_row ORDER BY rowid").fetchall()
    with refusing_damage(path, ADVICE):
        table = pd.DataFrame(rows, columns=["forecast", *ROW_DTYPES], dtype=object)
        pieces = {number: piece.drop(columns="forecast") for number, piece in table.groupby("forecast", sort=False)}
    forecasts, refused, digests = [], [], []
    for number, digest, stored, header in headers:
        try:
            forecasts.append(_read(path, digest, stored, header, pieces.get(number)))
            digests.append(str(digest))
        except InputError as error:
            refused.append(str(error))
    return Archive(tuple(forecasts), tuple(refused), tuple(digests))


def read_one(folder: str | Path, digest: str, *, wait_s: float = WAIT_S) -> IssuedForecast:
    """Read one forecast of a folder.

    Args:
        folder: of the archive.
        digest: as `IssuedForecast.digest` gives it.
        wait_s: so long another process that writes is waited for.

    Raises:
        ChangedError: it is not there, or not as it was kept.
        InputError: no archive, or another kind of file.
        FlarescopeError: another process is writing all that time.
    """
    path = Path(folder) / NAME
    with opened(Path(folder), wait_s=wait_s) as connection:
        wanted = "SELECT id, stored, header FROM forecast WHERE digest = ?"
        number, stored, header = connection.execute(wanted, (digest,)).fetchone() or (None, None, None)
        rows = connection.execute(f"SELECT {NAMES} FROM forecast_row WHERE forecast = ? ORDER BY rowid", (number,))
        table = pd.DataFrame(rows.fetchall(), columns=list(ROW_DTYPES), dtype=object)
    if number is None:
        raise ChangedError(f"{path}: the forecast {digest[:15]} is not there any more")
    try:
        return _read(path, digest, stored, header, table)
    except InputError as error:
        raise ChangedError(str(error)) from error


class ChangedError(InputError):
    """A forecast of an archive is not as it was when it was kept."""


def _read(path: Path, digest: Any, stored: Any, header: Any, rows: pd.DataFrame | None) -> IssuedForecast:  # noqa: ANN401 - of a file
    what = f"{path}, the forecast {str(digest)[:15]}"
    with refusing_damage(what, "it is not used"):
        values = parse_json(header, what)
        told = IssuedForecast(
            issued=pd.Timestamp(values["issued"]),
            rows=pd.DataFrame(columns=list(ROW_DTYPES)) if rows is None else rows,
            models=tuple(ModelUsed(**one) for one in values["models"]),
            inputs=tuple(Input(**one) for one in values["inputs"]),
            version=values["version"],
            flux_scale=values["flux_scale"],
            notes=tuple(values["notes"]),
        )
        found = checked(told)
        if found.digest() != digest:
            raise ValueError("it was changed after it was kept, its digest differs")
        return replace(found, stored=pd.Timestamp(stored).tz_convert("UTC"))
