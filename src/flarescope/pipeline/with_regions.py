"""How do forecasts of a run and of a region model become one: on validation rows, evaluated, and for new images?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.forecaster.runs import RunFolder
from flarescope.forecaster.small_file import read_small
from flarescope.forecaster.with_regions import IMAGE, NAME, WithRegions, read_with_regions
from flarescope.heads.stack import fit_stack
from flarescope.log_odds import sigmoid
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.evaluation import Asked, Evaluation, Made, evaluation_of
from flarescope.pipeline.models import load
from flarescope.pipeline.predicted import Predicted
from flarescope.pipeline.record import fit_record, record_event, record_log_odds, tell_unknown
from flarescope.pipeline.region_data import RegionData, read_region_data
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.grid import log_odds
from flarescope.regions.training import NAMES
from flarescope.scores.clusters import clusters_of
from flarescope.scores.loss import cross_entropy_of_log_odds
from flarescope.scores.threshold import choose_threshold
from flarescope.tables import read_forecasts

FOLDER: Final = "with_regions"
"""In a run, of what is evaluated with the region model."""


@dataclass(frozen=True)
class RecordFiles:
    """Which region model goes with a head, and which files hold NOAA's record.

    Attributes:
        name: of the region model (`regions.training.NAMES`).
        regions: summaries (`catalog.noaa_regions.read_summaries`).
        flares: a flare list, complete from 3 days before the first image.
        flux_scale: of the list, where it does not say it.
    """

    name: str
    regions: Sequence[str | Path]
    flares: str | Path
    flux_scale: str | None = None

    __repr__ = brief

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise InputError(f"--with {self.name[:40]}: no region model; expected {', '.join(NAMES)}")

    def read(self, reporter: Reporter) -> RegionData:
        """Read them."""
        return read_region_data(self.regions, self.flares, flux_scale=self.flux_scale, reporter=reporter)


def add_regions(
    run: str | Path,
    files: RecordFiles,
    *,
    event: EventDefinition | None = None,
    data: RegionData | None = None,
    reporter: Reporter | None = None,
) -> WithRegions:
    """Train a region model on a run's training regions, and join it with the run's head on its validation rows.

    Neither part has seen a validation row, and what joins them is judged out of fold by regions.

    Args:
        run: a finished run of one event.
        files: which region model, and NOAA's record of the run's regions.
        event: what label 1 means, where the run does not say it.
        data: what the files hold, where they were read before.
        reporter: hears notes.

    Returns:
        What was written into the run, `with_regions.json`.

    Raises:
        InputError: no such run, or a record that does not cover the run's regions.
    """
    reporter, folder, name = reporter or WarningReporter(), RunFolder(Path(run)), files.name
    described, data = folder.read(), data or files.read(reporter)
    event = record_event(event_from_json(described.get("event"), str(folder.run_json)) or event, data.scale)
    rows = read_forecasts(folder.forecasts("validation"))
    models = fit_record(data, [name], described["data"]["train"]["regions"], reporter)
    record = record_log_odds(models.regional, rows, data, event)
    tell_unknown(record, reporter, "validation rows")
    parts = np.stack([log_odds(rows["probability"].to_numpy(float)), record[name].to_numpy()], axis=1)
    labels, groups = rows["label"].to_numpy(np.int64), clusters_of([rows], event).of_rows.to_numpy(np.int64)
    alone, both = fit_stack([IMAGE], parts[:, :1], labels, groups), fit_stack([IMAGE, name], parts, labels, groups)
    losses = [cross_entropy_of_log_odds(labels, log_odds(one.out_of_fold)) for one in (alone, both)]
    chosen = choose_threshold(rows.assign(probability=both.out_of_fold, split="validation"))
    found = WithRegions(
        name,
        models.regional[name],
        both.stack,
        chosen,
        load(folder.path).classifier.head.digest,
        {"region_days": models.region_days, "regions": models.regions},
        {
            "images": len(rows),
            "events": int(labels.sum()),
            "regions": int(rows["noaa_ar"].nunique()),
            "log_loss": dict(zip((IMAGE, "together"), losses, strict=True)),
        },
    )
    found.write(folder.path / NAME)
    reporter.say(
        f"with {name}: log loss out of fold on the validation rows {losses[1]:.4f}, of the image alone {losses[0]:.4f}"
    )
    return found


def evaluate_with_regions(
    run: str | Path,
    files: RecordFiles,
    *,
    table: str | Path,
    images: str | Path,
    split: str = "test",
    out: str | Path | None = None,
    event: EventDefinition | None = None,
    data: RegionData | None = None,
    verifying: Verifying | None = None,
    reporter: Reporter | None = None,
    **options: Any,  # noqa: ANN401 - those of `evaluate`
) -> Evaluation:
    """Evaluate a run's head joined with its region model, on a labelled table.

    Args:
        run: its folder, to which `train --with` added a region model.
        files: NOAA's record of the table's regions.
        table: as for `evaluating.evaluate`, also those below.
        images: the image root.
        split: what the table is called.
        out: where to write; by default `with_regions` in the run. The image alone is written to `image` in it.
        event: that the labels are of, where nobody says it.
        data: what the files hold, where they were read before.
        verifying: how intervals and baselines are made.
        reporter: hears notes and progress.
        options: the others of `evaluate`.

    Raises:
        InputError: no region model in the run, another head than it was fitted with, or what `evaluate` refuses.
    """
    reporter, verifying = reporter or WarningReporter(), verifying or Verifying()
    joined, model = joined_of_run(run, files.name), load(run)
    if split == "validation":
        raise InputError("head and region model were joined on the validation rows: evaluate on others (--split test)")
    place = Path(out) if out else Path(run) / FOLDER
    alone = evaluate(
        run,
        table=table,
        images=images,
        split=split,
        out=place / "image",
        event=event,
        verifying=replace(verifying, replicates=0),
        reporter=reporter,
        **options,
    )
    rows, data = alone.forecasts, data or files.read(reporter)
    known = record_event(alone.event or event, data.scale)
    record = record_log_odds({joined.name: joined.regional}, rows, data, known)
    tell_unknown(record, reporter, f"{split} rows")
    found = log_odds_together(joined, rows["probability"].to_numpy(float), record)
    described = replace(
        model.classifier.description,
        calibration=None,
        threshold=joined.choice.threshold,
        choice=joined.choice.to_json(),
        fitted_on=None,
    )
    made = Made(
        Path(run) / NAME,
        model.run,
        joined.head_digest,
        described,
        found,
        {**alone.evaluated, "with_regions": {"name": joined.name, **joined.trained}},
        images,
    )
    origin = alone.origin
    asked = Asked(rows, split, table, origin.limit, origin.allow_overlap, alone.event, origin.options, verifying)
    return evaluation_of(made, asked, place, reporter)


def with_regions(predicted: Predicted, run: str | Path, files: RecordFiles, reporter: Reporter) -> Predicted:
    """Join forecasts of images by a run's head with its region model.

    Args:
        predicted: by the run's model.
        run: its folder.
        files: NOAA's record: the last summary before each image, and the flares of the 3 days before it.
        reporter: hears of how many images the record is not known.

    Returns:
        The forecasts, `probability` of both together, `probability_image` of the image alone (as the head gave it),
        `probability_regions` of the region model, null where the record is not known.

    Raises:
        InputError: no region model in the run, or a record of none of the images.
    """
    joined = joined_of_run(run, files.name)
    table, data = predicted.forecasts, files.read(reporter)
    known = record_event(predicted.event, data.scale)
    record = record_log_odds({joined.name: joined.regional}, table, data, known)
    tell_unknown(record, reporter, "forecasts")
    image = table["probability_raw" if "probability_raw" in table else "probability"].to_numpy(float)
    probability = sigmoid(log_odds_together(joined, image, record))
    columns = {
        "probability": probability,
        "probability_image": image,
        "probability_regions": sigmoid(record[joined.name].to_numpy()),
        "flare": probability >= joined.choice.threshold,
    }
    kept = table.drop(columns="probability_raw", errors="ignore").assign(**columns)
    return replace(predicted, forecasts=kept, threshold=joined.choice.threshold)


def joined_of_run(run: str | Path, name: str) -> WithRegions:
    """Read what joins the head of a run with a region model.

    Raises:
        InputError: nothing, another region model, or one that was joined with another head.
    """
    joined, file = read_with_regions(Path(run)), RunFolder(Path(run)).model_path()
    if joined.name != name:
        raise InputError(f"{run}: its region model is {joined.name}, not {name}: --with {joined.name}")
    kept = read_small(file)  # without the network; a complete Keras file is read with it
    if (kept[0] if kept else load(run).classifier.head).digest != joined.head_digest:
        raise InputError(
            f"{run}: its region model was joined with another head than {file.name}; train again with --with"
        )
    return joined


def log_odds_together(joined: WithRegions, image: np.ndarray, record: pd.DataFrame) -> np.ndarray:
    """Give the log odds of both, `(N,)`, from the probability of the image and the log odds of the record."""
    parts = np.stack([log_odds(image), record[joined.name].to_numpy()], axis=1)
    return joined.stack.log_odds(parts)
