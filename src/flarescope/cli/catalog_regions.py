"""`flarescope catalog regions`: which regions were there, from when, for how many days?"""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, show_counts

EXAMPLE = "Example: flarescope catalog regions --summaries srs --first 2010-05-01 --last 2018-12-31 --out ARList.txt"


def regions(
    summaries: options.Summaries,
    first: options.First,
    last: options.Last,
    out: Annotated[Path, typer.Option(help="The list, in the form of the published ARList.txt.")],
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """List the regions with spots in a period.

    By NOAA's Solar Region Summaries: region, first day, number of days.
    """
    from flarescope.pipeline.catalogues.catalogue import list_regions

    table = list_regions(summaries, first=first.date(), last=last.date(), out=out, reporter=ScreenReporter())
    show_counts("regions with spots", {"regions": len(table), "days of regions": int(table["days"].sum())})
    note(f"written to {out}")
