"""How does a labelled set become a run with a model an epoch?"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from flarescope.backbones.base import Spec
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.features.history import History
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import Recipe
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.fitting import Saving, fit_runs
from flarescope.pipeline.identity import claimed
from flarescope.pipeline.jobs import Job
from flarescope.pipeline.training_data import open_training_data
from flarescope.pipeline.training_events import train_events
from flarescope.progress import Reporter, WarningReporter


def train(
    *,
    train: str | Path,
    validation: str | Path,
    images: str | Path,
    out: str | Path,
    backbone: Spec = "imagenet",
    recipe: Recipe | None = None,
    compute: Compute | None = None,
    saving: Saving | None = None,
    features: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | Sequence[EventDefinition] | None = None,
    history: History | None = None,
    reporter: Reporter | None = None,
) -> RunFolder:
    """Train a head on a labelled set: features once, then the epochs; a killed run goes on where it stood.

    Args:
        train: rows to train on (published CSV, catalogue, labels file; see `flarescope.read_table`).
        validation: rows to validate on; may be the same catalogue, its column `split` then decides.
        images: the folder that the tables' file names are relative to.
        out: the run's folder; a run that was interrupted there is continued if it is the same one.
        backbone: name of a network, a Keras file (see `backbones.registry.find`), or a `flarescope.Backbone`.
        recipe: of the training; by default the reference recipe.
        compute: of the features.
        saving: which models are kept.
        features: the folder of the feature stores; by default `features` beside the run.
        limit: only so many rows of each table, drawn at random, the same ones every time.
        allow_overlap: go on where a region stands in both tables.
        event: that the labels are of, for tables that do not say it; of tables of several, which: without it all.
        history: to which earlier images of its region each image is looked at beside; None to none.
        reporter: hears notes and progress.

    Returns:
        The run's folder; of several events that above the runs of each (`forecaster.event_runs`).

    Raises:
        InputError: bad tables, images, options, or an `out` that holds another run.
        FlarescopeError: the training diverged.

    Example:
        >>> run = flarescope.train(
        ...     train="train.csv", validation="validation.csv", images="images", out="runs/new"
        ... )
        >>> len(run.history())
        5
    """
    recipe, compute, saving = recipe or Recipe(), compute or Compute(), saving or Saving()
    reporter, out = reporter or WarningReporter(), Path(out)
    if history is not None and saving.full:
        raise InputError("--full with --history: a Keras model takes one image; leave one of them out")
    data = open_training_data(
        train=train,
        validation=validation,
        images=images,
        features=Path(features or out.parent / "features"),
        backbone=backbone,
        compute=compute,
        limit=limit,
        allow_overlap=allow_overlap,
        recipes=[recipe],
        reporter=reporter,
        event=event,
        history=history,
    )
    if data.events:
        return RunFolder(train_events(out, data, recipe, saving, reporter).path)
    run, recipe = RunFolder(out), data.with_class_weight(recipe)
    with claimed(run, data.describe(recipe, asdict(saving)), reporter):
        (ended,) = fit_runs([Job(run, recipe, data)], saving, reporter)
        if ended.failure:
            raise ended.failure
    return run
