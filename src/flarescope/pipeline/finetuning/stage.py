"""How does a run with a trained head become a run with a fine-tuned network?"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from flarescope.backbones.base import Spec
from flarescope.counted import counted
from flarescope.events import EventDefinition
from flarescope.finetuning.images import Images
from flarescope.finetuning.loop import Rows, Training
from flarescope.finetuning.memory import check, measure, out_of_memory
from flarescope.finetuning.network import Tuned, unfrozen
from flarescope.finetuning.processes import Processes, joined, on_this_machine
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.stored import linear
from flarescope.images.render import FIELD_LIMIT_GAUSS, Rendering
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.finetuning.beginning import (
    Tables,
    base_of,
    class_weight_of,
    described,
    for_rendering,
    limit_gauss_of,
    open_data,
    refuse_more,
    refuse_untrainable,
    tables_of,
)
from flarescope.pipeline.finetuning.epochs import Fit, fit
from flarescope.pipeline.fitting import Saving
from flarescope.pipeline.identity import claimed
from flarescope.pipeline.models import Model, load
from flarescope.pipeline.training_data import TrainingData
from flarescope.progress import Reporter, WarningReporter
from flarescope.storage.cache import FileCache

STATE_EVERY: Final = 500
"""Steps after which it is kept where training stands, beside every end of an epoch: what a kill can cost."""


def finetune(
    run: str | Path,
    *,
    out: str | Path,
    recipe: TuneRecipe | None = None,
    train: str | Path | None = None,
    validation: str | Path | None = None,
    images: str | Path | None = None,
    epoch: int | None = None,
    backbone: Spec | None = None,
    compute: Compute | None = None,
    saving: Saving | None = None,
    state_every: int = STATE_EVERY,
    device: str | None = None,
    features: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | None = None,
    cache: FileCache | None = None,
    reporter: Reporter | None = None,
) -> RunFolder:
    """Train layers of a network beside its head, from a model on; a killed run goes on where it stood.

    Started by torchrun, several processes share every batch.

    Args:
        run: a run's folder, or a model file: head and network begin as they are there.
        out: the new run's folder; a run that was interrupted there is continued if it is the same one.
        recipe: of the fine-tuning.
        train: rows to train on, if not those that the run was trained on.
        validation: rows to validate on, if not the run's.
        images: the folder, or the address of a storage, that the tables' file names are relative to, if not the run's.
        epoch: which model of the run.
        backbone: where to find the backbone instead of where the model says.
        compute: how images are read; and how features are computed of the validation forecasts at the end.
        saving: which models are kept.
        state_every: steps between two states that a killed run can go on from, beside the ends of epochs.
        device: `cpu` or `cuda`; by default a CUDA GPU where there is one.
        features: the folder of the feature stores; by default the run's.
        limit: only so many rows of each table, drawn at random, the same ones every time.
        allow_overlap: go on where a region stands in both tables.
        event: that the labels are of, for tables that do not say it.
        cache: keeps what is read of a storage, of which each epoch reads every image.
        reporter: hears notes and progress.

    Returns:
        The new run's folder, which every command takes that takes a run.

    Raises:
        InputError: bad tables, images, options; a network that cannot be trained; no such layer; too little memory; an
            `out` that holds another run.
        FlarescopeError: the training diverged, a full disk, another process that ended.

    Example:
        >>> import torch
        >>> layers = torch.nn.AvgPool2d(28), torch.nn.Flatten(), torch.nn.Linear(192, 8)
        >>> backbone = flarescope.Backbone(torch.nn.Sequential(*layers), name="means")
        >>> given = {"train": "train.csv", "validation": "validation.csv", "images": "images"}
        >>> run = flarescope.train(**given, out="runs/means", backbone=backbone)
        >>> recipe = flarescope.TuneRecipe(start="all", epochs=2)
        >>> tuned = flarescope.finetune(run.path, out="runs/tuned", recipe=recipe, backbone=backbone)
        >>> len(tuned.history())
        2
    """
    recipe, compute, saving = recipe or TuneRecipe(), compute or Compute(), saving or Saving("best")
    with joined(device) as processes:
        reporter = (reporter or WarningReporter()) if processes.leads else Reporter()
        found = load(run, epoch=epoch, backbone=backbone)
        refuse_untrainable(found.classifier.weights)
        refuse_more(found)
        named = Tables(train, validation, images, features, limit, allow_overlap, event, cache)
        asked = tables_of(found, named, Path(out))
        data = open_data(found, asked, compute, backbone, reporter)
        rendering = Rendering.from_id(data.store.key.rendering)
        recipe = for_rendering(recipe, rendering, reporter)
        recipe = replace(recipe, class_weight=class_weight_of(data, recipe))
        training, validated = _prepared(found, data, recipe, processes, rendering, reporter)
        said = described(found, data, recipe, asdict(saving))
        folder = RunFolder(Path(out))
        step = at_a_time(recipe, processes, len(data.tables["train"]))
        with _claimed_by_first(folder, said, processes, reporter), _in_one_line(recipe, step):
            fit(Fit(folder, training, validated, found.classifier, data, saving, said, reporter), state_every)
    return folder


def _prepared(
    found: Model,
    data: TrainingData,
    recipe: TuneRecipe,
    processes: Processes,
    rendering: Rendering,
    reporter: Reporter,
) -> tuple[Training, Rows]:
    """Make the network of which a part is trained, see that there is room, and find the images."""
    weights = found.classifier.weights
    base, earlier = base_of(weights)
    del base
    tuned = unfrozen(weights, linear(found.classifier.head), recipe, processes.device, earlier=earlier)
    images = at_a_time(recipe, processes, len(data.tables["train"]))
    with _in_one_line(recipe, images):
        check(
            measure(tuned, 3, rendering.size),
            images,
            processes.device,
            sharing=on_this_machine(),
            checkpointing=recipe.checkpointing,
        )
    rows = {
        name: Rows(
            Images(data.images, list(table["filename"]), rendering, data.compute.accept, data.compute.threads()),
            data.labels()[name],
            recipe.class_weight or (1.0, 1.0),
        )
        for name, table in data.tables.items()
    }
    _announce(tuned, recipe, processes, reporter)
    limit = limit_gauss_of(rendering) or FIELD_LIMIT_GAUSS
    training = Training(tuned, tuned.optimiser(recipe), rows["train"], recipe, processes, limit)
    return training, rows["validation"]


def at_a_time(recipe: TuneRecipe, processes: Processes, rows: int) -> int:
    """Give how many images of a batch a process sends through the network at a time, of so many training rows."""
    own = -(-min(recipe.batch, rows) // processes.number)
    return min(own, recipe.micro_batch or own)


def _announce(tuned: Tuned, recipe: TuneRecipe, processes: Processes, reporter: Reporter) -> None:
    trained = sum(one.numel() for one in tuned.parameters.values())
    whole = sum(one.numel() for one in tuned.model.parameters())
    first, last = tuned.layers[0], tuned.layers[-1]
    which = f"{first} to {last}" if len(tuned.layers) > 1 else first
    how = "LoRA's matrices beside" if recipe.start == "lora" else "trained:"
    reporter.say(
        f"{how} {counted(len(tuned.layers), 'layer')} ({which}) and the head: {trained:,} of {whole:,} numbers; "
        f"{recipe.precision} on {processes.device}"
        + (f", {counted(processes.number, 'process', 'processes')}" if processes.number > 1 else "")
    )


@contextmanager
def _claimed_by_first(
    folder: RunFolder, said: dict[str, Any], processes: Processes, reporter: Reporter
) -> Iterator[None]:
    """Let the first process hold the run's folder; the others wait until it does."""
    with claimed(folder, said, reporter) if processes.leads else nullcontext():
        processes.wait()
        yield


@contextmanager
def _in_one_line(recipe: TuneRecipe, images: int) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if (line := out_of_memory(error, images, checkpointing=recipe.checkpointing)) is not None:
            raise line from error
        raise
