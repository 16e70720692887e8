"""What would climatology have said of the same regions and moments?"""

import re
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.archive.records import ModelUsed, base_name
from flarescope.events import OPERATIONAL_FACTOR, FluxScale
from flarescope.json_values import is_text
from flarescope.parsing import refusing_damage
from flarescope.pipeline.forecasting.by_event import by_event
from flarescope.regions.grid import SHAPE, at_events
from flarescope.regions.model import SCALE, RegionModel

CLIMATOLOGY: Final = "climatology"
MCSTAT: Final = "mcintosh"
"""The shipped model of the McIntosh classes' rates."""
TESTS_NOTHING: Final = "what it says here is no test of it"
"""Ends the note of a forecast whose model learned from its time."""
LONGEST: Final = pd.Timedelta(days=3)
"""From an issue time to the end of the longest window that a model learns from (`regions.grid.LAST_H`)."""
RATES: Final = {"region": "rates", "disk": "disk_rates"}
"""Scope -> what a model's training says of its event rates, `(T, W)` of `regions.grid`."""


def with_climatology(rows: pd.DataFrame, model: RegionModel, *, flux_scale: FluxScale | None) -> pd.DataFrame:
    """Add to a model's rows those of the event rates that it was trained on.

    Args:
        rows: `regions.model.COLUMNS`, of one model or several.
        model: whose regions, moments and events count, and whose training.
        flux_scale: of the events; None is the model's.

    Returns:
        The rows, and as many of the model `climatology` as the model has; none where its file does not say the rates,
        as older ones do not.
    """
    grids = _grids(model)
    if not grids:
        return rows
    factor = 1.0 if (flux_scale or SCALE) == SCALE else OPERATIONAL_FACTOR
    own = list(by_event(rows[rows["model"].map(base_name) == model.name]))
    pieces = [rows]
    for scope, grid in grids.items():
        asked = [(event, piece) for event, piece in own if event.scope == scope]
        events = [(event.flux_w_m2 * factor, event.window_hours, event.latency_hours) for event, _ in asked]
        rates = at_events(grid[None], events)[0] if events else ()
        pieces += [
            piece.assign(probability=float(rate), model=CLIMATOLOGY)
            for (_, piece), rate in zip(asked, rates, strict=True)
        ]
    return pd.concat(pieces, ignore_index=True)


def _grids(model: RegionModel) -> dict[str, np.ndarray]:
    """Give the event rates that a model's file says, scope -> `(T, W)`; none where it says none."""
    if not set(RATES.values()) <= set(model.trained):
        return {}
    with refusing_damage(f"the region model {model.name}", "train it again", what="event rates that cannot be read"):
        grids = {scope: np.asarray(model.trained[name], dtype=np.float64) for scope, name in RATES.items()}
        if any(grid.shape != SHAPE or not ((grid >= 0) & (grid <= 1)).all() for grid in grids.values()):
            raise ValueError(f"expected shares of shape {SHAPE}")
    return grids


def trained_until(model: RegionModel) -> tuple[str, str]:
    """Give when the time begins and ends that a model learned from, as its file says it; empty where it does not."""
    first, last = (model.trained.get(name, "") for name in ("first", "last"))
    return _text(first), _text(last)


def seen_in_training(model: ModelUsed, first: pd.Timestamp, last: pd.Timestamp) -> str | None:
    """Say that a model learned from the time of its forecasts: then their scores are no test of it; else None.

    Args:
        model: with the time that it learned from.
        first: issue time, or day, of its first forecast.
        last: of its last.
    """
    begin, end = (_moment(text) for text in (model.first, model.last))
    if begin is None or end is None:
        return f"the model {model.name} does not say what it learned from: scores may be no test of it"
    if end + LONGEST < first or begin > last + LONGEST:
        return None
    return (
        f"NO TEST: the model {model.name} learned from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, the time of forecasts here: "
        "their scores say nothing of its skill; train one until a day before (train-regions --until)"
    )


def learned_then(model: RegionModel, issued: pd.Timestamp) -> str | None:
    """Say that a model learned from the time of one forecast; None where it did not, or its file does not say when.

    Args:
        model: of regions.
        issued: UTC.
    """
    begin, end = map(_moment, trained_until(model))
    if begin is None or end is None or not begin <= issued <= end + LONGEST:
        return None
    return (
        f"the model {model.name} learned from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and so from what came after this "
        f"forecast: {TESTS_NOTHING}"
    )


def _moment(text: str) -> pd.Timestamp | None:
    """Read a time, UTC, that a file says; None where it is none."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?", text):
        return None
    try:
        return pd.Timestamp(text, tz="UTC")
    except ValueError:
        return None


def _text(value: Any) -> str:  # noqa: ANN401 - of a file
    return value if is_text(value) else ""
