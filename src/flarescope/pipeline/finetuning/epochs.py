"""How does a fine-tuning go through its epochs, each kept so that a kill costs little?"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from flarescope.backbones.tuned import Change, TunedWeights, tuned_weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.errors import InputError
from flarescope.finetuning.loop import Rows, Training, forecast_rows, learn_epoch
from flarescope.finetuning.state import FILE, Place, read_state, write_state
from flarescope.forecaster.classifier import Classifier, load_classifier
from flarescope.forecaster.runs import RunFolder, model_name, result_to_json
from flarescope.forecaster.tuned_file import describe_change
from flarescope.heads.head import Recipe
from flarescope.heads.result import EpochResult, result_of
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.featuring import ensure_features, open_store
from flarescope.pipeline.finetuning.beginning import base_of
from flarescope.pipeline.fitting import Saving, discard, epoch_line
from flarescope.pipeline.jobs import stops
from flarescope.pipeline.origin import origin_of
from flarescope.pipeline.training_data import TrainingData
from flarescope.progress import Reporter
from flarescope.tables import forecast_table


@dataclass(frozen=True)
class Fit:
    """A fine-tuning on its way.

    Attributes:
        run: its folder.
        training: what is trained, how, on what, by whom.
        validation: rows that tell how good an epoch is.
        begun: the model that it began with.
        data: the tables.
        saving: which models are kept.
        said: what `run.json` says.
        reporter: hears notes and progress.
    """

    run: RunFolder
    training: Training
    validation: Rows
    begun: Classifier
    data: TrainingData
    saving: Saving
    said: dict[str, Any]
    reporter: Reporter

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.training.processes.leads


def fit(one: Fit, state_every: int) -> None:
    """Train to the end, and write the forecasts of the validation rows; one process writes for all."""
    training, recipe = one.training, one.training.recipe
    place = read_state(one.run.path / FILE, len(training.rows.labels), training.tuned.parameters, training.optimiser)
    history = one.run.history()[: place.epoch]
    if len(history) < place.epoch:
        raise InputError(
            f"{one.run.history_jsonl}: has {len(history)} of the {place.epoch} finished epochs; delete {FILE} and run "
            "again, from the first epoch"
        )
    if not one.leads:
        place.log_odds[:] = 0  # what was forecast before is the first process's to add
    training.processes.wait()
    model = training.processes.together(training.tuned.model)
    while place.epoch < recipe.epochs and not stops(history, recipe.patience):
        _epoch(one, model, place, history, state_every)
    if one.leads:
        _finish(one)


def _epoch(
    one: Fit,
    model: nn.Module,
    place: Place,
    history: list[dict[str, Any]],
    state_every: int,
) -> None:
    training, processes = one.training, one.training.processes
    label = f"epoch {place.epoch + 1} of {training.recipe.epochs}"
    order = learn_epoch(
        training,
        model,
        place,
        kept=partial(_keep, one),
        every=state_every,
        progress=partial(one.reporter.advance, label),
    )
    log_odds = processes.total(place.log_odds)
    labels = training.rows.labels[order]
    weights = np.array(training.rows.class_weight)[labels]
    trained = result_of(labels, log_odds.astype(np.float64), clip=0, weights=weights)
    found = forecast_rows(
        training.tuned,
        one.validation,
        training.recipe.micro_batch or training.recipe.batch,
        processes,
        partial(one.reporter.advance, f"{label}, validation"),
    )
    validated = result_of(one.validation.labels, found, clip=0)
    place.epoch, place.done = place.epoch + 1, 0
    place.log_odds = np.zeros(len(labels), np.float32)
    history.append(_row(one, place.epoch, trained, validated))
    if one.leads:
        _write_epoch(one, place, history)
    processes.wait()
    one.reporter.say(epoch_line(trained, validated, label))


def _row(one: Fit, epoch: int, trained: EpochResult, validated: EpochResult) -> dict[str, Any]:
    chosen_by = {"chosen_by": "loss"} if one.training.recipe.stop_on == "loss" else {}
    name = model_name(epoch, validated.table.tss)
    results = {"train": result_to_json(trained), "validation": result_to_json(validated)}
    return {"epoch": epoch, **chosen_by, **results, "model": name}


def _write_epoch(one: Fit, place: Place, history: list[dict[str, Any]]) -> None:
    """Write model, history and, last, the state: a kill before that repeats the epoch, to the same bytes."""
    model_of(one).save(one.run.path / history[-1]["model"], full=_is_keras(one))
    one.run.write_history(history)
    write_state(one.run.path / FILE, place, one.training.tuned.parameters, one.training.optimiser)
    discard(one.run, history, one.saving)


def _keep(one: Fit, place: Place) -> None:
    """Keep where training stands in the middle of an epoch."""
    whole = one.training.processes.total(place.log_odds)
    place.log_odds = whole if one.leads else np.zeros_like(whole)
    if one.leads:
        write_state(one.run.path / FILE, place, one.training.tuned.parameters, one.training.optimiser)
    one.training.processes.wait()


def _is_keras(one: Fit) -> bool:
    return one.saving.full and one.begun.weights.backbone is VGG16


def model_of(one: Fit) -> Classifier:
    """Give the model as training stands."""
    tuned, (base, _) = one.training.tuned, base_of(one.begun.weights)
    weights: TunedWeights = tuned_weights(base, tuned.change())
    if one.saving.full and not _is_keras(one):
        weights = tuned_weights(base, Change(weights.load()))
    description = replace(
        one.data.first_model(Recipe()).description,
        family=weights.family,
        digest=weights.digest,
        tuned=describe_change(weights, one.training.recipe.start),
    )
    return Classifier(tuned.head, description, weights)


def _finish(one: Fit) -> None:
    """Forecast the validation rows with the model that stands for the run, by the engine that will forecast with it."""
    path = one.run.model_path()
    backbone = one.said["backbone"]
    in_hand = base_of(one.begun.weights)[0]
    model = load_classifier(path, backbone=in_hand if str(backbone).startswith("module:") else backbone)
    table, data = one.data.tables["validation"], one.data
    store = open_store(data.store.folder.parent, [table], model.weights, data.compute, one.reporter)
    rows = ensure_features(store, table, data.images, model.weights, data.compute, one.reporter, "validation features")
    forecasts = forecast_table(table, "validation", model.head.probability(rows))
    origin = origin_of(
        forecasts,
        "validation",
        model=path,
        digest=model.head.digest,
        run=one.run,
        limit=data.limit,
        allow_overlap=data.allow_overlap,
    )
    write_parquet(forecasts, one.run.forecasts("validation"), event_notes(data.event) | origin.to_json())
    one.run.write({**one.said, "store": asdict(store.key), "finished": True})
