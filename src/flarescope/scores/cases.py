"""What are the scores of several forecasts of the same images, with intervals, and how do they differ?

All cases are scored on the same bootstrap replicates (or, where few regions have events, on the same samples without
one region), so that the difference of two is taken replicate by replicate: much of what makes each uncertain (which
regions happened to be there) is common to both and drops out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.blocks import GROUP, REGION, Unit
from flarescope.errors import InputError
from flarescope.scores.bootstrap import (
    LEVEL,
    REPLICATES,
    CategoricalScorer,
    Interval,
    Scorer,
    image_level_intervals,
    percentile_interval,
    region_codes,
    resample,
)
from flarescope.scores.definitions import DEFINITIONS
from flarescope.scores.jackknife import (
    JACKKNIFE,
    PERCENTILE,
    Bounds,
    degrees_of_freedom,
    effective_number,
    interval_method,
    jackknife_interval,
    less_a_number,
    without_each,
)
from flarescope.scores.probability import ProbabilityScorer
from flarescope.scores.studentized import yes_no_intervals

PROBABILITY = "probability"
"""The part of a case that is scored as a probability; the other parts are its decisions."""

BOUNDS: Final = {name: (score.lowest, score.highest) for name, score in DEFINITIONS.items()}

Rows = dict[str, dict[str, float]]
"""Score name -> its row of numbers."""


@dataclass(frozen=True)
class Sampling:
    """How the intervals are made.

    Attributes:
        replicates: of the bootstrap, where enough regions have events for one; 0 makes no intervals of any kind.
        seed: of the draw.
        level: share of the replicates within the interval, or the confidence of the jackknife's.
    """

    replicates: int = REPLICATES
    seed: int = 0
    level: float = LEVEL

    def __post_init__(self) -> None:
        if self.replicates < 0 or self.seed < 0 or not 0 < self.level < 1:
            raise InputError(
                f"replicates {self.replicates}, seed {self.seed}, level {self.level}; "
                "expected whole numbers that are not negative, and a level between 0 and 1"
            )


@dataclass(frozen=True)
class Case:
    """One forecast of the rows.

    Attributes:
        probability: `(N,)` in 0..1.
        thresholds: name of a decision -> an event is forecast where probability >= threshold.
    """

    probability: np.ndarray
    thresholds: Mapping[str, float] = field(default_factory=dict)


class ScoredCases:
    """The cases' scores and their replicates; ask it for rows of numbers.

    Attributes:
        labels: `(N,)` bool, of the rows.
        unit: what is drawn or left out whole.
        method: how the intervals are made: one of `jackknife.PERCENTILE`, `jackknife.JACKKNIFE`, or None.
        deciding_regions: regions (or groups) that have events, or those that have images without, whichever are fewer.
        effective_regions: `jackknife.effective_number` of these by their images, likewise the smaller of the two.
        replicates: that were asked for; 0 makes no intervals.
    """

    def __init__(
        self,
        labels: np.ndarray,
        cases: Mapping[str, Case],
        *,
        regions: "pd.Series[int]",
        climatology: float | None,
        sampling: Sampling,
        unit: Unit = REGION,
    ) -> None:
        """Score the cases on the sample and on its replicates.

        Args:
            labels: `(N,)` bool.
            cases: name -> forecast of the same N rows.
            regions: `(N,)` what each row is drawn or left out with: its region, its group of connected ones, or its
                block of time (`clusters.clusters_of`); they may be null where no intervals are asked for.
            climatology: event rate of the training set, or None.
            sampling: how the intervals are made.
            unit: what `regions` are.
        """
        codes, count = (np.zeros(len(labels), np.intp), 1)
        if sampling.replicates:
            codes, count = region_codes(regions, unit)
        self.labels, self._sampling = labels, sampling
        self.unit = unit
        self._regions = count if sampling.replicates else None
        images = [np.bincount(codes[which], minlength=count) for which in (labels, ~labels)]
        self.deciding_regions = min(int(np.count_nonzero(one)) for one in images)
        self.effective_regions = min(map(effective_number, images))
        chosen = interval_method(self.deciding_regions, self.effective_regions)
        self.replicates = sampling.replicates
        self.method = chosen if sampling.replicates else None
        self._counts: dict[str, np.ndarray] = {}
        self._yes_no: dict[str, dict[str, Interval]] = {}
        scorers: dict[str, Scorer] = {}
        by_region: dict[str, np.ndarray] = {}
        for name, case in cases.items():
            scorers[_key(name, PROBABILITY)] = ProbabilityScorer(
                labels, case.probability, codes, climatology=climatology
            )
            for decision, threshold in case.thresholds.items():
                scorer = CategoricalScorer.of_rows(labels, case.probability >= threshold, codes)
                scorers[_key(name, decision)] = scorer
                self._counts[_key(name, decision)] = scorer.counts.sum(axis=0).astype(np.int64)
                by_region[_key(name, decision)] = scorer.counts
        everything = np.ones((1, count))
        self._values = {key: _firsts(scorer(everything)) for key, scorer in scorers.items()}
        self._replicates: dict[str, dict[str, np.ndarray]] = {}
        if self.method == PERCENTILE:
            self._replicates = resample(scorers, count, replicates=sampling.replicates, seed=sampling.seed)
        elif self.method == JACKKNIFE:
            self._replicates = without_each(scorers, count)
            better = yes_no_intervals(list(by_region.values()), **asdict(sampling)) if by_region else []
            self._yes_no = dict(zip(by_region, better, strict=True))

    def settings(self) -> dict[str, Any]:
        """Say how the intervals were made: `interval_method`, `degrees_of_freedom` (of t), and what was asked for.

        `clusters` is how many regions, groups of them, or blocks of time were drawn or left out whole; None without
        intervals; `unit` says what each of them is.
        """
        freedom = degrees_of_freedom(self.effective_regions) if self.method == JACKKNIFE else None
        made: dict[str, Any] = {
            "interval_method": self.method,
            "degrees_of_freedom": freedom,
            "clusters": self._regions,
        }
        made |= {"unit": self.unit.to_json(), "connected": self.unit == GROUP}
        return made | asdict(self._sampling)

    def counts(self, case: str, decision: str) -> dict[str, int]:
        """Give the four counts of a decision."""
        return dict(zip(("tp", "fn", "fp", "tn"), map(int, self._counts[_key(case, decision)]), strict=True))

    def scores(self, case: str, part: str) -> Rows:
        """Give the scores of one part of a case.

        Returns:
            score -> `value`, and with intervals `low`, `high` and `undefined` (see `bootstrap.Interval`).
        """
        key = _key(case, part)
        return _rows(self._values[key], self._own_intervals(key))

    def differences(self, first: tuple[str, str], second: tuple[str, str]) -> Rows:
        """Give the scores of `first` minus those of `second`, each a case and one of its parts.

        Where the score of `second` is the same whatever regions there are, as TSS of always-no, the interval is that of
        the score of `first`, less this number.

        Returns:
            score -> `value` (the difference), and with intervals `low`, `high`, `undefined`.
        """
        a, b = _key(*first), _key(*second)
        values = {name: value - self._values[b][name] for name, value in self._values[a].items()}
        drawn = {name: value - self._replicates[b][name] for name, value in self._replicates.get(a, {}).items()}
        ranges = {name: high - low for name, (low, high) in BOUNDS.items()}
        bounds = {name: (-widest, widest) for name, widest in ranges.items()}
        own = {name: less_a_number(one, self._values[b][name]) for name, one in self._own_intervals(a).items()}
        fixed = {name: one for name, one in own.items() if np.ptp(self._replicates[b][name]) == 0}
        return _rows(values, self._intervals(values, drawn, bounds) | fixed)

    def drawn_differences(self, first: tuple[str, str], second: tuple[str, str]) -> dict[str, np.ndarray]:
        """Give the differences of `differences` in each replicate, or in each sample without one region.

        Returns:
            score -> `(B,)`, NaN where one of the two has no value; empty without intervals.
        """
        b = self._replicates.get(_key(*second), {})
        return {name: drawn - b[name] for name, drawn in self._replicates.get(_key(*first), {}).items()}

    def image_level(self, case: str, decision: str) -> Rows:
        """Give the intervals that would hold if images were independent: score -> `low`, `high`; far too narrow.

        Empty without intervals.
        """
        if self.method is None:
            return {}
        intervals = image_level_intervals(
            self._counts[_key(case, decision)],
            replicates=self._sampling.replicates,
            seed=self._sampling.seed,
            level=self._sampling.level,
        )
        return {name: {"low": interval.low, "high": interval.high} for name, interval in intervals.items()}

    def _own_intervals(self, key: str) -> dict[str, Interval]:
        intervals = self._intervals(self._values[key], self._replicates.get(key, {}), BOUNDS)
        return intervals | self._yes_no.get(key, {})

    def _intervals(
        self, values: Mapping[str, float], replicates: Mapping[str, np.ndarray], bounds: Mapping[str, Bounds]
    ) -> dict[str, Interval]:
        level = self._sampling.level
        if self.method == PERCENTILE:
            return {name: percentile_interval(drawn, level) for name, drawn in replicates.items()}
        freedom = degrees_of_freedom(self.effective_regions)
        return {
            name: jackknife_interval(values[name], without, freedom=freedom, bounds=bounds[name], level=level)
            for name, without in replicates.items()
        }


def _rows(values: Mapping[str, float], intervals: Mapping[str, Interval]) -> Rows:
    rows: Rows = {name: {"value": value} for name, value in values.items()}
    for name, interval in intervals.items():
        # A score without a value has no interval either, whatever some of its replicates say.
        low, high = (interval.low, interval.high) if np.isfinite(values[name]) else (np.nan, np.nan)
        rows[name] |= {"low": low, "high": high, "undefined": interval.undefined}
    return rows


def _key(case: str, part: str) -> str:
    return f"{case}/{part}"


def _firsts(scores: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in scores.items()}
