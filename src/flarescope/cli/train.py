"""`flarescope train`: features once, then a head."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, settings, show_json, show_table
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.forecaster.event_runs import EventRuns

EXAMPLE = (
    "Example: flarescope train --train Train_Data_by_AR_png_224.csv --validation Validation_Data_by_AR_png_224.csv "
    "--images Lat60_Lon60_Nans0_png_224 --out runs/png"
)


def parse_class_weight(text: str) -> tuple[float, float] | None:
    """Read `reference`, `none` or `W0,W1`.

    Raises:
        InputError: anything else.
    """
    if text == "reference":
        return None
    if text == "none":
        return 1.0, 1.0
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--class-weight {text}: expected reference, none, or two numbers as 1,4.09") from error
    return first, second


def train(
    train: Annotated[Path, typer.Option(help="Table of training images: a published CSV, a catalogue, a labels file.")],
    validation: Annotated[Path, typer.Option(help="Table of validation images; the same catalogue is fine.")],
    images: options.ImagesAnywhere,
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run there is continued.")],
    backbone: options.Backbone = "imagenet",
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="Adam's step size.")] = 0.001,
    beta_1: Annotated[float, typer.Option(help="Adam's first decay.")] = 0.9,
    beta_2: Annotated[float, typer.Option(help="Adam's second decay.")] = 0.999,
    epsilon: Annotated[float, typer.Option(help="Adam's epsilon, in Keras' place.")] = 1e-7,
    batch: Annotated[int, typer.Option(help="Images a step.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the first head and of the order of the images.")] = 0,
    shuffle: Annotated[bool, typer.Option(help="Another order every epoch.")] = True,
    class_weight: Annotated[str, typer.Option(help="reference (1, N_no/N_flare), none, or W0,W1.")] = "reference",
    clip: Annotated[
        float, typer.Option(help="0: the loss of the logits (Keras on TensorFlow); 1e-7: clipped (on PyTorch).")
    ] = 0.0,
    solver: Annotated[
        options.SolverName,
        typer.Option(help="adam: the reference's; lbfgs: the smallest loss, without learning rate or seed."),
    ] = "adam",
    head: Annotated[
        options.HeadName,
        typer.Option(
            help="linear: the reference's; ordinal, regression: one for all classes of a window; mlp; boosting: trees; "
            "gru, attention: of --history."
        ),
    ] = "linear",
    hidden: Annotated[int, typer.Option(help="mlp, gru, attention: units of the hidden layer.")] = 64,
    l2: Annotated[
        float,
        typer.Option(help="lbfgs, ordinal, regression: penalty on the weights, of features scaled to deviation 1."),
    ] = 1e-4,
    patience: Annotated[
        int | None, typer.Option(help="Stop after N epochs without a better validation TSS.", show_default="never")
    ] = None,
    save: options.Save = "each",
    full: Annotated[bool, typer.Option("--full", help="Write complete Keras models (550 MB each).")] = False,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    engine_batch: options.EngineBatch = None,
    workers: options.Workers = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    store: options.Store = "float32",
    features: options.Features = None,
    limit: options.Limit = None,
    allow_overlap: options.AllowOverlap = False,
    event: options.StatedEvents = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    scope: options.StatedScope = None,
    history: options.HistoryHours = None,
    tolerance: options.Tolerance = None,
    history_form: options.HistoryForm = None,
    with_model: options.With = None,
    regions: options.RecordRegions = None,
    flares: options.RecordFlares = None,
    flux_scale: options.FluxScale = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Train a head by the reference recipe.

    The network is frozen (VGG16, unless --backbone says another), the head a two-way softmax. The images go through the
    network once; their features are kept and shared by every later run on them.

    Of a table of several events (`catalog label --event C1.0/24 --event M1.0/24 ...`) a head is trained for each, all
    in one pass; --event chooses among them.

    --with regions trains a region model on NOAA's record of the training regions, and joins it with the head on
    the validation rows.
    """
    from flarescope.forecaster.event_runs import EventRuns, is_of_events
    from flarescope.heads.head import Recipe
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.fitting import Saving
    from flarescope.pipeline.training import train as run_training

    recipe = Recipe(
        learning_rate=learning_rate,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        batch=batch,
        epochs=epochs,
        shuffle=shuffle,
        seed=seed,
        class_weight=parse_class_weight(class_weight),
        clip=clip,
        patience=patience,
        solver=solver,
        l2=l2,
        head=head,
        hidden=hidden,
    )
    stated = options.events_of_options(event, window, latency, scope)
    record = options.record_of_options(with_model, regions, flares, flux_scale)
    known = None if record is None else record.read(ScreenReporter())  # first: files that are none cost no training
    run = run_training(
        train=train,
        validation=validation,
        images=images,
        out=out,
        backbone=backbone,
        recipe=recipe,
        compute=Compute(engine, precision, workers, nan, engine_batch, store, instrument_ok),
        saving=Saving(save, full),
        features=features,
        limit=limit,
        allow_overlap=allow_overlap,
        event=stated or None,
        history=options.history_of_options(history, tolerance, history_form),
        reporter=ScreenReporter(),
    )
    if record is not None:
        from flarescope.pipeline.with_regions import add_regions
        from flarescope.progress import Naming

        own, heard = stated[0] if len(stated) == 1 else None, ScreenReporter()
        if is_of_events(out):
            several = EventRuns.open(out)
            for which, one in zip(several.events, several.runs(), strict=True):
                add_regions(one.path, record, event=own, data=known, reporter=Naming(heard, which.code))
        else:
            add_regions(run.path, record, event=own, data=known, reporter=heard)
    if is_of_events(out):
        show_events(EventRuns.open(out))
        return
    show_history(run.history(), out)


def show_events(several: "EventRuns") -> None:
    """Print the best epoch of each event of a run, as a table or as JSON: a list of epochs for each."""
    from flarescope.forecaster.runs import best_epoch, chosen_epoch

    histories = {event.code: several.run(event).history() for event in several.events}
    if settings.as_json:
        show_json(histories)
        return
    names = ["loss", "tpr", "tnr", "tss", "hss"]
    rows = []
    for code, history in histories.items():
        best = chosen_epoch(history)
        scores = [_cell(best["validation"][name]) for name in names]
        rows.append([code, str(best["epoch"]), *scores, str(best["model"])])
    chosen = "each event's epoch with the best validation TSS"
    if any(best_epoch(history) is None for history in histories.values()):
        chosen += "; where that is 0/0, none is the best, and the last one stands"
    title = f"{several.path} ({chosen})"
    show_table(title, ["event", "epoch", *[f"val {name}" for name in names], "model"], rows)


def show_history(history: list[dict[str, Any]], out: Path) -> None:
    """Print the epochs of a run, as a table or as JSON."""
    if settings.as_json:
        show_json(history)
        return
    from flarescope.forecaster.runs import best_epoch

    best = best_epoch(history)
    names = ["loss", "tpr", "tnr", "tss", "hss"]
    rows = []
    for row in history:
        cells = [_cell(row[split][name]) for split in ("train", "validation") for name in names]
        rows.append([f"{row['epoch']}{' *' if row is best else ''}", *cells, str(row["model"])])
    header = ["epoch", *names, *[f"val {name}" for name in names], "model"]
    score = "loss" if best and best.get("chosen_by") == "loss" else "TSS"
    meaning = f"* best by validation {score}" if best else "none is the best: the validation TSS is 0/0"
    show_table(f"{out} ({meaning})", header, rows)


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "0/0"
