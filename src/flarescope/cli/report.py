"""`flarescope report`: scores, figures and provenance on one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options, table_options
from flarescope.cli.grouped import grouped, names_of
from flarescope.cli.screen import ScreenReporter, settings, show_json
from flarescope.cli.screen import out as show
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.events import EventDefinition
    from flarescope.pipeline.reporting import Reported

EXAMPLE = "Example: flarescope report runs/png --compare runs/svm --compare other_model.csv --events eventList.txt"
RUN_ONLY = ("images", "explain")
TABLE_ONLY = tuple(
    name for name in names_of(table_options.ScoringOptions) if name not in ("event", "resample", "replicates")
)


@grouped
def report(
    context: typer.Context,
    forecasts: Annotated[
        list[Path],
        typer.Argument(help="A run's folder, evaluated; or tables of forecasts, or a run of train-regions."),
    ],
    table: table_options.ScoringOptions,
    compare: Annotated[
        list[Path] | None,
        typer.Option(help="Another run or forecasts; can be repeated.", show_default=False),
    ] = None,
    split: options.ForecastSplit = "test",
    images: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Image root for the gallery, or s3://BUCKET/FOLDER.",
            show_default="where the run was trained from",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            help="Flare list, to mark flares in the time lines, and for persistence of tables of forecasts.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(help="Draw over the gallery what the model sees, by this method of `explain`.", show_default="no"),
    ] = None,
    regions: table_options.Regions = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page's file.", show_default="report.html in the run; of tables in NAME.verified beside the first"
        ),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Write a report of a run, or of tables of forecasts.

    One self-contained HTML page, its figures as PNG and SVG, and, of a run's test rows, a model card, from what
    `evaluate` wrote. Tables need no run: `report A.csv B.csv C.csv` verifies the first, sets the others beside, and
    compares every pair. Of a table of several events --event and --window say which.
    """
    from flarescope.forecaster.event_runs import EventRuns, is_of_events
    from flarescope.pipeline.reporting import report as run_report
    from flarescope.pipeline.table_report import region_run
    from flarescope.pipeline.verifying import Verifying

    verifying = Verifying(
        replicates=table.replicates, events=events, resample=table.resample, regions=tuple(regions or ())
    )
    first, *others = [*forecasts, *(compare or [])]
    asked = table.events()
    several = is_of_events(first)
    chosen: Sequence[EventDefinition | None] = [None]
    if first.is_dir() and region_run(first) is None:
        of_table = tuple(name for name in TABLE_ONLY if not several or name not in table_options.STATED)
        table_options.refuse_given(
            context, of_table, f"{first} is a run's folder, and these are for tables of forecasts"
        )
        if asked and not several:
            raise InputError(f"{first}: no run of several events; leave --event out")
        if several and out is not None and len(asked) != 1:
            raise InputError("--out names the page of one event of a run of several: choose it by --event")
        chosen = EventRuns.open(first).chosen(asked) if several else chosen
        made: dict[str, Any] = {
            "compared": others,
            "split": split,
            "images": images,
            "explained": explain,
            "verifying": verifying,
            "out": out,
        }
        written = [run_report(first, **made, event=one, reporter=ScreenReporter()) for one in chosen]
    else:
        from flarescope.pipeline.table_report import report_tables

        table_options.refuse_given(context, RUN_ONLY, f"{first} is no run with images")
        if not any(path.is_dir() and region_run(path) is None for path in others):
            table_options.refuse_given(context, ("split",), "none of these is a run that was evaluated")
        how = table.comparing(verifying, split)
        one = report_tables([first, *others], how=how, out=out, reporter=ScreenReporter())
        written = [one]
    if settings.as_json:
        shown = {one.code if one else "": _files(files) for one, files in zip(chosen, written, strict=True)}
        show_json(shown if several else shown[""])
        return
    for files in written:
        show(f"report: {files.page}")
        if files.card:
            show(f"model card: {files.card}")
        show(f"figures: {files.figures[0].parent}")


def _files(written: "Reported") -> dict[str, Any]:
    figures = [str(path) for path in written.figures]
    return {"page": str(written.page), "card": str(written.card) if written.card else None, "figures": figures}
