"""What must be said of intervals that a reader could not see in them?"""

import math
from collections.abc import Mapping
from typing import Any, Final

from flarescope.blocks import GROUP, PERIODS
from flarescope.counted import counted
from flarescope.scores.cases import ScoredCases
from flarescope.scores.jackknife import JACKKNIFE, MINIMUM_REGIONS
from flarescope.scores.memory import FORGOTTEN, TIMES_MEMORY, Memory, wanted_hours

NO_INTERVALS: Final = "No intervals were made."
"""What is said where none were asked for."""

SCORES: Final = "Scores"
DIFFERENCES: Final = "Differences"


def few_regions(scored: ScoredCases, *, event_groups: int | None, what: str) -> list[str]:
    """Say that there are no intervals, or that few regions, groups of connected ones, or blocks decide them.

    Args:
        scored: the cases.
        event_groups: groups with events, to tell whether these are the few, or those with rows without an event.
        what: the intervals are of, `SCORES` or `DIFFERENCES`.
    """
    if not scored.replicates:
        return [NO_INTERVALS]
    few, unit = scored.deciding_regions, scored.unit
    one, many = ("group", "groups") if unit == GROUP else (unit.one, unit.many)
    regions = counted(few, f"{unit.one} has", f"{unit.many} have")
    kind = "events" if few == event_groups else "rows without an event"
    if scored.method is None:
        return [
            f"Only {regions} {kind}: no interval can be made from fewer than {MINIMUM_REGIONS}, and a score without "
            "one says little."
        ]
    if scored.method != JACKKNIFE:
        return []
    most = f"where a few of the {many} hold most of the events"
    heidke = "HSS one by the bootstrap-t, the" if scored.effective_regions >= MINIMUM_REGIONS else "HSS and the"
    ends = {
        SCORES: f". TSS and the rates have Wilson's interval with that standard error, {heidke} other scores one that "
        "is cut where their range ends.",
        DIFFERENCES: f", cut where the range of a difference ends. They are still too narrow {most}.",
    }
    return [
        f"Only {regions} {kind}, worth {scored.effective_regions:.1f} of equal weight, too few to resample: the "
        f"intervals come from leaving out each {one} once and Student's t{ends[what]}"
    ]


def blocks_of_time(scored: ScoredCases, memory: Memory | None, window_hours: float | None) -> list[str]:
    """Say how long the error of a series is remembered, and whether the blocks that are drawn are long enough for it.

    Args:
        scored: the cases.
        memory: of the error, or None where it is not known.
        window_hours: of the event, or None where nobody says it.
    """
    unit, wanted = scored.unit, wanted_hours(memory)
    if scored.method is None or unit.hours is None:
        return []
    said = [] if memory is None else [_memory_words(memory)]
    if window_hours is not None and unit.hours < window_hours:
        said.append(
            f"The {unit.many} are shorter than the event's window of {window_hours:g} h, so that one flare labels rows "
            "of several: intervals by them are too narrow."
        )
    elif wanted is None or unit.hours < wanted:
        rotations = " By Carrington rotations (--resample carrington) they need several months."
        longer = "" if unit.hours == PERIODS["carrington"][2] else rotations
        why = "long enough for" if wanted is None else f"{wanted:.0f} h long, {TIMES_MEMORY:g} times"
        said.append(
            f"Neighbouring {unit.many} need not be independent: blocks should be {why} the memory of the error, and an "
            f"active region stays for up to two weeks and may come back. Intervals by them can be too narrow.{longer}"
        )
    return said


def _memory_words(memory: Memory) -> str:
    pairs = zip(memory.autocorrelation, memory.lags_hours, strict=True)
    at = ", ".join(f"{value:.3f} at {lag:.3g} h" for value, lag in pairs) or "known at no lag that is told here"
    where = f"where it falls below {FORGOTTEN:g} these rows do not show"
    if memory.hours is not None:
        where = f"it is first below {FORGOTTEN:g} at {memory.hours:.3g} h"
    return f"Autocorrelation of the error, probability - label: {at}; {where}."


def _one_sided(part: str, rows: Mapping[str, Mapping[str, Any]], unit: str) -> list[str]:
    """Say that scores of both rates have too narrow an interval where all events, or all others, are right or wrong.

    Not of a forecast that is always yes or always no: it stays what it is, whatever regions there are.
    """
    still = [name for name in ("tpr", "tnr") if name in rows and rows[name]["value"] in (0, 1)]
    if not still or {rows[name]["value"] for name in still} == {0, 1}:
        return []
    which = " and ".join(f"{name.upper()} is {rows[name]['value']:.0f}" for name in still)
    return [
        f"{which} of {part!r} in every {unit}: how far off that may be, the intervals of the rates and of TSS say; "
        "those of HSS and the other scores cannot know it and are too narrow."
    ]


def odd_intervals(scored: ScoredCases, parts: Mapping[str, Mapping[str, Mapping[str, Any]]], what: str) -> list[str]:
    """Say which rows that have a value have no interval, one without width, or one from fewer replicates.

    Args:
        scored: the cases.
        parts: name of a part -> score -> its row: `value`, `low`, `high`, `undefined`.
        what: the rows are, `SCORES` or `DIFFERENCES`.
    """
    notes = []
    for part, rows in parts.items() if scored.method else ():
        valued = {name: row for name, row in rows.items() if math.isfinite(row["value"])}
        if still := [name for name, row in valued.items() if row["low"] == row["high"]]:
            notes.append(
                f"{what} of {part!r} that no {scored.unit.one} changes: {', '.join(still)}. An interval without width "
                f"does not show that other {scored.unit.many} would give the same."
            )
        notes += _one_sided(part, rows, scored.unit.one) if what == SCORES and scored.method == JACKKNIFE else []
        found = {name: int(row["undefined"]) for name, row in valued.items() if row["undefined"]}
        if found and scored.method == JACKKNIFE:
            notes.append(
                f"{what} of {part!r} that hang on a single {scored.unit.one} and have no interval: {', '.join(found)}."
            )
        elif found:
            listed = ", ".join(f"{name} {count:,}" for name, count in found.items())
            each = "a score" if what == SCORES else "a difference"
            replicates = f"Replicates of {scored.replicates:,} in which {each} of {part!r} has no value, left out"
            notes.append(f"{replicates}: {listed}.")
    return notes
