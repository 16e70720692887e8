"""Which of the forecasts in a table of several events and models are meant: one event, one scope, one model?

Such a table is the `forecasts.parquet` of a replay, or of `flarescope train-regions`: a row has `issued`, `event`,
`window_h`, `latency_h`, `probability`, `model` and, where it is known, `label`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow.parquet as pq

from flarescope.archive.records import ModelUsed, base_name
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition, difference
from flarescope.files import is_parquet
from flarescope.json_values import is_text
from flarescope.notes import read_notes
from flarescope.parquet_tables import read_parquet
from flarescope.parsing import refusing_damage
from flarescope.pipeline.forecasting.beside import seen_in_training
from flarescope.pipeline.forecasting.by_event import by_event
from flarescope.tables import check_forecasts

COLUMNS: Final = frozenset({"issued", "noaa_ar", "event", "window_h", "latency_h", "probability", "model"})
REPLAY: Final = "replay"
"""The kind that the notes of a replay's tables say."""
_SHOWN: Final = 4


def split_name(path: str | Path) -> tuple[Path, str | None]:
    """Take the model that is named behind a table apart: `forecasts.parquet#mcintosh`."""
    whole = Path(path)
    name, mark, model = whole.name.rpartition("#")
    if not mark or whole.exists():
        return whole, None
    return whole.with_name(name), model


def is_issued(path: Path) -> bool:
    """Tell by its columns whether a Parquet table is one of issued forecasts."""
    if not path.is_file() or not is_parquet(path):
        return False
    with refusing_damage(path, "make or copy it again", what="cannot be read as Parquet"), path.open("rb") as stream:
        return set(pq.read_schema(stream).names) >= COLUMNS


def no_test(notes: Mapping[str, Any], model: str | None, times: "pd.Series[pd.Timestamp]") -> list[str]:
    """Say that the model of a replay learned from the time of its forecasts: their scores are no test of it.

    Args:
        notes: of a table that a replay wrote; of others nothing is said.
        model: whose forecasts; None is the first that the notes name.
        times: of these, UTC.
    """
    known = notes.get("models")
    if notes.get("kind") != REPLAY or not isinstance(known, list) or times.isna().all():
        return []
    named = [one for one in known if isinstance(one, dict) and one.get("name") == (model or one.get("name"))]
    if not named or not all(is_text(named[0].get(key)) for key in ("name", "first", "last")):
        return []
    used = ModelUsed(named[0]["name"], first=named[0]["first"], last=named[0]["last"])
    said = seen_in_training(used, times.min(), times.max())
    return [f"{said}."] if said else []


def issued_rows(
    path: Path, event: EventDefinition | None, model: str | None = None, *, labelled: bool = True
) -> tuple[pd.DataFrame, EventDefinition, list[str]]:
    """Read the rows of one event and model as `evaluate` and `compare` take them.

    Args:
        path: the table.
        event: stated, with its scope; None where the table has one alone.
        model: whose; None is the one that the table's notes name first, else that of the first row.
        labelled: whether rows without a label are left out, and a table without any refused.

    Returns:
        What `tables.read_forecasts` gives, of the rows with a label; the event, with its flux scale; what must be said.

    Raises:
        InputError: no such event or model in the table, or nothing says which.
    """
    notes, table = read_notes(path), read_parquet(path)
    with refusing_damage(path, "make the table again"):
        names = table["model"].map(base_name)
        told = [one["name"] for one in notes.get("models", [])]
        wanted = model or (told[0] if told else names.iloc[0] if len(names) else None)
        own = table[names == wanted]
        known = [(replace(one, flux_scale=notes.get("flux_scale")), rows) for one, rows in by_event(own)]
    if not known:
        raise InputError(f"{path}: no forecast of the model {wanted!r}; it has {', '.join(sorted(set(names)))[:100]}")
    found = [(one, rows) for one, rows in known if event is None or not difference(event, one)]
    if len(found) != 1:
        some = ", ".join(f"{one.code} ({one.scope})" for one, _ in known[:_SHOWN])
        raise InputError(
            f"{path}: {'several events' if event is None else f'no forecast of flares {event.brief}'}; state one of "
            f"{some} and {max(len(known) - _SHOWN, 0)} more (--event, --window, --scope)"
        )
    one, rows = found[0]
    rows = rows.rename(columns={"issued": "time"})
    rows = rows if "label" in rows else rows.assign(label=None)
    if not labelled:
        return check_forecasts(rows[["noaa_ar", "time", "label", "probability"]], str(path)), one, []
    if not rows["label"].notna().any():
        raise InputError(f"{path}: no row says whether the event came (label); replay with flares that go on after it")
    unknown = int(rows["label"].isna().sum())
    left_out = f"The flare list does not cover the window of {counted(unknown, 'forecast')}: left out."
    said = [*no_test(notes, wanted, rows["time"]), *([left_out] if unknown else [])]
    kept = rows[rows["label"].notna()]
    return check_forecasts(kept[["noaa_ar", "time", "label", "probability"]], str(path)), one, said
