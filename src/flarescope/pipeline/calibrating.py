"""How does a run's model get a calibration and a threshold, fitted on its validation forecasts and then frozen?"""

from dataclasses import dataclass, replace
from pathlib import Path

from flarescope.errors import InputError
from flarescope.model.classifier import Description, describe_again
from flarescope.model.runs import RunFolder
from flarescope.pipeline.models import load
from flarescope.scores.calibration import fit_calibration
from flarescope.scores.threshold import Threshold, choose_threshold
from flarescope.tables import read_forecasts

METHODS = ("platt", "temperature", "isotonic", "none")


@dataclass(frozen=True)
class Calibrated:
    """What was fitted: the model's file, its new description, and the threshold's choice."""

    model: Path
    description: Description
    choice: Threshold


def calibrate(
    run: str | Path, *, method: str = "platt", rule: str = "tss", cost_ratio: float | None = None
) -> Calibrated:
    """Fit a calibration and choose a threshold on a run's validation forecasts; store both in its model file.

    Test rows are never looked at: the forecasts of another split are refused. The head is not changed, and argmax is
    still reported beside.

    Args:
        run: a run's folder; its best kept model, whose forecasts `train` wrote, is the one.
        method: `platt`, `temperature`, `isotonic`, or `none` for the threshold alone.
        rule: `tss`, `hss`, or `cost`.
        cost_ratio: for `cost`: how many false alarms one miss is worth.

    Raises:
        InputError: no run, no validation forecasts, an unknown method or rule.
    """
    if method not in METHODS:
        raise InputError(f"--method {method}: expected one of {', '.join(METHODS)}")
    folder = RunFolder(Path(run))
    folder.read()
    path = folder.forecasts("validation")
    if not path.is_file():
        raise InputError(f"{path}: no validation forecasts; run `flarescope train` to its end first")
    forecasts = read_forecasts(path)
    calibration = None if method == "none" else fit_calibration(forecasts, method=method)
    if calibration is not None:
        forecasts = forecasts.assign(probability=calibration.apply(forecasts["probability"].to_numpy(float)))
    choice = choose_threshold(forecasts, rule=rule, cost_ratio=cost_ratio)
    model = load(folder.path)
    described = replace(
        model.classifier.description,
        threshold=choice.threshold,
        choice=choice.to_json(),
        calibration=calibration.to_json() if calibration else None,
    )
    describe_again(model.path, described)
    return Calibrated(model.path, described, choice)
