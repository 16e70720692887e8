"""How good are several forecasts of the same region-days, or of the same days of the disk, with intervals?"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.counted import counted
from flarescope.scores.cases import PROBABILITY, Case, Sampling, ScoredCases
from flarescope.scores.verify import plain

SHOWN: Final = ("bss_climatology", "bss_sample", "brier", "roc_area", "log_loss", "ece", "pr_area")
LEAST_EVENTS: Final = 10
"""Of fewer events nothing is said by year."""


def skill(
    labels: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    groups: "pd.Series[int]",
    *,
    climatology: float | None,
    against: str | None = None,
    sampling: Sampling | None = None,
) -> dict[str, Any]:
    """Score forecasts of the same N rows, and the first of them against the others.

    Args:
        labels: `(N,)` bool.
        forecasts: name -> `(N,)` probability.
        groups: `(N,)` what is resampled whole: regions, or blocks of time.
        climatology: the event rate of the rows trained on; None where there is none.
        against: which of them the others are compared with; None makes no differences.
        sampling: how intervals are made.

    Returns:
        JSON-able: `n`, `events`, `rate`, `climatology`, `interval_method`, `scores` (name -> score -> `value`, `low`,
        `high`) and `gained` (name -> score -> that of `against` minus that of the other).
    """
    counts = {"n": len(labels), "events": int(labels.sum()), "rate": float(labels.mean()), "climatology": climatology}
    if not 0 < labels.sum() < len(labels):
        return counts | {"interval_method": None, "scores": {}, "gained": {}}
    cases = {name: Case(np.asarray(probability)) for name, probability in forecasts.items()}
    scored = ScoredCases(
        np.asarray(labels, bool), cases, regions=groups, climatology=climatology, sampling=sampling or Sampling()
    )
    scores = {name: _shown(scored.scores(name, PROBABILITY)) for name in cases}
    gained = {
        name: _shown(scored.differences((against, PROBABILITY), (name, PROBABILITY)))
        for name in cases
        if against and name != against
    }
    found: dict[str, Any] = plain(
        counts | {"interval_method": scored.settings()["interval_method"], "scores": scores, "gained": gained}
    )
    return found


def _shown(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    kept = ("value", "low", "high")
    return {name: {key: rows[name][key] for key in kept if key in rows[name]} for name in SHOWN}


def by_year(
    labels: np.ndarray, probability: np.ndarray, issued: "pd.Series[pd.Timestamp]", groups: "pd.Series[int]"
) -> dict[str, Any]:
    """Score one forecast year by year, each against the event rate of that very year (`bss_sample`).

    Years with fewer than `LEAST_EVENTS` events, or rows without one, have `events` alone.
    """
    found: dict[str, Any] = {}
    for year in sorted(issued.dt.year.unique()):
        rows = (issued.dt.year == year).to_numpy()
        happened = labels[rows]
        if min(happened.sum(), (~happened).sum()) < LEAST_EVENTS or groups[rows].nunique() < 2:
            found[str(year)] = {"n": int(rows.sum()), "events": int(happened.sum()), "scores": {}}
            continue
        one = skill(happened, {"model": probability[rows]}, groups[rows].reset_index(drop=True), climatology=None)
        found[str(year)] = {"n": one["n"], "events": one["events"], "scores": one["scores"]["model"]}
    return found


def reliability_rows(labels: np.ndarray, probability: np.ndarray) -> list[dict[str, float]]:
    """Give, for each tenth of probability with forecasts, their mean, the share of events, and how many there are."""
    tenth = np.minimum((np.asarray(probability) * 10).astype(int), 9)
    rows = []
    for number in range(10):
        inside = tenth == number
        if inside.any():
            forecast, observed = float(probability[inside].mean()), float(labels[inside].mean())
            rows.append({"forecast": forecast, "observed": observed, "n": int(inside.sum())})
    return rows


def sentence(found: Mapping[str, Any]) -> str:
    """Say of how many rows and events scores are."""
    return f"{counted(found['n'], 'row')}, {found['events']:,} with the event"
