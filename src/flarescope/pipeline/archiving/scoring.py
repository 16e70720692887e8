"""How good were issued forecasts to date, beside climatology, persistence, and whoever forecast the same?"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.archive.records import base_name
from flarescope.blocks import WHOLE_DAYS_OF_A_ROTATION, rotation_blocks
from flarescope.catalog.swpc_probabilities import ASSUMED
from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.forecasting.beside import CLIMATOLOGY
from flarescope.pipeline.forecasting.by_event import by_event
from flarescope.pipeline.region_skill import LEAST_EVENTS, skill
from flarescope.scores.cases import Sampling
from flarescope.scores.curves import reliability
from flarescope.scores.verify import plain

PERSISTENCE: Final = "persistence"
SWPC: Final = "swpc"
SCOPES: Final = ("region", "disk")
NEAR_MIDNIGHT: Final = pd.Timedelta(hours=1)
"""A forecast for a UTC day is compared with those whose window begins so near to its midnight."""
HOURS: Final = 24.0
"""Of the windows that SWPC forecasts."""


def main_model(rows: pd.DataFrame, wanted: str | None = None) -> str:
    """Give the model whose skill is told: the one asked for, else that of the newest forecast's first row.

    Raises:
        InputError: no row of the one asked for.
    """
    names = rows["model"].map(base_name)
    if wanted is None:
        own = names[names != CLIMATOLOGY]
        return str(own[rows.loc[own.index, "issued"].idxmax()])
    if not names.eq(wanted).any():
        raise InputError(f"no forecast of the model {wanted!r}; there are {', '.join(sorted(set(names)))[:150]}")
    return wanted


def score_forecasts(
    rows: pd.DataFrame, *, model: str, swpc: pd.DataFrame | None = None, sampling: Sampling | None = None
) -> dict[str, Any]:
    """Score a model's forecasts, event by event.

    Intervals come from whole regions, and of the disk from blocks of `WHOLE_DAYS_OF_A_ROTATION` days. Events with fewer
    than `LEAST_EVENTS` hits or misses of the kind are counted, not scored.

    Args:
        rows: as `outcomes.with_outcomes` gives them.
        model: whose, without what stands in brackets behind it.
        swpc: `catalog.swpc_probabilities.read_probabilities`.
        sampling: how intervals are made.

    Returns:
        JSON-able: `model`, `region` and `disk`, each event (`M1.0/24`) -> `n`, `events`, `unknown` (windows that the
        flare list does not cover), `region_skill.skill`'s values, `reliability`, and `beside`: the same of those who
        forecast some of the rows only. `notes`.
    """
    sampling, table = sampling or Sampling(), rows.assign(model=rows["model"].map(base_name))
    found: dict[str, Any] = {"model": model, "block_days": WHOLE_DAYS_OF_A_ROTATION, "notes": _notes(swpc)}
    found |= {scope: {} for scope in SCOPES}
    for event, piece in by_event(table.drop(columns="flux_scale", errors="ignore")):
        if (piece["model"] == model).any():
            theirs = _swpc_of(swpc, event) if event.scope == "disk" else None
            found[event.scope][event.code] = _event(piece, model, theirs, sampling)
    return found


def _notes(swpc: pd.DataFrame | None) -> list[str]:
    said = [
        f"Intervals (95 %) are by whole regions, of the disk by blocks of {WHOLE_DAYS_OF_A_ROTATION} days: resampled, "
        "or where few have events each left out once (jackknife, Student's t).",
        "Persistence forecasts 1 where the window before had the event, else 0.",
        f"Of fewer than {LEAST_EVENTS} events, or of fewer windows without one, nothing is scored.",
    ]
    return said if swpc is None else [*said, f"{ASSUMED}."]


def _event(piece: pd.DataFrame, model: str, swpc: "pd.Series[float] | None", sampling: Sampling) -> dict[str, Any]:
    """Score one event of one scope."""
    own = piece[piece["model"] == model].sort_values(["issued", "noaa_ar"], kind="stable")
    known = own[own["label"].notna()].reset_index(drop=True)
    counts = {"n": len(known), "events": int(known["label"].sum()), "unknown": len(own) - len(known)}
    if min(counts["events"], counts["n"] - counts["events"]) < LEAST_EVENTS:
        return counts | {"few": True, "scores": {}, "gained": {}, "beside": {}, "reliability": {}}
    others = _others(piece, known, model, swpc)
    rate = others.pop(CLIMATOLOGY, None)
    whole = {name: one for name, one in others.items() if np.isfinite(one).all()}
    named = {model: known["probability"].to_numpy(float)}
    every = ({} if rate is None else {CLIMATOLOGY: rate}) | whole
    scored = _skill(known, named | every, model, rate, sampling)
    beside = {}
    for name, one in others.items():
        rows = np.isfinite(one)
        if name in whole or not rows.any():
            continue
        part = {model: named[model][rows], name: one[rows]}
        beside[name] = _skill(
            known[rows].reset_index(drop=True), part, model, None if rate is None else rate[rows], sampling
        )
    labels = known["label"].to_numpy(bool)
    return (
        scored
        | counts
        | {
            "few": False,
            "beside": beside,
            "reliability": plain(reliability(labels, named[model])),
        }
    )


def _others(
    piece: pd.DataFrame, known: pd.DataFrame, model: str, swpc: "pd.Series[float] | None"
) -> dict[str, np.ndarray]:
    """Give everybody else's probabilities of the rows, `(N,)`; NaN where they forecast nothing."""
    places = pd.MultiIndex.from_arrays([known["issued"], known["noaa_ar"].fillna(0)])
    found: dict[str, np.ndarray] = {}
    for name, one in piece[piece["model"] != model].groupby("model", sort=False):
        index = pd.MultiIndex.from_arrays([one["issued"], one["noaa_ar"].fillna(0)])
        values = pd.Series(one["probability"].to_numpy(float), index=index)
        found[str(name)] = values[~values.index.duplicated()].reindex(places).to_numpy(float)
    found[PERSISTENCE] = known["before"].astype("Float64").to_numpy(float, na_value=np.nan)
    if swpc is not None:
        found[SWPC] = _at_midnight(known["issued"], swpc)
    return found


def _at_midnight(issued: "pd.Series[pd.Timestamp]", swpc: "pd.Series[float]") -> np.ndarray:
    midnight = issued.dt.round("D")
    values = swpc.reindex(pd.Index(midnight)).to_numpy(float)
    return np.where((issued - midnight).abs().to_numpy() <= NEAR_MIDNIGHT, values, np.nan)


def _swpc_of(swpc: pd.DataFrame | None, event: EventDefinition) -> "pd.Series[float] | None":
    """Give SWPC's probabilities of an event by the date whose midnight its issue is near; None where they have none."""
    if swpc is None or event.window_hours != HOURS:
        return None
    rows = swpc[swpc["event"].eq(event.threshold) & swpc["latency_h"].eq(event.latency_hours)]
    return rows.set_index("date")["probability"] if len(rows) else None


def _skill(
    known: pd.DataFrame,
    forecasts: Mapping[str, np.ndarray],
    model: str,
    rate: np.ndarray | None,
    sampling: Sampling,
) -> dict[str, Any]:
    groups = known["noaa_ar"] if known["noaa_ar"].notna().any() else rotation_blocks(known["issued"])
    groups = groups.astype("Int64")
    if groups.nunique() < 2:
        sampling = Sampling(0, sampling.seed, sampling.level)
    climatology = float(np.mean(rate)) if rate is not None and np.isfinite(rate).all() else None
    return skill(
        known["label"].to_numpy(bool),
        forecasts,
        groups,
        climatology=climatology,
        against=model,
        sampling=sampling,
    ) | {"groups": int(groups.nunique())}


def hindcasts(rows: pd.DataFrame) -> str | None:
    """Say how many forecasts of an archive were kept only when what they forecast was over; None where none were."""
    ends = rows["issued"] + pd.to_timedelta(rows["window_h"] + rows["latency_h"], unit="h")
    late = int((rows["stored"] >= ends).sum())
    if not late:
        return None
    return f"{of_them(late, len(rows), 'row', 'was', 'were')} kept after the end of their window: made afterwards"
