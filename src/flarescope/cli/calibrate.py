"""`flarescope calibrate`: a calibration and a threshold, fitted on validation forecasts."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from flarescope.cli import options
from flarescope.cli.screen import ScreenReporter, out, settings, show_json

MethodName = Literal["platt", "temperature", "isotonic", "none"]
ThresholdRule = Literal["tss", "hss", "cost"]
EXAMPLE = "Example: flarescope calibrate runs/png --method platt --threshold tss"


def calibrate(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    method: Annotated[MethodName, typer.Option(help="Of calibration; none: the threshold alone.")] = "platt",
    threshold: Annotated[
        ThresholdRule, typer.Option(help="What it is chosen for: the largest TSS, the largest HSS, or the least cost.")
    ] = "tss",
    cost_ratio: Annotated[
        float | None, typer.Option(help="For cost: how many false alarms one miss is worth.", show_default=False)
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Fit a calibration and choose a threshold.

    Both come from the run's validation forecasts and are kept in its model file. Class weights make the raw
    probabilities over-forecast. Test rows are never used. `evaluate` then reports argmax and the chosen threshold side
    by side, and `predict` gives calibrated probabilities.
    """
    from flarescope.pipeline.calibrating import calibrate as run_calibration

    found = run_calibration(run, method=method, rule=threshold, cost_ratio=cost_ratio, reporter=ScreenReporter())
    if settings.as_json:
        show_json({"model": str(found.model), **asdict(found.description)})
        return
    out(f"{found.model}: {method} calibration, yes from p >= {found.choice.threshold:.4f}")
    out(f"({found.choice.rule} {found.choice.value:.4f} on validation)")
