"""Which figures does a report show, and what does each say to those who do not see it?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

from flarescope.connected import shown_regions
from flarescope.counted import counted
from flarescope.events import sentence_of
from flarescope.figures import (
    gallery_figure,
    history_figure,
    interval_figure,
    timeline_figure,
)
from flarescope.html_report.choose import instructive_regions
from flarescope.html_report.curves import draw_curves
from flarescope.html_report.drawn import Drawn
from flarescope.html_report.inputs import ReportInputs, decided_forecasts, main_decision
from flarescope.wording import NOTHING, number, score_title

LONGEST_NAME: Final = 24
COMPARED_SCORES: Final = ("tss", "hss", "tpr", "tnr", "bss_sample", "roc_area")
"""What runs and baselines are set side by side by."""


def draw(inputs: ReportInputs) -> dict[str, Drawn]:
    """Draw every figure that the inputs allow: name -> figure, in the order of the page."""
    found = draw_curves(inputs)
    found["comparison"] = _comparison(inputs)
    if inputs.history:
        found["history"] = _history(inputs.history)
    found |= _timelines(inputs)
    if inputs.gallery:
        figure = gallery_figure(inputs.gallery)
        found["gallery"] = Drawn(figure, "Magnetograms of hits, misses and false alarms", "")
    return found


def report_figures(inputs: ReportInputs) -> dict[str, Figure]:
    """Give the report's figures by name, to be saved as files (`figures.save_figures`)."""
    return {name: drawn.figure for name, drawn in draw(inputs).items()}


def letters(count: int) -> list[str]:
    """Name the columns of a comparison: this run is A, the others B, C, ... in order."""
    return [chr(ord("A") + index) if index < 26 else f"Z{index - 25}" for index in range(count)]


def score_row(verification: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Find the row of a score: of the main decision, or of the probability after calibration where there is one."""
    decision = verification["decisions"][main_decision(verification)]["scores"]
    probability = (verification["calibrated"] or verification["probability"])["scores"]
    row: Mapping[str, Any] = decision.get(name) or probability[name]
    return row


def baseline_row(baseline: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Find the row of a score of a baseline."""
    row: Mapping[str, Any] = baseline["decision"]["scores"].get(name) or baseline["probability"]["scores"][name]
    return row


def short_name(name: str) -> str:
    """Shorten the name of a run or a table, often a path, to what tells it from others: 24 letters at most."""
    path, mark, model = name.partition("#")
    last = Path(path).stem if Path(path).suffix in (".csv", ".parquet", ".txt") else Path(path).name
    short = (last or path) + mark + model
    return short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME // 2]}…{short[-LONGEST_NAME // 2 + 1 :]}"


def _comparison(inputs: ReportInputs) -> Drawn:
    verification, others = inputs.verification, [other.verification for other in inputs.compared]
    names = [inputs.name or inputs.title, *(other.name for other in inputs.compared)]
    titles = [f"{letter}: {short_name(name)}" for letter, name in zip(letters(len(names)), names, strict=True)]
    named = dict(zip(titles, (verification, *others), strict=True))
    if not others:
        named = {short_name(inputs.name) if inputs.name else "this run": verification}
    rows = [(series, name, score_row(table, name)) for series, table in named.items() for name in COMPARED_SCORES]
    if "persistence" in verification["baselines"]:
        baseline = verification["baselines"]["persistence"]
        rows += [("persistence", name, baseline_row(baseline, name)) for name in COMPARED_SCORES]
    table = pd.DataFrame(
        [
            (score_title(name), series, row["value"], row.get("low"), row.get("high"))
            for series, name, row in rows
            if row["value"] is not None
        ],
        columns=["score", "series", "value", "low", "high"],
    )
    said = "; ".join(f"{series} TSS {number(row['value'])}" for series, name, row in rows if name == "tss")
    figure = interval_figure(table, level=verification["settings"]["level"])
    whose = " A is this run." if others else ""
    if table["low"].isna().all():
        return Drawn(figure, f"Scores side by side: {said}.", f"No score has an interval here.{whose}")
    return Drawn(
        figure,
        f"Scores with their intervals, side by side: {said}.",
        "Each score with its interval. Overlapping intervals do not show that two forecasts are equally good: look at "
        f"the interval of the difference.{whose}",
    )


def _history(history: Sequence[Mapping[str, Any]]) -> Drawn:
    last = (history[-1].get("validation") or {}).get("tss")
    said = NOTHING if last is None else number(last)
    return Drawn(
        history_figure(history),
        f"Training history over {counted(len(history), 'epoch')}; validation TSS of the last one {said}.",
        "Training loss is weighted by class and averaged while the head moves; validation loss is unweighted, so the "
        "two are not on one scale.",
    )


def _disk_timeline(inputs: ReportInputs, forecasts: pd.DataFrame, threshold: float) -> Drawn:
    yes = int((forecasts["probability"] >= threshold).sum())
    event = int((forecasts["label"] == 1).sum())
    return Drawn(
        timeline_figure(forecasts, threshold=threshold, event=inputs.event, flares=inputs.events),
        f"Time line of the whole disk: {counted(len(forecasts), 'image')}, {event:,} followed by an event, "
        f"{yes:,} forecast yes.",
        f"The whole disk. Shaded: images followed by {sentence_of(inputs.event)}.",
    )


def _timelines(inputs: ReportInputs) -> dict[str, Drawn]:
    forecasts, threshold = decided_forecasts(inputs.forecasts, inputs.verification)
    if inputs.event and inputs.event.scope == "disk":
        return {"timeline-disk": _disk_timeline(inputs, forecasts, threshold)}
    found = {}
    for region, reason in instructive_regions(forecasts, threshold).items():
        rows = forecasts[(forecasts["noaa_ar"] == region).fillna(False).to_numpy(bool)]
        flares = inputs.events
        if flares is not None:
            flares = flares[flares["noaa_ar"].isin(shown_regions(rows, labelling=True)[1])]
        figure = timeline_figure(rows, threshold=threshold, event=inputs.event, flares=flares)
        yes = int((rows["probability"] >= threshold).sum())
        event = int((rows["label"] == 1).sum())
        found[f"timeline-{region}"] = Drawn(
            figure,
            f"Time line of NOAA {region}: {counted(len(rows), 'image')}, {event:,} followed by an event, "
            f"{yes:,} forecast yes.",
            f"NOAA {region} ({reason}). Shaded: images followed by {sentence_of(inputs.event)}.",
        )
    return found
