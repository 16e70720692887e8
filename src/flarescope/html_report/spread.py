"""How far do scores spread over seeds and splits, beside what the sample leaves open?"""

from collections.abc import Mapping
from typing import Any, Final

from flarescope.counted import listed
from flarescope.html_report.view import Section, Table
from flarescope.wording import number, score_title

HEADER: Final = ("score", "runs", "mean", "deviation", "lowest", "highest", "half interval")


def spread_rows(one: Mapping[str, Any]) -> list[list[str]]:
    """Give the rows of a table with `HEADER` of one of the `spreads` of `pipeline.spreading.spread_of_runs`."""
    keys = ("mean", "deviation", "lowest", "highest", "half_interval")
    return [
        [score_title(name), str(row["runs"]), *(number(row[key]) for key in keys)]
        for name, row in one["scores"].items()
    ]


def spread_title(found: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """Say over what one of the spreads goes, and of which runs."""
    runs = [found["runs"][name] for name in one["runs"]]
    seeds = listed([str(run["seed"]) for run in runs])
    shared = {"seed": f": seeds {seeds}, of one split", "split": f", of seed {runs[0]['seed']}"}.get(one["over"], "")
    rows = "the same rows" if len({run["rows"] for run in runs}) == 1 else "rows of their own"
    return f"Spread over {one['over']}{shared}; {len(runs)} runs, scored on {rows} ({found['decision']})"


def spread_section(found: Mapping[str, Any]) -> Section:
    """Give the part of the page with the spread over seeds and splits."""
    text = [
        "These runs are of one recipe. Deviation: how much a score changes with the seed of the training, or with the "
        "split. Half interval: the mean half width of their intervals, which is what these rows leave open. Neither "
        "holds the other. Few runs tell the deviation roughly: of five, its 95 % interval is 0.6 to 2.9 times as large."
    ]
    tables = [
        Table(spread_title(found, one), [name.capitalize() for name in HEADER], spread_rows(one))
        for one in found["spreads"]
    ]
    return Section("spread", "Over seeds and splits", text, tables=tables)
