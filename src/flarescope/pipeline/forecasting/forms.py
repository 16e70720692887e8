"""How is a forecast written as JSON, CSV and Parquet, and read back from its JSON?

The JSON holds everything; `read_forecast` gives the value back. The Parquet has a row a probability, in the form in
which forecasts of many days are kept and verified; the CSV a row a region, for people.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pandas as pd

from flarescope.catalog.noaa_regions import REGION_DTYPES
from flarescope.errors import InputError
from flarescope.events import EventDefinition, FluxScale
from flarescope.files import atomic_path, read_json, write_json
from flarescope.json_values import are_texts, is_text
from flarescope.parquet_tables import write_parquet
from flarescope.parsing import refusing_damage
from flarescope.pipeline.forecasting.value import FLAGS, OFFICIAL, RESEARCH, Forecast
from flarescope.regions.model import COLUMNS, NO_HISTORY

FORM: Final = "flarescope forecast 1"
ROWS: Final = ("issued", "noaa_ar", "event", "window_h", "probability", "model", "latency_h")
"""Columns of `forecasts.parquet`."""
TABLE: Final = ("noaa_ar", "location", "mcintosh", "hale", "area_msh", "spots", "flags")
"""Columns of the CSV that describe a region; those of the probabilities follow, `M1.0/24`, of other models with their
name before. The first row is the whole disk."""
MOST_REGIONS: Final = 200
_CODE: Final = re.compile(r"([A-Z][0-9.]+)/([0-9.]+)(?:\+([0-9.]+))?")
_REGION: Final = tuple(name for name in REGION_DTYPES if name not in ("day", "section"))


def location(latitude_deg: float | None, longitude_deg: float | None) -> str | None:
    """Write a place as NOAA does, `N13E63`; None where it is not known."""
    if latitude_deg is None or longitude_deg is None or pd.isna(latitude_deg) or pd.isna(longitude_deg):
        return None
    north, west = "N" if latitude_deg >= 0 else "S", "W" if longitude_deg >= 0 else "E"
    return f"{north}{abs(latitude_deg):02.0f}{west}{abs(longitude_deg):02.0f}"


@functools.lru_cache(maxsize=1000)
def code(event: str, window_h: float, latency_h: float) -> str:
    """Write an event in short, `M1.0/24`, with a latency `M1.0/24+6`."""
    return EventDefinition(threshold=event, window_hours=window_h, latency_hours=latency_h).code


def by_model(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Give rows of `regions.model.COLUMNS` as model -> event in short -> probability."""
    found: dict[str, dict[str, float]] = {}
    for row in rows.to_dict("records"):
        name = code(row["event"], row["window_h"], row["latency_h"])
        found.setdefault(row["model"], {})[name] = row["probability"]
    return found


def to_json(forecast: Forecast) -> dict[str, Any]:
    """Give a forecast as plain values."""
    rows = forecast.probabilities
    used = sorted({word for flags in forecast.regions["flags"] for word in flags.split()})
    return {
        "form": FORM,
        "notice": RESEARCH,
        "official": [{"name": name, "url": url} for name, url in OFFICIAL],
        "issued": f"{forecast.issued.isoformat()}",
        "valid": {"from": f"{forecast.issued.isoformat()}", "to": f"{forecast.valid_to.isoformat()}"},
        "positions_of": f"{forecast.day.isoformat()}",
        "model": {"name": forecast.model, "sha256": forecast.model_sha256},
        "flux_scale": forecast.flux_scale,
        "data": {name: [dict(one) for one in files] for name, files in forecast.data.items()},
        "disk": {"probabilities": by_model(rows[rows["noaa_ar"].isna()])},
        "regions": [_region(row, rows) for row in _records(forecast.regions)],
        "flags": {word: FLAGS[word] for word in used if word in FLAGS},
        "notes": list(forecast.notes),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _region(row: Mapping[str, Any], rows: pd.DataFrame) -> dict[str, Any]:
    own = rows[rows["noaa_ar"].eq(row["noaa_ar"]).fillna(value=False)]
    place = location(row["latitude_deg"], row["longitude_deg"])
    described = {name: row[name] for name in _REGION}
    return {**described, "location": place, "flags": row["flags"].split(), "probabilities": by_model(own)}


def write_forecast_json(forecast: Forecast, path: Path) -> None:
    """Write a forecast as JSON, whole or not at all."""
    write_json(path, to_json(forecast))


def read_forecast(path: str | Path) -> Forecast:
    """Read a forecast from its JSON, `forecast.json` in the folder that `forecast` wrote.

    Raises:
        InputError: no such file, or no forecast of flarescope.

    Example:
        >>> forecast = flarescope.forecast(["20160707SRS.txt"], out="today")
        >>> flarescope.read_forecast("today/forecast.json").probability("C1.0", 24) == forecast.probability("C1.0", 24)
        True
    """
    path = Path(path)
    return from_json(read_json(path), path)


def from_json(values: Mapping[str, Any], source: object) -> Forecast:
    """Give the forecast that plain values tell of.

    Args:
        values: as `to_json` gives them.
        source: what to call them in a message.

    Raises:
        InputError: they are none.
    """
    if values.get("form") != FORM:
        raise InputError(f"{source}: form {str(values.get('form'))[:40]!r}; expected a forecast.json, {FORM!r}")
    with refusing_damage(source, "make the forecast again", what="a forecast that cannot be read"):
        issued, day = pd.Timestamp(values["issued"]), pd.Timestamp(values["positions_of"])
        places: list[tuple[int | None, Mapping[str, Any]]] = [
            *((one["noaa_ar"], one["probabilities"]) for one in values["regions"]),
            (None, values["disk"]["probabilities"]),
        ]
        if len(places) > MOST_REGIONS:
            raise ValueError(f"{len(places):,} regions; the disk has some 20 at most")
        rows = [row for number, models in places for row in _rows(issued, number, models)]
        table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
        if not table["probability"].between(0, 1).all():
            raise ValueError("a probability outside 0 to 1")
        found = Forecast(
            issued,
            day,
            *_named(values["model"]),
            _scale(values["flux_scale"]),
            _regions(values["regions"], day),
            table,
            values.get("data", {}),
            tuple(values.get("notes", ())),
        )
        if not are_texts(list(found.notes)):
            raise ValueError("notes that are no texts")
        to_json(found)  # what cannot be written again was not read whole
        return found


def _named(model: Mapping[str, Any]) -> tuple[str, str | None]:
    name, digest = model["name"], model["sha256"]
    if not is_text(name) or not (digest is None or is_text(digest)):
        raise ValueError("a model without a name")
    return name, digest


def _scale(name: object) -> FluxScale:
    known: dict[object, FluxScale] = {one: one for one in get_args(FluxScale)}
    if name not in known:
        raise ValueError(f"flux scale {str(name)[:20]!r}")
    return known[name]


def _rows(issued: pd.Timestamp, number: int | None, models: Mapping[str, Mapping[str, float]]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for model, events in models.items():
        for name, probability in events.items():
            match = _CODE.fullmatch(name)
            if match is None:
                raise ValueError(f"event {name[:20]!r}; expected such as M1.0/24")
            hours, latency = float(match[2]), float(match[3] or 0)
            found.append((issued, number, match[1], hours, latency, probability, model))
    return found


def _regions(records: list[Mapping[str, Any]], day: pd.Timestamp) -> pd.DataFrame:
    dtypes = {name: dtype for name, dtype in REGION_DTYPES.items() if name != "section"}
    rows = [{"day": day, **{name: one[name] for name in _REGION}} for one in records]
    table = pd.DataFrame(rows, columns=list(dtypes), dtype=object)
    table["day"] = pd.to_datetime(table["day"], utc=True)
    flags = pd.Series([" ".join(one["flags"]) for one in records], dtype="str")
    return table.astype(dtypes).assign(flags=flags)


def rows_of(forecast: Forecast) -> pd.DataFrame:
    """Give the forecast's probabilities with the columns `ROWS`, the disk last."""
    return forecast.probabilities.sort_values(["model", "noaa_ar", "event", "window_h"], kind="stable")[
        list(ROWS)
    ].reset_index(drop=True)


def write_rows(forecast: Forecast, path: Path) -> None:
    """Write the rows as Parquet; what the file says of itself is the model, the flux scale and the data."""
    notes = {name: value for name, value in to_json(forecast).items() if name in ("model", "flux_scale", "data")}
    write_parquet(rows_of(forecast), path, {"forecast": notes})


def wide_table(forecast: Forecast) -> pd.DataFrame:
    """Give a row a region below one of the whole disk: `TABLE`, and a column a model and event."""
    rows = forecast.probabilities
    disk = {"noaa_ar": None, "location": "disk"}
    records = [disk, *_records(forecast.regions)]
    found = []
    for record in records:
        number = record["noaa_ar"]
        own = rows[rows["noaa_ar"].isna() if number is None else rows["noaa_ar"].eq(number).fillna(value=False)]
        place = record.get("location") or location(record.get("latitude_deg"), record.get("longitude_deg"))
        shares = {
            name if model.removesuffix(NO_HISTORY) == forecast.model else f"{model} {name}": share
            for model, events in by_model(own).items()
            for name, share in events.items()
        }
        found.append({**{name: record.get(name) for name in TABLE}, "location": place, **shares})
    table = pd.DataFrame(found)
    return table.assign(noaa_ar=table["noaa_ar"].astype("Int32"))


def write_csv(forecast: Forecast, path: Path) -> None:
    """Write the wide table as CSV, whole or not at all."""
    with atomic_path(path) as temporary:
        wide_table(forecast).to_csv(temporary, index=False, float_format="%.6g")
