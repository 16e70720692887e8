"""`flarescope data`: what is fetched from the published set, from NOAA and from JSOC, and what is made up."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.groups import group
from flarescope.cli.screen import ScreenReporter, note, show_counts, warn

app = group("Fetch published, NOAA's, JSOC's data; make synthetic.")


class Part(StrEnum):
    """A part of the published set, as the command line names it."""

    tables = "tables"
    features = "features"
    png = "png"
    fits_tables = "fits-tables"
    fits = "fits"
    extra = "extra"


class Follow(StrEnum):
    """What made flares follow, as the command line names it (`synthetic.flares.FOLLOW`)."""

    gradient = "gradient"
    growth = "growth"
    nothing = "nothing"


@app.command(epilog="Example: flarescope data published tables png --out data --only '*.csv' --only '*.tar*'")
def published(
    parts: Annotated[list[Part], typer.Argument(help="Which parts; png are 13 GB.")],
    out: Annotated[Path, typer.Option(help="Gets a folder for each part.")],
    only: Annotated[
        list[str] | None, typer.Option(help="Only files whose names fit; may be given again.", show_default="all")
    ] = None,
    unpack: Annotated[bool, typer.Option(help="Unpack tar archives after they are verified.")] = True,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Fetch parts of the published set.

    They come from Dryad and Zenodo and are verified; a broken download goes on where it stood. The space on the disk
    is checked before the first file.
    """
    from flarescope.pipeline.catalogues.downloading import fetch_published

    words = [part.value for part in parts]
    reports = fetch_published(words, out, only=only or (), unpack=unpack, reporter=ScreenReporter())
    show_counts("files that are here now", {part: len(report.files) for part, report in reports.items()})
    for report in reports.values():
        for folder in report.unpacked:
            note(f"unpacked: {folder}")
    note(f"written to {out}")


@app.command(epilog="Example: flarescope data noaa summaries --first 2012-03-01 --last 2012-03-31 --out srs")
def noaa(
    product: Annotated[
        Literal["summaries", "events"], typer.Argument(help="Solar Region Summaries, or event reports.")
    ],
    first: options.First,
    last: options.Last,
    out: Annotated[Path, typer.Option(help="Folder for the files, one a day.")],
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Fetch NOAA's daily files of a period.

    Files that are here and do not change any more are kept. Days that could not be fetched are named and the command
    ends with code 1: run it again.
    """
    from flarescope.pipeline.catalogues.downloading import fetch_noaa

    report = fetch_noaa(product, first=first.date(), last=last.date(), out=out, reporter=ScreenReporter())
    here, absent, failed = len(report.files), len(report.missing), len(report.failed)
    show_counts(product, {"files that are here now": here, "days without a file": absent, "days that failed": failed})
    if report.missing:
        note(f"days without a file: {', '.join(map(str, report.missing))}")
    for day, reason in report.failed:
        warn(f"{day}: {reason}")
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: flarescope data jsoc --summaries srs --region 11158 --cadence 60 --out cutouts")
def jsoc(
    summaries: options.Summaries,
    out: Annotated[Path, typer.Option(help="Folder for 1121/1121_hmi....fits and the manifest of the orders.")],
    region: Annotated[
        list[int] | None, typer.Option(help="NOAA number, 11158 or 1158; may be given again.", show_default=False)
    ] = None,
    orders: Annotated[
        Path | None, typer.Option(help="List like ARList.txt: region, first day, days.", show_default=False)
    ] = None,
    first: options.OptionalFirst = None,
    last: options.OptionalLast = None,
    max_degrees: Annotated[float, typer.Option(help="Days on which the region is nearer to the centre.")] = 60,
    cadence: Annotated[int, typer.Option(help="Minutes between images; a multiple of 12.")] = 12,
    series: Annotated[
        Literal["definitive", "near-real-time"], typer.Option(help="near-real-time has the last days too.")
    ] = "definitive",
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Order and fetch cut-outs that follow regions.

    They are of hmi.M_720s, 600x600 pixels, ordered from JSOC a few at a time. Wants a registered e-mail address in
    JSOC_EMAIL and the package drms. Run again, it goes on where it stood. Orders that gave nothing are named and the
    command ends with code 1.
    """
    from flarescope.pipeline.catalogues.downloading import fetch_cutouts

    report = fetch_cutouts(
        summaries=summaries,
        out=out,
        regions=region or (),
        orders=orders,
        first=None if first is None else first.date(),
        last=None if last is None else last.date(),
        max_degrees=max_degrees,
        cadence_minutes=cadence,
        series=series,
        reporter=ScreenReporter(),
    )
    show_counts("cut-outs", {"files that are here now": len(report.files), "orders that failed": len(report.failed)})
    for reason in report.failed:
        warn(reason)
    if report.failed:
        raise typer.Exit(1)


@app.command(
    epilog="Example: flarescope data synthetic --regions 600 --images 16 --follow growth --follow nothing --out made"
)
def synthetic(
    out: Annotated[Path, typer.Option(help="Gets the images and the flare lists.")],
    regions: Annotated[int, typer.Option(help="Active regions, at most 999.")] = 64,
    images: Annotated[int, typer.Option(help="Of each region, one every three hours.")] = 8,
    follow: Annotated[
        list[Follow] | None,
        typer.Option(
            help="What flares follow: the gradient along the inversion lines, its growth in 9 hours, or nothing; may "
            "be given again, a flare list each.",
            show_default="gradient",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
    fits: Annotated[bool, typer.Option("--fits", help="FITS of 600x600 beside PNG of 224x224.")] = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Make synthetic magnetograms and their flares, to try things on.

    Nothing is fetched, and nothing is an observation: regions, fields and flares are made up, in the layout of the
    published set. What is measured on them says how the program works, and nothing of the Sun. The images are the same
    whatever flares follow. Flares end 24 hours after a region's last image: label by windows that end no later.
    A thousand images take about a minute of one core.
    """
    from flarescope.pipeline.synthetic_set import write_synthetic_set

    reporter = ScreenReporter()
    rules = [one.value for one in follow or [Follow.gradient]]
    made = write_synthetic_set(
        out, regions=regions, images=images, seed=seed, follow=rules, fits=fits, reporter=reporter
    )
    show_counts("made up, no observation", made)
    note(f"written to {out}")
