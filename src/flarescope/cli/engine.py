"""`flarescope engine`: how fast is the network here, and what does its precision change?"""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.groups import group
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table
from flarescope.counted import counted

app = group("What runs the network: its settings, its precision.")


@app.command(epilog="Example: flarescope engine tune")
def tune(
    backbone: options.Backbone = "random",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Measure which batch and streams are fastest here.

    They are remembered for this machine ($FLARESCOPE_CACHE). Made pixels and random filters: the speed depends on
    neither. Do it before a first pass over many images: features that a store holds already keep the
    settings they were begun with.
    """
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.precision import tune as run_tuning

    tuned = run_tuning(Compute(engine, precision), backbone=backbone, reporter=ScreenReporter())
    if settings.as_json:
        show_json(tuned.to_json())
        return
    rows = [[str(one.batch), str(one.streams or "auto"), f"{one.images_per_s:.1f}"] for one in tuned.measured]
    show_table(tuned.machine, ["batch", "streams", "images/s"], rows)
    note(f"fastest here: batch {tuned.choice.batch}, streams {tuned.choice.streams or 'auto'}")


@app.command(
    "compare", epilog="Example: flarescope engine compare runs/png --table tables/catalogue.parquet --images I"
)
def compare(
    model: Annotated[Path, typer.Argument(help="A run's folder, a model file, or a model of the reference notebook.")],
    table: Annotated[Path, typer.Option(help="Labelled images; of a catalogue the rows of --split are taken.")],
    images: options.ImagesAnywhere,
    split: Annotated[options.SplitName, typer.Option(help="Which rows of a catalogue.")] = "validation",
    epoch: options.Epoch = None,
    backbone: options.OtherBackbone = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    engine_batch: options.EngineBatch = None,
    nan: options.Nan = "error",
    instrument_ok: options.InstrumentOk = False,
    limit: Annotated[int, typer.Option(help="Images, drawn at random, the same ones every time.")] = 256,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Compare an engine with PyTorch in fp32.

    Shown are the error of its features, and what that changes in a model's forecasts.
    """
    from flarescope.pipeline.featuring import Compute
    from flarescope.pipeline.precision import compare_with_reference

    found = compare_with_reference(
        model,
        table=table,
        images=images,
        split=split,
        epoch=epoch,
        backbone=backbone,
        compute=Compute(engine, precision, nan=nan, batch=engine_batch, instrument_ok=instrument_ok),
        limit=limit,
        reporter=ScreenReporter(),
    )
    if settings.as_json:
        show_json(found.to_json())
        return
    rows = [[name, value] for name, value in found.lines()]
    show_table(f"{found.engine} against torch-cpu-fp32, {counted(found.images, 'image')}", ["", ""], rows)
