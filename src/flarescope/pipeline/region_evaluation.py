"""How good are a region model's forecasts beside climatology, MCSTAT, persistence and its own parts?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.blocks import rotation_blocks
from flarescope.events import class_of_flux
from flarescope.pipeline.region_skill import by_year, reliability_rows, skill
from flarescope.regions.grid import DAY, THRESHOLDS_W_M2, WINDOWS_H
from flarescope.regions.outcomes import disk_counts, region_counts
from flarescope.regions.training import TrainingRows, cross_validated, fit_regional
from flarescope.scores.cases import Sampling

SCORED: Final = (1e-6, 1e-5, 1e-4)
LONGER: Final = tuple(WINDOWS_H.index(window) for window in ((0, 48), (0, 72), (24, 24)))
"""Windows of which the model's own skill is told, without the others'."""
BASELINES: Final = ("climatology", "mcintosh", "mcevol")
PARTS: Final = ("class", "history", "summary")
"""What a model knows less than `regions`: the class alone, the flares alone, the summaries with their changes."""
CYCLES: Final = {"23": ("1996-01-01", "2008-12-01"), "24": ("2008-12-01", "2019-12-01")}
"""Solar cycles by their minima, in months (SILSO, Royal Observatory of Belgium: 2008 December, 2019 December)."""


@dataclass(frozen=True)
class Verified:
    """Forecasts of N region-days and D moments of the disk by several models, and what came.

    Attributes:
        rows: the region-days, with what came of them.
        regional: name -> `(N, T, W)`; the first is the model that is verified.
        disk: name -> `(D, T, W)`.
        rate: `(T, W)` share of events among the region-days trained on.
        disk_rate: `(T, W)` share of the moments trained on.
    """

    rows: TrainingRows
    regional: Mapping[str, np.ndarray]
    disk: Mapping[str, np.ndarray]
    rate: np.ndarray
    disk_rate: np.ndarray


def verify_regions(found: Verified, *, sampling: Sampling) -> dict[str, Any]:
    """Score them: per region and for the whole disk, by class, window, year and solar cycle.

    Returns:
        JSON-able: `region` and `disk`, each event (`C1.0/24`) -> what `region_skill.skill` gives, and for windows of 24
        hours `years`, `cycles` and `reliability`.
    """
    return {
        "region": _scored(
            found.rows.happened,
            found.regional,
            found.rows.regions["issued"],
            found.rows.regions["noaa_ar"],
            found.rate,
            sampling,
        ),
        "disk": _scored(
            found.rows.anywhere > 0,
            found.disk,
            found.rows.issued,
            rotation_blocks(found.rows.issued),
            found.disk_rate,
            sampling,
        ),
    }


def _scored(
    happened: np.ndarray,
    grids: Mapping[str, np.ndarray],
    issued: "pd.Series[pd.Timestamp]",
    groups: "pd.Series[int]",
    rate: np.ndarray,
    sampling: Sampling,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    own = next(iter(grids))
    for flux in SCORED:
        t = THRESHOLDS_W_M2.index(flux)
        for w in (DAY, *LONGER):
            others = grids if w == DAY else {own: grids[own]}
            found[event_code(t, w)] = skill(
                happened[:, t, w],
                {name: grid[:, t, w] for name, grid in others.items()},
                groups,
                climatology=float(rate[t, w]),
                against=own,
                sampling=sampling,
            )
        labels, probability = happened[:, t, DAY], grids[own][:, t, DAY]
        found[event_code(t, DAY)] |= {
            "years": by_year(labels, probability, issued, groups),
            "cycles": _by_cycle(labels, probability, issued, groups, float(rate[t, DAY]), sampling),
            "reliability": reliability_rows(labels, probability),
        }
    return found


def _by_cycle(
    labels: np.ndarray,
    probability: np.ndarray,
    issued: "pd.Series[pd.Timestamp]",
    groups: "pd.Series[int]",
    rate: float,
    sampling: Sampling,
) -> dict[str, Any]:
    found = {}
    for name, (first, last) in CYCLES.items():
        rows = issued.between(pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC"), inclusive="left").to_numpy()
        if rows.any():
            of_cycle = groups[rows].reset_index(drop=True)
            one = skill(labels[rows], {"model": probability[rows]}, of_cycle, climatology=rate, sampling=sampling)
            found[name] = {"n": one["n"], "events": one["events"], "scores": one["scores"].get("model", {})}
    return found


def event_code(threshold: int, window: int) -> str:
    """Name an event of the grid, `M1.0/24`, with a latency `M1.0/24+24`."""
    latency, length = WINDOWS_H[window]
    return f"{class_of_flux(THRESHOLDS_W_M2[threshold])}/{length}" + (f"+{latency}" if latency else "")


BEFORE: Final = tuple((-length, length) for _, length in WINDOWS_H)
"""The windows that end at the issue time and are as long as those of the grid."""


def persistence(rows: TrainingRows, flares: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Forecast that what was in the window before goes on: 0 or 1, `(N, T, W)` and `(D, T, W)`."""
    own = region_counts(rows.regions, flares, windows_hours=BEFORE) > 0
    return own.astype(float), (disk_counts(rows.issued, flares, windows_hours=BEFORE) > 0).astype(float)


def other_forecasts(train: TrainingRows, test: TrainingRows | None, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Forecast with the baselines and the parts, name -> `(N, T, W)`.

    Args:
        train: rows to fit on.
        test: rows to forecast; None forecasts those of `train` by cross-validation.
        seed: of the trees.
    """
    found = {}
    for name in (*BASELINES, *PARTS):
        if test is None:
            found[name] = cross_validated(name, train, seed=seed)
        else:
            found[name] = fit_regional(name, train.described, train.counts, seed=seed).forecast(test.described)
    return found
