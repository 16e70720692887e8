"""How well does a model forecast a labelled table?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.apart import require_times
from flarescope.catalog.boucheron import read_table, require_regions
from flarescope.catalog.splits import check_split
from flarescope.catalog.table_event import agreed_event, events_of_table
from flarescope.events import EventDefinition, agreed
from flarescope.files import read_json, write_json
from flarescope.forecaster.description import Description
from flarescope.forecaster.runs import RunFolder
from flarescope.log_odds import sigmoid
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.origin import Origin, origin_of
from flarescope.pipeline.verifying import Verifying, verify_model, verify_raw
from flarescope.progress import Reporter
from flarescope.scores.contingency import ContingencyTable, count
from flarescope.scores.loss import cross_entropy_of_log_odds
from flarescope.scores.threshold import ARGMAX
from flarescope.tables import forecast_table


@dataclass(frozen=True)
class Evaluation:
    """The verification of one model on one table.

    Attributes:
        model: the model's file.
        split: what the table is called.
        table: the four counts of the recipe's decision, argmax: yes from a probability of 0.5 on.
        loss: mean cross-entropy, unweighted.
        forecasts: one row an image (see `tables.FORECAST_DTYPES`), probabilities before any calibration.
        evaluated: the features' backbone, rendering and engine, or the file of magnetic features.
        event: what was forecast; None where nobody says it.
        origin: the model and the rows, as they stand beside the forecasts.
        verification: what `scores.verify.verify` gives; None where the rows are of one class only.
        folder: where scores and forecasts were written.

    Example:
        >>> found = flarescope.evaluate("runs/png", table="test.csv", images="images")
        >>> tss, rows = found.table.tss, found.forecasts
        >>> interval = found.verification["decisions"]["argmax"]["scores"]["tss"]
    """

    model: Path
    split: str
    table: ContingencyTable
    loss: float
    forecasts: pd.DataFrame
    evaluated: dict[str, Any] = field(repr=False)
    verification: dict[str, Any] | None = field(repr=False)
    folder: Path = field(repr=False)
    origin: Origin = field(repr=False)
    event: EventDefinition | None = field(default=None, repr=False)

    __repr__ = brief

    @property
    def undefined(self) -> list[str]:
        """Names of the scores that are 0/0."""
        return [name for name, value in self.table.scores().items() if math.isnan(value)]

    def to_json(self) -> dict[str, Any]:
        """Give the evaluation as plain values; an undefined score is None."""
        scores = {name: None if math.isnan(value) else value for name, value in self.table.scores().items()}
        return {
            "event": self.event.to_json() if self.event else None,
            **self.origin.to_json(),
            "model": str(self.model),
            **self.evaluated,
            "images": len(self.forecasts),
            "threshold": ARGMAX,
            "counts": self.table.counts(),
            "scores": scores,
            "undefined": self.undefined,
            "loss": self.loss,
            "verification": self.verification,
        }


@dataclass(frozen=True)
class Asked:
    """Which rows a model is evaluated on, and how: the arguments of `evaluate` that every model has."""

    rows: pd.DataFrame
    split: str
    table: str | Path
    limit: int | None
    allow_overlap: bool
    event: EventDefinition | None
    options: Sequence[str]
    verifying: Verifying


@dataclass(frozen=True)
class Made:
    """What a model made of the rows.

    Attributes:
        path: of its file.
        run: of which it is, or None.
        digest: of its numbers.
        described: what it says of itself; None leaves threshold and calibration out.
        log_odds: `(N,)` of an event, before any calibration.
        evaluated: what is said of the features.
        source: where the features, or the images, are.
    """

    path: Path
    run: RunFolder | None
    digest: str
    described: Description | None
    log_odds: np.ndarray
    evaluated: dict[str, Any]
    source: str | Path


def evaluation_of(made: Made, asked: Asked, folder: Path, reporter: Reporter) -> Evaluation:
    """Verify what a model made of labelled rows, and write it to a folder."""
    labels, probability = asked.rows["label"].to_numpy(dtype=np.int64), sigmoid(made.log_odds)
    forecasts = forecast_table(asked.rows, asked.split, probability)
    if made.described is None:
        verification = verify_raw(forecasts, made.run, asked.verifying, reporter, event=asked.event)
    else:
        verification = verify_model(forecasts, made.described, made.run, asked.verifying, reporter, event=asked.event)
    evaluation = Evaluation(
        model=made.path,
        split=asked.split,
        table=count(labels, made.log_odds >= 0),
        loss=cross_entropy_of_log_odds(labels, made.log_odds),
        forecasts=forecasts,
        evaluated=made.evaluated,
        verification=verification,
        folder=folder,
        origin=origin_of(
            asked.rows,
            asked.split,
            model=made.path,
            digest=made.digest,
            run=made.run,
            limit=asked.limit,
            allow_overlap=asked.allow_overlap,
            table=asked.table,
            source=made.source,
            options=asked.options,
        ),
        event=asked.event,
    )
    write_evaluation(evaluation, reporter)
    return evaluation


def labelled_rows(table: str | Path, *, split: str, limit: int | None, event: EventDefinition | None) -> pd.DataFrame:
    """Read the rows that a model is evaluated on, each with its region, or of the whole disk with its time.

    Raises:
        InputError: an unknown split, a bad table, rows without a region or a time.
    """
    check_split(split)
    rows = read_table(table, split=split, limit=limit, event=event)
    needed = require_times if event is not None and event.scope == "disk" else require_regions
    needed({str(table): rows})
    return rows


def write_evaluation(evaluation: Evaluation, reporter: Reporter) -> None:
    """Write forecasts and scores, and say whose they replace."""
    folder, split = RunFolder(evaluation.folder), evaluation.split
    _note_replaced(folder, evaluation, reporter)
    notes = event_notes(evaluation.event) | evaluation.origin.to_json()
    write_parquet(evaluation.forecasts, folder.forecasts(split), notes)
    write_json(folder.scores(split), evaluation.to_json())
    if split == "validation" and folder.run_json.is_file():
        described = folder.read()
        if evaluation.origin.table_digest != described["data"]["validation"]["digest"]:
            asked = "" if described.get("kind") == "magnetic" else ": `flarescope calibrate` will ask for those"
            reporter.warn(f"these are not the rows that the run was validated on{asked}")


def event_of_evaluation(
    of_model: EventDefinition | None, table: str | Path, stated: EventDefinition | None, reporter: Reporter
) -> EventDefinition | None:
    """Find the event that a model forecasts and a table has the labels of, and say what has to be said of it.

    Raises:
        InputError: the labels are of another event than the model forecasts.
    """
    wanted = of_model if stated is None and len(events_of_table(table)) > 1 else stated
    events = {"the model": of_model, f"the table {table}": agreed_event(table, wanted)}
    event, said = agreed(events, "evaluate on labels of the model's own event (`flarescope catalog label`)")
    for text in said:
        reporter.warn(text)
    return event


def _note_replaced(folder: RunFolder, evaluation: Evaluation, reporter: Reporter) -> None:
    """Say that the scores of another model, or of other rows, are being replaced."""
    path = folder.scores(evaluation.split)
    before = read_json(path) if path.exists() else {}
    after = evaluation.to_json()
    differing = [name for name in ("model", "table", "images", "table_digest") if before.get(name) != after[name]]
    if before and differing:
        was = ", ".join(f"{name} {before.get(name)}" for name in differing if name != "table_digest") or "other labels"
        reporter.say(f"{path}: replacing the scores of {was}")
