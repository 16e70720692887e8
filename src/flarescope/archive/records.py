"""What is one issued forecast: its rows, models and inputs, and is it as it was when it was kept?"""

import functools
import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final, get_args

import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition, FluxScale
from flarescope.json_values import are_texts
from flarescope.regions.model import COLUMNS

ROW_DTYPES: Final = {name: dtype for name, dtype in COLUMNS.items() if name != "issued"}
"""Of the rows of a forecast: `noaa_ar` is null for the whole disk; `event` is the least class that counts; the window
of `window_h` begins `latency_h` after the issue time; `probability` 0..1; `model` says whose it is."""
KEY: Final = ["model", "noaa_ar", "event", "window_h", "latency_h"]
"""Columns of which no two rows of a forecast are the same."""


@dataclass(frozen=True)
class ModelUsed:
    """A model of a forecast.

    Attributes:
        name: as its rows have it.
        digest: of its file, `sha256:<hex>`; empty where it has none, as climatology.
        first: when the time begins that it learned from, ISO 8601; empty where it is not known.
        last: when that time ends.
    """

    name: str
    digest: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True)
class Input:
    """A file that a forecast was made from: its part (`regions`, `flares`, `image`), name, and SHA-256 (or nothing)."""

    role: str
    name: str
    sha256: str = ""


@dataclass(frozen=True)
class IssuedForecast:
    """One issued forecast.

    Attributes:
        issued: the issue time, UTC: nothing later was used.
        rows: `ROW_DTYPES`, of one or several models.
        models: whose rows there are, the main one first.
        inputs: what it was made from.
        version: of flarescope.
        flux_scale: of the events' classes; None where nobody says it.
        notes: what has to be said of it.
        stored: when it was kept, UTC; None before.
    """

    issued: pd.Timestamp
    rows: pd.DataFrame = field(repr=False)
    models: tuple[ModelUsed, ...]
    inputs: tuple[Input, ...] = ()
    version: str = ""
    flux_scale: FluxScale | None = None
    notes: tuple[str, ...] = ()
    stored: pd.Timestamp | None = None

    __repr__ = brief

    def digest(self) -> str:
        """Give `sha256:<hex>` of all but when it was kept: the same forecast, made again, has the same."""
        values = self.header() | {"rows": row_values(self.rows)}
        text = json.dumps(values, sort_keys=True, allow_nan=False)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def header(self) -> dict[str, Any]:
        """Give all but the rows, and when it was kept, as plain values."""
        return {
            "issued": self.issued.isoformat(),
            "models": [asdict(one) for one in self.models],
            "inputs": [asdict(one) for one in self.inputs],
            "version": self.version,
            "flux_scale": self.flux_scale,
            "notes": list(self.notes),
        }


def row_values(rows: pd.DataFrame) -> list[list[Any]]:
    """Give rows as lists of plain values in the order of `ROW_DTYPES`."""
    columns = [_plain(rows[name]) for name in ROW_DTYPES]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(column: "pd.Series[Any]") -> list[Any]:
    missing = column.isna()
    values = column.tolist()
    if not missing.any():
        return values
    return [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]


def checked(forecast: IssuedForecast) -> IssuedForecast:
    """Give a forecast whose rows have their columns and make sense.

    Raises:
        InputError: no rows, no issue time in UTC, probabilities outside 0..1, unknown classes or windows, a row that
            stands there twice, a model that is not named.
    """
    what = f"the forecast of {forecast.issued}"
    if pd.isna(forecast.issued) or forecast.issued.tzinfo is None:
        raise InputError(f"{what}: expected an issue time with its zone")
    texts: list[object] = [*forecast.notes, forecast.version]
    texts += [text for model in forecast.models for text in asdict(model).values()]
    texts += [text for file in forecast.inputs for text in asdict(file).values()]
    if not are_texts(texts) or forecast.flux_scale not in (*get_args(FluxScale), None):
        raise InputError(f"{what}: a model, file, note or flux scale that is no text as it should be")
    missing = [name for name in ROW_DTYPES if name not in forecast.rows]
    if missing or forecast.rows.empty:
        raise InputError(f"{what}: no {', '.join(missing) or 'rows'}; expected rows of {', '.join(ROW_DTYPES)}")
    rows = forecast.rows[list(ROW_DTYPES)].astype(ROW_DTYPES).reset_index(drop=True)
    if not rows["probability"].between(0, 1).all():
        raise InputError(f"{what}: a probability that is no number from 0 to 1")
    for name, window, latency in rows[["event", "window_h", "latency_h"]].drop_duplicates().itertuples(index=False):
        _check_event(name, window, latency)
    if rows.duplicated(KEY).any():
        raise InputError(f"{what}: one model forecasts an event of one region twice; expected it once")
    unknown = set(rows["model"].map(base_name)) - {one.name for one in forecast.models}
    if unknown:
        raise InputError(f"{what}: rows of {', '.join(sorted(unknown))[:100]}, which its models do not name")
    return IssuedForecast(
        forecast.issued.tz_convert("UTC"),
        rows,
        tuple(forecast.models),
        tuple(forecast.inputs),
        forecast.version,
        forecast.flux_scale,
        tuple(forecast.notes),
        forecast.stored,
    )


@functools.lru_cache(maxsize=1000)
def _check_event(threshold: str, window_h: float, latency_h: float) -> None:
    """Refuse what is no event; an archive says the same few again and again."""
    EventDefinition(threshold=threshold, window_hours=window_h, latency_hours=latency_h)


def base_name(model: str) -> str:
    """Give the model of a row without what is said in brackets: `regions (flare history unknown)` is `regions`."""
    return model.partition(" (")[0]
