"""`flarescope catalog label`: which images are followed by a flare?"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, show_counts
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.events import EventDefinition

EXAMPLE = (
    "Example: flarescope catalog label Lat60_Lon60_Nans0_png_224 --flares events --threshold M1.0 --window 12 "
    "--out catalogue.parquet"
)


def label(
    images: Annotated[
        str,
        typer.Argument(
            metavar="IMAGES",
            help="A table that names images (catalogue, published CSV, labels file), or their folder; or s3://BUCKET/FOLDER.",
        ),
    ],
    flares: options.Flares,
    out: Annotated[
        Path, typer.Option(help="catalogue.parquet; or .csv as the published tables, .txt as the labels file.")
    ],
    threshold: Annotated[str, typer.Option(help="Smallest flare class that is an event.")] = "C1.0",
    window: Annotated[float, typer.Option(help="Length of the window after the image, hours.")] = 24,
    latency: Annotated[float, typer.Option(help="From the image to the start of the window, hours.")] = 0,
    event: Annotated[
        list[str] | None,
        typer.Option(
            help="As --threshold; or M1.0/24, M1.0/24+6 (with latency); may be given again.", show_default=False
        ),
    ] = None,
    rules: Annotated[
        options.RulesName,
        typer.Option(help="utc: TAI is turned into UTC; ar-flares: exactly as the published set."),
    ] = "utc",
    flux_scale: options.FluxScale = None,
    scope: Annotated[
        Literal["region", "disk"],
        typer.Option(help="Whose flares count: the region's of the image, or any from anywhere on the disk."),
    ] = "region",
    regions: Annotated[
        Literal["all", "principal"],
        typer.Option(help="Whose flares label a patch of several regions: of all, or of the principal one (NOAA_AR)."),
    ] = "all",
    keep_uncovered: Annotated[
        bool, typer.Option("--keep-uncovered", help="Keep images whose window runs past the flare list.")
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=HEADER for an unusual CSV; NAME: time (peak), flare, noaa_ar, satellite.", show_default=False
        ),
    ] = None,
    instrument_ok: options.InstrumentOk = False,
    workers: options.Processes = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Label images by the flares of their region.

    Any threshold, window and latency, any period. Region and time come from the table, else from the file names, else
    from the headers of the images in the folder. A patch that shows several regions (HMI's NOAA_ARS) is followed by the
    flares of all of them; the catalogue keeps them in noaa_ars, and no split parts them. Prints how many images and
    flares were used and why others were not.

    With --event C1.0/24 --event M1.0/24 --event M1.0/48 the Parquet has a column of labels for each event and the
    largest flare of each window; `train` then trains a head for each.

    With --scope disk images of the whole disk are labelled by all flares: the folder's FITS and JPEG files are listed,
    and their regions are not asked for.
    """
    from flarescope.events import EventDefinition
    from flarescope.pipeline.catalogues.labelling import label as run_label

    rule = EventDefinition(threshold=threshold, window_hours=window, latency_hours=latency, rules=rules, scope=scope)
    asked = events_asked(rule, event or [])
    labelled = run_label(
        images,
        flares=flares,
        out=out,
        rule=asked,
        keep_uncovered=keep_uncovered,
        columns=parse_columns(column or []),
        flux_scale=flux_scale,
        regions=regions,
        workers=workers,
        instrument_ok=instrument_ok,
        reporter=ScreenReporter(),
    )
    events = [labelled.event, *labelled.others]
    told = {"event": labelled.event.to_json()} | (
        {"events": [one.to_json() for one in events]} if labelled.others else {}
    )
    what = f"a flare {labelled.event}" if len(events) == 1 else f"{len(events)} events"
    show_counts(f"labels: {what}", labelled.account, told)
    note(f"written to {out}")


def events_asked(rule: "EventDefinition", events: list[str]) -> "list[EventDefinition]":
    """Give the events that the options ask for: one by its parts, or each written whole.

    Raises:
        InputError: events in the two forms, or with parts that each says itself.
    """
    from flarescope.several_events import event_of_code

    if not any("/" in event for event in events):
        if len(events) > 1:
            raise InputError("--event is given again: write each with its hours, as --event M1.0/24")
        return [replace(rule, threshold=events[0]) if events else rule]
    if (rule.threshold, rule.window_hours, rule.latency_hours) != ("C1.0", 24, 0):
        raise InputError(f"--event {events[0]} says its class and hours: leave --threshold, --window, --latency out")
    return [event_of_code(event, rule) for event in events]


def parse_columns(texts: list[str]) -> dict[str, str]:
    """Read `NAME=HEADER` pairs.

    Raises:
        InputError: no `=` in one.
    """
    pairs = [text.partition("=") for text in texts]
    if not all(name and header for name, _, header in pairs):
        raise InputError(f"--column {texts[0]}: expected NAME=HEADER, such as time=peak_utc")
    return {name: header for name, _, header in pairs}
