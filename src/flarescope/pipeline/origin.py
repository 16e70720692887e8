"""Which model made these forecasts, of which rows, and with which options?

What is known stands among the notes of the forecasts' file (`flarescope.notes`) and in `scores.json`. Forecasts of
older versions have none; of them only what the rows themselves show can be said.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.apart import hours_ahead, near_spans, spans_from_json
from flarescope.catalog.splits import shared_regions
from flarescope.connected import all_regions
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.forecaster.runs import RunFolder
from flarescope.json_values import are_texts, is_plain_name
from flarescope.pipeline.identity import table_digest
from flarescope.storage.systems import is_url


@dataclass(frozen=True)
class Origin:
    """Where forecasts come from.

    Attributes:
        model: name of the model's file.
        model_digest: of the head's arrays, or of the magnetic model: what calibration does not change.
        epoch: of the model in its run; None outside a run.
        table: path of the table as it was given; None at the end of training, whose tables `run.json` names.
        table_digest: over names and labels of the rows (`identity.table_digest`).
        split: what the table was called.
        limit: how many rows were drawn at random; None took all.
        allow_overlap: whether regions of the training set were allowed.
        date: when, UTC, ISO 8601; None at the end of training, which gives the same bytes every time.
        source: the image root, or the table of magnetic features; None at the end of training.
        options: what else was chosen, as `again.options_of` gives it; of the run at the end of training: none.
    """

    model: str
    model_digest: str
    epoch: int | None
    table: str | None
    table_digest: str
    split: str
    limit: int | None
    allow_overlap: bool
    date: str | None = None
    source: str | None = None
    options: tuple[str, ...] = ()

    __repr__ = brief

    def to_json(self) -> dict[str, Any]:
        """Give the origin as plain values."""
        return asdict(self) | {"options": list(self.options)}


NAMES = tuple(field.name for field in fields(Origin))
KINDS: Final = {
    "epoch": int | None,
    "table": str | None,
    "limit": int | None,
    "allow_overlap": bool,
    "date": str | None,
    "source": str | None,
    "options": list,
}
"""Types of the values that are not text."""


def origin_from_json(values: Mapping[str, Any], source: object) -> Origin | None:
    """Read an origin among the notes of a file; None where there is none, as in those of older versions.

    Raises:
        InputError: values of another type.
    """
    if "model_digest" not in values:
        return None
    found: dict[str, Any] = {name: values.get(name) for name in NAMES} | {"options": values.get("options", [])}
    wrong = [name for name, value in found.items() if not isinstance(value, KINDS.get(name, str))]
    wrong += [] if is_plain_name(found["model"]) else ["model"]
    wrong += [] if are_texts(found["options"]) else ["options"]
    if wrong:
        raise InputError(f"{source}: its notes on where it comes from are damaged ({wrong[0]}); evaluate again")
    return Origin(**found | {"options": tuple(found["options"])})


def origin_of(
    rows: pd.DataFrame,
    split: str,
    *,
    model: Path,
    digest: str,
    run: RunFolder | None,
    limit: int | None,
    allow_overlap: bool,
    table: str | Path | None = None,
    source: str | Path | None = None,
    options: Sequence[str] = (),
) -> Origin:
    """Say where forecasts come from that are made now.

    Args:
        rows: that are forecast, with their names and labels.
        split: what they are called.
        model: its file.
        digest: see `Origin.model_digest`.
        run: that the model is of, or None.
        limit: see `Origin`.
        allow_overlap: see `Origin`.
        table: where the rows were read from; None at the end of training, where no date is said either.
        source: the image root, or the table of magnetic features.
        options: see `Origin`.
    """
    return Origin(
        model=model.name,
        model_digest=digest,
        epoch=epoch_of(run, model),
        table=_whole(table),
        table_digest=table_digest(rows),
        split=split,
        limit=limit,
        allow_overlap=allow_overlap,
        date=None if table is None else now(),
        source=_whole(source),
        options=tuple(options),
    )


def _whole(path: str | Path | None) -> str | None:
    """Give a path from the root on: whoever reads it may work in another folder."""
    return path if path is None or is_url(path) else str(Path(path).resolve())


def now() -> str:
    """Give the time in UTC to the second; `SOURCE_DATE_EPOCH` (reproducible-builds.org) sets it, for the same bytes."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(said), UTC) if said.isdecimal() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_of(run: RunFolder | None, model: Path) -> int | None:
    """Find which epoch of a run a model file is of."""
    rows = run.history() if run else []
    return next((int(row["epoch"]) for row in rows if row["model"] == model.name), None)


def digest_of_rows(forecasts: pd.DataFrame) -> str | None:
    """Give the digest of the table that forecasts are of; None where names or labels are missing."""
    return None if forecasts[["filename", "label"]].isna().any(axis=None) else table_digest(forecasts)


def rows_in_short(forecasts: pd.DataFrame) -> dict[str, Any]:
    """Say which labelled rows these are: digest, images, events, regions that they show, those that events show."""
    event = (forecasts["label"] == 1).to_numpy(bool)
    return {
        "digest": digest_of_rows(forecasts),
        "images": len(forecasts),
        "events": int(event.sum()),
        "regions": len(all_regions(forecasts)),
        "event_regions": len(all_regions(forecasts[event])),
    }


def origin_values(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of `scores.json` that says where its forecasts come from."""
    values = {name: scores.get(name) for name in NAMES if name in scores}
    if "model" in values:
        values["model"] = Path(str(values["model"])).name
    return values


def rows_near_splits(described: Mapping[str, Any], forecasts: pd.DataFrame, event: EventDefinition) -> int | None:
    """Count the test rows of the whole disk that are less than latency + window from a training or validation row.

    Args:
        described: `run.json`.
        forecasts: of the test rows.
        event: that was forecast.

    Returns:
        How many; None where it cannot be known, because a row has no time or the run does not say its own.
    """
    spans = [spans_from_json((described["data"][name] or {}).get("times")) for name in ("train", "validation")]
    if None in spans or forecasts["time"].isna().any():
        return None
    near = [near_spans(forecasts["time"], one, hours_ahead(event)) for one in spans if one is not None]
    return int((near[0] | near[1]).sum())


def regions_in_two_splits(described: Mapping[str, Any], forecasts: pd.DataFrame) -> int | None:
    """Count the regions that stand in two of: training rows, validation rows, and the test rows that were forecast.

    Args:
        described: `run.json`.
        forecasts: of the test rows, with all regions of a patch (`noaa_ars`).

    Returns:
        How many; None where it cannot be known, because a row has no region or the run does not say its own.
    """
    data = described.get("data") or {}
    held = {name: (data.get(name) or {}).get("regions") for name in ("train", "validation")}
    if None in held.values() or forecasts["noaa_ar"].isna().any():
        return None
    tables = {name: pd.DataFrame({"noaa_ar": pd.Series(regions, dtype="Int32")}) for name, regions in held.items()}
    return len({region for shared in shared_regions({**tables, "test": forecasts}).values() for region in shared})
