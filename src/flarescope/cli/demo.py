"""`flarescope demo`: the main job on a small synthetic set."""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli import options
from flarescope.cli.predict import show_forecasts
from flarescope.cli.screen import ScreenReporter, out, settings, show_json, show_table
from flarescope.cli.show_evaluation import show_evaluation
from flarescope.cli.train import show_history

EXAMPLE = "Example: flarescope demo --out demo-run"


def demo(
    out_: Annotated[Path, typer.Option("--out", help="Folder for the demo's data and run.")] = Path("demo-run"),
    backbone: options.Backbone = "efficientnet-lite0",
    seed: Annotated[int, typer.Option(help="Of the synthetic regions.")] = 0,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Do the whole job on a small synthetic set.

    Catalogue, features, 5 epochs, calibration, test scores, forecasts, report. The network is a small one with
    ImageNet's filters (`pip install 'flarescope[lite]'`); the data are synthetic: the scores show that everything
    works, not how well flares can be forecast.
    """
    from flarescope.pipeline.demo import run_demo
    from flarescope.pipeline.featuring import Compute

    result = run_demo(
        out_, backbone=backbone, seed=seed, compute=Compute(engine, precision, workers), reporter=ScreenReporter()
    )
    if settings.as_json:
        show_json(result.evaluation.to_json())
        return
    show_history(result.run.history(), result.run.path)
    out("")
    show_evaluation(result.evaluation)
    out("")
    show_forecasts(result.predicted)
    out("\nThe data are synthetic: these numbers show that it works, not how well.")
    show_real_day()
    out(f"The report, to be opened in a browser: {result.report.page}")


def show_real_day() -> None:
    """Show what the shipped region model says of one real day, and what happened."""
    from flarescope.pipeline.real_day import ISSUED, TRAINED, real_day

    title = f"a real day: {ISSUED:%d %B %Y, %H:%M} UTC, by NOAA's summary and flares, and the next 24 hours"
    header = ["region", "class", "C1.0+", "M1.0+", "X1.0+", "largest flare that came"]
    out("")
    show_table(title, header, real_day().rows())
    out(f"({TRAINED})")
