"""`flarescope predict`: what does a model forecast for new images?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table
from flarescope.json_values import frame_records

if TYPE_CHECKING:
    from flarescope.pipeline.predicted import Predicted

EXAMPLE = "Example: flarescope predict runs/png some.fits other.png folder/ --csv forecasts.csv"


def predict(
    model: Annotated[Path, typer.Argument(help="A run's folder, a model file, or a model of the reference notebook.")],
    paths: options.ImagePaths,
    csv: Annotated[Path | None, typer.Option(help="Write the forecasts as CSV.", show_default=False)] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the forecasts as Parquet.", show_default=False)] = None,
    epoch: options.Epoch = None,
    backbone: options.OtherBackbone = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    engine_batch: options.EngineBatch = None,
    workers: options.Workers = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Stop at the first image that cannot be read; those before it are forecast."),
    ] = False,
    with_model: options.With = None,
    regions: options.RecordRegions = None,
    flares: options.RecordFlares = None,
    flux_scale: options.FluxScale = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Forecast images: the probability of an event.

    What an event is, the model says: such as C1.0 or more within 24 hours. Region and time (UTC) come
    from the file name, else from the FITS header or the text of a PNG, else they stay empty.

    A model of several events gives all of them, in one row an image, and none is more probable than one that it
    implies.

    Images that cannot be read are named and left out, and the command ends with code 1. With --json they
    follow the forecasts, as records whose probability is null and that say the reason. Where no image can
    be read, nothing is written or printed but the reasons, and the code is 2.
    """
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.predicting import check_outputs, write_forecasts
    from flarescope.pipeline.predicting import predict as run_prediction

    check_outputs(csv=csv, parquet=parquet)
    record = options.record_of_options(with_model, regions, flares, flux_scale)
    compute = Compute(engine, precision, workers, nan, engine_batch, instrument_ok=instrument_ok)
    reporter = ScreenReporter()
    found = run_prediction(
        model, paths, epoch=epoch, backbone=backbone, compute=compute, strict=strict, reporter=reporter
    )
    if record is not None:
        from flarescope.pipeline.events_with_regions import predicted_with_regions

        found = predicted_with_regions(found, model, record, reporter)
    for path in write_forecasts(found, csv=csv, parquet=parquet):
        note(f"written to {path}")
    show_forecasts(found)
    if found.failures:
        raise typer.Exit(1)


def show_forecasts(predicted: "Predicted") -> None:
    """Print forecasts, as a table or as JSON; the records of images without one follow in JSON alone."""
    from flarescope.events import sentence_of
    from flarescope.wording import probability_text

    forecasts = predicted.forecasts
    if settings.as_json:
        show_json([*frame_records(forecasts), *predicted.failure_records()])
        return
    if predicted.events:
        show_events(predicted)
        return
    flagged = forecasts["flags"].any()
    rows = [
        [
            row["filename"],
            str(row.get("noaa_ars") or row["noaa_ar"] or "-"),
            (row["time"] or "-").replace("T", " ")[:19],
            probability_text(row["probability"], 4),
            "yes" if row["flare"] else "no",
            *([row["flags"] or "-"] if flagged else []),
        ]
        for row in frame_records(forecasts)
    ]
    yes = "" if predicted.threshold is None else f", flare: yes from {predicted.threshold:.3g}"
    title = f"probability of {sentence_of(predicted.event)}{yes} (research, no official forecast)"
    show_table(title, ["image", "NOAA AR", "time UTC", "probability", "flare", *(["flags"] if flagged else [])], rows)


def show_events(predicted: "Predicted") -> None:
    """Print forecasts of several events, a column each; * marks those that reach their event's threshold."""
    from flarescope.wording import probability_text

    flagged = predicted.forecasts["flags"].any()
    rows = []
    for row in frame_records(predicted.forecasts):
        region, time = str(row.get("noaa_ars") or row["noaa_ar"] or "-"), (row["time"] or "-").replace("T", " ")[:19]
        names = [event.name for event in predicted.events]
        found = [
            f"{probability_text(row[f'probability_{name}'], 4)}{' *' if row[f'yes_{name}'] else ''}" for name in names
        ]
        rows.append([row["filename"], region, time, *found, *([row["flags"] or "-"] if flagged else [])])
    header = ["image", "NOAA AR", "time UTC", *[event.code for event in predicted.events]]
    title = "probability of each event, class/hours; * reaches its threshold (research, no official forecast)"
    show_table(title, [*header, *(["flags"] if flagged else [])], rows)
