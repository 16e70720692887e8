"""`flarescope catalog`: tables of labelled images."""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import catalog_check, catalog_label, catalog_regions, catalog_select, catalog_split
from flarescope.cli.catalog_split import show_splits
from flarescope.cli.groups import group
from flarescope.cli.options import AsJson, Debug, Quiet, StatedEvent, StatedLatency, StatedWindow, event_of_options
from flarescope.cli.screen import note

app = group("Tables of labelled images.")
app.command(epilog=catalog_label.EXAMPLE)(catalog_label.label)
app.command(epilog=catalog_select.EXAMPLE)(catalog_select.select)
app.command(epilog=catalog_split.EXAMPLE)(catalog_split.split)
app.command(epilog=catalog_check.EXAMPLE)(catalog_check.check)
app.command(epilog=catalog_regions.EXAMPLE)(catalog_regions.regions)


@app.command(
    epilog="Example: flarescope catalog build C1.0_24hr_224_png_Labels.txt --test List_of_AR_in_Test_Data_by_AR.csv "
    "--validation List_of_AR_in_Validation_data_by_AR.csv --out tables"
)
def build(
    labels: Annotated[Path, typer.Argument(help="A labels file of the published set: basename,label.")],
    test: Annotated[Path, typer.Option(help="List of the test regions.")],
    validation: Annotated[Path, typer.Option(help="List of the validation regions.")],
    out: Annotated[Path, typer.Option(help="Folder for the three CSVs and catalogue.parquet.")],
    event: StatedEvent = None,
    window: StatedWindow = None,
    latency: StatedLatency = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make the tables as the published ones were made.

    Writes the train, validation and test tables, and a catalogue of all three.
    """
    from flarescope.pipeline.catalogues.catalogue import build_catalogue

    stated = event_of_options(event, window, latency)
    built = build_catalogue(labels=labels, test_regions=test, validation_regions=validation, out=out, event=stated)
    show_splits(built)
    note(f"written to {out}")
