"""What interval has any number that is computed from rows, when whole clusters of rows are drawn or left out?

`cases.ScoredCases` answers it for the scores of forecasts, many of them on the same replicates. Here a number, or a
curve of numbers, is any function of the weights of the clusters, and each is asked for alone: a slice, a curve, an
analysis.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from flarescope.scores.bootstrap import CategoricalScorer, Interval, Scorer, percentile_interval, region_weights
from flarescope.scores.cases import BOUNDS, Sampling
from flarescope.scores.categorical import four_scores
from flarescope.scores.jackknife import (
    JACKKNIFE,
    PERCENTILE,
    Bounds,
    degrees_of_freedom,
    effective_number,
    interval_method,
    jackknife_interval,
    one_out_weights,
)
from flarescope.scores.rates import rate
from flarescope.scores.studentized import yes_no_intervals

Curve = Callable[[np.ndarray], np.ndarray]
"""Weights of the clusters `(B, R)` -> `(B, T)`."""

FromCounts = Callable[..., dict[str, np.ndarray]]
"""tp, fn, fp, tn `(...)` -> score name -> `(...)`."""

UNBOUNDED: Final[Bounds] = (-np.inf, np.inf)


@dataclass(frozen=True)
class ByCluster:
    """Rows of clusters that are drawn whole.

    Attributes:
        codes: `(N,)` cluster of each row, 0 .. R - 1.
        count: R.
        method: `jackknife.PERCENTILE`, `jackknife.JACKKNIFE`, or None where no interval can be made or is asked for.
        freedom: degrees of freedom of Student's t, of the jackknife.
        sampling: how they are made.
    """

    codes: np.ndarray
    count: int
    method: str | None
    freedom: float
    sampling: Sampling

    @classmethod
    def of(cls, labels: np.ndarray, clusters: "pd.Series[int]", sampling: Sampling) -> "ByCluster":
        """Say how intervals of numbers of these rows are made.

        Args:
            labels: `(N,)` bool: clusters with events, and those with rows without one, must be enough.
            clusters: `(N,)` as `clusters.Clusters.of_rows`; rows without one make that there is no interval.
            sampling: how intervals are made; 0 replicates make none.
        """
        codes, names = pd.factorize(clusters, sort=True)
        nothing = not sampling.replicates or not len(codes) or bool((codes < 0).any())
        if nothing:
            return cls(np.zeros(len(labels), np.intp), 1, None, 1.0, sampling)
        sizes = [np.bincount(codes[which], minlength=len(names)) for which in (labels, ~labels)]
        if not all(one.any() for one in sizes):
            return cls(codes, len(names), None, 1.0, sampling)
        effective = min(map(effective_number, sizes))
        method = interval_method(min(int(np.count_nonzero(one)) for one in sizes), effective)
        return cls(codes, len(names), method, degrees_of_freedom(effective), sampling)

    def part(self, labels: np.ndarray, inside: np.ndarray) -> "ByCluster":
        """Give the same of some of the rows.

        Args:
            labels: `(N,)` bool, of all rows.
            inside: `(N,)` bool, or positions of rows.
        """
        sampling = self.sampling if self.method else replace(self.sampling, replicates=0)
        return ByCluster.of(labels[inside], pd.Series(self.codes[inside]), sampling)

    def weights(self) -> Iterator[np.ndarray]:
        """Yield the weights `(b, R)` of replicates, or of the rows without each cluster."""
        if self.method == PERCENTILE:
            return region_weights(self.count, self.sampling.replicates, self.sampling.seed)
        return one_out_weights(self.count)

    def rows(self, scorer: Scorer, bounds: Mapping[str, Bounds] | None = None) -> dict[str, dict[str, float]]:
        """Give numbers with their intervals: name -> `value`, and with intervals `low`, `high`, `undefined`."""
        values = {name: float(one[0]) for name, one in scorer(np.ones((1, self.count))).items()}
        found: dict[str, dict[str, float]] = {name: {"value": value} for name, value in values.items()}
        if self.method is None:
            return found
        pieces = [scorer(piece) for piece in self.weights()]
        for name, value in values.items():
            drawn = np.concatenate([piece[name] for piece in pieces])
            one = self._interval(value, drawn, (bounds or {}).get(name, UNBOUNDED))
            found[name] |= row_of(value, one)
        return found

    def _interval(self, value: float, drawn: np.ndarray, bounds: Bounds) -> Interval:
        if self.method == PERCENTILE:
            return percentile_interval(drawn, self.sampling.level)
        return jackknife_interval(value, drawn, freedom=self.freedom, bounds=bounds, level=self.sampling.level)

    def band(self, curve: Curve, bounds: Bounds = UNBOUNDED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give a curve with the interval of each of its points: value, low, high, `(T,)` each; NaN without interval."""
        value = curve(np.ones((1, self.count)))[0]
        if self.method is None:
            return value, np.full(len(value), np.nan), np.full(len(value), np.nan)
        drawn = np.concatenate([curve(piece) for piece in self.weights()])
        if self.method == JACKKNIFE:
            error = np.sqrt((self.count - 1) * np.var(drawn, axis=0))
            half = float(stdtrit(self.freedom, (1 + self.sampling.level) / 2)) * error
            return value, np.maximum(value - half, bounds[0]), np.minimum(value + half, bounds[1])
        known = np.isfinite(value) & np.isfinite(drawn).any(axis=0)
        low, high = np.full(len(value), np.nan), np.full(len(value), np.nan)
        tails = [(1 - self.sampling.level) / 2, (1 + self.sampling.level) / 2]
        whole = known & np.isfinite(drawn).all(axis=0)
        low[whole], high[whole] = np.quantile(drawn[:, whole], tails, axis=0)
        for i in np.flatnonzero(known & ~whole):
            low[i], high[i] = np.quantile(drawn[np.isfinite(drawn[:, i]), i], tails)
        return value, low, high

    def decision(
        self, labels: np.ndarray, yes: np.ndarray, scores: FromCounts = four_scores
    ) -> dict[str, dict[str, float]]:
        """Give yes/no scores with their intervals, made as `cases.ScoredCases` makes them.

        Args:
            labels: `(N,)` bool.
            yes: `(N,)` bool, whether an event was forecast.
            scores: which: TPR, TNR, TSS and HSS, or others of tp, fn, fp, tn.
        """
        counts = CategoricalScorer.of_rows(labels, yes, self.codes).counts
        found = self.rows(lambda weights: scores(*(weights @ counts).T), BOUNDS)
        if self.method == JACKKNIFE:
            for name, one in yes_no_intervals([counts], **asdict(self.sampling))[0].items():
                if name in found:
                    found[name] |= row_of(found[name]["value"], one)
        return found

    def shares(self, parts: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, dict[str, float]]:
        """Give shares with their intervals, made as those of TPR and the other rates are (`rates`).

        Args:
            parts: name -> how many are counted in each cluster `(R,)`, and of how many.
        """

        def scorer(weights: np.ndarray) -> dict[str, np.ndarray]:
            with np.errstate(divide="ignore", invalid="ignore"):
                return {name: (weights @ counted) / (weights @ of) for name, (counted, of) in parts.items()}

        found = self.rows(scorer)
        if self.method == JACKKNIFE:
            for name, (counted, of) in parts.items():
                found[name] |= row_of(found[name]["value"], rate(counted, of, self.sampling.level).interval)
        return found

    def settings(self) -> dict[str, Any]:
        """Say how the intervals were made."""
        return {"interval_method": self.method, "clusters": self.count if self.method else None}


def row_of(value: float, one: Interval) -> dict[str, float]:
    """Give an interval as it stands beside its value; a number that has no value has no interval."""
    low, high = (one.low, one.high) if np.isfinite(value) else (np.nan, np.nan)
    return {"low": low, "high": high, "undefined": one.undefined}
