"""What does a page of a forecast show: which events can be chosen, and what stands in each cell for each of them?

A page holds the numbers of every event; a script of the page shows those of the event that is chosen. What is shown is
written here, so that page, report and terminal round alike (`figures.disk.percent`).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from flarescope.figures.disk import percent
from flarescope.serving.documents import Document
from flarescope.wording import NOTHING

USUAL: Final = "M1.0/24"
"""What is chosen first: the event that centres are asked for most."""
LEVELS: Final = (0.01, 0.1, 0.3, 0.6)
"""Where the colour of a probability changes; the number stands beside it always."""
LEVEL_WORDS: Final = ("< 1 %", "1 to 10 %", "10 to 30 %", "30 to 60 %", "> 60 %")


def choices(events: Sequence[Mapping[str, Any]]) -> Document:
    """Say which events can be chosen, as classes and hours.

    Args:
        events: of a forecast's document: `code`, `event`, `window_h`, `latency_h`.

    Returns:
        `classes`: `key`, `name` and `letter` of each class (with a latency, where there is one); `hours`, in order;
        `codes`: class -> hours (as text) -> code; `first`: the code that is chosen first, None without events, with
        its `key` and `window`.
    """
    classes: dict[str, Document] = {}
    codes: dict[str, dict[str, str]] = {}
    for one in events:
        late = f", from {one['latency_h']:g} h on" if one["latency_h"] else ""
        key = f"{one['event']}+{one['latency_h']:g}" if one["latency_h"] else str(one["event"])
        classes.setdefault(key, {"key": key, "name": f"{one['event']} or more{late}", "letter": one["event"][0]})
        codes.setdefault(key, {})[f"{one['window_h']:g}"] = one["code"]
    known = [code for of_class in codes.values() for code in of_class.values()]
    first = USUAL if USUAL in known else next(iter(known), None)
    places = {code: (key, hours) for key, of_class in codes.items() for hours, code in of_class.items()}
    key, window = places.get(first or "", ("", ""))
    hours = sorted({float(one["window_h"]) for one in events})
    return {
        "classes": list(classes.values()),
        "hours": [f"{one:g}" for one in hours],
        "codes": codes,
        "first": first,
        "key": key,
        "window": window,
    }


def level(probability: float) -> int:
    """Give which colour a probability has, 0 to 4."""
    return sum(probability >= least for least in LEVELS)


def cell(shown: Mapping[str, float]) -> dict[str, list[Any]]:
    """Give what stands in a cell for each event: code -> text, length of its bar (0..100), colour."""
    return {code: [f"{percent(share)} %", round(100 * share, 2), level(share)] for code, share in shown.items()}


def change(now: Mapping[str, float], before: Mapping[str, float] | None) -> dict[str, str]:
    """Say by how many points of percent each probability changed; "new" where there was none.

    Args:
        now: code -> probability.
        before: the same of the day before; None where the region was not forecast then.
    """
    return {code: points(share, None if before is None else before.get(code)) for code, share in now.items()}


def points(now: float, before: float | None) -> str:
    """Write a difference in points of percent: `+12`, `−3`, `±0`; "new" without a number before."""
    if before is None:
        return "new"
    rounded = round(100 * (now - before))
    return f"+{rounded}" if rounded > 0 else f"−{-rounded}" if rounded < 0 else "±0"


def forecast_rows(document: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[Document]:
    """Give a row a region: its document, `cell`, and `change` since the forecast of the day before.

    Args:
        document: of the forecast.
        before: that of the day before, or None; then no row has a change.
    """
    earlier = {} if before is None else {one["noaa_ar"]: one["shown"] for one in before["regions"]}
    rows = []
    for region in document["regions"]:
        changed = None if before is None else change(region["shown"], earlier.get(region["noaa_ar"]))
        rows.append({**region, "cell": cell(region["shown"]), "change": changed})
    return rows


def day_runs(days: Sequence[str]) -> str:
    """Write days as runs, `2014-10-17+10 2014-11-02+1`: first day and how many, so that a page of years stays small.

    Args:
        days: such as 2014-10-24, the oldest first, each once.
    """
    runs: list[tuple[date, int]] = []
    for one in map(date.fromisoformat, days):
        if runs and runs[-1][0] + timedelta(days=runs[-1][1]) == one:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((one, 1))
    return " ".join(f"{first}+{count}" for first, count in runs)


def around(days: Sequence[str], day: str) -> Document:
    """Give the days before and after a day that have a forecast; None at the ends."""
    at = days.index(day)
    return {"before": days[at - 1] if at else None, "after": days[at + 1] if at + 1 < len(days) else None}


def came(verification: Mapping[str, Any] | None, issued: str) -> Mapping[str, Any] | None:
    """Give what came in the 24 hours after a forecast, where it is one of the last days and is known."""
    for one in (verification or {}).get("days", ()):
        if one["issued"] == issued and one["flares"] is not None:
            found: Mapping[str, Any] = one
            return found
    return None


GREEK: Final = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ"}


def greek(hale: str) -> str:
    """Write a Hale type in letters, `Beta-Gamma-Delta` as `βγδ`; other words stay."""
    return "".join(GREEK.get(word.lower(), word) for word in hale.split("-"))


def plain(value: Any) -> str:  # noqa: ANN401 - a column of a summary
    """Write what a summary says, or a dash."""
    return NOTHING if value is None or value == "" else f"{value:g}" if isinstance(value, float) else str(value)
