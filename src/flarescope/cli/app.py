"""The verbs, and the help that stands above them."""

from typing import Annotated

import typer

from flarescope.cli import ablate as ablate_verb
from flarescope.cli import archive, catalog, data, disk, engine, images, weights
from flarescope.cli import backbones as backbones_verb
from flarescope.cli import calibrate as calibrate_verb
from flarescope.cli import compare as compare_verb
from flarescope.cli import demo as demo_verb
from flarescope.cli import evaluate as evaluate_verb
from flarescope.cli import explain as explain_verb
from flarescope.cli import export as export_verb
from flarescope.cli import finetune as finetune_verb
from flarescope.cli import forecast as forecast_verb
from flarescope.cli import magnetic as magnetic_verbs
from flarescope.cli import predict as predict_verb
from flarescope.cli import report as report_verb
from flarescope.cli import serve as serve_verb
from flarescope.cli import sweep as sweep_verb
from flarescope.cli import train as train_verb
from flarescope.cli import train_regions as regions_verb
from flarescope.cli.groups import help_where_bare

app = typer.Typer(
    name="flarescope",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Forecast solar flares from HMI magnetograms of active regions. Research software: no official forecast.",
    epilog="Every command has an example in its own help, as `flarescope train --help`.",
)
app.add_typer(weights.app, name="weights")
app.add_typer(data.app, name="data")
app.add_typer(catalog.app, name="catalog")
app.add_typer(images.app, name="images")
app.add_typer(disk.app, name="disk")
app.add_typer(engine.app, name="engine")
app.add_typer(archive.app, name="archive")
app.command(epilog=backbones_verb.EXAMPLE)(backbones_verb.backbones)
app.command(epilog=magnetic_verbs.FEATURES_EXAMPLE)(magnetic_verbs.features)
app.command(epilog=train_verb.EXAMPLE)(train_verb.train)
app.command(epilog=finetune_verb.EXAMPLE)(finetune_verb.finetune)
app.command(epilog=sweep_verb.EXAMPLE)(sweep_verb.sweep)
app.command(epilog=magnetic_verbs.TRAIN_EXAMPLE)(magnetic_verbs.train_magnetic)
app.command(epilog=magnetic_verbs.EVALUATE_EXAMPLE)(magnetic_verbs.evaluate_magnetic)
app.command(epilog=forecast_verb.EXAMPLE)(forecast_verb.forecast)
app.command(epilog=regions_verb.EXAMPLE)(regions_verb.train_regions)
app.command(epilog=calibrate_verb.EXAMPLE)(calibrate_verb.calibrate)
app.command(epilog=evaluate_verb.EXAMPLE)(evaluate_verb.evaluate)
app.command(epilog=compare_verb.EXAMPLE)(compare_verb.compare)
app.command(epilog=ablate_verb.EXAMPLE)(ablate_verb.ablate)
app.command(epilog=report_verb.EXAMPLE)(report_verb.report)
app.command(epilog=predict_verb.EXAMPLE)(predict_verb.predict)
app.command(epilog=serve_verb.EXAMPLE)(serve_verb.serve)
app.command(epilog=explain_verb.EXAMPLE)(explain_verb.explain)
app.command(epilog=export_verb.EXAMPLE)(export_verb.export)
app.command(epilog=demo_verb.EXAMPLE)(demo_verb.demo)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"flarescope {version('flarescope')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    help_where_bare(context)
