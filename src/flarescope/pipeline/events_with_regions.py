"""How do several events, each forecast by its head and its region model together, keep their order?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.forecaster.event_runs import EventRuns, is_of_events
from flarescope.log_odds import sigmoid
from flarescope.pipeline.evaluating_events import EventsEvaluation, chosen_events, feature_stores, side_by_side
from flarescope.pipeline.predicted import Predicted
from flarescope.pipeline.record import record_event, record_log_odds, tell_unknown
from flarescope.pipeline.with_regions import (
    FOLDER,
    RecordFiles,
    evaluate_with_regions,
    joined_of_run,
    log_odds_together,
    with_regions,
)
from flarescope.progress import Once, Reporter, WarningReporter
from flarescope.several_events import implications, ordered


def predicted_with_regions(predicted: Predicted, run: str | Path, files: RecordFiles, reporter: Reporter) -> Predicted:
    """Join forecasts of images with a run's region models: of one event (`with_regions`), or of each of several.

    Args:
        predicted: by the run's model.
        run: its folder.
        files: NOAA's record of the images' regions.
        reporter: hears of how many images the record is not known.

    Returns:
        Of several events `probability_M1.0_24h` of both together, in order, `yes_M1.0_24h` by the threshold of both,
        `raw_M1.0_24h` of the image alone (as its head gives it), and `regions_M1.0_24h` of the region model, null where
        the record is not known. Medians of a regression, which are of the image alone, are left out.

    Raises:
        InputError: no region model in the run, or a record of none of the images.
    """
    if not predicted.events:
        return with_regions(predicted, run, files, reporter)
    if not is_of_events(Path(run)):
        raise InputError(f"{run}: no region model lies beside a model file; give the folder of its run")
    runs, data, table = EventRuns.open(Path(run)), files.read(reporter), predicted.forecasts
    parts = [joined_of_run(runs.run(event).path, files.name) for event in predicted.events]
    both, columns = [], dict[str, Any]()
    for event, joined in zip(predicted.events, parts, strict=True):
        record = record_log_odds({joined.name: joined.regional}, table, data, record_event(event, data.scale))
        tell_unknown(record, reporter, f"{event.code}, forecasts")
        raw = table[f"raw_{event.name}"].to_numpy(float)
        both.append(sigmoid(log_odds_together(joined, raw, record)))
        columns[f"regions_{event.name}"] = sigmoid(record[joined.name].to_numpy())
    found = ordered(np.stack(both, axis=1), implications(predicted.events))
    for place, (event, joined) in enumerate(zip(predicted.events, parts, strict=True)):
        columns[f"probability_{event.name}"] = found[:, place]
        columns[f"yes_{event.name}"] = found[:, place] >= joined.choice.threshold
    medians = [name for name in table if str(name).startswith("median_flare_")]
    return replace(predicted, forecasts=table.drop(columns=medians).assign(**columns))


def evaluate_events_with_regions(
    run: str | Path,
    files: RecordFiles,
    *,
    table: str | Path,
    images: str | Path,
    split: str = "test",
    events: Sequence[EventDefinition] = (),
    features: str | Path | None = None,
    reporter: Reporter | None = None,
    **options: Any,  # noqa: ANN401 - those of `evaluate`
) -> EventsEvaluation:
    """Evaluate each event of a run joined with its region model, and all of them in order.

    Args:
        run: the folder of a run of several events, to which `train --with` added region models.
        files: NOAA's record of the table's regions.
        table: labelled by all of the events that are evaluated, as also the others of `evaluate_events`.
        images: the image root.
        split: what the table is called.
        events: which; by default all of the run.
        features: the folder of the feature stores; by default the run's.
        reporter: hears notes and progress.
        options: further ones of `evaluate`, but `epoch`, `out` and `event`.

    Returns:
        The evaluation, which is also written into `with_regions` in the run, and those of each event into
        `with_regions` in its own folder.

    Raises:
        InputError: as `evaluate_events` and `evaluate_with_regions`.
    """
    reporter, runs = Once(reporter or WarningReporter()), EventRuns.open(Path(run))
    chosen = chosen_events(runs, table, events)
    stores, data = feature_stores(runs, chosen, features), files.read(reporter)
    asked: dict[str, Any] = {"table": table, "images": images, "split": split, "features": stores} | options
    found = {
        event.code: evaluate_with_regions(runs.run(event).path, files, data=data, reporter=reporter, **asked)
        for event in chosen
    }
    alone = np.stack([one.forecasts["probability"].to_numpy(float) for one in found.values()], axis=1)
    thresholds = [joined_of_run(runs.run(event).path, files.name).choice.threshold for event in chosen]
    return side_by_side(runs.path / FOLDER, split, chosen, found, alone, thresholds)
