"""What does the page of issued forecasts show: skill to date, reliability, and the last days against what happened?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from flarescope.counted import counted
from flarescope.figures import daily_figure, inline_svg, reliability_figure
from flarescope.figures.disk import percent
from flarescope.html_report.view import Drawing, Page, Section, Table
from flarescope.wording import DISCLAIMER, NOTHING, interval, number

SCOPES: Final = {"disk": "The whole disk", "region": "Each region"}
CLIMATOLOGY: Final = "climatology"
SCORE: Final = "bss_climatology"
INSTEAD: Final = "bss_sample"
"""Where no climatology is known: skill against the event rate of the forecasts' own time, which nobody knew."""
HAPPENED: Final = {True: "yes", False: "no", None: "not known"}


def archive_page(found: Mapping[str, Any]) -> Page:
    """Put the page together from what `pipeline.archiving.verifying` found."""
    parts = [_last_days(found["days"])]
    parts += [_skill(found, scope, title) for scope, title in SCOPES.items()]
    parts += [_reliability(found), _models(found), Section("notes", "Notes", paragraphs=found["notes"])]
    kept = [part for part in parts if part.paragraphs or part.tables or part.drawings or part.pairs]
    summary = (
        f"{counted(found['forecasts'], 'issue time')} from {found['first'][:10]} to {found['last'][:10]}, "
        f"by the model {found['model']}."
    )
    warnings = [text for text in found["notes"] if text.startswith("NO TEST")]
    return Page("Issued forecasts against what happened", summary, DISCLAIMER, found["footer"], warnings, kept)


def score_of(one: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give the row of a forecast's Brier skill: against climatology, or where that is not known, the sample's rate."""
    scores = one["scores"][name]
    row: Mapping[str, Any] = scores[SCORE] if scores[SCORE]["value"] is not None else scores[INSTEAD]
    return row


def skill_rows(events: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Give a table of Brier skill: a row an event, a column a forecast; of few events only how many there were."""
    # Of climatology the skill against itself is 0, which needs no column.
    names = list(dict.fromkeys(name for one in events.values() for name in one["scores"] if name != CLIMATOLOGY))
    rows = []
    for code, one in events.items():
        cells = [number(one["n"]), number(one["events"])]
        if one["few"]:
            rows.append([code, *cells, *("too few" for _ in names), NOTHING])
            continue
        cells += [_cell(score_of(one, name)) if name in one["scores"] else NOTHING for name in names]
        rows.append([code, *cells, _cell(next(iter(one["scores"].values()))["roc_area"])])
    return ["event", "forecasts", "events", *names, "ROC area"], rows


def beside_rows(events: Mapping[str, Any]) -> list[list[str]]:
    """Give a row for each event and each forecast that has some of the rows only, beside the model's on the same."""
    rows = []
    for code, one in events.items():
        for name, part in one["beside"].items():
            if part["scores"]:
                own, other = (_cell(score_of(part, key)) for key in list(part["scores"])[:2])
                rows.append([code, name, number(part["n"]), number(part["events"]), own, other])
    return rows


def _cell(row: Mapping[str, Any]) -> str:
    return f"{number(row['value'])} ({interval(row.get('low'), row.get('high'))})"


def _skill(found: Mapping[str, Any], scope: str, title: str) -> Section:
    events = found[scope]
    if not events:
        return Section(scope, title)
    header, rows = skill_rows(events)
    tables = [Table("Brier skill score, with 95 % intervals: 1 is perfect, 0 is climatology", header, rows)]
    beside = beside_rows(events)
    if beside:
        columns = ["event", "other", "forecasts", "events", found["model"], "the other"]
        tables.append(Table("Those who forecast some of them, on the same rows", columns, beside, frozenset({1})))
    said = "class / hours: flares of that class or above in so many hours after the issue time."
    return Section(scope, title, [said], tables=tables)


def _reliability(found: Mapping[str, Any]) -> Section:
    drawings = []
    for scope, title in SCOPES.items():
        for code in ("C1.0/24", "M1.0/24"):
            one = found[scope].get(code)
            if not one or not one["reliability"]:
                continue
            bins = pd.DataFrame({name: _numbers(values) for name, values in one["reliability"].items()})
            figure = reliability_figure(bins, event_rate=one["rate"], rows="Forecasts")
            name = f"reliability-{scope}-{code[0].lower()}"
            alt = f"{title}, {code}: observed share of events against forecast probability in ten bins, with counts"
            drawings.append(Drawing(name, Markup(inline_svg(figure, name, alt)), f"{title}, {code} hours."))
    return Section("reliability", "Do the probabilities mean what they say?", drawings=drawings, link="Reliability")


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _last_days(days: Sequence[Mapping[str, Any]]) -> Section:
    title = f"The last {counted(len(days), 'day')}"
    if not days:
        return Section("days", title)
    names = list(dict.fromkeys(name for day in days for name in day["events"]))
    figure = daily_figure(days, names)
    alt = (
        f"Probability of {', '.join(names)} anywhere within 24 hours on {counted(len(days), 'day')}, and what happened"
    )
    caption = "Forecasts of the whole disk for 24 hours; of a day the first. Filled: the event came."
    drawing = Drawing("days", Markup(inline_svg(figure, "days", alt)), caption)
    columns = ["issued (UTC)", *(f"P({name})" for name in names), *(f"{name}?" for name in names), "flares", "largest"]
    rows = [_day_row(day, names) for day in reversed(days)]
    return Section("days", title, drawings=[drawing], tables=[Table("Each day, the newest first", columns, rows)])


def _day_row(day: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    told = [day["events"].get(name) for name in names]
    probabilities = [NOTHING if one is None else f"{percent(one['probability'])}%" for one in told]
    happened = [NOTHING if one is None else HAPPENED[one["happened"]] for one in told]
    return [
        day["issued"][:16].replace("T", " "),
        *probabilities,
        *happened,
        number(day["flares"]),
        day["largest"] or "–",
    ]


def _models(found: Mapping[str, Any]) -> Section:
    pairs = []
    for one in found["models"]:
        learned = f"learned from {one['first'][:10]} to {one['last'][:10]}" if one["last"] else "does not say from when"
        pairs.append(
            (one["name"], " ".join(filter(None, [f"{learned};" if one["digest"] else learned, one["digest"]])))
        )
    pairs += [(role, text) for role, text in found["inputs"]]
    return Section("models", "Models and data", pairs=pairs)
