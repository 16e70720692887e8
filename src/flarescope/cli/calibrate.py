"""`flarescope calibrate`: a calibration and a threshold, fitted on validation forecasts."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flarescope.cli import options, table_options
from flarescope.cli.grouped import grouped, names_of
from flarescope.cli.screen import ScreenReporter, out, settings, show_json, show_table

if TYPE_CHECKING:
    from flarescope.events import EventDefinition
    from flarescope.scores.threshold import Threshold

MethodName = Literal["platt", "temperature", "isotonic", "none"]
EXAMPLE = "Example: flarescope calibrate runs/png --method platt --threshold tss"
TABLE_ONLY = (*names_of(table_options.TableOptions), "out_file")


@grouped
def calibrate(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="A run's folder, or a table of forecasts.")],
    table: table_options.TableOptions,
    method: Annotated[MethodName, typer.Option(help="Of calibration; none: the threshold alone.")] = "platt",
    threshold: Annotated[
        str,
        typer.Option(help="tss, hss: the largest; cost=10: a miss is worth 10 false alarms; or a number, as 0.3."),
    ] = "tss",
    cost_ratio: Annotated[
        float | None, typer.Option(help="With --threshold cost: the same as cost=RATIO.", show_default=False)
    ] = None,
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="Of a table: what is written.", show_default="NAME.decision.json beside it"),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Fit a calibration and choose a threshold.

    Of a run both come from its validation forecasts and are kept in its model file. Class weights make the raw
    probabilities over-forecast. Test rows are never used. `evaluate` then reports argmax and the chosen threshold side
    by side, and `predict` gives calibrated probabilities. Of a table of forecasts they come from all its rows and are
    written to a file, which `evaluate` and `compare` take of other rows (--choose-on).
    """
    if cost_ratio is not None:
        threshold = f"{threshold}={cost_ratio}"
    if run.is_dir():
        from flarescope.forecaster.event_runs import is_of_events

        if is_of_events(run):
            of_table = tuple(name for name in TABLE_ONLY if name not in table_options.STATED)
            table_options.refuse_given(context, of_table, f"{run} is a run's folder, and these are for a table")
            _of_events(run, method, threshold, table.events())
            return
        table_options.refuse_given(
            context, TABLE_ONLY, f"{run} is a run's folder, and these are for a table of forecasts"
        )
        _of_run(run, method, threshold)
        return
    from flarescope.pipeline.calibrating import calibrate_table

    file, fitted = calibrate_table(
        run,
        method=method,
        threshold=threshold,
        event=options.only_one(table.events()),
        reading=table.reading(),
        out=out_file,
        reporter=ScreenReporter(),
    )
    if settings.as_json:
        shown = fitted.to_json()
        show_json({"file": str(file), **{name: shown[name] for name in ("threshold", "calibration", "fitted_on")}})
        return
    out(f"{file}: {method} calibration, yes from p >= {fitted.threshold.threshold if fitted.threshold else 0.5:.4f}")


def _of_events(run: Path, method: str, threshold: str, events: "list[EventDefinition]") -> None:
    from flarescope.pipeline.calibrating import calibrate_events

    found = calibrate_events(run, events, method=method, rule=threshold, reporter=ScreenReporter())
    if settings.as_json:
        show_json({code: {"model": str(one.model), **asdict(one.description)} for code, one in found.items()})
        return
    rows = [
        [code, f"{one.choice.threshold:.4f}", _rule(one.choice), f"{one.choice.value:.4f}", str(one.model.name)]
        for code, one in found.items()
    ]
    show_table(
        f"{run}: {method} calibration of each event", ["event", "yes from p >=", "rule", "on validation", "model"], rows
    )


def _of_run(run: Path, method: str, threshold: str) -> None:
    from flarescope.pipeline.calibrating import calibrate as run_calibration

    found = run_calibration(run, method=method, rule=threshold, reporter=ScreenReporter())
    if settings.as_json:
        show_json({"model": str(found.model), **asdict(found.description)})
        return
    out(f"{found.model}: {method} calibration, yes from p >= {found.choice.threshold:.4f}")
    out(f"({_rule(found.choice)} {found.choice.value:.4f} on validation)")


def _rule(choice: "Threshold") -> str:
    """Name the rule as what its value is; of a threshold that was not chosen by the data it is the TSS."""
    from flarescope.pipeline.threshold_rule import STATED

    return "as stated; TSS" if choice.rule == STATED else choice.rule
