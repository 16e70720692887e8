"""`flarescope catalog split`: which images are for training, which for choosing, which for the test?"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table
from flarescope.errors import InputError
from flarescope.json_values import frame_records

if TYPE_CHECKING:
    import pandas as pd

SplitWay = Literal["lists", "region", "time", "folds"]
EXAMPLE = "Example: flarescope catalog split selected.parquet --how region --fractions 0.8,0.1,0.1 --out tables"
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


def parse_fractions(text: str) -> tuple[float, float, float]:
    """Read `0.8,0.1,0.1`.

    Raises:
        InputError: anything else than three numbers.
    """
    try:
        train, validation, test = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--fractions {text}: expected three numbers as 0.8,0.1,0.1") from error
    return train, validation, test


def split(
    table: Annotated[
        Path, typer.Argument(help="Table of labelled images: a catalogue, a published CSV, a labels file.")
    ],
    how: Annotated[SplitWay, typer.Option(help="By the published lists, by region at random, by time, or in folds.")],
    out: Annotated[Path, typer.Option(help="A .parquet; or a folder for it and the three published tables.")],
    lists: Annotated[
        Path | None, typer.Option(help="lists: folder of List_of_AR_in_Test_Data_by_AR.csv and its fellows.")
    ] = None,
    fractions: Annotated[str, typer.Option(help="region: of the regions for train, validation, test.")] = "0.8,0.1,0.1",
    seed: Annotated[int, typer.Option(help="region, folds: of the draw.")] = 0,
    validation_from: Annotated[
        datetime | None,
        typer.Option(
            help="time: first instant of the validation set, UTC.", formats=MOMENTS, metavar="<YYYY-MM-DD[THH:MM]>"
        ),
    ] = None,
    test_from: Annotated[
        datetime | None,
        typer.Option(help="time: first instant of the test set, UTC.", formats=MOMENTS, metavar="<YYYY-MM-DD[THH:MM]>"),
    ] = None,
    gap_hours: Annotated[
        float | None,
        typer.Option(help="time: hours of images left out before a boundary.", show_default="latency + window"),
    ] = None,
    folds: Annotated[int, typer.Option(help="folds: how many.")] = 5,
    fold: Annotated[int, typer.Option(help="folds: the one that tests, from 0; the next one validates.")] = 0,
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    scope: options.StatedScope = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Split a table; no region stands on both sides.

    By time, images less than the gap before a boundary are left out, and those of a region after a boundary that it
    crosses. Prints what each split holds, and how many images were left out by which rule.
    """
    import pandas as pd

    from flarescope.pipeline.catalogues.splitting import SplitRules
    from flarescope.pipeline.catalogues.splitting import split as run_split

    rules = SplitRules(
        how=how,
        lists=lists,
        fractions=parse_fractions(fractions),
        seed=seed,
        validation_from=None if validation_from is None else pd.Timestamp(validation_from),
        test_from=None if test_from is None else pd.Timestamp(test_from),
        gap_hours=gap_hours,
        folds=folds,
        fold=fold,
        event=options.event_of_options(event, window, latency, scope),
    )
    show_splits(run_split(table, rules=rules, out=out, reporter=ScreenReporter()))
    note(f"written to {out}")


def show_splits(catalogue: "pd.DataFrame") -> None:
    """Print how many images, flaring images and regions each split holds, as a table or as JSON."""
    from flarescope.catalog.splits import count_splits

    counts = count_splits(catalogue).rename_axis("split").reset_index()
    if settings.as_json:
        show_json(frame_records(counts))
        return
    of_each = [name for name in counts.columns if name.startswith("flaring ")]  # of a table of several events
    known = ["regions"] if counts["regions"].any() else []  # rows of the whole disk name none
    numbers = ["images", *(of_each or ["flaring"]), *known]
    rows = [[str(row["split"]), *(f"{row[name]:,}" for name in numbers)] for row in frame_records(counts)]
    show_table("catalogue", ["split", *numbers], rows)
