"""How well does a run of several events forecast a labelled table: each event, and all of them in order?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import write_json
from flarescope.forecaster.event_models import load_event_models
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.runs import RunFolder
from flarescope.notes import events_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.evaluating import evaluate, feature_root
from flarescope.pipeline.evaluation import Evaluation
from flarescope.pipeline.event_in_both import events_in_both
from flarescope.progress import Once, Reporter, WarningReporter
from flarescope.scores.contingency import count
from flarescope.several_events import events_to_json, implications, label_column, ordered


@dataclass(frozen=True)
class EventsEvaluation:
    """The verification of a run of several events on one table.

    Attributes:
        folder: of the run, where `scores.json` and `forecasts/<split>.parquet` have all events.
        split: what the table is called.
        events: that were evaluated.
        evaluations: of each, by its code, as `evaluate` gives it for the event alone.
        forecasts: one row an image: `filename`, `noaa_ar`, `time`, `split`, and for each event `label_M1.0_24h` and
            `probability_M1.0_24h`, calibrated and in order as `predict` gives it.
        order: what putting them in order changed and cost, by code (see `cost_of_order`).
    """

    folder: Path
    split: str
    events: tuple[EventDefinition, ...]
    evaluations: Mapping[str, Evaluation] = field(repr=False)
    forecasts: pd.DataFrame
    order: Mapping[str, Mapping[str, float | None]] = field(repr=False)

    __repr__ = brief

    def to_json(self) -> dict[str, Any]:
        """Give the evaluation as plain values, by event."""
        return {
            "events": events_to_json(self.events),
            "split": self.split,
            "order": {code: dict(values) for code, values in self.order.items()},
            "by_event": {code: one.to_json() for code, one in self.evaluations.items()},
        }


def evaluate_events(
    run: str | Path,
    *,
    table: str | Path,
    images: str | Path,
    split: str = "test",
    events: Sequence[EventDefinition] = (),
    features: str | Path | None = None,
    reporter: Reporter | None = None,
    **options: Any,  # noqa: ANN401 - those of `evaluate`
) -> EventsEvaluation:
    """Evaluate each event of a run on a table of several events; the images go through the network once.

    Args:
        run: the folder of a run of several events.
        table: labelled by all of the events that are evaluated.
        images: the image root.
        split: what the table is called.
        events: which; by default all of the run.
        features: the folder of the feature stores; by default the run's.
        reporter: hears notes and progress.
        options: further ones of `evaluate`, but `epoch`, `out` and `event`.

    Returns:
        The evaluation, which is also written: `scores.json` and `forecasts/<split>.parquet` in the run, and those of
        each event in its own folder `events/M1.0_24h`.

    Raises:
        InputError: as `evaluate`; an event that the run or the table has not.
    """
    reporter, runs = Once(reporter or WarningReporter()), EventRuns.open(Path(run))
    chosen = chosen_events(runs, table, events)
    stores = feature_stores(runs, chosen, features)
    asked: dict[str, Any] = {"table": table, "images": images, "split": split, "features": stores} | options
    found = {event.code: evaluate(runs.run(event).path, reporter=reporter, **asked) for event in chosen}
    backbone = options.get("backbone") or runs.run(chosen[0]).read().get("backbone")
    models = load_event_models(runs.model, backbone=backbone).some(chosen)
    described = [part.description for part in models.parts]
    raw = [one.forecasts["probability"].to_numpy(float) for one in found.values()]
    calibrated = [one.decision.probability(own) for one, own in zip(described, raw, strict=True)]
    thresholds = [one.threshold for one in described]
    return side_by_side(runs.path, split, chosen, found, np.stack(calibrated, axis=1), thresholds)


def chosen_events(runs: EventRuns, table: str | Path, events: Sequence[EventDefinition]) -> tuple[EventDefinition, ...]:
    """Give the events of a run that are asked for; where none is, all of them, of which a table has labels.

    Raises:
        InputError: one that the run has not, or the table has labels of some of them only.
    """
    return tuple(runs.chosen(events)) if events else _all_events(runs, table)


def feature_stores(runs: EventRuns, chosen: Sequence[EventDefinition], features: str | Path | None) -> Path:
    """Name the folder of the feature stores: that which is asked for, the run's, or that beside it."""
    if features:
        return Path(features)
    stores = feature_root(runs.run(chosen[0]), RunFolder(runs.path))
    return stores if stores.is_dir() else runs.path.parent / "features"


def _all_events(runs: EventRuns, table: str | Path) -> tuple[EventDefinition, ...]:
    """Give all events of a run, of which a table has labels.

    Raises:
        InputError: it has labels of some of them only.
    """
    both = events_in_both(runs.events, runs.path, table)
    if len(both) < len(runs.events):
        named = " ".join(f"--event {event.code}" for event in both)
        raise InputError(f"{table}: has labels of {len(both)} of the {len(runs.events)} events of the run; say {named}")
    return runs.events


def side_by_side(
    folder: Path,
    split: str,
    events: tuple[EventDefinition, ...],
    found: Mapping[str, Evaluation],
    alone: np.ndarray,
    thresholds: Sequence[float],
) -> EventsEvaluation:
    """Put the forecasts of several events side by side and in order, and write them and what that cost.

    Args:
        folder: where to.
        split: what the table is called.
        events: that were evaluated.
        found: the evaluation of each, by its code.
        alone: `(N, E)` the probabilities of each as it would be forecast alone.
        thresholds: of each.
    """
    table = next(iter(found.values())).forecasts[["filename", "noaa_ar", "time", "split"]].copy()
    together, order = ordered(alone, implications(events)), {}
    for place, (event, one) in enumerate(zip(events, found.values(), strict=True)):
        labels = one.forecasts["label"]
        table[label_column(event)], table[f"probability_{event.name}"] = labels, together[:, place]
        both = (alone[:, place], together[:, place])
        order[event.code] = cost_of_order(labels.to_numpy(float), *both, threshold=thresholds[place])
    evaluation, run = EventsEvaluation(folder, split, events, found, table, order), RunFolder(folder)
    write_parquet(table, run.forecasts(split), events_notes(events))
    write_json(run.scores(split), evaluation.to_json())
    return evaluation


def cost_of_order(
    labels: np.ndarray, alone: np.ndarray, ordered: np.ndarray, *, threshold: float
) -> dict[str, float | None]:
    """Tell what putting an event's forecasts in order with the others changed, and what it cost.

    Args:
        labels: `(N,)` 0/1.
        alone: `(N,)` the event's own calibrated probabilities.
        ordered: `(N,)` those after the step, by which `predict` says yes.
        threshold: from which on it says so.

    Returns:
        `changed`: the share of rows that changed by more than 1e-12; `largest_change`; before the step and after it the
        Brier score, `brier` and `brier_ordered`, and TSS, `tss` and `tss_ordered`, None where it is 0/0.
    """
    moved = np.abs(ordered - alone)
    tss = [count(labels, one >= threshold).tss for one in (alone, ordered)]
    return {
        "changed": float((moved > 1e-12).mean()),
        "largest_change": float(moved.max(initial=0)),
        "brier": float(np.square(alone - labels).mean()),
        "brier_ordered": float(np.square(ordered - labels).mean()),
        "tss": None if math.isnan(tss[0]) else tss[0],
        "tss_ordered": None if math.isnan(tss[1]) else tss[1],
    }
