"""`flarescope evaluate`: how well does a model, or anybody's table of forecasts, forecast?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json, show_table
from flarescope.counted import counted
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.pipeline.evaluation import Evaluation

EXAMPLE = "Example: flarescope evaluate runs/png --table Test_Data_by_AR_png_224.csv --images Lat60_Lon60_Nans0_png_224"
TABLE_SUFFIXES = (".csv", ".parquet")


def evaluate(
    model: Annotated[
        Path,
        typer.Argument(help="A run's folder, a model file (the reference notebook's too), or forecasts as CSV."),
    ],
    table: Annotated[
        Path | None, typer.Option(help="Table of labelled images; not for forecasts.", show_default=False)
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder that the table's file names are relative to.", show_default=False)
    ] = None,
    epoch: options.Epoch = None,
    split: options.Split = "test",
    out: Annotated[
        Path | None, typer.Option(help="Folder for scores and forecasts.", show_default="the run's, or beside a model")
    ] = None,
    events: options.Events = None,
    replicates: options.Replicates = 2000,
    climatology: Annotated[
        float | None, typer.Option(help="Event rate of the training set, for foreign forecasts.", show_default=False)
    ] = None,
    backbone: options.OtherBackbone = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    engine_batch: options.EngineBatch = None,
    workers: options.Workers = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    store: options.RunStore = None,
    features: options.Features = None,
    limit: options.Limit = None,
    allow_overlap: options.AllowOverlap = False,
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Verify a model, or anybody's table of forecasts.

    A model is verified on a labelled table; forecasts have filename or time, noaa_ar, label, probability. Prints the
    contingency table, the recipe's scores, and every score with its 95 % interval by regions, beside
    climatology and persistence; also written as scores.json and forecasts/SPLIT.parquet.
    """
    from flarescope.pipeline.verifying import Verifying

    verifying = Verifying(replicates=replicates, events=events)
    stated = options.event_of_options(event, window, latency)
    if model.suffix.lower() in TABLE_SUFFIXES:
        from flarescope.pipeline.foreign import verify_table

        found = verify_table(model, climatology=climatology, event=stated, verifying=verifying, out=out)
        show_verification(found, str(model))
        return
    if table is None or images is None:
        raise InputError("a model is evaluated on images: give --table and --images")
    from flarescope.pipeline.evaluation import evaluate as run_evaluation
    from flarescope.pipeline.featuring import Compute

    evaluation = run_evaluation(
        model,
        table=table,
        images=images,
        epoch=epoch,
        split=split,
        backbone=backbone,
        compute=Compute(engine, precision, workers, nan, engine_batch, store, instrument_ok),
        features=features,
        out=out,
        limit=limit,
        allow_overlap=allow_overlap,
        event=stated,
        verifying=verifying,
        reporter=ScreenReporter(),
    )
    show_evaluation(evaluation)


def show_evaluation(evaluation: "Evaluation") -> None:
    """Print an evaluation, as tables or as JSON."""
    if settings.as_json:
        show_json(evaluation.to_json())
        return
    from flarescope.events import statement_of

    table = evaluation.table
    title = f"{evaluation.split}: {counted(len(evaluation.forecasts), 'image')}, yes from p >= 0.5"
    counts = [
        ["forecast yes", f"{counted(table.tp, 'hit')} (TP)", f"{counted(table.fp, 'false alarm')} (FP)"],
        [
            "forecast no",
            f"{counted(table.fn, 'miss', 'misses')} (FN)",
            f"{counted(table.tn, 'correct rejection')} (TN)",
        ],
    ]
    show_table(title, ["", "event", "no event"], counts)
    scores = {**table.scores(), "loss": evaluation.loss}
    out("  ".join(f"{name.upper() if name != 'loss' else name} {value:.4f}" for name, value in scores.items()))
    if evaluation.undefined:
        names = ", ".join(name.upper() for name in evaluation.undefined)
        out(f"undefined (0/0, written as null): {names}: the table lacks events or non-events")
    if evaluation.verification:
        show_verification(evaluation.verification, "")
    else:
        out(statement_of(evaluation.event))
    note(f"scores and forecasts written to {evaluation.folder}")


def show_verification(verification: dict[str, Any], name: str) -> None:
    """Print every score with its interval, the baselines, and what a reader must know; or JSON."""
    if settings.as_json:
        show_json(verification)
        return
    from flarescope.events import event_from_json, statement_of
    from flarescope.pipeline.verifying import baseline_rows, decision_rows, probability_rows
    from flarescope.wording import has_intervals, interval_words

    sample, drawn = verification["sample"], verification["settings"]
    regions = f" of {counted(sample['regions'], 'region')}" if sample["regions"] else ""
    how = f", {drawn['level']:.0%} intervals {interval_words(drawn)}" if has_intervals(drawn) else ""
    images = f"{name + ': ' if name else ''}{counted(sample['n'], 'image')}"
    title = f"{images}{regions}, {sample['events']:,} with an event{how}"
    out(statement_of(event_from_json(verification["settings"]["event"], name)))
    out("")
    show_table(title, *decision_rows(verification))
    out("")
    show_table("the probability", *probability_rows(verification))
    out("")
    show_table("beside the baselines (is the network better than these?)", *baseline_rows(verification))
    for text in verification["notes"]:
        note(f"- {text}")
