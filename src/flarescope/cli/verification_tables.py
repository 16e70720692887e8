"""How is a verification shown as tables on the screen?"""

from typing import Any

from flarescope.wording import interval, number, score_title


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
