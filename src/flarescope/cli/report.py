"""`flarescope report`: scores, figures and provenance on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, settings, show_json
from flarescope.cli.screen import out as show
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.pipeline.reporting import Reported

EXAMPLE = "Example: flarescope report runs/png --compare runs/svm --compare other_model.csv --events eventList.txt"


def report(
    run: Annotated[Path, typer.Argument(help="A run's folder; it must be evaluated.")],
    compare: Annotated[
        list[Path] | None,
        typer.Option(help="Another run or forecasts; can be repeated.", show_default=False),
    ] = None,
    split: options.ForecastSplit = "test",
    images: Annotated[
        Path | None, typer.Option(help="Image root for the gallery.", show_default="where the run was trained from")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            help="Flare list, to mark flares in the time lines, and for persistence of tables of forecasts.",
            show_default=False,
        ),
    ] = None,
    event: options.ChosenEvents = None,
    resample: options.Resample = "auto",
    replicates: Annotated[
        int,
        typer.Option(help="Resamplings for the intervals of what is compared; the run's own are as it was evaluated."),
    ] = 2000,
    out: Annotated[Path | None, typer.Option(help="The page's file.", show_default="report.html in the run")] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Write a run's report, figures and model card.

    One self-contained HTML page, its figures as PNG and SVG, and, of test rows, a model card, from what `evaluate`
    wrote.
    """
    from flarescope.forecaster.event_runs import EventRuns, is_of_events
    from flarescope.pipeline.reporting import report as run_report
    from flarescope.pipeline.verifying import Verifying

    asked = options.events_of_options(event, None, None)
    several = is_of_events(run)
    if asked and not several:
        raise InputError(f"{run}: no run of several events; leave --event out")
    if several and out is not None and len(asked) != 1:
        raise InputError("--out names the page of one event of a run of several: choose it by --event")
    chosen = EventRuns.open(run).chosen(asked) if several else [None]
    written = [
        run_report(
            run,
            compared=compare or (),
            split=split,
            images=images,
            verifying=Verifying(replicates=replicates, events=events, resample=resample),
            out=out,
            event=one,
            reporter=ScreenReporter(),
        )
        for one in chosen
    ]
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
