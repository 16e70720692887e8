"""What does each part of the page say?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flarescope.blocks import GROUP, REGION
from flarescope.counted import counted
from flarescope.html_report.drawings import COMPARED_SCORES, baseline_row, letters, score_row, short_name
from flarescope.html_report.inputs import ReportInputs, main_decision
from flarescope.html_report.view import Card, Counts, Section, Table
from flarescope.scores.clusters import unit_of
from flarescope.scores.definitions import DEFINITIONS
from flarescope.wording import NOTHING, has_intervals, interval, interval_words, number, score_title, without_empty

BY_REGION: Final = "Interval by region"
BY_TIME: Final = "Interval by time"
BY_IMAGE: Final = "Too narrow: images taken as independent"
HEADLINE: Final = ("tss", "hss", "tpr", "tnr")
BASELINE_NAMES: Final = {
    "persistence": "Persistence",
    "climatology": "Training climatology",
    "always_no": "Always no",
}


def interval_sentence(verification: Mapping[str, Any]) -> str:
    """Say how the intervals were made, or that there are none."""
    settings, sample = verification["settings"], verification["sample"]
    if not has_intervals(settings):
        return "No intervals were made: a score without one says little."
    how, unit = f"Intervals: {settings['level']:.0%}, {interval_words(settings)}", unit_of(settings)
    if unit not in (REGION, GROUP):
        alike = f"of one {unit.one}" if unit.hours is None else "near one another in time"
        blocks = f"{number(sample['event_groups'])} of {counted(sample['groups'], unit.one, unit.many)} with events"
        return f"{how} ({blocks}), because images {alike} can be nearly copies."
    regions, events = counted(sample["regions"], "active region"), sample["event_regions"]
    if settings.get("connected"):
        return (
            f"{how} ({regions}; {number(sample['event_groups'])} of the groups with events), because images of one "
            "region can be nearly copies, and an image that shows several is of each."
        )
    return (
        f"{how} ({regions}, of which {number(events)} with events), because images of one region can be nearly copies."
    )


def headline(inputs: ReportInputs) -> list[Section]:
    """Give a section for each decision: scores with intervals and the four counts."""
    sections = []
    for name, decision in inputs.verification["decisions"].items():
        kind = "calibrated probability" if decision["calibrated"] else "probability"
        rule = f"yes from a {kind} of {decision['threshold']:.3g}"
        heading = f"Scores, {rule}" + (" (argmax)" if name == "argmax" else f" ({inputs.chosen})")
        scores = decision["scores"]
        sections.append(
            Section(
                name=f"scores-{name}",
                heading=heading,
                paragraphs=[interval_sentence(inputs.verification)],
                cards=[_card(score, scores[score]) for score in HEADLINE],
                counts=Counts(
                    f"Contingency table, {rule}",
                    **{count: number(decision[count]) for count in ("tp", "fn", "fp", "tn")},
                ),
                tables=[_score_table(decision, rule, _by(inputs.verification))],
                link="Scores" if name == "argmax" else f"Scores at {decision['threshold']:.2g}",
            )
        )
    return sections


def _card(name: str, row: Mapping[str, Any]) -> Card:
    ends = interval(row.get("low"), row.get("high"))
    return Card(score_title(name), number(row["value"]), ends, DEFINITIONS[name].question)


def _by(verification: Mapping[str, Any]) -> str:
    unit = unit_of(verification["settings"])
    if unit in (REGION, GROUP):
        return BY_REGION
    return BY_TIME if unit.hours is not None else f"Interval by {unit.one}"


def _score_table(decision: Mapping[str, Any], rule: str, by: str) -> Table:
    rows = []
    for name, row in decision["scores"].items():
        image = decision["image_level"].get(name, {})
        rows.append(
            (
                score_title(name),
                number(row["value"]),
                interval(row.get("low"), row.get("high")),
                interval(image.get("low"), image.get("high")),
                number(DEFINITIONS[name].perfect, 0),
                DEFINITIONS[name].question,
            )
        )
    header = ("Score", "Value", by, BY_IMAGE, "Perfect", "Question")
    return _with_text(f"All yes/no scores, {rule}", *without_empty(header, rows, (by, BY_IMAGE)))


def _with_text(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Give a table whose last column is text."""
    return Table(caption, header, rows, frozenset({len(header) - 1}))


def probability(inputs: ReportInputs) -> list[Table]:
    """Give the scores of the probabilities, before and after calibration."""
    parts = [("Scores of the probabilities as the model gives them", inputs.verification["probability"])]
    if inputs.verification["calibrated"]:
        parts.append(("Scores of the calibrated probabilities", inputs.verification["calibrated"]))
    tables = []
    for caption, part in parts:
        rows = [
            (
                score_title(name),
                number(row["value"]),
                interval(row.get("low"), row.get("high")),
                number(DEFINITIONS[name].perfect, 0),
                DEFINITIONS[name].question,
            )
            for name, row in part["scores"].items()
        ]
        by = _by(inputs.verification)
        header = ("Score", "Value", by, "Perfect", "Question")
        tables.append(_with_text(caption, *without_empty(header, rows, (by,))))
    return tables


def baselines(inputs: ReportInputs) -> list[Table]:
    """Give this run, the baselines and the compared forecasts side by side, and the differences with intervals."""
    verification = inputs.verification
    names = ["This run"] if not inputs.compared else [f"A: {inputs.name or inputs.title}"]
    names += [f"{letter}: {other.name}" for letter, other in zip(_others(inputs), inputs.compared, strict=True)]
    tables = [verification, *(other.verification for other in inputs.compared)]
    rows = []
    for name, table in zip(names, tables, strict=True):
        at = table["decisions"][main_decision(table)]["threshold"]
        cells = [_cell(score_row(table, score)) for score in COMPARED_SCORES]
        rows.append((name, number(table["sample"]["n"]), number(at, 2), *cells))
    for key, name in BASELINE_NAMES.items():
        if key in verification["baselines"]:
            found = verification["baselines"][key]
            cells = [_cell(baseline_row(found, score)) for score in COMPARED_SCORES]
            rows.append((name, number(verification["sample"]["n"]), number(found["decision"]["threshold"], 2), *cells))
    columns = ("Forecast", "Images", "Yes from", *(score_title(name) for name in COMPARED_SCORES))
    caption = "Side by side, each with its interval" if has_intervals(verification["settings"]) else "Side by side"
    return [Table(caption, columns, rows), *_differences(inputs)]


def _others(inputs: ReportInputs) -> list[str]:
    return letters(1 + len(inputs.compared))[1:]


def _cell(row: Mapping[str, Any], value: str = "") -> str:
    """Write a score, or what is given for it, with its interval on a second line."""
    ends = interval(row.get("low"), row.get("high"))
    return (value or number(row["value"])) + ("" if ends == NOTHING else f"\n{ends}")


def _differences(inputs: ReportInputs) -> list[Table]:
    """Give paired differences, this run minus each baseline and each compared forecast."""
    verification = inputs.verification
    decision = main_decision(verification)
    rows = []
    for key, name in BASELINE_NAMES.items():
        if key in verification["baselines"]:
            found = verification["baselines"][key]["difference"]
            rows.append((f"minus {name.lower()}", *_gaps(found[decision] | found["probability"], "value")))
    for letter, other in zip(_others(inputs), inputs.compared, strict=True):
        minus = f"minus {letter}: {short_name(other.name)}"
        if other.difference is None:
            rows.append((minus, *[NOTHING] * len(COMPARED_SCORES)))
        else:
            both = other.difference["decision"] | other.difference["probability"]
            rows.append((minus, *_gaps(both, "difference")))
    columns = ("This run", *(score_title(name) for name in COMPARED_SCORES))
    caption = "Differences on the same images" + (" and regions" if _by(verification) == BY_REGION else "")
    if has_intervals(verification["settings"]):
        caption += "; an interval that holds 0 shows no difference"
    return [Table(caption, columns, rows)] if rows else []


def _gaps(found: Mapping[str, Mapping[str, Any]], key: str) -> list[str]:
    values = [found[name][key] for name in COMPARED_SCORES]
    signs = ["+" if value is not None and value > 0 else "" for value in values]
    return [
        _cell(found[name], sign + number(value))
        for name, sign, value in zip(COMPARED_SCORES, signs, values, strict=True)
    ]
