"""Which model made these forecasts, of which rows, and do they belong to this run?

What is known stands among the notes of the forecasts' file (`flarescope.notes`) and in `scores.json`. Forecasts of
older versions have none; of them only what the rows themselves show can be said.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.catalog.splits import shared_regions
from flarescope.connected import all_regions
from flarescope.errors import InputError
from flarescope.files import read_json
from flarescope.model.classifier import head_digest
from flarescope.model.magnetic_baseline import MagneticModel
from flarescope.model.run_records import is_plain_name
from flarescope.model.runs import RunFolder, chosen_epoch
from flarescope.pipeline.identity import table_digest
from flarescope.scores.threshold import ARGMAX

COUNTS = ("tp", "fn", "fp", "tn")


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

    def to_json(self) -> dict[str, Any]:
        """Give the origin as plain values."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(Origin))


def origin_from_json(values: Mapping[str, Any], source: object) -> Origin | None:
    """Read an origin among the notes of a file; None where there is none, as in those of older versions.

    Raises:
        InputError: values of another type.
    """
    if "model_digest" not in values:
        return None
    kinds = {"epoch": int | None, "table": str | None, "limit": int | None, "allow_overlap": bool, "date": str | None}
    found = {name: values.get(name) for name in NAMES}
    wrong = [name for name, value in found.items() if not isinstance(value, kinds.get(name, str))]
    wrong += [] if is_plain_name(found["model"]) else ["model"]
    if wrong:
        raise InputError(f"{source}: its notes on where it comes from are damaged ({wrong[0]}); evaluate again")
    return Origin(**found)  # type: ignore[arg-type]


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


def evaluate_again(run: RunFolder, described: Mapping[str, Any], split: str, origin: Origin | None = None) -> str:
    """Give the command that makes a run's forecasts of a split (again), with the best model and all rows.

    Args:
        run: the folder.
        described: its `run.json`.
        split: `validation` takes the table that the run was validated on.
        origin: of the forecasts that are there, which names their table.
    """
    magnetic = described.get("kind") == "magnetic"
    tables = described.get("tables") or {}
    validated = split == "validation"
    table = tables.get("validation") if validated else origin.table if origin else None
    words = ["flarescope", "evaluate-magnetic" if magnetic else "evaluate", _from_here(run.path)]
    words += ["--split", split] if split != "test" else []
    words += ["--table", _from_here(table) if table else "VALIDATION_TABLE" if validated else "TABLE"]
    images = "features" if magnetic else "images"
    words += [f"--{images}", _from_here(described[images])]
    words += ["--limit", str(tables["limit"])] if validated and tables.get("limit") else []
    words += ["--allow-overlap"] if described.get("allow_overlap") else []
    return f"`{shlex.join(words)}`"


def _from_here(path: str | Path) -> str:
    """Give a path in or below the working folder without that folder: a message has little room."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)


def check_validation_rows(
    run: RunFolder, described: Mapping[str, Any], forecasts: pd.DataFrame, origin: Origin | None, digest: str
) -> int:
    """Refuse validation forecasts that are not those of all of the run's validation rows by its best kept model.

    The rows are compared by their names and labels, whatever the notes say. Forecasts without notes (of older versions)
    must give the counts that the history has of the model's epoch.

    Args:
        run: the folder.
        described: its `run.json`.
        forecasts: what lies in `forecasts/validation.parquet`.
        origin: what the file says of itself, or None.
        digest: of the best kept model's head.

    Returns:
        The epoch of the best kept model.

    Raises:
        InputError: they are others; the message has the command that makes the right ones.
    """
    best = chosen_epoch([row for row in run.history() if (run.path / row["model"]).is_file()])
    recorded = (described.get("data") or {}).get("validation") or {}
    why = None
    if digest_of_rows(forecasts) != recorded.get("digest"):
        images = recorded.get("images")
        all_rows = f"all {images:,} validation rows" if isinstance(images, int) else "the validation rows"
        why = f"are of {len(forecasts):,} rows that are not {all_rows} of the run"
    elif origin is not None and origin.model_digest != digest:
        why = f"were made by {origin.model}, not by the best model, {best['model']}"
    elif origin is None and _counts(forecasts) != [best["validation"].get(name) for name in COUNTS]:
        why = f"do not say their model, and do not give the counts of epoch {best['epoch']}, the best"
    if why:
        again = evaluate_again(run, described, "validation")
        raise InputError(f"the validation forecasts {why}; run {again}")
    return int(best["epoch"])


def _counts(forecasts: pd.DataFrame) -> list[int]:
    event, yes = forecasts["label"] == 1, forecasts["probability"] >= ARGMAX
    return [int(both.sum()) for both in (event & yes, event & ~yes, ~event & yes, ~event & ~yes)]


def check_same_evaluation(
    run: RunFolder, split: str, forecasts: pd.DataFrame, origin: Origin | None, scores: Mapping[str, Any]
) -> None:
    """Refuse forecasts and scores that are not of one evaluation of this split, or of a model that was replaced.

    Raises:
        InputError: they are not; the message has the command that makes both.
    """
    why = None
    if origin is not None and origin.split != split:
        why = f"the forecasts are of {origin.split}, not of {split}"
    elif scores.get("table_digest") not in (None, digest_of_rows(forecasts)):
        why = "scores and forecasts are of other rows"
    elif origin != origin_from_json(origin_values(scores), run.scores(split)):
        why = "scores and forecasts are of two evaluations"
    elif origin is not None and digest_of_model(run.path / origin.model) not in (None, origin.model_digest):
        why = f"{origin.model} is another model than the one that made the forecasts"
    if why:
        again = evaluate_again(run, run.read(), split, origin)
        raise InputError(f"{split} of {_from_here(run.path)}: {why}; run {again}")


def digest_of_model(path: Path) -> str | None:
    """Give the digest of a model file that `Origin.model_digest` is compared with; None where it is not there.

    A complete Keras file is not read for it: that would take seconds.
    """
    if not path.is_file():
        return None
    return MagneticModel.from_json(read_json(path), str(path)).digest if path.suffix == ".json" else head_digest(path)


def origin_values(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of `scores.json` that says where its forecasts come from."""
    values = {name: scores.get(name) for name in NAMES if name in scores}
    if "model" in values:
        values["model"] = Path(str(values["model"])).name
    return values


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
