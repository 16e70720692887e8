"""What does the page of a region show of its life: the chart of its probabilities and flares, and what changed?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.events import flux_if_class
from flarescope.figures.disk import percent
from flarescope.serving.documents import Document
from flarescope.serving.page_values import plain, points
from flarescope.wording import NOTHING

LEFT: Final = 34
RIGHT: Final = 384
TOP: Final = 112
BOTTOM: Final = 252
"""Where a probability of 1 and of 0 stands; `life.svg.j2` has the axes."""
FLARES_TOP: Final = 18
FLARES_BOTTOM: Final = 84
"""Where a flare of X10 and of C1.0 stands; above that a class is a third higher."""
GAP: Final = pd.Timedelta(hours=36)
"""A line is broken where no forecast was kept so long."""
AFTER: Final = pd.Timedelta(hours=24)
"""Flares are shown so long after the last forecast."""
MOST_TICKS: Final = 7
MOST_NAMED: Final = 6
NAMES: Final = {
    "mcintosh": "McIntosh class",
    "hale": "Hale type",
    "area_msh": "area, millionths of the hemisphere",
    "spots": "spots",
}


def life_chart(region: Mapping[str, Any], shown: int) -> Document:
    """Give the chart of a region's life.

    Args:
        region: `documents.region_document`'s.
        shown: which of its forecasts the page shows.

    Returns:
        `lines`: code -> `path` and `dots` (`x`, `y`, `said`); `flares`: `x`, `y`, `letter`, `flare`, `time`, `named`;
        `days`: `x` and `day` of the ticks; `first` and `last`, the ends of the axis;
        `at`: `x` of the forecast that is shown.
    """
    times = [pd.Timestamp(one["issued"]) for one in region["forecasts"]]
    first = times[0].floor("D")
    last = max((times[-1] + AFTER).ceil("D"), first + pd.Timedelta(days=2))
    across = _Axis(first, last)
    codes = dict.fromkeys(code for one in region["forecasts"] for code in one["shown"])
    return {
        "lines": {code: _line(code, times, region["forecasts"], across) for code in codes},
        "flares": list(_flares(region["flares"] or (), across)),
        "days": _ticks(across),
        "first": first.isoformat(),
        "last": last.isoformat(),
        "at": across(times[shown]),
    }


def changes_rows(changes: Mapping[str, Any] | None) -> list[list[str]]:
    """Give what changed since the day before: name, before, now, and by how many points of percent.

    What reads the same before and now is left out.
    """
    rows = []
    for one in () if changes is None else changes["what"]:
        if one["name"] in NAMES:
            rows.append([NAMES[one["name"]], plain(one["before"]), plain(one["now"]), ""])
        else:
            before = NOTHING if one["before"] is None else f"{percent(one['before'])} %"
            now, difference = f"{percent(one['now'])} %", points(one["now"], one["before"])
            if (before, difference) != (now, points(0, 0)):
                rows.append([f"P({one['name']} h)", before, now, difference])
    return rows


class _Axis:
    """Turns times into places across the chart."""

    def __init__(self, first: pd.Timestamp, last: pd.Timestamp) -> None:
        self.first, self.last = first, last

    def __call__(self, time: pd.Timestamp) -> float:
        share = (time - self.first) / (self.last - self.first)
        return round(LEFT + share * (RIGHT - LEFT), 1)


def _line(code: str, times: Sequence[pd.Timestamp], forecasts: Sequence[Mapping[str, Any]], across: _Axis) -> Document:
    pieces, dots, before = [], [], None
    for time, one in zip(times, forecasts, strict=True):
        share = one["shown"].get(code)
        if share is None:
            before = None
            continue
        x, y = across(time), round(BOTTOM - share * (BOTTOM - TOP), 1)
        pieces.append(f"{'M' if before is None or time - before > GAP else 'L'}{x} {y}")
        dots.append({"x": x, "y": y, "said": f"{time:%Y-%m-%d %H:%M} UTC: {percent(share)} %"})
        before = time
    return {"path": "".join(pieces), "dots": dots}


def _flares(flares: Sequence[Mapping[str, Any]], across: _Axis) -> Iterator[Document]:
    """Give the flares of C1.0 or above within the axis; the largest are named where there is room."""
    table = pd.DataFrame(
        {"time": [one["time"] for one in flares], "flare": [one["flare"] for one in flares]}, dtype=str
    )
    table["time"] = pd.to_datetime(table["time"], utc=True)
    table["flux"] = flux_if_class(table["flare"]).to_numpy(float)
    table = table[table["time"].between(across.first, across.last) & (table["flux"] >= 1e-6 * (1 - 1e-9))]
    x = [across(time) for time in table["time"]]
    named = _named(x, table["flux"].to_numpy(float))
    for number, row in enumerate(table.to_dict("records")):
        height = min(np.log10(row["flux"] / 1e-6) / 3, 1.0)  # C1 below, X1 at two thirds, X10 on top
        yield {
            "x": x[number],
            "y": round(FLARES_BOTTOM - height * (FLARES_BOTTOM - FLARES_TOP), 1),
            "letter": str(row["flare"])[0],
            "flare": row["flare"],
            "time": row["time"].isoformat(),
            "named": number in named,
        }


def _named(x: Sequence[float], flux: np.ndarray) -> set[int]:
    chosen: list[int] = []
    for number in np.argsort(-flux, kind="stable"):
        if len(chosen) < MOST_NAMED and flux[number] >= 1e-5 * (1 - 1e-9):
            if all(abs(x[number] - x[other]) > 36 for other in chosen):
                chosen.append(int(number))
    return set(chosen)


def _ticks(across: _Axis) -> list[Document]:
    days = pd.date_range(across.first, across.last, freq="D")
    step = -(-len(days) // MOST_TICKS)
    return [{"x": across(day), "day": f"{day.day} {day:%b}"} for day in days[::step]]
