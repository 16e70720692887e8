"""`flarescope catalog`: tables of labelled images."""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli.options import AsJson, Debug, Quiet
from flarescope.cli.screen import frame_records, note, settings, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Tables of labelled images.")


@app.command(
    epilog="Example: flarescope catalog build C1.0_24hr_224_png_Labels.txt --test List_of_AR_in_Test_Data_by_AR.csv "
    "--validation List_of_AR_in_Validation_data_by_AR.csv --out tables"
)
def build(
    labels: Annotated[Path, typer.Argument(help="A labels file of the published set: basename,label.")],
    test: Annotated[Path, typer.Option(help="List of the test regions.")],
    validation: Annotated[Path, typer.Option(help="List of the validation regions.")],
    out: Annotated[Path, typer.Option(help="Folder for the three CSVs and catalogue.parquet.")],
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make the train, validation and test tables as the published ones were made, and a catalogue of all three."""
    from flarescope.catalog.splits import count_splits
    from flarescope.pipeline.catalogue import build_catalogue

    catalogue = build_catalogue(labels=labels, test_regions=test, validation_regions=validation, out=out)
    counts = count_splits(catalogue).rename_axis("split").reset_index()
    if settings.as_json:
        show_json(frame_records(counts))
        return
    numbers = ["images", "flaring", "regions"]
    rows = [[str(row["split"]), *(f"{row[name]:,}" for name in numbers)] for row in frame_records(counts)]
    show_table("catalogue", ["split", *numbers], rows)
    note(f"written to {out}")
