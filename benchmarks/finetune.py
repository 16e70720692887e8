"""How fast is a step of fine-tuning beside a bare forward pass of the same network, and how much memory does it take?

Random filters and random pixels from memory: neither changes the work. Rates are by the processor time of one thread,
in turn with PyTorch's eager forward pass, so that what else runs on the machine matters less.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
import torch

from common import peak_memory
from flarescope.backbones.base import Weights
from flarescope.backbones.registry import find
from flarescope.finetuning.images import Images
from flarescope.finetuning.loop import Rows, Training, take_step
from flarescope.finetuning.memory import measure
from flarescope.finetuning.network import unfrozen
from flarescope.finetuning.processes import Processes
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.heads.head import glorot_head
from flarescope.images.line_of_sight import HMI_ONLY
from flarescope.images.render import Rendering
from flarescope.images.root import LocalImages

CPU = torch.device("cpu")


def training_of(weights: Weights, recipe: TuneRecipe, device: torch.device = CPU) -> Training:
    """Make a training of one batch of rows that is never read from files."""
    head = glorot_head(weights.backbone.features, 0)
    tuned = unfrozen(weights, head, recipe, device, earlier={})
    labels = np.arange(recipe.batch) % 2
    rows = Rows(Images(LocalImages(Path()), [], Rendering("reference-png"), HMI_ONLY, 0), labels)
    return Training(tuned, tuned.optimiser(recipe), rows, recipe, Processes(0, 1, device), 5978.7)


def stepping(training: Training, pixels: torch.Tensor) -> Iterator[None]:
    """Take a step whenever it is asked to."""
    rows, batch = np.arange(training.recipe.batch), training.recipe.batch
    parts = repeat(pixels[: training.recipe.micro_batch or batch])
    while True:
        take_step(training, training.tuned.model, parts, rows, rows, np.ones(batch, np.float32), batch, 0)
        yield


def rate(images: int, call: object) -> float:
    """Give images a second of processor time."""
    start = time.process_time()
    next(call)  # type: ignore[call-overload]
    return images / (time.process_time() - start)


def forwards(network: torch.nn.Module, pixels: torch.Tensor) -> Iterator[None]:
    """Run the network as it is, eagerly, whenever it is asked to."""
    while True:
        with torch.inference_mode():
            network(pixels)
        yield


def measured(weights: Weights, recipe: TuneRecipe, repeats: int) -> str:
    """Measure one way of fine-tuning; a row of a Markdown table."""
    pixels = torch.rand(recipe.batch, 1, weights.backbone.pixels.size, weights.backbone.pixels.size) * 255
    frozen = forwards(weights.backbone.build(weights.load()), pixels)
    next(frozen)
    training = training_of(weights, recipe)
    need = measure(training.tuned, 1, weights.backbone.pixels.size)
    with peak_memory() as peak:
        steps = stepping(training, pixels)
        next(steps)
        ours, theirs = zip(
            *((rate(recipe.batch, steps), rate(recipe.batch, frozen)) for _ in range(repeats)), strict=True
        )
    step, forward = statistics.median(ours), statistics.median(theirs)
    what = recipe.start + (", --checkpointing" if recipe.checkpointing else "")
    what += f", --micro-batch {recipe.micro_batch}" if recipe.micro_batch else ""
    trained = sum(one.numel() for one in training.tuned.parameters.values())
    return (
        f"| {weights.backbone.name} | {what} | {trained:,} | {step:.2f} | {forward:.2f} | {step / forward:.2f} | "
        f"{need.an_image / 1e6:,.0f} MB | {peak[0]:,.0f} MB |"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="efficientnet-lite0:random")
    parser.add_argument("--from", dest="start", nargs="+", default=["last:1", "blocks.12", "all", "lora"])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--micro-batch", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--checkpointing", action="store_true")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    weights = find(options.backbone)
    print("| network | --from | trained numbers | step, images/s | forward, images/s | ratio | kept an image | peak |")
    print("|---|---|---|---|---|---|---|---|")
    for start in options.start:
        recipe = TuneRecipe(
            start=start, batch=options.batch, micro_batch=options.micro_batch, checkpointing=options.checkpointing
        )
        print(measured(weights, recipe, options.repeats), flush=True)


if __name__ == "__main__":
    main()
