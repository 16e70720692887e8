"""How good are the probabilities over all thresholds, and to whom: which curves are shown, and with what words?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flarescope.figures import (
    performance_figure,
    reliability_figure,
    roc_figure,
    threshold_figure,
    value_figure,
)
from flarescope.html_report.drawn import Drawn, columns, numbers
from flarescope.html_report.inputs import ReportInputs
from flarescope.wording import has_intervals, number


def draw_curves(inputs: ReportInputs) -> dict[str, Drawn]:
    """Draw the curves that the verification has: name -> figure, in the order of the page."""
    found = {"roc": _roc(inputs), "reliability": _reliability(inputs)}
    last = inputs.verification["calibrated"] or inputs.verification["probability"]
    if "equal_count" in last:
        found["reliability-equal"] = _equal_count(inputs, last["equal_count"])
    found["thresholds"] = _thresholds(inputs)
    found["performance"] = _performance(inputs)
    if "analyses" in inputs.verification:
        found["value"] = _value(inputs)
    return found


def _shaded(verification: Mapping[str, Any]) -> str:
    """Say what the shading is, where there is some; verifications of older versions have none."""
    if "roc_band" not in verification["curves"] or not has_intervals(verification["settings"]):
        return ""
    return f" Shaded: {verification['settings']['level']:.0%} intervals, point by point."


def _bar_words(verification: Mapping[str, Any]) -> str:
    if "rate_low" not in verification["probability"]["reliability"]:
        return ""
    said = " Grey: where 90 % of the points of a reliable forecast would lie if rows were independent; they are not."
    return said + (" Lines: intervals of the observed share." if has_intervals(verification["settings"]) else "")


def _roc(inputs: ReportInputs) -> Drawn:
    verification = inputs.verification
    curve = verification["curves"]["roc"]
    last = verification["calibrated"] or verification["probability"]
    area = last["scores"]["roc_area"]["value"]
    points = {}
    for name, decision in verification["decisions"].items():
        scores = decision["scores"]
        place = (1 - scores["tnr"]["value"], scores["tpr"]["value"])
        points[f"{name}, p ≥ {decision['threshold']:.2f}"] = place
    band = verification["curves"].get("roc_band")
    figure = roc_figure(
        numbers(curve["fpr"]), numbers(curve["tpr"]), area=area, points=points, band=columns(band) if band else None
    )
    return Drawn(
        figure,
        f"ROC curve: hit rate against false alarm rate over all thresholds; area {number(area)}, 0.5 is no skill.",
        "Hit rate against false alarm rate as the threshold falls from 1 to 0. The nearer to the upper left corner, "
        f"the better events are told from non-events.{_shaded(verification)}",
    )


def _reliability(inputs: ReportInputs) -> Drawn:
    verification = inputs.verification
    raw, after = verification["probability"], verification["calibrated"]
    rate = verification["sample"]["event_rate"]
    figure = reliability_figure(
        columns(raw["reliability"]),
        event_rate=rate,
        calibrated=columns(after["reliability"]) if after else None,
    )
    error = f"expected calibration error {number(raw['scores']['ece']['value'])}"
    if after:
        error += f" before calibration, {number(after['scores']['ece']['value'])} after"
    return Drawn(
        figure,
        f"Reliability: observed share of events against forecast probability in ten bins, with counts; {error}.",
        f"Points below the dotted line: events came less often than forecast; above: more often. Here: {error}. "
        f"The bars count the images in each bin, on a logarithmic scale.{_bar_words(verification)}",
    )


def _thresholds(inputs: ReportInputs) -> Drawn:
    curve = inputs.verification["curves"]["threshold"]
    calibrated = inputs.verification["calibrated"] is not None
    decisions = inputs.verification["decisions"]
    marks = {name: row["threshold"] for name, row in decisions.items() if row["calibrated"] == calibrated}
    tss = numbers(curve["tss"])
    best = int(np.nanargmax(tss))
    at = numbers(curve["threshold"])
    bands = {name: columns(one) for name, one in inputs.verification["curves"].get("threshold_bands", {}).items()}
    figure = threshold_figure(at, tss, numbers(curve["hss"]), marks=marks, bands=bands)
    which = "calibrated probabilities" if calibrated else "probabilities"
    return Drawn(
        figure,
        f"TSS and HSS against the threshold; the largest TSS of these rows, {number(float(tss[best]))}, is at "
        f"{number(float(at[best]), 2)}.",
        f"Skill over the threshold on the {which}. A threshold is never chosen on these rows: their own maximum "
        f"flatters.{_shaded(inputs.verification)}",
    )


def _equal_count(inputs: ReportInputs, bins: Mapping[str, Any]) -> Drawn:
    verification = inputs.verification
    calibrated = "calibrated " if verification["calibrated"] else ""
    figure = reliability_figure(columns(bins), event_rate=verification["sample"]["event_rate"])
    return Drawn(
        figure,
        f"Reliability of the {calibrated}probabilities in bins of about as many images each.",
        f"The {calibrated}probabilities in bins of about as many images each: more is seen of the low ones, where most "
        f"forecasts are.{_bar_words(verification)}",
    )


def _performance(inputs: ReportInputs) -> Drawn:
    verification = inputs.verification
    curve = verification["curves"]["pr"]
    parts = dict(verification["decisions"])
    parts |= {name: one["decision"] for name, one in verification["baselines"].items() if name == "persistence"}
    places = {}
    for name, part in parts.items():
        place = tuple(part["scores"][score]["value"] for score in ("precision", "tpr"))
        if None not in place:
            places[name] = place
    figure = performance_figure(numbers(curve["precision"]), numbers(curve["recall"]), points=places)
    said = "; ".join(f"{name} hit rate {number(at[1])}, success ratio {number(at[0])}" for name, at in places.items())
    return Drawn(
        figure,
        f"Performance diagram: hit rate against success ratio over all thresholds; {said or 'no point'}.",
        "Four scores at once: up, more events are hit; to the right, fewer alarms are false. Dotted lines: equal bias, "
        "1 where events are forecast as often as they come. Curved lines: equal CSI, with its value. Where events are "
        "rarer everything lies further left, so diagrams of other samples cannot be laid over this one.",
    )


def _value(inputs: ReportInputs) -> Drawn:
    verification = inputs.verification
    found = verification["analyses"]["value"]
    names = {"decision": "these yes and no", "own": "own yes, p ≥ C/L"}
    curves = {title: columns(found[name]) for name, title in names.items()}
    rate, at = verification["sample"]["event_rate"], numbers(found["cost_loss"])
    figure = value_figure(at, curves, event_rate=rate)
    worth = at[curves[names["decision"]]["value"].to_numpy() > 0]
    where = f"from {worth.min():g} to {worth.max():g}" if len(worth) else "nowhere"
    return Drawn(
        figure,
        f"Relative economic value over cost / loss; of the decision it is above 0 {where}.",
        "What the forecast saves a user, as a share of what a perfect one would, over the cost of protection divided "
        "by the loss that it averts. Below 0 he does better with the climatology of these rows. Two lines: everybody "
        "takes the same yes, or each one says yes from his own ratio on, which needs reliable probabilities."
        f"{_shaded(verification)}",
    )
