"""How uncertain is HSS where few regions have events?

HSS is no rate, and lies askew where a few regions have most of the events: value -/+ t x standard error is too narrow
then. The bootstrap-t (Davison & Hinkley 1997, Bootstrap Methods and their Application, ch. 5.2) draws whole regions to
see how many of its own standard errors a score lies from the true value, in place of Student's t. The standard error of
a replicate is that of the infinitesimal jackknife: HSS' derivatives by the four counts, times those of each region.
`benchmarks/interval_coverage.py` measures how often such an interval holds the truth.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from flarescope.scores.bootstrap import LEVEL, REPLICATES, Interval, region_weights
from flarescope.scores.categorical import heidke
from flarescope.scores.jackknife import MINIMUM_REGIONS, effective_number
from flarescope.scores.rates import rate_intervals

_FEWEST: Final = 20
"""Replicates with a standard error that an interval needs at least; with fewer the jackknife's stays."""

_NOTHING: Final = 1e-12


def yes_no_intervals(
    counts: Sequence[np.ndarray], *, replicates: int = REPLICATES, seed: int = 0, level: float = LEVEL
) -> list[dict[str, Interval]]:
    """Give the intervals of yes/no scores that are better than the jackknife's, where few regions have events.

    Args:
        counts: of each of several decisions on the same regions `(R, 4)` tp, fn, fp, tn of each region.
        replicates: of the bootstrap-t, one draw for all decisions.
        seed: of the draw.
        level: of confidence.

    Returns:
        For each decision score -> interval: those of `rates.rate_intervals` and `hss`. None of these where all images
        have the same forecast, and no `hss` where it hangs on one region, or where regions with events, or without,
        are worth fewer than `MINIMUM_REGIONS`.
    """
    firsts, place_of = _distinct(counts)
    found = _distinct_intervals([counts[place] for place in firsts], replicates, seed, level)
    return [dict(found[place]) for place in place_of]


def _distinct(counts: Sequence[np.ndarray]) -> tuple[list[int], list[int]]:
    """Give where each decision stands first, and which of those each is: two thresholds often decide alike."""
    firsts: dict[bytes, int] = {}
    for place, one in enumerate(counts):
        firsts.setdefault(one.tobytes(), place)
    order = {key: number for number, key in enumerate(firsts)}
    return list(firsts.values()), [order[one.tobytes()] for one in counts]


def _distinct_intervals(
    counts: Sequence[np.ndarray], replicates: int, seed: int, level: float
) -> list[dict[str, Interval]]:
    found = [rate_intervals(one, level) for one in counts]
    if min(effective_number(counts[0][:, side].sum(axis=1)) for side in (slice(0, 2), slice(2, 4))) < MINIMUM_REGIONS:
        return found  # of so few the jackknife's interval, wide as it is, holds HSS more often
    for one, heidke_interval in zip(found, heidke_intervals(counts, replicates, seed, level), strict=True):
        if one and heidke_interval is not None:
            one["hss"] = heidke_interval
    return found


def heidke_intervals(counts: Sequence[np.ndarray], replicates: int, seed: int, level: float) -> list[Interval | None]:
    """Give the bootstrap-t interval of HSS of several decisions; None where it cannot be made."""
    regions = len(counts[0])
    products = [(one[:, :, None] * one[:, None, :]).reshape(regions, 16) for one in counts]
    values = [
        _score_and_error(one.sum(axis=0)[None], product.sum(axis=0)[None], regions)
        for one, product in zip(counts, products, strict=True)
    ]
    drawn: list[list[np.ndarray]] = [[] for _ in counts]
    for weights in region_weights(regions, replicates, seed):
        for place, (one, product) in enumerate(zip(counts, products, strict=True)):
            score, error = _score_and_error(weights @ one, weights @ product, regions)
            with np.errstate(divide="ignore", invalid="ignore"):
                drawn[place].append((score - values[place][0]) / error)
    found = zip(counts, values, drawn, strict=True)
    return [
        None if _hangs_on_one(one) else _interval(float(score[0]), float(error[0]), np.concatenate(pieces), level)
        for one, (score, error), pieces in found
    ]


def _hangs_on_one(counts: np.ndarray) -> bool:
    with np.errstate(divide="ignore", invalid="ignore"):
        return not bool(np.isfinite(heidke(*(counts.sum(axis=0) - counts).T)).all())


def _score_and_error(totals: np.ndarray, products: np.ndarray, regions: int) -> tuple[np.ndarray, np.ndarray]:
    """Give HSS and its standard error, `(B,)` each; no error, NaN, where no region changes HSS.

    Args:
        totals: `(B, 4)` summed tp, fn, fp, tn.
        products: `(B, 16)` summed products of each two of a region's counts.
        regions: that were drawn.
    """
    slope = _derivatives(totals)
    squares = np.einsum("bi,bij,bj->b", slope, products.reshape(-1, 4, 4), slope)
    error = np.sqrt(np.maximum(squares, 0) * regions / (regions - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return heidke(*totals.T), np.where(error < _NOTHING, np.nan, error)


def _derivatives(totals: np.ndarray) -> np.ndarray:
    """Give the derivatives of HSS by tp, fn, fp and tn, `(B, 4)`; NaN where HSS is 0/0."""
    tp, fn, fp, tn = totals.T
    above = 2 * (tp * tn - fn * fp)
    below = (tp + fn) * (fn + tn) + (tp + fp) * (fp + tn)
    of_above = np.stack([2 * tn, -2 * fp, -2 * fn, 2 * tp], axis=1)
    of_below = np.stack([fn + 2 * tn + fp, tp + 2 * fn + tn, tp + 2 * fp + tn, fn + 2 * tp + fp], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((of_above * below[:, None] - above[:, None] * of_below) / below[:, None] ** 2)


def _interval(value: float, error: float, drawn: np.ndarray, level: float) -> Interval | None:
    """Give value - error x the quantiles of the replicates' t, within -1..1; it holds the value."""
    if np.isnan(error) and np.isfinite(value):  # no region changes it
        return Interval(value, value)
    known = drawn[np.isfinite(drawn)]
    if len(known) < _FEWEST or not np.isfinite(value):
        return None
    below, above = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    low, high = value - max(float(above), 0) * error, value - min(float(below), 0) * error
    return Interval(max(low, -1.0), min(high, 1.0))
