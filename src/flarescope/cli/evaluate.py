"""`flarescope evaluate`: how well does a model forecast a labelled table?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json, show_table

if TYPE_CHECKING:
    from flarescope.pipeline.evaluation import Evaluation

EXAMPLE = "Example: flarescope evaluate runs/png --table Test_Data_by_AR_png_224.csv --images Lat60_Lon60_Nans0_png_224"


def evaluate(
    model: Annotated[Path, typer.Argument(help="A run's folder, a model file, or a model of the reference notebook.")],
    table: Annotated[Path, typer.Option(help="Table of labelled images.")],
    images: options.Images,
    epoch: options.Epoch = None,
    split: Annotated[str, typer.Option(help="Which rows of a catalogue, and what the forecasts are called.")] = "test",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for scores and forecasts.", show_default="the run's, or beside a model"),
    ] = None,
    backbone: options.OtherBackbone = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    workers: options.Workers = None,
    nan: options.Nan = "error",
    features: options.Features = None,
    limit: options.Limit = None,
    allow_overlap: options.AllowOverlap = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Forecast a labelled table and print the contingency table and the scores; also written as JSON and Parquet."""
    from flarescope.pipeline.evaluation import evaluate as run_evaluation
    from flarescope.pipeline.featuring import Compute

    evaluation = run_evaluation(
        model,
        table=table,
        images=images,
        epoch=epoch,
        split=split,
        backbone=backbone,
        compute=Compute(engine, precision, workers, nan),
        features=features,
        out=out,
        limit=limit,
        allow_overlap=allow_overlap,
        reporter=ScreenReporter(),
    )
    show_evaluation(evaluation)


def show_evaluation(evaluation: "Evaluation") -> None:
    """Print an evaluation, as tables or as JSON."""
    if settings.as_json:
        show_json(evaluation.to_json())
        return
    table = evaluation.table
    title = f"{evaluation.split}: {len(evaluation.forecasts):,} images, yes from p >= {evaluation.threshold:g}"
    counts = [
        ["forecast yes", f"{table.tp:,} hits (TP)", f"{table.fp:,} false alarms (FP)"],
        ["forecast no", f"{table.fn:,} misses (FN)", f"{table.tn:,} correct rejections (TN)"],
    ]
    show_table(title, ["", "flared", "did not flare"], counts)
    scores = {**table.scores(), "loss": evaluation.loss}
    out("  ".join(f"{name.upper() if name != 'loss' else name} {value:.4f}" for name, value in scores.items()))
    if evaluation.undefined:
        names = ", ".join(name.upper() for name in evaluation.undefined)
        out(f"undefined (0/0, written as null): {names}: the table lacks events or non-events")
    note(f"scores and forecasts written to {evaluation.folder}")
