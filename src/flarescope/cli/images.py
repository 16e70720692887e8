"""`flarescope images`: files of magnetograms."""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.groups import group
from flarescope.cli.screen import ScreenReporter, note, show_counts, warn

app = group("Files of magnetograms.")


@app.command(epilog="Example: flarescope images reduce Lat60_Lon60_Nans0 Lat60_Lon60_Nans0_png_224")
def reduce(
    source: Annotated[Path, typer.Argument(help="Folder of FITS files, at any depth.")],
    destination: Annotated[Path, typer.Argument(help="Folder for the PNG files, with the same folders in it.")],
    nan: Annotated[
        options.NanPolicy, typer.Option(help="NaN pixels; error: the file is left out; zero: they become zero field.")
    ] = "error",
    instrument_ok: options.InstrumentOk = False,
    workers: options.Processes = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Reduce FITS files to PNG files of 224x224.

    They get the published layout and scale. Run again, it goes on where it stood. Files that cannot be reduced are
    named at the end and the command ends with code 1; all others are written.
    """
    from flarescope.images.reduce import reduce_directory

    reporter = ScreenReporter()
    report = reduce_directory(
        source,
        destination,
        nan=nan,
        instrument_ok=instrument_ok,
        workers=workers,
        progress=lambda done, total: reporter.advance("reducing images", done, total),
    )
    failed = len(report.failures)
    show_counts("images", {"written": report.written, "kept, as they were": report.kept, "failed": failed})
    for failure in report.failures:
        warn(f"failed: {failure.reason}")
    note(f"written to {destination}")
    if failed:
        raise typer.Exit(1)
