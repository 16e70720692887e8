"""What does a page show of how good the forecasts were so far?"""

from collections.abc import Mapping
from typing import Any, Final

from flarescope.counted import counted
from flarescope.html_report.archive_page import SCOPES, beside_rows, score_of, skill_rows
from flarescope.serving.documents import Document

NAMES: Final = {
    "persistence": "persistence",
    "mcintosh": "McIntosh rates (MCSTAT)",
    "swpc": "NOAA (SWPC)",
    "climatology": "climatology",
}
ALOUD: Final = ("NO TEST", "made afterwards")
"""Words of notes that stand above the scores."""
LOWEST: Final = -0.5
"""Left end of the drawing's axis; worse skill stands there with an arrow."""
LEFT: Final = 150
RIGHT: Final = 390
ROW: Final = 15
"""Of the drawing: ends of the axis, and height of a row."""
LETTERS: Final = 23
"""Of a name beside the axis; the tables have it whole."""
DRAWN: Final = ("C1.0/24", "M1.0/24", "X1.0/24")


def score_view(verification: Mapping[str, Any] | None) -> Document | None:
    """Give what the page shows of `archive verify`'s scores; None where there are none.

    Returns:
        `said`, `warnings`, `notes`, `tables` (`caption`, `header`, `rows`, `texts`: how many columns are words), and
        `drawings`, one a scope: `title` and `rows` of `skill_drawing`.
    """
    if verification is None:
        return None
    tables, drawings = [], []
    for scope, title in SCOPES.items():
        events = verification[scope]
        if not events:
            continue
        header, rows = skill_rows(events)
        caption = f"{title}: Brier skill score with 95 % intervals; 1 is perfect, 0 is climatology"
        tables.append({"caption": caption, "header": [_name(one) for one in header], "rows": rows, "texts": 1})
        beside = [[row[0], _name(row[1]), *row[2:]] for row in beside_rows(events)]
        if beside:
            caption = f"{title}: those who forecast some of them, on the same rows"
            header = ["event", "other", "forecasts", "events", verification["model"], "the other"]
            tables.append({"caption": caption, "header": header, "rows": beside, "texts": 2})
        drawn = skill_drawing(events)
        if drawn["groups"]:
            drawings.append({"title": title, **drawn})
    times = counted(verification["forecasts"], "issue time")
    notes = list(verification["notes"])
    return {
        "said": f"{times}, {verification['first'][:10]} to {verification['last'][:10]}, by the model "
        f"{verification['model']}, against the flares that came.",
        "warnings": [text for text in notes if any(word in text for word in ALOUD)],
        "notes": [text for text in notes if not any(word in text for word in ALOUD)],
        "tables": tables,
        "drawings": drawings,
        "left": LEFT,
    }


def skill_drawing(events: Mapping[str, Any]) -> Document:
    """Give a drawing of Brier skill: a group an event in 24 hours, in it a row a forecast with its interval.

    Returns:
        `groups`: `code`, `y` and `rows`: `name`, `y`, `x`, `low`, `high` (None without an interval), `text`, `own` (of
        the model itself), `off` (worse than the axis shows); `zero`: where climatology is; `height`.
    """
    groups, y = [], 8.0
    for code in DRAWN:
        one = events.get(code)
        if one is None or one["few"]:
            continue
        y += ROW
        rows: list[Document] = []
        for name in one["scores"]:
            if name != "climatology":
                y += ROW
                rows.append(_row(name, score_of(one, name), y, own=not rows))
        for name, part in one["beside"].items():
            if part["scores"]:  # of fewer rows, so the model stands there once more, on the same ones
                rows.append(_row(name, score_of(part, name), y + ROW, own=False, among=f", on {part['n']:,}"))
                model = next(iter(part["scores"]))
                rows.append(_row(model, score_of(part, model), y + 2 * ROW, own=True, among=f", same {part['n']:,}"))
                y += 2 * ROW
        groups.append({"code": code, "y": rows[0]["y"] - ROW if rows else y, "rows": rows})
        y += ROW / 3
    return {
        "groups": groups,
        "zero": across(0.0),
        "ticks": [(across(v), v) for v in (-0.5, 0.0, 0.5, 1.0)],
        "height": y + 24,
    }


def shorten(name: str, letters: int) -> str:
    """Cut a name that is longer than so many letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def across(skill: float) -> float:
    """Give where a skill stands on the axis, `LOWEST` to 1."""
    share = (min(max(skill, LOWEST), 1.0) - LOWEST) / (1 - LOWEST)
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _row(name: str, score: Mapping[str, Any], y: float, *, own: bool, among: str = "") -> Document:
    value, low, high = score["value"], score.get("low"), score.get("high")
    return {
        "name": shorten(_name(name), LETTERS - len(among)) + among,
        "y": round(y, 1),
        "x": None if value is None else across(value),
        "low": None if low is None else across(low),
        "high": None if high is None else across(high),
        "off": value is not None and value < LOWEST,
        "own": own,
    }


def _name(name: str) -> str:
    return NAMES.get(name, name)
