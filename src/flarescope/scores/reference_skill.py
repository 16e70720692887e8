"""Do forecasts beat a reference forecast of the same rows, and how surely?

The Brier skill score against the reference, 1 - Brier / Brier of the reference, answers it for probabilities; the
difference of TSS for yes and no. Both are drawn on the same replicates, so that what both share drops out. What
`cases.ScoredCases` also gives (Brier skill against climatology, TSS gained over a baseline) has the same interval here.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.blocks import Unit
from flarescope.scores.bootstrap import Interval, percentile_interval, region_codes, resample
from flarescope.scores.cases import Sampling
from flarescope.scores.jackknife import (
    JACKKNIFE,
    PERCENTILE,
    degrees_of_freedom,
    effective_number,
    interval_method,
    jackknife_interval,
    less_a_number,
    without_each,
)
from flarescope.scores.probability import region_sums
from flarescope.scores.rates import rate_intervals

BOUNDS: Final = {"brier_skill": (-math.inf, 1.0), "tss_gained": (-2.0, 2.0)}
BEATS: Final = "beats"
WORSE: Final = "worse"
ALIKE: Final = "not told apart"


@dataclass(frozen=True)
class Reference:
    """A reference forecast of N rows.

    Attributes:
        name: what it is called, such as `persistence`.
        probability: `(N,)` in 0..1; NaN where it forecasts nothing.
        threshold: its yes is from here on, unless there is `yes`.
        said: what it is, in a sentence.
        warning: why its scores are no test of it; empty where they are.
        yes: `(N,)` bool, where its yes is another for each row: a rate that is counted without a row's own group is
            lower for each row of a group with events, and by one threshold it would be wrong of them for that alone.
        counted_here: whether it is always the share of events among these very rows, which other rows would change: it
            is counted anew in each replicate, and the skill against it is `bss_sample`.
    """

    name: str
    probability: np.ndarray
    threshold: float
    said: str
    warning: str = ""
    yes: np.ndarray | None = None
    counted_here: bool = False


@dataclass(frozen=True)
class _Scorer:
    """Brier skill and the difference of TSS as functions of the weights of what is drawn whole.

    Attributes:
        squares: `(R, 2)` summed squared errors of forecast and reference.
        counts: `(R, 6)` events, others, then hits and false alarms of the forecast, and those of the reference.
        counted_here: as of `Reference`.
    """

    squares: np.ndarray
    counts: np.ndarray
    counted_here: bool

    @property
    def own_counts(self) -> np.ndarray:
        """Give tp, fn, fp, tn of the forecast in each cluster, `(R, 4)`."""
        events, others, hits, alarms = self.counts[:, :4].T
        return np.stack([hits, events - hits, alarms, others - alarms], axis=1)

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Score replicates: weights `(B, R)` -> name -> `(B,)`."""
        own, other = (weights @ self.squares).T
        events, others, hits, alarms, their_hits, their_alarms = (weights @ self.counts).T
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.counted_here:
                other = events * others / (events + others)
            skill = np.where(other > 0, 1 - own / other, np.nan)
            tss, theirs = hits / events - alarms / others, their_hits / events - their_alarms / others
        return {"brier_skill": skill, "tss_gained": tss - theirs, "tss": tss, "tss_reference": theirs}


def skill_against(
    labels: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    reference: Reference,
    *,
    groups: "pd.Series[int]",
    unit: Unit,
    sampling: Sampling,
) -> dict[str, Any]:
    """Set forecasts against a reference, on the rows that it forecasts.

    Args:
        labels: `(N,)` bool.
        probability: `(N,)` of the forecasts.
        threshold: of their yes.
        reference: of the same rows.
        groups: `(N,)` what is drawn or left out whole (`clusters.clusters_of`).
        unit: what that is.
        sampling: how intervals are made; 0 replicates make none.

    Returns:
        JSON-able but for NaN: `said`, `warning`, `threshold` (the reference's; None where it has none), `n`, `events`,
        `tss`, `tss_reference`, and `brier_skill` and `tss_gained`, each `value`, with intervals `low`, `high`, and
        `verdict`: `BEATS`, `WORSE`, `ALIKE`, or None without an interval. None of these scores where the rows are of
        one class.
    """
    known = np.isfinite(reference.probability)
    event, p, q = labels[known], probability[known], reference.probability[known]
    head: dict[str, Any] = {"said": reference.said, "warning": reference.warning}
    head["threshold"] = reference.threshold if reference.yes is None else None
    head |= {"n": int(known.sum()), "events": int(event.sum())}
    if not 0 < event.sum() < len(event):
        return head | {"tss": None, "tss_reference": None, "brier_skill": None, "tss_gained": None}
    codes, count = np.zeros(len(event), np.intp), 1
    own_groups = groups[known].reset_index(drop=True)
    if sampling.replicates and own_groups.nunique() > 1 and own_groups.notna().all():
        codes, count = region_codes(own_groups, unit)
    yes, theirs = p >= threshold, q >= reference.threshold if reference.yes is None else reference.yes[known]
    cells = np.stack([event, ~event, event & yes, ~event & yes, event & theirs, ~event & theirs], axis=1)
    squares = np.stack([(p - event) ** 2, (q - event) ** 2], axis=1)
    scorer = _Scorer(region_sums(squares, codes, count), region_sums(cells, codes, count), reference.counted_here)
    values = {name: float(value[0]) for name, value in scorer(np.ones((1, count))).items()}
    intervals = _intervals(scorer, values, event, codes, count, sampling)
    return head | {
        "tss": values["tss"],
        "tss_reference": values["tss_reference"],
        **{name: _row(values[name], intervals.get(name)) for name in BOUNDS},
    }


def _intervals(
    scorer: _Scorer, values: dict[str, float], event: np.ndarray, codes: np.ndarray, count: int, sampling: Sampling
) -> dict[str, Interval]:
    """Make intervals as `cases.ScoredCases` does: by resampling, or by the jackknife where few clusters decide."""
    if count < 2:
        return {}
    rows = [np.bincount(codes[which], minlength=count) for which in (event, ~event)]
    effective = min(map(effective_number, rows))
    method = interval_method(min(int(np.count_nonzero(one)) for one in rows), effective)
    if method == PERCENTILE:
        drawn = resample({"own": scorer}, count, replicates=sampling.replicates, seed=sampling.seed)["own"]
        return {name: percentile_interval(drawn[name], sampling.level) for name in BOUNDS}
    if method != JACKKNIFE:
        return {}
    without, freedom = without_each({"own": scorer}, count)["own"], degrees_of_freedom(effective)
    found = {
        name: jackknife_interval(values[name], without[name], freedom=freedom, bounds=bounds, level=sampling.level)
        for name, bounds in BOUNDS.items()
    }
    own = rate_intervals(scorer.own_counts, sampling.level).get("tss")
    if own is not None and np.ptp(without["tss_reference"]) == 0:
        found["tss_gained"] = less_a_number(own, values["tss_reference"])
    return found


def _row(value: float, interval: Interval | None) -> dict[str, Any]:
    row: dict[str, Any] = {"value": value}
    if interval is None or not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return row | {"verdict": None}
    verdict = BEATS if interval.low > 0 else WORSE if interval.high < 0 else ALIKE
    return row | {"low": interval.low, "high": interval.high, "verdict": verdict}


def rate_by_state(labels: np.ndarray, state: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Forecast the share of events after the same state, counted without the row's own group.

    Args:
        labels: `(N,)` bool.
        state: `(N,)` 1 if there was an event in the window before, 0 if not, NaN where that is not known.
        groups: `(N,)` whole numbers: rows of one are left out together.

    Returns:
        `(N,)`: of the rows of all other groups in the same state the share with an event; NaN where the state is not
        known, or no other group has it.
    """
    found = np.full(len(labels), np.nan)
    codes = np.unique(groups, return_inverse=True)[1]
    for one in (0.0, 1.0):
        rows = state == one
        total = np.bincount(codes[rows], minlength=codes.max() + 1)
        events = np.bincount(codes[rows], weights=labels[rows], minlength=codes.max() + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = (events.sum() - events) / (total.sum() - total)
        found[rows] = rate[codes[rows]]
    return found
