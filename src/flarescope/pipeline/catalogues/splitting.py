"""How is a catalogue split into training, validation and test images?"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.region_lists import read_region_lists
from flarescope.catalog.split_remarks import left_out_by_time, split_warnings
from flarescope.catalog.splits import (
    folds_by_region,
    in_utc,
    split_by_fold,
    split_by_lists,
    split_by_region,
    split_by_time,
)
from flarescope.catalog.table_event import agreed_event, events_of_table
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.catalogues.listing import read_catalogue, write_split
from flarescope.progress import Reporter, WarningReporter
from flarescope.several_events import longest

WAYS: Final = ("lists", "region", "time", "folds")


@dataclass(frozen=True, kw_only=True)
class SplitRules:
    """How a catalogue is split.

    Attributes:
        how: `lists` (the published ones), `region` (at random), `time`, or `folds` (by region, one of them the test).
        lists: folder of the published lists of regions; for `lists`.
        fractions: of the regions for train, validation and test; for `region`.
        seed: of `region` and `folds`.
        validation_from: first instant of the validation set; for `time`.
        test_from: first instant of the test set; for `time`.
        gap_hours: images left out before a boundary; for `time`. None: latency + window of the labels.
        event: that the labels are of, for a table that does not say it.
        folds: number of folds.
        fold: the one that tests, from 0; the next one validates.

    Example:
        >>> flarescope.SplitRules(how="region", fractions=(0.7, 0.15, 0.15))
        SplitRules(how='region', fractions=(0.7, 0.15, 0.15))
    """

    how: str
    lists: Path | None = None
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    validation_from: pd.Timestamp | None = None
    test_from: pd.Timestamp | None = None
    gap_hours: float | None = None
    folds: int = 5
    fold: int = 0
    event: EventDefinition | None = None

    __repr__ = brief

    @property
    def of_disk(self) -> bool:
        """Whether the images show the whole disk, so that time alone tells one set from another."""
        return self.event is not None and self.event.scope == "disk"

    def boundaries(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Give the first instants of the validation and the test set, UTC; alike where there is no validation set.

        Raises:
            InputError: the test set's is not given.
        """
        if self.test_from is None:
            raise InputError("--how time needs --test-from, and --validation-from unless there is no validation set")
        first = self.test_from if self.validation_from is None else self.validation_from
        return in_utc(first), in_utc(self.test_from)

    def gap(self) -> float:
        """Give the gap before a boundary, hours.

        Raises:
            InputError: neither the gap nor the event is known, or the gap is shorter than the labels look ahead.
        """
        if self.event is None:
            if self.gap_hours is None:
                raise InputError(
                    "the table does not say which event its labels are of: give --gap-hours, or --event and --window"
                )
            return self.gap_hours
        ahead = self.event.latency_hours + self.event.window_hours
        if self.gap_hours is not None and self.gap_hours < ahead:
            raise InputError(
                f"--gap-hours {self.gap_hours:g}: the labels look {ahead:g} hours ahead; expected at least that"
            )
        return ahead if self.gap_hours is None else self.gap_hours


def split(table: str | Path, *, rules: SplitRules, out: str | Path, reporter: Reporter | None = None) -> pd.DataFrame:
    """Split a catalogue, write it, and say why images were left out and which split cannot be scored.

    Args:
        table: labelled images (see `flarescope.read_table`); a split that it has is replaced.
        rules: how.
        out: `.parquet`, or a folder for `catalogue.parquet` and the three tables in the published form.
        reporter: hears it; without one, warnings are Python's.

    Raises:
        InputError: bad tables or rules, images of unknown region, a split left empty.

    Example:
        >>> rules = flarescope.SplitRules(how="region", fractions=(0.6, 0.2, 0.2), seed=1)
        >>> table = flarescope.split("train.csv", rules=rules, out="tables")
    """
    reporter = reporter or WarningReporter()
    event = agreed_event(table, rules.event)
    events = events_of_table(table) or (() if event is None else (event,))
    rules = replace(rules, event=longest(events) if events else None)
    placed = apply_split(read_catalogue(Path(table)), rules)
    write_split(placed, Path(out), events)
    for text in _left_out(placed, rules):
        reporter.say(f"left out: {text}")
    for text in split_warnings(placed):
        reporter.warn(text)
    return placed


def _left_out(placed: pd.DataFrame, rules: SplitRules) -> list[str]:
    """Say how many images are in no split, rule by rule."""
    nowhere = int(placed["split"].isna().sum())
    if not nowhere:
        return []
    if rules.how != "time":
        return [f"{counted(nowhere, 'image')} whose regions no list names, or an image joins to those of another list"]
    first, second = rules.boundaries()
    counts = left_out_by_time(placed, validation_from=first, test_from=second, gap_hours=rules.gap())
    return [f"{counted(count, 'image')} {rule}" for rule, count in counts.items()]


def apply_split(catalogue: pd.DataFrame, rules: SplitRules) -> pd.DataFrame:
    """Give a catalogue its column `split`.

    Raises:
        InputError: rules that are none, or that go by region where the images show the whole disk.
    """
    if rules.of_disk and rules.how != "time":
        raise InputError(f"--how {rules.how}: the table is of the whole disk, which shows all regions: --how time")
    if rules.how == "lists":
        if rules.lists is None:
            raise InputError("--how lists needs --lists, the folder of the lists of regions")
        return split_by_lists(catalogue, read_region_lists(rules.lists))
    if rules.how == "region":
        return split_by_region(catalogue, fractions=rules.fractions, seed=rules.seed)
    if rules.how == "time":
        first, second = rules.boundaries()
        return split_by_time(
            catalogue,
            validation_from=first,
            test_from=second,
            gap_hours=rules.gap(),
            keep_straddling=rules.of_disk,
        )
    if rules.how == "folds":
        fold = folds_by_region(catalogue, folds=rules.folds, seed=rules.seed)
        return split_by_fold(catalogue, fold, test=rules.fold)
    raise InputError(f"--how {rules.how}: expected one of {', '.join(WAYS)}")
