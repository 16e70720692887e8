"""`flarescope compare`: is A better than B?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, settings, show_json, show_table
from flarescope.counted import counted

EXAMPLE = "Example: flarescope compare runs/png other_model.csv"


def compare(
    a: Annotated[Path, typer.Argument(help="A run that was evaluated, or a table of forecasts.")],
    b: Annotated[Path, typer.Argument(help="Another one, of the same images.")],
    split: options.ForecastSplit = "test",
    replicates: options.Replicates = 2000,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Compare two forecasts of the same images.

    Gives every score of both, the difference, and its interval by regions.
    """
    from flarescope.pipeline.foreign import compare as run_comparison
    from flarescope.pipeline.verifying import Verifying

    found = run_comparison(a, b, split=split, verifying=Verifying(replicates=replicates), reporter=ScreenReporter())
    if settings.as_json:
        show_json(found)
        return
    from flarescope.wording import interval_words

    how = interval_words(found["settings"])
    title = f"A = {a}, B = {b}: {counted(found['n'], 'image')}, {found['events']:,} with an event"
    title += f", {found['settings']['level']:.0%} intervals {how}" if how else ""
    show_table(title, ["score", "A", "B", "A - B", "interval", "better"], _rows(found))


def _rows(found: dict[str, Any]) -> list[list[str]]:
    from flarescope.wording import interval, number, score_title

    rows = []
    for part in ("decision", "probability"):
        for name, row in found[part].items():
            values = [number(row[key]) for key in ("a", "b", "difference")]
            better = (row.get("better") or "").upper()
            rows.append([score_title(name), *values, interval(row.get("low"), row.get("high")), better])
    return rows
