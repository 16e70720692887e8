"""Do the probabilities mean what they say, bin by bin, and how far may a bin be off by chance?

Bins of equal width have hardly a row where few high probabilities are forecast; bins of equal count have all the same
number, and say less of the high ones. Both are given. A reliable forecast, too, is off the diagonal by chance:
consistency bars (Broecker & Smith 2007, Wea. Forecasting 22, 651) hold what it would show of as many independent rows.
Rows of one cluster are alike, so these bars are too short; the interval of the observed share is by whole clusters.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.curves import BINS
from flarescope.scores.jackknife import JACKKNIFE
from flarescope.scores.questions.definitions import QUESTIONS
from flarescope.scores.rates import rate

BARS: Final = 0.9
"""Share of the consistency bars, 5 to 95 %, as in the paper."""

Bounds = Mapping[str, tuple[float, float]]
_TERMS: Final[Bounds] = {
    name: (QUESTIONS[name].lowest, QUESTIONS[name].highest)
    for name in ("reliability", "resolution", "uncertainty", "sharpness")
}


def equal_width_edges() -> np.ndarray:
    """Give the edges of `BINS` bins of equal width, `(BINS + 1,)`."""
    return np.arange(BINS + 1) / BINS


def equal_count_edges(probability: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Give the edges of bins with about as many rows each, `(K + 1,)`; equal probabilities stay together.

    Args:
        probability: `(N,)` in 0..1.
        bins: how many; fewer come where many probabilities are equal.
    """
    inner = np.quantile(probability, np.arange(1, bins) / bins, method="higher")
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def bins_of(probability: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Give the bin of each probability, 0 .. K - 1; an edge belongs to the bin above it, 1 to the last."""
    return np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, len(edges) - 2)


def reliability_bins(
    labels: np.ndarray, probability: np.ndarray, edges: np.ndarray, by: ByCluster
) -> dict[str, np.ndarray]:
    """Compare the probabilities with how often events follow, with bars and intervals.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        edges: `(K + 1,)` rising, from 0 to 1.
        by: what is drawn whole.

    Returns:
        Columns of K rows: `low` and `high` edges, `n`, `events`, `mean_probability`, `event_rate` (NaN in an empty
        bin), `rate_low` and `rate_high` (the interval of the share of events, NaN without one), `bar_low` and
        `bar_high` (the consistency bars around `mean_probability`).
    """
    event, index = np.asarray(labels) == 1, bins_of(probability, edges)
    bins = len(edges) - 1
    n, events = np.bincount(index, minlength=bins), np.bincount(index[event], minlength=bins)
    with np.errstate(invalid="ignore"):
        means, shares = np.bincount(index, probability, minlength=bins) / n, events / n
    low, high = _share_intervals(event, index, bins, by)
    bars = consistency_bars(means, n, seed=by.sampling.seed)
    columns = {"low": edges[:-1], "high": edges[1:], "n": n, "events": events, "mean_probability": means}
    return columns | {"event_rate": shares, "rate_low": low, "rate_high": high, "bar_low": bars[0], "bar_high": bars[1]}


def _share_intervals(event: np.ndarray, index: np.ndarray, bins: int, by: ByCluster) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval of the share of events of each bin, `(K,)` each; by Wilson's where clusters are few."""
    cells = by.codes * bins + index
    of = np.bincount(cells, minlength=by.count * bins).reshape(by.count, bins).astype(float)
    counted = np.bincount(cells[event], minlength=by.count * bins).reshape(by.count, bins).astype(float)
    if by.method == JACKKNIFE:
        found = []
        for k in range(bins):
            here = of[:, k] > 0
            one = rate(counted[here, k], of[here, k], by.sampling.level) if here.sum() > 1 else None
            found.append((np.nan, np.nan) if one is None else (one.interval.low, one.interval.high))
        return np.array([low for low, _ in found]), np.array([high for _, high in found])
    lone = np.count_nonzero(of, axis=0) < 2

    def shares(weights: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((weights @ counted) / (weights @ of))

    _, low, high = by.band(shares, (0.0, 1.0))
    return np.where(lone, np.nan, low), np.where(lone, np.nan, high)


def consistency_bars(
    mean_probability: np.ndarray, n: np.ndarray, *, share: float = BARS, replicates: int = 1000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Give the ends within which a reliable forecast's shares of events would lie, of independent rows.

    The paper draws N forecasts with replacement, lets each event come with its probability, and bins again. Of a bin
    with n of N rows and mean probability p that is: Binomial(N, n / N) rows, and of these Binomial(rows, p) events.

    Args:
        mean_probability: `(K,)`, NaN in an empty bin.
        n: `(K,)` rows.
        share: within the bars.
        replicates: drawn.
        seed: of the draw.

    Returns:
        Low and high ends, `(K,)` each; NaN in an empty bin.
    """
    rng, total = np.random.default_rng(seed), int(n.sum())
    low, high = np.full(len(n), np.nan), np.full(len(n), np.nan)
    for k in np.flatnonzero(n):
        rows = np.maximum(rng.binomial(total, n[k] / total, replicates), 1)
        shares = rng.binomial(rows, min(mean_probability[k], 1.0)) / rows
        low[k], high[k] = np.quantile(shares, [(1 - share) / 2, (1 + share) / 2])
    return low, high


def brier_parts(
    labels: np.ndarray, probability: np.ndarray, edges: np.ndarray, by: ByCluster
) -> dict[str, dict[str, float]]:
    """Take the Brier score apart: reliability - resolution + uncertainty, exactly.

    Murphy 1973, J. Appl. Meteor. 12, 595; what differs within a bin is part of the resolution (Stephenson, Coelho &
    Jolliffe 2008, Wea. Forecasting 23, 752), so that the sum holds for any bins.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` in 0..1.
        edges: of the bins, `(K + 1,)`.
        by: what is drawn whole.

    Returns:
        `reliability`, `resolution`, `uncertainty`, `sharpness` (variance of the probabilities), each a row: `value`,
        `low`, `high`, `undefined`.
    """
    event, bins = (np.asarray(labels) == 1).astype(float), len(edges) - 1
    cells = by.codes * bins + bins_of(probability, edges)
    columns = [np.ones(len(event)), event, probability, probability**2, probability * event]
    sums = [
        np.bincount(cells, one, minlength=by.count * bins).reshape(by.count, bins) for one in map(np.asarray, columns)
    ]

    def parts(weights: np.ndarray) -> dict[str, np.ndarray]:
        return _parts(*(weights @ one for one in sums))

    found: dict[str, Any] = by.rows(parts, _TERMS)
    return found


def _parts(n: np.ndarray, e: np.ndarray, p: np.ndarray, pp: np.ndarray, pe: np.ndarray) -> dict[str, np.ndarray]:
    """Give the terms from sums `(B, K)` of rows, events, probabilities, their squares, and those of events."""
    total = n.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, share = np.nan_to_num(p / n), np.nan_to_num(e / n)
        rate_of_all = e.sum(axis=1) / total
        reliability = (n * (mean - share) ** 2).sum(axis=1) / total
        between = (n * (share - rate_of_all[:, None]) ** 2).sum(axis=1) / total
        variance = (pp - n * mean**2).sum(axis=1) / total
        covariance = 2 * (pe - n * mean * share).sum(axis=1) / total
        spread = pp.sum(axis=1) / total - (p.sum(axis=1) / total) ** 2
    return {
        "reliability": reliability,
        "resolution": between - variance + covariance,
        "uncertainty": rate_of_all * (1 - rate_of_all),
        "sharpness": spread,
    }
