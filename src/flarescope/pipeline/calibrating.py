"""How does a run's model get a calibration and a threshold, fitted on its validation forecasts and then frozen?"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from flarescope.brief import brief
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import write_json
from flarescope.forecaster.classifier import describe_again
from flarescope.forecaster.description import Description
from flarescope.forecaster.event_models import model_of_run_written_again
from flarescope.forecaster.event_runs import EventRuns
from flarescope.forecaster.runs import RunFolder
from flarescope.notes import read_notes
from flarescope.pipeline.again import to_evaluate
from flarescope.pipeline.belonging import check_validation_rows
from flarescope.pipeline.choosing import Choosing, Fitted, fit
from flarescope.pipeline.foreign_rows import Reading, read_foreign
from flarescope.pipeline.models import Model, load
from flarescope.pipeline.origin import origin_from_json, rows_in_short
from flarescope.pipeline.threshold_rule import STATED, ThresholdRule, parse_threshold
from flarescope.progress import Naming, Reporter, WarningReporter
from flarescope.scores.calibration import Calibration, certain_words, fit_calibration
from flarescope.scores.clusters import clusters_of
from flarescope.scores.decision import Decision
from flarescope.scores.jackknife import FEW_REGIONS
from flarescope.scores.rows import fitting_rows, refuse_other_splits
from flarescope.scores.threshold import Threshold
from flarescope.tables import read_forecasts

METHODS = ("platt", "temperature", "isotonic", "none")


@dataclass(frozen=True)
class Calibrated:
    """What was fitted: the model's file, its new description, and the threshold's choice."""

    model: Path
    description: Description = field(repr=False)
    choice: Threshold

    __repr__ = brief


def calibrate(
    run: str | Path,
    *,
    method: str = "platt",
    rule: str = "tss",
    cost_ratio: float | None = None,
    reporter: Reporter | None = None,
) -> Calibrated:
    """Fit a calibration and choose a threshold on a run's validation forecasts; store both in its model file.

    They are those of all rows that the run was validated on, by its best model: forecasts of other rows, of some of
    them or by another epoch, which an `evaluate --split validation` leaves, are refused. The head is not changed, and
    argmax is still reported beside.

    Args:
        run: a run's folder; its best kept model, whose forecasts `train` wrote, is the one.
        method: `platt`, `temperature`, `isotonic`, or `none` for the threshold alone.
        rule: `tss`, `hss`, `cost` with a ratio or `cost=10`, or a threshold that was decided elsewhere, as `0.3`.
        cost_ratio: for `cost`: how many false alarms one miss is worth.
        reporter: hears where few regions have events, or a calibrated probability is exactly 0 or 1.

    Raises:
        InputError: no run, no validation forecasts or those of other rows or another model, an unknown method or rule.

    Example:
        >>> found = flarescope.calibrate("runs/png", method="platt", rule="tss")
        >>> threshold = found.choice.threshold
    """
    if method not in METHODS:
        raise InputError(f"--method {method}: expected one of {', '.join(METHODS)}")
    wanted = parse_threshold(rule if cost_ratio is None else f"{rule}={cost_ratio}") or ThresholdRule(rule="tss")
    folder, reporter = RunFolder(Path(run)), reporter or WarningReporter()
    run_json = folder.read()
    path = folder.forecasts("validation")
    model = load(folder.path)
    if not path.is_file():
        raise _no_forecasts(folder, run_json)
    forecasts = read_forecasts(path)
    refuse_other_splits(forecasts, "a calibration")
    _check_rows(model, folder, run_json, forecasts, reporter)
    fitting_rows(forecasts, "a calibration")
    fitted_on = rows_in_short(forecasts)
    calibration = None if method == "none" else fit_calibration(forecasts, method=method)
    if calibration is not None:
        probability = Decision(calibration=calibration).probability(forecasts["probability"].to_numpy(float))
        if certain := certain_words(probability):
            reporter.warn(certain)
        forecasts = forecasts.assign(probability=probability)
    choice = wanted.choose(forecasts)
    described = replace(
        model.classifier.description,
        threshold=choice.threshold,
        choice=choice.to_json(),
        calibration=calibration.to_json() if calibration else None,
        fitted_on=fitted_on,
    )
    describe_again(model.path, described)
    model_of_run_written_again(folder.path)
    _warn_of_few(forecasts, described.event, _fitted(calibration, choice), reporter)
    return Calibrated(model.path, described, choice)


def calibrate_table(
    path: str | Path,
    *,
    method: str = "platt",
    threshold: str = "tss",
    event: EventDefinition | None = None,
    reading: Reading | None = None,
    out: str | Path | None = None,
    reporter: Reporter | None = None,
) -> tuple[Path, Fitted]:
    """Fit a calibration and choose a threshold on a table of forecasts, and write them to a file.

    The file is for `verify_table` and `compare` (`Choosing(on=...)`, `--choose-on`) with forecasts of other rows.

    Args:
        path: the table; all its rows are used, so that none of them may be scored.
        method: as of `calibrate`.
        threshold: `tss`, `hss`, `cost=10`, or a number.
        event: what its labels are of, where it does not say it.
        reading: how the table is read.
        out: the file; by default `<name>.decision.json` beside the table.
        reporter: hears what has to be said.

    Returns:
        The file, and what was fitted.

    Raises:
        InputError: a table that cannot be read, one class only, an unknown method or rule.

    Example:
        >>> file, fitted = flarescope.calibrate_table("other_model.csv", method="none", threshold="hss")
        >>> file.name
        'other_model.decision.json'
    """
    if method not in METHODS:
        raise InputError(f"--method {method}: expected one of {', '.join(METHODS)}")
    reporter = reporter or WarningReporter()
    file = Path(out) if out else Path(path).with_name(f"{Path(path).stem}.decision.json")
    if file.suffix != ".json":
        raise InputError(f"--out {file}: expected a file that ends in .json")
    choosing = Choosing(threshold, None if method == "none" else method, on=str(file))
    found = read_foreign(path, event, reading)
    fitted = fit(found, choosing, str(path))
    for text in found.notes:
        reporter.say(text)
    _warn_of_few(found.rows, found.event, _fitted(fitted.calibration, fitted.threshold), reporter, "row")
    write_json(file, fitted.to_json())
    return file, fitted


def calibrate_events(
    run: str | Path,
    events: Sequence[EventDefinition] = (),
    *,
    reporter: Reporter | None = None,
    **options: Any,  # noqa: ANN401 - those of `calibrate`
) -> dict[str, Calibrated]:
    """Calibrate each event of a run of several on its own validation forecasts, and write its model file again.

    Args:
        run: the folder.
        events: which; by default all.
        reporter: hears what `calibrate` says of each.
        options: `method`, `rule` and `cost_ratio`, the same for each.

    Returns:
        What was fitted, by the event's code; an event that cannot be calibrated is named in a warning and left out.

    Raises:
        InputError: none can be; as `calibrate`, of the last.
    """
    reporter, runs = reporter or WarningReporter(), EventRuns.open(Path(run))
    found: dict[str, Calibrated] = {}
    failure: InputError | None = None
    for event in runs.chosen(events):
        try:
            found[event.code] = calibrate(runs.run(event).path, reporter=Naming(reporter, event.code), **options)
        except InputError as error:
            reporter.warn(f"{event.code} is not calibrated: {error}")
            failure = error
    if failure is not None and not found:
        raise failure
    return found


def _no_forecasts(folder: RunFolder, run_json: dict[str, Any]) -> InputError:
    """Say what to do where a run has models and no validation forecasts."""
    why = f"{folder.forecasts('validation')}: no validation forecasts"
    if run_json.get("failure"):
        return InputError(f"{why}, for the training failed; train again with other choices")
    if not run_json.get("finished", True):
        return InputError(f"{why}, for the training has not ended; give its `flarescope train` again, as it was")
    return to_evaluate(why, folder, run_json, "validation")


def _check_rows(
    model: Model, folder: RunFolder, run_json: dict[str, Any], forecasts: pd.DataFrame, reporter: Reporter
) -> None:
    path = folder.forecasts("validation")
    origin = origin_from_json(read_notes(path), path)
    epoch = check_validation_rows(folder, run_json, forecasts, origin, model.classifier.head.digest)
    if origin is None:
        reporter.say(
            f"{path} does not say which model made it; it has all validation rows of the run and the counts of epoch "
            f"{epoch}, the best, and is taken for that model's"
        )


def _fitted(calibration: Calibration | None, threshold: Threshold | None) -> str:
    """Name what the rows decided; a threshold that was stated they did not."""
    by_rows = threshold is not None and threshold.rule != STATED
    return " and ".join([*(["calibration"] if calibration else []), *(["threshold"] if by_rows else [])])


def _warn_of_few(
    forecasts: pd.DataFrame, of_model: EventDefinition | None, fitted: str, reporter: Reporter, what: str = "image"
) -> None:
    event = (forecasts["label"] == 1).to_numpy(bool)
    clusters = clusters_of([forecasts], of_model)
    groups, unit = int(clusters.of_rows[event].nunique()), clusters.unit
    if fitted and groups < FEW_REGIONS:
        alike, others = ("of one region", "regions") if unit.hours is None else ("near in time", "times")
        images, whose = counted(int(event.sum()), what), counted(groups, unit.one, unit.many)
        reporter.warn(
            f"fitted on {images} with an event, of {whose} (fewer than {FEW_REGIONS}): "
            f"{what}s {alike} can be nearly copies, and other {others} could give another {fitted}"
        )
