"""How is a verification shown as tables on the screen?"""

from collections.abc import Mapping
from typing import Any

from flarescope.counted import counted
from flarescope.scores.questions.sliced import HISTORY, NOT_YET
from flarescope.wording import NOTHING, interval, number, p_value_text, score_title


def decision_rows(verification: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of the yes/no scores: value and interval for argmax and for the chosen threshold."""
    decisions = verification["decisions"]
    header = [cell for part in decisions.values() for cell in (f"p >= {part['threshold']:.3g}", "interval")]
    return ["score", *header], _beside([part["scores"] for part in decisions.values()])


def probability_rows(verification: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of the scores of probabilities, as they came and calibrated."""
    parts = {"as it came": verification["probability"], "calibrated": verification["calibrated"]}
    known = {name: part for name, part in parts.items() if part}
    header = [cell for name in known for cell in (name, "interval")]
    return ["score", *header], _beside([part["scores"] for part in known.values()])


def _beside(parts: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for name in parts[0]:
        cells = [
            [number(part[name]["value"]), interval(part[name].get("low"), part[name].get("high"))] for part in parts
        ]
        rows.append([score_title(name), *(cell for pair in cells for cell in pair)])
    return rows


def baseline_rows(verification: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of a table of TSS and HSS: the forecasts', the baselines', and the gain over these."""
    rows = []
    for decision, part in verification["decisions"].items():
        rows.append(
            [f"these forecasts, yes from {part['threshold']:.3g}", *_few(part["scores"], ("tss", "hss")), "", ""]
        )
        for name, baseline in verification["baselines"].items():
            difference = baseline["difference"][decision]["tss"]
            gain = [number(difference["value"]), interval(difference.get("low"), difference.get("high"))]
            rows.append([name.replace("_", " "), *_few(baseline["decision"]["scores"], ("tss", "hss")), *gain])
    return ["forecast", "TSS", "HSS", "TSS gained", "interval"], rows


def _few(scores: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    return [number(scores[name]["value"]) for name in names]


def use_rows(verification: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of short answers for those who use the main decision, where there is something to say.

    They are of all-clears, of flares and alarms (with a flare list), and of first flares (of regions); seven at most.
    There are none of verifications of older versions.
    """
    found = verification.get("analyses")
    rows = _of_all_clear(found["all_clear"]) + _of_flares(found["flares"]) if found else []
    for one in verification["slices"][found["decision"]].get(HISTORY, []) if found else []:
        when = "first event of a region" if one["slice"] == NOT_YET else "region that had one"
        ends = one["intervals"].get("tss", (None, None))
        rows.append([f"TSS, {when}", number(one["tss"]) if one["tss"] is not None else one["note"], interval(*ends)])
    return ["asked", "answer", "interval"], rows


def _of_all_clear(found: Mapping[str, Any]) -> list[list[str]]:
    missed = found["decision"]["false_all_clear"]
    if missed["value"] is None:
        return []
    at = next(one for one in found["at_misses"] if one["misses"] == FEW_MISSES)
    return [
        _answer("events among the all-clears", missed),
        _answer(f"quiet called quiet, {FEW_MISSES:.0%} of the events missed (flatters)", at["tnr"]),
    ]


def _of_flares(found: Mapping[str, Any] | None) -> list[list[str]]:
    if not found:
        return []
    flares = counted(found["flares"], "flare that was", "flares that were")
    asked = f"share of the {flares} hit"
    rows = [_answer(asked, found["hit_rate"])]
    if found["warning_hours"]:
        low, middle, high = found["warning_hours"]
        half = f"{low:.1f} to {high:.1f}"
        rows.append(["hours from the first yes to the peak, median and the middle half", f"{middle:.1f}", half])
    alarms = counted(found["alarms"], "spell of yes", "spells of yes")
    rows.append(_answer(f"share of {alarms} that came to nothing", found["false_share"]))
    return rows


def _answer(asked: str, row: Mapping[str, Any]) -> list[str]:
    return [asked, number(row["value"]), interval(row.get("low"), row.get("high"))]


FEW_MISSES = 0.05
"""Of the shares of events that an all-clear may miss (`questions.all_clear.MISSES`) the one on the screen."""
SIDE_SCORES = ("tss", "hss", "tpr", "tnr", "bss_sample", "roc_area")
"""What several forecasts are set side by side by."""


def side_rows(
    sides: Mapping[str, Any], thresholds: Mapping[str, float], calibrated: Mapping[str, bool]
) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of several forecasts: each one's threshold, rows, events, and scores with intervals."""
    rows = []
    for name, one in sides.items():
        scores = one["decision"] | one["probability"]
        cells = [_with_interval(scores[score]) for score in SIDE_SCORES]
        yes = [f"{'cal. ' if calibrated.get(name) else ''}{thresholds[name]:.3g}"] if thresholds else []
        rows.append([name, *yes, f"{one['n']:,}", f"{one['events']:,}", *cells])
    yes = ["yes from"] if thresholds else []
    return ["forecast", *yes, "rows", "events", *map(score_title, SIDE_SCORES)], rows


def _with_interval(row: Mapping[str, Any]) -> str:
    ends = interval(row.get("low"), row.get("high"), 2)
    return number(row["value"]) + ("" if ends == NOTHING else f" ({ends})")


def _of_pair(pair: Mapping[str, Any], score: str) -> Mapping[str, Any]:
    row: Mapping[str, Any] = pair["decision"].get(score) or pair["probability"][score]
    return row


def pair_rows(found: Mapping[str, Any], score: str) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of the pairs of many: difference in a score, interval, p, Holm's p, and which is better."""
    rows = []
    for pair in found["pairs"]:
        row = _of_pair(pair, score)
        chance = [p_value_text(row.get("p")), p_value_text(row.get("p_holm"))]
        better = pair[row["better"]] if row.get("better") else ""
        ends = interval(row.get("low"), row.get("high"))
        rows.append([f"{pair['a']} - {pair['b']}", number(row["difference"]), ends, *chance, better])
    return ["pair", "difference", "interval", "p", "Holm's p", "better by its interval"], rows


def matrix_rows(found: Mapping[str, Any], score: str) -> tuple[list[str], list[list[str]]]:
    """Give header and rows of the differences of all pairs in a score, row minus column; a star by Holm's p."""
    names = list(found["tables"])
    cells = {}
    for pair in found["pairs"]:
        row = _of_pair(pair, score)
        chance = row.get("p_holm")
        star = "*" if chance is not None and chance < 1 - found["settings"]["level"] else ""
        for a, b, sign in ((pair["a"], pair["b"], 1), (pair["b"], pair["a"], -1)):
            value = row["difference"]
            cells[a, b] = NOTHING if value is None else number(sign * value) + star
    return ["", *names], [[a, *(cells.get((a, b), "") for b in names)] for a in names]


def event_cells(verification: dict[str, Any] | None) -> list[str]:
    """Give TSS, HSS and Brier skill score of one event with their intervals: by the chosen threshold, calibrated."""
    if verification is None:
        return ["one class"] * 3
    decisions = verification["decisions"]
    decided = decisions.get("chosen", decisions["argmax"])["scores"]
    probability = (verification["calibrated"] or verification["probability"])["scores"]
    scores = [decided["tss"], decided["hss"], probability["bss_climatology"]]
    return [f"{number(one['value'])} {interval(one.get('low'), one.get('high'))}".strip() for one in scores]


def flux_lines(evaluated: Mapping[str, Any]) -> list[str]:
    """Say how good the distribution of flux is that a regression forecasts; of other models nothing."""
    found = evaluated.get("flux")
    if not found:
        return []
    skill = "" if found["skill"] is None else f", skill {found['skill']:.3f}"
    return [
        f"distribution of the largest flare's log10 flux: CRPS {found['crps']:.4f} decades, these rows' own "
        f"distribution {found['crps_sample']:.4f}{skill}"
    ]
