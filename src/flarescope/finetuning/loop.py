"""How does an epoch of fine-tuning go: which rows, which images, which steps, and what does the network forecast then?

What a step does depends on seed, epoch and place alone, neither on the number of processes nor on where a run was
interrupted. Gradients are added up over a batch and divided by its number of rows, as in the training of heads.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from flarescope.errors import FlarescopeError
from flarescope.finetuning.augment import augmented
from flarescope.finetuning.images import Images
from flarescope.finetuning.network import Tuned
from flarescope.finetuning.order import batches, epoch_rows, share
from flarescope.finetuning.processes import Processes
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.finetuning.schedule import rate_factor
from flarescope.finetuning.state import Place


@dataclass(frozen=True)
class Rows:
    """Labelled images: `labels` `(N,)` 0/1, the weight of each class, and where the images are."""

    images: Images
    labels: np.ndarray
    class_weight: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Training:
    """What is trained, on what, how, and by whom.

    Attributes:
        limit_gauss: of the rendering, for the augmentations.
    """

    tuned: Tuned
    optimiser: torch.optim.Optimizer
    rows: Rows
    recipe: TuneRecipe
    processes: Processes
    limit_gauss: float

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.recipe.epochs * -(-len(self.rows.labels) // self.recipe.batch)

    def edit(self, epoch: int, place: int, pixels: np.ndarray) -> np.ndarray:
        """Augment an image of the epoch that is under way; what is drawn depends on seed, epoch and place alone."""
        generator = np.random.default_rng([self.recipe.seed, 2, epoch, place])
        return augmented(pixels, generator, self.recipe.augment, self.limit_gauss)


def learn_epoch(
    training: Training,
    model: torch.nn.Module,
    place: Place,
    *,
    kept: Callable[[Place], None],
    every: int,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Learn from every row of an epoch, or from those that are left of one that was interrupted.

    Args:
        training: what and how.
        model: as `Processes.together` gives it.
        place: where training stands; it is moved on.
        kept: called after every `every` steps, on all processes.
        every: see `kept`.
        progress: called with rows done and all rows.

    Returns:
        `(N,)` rows in the order of the epoch; `place.log_odds` has what was forecast for each.

    Raises:
        FlarescopeError: the loss is not finite any more.
    """
    recipe, processes, rows = training.recipe, training.processes, training.rows
    order = epoch_rows(rows.labels, recipe, place.epoch + 1)
    todo = batches(len(order), recipe.batch, first=place.done)
    own = [share(positions, processes.rank, processes.number) for positions in todo]
    micro = recipe.micro_batch or recipe.batch
    sizes = [len(part) for places, _ in own for part in np.array_split(places, -(-len(places) // micro))]
    places = np.concatenate([part for part, _ in own]) if own else np.zeros(0, np.int64)
    edit = partial(training.edit, place.epoch + 1) if recipe.augment else None
    stream = rows.images.batches(order[places].tolist(), sizes, places=places.tolist(), edit=edit)
    try:
        for positions, (mine, counts) in zip(todo, own, strict=True):
            log_odds = take_step(training, model, stream, order, mine, counts, len(positions), place.step)
            place.log_odds[mine[counts > 0]] = log_odds[counts > 0]
            place.step, place.done = place.step + 1, int(positions[-1]) + 1
            progress(place.done, len(order))
            if place.step % every == 0 and place.done < len(order):
                kept(place)
    finally:
        stream.close()
    return order


def take_step(
    training: Training,
    model: torch.nn.Module,
    stream: Any,  # noqa: ANN401 - a generator of pixels
    order: np.ndarray,
    mine: np.ndarray,
    counts: np.ndarray,
    batch: int,
    step: int,
) -> np.ndarray:
    """Take one step.

    Args:
        training: what and how.
        model: as `Processes.together` gives it.
        stream: of the pixels of each part of the batch, this process's own.
        order: `(N,)` rows of the epoch.
        mine: `(n,)` places of this process's rows.
        counts: `(n,)` whether they count, as `order.share` says.
        batch: rows of the batch, of all processes.
        step: from 0.

    Returns:
        `(n,)` float32 log-odds of this process's rows, as they were before the step.

    Raises:
        FlarescopeError: they are not finite any more.
    """
    recipe, processes, device = training.recipe, training.processes, training.processes.device
    labels = training.rows.labels[order[mine]]
    weights = np.array(training.rows.class_weight, np.float32)[labels] * counts
    away = np.where(labels == 1, np.float32(-1), np.float32(1))
    parts = np.array_split(np.arange(len(mine)), -(-len(mine) // (recipe.micro_batch or recipe.batch)))
    training.optimiser.zero_grad(set_to_none=True)
    found = np.empty(len(mine), np.float32)
    for number, part in enumerate(parts):
        with _apart(model, number < len(parts) - 1):
            log_odds = model(next(stream).to(device))
            losses = F.softplus(torch.from_numpy(away[part]).to(device) * log_odds)
            weighted = (losses * torch.from_numpy(weights[part]).to(device)).sum()
            # DDP takes the mean over the processes: times their number it is the sum that one process would have.
            torch.autograd.backward(weighted * (processes.number / batch))
        found[part] = log_odds.detach().cpu().numpy()
    if not np.isfinite(found).all():
        raise FlarescopeError(
            f"the fine-tuning diverged: forecasts are not finite in step {step + 1}; lower --learning-rate"
        )
    factor = rate_factor(step, training.steps, recipe.warmup)
    for group in training.optimiser.param_groups:
        group["lr"] = group["initial_lr"] * factor
    training.optimiser.step()
    return found


def _apart(model: torch.nn.Module, waits: bool) -> AbstractContextManager[Any]:
    """Let gradients wait for the last part of a batch before processes exchange them."""
    no_sync: Any = getattr(model, "no_sync", None)
    return no_sync() if waits and no_sync else nullcontext()


def forecast_rows(
    tuned: Tuned, rows: Rows, batch: int, processes: Processes, progress: Callable[[int, int], None]
) -> np.ndarray:
    """Forecast rows with the network as it stands; each process its own part. Images are taken as they are.

    Returns:
        `(N,)` float64 log-odds of an event, the same on all processes.
    """
    found = np.zeros(len(rows.labels))
    mine = np.arange(len(found))[processes.rank :: processes.number]
    parts = batches(len(mine), batch)
    stream = rows.images.batches(mine.tolist(), [len(part) for part in parts])
    with torch.inference_mode():
        for part, pixels in zip(parts, stream, strict=True):
            found[mine[part]] = tuned.model(pixels.to(processes.device)).float().cpu().numpy()
            progress(min((int(part[-1]) + 1) * processes.number, len(found)), len(found))
    return processes.total(found)
