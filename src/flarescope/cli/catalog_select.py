"""`flarescope catalog select`: which images are fit for use?"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, show_counts
from flarescope.errors import InputError

UnknownRule = Literal["drop", "keep"]
EXAMPLE = (
    "Example: flarescope catalog select catalogue.parquet --summaries srs --max-degrees 60 --max-nan 0 "
    "--images Lat60_Lon60_Nans0 --cadence 60 --out selected.parquet"
)


def parse_mask(text: str) -> int:
    """Read a bit mask such as 0xFFFF0000 or 65536.

    Raises:
        InputError: no whole number.
    """
    try:
        return int(text, 0)
    except ValueError as error:
        raise InputError(f"--quality-mask {text}: expected bits such as 0xFFFFFFFF") from error


def select(
    table: Annotated[
        Path, typer.Argument(help="Table of labelled images: a catalogue, a published CSV, a labels file.")
    ],
    out: Annotated[Path, typer.Option(help="selected.parquet; or .csv as the published tables, .txt.")],
    summaries: options.Summaries = [],  # noqa: B006 - typer copies it
    max_degrees: Annotated[
        float | None, typer.Option(help="|latitude| and |longitude| below this by the day's summary.")
    ] = None,
    max_nan: Annotated[int | None, typer.Option(help="Most pixels without a value.")] = None,
    quality_mask: Annotated[
        str | None, typer.Option(help="Bits of QUALITY that must not be set; 0xFFFFFFFF takes only quality 0.")
    ] = None,
    first: options.OptionalFirst = None,
    last: options.OptionalLast = None,
    cadence: Annotated[float | None, typer.Option(help="Minutes between images of a region, at least.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, for --max-nan and --quality-mask.")] = None,
    scan: options.Scan = None,
    unknown: Annotated[
        UnknownRule, typer.Option(help="What is done with images whose position, NaN count or quality nobody gives.")
    ] = "drop",
    rules: Annotated[
        options.RulesName, typer.Option(help="Whose day an image is of: UTC's, or the TAI clock's (ar-flares).")
    ] = "utc",
    instrument_ok: options.InstrumentOk = False,
    workers: options.Processes = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Choose the images that are fit for use.

    Chosen by position, NaN pixels, QUALITY, dates and cadence; says how many each rule removed. Rows are chosen; image
    files are never copied, moved or deleted. With --summaries a .parquet gets each region's place at the image's time
    (lon_deg, lat_deg), by which evaluate then makes slices.
    """
    import pandas as pd

    from flarescope.catalog.select import SelectionRules
    from flarescope.pipeline.catalogues.selecting import select as run_select

    chosen = SelectionRules(
        first=None if first is None else pd.Timestamp(first),
        last=None if last is None else pd.Timestamp(last + timedelta(days=1)),
        max_degrees=max_degrees,
        max_nan_pixels=max_nan,
        quality_mask=None if quality_mask is None else parse_mask(quality_mask),
        cadence_minutes=cadence,
        unknown="remove" if unknown == "drop" else "keep",
        rules=rules,
    )
    selection = run_select(
        table,
        rules=chosen,
        out=out,
        summaries=summaries,
        images=images,
        scan=scan,
        workers=workers,
        instrument_ok=instrument_ok,
        reporter=ScreenReporter(),
    )
    removed = {f"removed: {each.rule}": each.removed for each in selection.account}
    show_counts("selection", {"images": selection.images, **removed, "taken": len(selection.table)})
    note(f"written to {out}")
