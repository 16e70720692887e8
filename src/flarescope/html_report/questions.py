"""What does the page say of the questions of those who use forecasts: all-clear, flares, days, other base rates?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flarescope.counted import counted
from flarescope.html_report.view import Table
from flarescope.scores.clusters import unit_of
from flarescope.scores.questions.definitions import QUESTIONS
from flarescope.wording import NOTHING, interval, number, score_title

DAILY: Final = ("tss", "hss", "tpr", "tnr", "bss_sample")
DISK: Final = ("tss", "hss", "tpr", "tnr", "bss_sample", "roc_area")


def cell(row: Mapping[str, Any], digits: int = 3) -> str:
    """Write a number with its interval on a second line."""
    ends = interval(row.get("low"), row.get("high"), digits)
    return number(row["value"], digits) + ("" if ends == NOTHING else f"\n{ends}")


def brier_tables(verification: Mapping[str, Any]) -> list[Table]:
    """Give the parts of the Brier score, before and after calibration; none of verifications of older versions."""
    parts = {"as given": verification["probability"], "calibrated": verification["calibrated"]}
    known = {name: part for name, part in parts.items() if part and "brier_parts" in part}
    if not known:
        return []
    first = next(iter(known.values()))["brier_parts"]
    rows = [
        (
            QUESTIONS[name].title,
            *(cell(part["brier_parts"][name], 4) for part in known.values()),
            QUESTIONS[name].question,
        )
        for name in first
    ]
    caption = "Brier score = reliability - resolution + uncertainty, in ten bins of equal width; and sharpness"
    return [Table(caption, ("Part", *known, "Question"), rows, frozenset({len(known) + 1}))]


def said(verification: Mapping[str, Any]) -> list[str]:
    """Say in sentences what happened flare by flare."""
    found = verification.get("analyses") or {}
    flares = found.get("flares")
    if not flares:
        return []
    count, hits = flares["flares"], sum(one["hits"] for one in flares["classes"].values())
    share = f"{hits:,} of {counted(count, 'flare')} that some forecast reaches were hit"
    if count == 1:
        share = f"the one flare that some forecast reaches was {'hit' if hits else 'not hit'}"
    alarms = counted(flares["alarms"], "spell of yes", "spells of yes")
    return [
        f"Flare by flare: {share}{_warned(flares['warning_hours'], hits)}. Of {alarms} {flares['false_alarms']:,} came "
        f"to nothing, {number(flares['false_per_day']['value'], 2)} on each day of a series."
    ]


def _warned(quartiles: Sequence[float] | None, hits: int) -> str:
    if not quartiles:
        return ""
    low, middle, high = quartiles
    if hits == 1:
        return f"; its first yes was {middle:.1f} h before the peak"
    return f"; half of these had their first yes {low:.1f} to {high:.1f} h before the peak (median {middle:.1f} h)"


def tables(verification: Mapping[str, Any]) -> list[Table]:
    """Give the tables of what the verification has answers to."""
    found = verification.get("analyses")
    if not found:
        return []
    made = [_all_clear(found["all_clear"]), _flares(found.get("flares")), _base_rates(verification, found)]
    made += [_once_a_day(found["once_a_day"]), _any_region(found.get("any_region"))]
    return [table for table in made if table is not None]


def _all_clear(found: Mapping[str, Any]) -> Table:
    decision = found["decision"]
    rows = [
        (QUESTIONS[name].title, cell(decision[name]), QUESTIONS[name].question) for name in ("npv", "false_all_clear")
    ]
    rows.append(("Called clear", cell(decision["clear"]), "How many of all forecasts say that nothing comes?"))
    question = "How much of the quiet time is then called quiet? (The threshold is found on these rows: it flatters.)"
    rows += [(f"TNR, {one['misses']:.0%} missed", cell(one["tnr"]), question) for one in found["at_misses"][:1]]
    rows += [(f"TNR, {one['misses']:.0%} missed", cell(one["tnr"]), "") for one in found["at_misses"][1:]]
    caption = f"All-clear: nothing is forecast below {found['threshold']:.3g}"
    return Table(caption, ("", "Value", "Question"), rows, frozenset({2}))


def _flares(found: Mapping[str, Any] | None) -> Table | None:
    if not found:
        return None
    rows = [
        ("Flares hit", cell(found["hit_rate"]), QUESTIONS["hit_rate_of_flares"].question),
        ("by the last forecast before", cell(found["hit_rate_last"]), "Of the flares, how many had a yes just before?"),
        ("False alarms", cell(found["false_share"]), "Of the spells of yes, how many came to nothing?"),
        ("False alarms a day", cell(found["false_per_day"]), QUESTIONS["false_per_day"].question),
    ]
    rows += [
        (f"{name} flares hit", f"{one['hits']:,} of {one['flares']:,}", "") for name, one in found["classes"].items()
    ]
    return Table("Flare by flare, and alarm by alarm", ("", "Value", "Question"), rows, frozenset({2}))


def _base_rates(verification: Mapping[str, Any], found: Mapping[str, Any]) -> Table:
    names = ("tss", "hss", "precision", "bias")
    rows = []
    for one in found["base_rates"]["rates"]:
        own = " (these rows)" if one["own"] else ""
        rows.append((f"{one['event_rate']:.3g}{own}", *(cell(one[name]) for name in names)))
    active = found["base_rates"]["active"]
    if active:
        unit = unit_of(verification["settings"])
        kind = f"{active['events'] / active['n']:.3g}: only {unit.many} with an event"
        rows.append((kind, cell(active["tss"]), cell(active["hss"]), NOTHING, NOTHING))
    caption = (
        "The same hit rate and rejection rate where events are rarer or more frequent; and without what never had one"
    )
    return Table(caption, ("Share of events", *(score_title(name) for name in names)), rows)


def _once_a_day(found: Sequence[Mapping[str, Any]]) -> Table | None:
    if not found:
        return None
    rows = [
        (f"{one['hour']:02} UTC", number(one["n"]), number(one["events"]), *(cell(one[name]) for name in DAILY))
        for one in found
    ]
    header = ("First forecast after", "Forecasts", "Events", *(score_title(name) for name in DAILY))
    return Table("One forecast a day", header, rows)


def _any_region(found: Mapping[str, Any] | None) -> Table | None:
    if not found:
        return None
    unit = unit_of(found["settings"])
    drawn = f", intervals by {unit.many}" if found["settings"]["interval_method"] else ""
    rows = [
        ("any of these regions", number(found["times"]), number(found["events"]), *(cell(found[name]) for name in DISK))
    ]
    header = ("Event in", "Times", "Events", *(score_title(name) for name in DISK))
    return Table(f"The whole disk by its regions: 1 - prod(1 - p){drawn}", header, rows)
