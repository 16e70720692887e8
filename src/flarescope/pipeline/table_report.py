"""How do tables of forecasts become a report without any run: one page, with every pair where they are many?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from flarescope.counted import listed
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.figures import save_figures
from flarescope.files import read_json, sha256_of
from flarescope.html_report import Compared, ReportInputs, report_figures, write_report
from flarescope.html_report.drawings import letters
from flarescope.html_report.pairs import pairs_section
from flarescope.pipeline.common_rows import short_names
from flarescope.pipeline.comparing import Comparing, Sides, compare_sides, read_sides
from flarescope.pipeline.foreign import verified_folder, with_list
from flarescope.pipeline.identity import versions
from flarescope.pipeline.issued_rows import is_issued, split_name
from flarescope.pipeline.reporting import Reported
from flarescope.pipeline.verifying import verify_rows
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.threshold import ARGMAX

REGION_EVENT: Final = EventDefinition(flux_scale="operational")
"""What of a run of region models is reported where nobody asks for another event."""
FORECAST: Final = "forecast"
REGION_DAY: Final = "region day"


def report_tables(
    paths: Sequence[str | Path],
    *,
    how: Comparing | None = None,
    out: str | Path | None = None,
    reporter: Reporter | None = None,
) -> Reported:
    """Write a report of one or several tables of forecasts: the first one's scores, and the others beside.

    All is of the rows that all have. There is no model card, for there is no model.

    Args:
        paths: tables, the folder of a run of `train-regions`; behind the first also runs that were evaluated.
        how: they are read, decided and compared, with a flare list and region summaries for the references; of a run of
            `train-regions` the event is C1.0 in 24 hours of each region, unless it is stated.
        out: the page's file; by default `report.html` in `NAME.verified` beside the first table, or in the run.
        reporter: hears what must be said.

    Returns:
        The page and its figures, in `figures` beside the page.

    Raises:
        InputError: forecasts of different events, no common row, and whatever is wrong with a table.

    Example:
        >>> how = flarescope.Comparing(event=flarescope.EventDefinition())
        >>> written = flarescope.report_tables(["other_model.csv"], how=how)
        >>> written.page.name
        'report.html'
    """
    how, reporter = how or Comparing(), reporter or WarningReporter()
    how = replace(how, verifying=with_list(how.verifying, how.reading))
    run = region_run(paths[0])
    if run is not None and how.event is None:
        how = replace(how, event=REGION_EVENT)
        reporter.say(f"reported are forecasts of {REGION_EVENT.sentence}; --event and --window say which others")
    tables = [Path(path) / "forecasts.parquet" if region_run(path) is not None else path for path in paths]
    sides = read_sides(tables, how, reporter=reporter, names=short_names(paths))
    page = Path(out) if out else _folder(paths[0]) / "report.html"
    inputs = _inputs(sides, how, _origin(run))
    write_report(inputs, page)
    return Reported(page, None, save_figures(report_figures(inputs), page.parent / "figures"))


def region_run(path: str | Path) -> Mapping[str, Any] | None:
    """Read `run.json` of a run of `train-regions`; None for anything else."""
    file = Path(path) / "run.json"
    described = read_json(file) if file.is_file() else {}
    return described if isinstance(described, dict) and described.get("kind") == "regions" else None


def _folder(path: str | Path) -> Path:
    return Path(path) if Path(path).is_dir() else verified_folder(path)


def _inputs(sides: Sides, how: Comparing, origin: Mapping[str, Any]) -> ReportInputs:
    """Verify the first on the common rows, set the others beside, and say where all come from."""
    names = list(sides.files)
    verified = {name: _verified(sides, name, how) for name in names}
    found = compare_sides(sides, how) if len(names) > 1 else None
    marks = dict(zip(names, letters(len(names)), strict=True))
    first = verified[names[0]]
    first |= {"notes": [*sides.notes(), *first["notes"]]}
    return ReportInputs(
        title=f"Flare forecasts of {listed(names)}",
        name=names[0],
        forecasts=sides.common.tables[names[0]],
        verification=first,
        warnings=[text for text in first["notes"] if "NO TEST" in text],  # of several it begins with the table's name
        event=sides.event,
        split="",
        events=how.verifying.marked_flares(sides.event),
        compared=[Compared(name, verified[name], _against(found, name)) for name in names[1:]] if found else [],
        provenance={**origin, "tables": _tables(sides), "versions": versions(("flarescope",))},
        what=_word(sides),
        chosen="as stated" if first["settings"]["threshold"] is None else _how_chosen(sides, names[0]),
        further=[pairs_section(found, marks)] if found and len(names) > 2 else [],
    )


def _verified(sides: Sides, name: str, how: Comparing) -> dict[str, Any]:
    threshold = sides.decided[name].threshold
    try:
        return verify_rows(
            sides.common.tables[name],
            how.verifying,
            event=sides.event,
            climatology=how.climatology,
            threshold=None if threshold == ARGMAX else threshold,
        )
    except InputError as error:
        raise InputError(f"{sides.files[name]}: {error}") from error


def _how_chosen(sides: Sides, name: str) -> str:
    by_rows = any(text.startswith("Chosen on") for text in sides.decided[name].notes)
    return "chosen on other rows" if by_rows else "as stated"


def _against(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give the pair of the first and another as `scores.compare.compare` does."""
    pair = next(pair for pair in found["pairs"] if pair["b"] == name)
    return {part: pair[part] for part in ("decision", "probability")}


def _word(sides: Sides) -> str:
    """Say what a row is called: a region's day where region forecasts are issued once a day, else a forecast."""
    paths = [split_name(path)[0] for path in sides.files.values()]
    regions = sides.event is not None and sides.event.scope == "region"
    return REGION_DAY if regions and all(is_issued(path) for path in paths) else FORECAST


def _tables(sides: Sides) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, path in sides.files.items():
        file = split_name(path)[0]
        found[name] = {"file": file.name} | ({"sha256": sha256_of(file)} if file.is_file() else {})
        found[name] |= {"rows": len(sides.decided[name].rows), "yes from": sides.decided[name].threshold}
        found[name] |= {"calibrated": "yes" if sides.decided[name].calibrated else "no"}
    return found


def _origin(run: Mapping[str, Any] | None) -> dict[str, Any]:
    if run is None:
        return {}
    by = "cross-validated by region" if run.get("until") is None else f"of the time after {run['until']}"
    trained = {key: run.get(key) for key in ("model", "until", "seed", "data", "trained")}
    return {"forecasts": f"{by}: no row was learned from", "training": trained}
