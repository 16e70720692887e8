"""`flarescope catalog check`: what makes skill look better than it is?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, out, settings, show_json, show_table

EXAMPLE = (
    "Example: flarescope catalog check tables/catalogue.parquet --flares eventList.txt --summaries srs "
    "--rules ar-flares"
)


def check(
    tables: Annotated[
        list[Path], typer.Argument(help="A catalogue with splits, or the tables of the splits (train..., test...).")
    ],
    flares: options.Flares = [],  # noqa: B006 - typer copies it
    summaries: options.Summaries = [],  # noqa: B006 - typer copies it
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, to find the same picture twice and near copies.")
    ] = None,
    scan: options.Scan = None,
    published: Annotated[
        bool, typer.Option("--published", help="Compare the counts with those of the published PNG set.")
    ] = False,
    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            "--threshold",
            help="Smallest flare class that is an event, for tables that do not say it; with --window.",
            show_default="as the tables say",
        ),
    ] = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    scope: options.StatedScope = None,
    rules: Annotated[
        options.RulesName | None,
        typer.Option(help="Of the labels, for tables that do not say it.", show_default="as the tables say"),
    ] = None,
    instrument_ok: options.InstrumentOk = False,
    workers: options.Processes = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Find what makes skill look better than it is.

    Looked for are regions, flares, windows and pictures on both sides of a split, duplicates, wrong labels and counts.
    Ends with code 1 where an error was found, with 0 where nothing or only warnings were.
    """
    from flarescope.pipeline.catalogues.checking import check as run_check

    findings = run_check(
        tables,
        rule=options.event_of_options(event, window, latency, scope),
        rules=rules,
        flares=flares,
        summaries=summaries,
        images=images,
        scan=scan,
        published=published,
        workers=workers,
        instrument_ok=instrument_ok,
        reporter=ScreenReporter(),
    )
    if settings.as_json:
        show_json([asdict(finding) for finding in findings])
    elif findings:
        rows = [[each.severity, each.what, each.where, each.advice] for each in findings]
        show_table("findings", ["severity", "what", "where", "what to do"], rows)
    else:
        out("nothing found")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
