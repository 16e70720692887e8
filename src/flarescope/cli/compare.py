"""`flarescope compare`: is A better than B?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json, show_table
from flarescope.counted import counted

EXAMPLE = "Example: flarescope compare runs/png other_model.csv"


def compare(
    a: Annotated[Path, typer.Argument(help="A run that was evaluated, or a table of forecasts.")],
    b: Annotated[Path, typer.Argument(help="Another one, of the same images.")],
    split: options.ForecastSplit = "test",
    event: options.StatedEvent = None,
    window: options.StatedWindow = None,
    latency: options.StatedLatency = None,
    scope: options.StatedScope = None,
    replicates: options.Replicates = 2000,
    resample: options.Resample = "auto",
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Compare two forecasts of the same images.

    Gives every score of both, the difference, and its interval by regions, or of the whole disk by blocks of time.
    A run's own calibration and threshold are used, where it has them; other forecasts say yes from 0.5. Of a table
    of several events (a replay's forecasts.parquet) --event, --window and --scope say which, and
    forecasts.parquet#mcintosh which of its models.
    """
    from flarescope.pipeline.foreign import compare as run_comparison
    from flarescope.pipeline.verifying import Verifying

    found = run_comparison(
        a,
        b,
        split=split,
        event=options.event_of_options(event, window, latency, scope),
        verifying=Verifying(replicates=replicates, resample=resample),
        reporter=ScreenReporter(),
    )
    if settings.as_json:
        show_json(found)
        return
    from flarescope.events import event_from_json, statement_of
    from flarescope.wording import interval_words, without_empty

    drawn = found["settings"]
    how = interval_words(drawn)
    title = f"A = {a}, B = {b}: {counted(found['n'], 'forecast')}, {found['events']:,} with an event"
    title += f", {drawn['level']:.0%} intervals {how}" if how else ""
    out(statement_of(event_from_json(drawn["event"], str(a))))
    out(f"yes: {_yes(drawn, 'a')}; {_yes(drawn, 'b')}")
    out("")
    header = ["score", "A", "B", "A - B", "interval", "better"]
    columns, rows = without_empty(header, _rows(found), ("interval", "better") if not how else ())
    show_table(title, list(columns), [list(row) for row in rows])
    for text in found["notes"]:
        note(f"- {text}")


def _yes(drawn: dict[str, Any], side: str) -> str:
    """Say from which probability on a side forecasts yes."""
    which = "calibrated p" if drawn[f"calibrated_{side}"] else "p"
    return f"{side.upper()} from {which} >= {drawn[f'threshold_{side}']:.3g}"


def _rows(found: dict[str, Any]) -> list[list[str]]:
    from flarescope.wording import interval, number, score_title

    rows = []
    for part in ("decision", "probability"):
        for name, row in found[part].items():
            values = [number(row[key]) for key in ("a", "b", "difference")]
            better = (row.get("better") or "").upper()
            rows.append([score_title(name), *values, interval(row.get("low"), row.get("high")), better])
    return rows
