"""`flarescope compare`: is A better than B, and which of many is better than which?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from flarescope.cli import options, table_options
from flarescope.cli.grouped import grouped, names_of
from flarescope.cli.screen import ScreenReporter, note, out, settings, show_json, show_table
from flarescope.counted import counted
from flarescope.errors import InputError

EXAMPLE = "Example: flarescope compare runs/png runs/svm other_model.csv"


BESIDE_SPREAD = ("score", "threshold", "climatology", "resample", "replicates")
TABLE_ONLY = (*names_of(table_options.TableOptions), "calibration", "choose_on")


@grouped
def compare(
    context: typer.Context,
    forecasts: Annotated[
        list[Path], typer.Argument(help="Runs that were evaluated, or tables of forecasts: two or more.")
    ],
    table: table_options.ScoringOptions,
    split: options.ForecastSplit = "test",
    score: Annotated[str, typer.Option(help="Of many: which score's differences are printed.")] = "tss",
    spread: Annotated[
        bool,
        typer.Option(
            "--spread", help="Of runs of one recipe, each on rows of its own: their spread over seeds and splits."
        ),
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Compare forecasts on the rows that all have.

    Of two, gives every score of both, the difference, and its interval by regions, or of the whole disk by blocks of
    time. Of more, the scores of each and the differences of all pairs, with p-values corrected for their number (Holm).
    A run's own calibration and threshold are used, where it has them; other forecasts say yes from 0.5, or as
    --threshold says. Of a table of several events (a replay's forecasts.parquet) --event, --window and --scope say
    which, and forecasts.parquet#mcintosh which of its models. Of runs that differ by seed or split alone, how far their
    scores spread stands beside their intervals; --spread shows that alone.
    """
    from flarescope.pipeline.comparing import compare as compare_two
    from flarescope.pipeline.comparing import compare_many
    from flarescope.pipeline.spreading import spread_if_any, spread_of_runs
    from flarescope.pipeline.verifying import Verifying
    from flarescope.scores.definitions import DEFINITIONS

    if len(forecasts) < 2:
        raise InputError(f"{forecasts[0]} alone: name two or more forecasts to compare")
    if all(path.is_dir() for path in forecasts):
        table_options.refuse_given(context, TABLE_ONLY, "all of these are runs, and this is for tables of forecasts")
    elif not any(path.is_dir() for path in forecasts):
        table_options.refuse_given(context, ("split",), "all of these are tables, and no run")
    if len(forecasts) == 2:
        table_options.refuse_given(context, ("score",), "of two every score is printed")
    if score not in DEFINITIONS:
        raise InputError(f"--score {score}: expected one of {', '.join(DEFINITIONS)}")
    if spread:
        table_options.refuse_given(context, BESIDE_SPREAD, "--spread shows the scores that runs were evaluated with")
        _show_spread(spread_of_runs(forecasts, split))
        return
    how = table.comparing(Verifying(replicates=table.replicates, resample=table.resample), split)
    two, say = len(forecasts) == 2, ScreenReporter()
    found = compare_two(*forecasts, how=how, reporter=say) if two else compare_many(forecasts, how=how, reporter=say)
    found |= {"spread": spread_if_any(forecasts, split)}
    if settings.as_json:
        show_json(found)
    elif two:
        _show_two(found, *forecasts)
    else:
        _show_many(found, score)
    if found["spread"] and not settings.as_json:
        out("")
        _show_spread(found["spread"])


def _show_spread(found: dict[str, Any]) -> None:
    from flarescope.html_report.spread import HEADER, spread_rows, spread_title

    if settings.as_json:
        show_json(found)
        return
    for one in found["spreads"]:
        show_table(spread_title(found, one), list(HEADER), spread_rows(one))
    note("- half interval: the mean half width of their intervals, what the rows leave open; neither holds the other")


def _show_two(found: dict[str, Any], a: Path, b: Path) -> None:
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
    _show_own({side.upper(): one for side, one in found["own"].items()})
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


def _show_own(own: dict[str, Any]) -> None:
    """Print the scores of those that have more rows than all have, on all of these."""
    from flarescope.cli.verification_tables import side_rows

    if own:
        out("")
        show_table("each on all rows of its own", *side_rows(own, {}, {}))


def _show_many(found: dict[str, Any], score: str) -> None:
    from flarescope.cli.verification_tables import matrix_rows, pair_rows, side_rows
    from flarescope.events import event_from_json, statement_of
    from flarescope.wording import interval_words, score_title

    drawn = found["settings"]
    how = interval_words(drawn)
    title = f"{counted(found['n'], 'forecast')} that all have, {found['events']:,} with an event"
    out(statement_of(event_from_json(drawn["event"], "the comparison")))
    out("")
    sides = {name: one | {"n": found["n"], "events": found["events"]} for name, one in found["tables"].items()}
    show_table(
        title + (f", {drawn['level']:.0%} intervals {how}" if how else ""),
        *side_rows(sides, drawn["thresholds"], drawn["calibrated"]),
    )
    _show_own(found["own"])
    out("")
    show_table(
        f"differences in {score_title(score)}, row minus column; * where Holm's p of all {len(found['pairs'])} pairs "
        f"is below {1 - drawn['level']:.2g}",
        *matrix_rows(found, score),
    )
    out("")
    show_table(f"pairs, by {score_title(score)}", *pair_rows(found, score))
    for text in found["notes"]:
        note(f"- {text}")
