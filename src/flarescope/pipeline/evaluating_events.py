"""How well does a run of several events forecast a labelled table: each event, and all of them in order?"""

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
from flarescope.forecaster.event_models import EventModels, load_event_models
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.runs import RunFolder
from flarescope.notes import events_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.evaluating import evaluate, feature_root
from flarescope.pipeline.evaluation import Evaluation
from flarescope.pipeline.event_in_both import events_in_both
from flarescope.progress import Reporter, WarningReporter
from flarescope.several_events import events_to_json, label_column


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
    order: Mapping[str, Mapping[str, float]] = field(repr=False)

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
    reporter, runs = reporter or WarningReporter(), EventRuns.open(Path(run))
    chosen = tuple(runs.chosen(events)) if events else _all_events(runs, table)
    stores = Path(features) if features else feature_root(runs.run(chosen[0]), RunFolder(runs.path))
    stores = stores if features or stores.is_dir() else runs.path.parent / "features"
    asked: dict[str, Any] = {"table": table, "images": images, "split": split, "features": stores} | options
    found = {event.code: evaluate(runs.run(event).path, reporter=reporter, **asked) for event in chosen}
    backbone = options.get("backbone") or runs.run(chosen[0]).read().get("backbone")
    models = load_event_models(runs.model, backbone=backbone).some(chosen)
    evaluation = _joined(runs, split, found, models)
    place = RunFolder(runs.path)
    write_parquet(evaluation.forecasts, place.forecasts(split), events_notes(chosen))
    write_json(place.scores(split), evaluation.to_json())
    return evaluation


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


def _joined(runs: EventRuns, split: str, found: Mapping[str, Evaluation], models: EventModels) -> EventsEvaluation:
    """Put the forecasts of the events side by side, calibrated and in order."""
    table = next(iter(found.values())).forecasts[["filename", "noaa_ar", "time", "split"]].copy()
    raw = np.stack([one.forecasts["probability"].to_numpy(float) for one in found.values()], axis=1)
    ordered = models.probability(raw)
    order = {}
    for place, (event, one) in enumerate(zip(models.events, found.values(), strict=True)):
        labels = one.forecasts["label"]
        table[label_column(event)], table[f"probability_{event.name}"] = labels, ordered[:, place]
        alone = models.parts[place].description.decision.probability(raw[:, place])
        order[event.code] = cost_of_order(labels.to_numpy(float), alone, ordered[:, place])
    return EventsEvaluation(runs.path, split, models.events, found, table, order)


def cost_of_order(labels: np.ndarray, alone: np.ndarray, ordered: np.ndarray) -> dict[str, float]:
    """Tell what putting an event's forecasts in order with the others changed, and what it cost.

    Args:
        labels: `(N,)` 0/1.
        alone: `(N,)` the event's own calibrated probabilities.
        ordered: `(N,)` those after the step.

    Returns:
        `changed`: the share of rows that changed by more than 1e-12; `largest_change`; the Brier score `brier` before
        and `brier_ordered` after.
    """
    moved = np.abs(ordered - alone)
    return {
        "changed": float((moved > 1e-12).mean()),
        "largest_change": float(moved.max(initial=0)),
        "brier": float(np.square(alone - labels).mean()),
        "brier_ordered": float(np.square(ordered - labels).mean()),
    }
