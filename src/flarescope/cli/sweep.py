"""`flarescope sweep`: many heads on the same features."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table
from flarescope.cli.train import parse_class_weight
from flarescope.cli.words import HeadWord, HistoryFormWord, SolverWord

if TYPE_CHECKING:
    from flarescope.features.history import History

EXAMPLE = (
    "Example: flarescope sweep --train Train_Data_by_AR_png_224.csv --validation Validation_Data_by_AR_png_224.csv "
    "--images Lat60_Lon60_Nans0_png_224 --out runs/sweep --learning-rate 0.0003 --learning-rate 0.001 "
    "--class-weight reference --class-weight 1,2 --seed 0 --seed 1 --seed 2"
)
_ADAM = [SolverWord.adam]
_LINEAR = [HeadWord.linear]


def sweep(
    train: Annotated[Path, typer.Option(help="Table of training images: a published CSV, a catalogue, a labels file.")],
    validation: Annotated[Path, typer.Option(help="Table of validation images, on which the runs are compared.")],
    images: options.ImagesAnywhere,
    out: Annotated[Path, typer.Option(help="Folder of the runs; an interrupted sweep there is continued.")],
    learning_rate: Annotated[list[float], typer.Option(help="Adam's step size; may be given again.")] = [0.001],  # noqa: B006 - typer copies it
    class_weight: Annotated[
        list[str], typer.Option(help="reference (1, N_no/N_flare), none, or W0,W1; may be given again.")
    ] = ["reference"],  # noqa: B006 - typer copies it
    seed: Annotated[list[int], typer.Option(help="Of Adam's first head and order; may be given again.")] = [0],  # noqa: B006 - typer copies it
    solver: Annotated[list[SolverWord], typer.Option(help="Of the head; may be given again.")] = _ADAM,
    l2: Annotated[list[float], typer.Option(help="lbfgs, ordinal, regression: penalty; again.")] = [1e-4],  # noqa: B006 - typer copies it
    head: Annotated[list[HeadWord], typer.Option(help="As of train; may be given again.")] = _LINEAR,
    hidden: Annotated[list[int], typer.Option(help="mlp, gru, attention: units; again.")] = [64],  # noqa: B006 - typer copies it
    history: Annotated[
        list[str] | None,
        typer.Option(metavar="HOURS", help="Earlier images, as 6,12,24; or none; may be given again."),
    ] = None,
    tolerance: options.Tolerance = None,
    history_form: Annotated[
        list[HistoryFormWord] | None,
        typer.Option(help="How earlier images stand beside the image; may be given again.", show_default="stack"),
    ] = None,
    backbone: options.Backbone = "imagenet",
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 5,
    batch: Annotated[int, typer.Option(help="Images a step.")] = 64,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop a run after N epochs without a better validation TSS.", show_default="never"),
    ] = None,
    save: options.Save = "each",
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
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Train many heads and compare them on validation.

    Every combination of heads, solvers, learning rates or penalties, class weights, histories and seeds is trained. The
    features are read once for all runs of one seed. Each run is what `flarescope train` makes with these options.

    The best is the one with the highest mean TSS on the validation rows; of a table of several events the mean is over
    them too, and the best of each event is told beside it. Test rows take no part.
    """
    from flarescope.heads.head import Recipe
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.fitting import Saving
    from flarescope.pipeline.sweep_grid import Grid
    from flarescope.pipeline.sweeping import sweep as run_sweep

    found = run_sweep(
        train=train,
        validation=validation,
        images=images,
        out=out,
        grid=Grid(
            learning_rates=tuple(learning_rate),
            class_weights=tuple(parse_class_weight(text) for text in class_weight),
            seeds=tuple(seed),
            solvers=tuple(word.value for word in solver),
            l2=tuple(l2),
            heads=tuple(word.value for word in head),
            hidden=tuple(hidden),
            histories=_histories(history, tolerance, history_form),
        ),
        backbone=backbone,
        recipe=Recipe(epochs=epochs, batch=batch, patience=patience),
        compute=Compute(engine, precision, workers, nan, engine_batch, store, instrument_ok),
        saving=Saving(save),
        features=features,
        limit=limit,
        allow_overlap=allow_overlap,
        event=options.events_of_options(event, window, latency, scope) or None,
        reporter=ScreenReporter(),
    )
    show_comparison(found, out)


def _histories(
    given: list[str] | None, tolerance: float | None, forms: list[HistoryFormWord] | None
) -> "tuple[History | None, ...]":
    """Give the histories that the options state, each in each form; `none` is none."""
    words = [None if text == "none" else text for text in given or []]
    if not any(words):
        options.history_of_options(None, tolerance, forms[0].value if forms else None)
        return (None,)
    found: list[History | None] = []
    for text in words:
        for form in [None] if text is None else forms or [HistoryFormWord.stack]:
            found.append(
                options.history_of_options(text, tolerance if text else None, None if form is None else form.value)
            )
    return tuple(dict.fromkeys(found))


def show_comparison(found: dict[str, Any], out: Path) -> None:
    """Print the combinations of a sweep, as a table or as JSON."""
    if settings.as_json:
        show_json(found)
        return
    choices = ["solver", "learning_rate", "l2", "class_weight", "history"]
    looks_back = any(one["history"] for one in found["combinations"])
    rows = []
    for one in found["combinations"]:
        best = found["best"] is not None and all(one[name] == found["best"][name] for name in choices)
        settled = [_shown(one["learning_rate"] or one["l2"]), _weights(one["class_weight"])]
        settled += [one["history"] or "-"] if looks_back else []
        scores = [_mean_and_spread(**one[name]) for name in ("tss", "hss", "loss")]
        rows.append([one["solver"] + " *" * best, *settled, str(one["seeds"]), *scores])
    past = ["history"] if looks_back else []
    header = ["solver", "rate or l2", "weights", *past, "runs", "val tss", "val hss", "val loss"]
    best_is = f"* best by {found['chosen_by']}" if found["best"] else "none is the best: no validation TSS"
    show_table(f"{out} ({best_is}; ± standard deviation over seeds)", header, rows)
    for code, best in found.get("best_of_event", {}).items():
        told = "none: no validation TSS" if best is None else _told(best)
        note(f"best of {code} alone: {told}")


def _told(chosen: dict[str, Any]) -> str:
    """Write the choices in a line: `mlp 8, rate 0.001, weights 1,4, history 6,12`."""
    words = [chosen["solver"]]
    words += [f"rate {chosen['learning_rate']:g}"] if chosen["learning_rate"] else []
    words += [f"l2 {chosen['l2']:g}"] if chosen["l2"] is not None else []
    words += [f"weights {_weights(chosen['class_weight'])}"] if chosen["class_weight"] else []
    words += [f"history {chosen['history']}"] if chosen["history"] else []
    return ", ".join(words)


def _weights(weights: list[float] | str | None) -> str:
    return (
        "-" if weights is None else weights if isinstance(weights, str) else ",".join(f"{one:.4g}" for one in weights)
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _mean_and_spread(mean: float | None, spread: float | None) -> str:
    if mean is None:
        return "none"
    return f"{mean:.4f}" if spread is None else f"{mean:.4f} ± {spread:.4f}"
