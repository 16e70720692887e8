"""`flarescope report`: scores, figures and provenance on one page."""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, settings, show_json
from flarescope.cli.screen import out as show

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
    from flarescope.pipeline.reporting import report as run_report
    from flarescope.pipeline.verifying import Verifying

    written = run_report(
        run,
        compared=compare or (),
        split=split,
        images=images,
        verifying=Verifying(replicates=replicates, events=events, resample=resample),
        out=out,
        reporter=ScreenReporter(),
    )
    if settings.as_json:
        figures = [str(path) for path in written.figures]
        card = str(written.card) if written.card else None
        show_json({"page": str(written.page), "card": card, "figures": figures})
        return
    show(f"report: {written.page}")
    if written.card:
        show(f"model card: {written.card}")
    show(f"figures: {written.figures[0].parent}")
