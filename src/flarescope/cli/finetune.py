"""`flarescope finetune`: layers of the network are trained too, from a trained head on."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter
from flarescope.cli.train import parse_class_weight, show_history

EXAMPLE = "Example: flarescope finetune runs/png --from block5 --out runs/tuned"

Balance = Literal["weights", "sampling", "none"]
StopOn = Literal["tss", "loss"]
TunePrecision = Literal["fp32", "bf16"]
Device = Literal["cpu", "cuda"]


def finetune(
    run: Annotated[Path, typer.Argument(help="A run with a trained head, or a model file: where it begins.")],
    out: Annotated[Path, typer.Option(help="Folder of the new run; an interrupted run there is continued.")],
    start: Annotated[
        str,
        typer.Option(
            "--from", help="First layer that is trained (block5, blocks.12; all behind it too), last:N, all, or lora."
        ),
    ] = "last:1",
    train: Annotated[Path | None, typer.Option(help="Training images.", show_default="as the run")] = None,
    validation: Annotated[Path | None, typer.Option(help="Validation images.", show_default="as the run")] = None,
    images: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Image root, or s3://BUCKET/FOLDER.", show_default="as the run"),
    ] = None,
    cache: options.CacheFolder = None,
    cache_gb: options.CacheGb = 10.0,
    epoch: options.Epoch = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 5,
    batch: Annotated[int, typer.Option(help="Images a step, of all processes together.")] = 32,
    micro_batch: Annotated[
        int | None,
        typer.Option(help="Images at a time in a process; a step adds several up.", show_default="the batch"),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="AdamW's step size at the network's last layer.")] = 1e-4,
    head_rate: Annotated[float, typer.Option(help="AdamW's step size at the head.")] = 1e-3,
    layer_decay: Annotated[float, typer.Option(help="Factor on it from a layer to the one before.")] = 0.8,
    weight_decay: Annotated[float, typer.Option(help="AdamW's weight decay.")] = 0.01,
    warmup: Annotated[float, typer.Option(help="Share of the steps in which the step size rises.")] = 0.1,
    patience: Annotated[
        int | None, typer.Option(help="Stop after N epochs without a better validation score.", show_default="never")
    ] = None,
    stop_on: Annotated[StopOn, typer.Option(help="Which score chooses the epoch, and stops.")] = "tss",
    balance: Annotated[
        Balance, typer.Option(help="weights: class weights; sampling: as many events as others are drawn.")
    ] = "weights",
    class_weight: Annotated[str, typer.Option(help="reference (1, N_no/N_flare), none, or W0,W1.")] = "reference",
    augment: Annotated[
        str, typer.Option(help="all, none, or some of east-west,north-south,rotate,shift,noise.")
    ] = "all",
    precision: Annotated[TunePrecision, typer.Option(help="Of the training; bf16: autocast.")] = "fp32",
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Compute activations twice instead of keeping them.")
    ] = False,
    rank: Annotated[int, typer.Option(help="Of LoRA's matrices.")] = 8,
    alpha: Annotated[float, typer.Option(help="LoRA's factor is alpha / rank.")] = 16.0,
    seed: Annotated[int, typer.Option(help="Of order, samples, augmentations, and LoRA's first matrices.")] = 0,
    state_every: Annotated[int, typer.Option(help="Steps after which a kill costs nothing before them.")] = 500,
    device: Annotated[
        Device | None, typer.Option(help="Where it is trained.", show_default="a CUDA GPU, else the CPU")
    ] = None,
    save: options.Save = "best",
    full: Annotated[
        bool, typer.Option("--full", help="Model files hold every array, not what changed (VGG16: Keras' form).")
    ] = False,
    backbone: options.OtherBackbone = None,
    workers: options.Workers = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    features: options.Features = None,
    limit: options.Limit = None,
    allow_overlap: options.AllowOverlap = False,
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    scope: options.StatedScope = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Train layers of the network too.

    It begins with a trained head and its network, and makes a run as `train` does: evaluate, calibrate, report, predict
    and compare take it. Tables and images are the run's unless others are named. torchrun starts several processes.
    """
    from flarescope.finetuning.processes import is_first
    from flarescope.finetuning.recipe import TuneRecipe, parse_augmentations
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.finetuning.stage import finetune as run_finetuning
    from flarescope.pipeline.fitting import Saving
    from flarescope.storage.cache import FileCache

    recipe = TuneRecipe(
        start=start,
        epochs=epochs,
        batch=batch,
        micro_batch=micro_batch,
        learning_rate=learning_rate,
        head_rate=head_rate,
        layer_decay=layer_decay,
        weight_decay=weight_decay,
        warmup=warmup,
        patience=patience,
        stop_on=stop_on,
        balance=balance,
        class_weight=parse_class_weight(class_weight),
        augment=parse_augmentations(augment),
        precision=precision,
        checkpointing=checkpointing,
        rank=rank,
        alpha=alpha,
        seed=seed,
    )
    stated = options.event_of_options(event, window, latency, scope)
    found = run_finetuning(
        run,
        out=out,
        recipe=recipe,
        train=train,
        validation=validation,
        images=images,
        epoch=epoch,
        backbone=backbone,
        compute=Compute(workers=workers, nan=nan, instrument_ok=instrument_ok),
        saving=Saving(save, full),
        state_every=state_every,
        device=device,
        features=features,
        limit=limit,
        allow_overlap=allow_overlap,
        event=stated,
        cache=None if cache is None else FileCache.of(cache, cache_gb),
        reporter=ScreenReporter(),
    )
    if is_first():
        show_history(found.history(), out)
