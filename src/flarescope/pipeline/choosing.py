"""On which rows are threshold and calibration of somebody's forecasts chosen, and is none of these scored?

They are chosen on rows that are named for it: another table, rows of a split of the same one, or what `flarescope
calibrate` wrote of a table. A row that is scored is never among them.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.connected import all_regions
from flarescope.counted import counted, of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition, agreed, event_from_json
from flarescope.files import read_json
from flarescope.parsing import refusing_damage
from flarescope.pipeline.foreign_rows import ForeignRows, Reading, read_foreign
from flarescope.pipeline.origin import rows_in_short
from flarescope.pipeline.threshold_rule import STATED, ThresholdRule, parse_threshold
from flarescope.scores.calibration import METHODS, Calibration, calibration_from_json, fit_calibration
from flarescope.scores.decision import Decision
from flarescope.scores.threshold import Threshold
from flarescope.tables import SPLITS

KIND: Final = "flarescope decision"
ONE_EVENT: Final = "threshold and calibration are of one event"


@dataclass(frozen=True)
class Choosing:
    """How forecasts that are not a run's become yes or no.

    Attributes:
        threshold: `0.3`, or the rule that one is chosen by: `tss`, `hss`, `cost=10` (a miss is worth 10 false alarms);
            None takes 0.5, or that of the decision's file.
        calibration: method, or None.
        on: the rows to choose on: a table, a split of the table itself, or a file that `calibrate` wrote of a table.

    Example:
        >>> how = flarescope.Choosing(threshold="tss", calibration="platt", on="validation.csv")
    """

    threshold: str | None = None
    calibration: str | None = None
    on: str | None = None

    __repr__ = brief

    @property
    def rule(self) -> ThresholdRule | None:
        """What `threshold` says."""
        return parse_threshold(self.threshold)

    def __post_init__(self) -> None:
        rule = self.rule
        if self.calibration is not None and self.calibration not in METHODS:
            raise InputError(f"--calibration {self.calibration}: expected one of {', '.join(METHODS)}")
        needs = bool(self.calibration) or bool(rule and rule.needs_rows)
        if self.on is not None and not needs and not self.on.endswith(".json"):
            raise InputError(
                f"--choose-on {self.on}: nothing is chosen; say what (--threshold tss, --calibration platt)"
            )

    def check_rows(self) -> None:
        """Refuse what is to be chosen where no rows are named for it.

        Raises:
            InputError: saying what is to be named.
        """
        needs = bool(self.calibration) or bool(self.rule and self.rule.needs_rows)
        if needs and self.on is None:
            what = f"--calibration {self.calibration}" if self.calibration else "a threshold by a rule"
            raise InputError(
                f"{what} is chosen on rows that are not scored: name them (--choose-on TABLE, or a split of the table)"
            )


@dataclass(frozen=True)
class Fitted:
    """A calibration and a threshold, fitted on rows and then frozen.

    Attributes:
        calibration: or None.
        threshold: or None for 0.5 of the probabilities as they came.
        event: of the rows; None where nobody says it.
        fitted_on: which rows: their file's `name`, and what `origin.rows_in_short` gives.
        marks: `filename` and `time` -> a number for each row, sorted, where every row has one.
        regions: of the rows.
    """

    calibration: Calibration | None
    threshold: Threshold | None
    event: EventDefinition | None
    fitted_on: Mapping[str, Any]
    marks: Mapping[str, np.ndarray]
    regions: list[int]

    __repr__ = brief

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values; the marks as base64 of little-endian 64-bit numbers."""
        return {
            "kind": KIND,
            "event": self.event and self.event.to_json(),
            "threshold": self.threshold and self.threshold.to_json(),
            "calibration": self.calibration and self.calibration.to_json(),
            "fitted_on": dict(self.fitted_on),
            "marks": {
                name: base64.b64encode(marks.astype("<u8").tobytes()).decode() for name, marks in self.marks.items()
            },
            "regions": self.regions,
        }


def fit(found: ForeignRows, choosing: Choosing, name: str) -> Fitted:
    """Fit on all rows of a table, whatever they are called; that they are not scored is looked at where they are.

    Args:
        found: the rows.
        choosing: what is fitted.
        name: of the table, for what is said of it.

    Raises:
        InputError: labels missing or of one class.
    """
    rows = found.rows.assign(split=None)
    try:
        calibration = fit_calibration(rows, method=choosing.calibration) if choosing.calibration else None
        decided = Decision(calibration=calibration).probability(rows["probability"].to_numpy(float))
        threshold = choosing.rule.choose(rows.assign(probability=decided)) if choosing.rule else None
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    short = {"name": Path(name).name, **rows_in_short(rows)}
    return Fitted(calibration, threshold, found.event, short, row_marks(rows), all_regions(rows))


def row_marks(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give a number for each row, by its file name and by region and time, sorted; those that every row has."""
    region = rows["noaa_ar"].fillna(0).astype("str")
    keys = {"filename": rows["filename"], "time": region + " " + rows["time"].astype("str")}
    known = {"filename": rows["filename"], "time": rows["time"]}
    return {
        name: np.sort(pd.util.hash_array(key.astype("str").to_numpy(object)).astype(np.uint64))
        for name, key in keys.items()
        if known[name].notna().all()
    }


def read_fitted(path: Path) -> Fitted:
    """Read what `flarescope calibrate` wrote of a table.

    Raises:
        InputError: no such file, or a damaged one.
    """
    values = read_json(path)
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise InputError(f"{path}: no decision; expected a file that `flarescope calibrate TABLE` wrote")
    with refusing_damage(path, "calibrate again", what="a decision that cannot be read"):
        threshold, calibration = values["threshold"], values["calibration"]
        marks = {
            str(name): np.frombuffer(base64.b64decode(text), "<u8").astype(np.uint64)
            for name, text in values["marks"].items()
        }
        return Fitted(
            calibration_from_json(calibration) if calibration else None,
            Threshold.from_json(threshold) if threshold else None,
            event_from_json(values["event"], str(path)),
            dict(values["fitted_on"]),
            marks,
            [int(region) for region in values["regions"]],
        )


@dataclass(frozen=True)
class Chosen:
    """Forecasts to score, and how they are decided.

    Attributes:
        rows: to score, with the probabilities as they came.
        event: what label 1 means.
        calibration: or None.
        threshold: or None, for 0.5.
        notes: what has to be said.
    """

    rows: pd.DataFrame
    event: EventDefinition | None
    calibration: Calibration | None = None
    threshold: float | None = None
    notes: tuple[str, ...] = ()

    __repr__ = brief


def choose(found: ForeignRows, choosing: Choosing, reading: Reading, source: str) -> Chosen:
    """Choose threshold and calibration where they are to be chosen, and give the rows that are scored with them.

    Args:
        found: the table.
        choosing: how.
        reading: of the table that is named for it.
        source: the table's path, for messages.

    Raises:
        InputError: rows that are scored and chosen on, other events, no such split.
    """
    choosing.check_rows()
    if choosing.on is None:
        stated = choosing.rule.stated if choosing.rule else None
        return Chosen(found.rows, found.event, threshold=stated, notes=found.notes)
    if choosing.on in SPLITS:
        own, found, said = _by_split(found, choosing.on, source)
        fitted, name = fit(own, choosing, source), f"{source}, rows of {choosing.on}"
    elif choosing.on.endswith(".json"):
        fitted, name, said = _stored(choosing), choosing.on, []
    else:
        fitted = fit(read_foreign(choosing.on, found.event, reading), choosing, choosing.on)
        name, said = choosing.on, []
    event, remarks = agreed({source: found.event, name: fitted.event}, ONE_EVENT)
    _refuse_scored(found.rows, fitted, source, name)
    value = fitted.threshold.threshold if fitted.threshold else None
    said += [*(f"{text}." for text in remarks), _words(fitted, name), *_shared(found.rows, fitted)]
    return Chosen(found.rows, event, fitted.calibration, value, (*found.notes, *said))


def _stored(choosing: Choosing) -> Fitted:
    fitted = read_fitted(Path(choosing.on or ""))
    rule = choosing.rule
    if choosing.calibration or (rule and rule.needs_rows):
        raise InputError(f"{choosing.on}: it holds what was chosen; leave out --calibration, and --threshold by a rule")
    if rule is None or rule.stated is None:
        return fitted
    return replace(fitted, threshold=Threshold(rule.stated, STATED, float("nan")))


def _by_split(found: ForeignRows, split: str, source: str) -> tuple[ForeignRows, ForeignRows, list[str]]:
    """Give the rows of a split, those to score (of `test` where there are any, else the others), and what is said."""
    own = (found.rows["split"] == split).fillna(False).to_numpy(bool)
    test = (found.rows["split"] == "test").fillna(False).to_numpy(bool)
    scored = test if test.any() and split != "test" else ~own
    if not own.any() or not scored.any():
        names = ", ".join(sorted(found.rows["split"].dropna().unique())) or "none"
        raise InputError(f"{source}: no rows of {split} to choose on and others to score (column split: {names})")
    left_out = len(own) - int(own.sum()) - int(scored.sum())
    said = [f"Scored are {counted(int(scored.sum()), 'row')}"]
    said[0] += f"; {counted(left_out, 'row')} of other splits are left out." if left_out else "."
    first, second = (replace(found, rows=found.rows[mask].reset_index(drop=True)) for mask in (own, scored))
    return first, second, said


def _refuse_scored(rows: pd.DataFrame, fitted: Fitted, source: str, name: str) -> None:
    marks = row_marks(rows)
    common = [key for key in ("time", "filename") if key in marks and key in fitted.marks]
    if not common:
        raise InputError(
            f"{source} and {name} name their rows differently: whether a scored row was chosen on cannot be told; give "
            "both filename, or both time"
        )
    both = int(np.isin(marks[common[0]], fitted.marks[common[0]]).sum())
    if both:
        raise InputError(
            f"{source}: {of_them(both, len(rows), 'row', 'is', 'are')} among those of {name} that threshold and "
            "calibration are chosen on; choose on rows that are not scored"
        )


def _shared(rows: pd.DataFrame, fitted: Fitted) -> list[str]:
    shared = set(all_regions(rows)) & set(fitted.regions)
    if not shared:
        return []
    return [
        f"{counted(len(shared), 'region is', 'regions are')} both among the rows that were chosen on and among those "
        "scored: the scores flatter."
    ]


def _words(fitted: Fitted, name: str) -> str:
    number, events = fitted.fitted_on.get("images"), fitted.fitted_on.get("events")
    what = [f"calibration ({fitted.calibration.to_json()['method']})"] if fitted.calibration else []
    if fitted.threshold and fitted.threshold.rule == STATED:
        what.append(f"the stated threshold {fitted.threshold.threshold:.3g}")
    elif fitted.threshold:
        cost = f", a miss worth {fitted.threshold.cost_ratio:g} false alarms" if fitted.threshold.cost_ratio else ""
        what.append(f"threshold {fitted.threshold.threshold:.4g} (best {fitted.threshold.rule}{cost})")
    return f"Chosen on {number:,} rows of {name}, {events:,} with an event: {' and '.join(what)}."
