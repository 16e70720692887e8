"""How well does a model forecast a labelled table?"""

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.boucheron import read_table, require_regions
from flarescope.catalog.splits import check_disjoint, check_split, shared_regions
from flarescope.catalog.table_event import agreed_event
from flarescope.events import EventDefinition, agreed
from flarescope.features.store import FeatureStore, StoreKey
from flarescope.files import read_json, write_json
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import sigmoid
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.again import options_of
from flarescope.pipeline.featuring import Compute, announce, check_before, ensure_features, open_store
from flarescope.pipeline.likeness import tell_differences
from flarescope.pipeline.models import Model, load
from flarescope.pipeline.origin import Origin, origin_of
from flarescope.pipeline.other_images import tell_other_form
from flarescope.pipeline.verifying import Verifying, verify_model
from flarescope.progress import Reporter, WarningReporter
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


def evaluate(
    model: str | Path,
    *,
    table: str | Path,
    images: str | Path,
    epoch: int | None = None,
    split: str = "test",
    backbone: str | None = None,
    compute: Compute | None = None,
    features: str | Path | None = None,
    out: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | None = None,
    verifying: Verifying | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Forecast every image of a labelled table and count hits and misses.

    Args:
        model: a run's folder, a model file, or a model of the reference notebook.
        table: labelled rows; of a catalogue with a `split` column those of `split` are taken.
        images: the folder that the table's file names are relative to.
        epoch: which model of a run; by default the best by validation TSS.
        split: what the table is called: `train`, `validation` or `test`.
        backbone: where to find the backbone instead of where the model says.
        compute: of the features.
        features: the folder of the feature stores; by default the run's.
        out: where to write; by default into the run, or beside the model file.
        limit: only so many rows, drawn at random, the same ones every time.
        allow_overlap: go on where the model was trained on regions of the table.
        event: that the labels are of, for a table that does not say it.
        verifying: how intervals and baselines are made.
        reporter: hears notes and progress.

    Returns:
        The evaluation, which is also written: `scores.json` and `forecasts/<split>.parquet`.

    Raises:
        InputError: bad tables, images or models; regions that the model was trained on.

    Example:
        >>> found = flarescope.evaluate("runs/png", table="test.csv", images="images")
        >>> sum(found.table.counts().values()) == len(found.forecasts)
        True
    """
    compute, verifying, reporter = compute or Compute(), verifying or Verifying(), reporter or WarningReporter()
    options = options_of(compute=compute, backbone=backbone, event=event, verifying=verifying)
    rows = labelled_rows(table, split=split, limit=limit)
    found = load(model, epoch=epoch, backbone=backbone)
    described = found.classifier.description
    event = event_of_evaluation(described.event, table, event, reporter)
    announce(found.classifier.weights, reporter)
    if not allow_overlap:
        _check_unseen(found, rows, split, reporter)
    folder = RunFolder(Path(out)) if out else found.run or RunFolder(found.path.with_suffix(".evaluation"))
    stores = Path(features or _feature_root(found.run, folder))
    store, log_odds = _forecast(found, rows, Path(images), stores, compute, reporter, f"{split} features")
    labels, probability = rows["label"].to_numpy(dtype=np.int64), sigmoid(log_odds)
    forecasts = forecast_table(rows, split, probability)
    evaluation = Evaluation(
        model=found.path,
        split=split,
        table=count(labels, probability >= ARGMAX),
        loss=cross_entropy_of_log_odds(labels, log_odds),
        forecasts=forecasts,
        evaluated={"store": asdict(store)},
        verification=verify_model(forecasts, described, found.run, verifying, reporter, event=event),
        folder=folder.path,
        origin=origin_of(
            rows,
            split,
            model=found.path,
            digest=found.classifier.head.digest,
            run=found.run,
            limit=limit,
            allow_overlap=allow_overlap,
            table=table,
            source=images,
            options=options,
        ),
        event=event,
    )
    write_evaluation(evaluation, reporter)
    return evaluation


def labelled_rows(table: str | Path, *, split: str, limit: int | None) -> pd.DataFrame:
    """Read the rows that a model is evaluated on, each with its region.

    Raises:
        InputError: an unknown split, a bad table, rows without a region.
    """
    check_split(split)
    rows = read_table(table, split=split, limit=limit)
    require_regions({str(table): rows})
    return rows


def _forecast(
    found: Model, rows: pd.DataFrame, images: Path, stores: Path, compute: Compute, reporter: Reporter, label: str
) -> tuple[StoreKey, np.ndarray]:
    """Give the log odds of an event, `(N,)`, and the key of the store whose features they are of."""
    check_before(images, compute)
    store = _open_store_of(found, rows, stores, compute, reporter)
    reporter.say(f"model: {found.path}; engine: {store.key.engine}")
    tell_other_form(found.classifier.description.rendering, [store.key.rendering], reporter)
    tell_differences(found.classifier.description.likeness, rows, images, compute, reporter)
    features = ensure_features(store, rows, images, found.classifier.weights, compute, reporter, label)
    return store.key, found.classifier.head.log_odds(features)


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
    events = {"the model": of_model, f"the table {table}": agreed_event(table, stated)}
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


def _open_store_of(found: Model, rows: pd.DataFrame, root: Path, compute: Compute, reporter: Reporter) -> FeatureStore:
    """Open the store of a model's features, kept as its run keeps them; say where another engine makes them."""
    trained = found.run.read()["store"] if found.run else {}
    if compute.store is None:
        compute = replace(compute, store=trained.get("dtype"))
    store = open_store(root, [rows], found.classifier.weights, compute, reporter)
    if trained and trained["engine"] != store.key.engine:
        reporter.warn(
            f"the run was trained on features of {trained['engine']}, these are of {store.key.engine}: a few forecasts "
            "can differ (--engine, --precision)"
        )
    return store


def _feature_root(run: RunFolder | None, folder: RunFolder) -> Path:
    if run is None:
        return folder.path / "features"
    kept = Path(run.read()["features"])
    return kept if kept.is_dir() else run.path.parent / "features"  # the run was moved to another place or machine


def _check_unseen(found: Model, rows: pd.DataFrame, split: str, reporter: Reporter) -> None:
    """Refuse to verify a model on regions that it was trained on, and say where they chose its epoch or are unknown."""
    regions = found.classifier.description.regions
    if regions is None:
        reporter.warn("which regions the model was trained on is not known: scores on any of these look too good")
    elif split != "train":
        check_disjoint(
            {"the training set of the model": pd.DataFrame({"noaa_ar": regions}), f"the {split} table": rows}
        )
    if found.run and split == "test":
        chosen_on = pd.DataFrame({"noaa_ar": found.run.read()["data"]["validation"]["regions"]})
        shared = shared_regions({"validation": chosen_on, "test": rows})
        if shared:
            number = len(shared["validation", "test"])
            reporter.warn(f"{number} region{'s' * (number > 1)} of the table chose the model's epoch (validation)")
