"""How well does a network's model forecast a labelled table of images?"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from flarescope.backbones.base import Spec
from flarescope.catalog.apart import hours_ahead, near_spans, refuse_near, spans_from_json
from flarescope.catalog.boucheron import read_table
from flarescope.catalog.splits import check_disjoint, shared_regions
from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.features.store_key import StoreKey
from flarescope.forecaster.event_runs import run_of_event
from flarescope.forecaster.runs import RunFolder
from flarescope.images.remote import images_at
from flarescope.images.root import ImageRoot
from flarescope.pipeline.again import options_of
from flarescope.pipeline.evaluation import Asked, Evaluation, Made, evaluation_of, event_of_evaluation, labelled_rows
from flarescope.pipeline.event_in_both import event_in_both
from flarescope.pipeline.featuring import Compute, Features, announce, check_before, open_store
from flarescope.pipeline.flux_skill import flux_skill
from flarescope.pipeline.history import features_of
from flarescope.pipeline.likeness import tell_differences
from flarescope.pipeline.models import Model, load
from flarescope.pipeline.other_images import tell_other_form
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter, WarningReporter
from flarescope.several_events import codes, one_of


def evaluate(
    model: str | Path,
    *,
    table: str | Path,
    images: str | Path,
    epoch: int | None = None,
    split: str = "test",
    backbone: Spec | None = None,
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
        event: that the labels are of, for a table that does not say it; which one, of a model of several events, of
            which the table has more than one.
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
    event = event_in_both(Path(model), table, event, reporter)
    options = options_of(compute=compute, backbone=backbone, event=event, verifying=verifying)
    found = _of_event(load(run_of_event(Path(model), event), epoch=epoch, backbone=backbone), event)
    described = found.classifier.description
    event = event_of_evaluation(described.event, table, event, reporter)
    rows, compute = labelled_rows(table, split=split, limit=limit, event=event), compute.of_event(event)
    announce(found.classifier.weights, reporter, synthetic=found.classifier.description.synthetic)
    if not allow_overlap:
        _check_unseen(found, rows, split, event, reporter)
    folder = RunFolder(Path(out)) if out else found.run or RunFolder(found.path.with_suffix(".evaluation"))
    stores = Path(features or feature_root(found.run, folder))
    whole = read_table(table, split=split) if limit and described.history else rows
    store, log_odds = _forecast(found, rows, whole, images_at(images), stores, compute, reporter, f"{split} features")
    asked = Asked(rows, split, table, limit, allow_overlap, event, options, verifying)
    skill = flux_skill(described, log_odds, rows["flare"])
    evaluated = {"store": asdict(store)} | ({"flux": skill} if skill else {})
    digest = found.classifier.head.digest
    made = Made(found.path, found.run, digest, described, log_odds, evaluated, images)
    return evaluation_of(made, asked, folder.path, reporter)


def _of_event(found: Model, event: EventDefinition | None) -> Model:
    """Give the model of one event in a file of several; any other model as it is.

    Raises:
        InputError: none is chosen, or one that the file has not.
    """
    if found.several is None:
        return found
    events = found.several.events
    own = None if event is None else one_of(events, event)
    if own is None:
        raise InputError(f"{found.path}: a model of {codes(events)[:150]}; choose one: --event {events[0].code}")
    return Model(found.several.parts[events.index(own)], found.path, None)


def _forecast(
    found: Model,
    rows: pd.DataFrame,
    whole: pd.DataFrame,
    images: ImageRoot,
    stores: Path,
    compute: Compute,
    reporter: Reporter,
    label: str,
) -> tuple[StoreKey, np.ndarray]:
    """Give the log odds of an event, `(N,)`, and the key of the store whose features they are of.

    A model with a history looks back among the rows of the whole table.
    """
    check_before(images, compute)
    store = _open_store_of(found, rows, stores, compute, reporter)
    reporter.say(f"model: {found.path}; engine: {store.key.engine}")
    tell_other_form(found.classifier.description.rendering, [store.key.rendering], reporter)
    tell_differences(found.classifier.description.likeness, rows, images, compute, reporter)
    classifier = found.classifier
    features = features_of(
        store,
        rows,
        whole,
        classifier.description.looks_back,
        images=images,
        weights=classifier.weights,
        compute=compute,
        reporter=reporter,
        label=label,
    )
    return store.key, classifier.head.log_odds(features)


def _open_store_of(found: Model, rows: pd.DataFrame, root: Path, compute: Compute, reporter: Reporter) -> Features:
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


def feature_root(run: RunFolder | None, folder: RunFolder) -> Path:
    """Name the folder of the feature stores: the run's, or that beside it where the run was moved."""
    if run is None:
        return folder.path / "features"
    kept = Path(run.read()["features"])
    return kept if kept.is_dir() else run.path.parent / "features"  # the run was moved to another place or machine


def _check_unseen(
    found: Model, rows: pd.DataFrame, split: str, event: EventDefinition | None, reporter: Reporter
) -> None:
    """Refuse to verify a model on regions that it was trained on, and say where they chose its epoch or are unknown.

    Of the whole disk: on rows less than latency + window from those that it was trained on.
    """
    if event is not None and event.scope == "disk":
        _check_unseen_times(found, rows, split, event, reporter)
        return
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


def _check_unseen_times(
    found: Model, rows: pd.DataFrame, split: str, event: EventDefinition, reporter: Reporter
) -> None:
    spans = spans_from_json(found.classifier.description.times)
    if spans is None:
        reporter.warn(
            "when the model's training images were taken is not known: scores of times near them look too good"
        )
    elif split != "train":
        refuse_near(rows["time"], spans, event, names=("the training set of the model", f"the {split} table"))
    if found.run and split == "test":
        chosen_on = spans_from_json(found.run.read()["data"]["validation"].get("times")) or []
        near = int(near_spans(rows["time"], chosen_on, hours_ahead(event)).sum())
        if near:
            reporter.warn(f"{of_them(near, len(rows), 'row')} near in time to those that chose the model's epoch")
