"""Which choices validate best, when all heads share the same features?"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flarescope.backbones.base import Spec
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import make_folder, write_json, write_text
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import SEQUENCE, Recipe
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.fitting import Saving, fit_runs
from flarescope.pipeline.identity import claimed
from flarescope.pipeline.jobs import Job
from flarescope.pipeline.sweep_grid import Combination, Grid
from flarescope.pipeline.sweep_scores import Swept, compare, to_csv
from flarescope.pipeline.training_data import TrainingData, looking_back, open_training_data
from flarescope.pipeline.training_events import claimed_events, event_jobs, finish_events
from flarescope.progress import Reporter, WarningReporter


def sweep(
    *,
    train: str | Path,
    validation: str | Path,
    images: str | Path,
    out: str | Path,
    grid: Grid | None = None,
    backbone: Spec = "imagenet",
    recipe: Recipe | None = None,
    compute: Compute | None = None,
    saving: Saving | None = None,
    features: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | Sequence[EventDefinition] | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Train every combination of a grid on the same features; combinations of one seed share each batch as it is read.

    Each becomes a run's folder in `out` with the bytes that `train` alone gives. The combinations are compared on
    validation rows only, of several events by the mean over them. A killed sweep goes on where it stood.

    Args:
        train: as in `training.train`, also those below.
        validation: rows that the combinations are compared on.
        images: the image root.
        out: the folder of the runs.
        grid: the combinations.
        backbone: name of a network, a Keras file (see `backbones.registry.find`), or a `flarescope.Backbone`.
        recipe: what the combinations have in common.
        compute: of the features.
        saving: which models each run keeps.
        features: the folder of the feature stores; by default `features` beside `out`.
        limit: only so many rows of each table.
        allow_overlap: go on where a region stands in both tables.
        event: that the labels are of, for tables that do not say it; of tables of several, which: without it all.
        reporter: hears notes and progress.

    Returns:
        The comparison (see `compare`), which is also written: `sweep.json`, and its runs as `sweep.csv`.

    Raises:
        InputError: as `training.train`; two combinations whose folders would have one name.

    Example:
        >>> found = flarescope.sweep(
        ...     train="train.csv",
        ...     validation="validation.csv",
        ...     images="images",
        ...     out="sweep",
        ...     grid=flarescope.Grid(seeds=(0, 1, 2)),
        ... )
        >>> best = found["best"]
    """
    compute, saving, reporter = compute or Compute(), saving or Saving(), reporter or WarningReporter()
    combinations, out = (grid or Grid()).combinations(recipe or Recipe()), Path(out)
    data = open_training_data(
        train=train,
        validation=validation,
        images=images,
        features=Path(features or out.parent / "features"),
        backbone=backbone,
        compute=compute,
        limit=limit,
        allow_overlap=allow_overlap,
        recipes=[one.recipe for one in combinations if one.recipe.head not in SEQUENCE],
        reporter=reporter,
        event=event,
    )
    if saving.full:
        raise InputError("--full: a sweep keeps small model files; train the choice that is best with --full")
    swept = []
    known = _known(out, data, combinations)
    make_folder(out)
    for past in dict.fromkeys(one.history for one in known):
        own = [one for one in known if one.history == past]
        swept += _train(out, own, looking_back(data, past, train, validation), saving, reporter)
    found = compare(swept)
    write_json(out / "sweep.json", found)
    write_text(out / "sweep.csv", to_csv(found["runs"]))
    return found


def _known(out: Path, data: TrainingData, combinations: Sequence[Combination]) -> list[Combination]:
    """Give the combinations with their class weights as numbers, unless each event has its own.

    Raises:
        InputError: two of them would have one folder.
    """
    known = list(combinations)
    if not data.events:
        known = [replace(one, recipe=data.with_class_weight(one.recipe)) for one in combinations]
    names = [one.name() for one in known]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two combinations would both be kept in {out / twice[0]}; give values that differ by more")
    return known


def _train(
    out: Path, combinations: Sequence[Combination], data: TrainingData, saving: Saving, reporter: Reporter
) -> list[Swept]:
    """Train combinations that look at the same rows, and say which failed."""
    with ExitStack() as stack:
        if data.events:
            several = [EventRuns(out / one.name(), data.events) for one in combinations]
            each = [event_jobs(runs, data, one.recipe) for runs, one in zip(several, combinations, strict=True)]
            for runs, jobs in zip(several, each, strict=True):
                stack.enter_context(claimed_events(runs, jobs, saving, reporter))
        else:
            several, each = [], [[Job(RunFolder(out / one.name()), one.recipe, data)] for one in combinations]
            for (job,) in each:
                stack.enter_context(claimed(job.run, data.describe(job.recipe, asdict(saving)), reporter))
        ended = iter(fit_runs([job for jobs in each for job in jobs], saving, reporter))
        named = [event.code for event in data.events]
        swept = [Swept(one, [next(ended) for _ in jobs], named) for one, jobs in zip(combinations, each, strict=True)]
        for runs, found in zip(several, swept, strict=bool(several)):
            if found.failure is None:
                finish_events(runs)
    for found in swept:
        if found.failure:
            reporter.warn(f"{found.combination.name()}: {found.failure}")
    return swept
