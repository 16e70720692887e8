"""Do the forecasts beat the usual references, in a sentence and in a table?"""

from collections.abc import Mapping
from typing import Any, Final

from flarescope.counted import listed
from flarescope.html_report.view import Section, Table
from flarescope.scores.reference_skill import ALIKE, BEATS, WORSE
from flarescope.wording import NOTHING, interval, number

SEEN: Final = " (which learned from these rows' time)"
_VERBS: Final = {BEATS: "beat", ALIKE: "cannot be told apart from", WORSE: "do worse than"}


def lead(references: Mapping[str, Mapping[str, Any]], threshold: float) -> str:
    """Say whether forecasts beat their references: by the Brier score, and by TSS with their threshold.

    Args:
        references: what `verify_rows` gives as `references`: name -> row.
        threshold: of the forecasts' main decision.
    """
    if not references:
        return ""
    brier, tss = (_said(references, key) for key in ("brier_skill", "tss_gained"))
    if not brier and not tss:
        return "Whether these forecasts beat any reference cannot be told: no score has an interval here."
    parts = [f"By the Brier score these forecasts {brier}"] if brier else []
    if tss:
        parts.append(f"{'by' if parts else 'By'} TSS, with yes from {threshold:.3g}, they {tss}")
    return f"{'; '.join(parts)}."


def _said(references: Mapping[str, Mapping[str, Any]], key: str) -> str:
    groups = []
    for verdict, verb in _VERBS.items():
        names = [
            _called(name) + (SEEN if row["warning"] else "")
            for name, row in references.items()
            if row[key] and row[key]["verdict"] == verdict
        ]
        groups += [f"{verb} {listed(names)}"] if names else []
    return listed(groups)


def _called(name: str) -> str:
    return name if name in ("climatology", "persistence") else f"the {name}"


def reference_rows(references: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of the references: rows compared, skill against each, TSS beside TSS, what each is."""
    rows = []
    for name, row in references.items():
        skill, gained = (_cell(row[key]) for key in ("brier_skill", "tss_gained"))
        tss = [number(row[key]) for key in ("tss", "tss_reference")]
        said = row["said"] + (f" ({row['warning']})" if row["warning"] else "")
        rows.append([name, number(row["n"]), number(row["events"]), skill, *tss, gained, said])
    header = [
        "reference",
        "rows",
        "events",
        "Brier skill against it",
        "TSS here",
        "TSS of it",
        "TSS gained",
        "what it is",
    ]
    return header, rows


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return NOTHING
    ends = interval(row.get("low"), row.get("high"))
    return number(row["value"]) + ("" if ends == NOTHING else f"\n{ends}")


def reference_section(references: Mapping[str, Mapping[str, Any]]) -> Section:
    """Give the part of the page with the skill against each reference."""
    header, rows = reference_rows(references)
    text = [
        "Brier skill is 1 - Brier score / Brier score of the reference: above 0 is better than the reference. Each is "
        "of the rows that the reference forecasts. The reference's yes is from the share of events in these rows on, "
        "where TSS of a calibrated forecast is largest; persistence says yes where there was an event, the state "
        "before where its rate is no lower than that of any state, both counted without the row's own region or block "
        "of time."
    ]
    columns = [name[0].upper() + name[1:] for name in header]
    table = Table("Skill against each reference", columns, rows, frozenset({len(header) - 1}))
    return Section("references", "Against reference forecasts", text if rows else [], tables=[table] if rows else [])
