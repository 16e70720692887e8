"""`flarescope evaluate`: how well does a model, or anybody's table of forecasts, forecast?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options, table_options
from flarescope.cli.grouped import grouped
from flarescope.cli.screen import ScreenReporter
from flarescope.cli.show_evaluation import show_evaluation, show_events, show_foreign
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.pipeline.evaluating_events import EventsEvaluation
    from flarescope.pipeline.evaluation import Evaluation
    from flarescope.pipeline.with_regions import RecordFiles

EXAMPLE = "Example: flarescope evaluate runs/png --table Test_Data_by_AR_png_224.csv --images Lat60_Lon60_Nans0_png_224"
TABLE_SUFFIXES = (".csv", ".parquet")
MODEL_ONLY = (
    *("table", "images", "epoch", "split", "backbone", "engine", "precision", "engine_batch", "workers", "nan"),
    *("instrument_ok", "store", "features", "limit", "allow_overlap", "with_model", "flux_scale"),
)
TABLE_ONLY = ("columns", "percent", "form", "flares", "threshold", "calibration", "choose_on", "climatology")


@grouped
def evaluate(
    context: typer.Context,
    model: Annotated[
        Path,
        typer.Argument(help="A run's folder, a model file (the reference notebook's too), or a table of forecasts."),
    ],
    of_table: table_options.ScoringOptions,
    table: Annotated[
        Path | None, typer.Option(help="Table of labelled images; not for forecasts.", show_default=False)
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder that the table's file names are relative to, or s3://BUCKET/FOLDER.",
            show_default=False,
        ),
    ] = None,
    epoch: options.Epoch = None,
    split: options.Split = "test",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what is written.",
            show_default="of a model its run, or beside it; of a table NAME.verified beside it",
        ),
    ] = None,
    events: options.Events = None,
    regions: table_options.Regions = None,
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
    with_model: options.With = None,
    flux_scale: options.FluxScale = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Verify a model, or anybody's table of forecasts.

    A model is verified on a labelled table; forecasts have filename or time, noaa_ar, label, probability. Prints the
    contingency table and every score with its 95 % interval by regions (of the whole disk
    by blocks of time), beside climatology and persistence. Of a model
    scores.json and forecasts/SPLIT.parquet are written, of a table of forecasts scores.json. Of a table --columns,
    --percent and --form say how it is written, and --flares labels it. A run that was trained --with a region model
    is verified joined with it --with the same.
    """
    from flarescope.pipeline.verifying import Verifying

    verifying = Verifying(
        replicates=of_table.replicates,
        events=events,
        resample=of_table.resample,
        regions=tuple(regions or ()),
        flux_scale=flux_scale,
    )
    asked = of_table.events()
    if of_table.form != "flarescope" or is_table(model):
        table_options.refuse_given(context, MODEL_ONLY, f"{model} is a table of forecasts")
        from flarescope.pipeline.comparing import choosing_of_each
        from flarescope.pipeline.foreign import verify_table, write_verified

        how = of_table.comparing(verifying)
        found = verify_table(
            model,
            climatology=how.climatology,
            event=how.event,
            reading=how.reading,
            choosing=choosing_of_each([model], how.choosing, how.choose_on)[0],
            verifying=verifying,
        )
        show_foreign(found, str(model))
        write_verified(found, model, out, ScreenReporter())
        return
    only_tables = tuple(name for name in TABLE_ONLY if name != "flares" or with_model is None)
    table_options.refuse_given(context, only_tables, f"{model} is no table of forecasts (they end in .csv or .parquet)")
    # --regions alone is for the reference forecasts, --flux-scale for the list of --events too.
    asks = with_model is not None or (flux_scale is not None and events is None)
    record = options.record_of_options(with_model, regions, of_table.flares, flux_scale) if asks else None
    if table is None or images is None:
        raise InputError("a model is evaluated on images: give --table and --images; forecasts end in .csv or .parquet")
    from flarescope.forecaster.event_runs import is_of_events
    from flarescope.pipeline.event_in_both import event_in_both
    from flarescope.pipeline.featuring import Compute

    chosen: dict[str, Any] = {
        "table": table,
        "images": images,
        "split": split,
        "backbone": backbone,
        "compute": Compute(engine, precision, workers, nan, engine_batch, store, instrument_ok),
        "features": features,
        "limit": limit,
        "allow_overlap": allow_overlap,
        "verifying": verifying,
        "reporter": ScreenReporter(),
    }
    if is_of_events(model) and not asked:
        one = event_in_both(model, table, None, chosen["reporter"])
        asked = [] if one is None else [one]
    if is_of_events(model) and len(asked) != 1:
        if epoch is not None or out is not None:
            raise InputError("--epoch and --out are of one event of a run of several: choose it by --event")
        show_events(_several(model, record, {**chosen, "events": asked}))
        return
    show_evaluation(_one(model, record, {**chosen, "epoch": epoch, "out": out, "event": options.only_one(asked)}))


def _several(run: Path, record: "RecordFiles | None", chosen: dict[str, Any]) -> "EventsEvaluation":
    """Evaluate events of a run of several, with its region models or without."""
    if record is None:
        from flarescope.pipeline.evaluating_events import evaluate_events

        return evaluate_events(run, **chosen)
    from flarescope.pipeline.events_with_regions import evaluate_events_with_regions

    return evaluate_events_with_regions(run, record, **chosen)


def _one(model: Path, record: "RecordFiles | None", chosen: dict[str, Any]) -> "Evaluation":
    """Evaluate a model of one event, or one event of a run of several, with its region model or without."""
    if record is None:
        from flarescope.pipeline.evaluating import evaluate as run_evaluation

        return run_evaluation(model, **chosen)
    from flarescope.forecaster.event_runs import run_of_event
    from flarescope.pipeline.with_regions import evaluate_with_regions

    return evaluate_with_regions(run_of_event(model, chosen["event"]), record, **chosen)


def is_table(path: Path) -> bool:
    """Tell a table of forecasts from a model or a run by its name; a model of the table may stand behind `#`."""
    return path.suffix.lower().partition("#")[0] in TABLE_SUFFIXES
