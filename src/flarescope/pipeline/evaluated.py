"""What is known of a run that was evaluated, and which forecasts does a path name?"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.catalog.splits import check_split
from flarescope.catalog.table_event import agreed_event
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.files import read_json
from flarescope.forecaster.runs import RunFolder
from flarescope.html_report import decided_forecasts, main_decision
from flarescope.notes import read_event, read_notes
from flarescope.parsing import refusing_damage
from flarescope.pipeline.again import to_evaluate
from flarescope.pipeline.belonging import check_same_evaluation
from flarescope.pipeline.choosing import Choosing, choose
from flarescope.pipeline.foreign_rows import Reading, read_foreign
from flarescope.pipeline.issued_rows import is_issued, issued_rows, split_name
from flarescope.pipeline.origin import Origin, origin_from_json
from flarescope.scores.threshold import ARGMAX
from flarescope.tables import read_forecasts

ONE_EVENT: Final = "forecasts of one event are compared"
"""What to do where two forecasts are of different events."""


def read_evaluated(folder: RunFolder, split: str) -> tuple[dict[str, Any], pd.DataFrame, dict[str, Any]]:
    """Read a run's description, its forecasts of a split, and their verification.

    Raises:
        InputError: no run, no such split, or not evaluated on this split; the message has the command that does it.
    """
    check_split(split)
    described = folder.read()
    path = folder.forecasts(split)
    origin = read_origin(folder, split) if path.is_file() else None
    if not (path.is_file() and folder.scores(split).is_file()):
        raise to_evaluate(f"{folder.path}: not evaluated on {split} yet", folder, described, split, origin)
    scores, forecasts = read_json(folder.scores(split)), read_forecasts(path)
    check_same_evaluation(folder, split, forecasts, origin, scores)
    verification = scores.get("verification")
    if not isinstance(verification, dict | None):
        raise to_evaluate(f"{folder.scores(split)}: its verification is no object", folder, described, split, origin)
    if verification is None:
        raise InputError(f"{folder.scores(split)}: no verification in it (rows of one class only); evaluate on others")
    return described, forecasts, verification


def read_origin(folder: RunFolder, split: str) -> Origin | None:
    """Read which model made a run's forecasts of a split, of which rows; None where an older version wrote them.

    Raises:
        InputError: the notes are damaged.
    """
    path = folder.forecasts(split)
    return origin_from_json(read_notes(path), path)


def event_of_forecasts(
    path: str | Path, split: str = "test", *, stated: EventDefinition | None = None
) -> EventDefinition | None:
    """Find what was forecast, by what the forecasts that a path names say of themselves.

    Args:
        path: a run's folder, or a table of forecasts.
        split: of a run.
        stated: of a table, by options; of one of several events, which.

    Returns:
        The event; None where nobody says it.

    Raises:
        InputError: the table says another event than was stated.
    """
    path = Path(path)
    if not path.is_dir():
        place, model = split_name(path)
        return issued_rows(place, stated, model)[1] if is_issued(place) else agreed_event(path, stated)
    run = RunFolder(path)
    return read_event(run.forecasts(split)) or event_from_json(run.read().get("event"), str(run.run_json))


@dataclass(frozen=True)
class Decided:
    """Forecasts, and how their yes or no is decided.

    Attributes:
        rows: as `tables.read_forecasts` gives them, with the probabilities that are decided on.
        threshold: yes is forecast from this probability on.
        calibrated: whether the probabilities are calibrated ones.
        event: what label 1 means; None where nobody says it.
        notes: what has to be said of how they were read.
    """

    rows: pd.DataFrame
    threshold: float
    calibrated: bool = False
    event: EventDefinition | None = None
    notes: tuple[str, ...] = ()


def forecasts_of(
    path: str | Path,
    split: str = "test",
    event: EventDefinition | None = None,
    *,
    reading: Reading | None = None,
    choosing: Choosing | None = None,
) -> Decided:
    """Read the forecasts that a path names, and the threshold that their decisions are made with.

    Args:
        path: a run's folder (its forecasts of `split`, calibrated where its model is), or a table of forecasts.
        split: of a run.
        event: which, of a table of several, or that does not say it.
        reading: how a table is read.
        choosing: how a table's forecasts become yes or no; a stated threshold is a run's too.

    Raises:
        InputError: no such run or table, or a run that was not evaluated yet.
    """
    path, choosing = Path(path), choosing or Choosing()
    if not path.is_dir():
        return _decided_table(path, event, reading or Reading(), choosing)
    run = RunFolder(path)
    _, forecasts, verification = read_evaluated(run, split)
    stated = choosing.rule.stated if choosing.rule else None
    with using_scores(run, split):
        calibrated = verification["decisions"][main_decision(verification)]["calibrated"]
        rows, own = decided_forecasts(forecasts, verification)
    return Decided(rows, own if stated is None else stated, calibrated, event_of_forecasts(path, split))


def _decided_table(path: Path, event: EventDefinition | None, reading: Reading, choosing: Choosing) -> Decided:
    chosen = choose(read_foreign(path, event, reading), choosing, reading, str(path))
    rows = chosen.rows
    if chosen.calibration is not None:
        rows = rows.assign(probability=chosen.calibration.apply(rows["probability"].to_numpy(float)))
    threshold = ARGMAX if chosen.threshold is None else chosen.threshold
    return Decided(rows, threshold, chosen.calibration is not None, chosen.event, chosen.notes)


def using_scores(run: RunFolder, split: str) -> AbstractContextManager[None]:
    """Take what fails in a `with` block that shows a verification for a fault of the file that it was read from.

    It is a large file of the program's own, whose every number is looked at where it is shown and not before.
    """
    advice = "evaluate the run again"
    return refusing_damage(run.scores(split), advice, what="its verification cannot be shown")
