"""How are runs and tables of forecasts compared, two or many, on the rows that all have and on each one's own?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flarescope.brief import brief
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition, agreed
from flarescope.pipeline.choosing import Choosing
from flarescope.pipeline.common_rows import CommonRows, common_rows, short_names
from flarescope.pipeline.evaluated import ONE_EVENT, Decided, forecasts_of
from flarescope.pipeline.foreign import keeping
from flarescope.pipeline.foreign_rows import Reading
from flarescope.pipeline.verifying import Verifying, no_intervals, with_reason
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.baselines import event_of_rows
from flarescope.scores.compare import compare as compare_rows
from flarescope.scores.many import compare_many as compare_rows_of_many
from flarescope.scores.many import own_scores
from flarescope.tables import SPLITS


@dataclass(frozen=True)
class Comparing:
    """How forecasts are read, decided and compared.

    Attributes:
        split: of runs.
        climatology: event rate of a training set, or None.
        event: which, for tables of several events, or that do not say it.
        reading: how tables are read, the same for each.
        choosing: how tables' forecasts become yes or no; a run's own threshold stays, but where one is stated.
        choose_on: the rows to choose on of each forecast in turn, or one split for all.
        verifying: how intervals are made, and by what reports verify.

    Example:
        >>> how = flarescope.Comparing(event=flarescope.EventDefinition(threshold="M1.0"))
        >>> how.split
        'test'
    """

    split: str = "test"
    climatology: float | None = None
    event: EventDefinition | None = None
    reading: Reading = field(default_factory=Reading)
    choosing: Choosing = field(default_factory=Choosing)
    choose_on: tuple[str, ...] = ()
    verifying: Verifying = field(default_factory=Verifying)

    __repr__ = brief

    def read(self, paths: Sequence[str | Path]) -> list[Decided]:
        """Read the forecasts that paths name: runs that were evaluated, and tables."""
        each = choosing_of_each(paths, self.choosing, self.choose_on)
        reading = keeping(self.reading, self.verifying)
        return [
            forecasts_of(path, self.split, self.event, reading=reading, choosing=choosing)
            for path, choosing in zip(paths, each, strict=True)
        ]


def compare(
    a: str | Path,
    b: str | Path,
    *,
    how: Comparing | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Compare two forecasts on the rows that both have, with intervals of the differences.

    Args:
        a: a run that was evaluated, or a table of forecasts; of a table with several models one is named behind it
            (`forecasts.parquet#mcintosh`).
        b: another one, of the same images.
        how: they are read, decided and compared.
        reporter: hears what must be said.

    Returns:
        What `scores.compare.compare` gives of these rows, and `own`: "a" and "b" -> the scores of all rows of its own
        (`scores.many.own_scores`), where the other lacks some; settings also hold `event` (or None), and `calibrated_a`
        and `calibrated_b`: whether the probabilities are calibrated ones.

    Raises:
        InputError: forecasts of different events, and as `scores.compare.compare`.

    Example:
        >>> found = flarescope.compare("runs/png", "other_model.csv")
        >>> difference = found["decision"]["tss"]["difference"]
    """
    how, reporter = how or Comparing(), reporter or WarningReporter()
    verifying = how.verifying
    sides = dict(zip("ab", how.read((a, b)), strict=True))
    event, said = agreed({str(path): side.event for path, side in zip((a, b), sides.values(), strict=True)}, ONE_EVENT)
    for text in said:
        reporter.warn(text)
    common = common_rows({"A": sides["a"].rows, "B": sides["b"].rows})
    first, second = common.tables.values()
    event = event_of_rows(first, event)[0] if event else None
    why = no_intervals(first, second, event=event, resample=verifying.resample) if verifying.replicates else None
    drawn = sampling_of(verifying, event, how.climatology)
    thresholds: dict[str, Any] = {f"threshold_{side}": one.threshold for side, one in sides.items()}
    found = compare_rows(first, second, **thresholds | drawn | ({"replicates": 0} if why else {}))
    left_out = dict(zip("ab", common.left_out.values(), strict=True))
    read = [f"{path}: {text}" for path, side in zip((a, b), sides.values(), strict=True) for text in side.notes]
    settings: dict[str, Any] = {"event": event and event.to_json()}
    settings |= {f"calibrated_{side}": one.calibrated for side, one in sides.items()}
    notes = [*common.notes, *read, *with_reason(found["notes"], why)]
    own = own_of(sides, left_out, drawn)
    return found | {"settings": settings | found["settings"], "own": own, "notes": notes}


def compare_many(
    paths: Sequence[str | Path],
    *,
    how: Comparing | None = None,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Compare every pair of several forecasts, on the rows that all of them have.

    Args:
        paths: runs that were evaluated, and tables of forecasts, two or more.
        how: they are read, decided and compared.
        reporter: hears what must be said.

    Returns:
        What `scores.many.compare_many` gives, by the shortest names that tell the paths apart; `files` (name -> path),
        `own`: name -> its scores on all rows of its own, where others lack some; settings also hold `event` and
        `calibrated` (name -> whether its probabilities are calibrated ones).

    Raises:
        InputError: forecasts of different events, no common row, labels that differ.

    Example:
        >>> found = flarescope.compare_many(["runs/png", "other_model.csv"])
        >>> [(pair["a"], pair["b"]) for pair in found["pairs"]]
        [('png', 'other_model')]
    """
    how = how or Comparing()
    return compare_sides(read_sides(paths, how, reporter=reporter), how)


@dataclass(frozen=True)
class Sides:
    """Several forecasts, read.

    Attributes:
        files: name of each -> its path.
        decided: name -> its forecasts, and how they are decided.
        event: that all are of; None where nobody says it.
        common: the rows that all have.
    """

    files: Mapping[str, str]
    decided: Mapping[str, Decided]
    event: EventDefinition | None
    common: CommonRows

    __repr__ = brief

    def notes(self) -> list[str]:
        """Say how they were read."""
        several = len(self.files) > 1
        said = [f"{name}: {text}" if several else text for name, one in self.decided.items() for text in one.notes]
        return [*self.common.notes, *said]


def read_sides(
    paths: Sequence[str | Path], how: Comparing, *, reporter: Reporter | None = None, names: Sequence[str] = ()
) -> Sides:
    """Read several forecasts, agree on their event, and find the rows that all have; see `compare_many`.

    They are called by their shortest names, or as `names` calls them.
    """
    reporter = reporter or WarningReporter()
    names = names or short_names(paths)
    sides = dict(zip(names, how.read(paths), strict=True))
    event, said = agreed({name: side.event for name, side in sides.items()}, ONE_EVENT)
    for text in said:
        reporter.warn(text)
    common = common_rows({name: side.rows for name, side in sides.items()})
    first = common.tables[names[0]]
    known = event_of_rows(first, event)[0] if event else None
    return Sides(dict(zip(names, map(str, paths), strict=True)), sides, known, common)


def compare_sides(sides: Sides, how: Comparing) -> dict[str, Any]:
    """Compare every pair; see `compare_many`."""
    event, tables, verifying = sides.event, list(sides.common.tables.values()), how.verifying
    why = no_intervals(*tables, event=event, resample=verifying.resample) if verifying.replicates else None
    drawn = sampling_of(verifying, event, how.climatology)
    thresholds = {name: side.threshold for name, side in sides.decided.items()}
    found = compare_rows_of_many(
        sides.common.tables, thresholds=thresholds, **drawn | ({"replicates": 0} if why else {})
    )
    settings: dict[str, Any] = {"event": event and event.to_json()}
    settings |= {"calibrated": {name: one.calibrated for name, one in sides.decided.items()}}
    return found | {
        "files": dict(sides.files),
        "own": own_of(sides.decided, sides.common.left_out, drawn),
        "settings": found["settings"] | settings,
        "notes": [*sides.notes(), *with_reason(found["notes"], why)],
    }


def sampling_of(verifying: Verifying, event: EventDefinition | None, climatology: float | None) -> dict[str, Any]:
    """Give what scores of the library are told of how they are made."""
    return {
        "replicates": verifying.replicates,
        "seed": verifying.seed,
        "resample": verifying.resample,
        "event": event,
        "climatology": climatology,
    }


def own_of(sides: Mapping[str, Decided], left_out: Mapping[str, int], how: Mapping[str, Any]) -> dict[str, Any]:
    """Score each on all rows of its own, where it has more than those that all have."""
    return {
        name: own_scores(side.rows[side.rows["label"].notna()], side.threshold, **how)
        for name, side in sides.items()
        if left_out[name]
    }


def choosing_of_each(paths: Sequence[str | Path], choosing: Choosing, choose_on: Sequence[str]) -> list[Choosing]:
    """Give each path the rows that its threshold is chosen on: one split for all, or one for each in turn.

    Raises:
        InputError: another number of them.
    """
    if not choose_on:
        return [choosing] * len(paths)
    if len(choose_on) == 1 and (choose_on[0] in SPLITS or len(paths) == 1):
        return [replace(choosing, on=choose_on[0])] * len(paths)
    if len(choose_on) != len(paths):
        raise InputError(
            f"--choose-on is given {len(choose_on)} times for {counted(len(paths), 'forecast')}: one split for all, or "
            "a table for each, in their order"
        )
    return [replace(choosing, on=on) for on in choose_on]
