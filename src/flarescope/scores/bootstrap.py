"""How uncertain is a score, when the images of one active region are nearly copies of one another?

Whole regions are drawn with replacement (a cluster bootstrap: Davison & Hinkley 1997, Bootstrap Methods and their
Application, ch. 3.8), as many as there are, and the score is computed of what was drawn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from flarescope.blocks import GROUP, REGION, Unit
from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.scores.categorical import categorical_scores
from flarescope.scores.probability import region_sums

REPLICATES: Final = 2000
LEVEL: Final = 0.95
_CELLS: Final = 4_000_000
"""Weights that are held at a time: 32 MB, however many regions there are."""

Scorer = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Weights of the regions `(B, R)` -> score name -> `(B,)`."""


@dataclass(frozen=True)
class Interval:
    """An interval.

    Attributes:
        low: lower end; NaN where there is no interval.
        high: upper end.
        undefined: replicates, or samples without one region, in which the score has no value.
    """

    low: float
    high: float
    undefined: int = 0


@dataclass(frozen=True)
class CategoricalScorer:
    """The scores of `definitions.CATEGORICAL` as functions of the weights of the regions.

    Attributes:
        counts: `(R, 4)` tp, fn, fp, tn of each region.
    """

    counts: np.ndarray

    @classmethod
    def of_rows(cls, labels: np.ndarray, yes: np.ndarray, codes: np.ndarray) -> "CategoricalScorer":
        """Count once, region by region.

        Args:
            labels: `(N,)` 0/1.
            yes: `(N,)` bool, whether an event was forecast.
            codes: `(N,)` the region of each row, 0 .. R - 1.
        """
        event = np.asarray(labels) == 1
        columns = np.stack([event & yes, event & ~yes, ~event & yes, ~event & ~yes], axis=1)
        return cls(region_sums(columns, codes, int(codes.max()) + 1))

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Score replicates: weights `(B, R)` -> name -> `(B,)`."""
        return categorical_scores(*(weights @ self.counts).T)


def region_codes(regions: "pd.Series[int]", unit: Unit = REGION) -> tuple[np.ndarray, int]:
    """Number the regions, or whatever is drawn whole, 0 .. R - 1.

    Args:
        regions: `(N,)` NOAA numbers, of each row's region or of its group of connected ones; or blocks of time.
        unit: which of these.

    Returns:
        The number of each row, and R.

    Raises:
        InputError: where rows have no region, or there is only one: without regions there is no honest interval.
    """
    missing = int(regions.isna().sum())
    if missing and unit.hours is not None:
        rows = of_them(missing, len(regions), "row", "has", "have")
        raise InputError(
            f"{rows} no time (column time), and intervals are made by {unit.many}: give the times, or take no "
            "intervals (--replicates 0)"
        )
    if missing and unit not in (REGION, GROUP):
        rows = of_them(missing, len(regions), "row", "is", "are")
        raise InputError(
            f"{rows} of no {unit.one}, and intervals are made by {unit.many}: give it, or take "
            "no intervals (--replicates 0)"
        )
    if missing:
        rows = of_them(missing, len(regions), "row", "has", "have")
        raise InputError(
            f"{rows} no region (column noaa_ar), and intervals are made by regions: give the regions, or take no "
            "intervals (--replicates 0)"
        )
    codes, names = pd.factorize(regions, sort=True)  # sorted: the order of the rows must not change the draw
    if len(names) < 2 and unit not in (REGION, GROUP):
        raise InputError(f"one {unit.one} only: an interval needs several; take none (--replicates 0)")
    if len(names) < 2:
        raise InputError(
            "one region only, or regions that images join: an interval needs several; take none (--replicates 0)"
        )
    return codes, len(names)


def region_weights(regions: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Draw how often each region is in each replicate.

    Args:
        regions: how many there are.
        replicates: how many replicates to draw.
        seed: the same seed draws the same weights, whatever is scored with them.

    Yields:
        `(b, R)` float64 pieces of bounded size, `replicates` rows in all; each row sums to R.
    """
    rng = np.random.default_rng(seed)
    for rows in in_pieces(replicates, regions):
        yield rng.multinomial(regions, np.full(regions, 1 / regions), size=len(rows)).astype(np.float64)


def in_pieces(rows: int, regions: int) -> Iterator[range]:
    """Divide the rows 0 .. rows - 1 of a table of weights into pieces of bounded size."""
    piece = max(1, _CELLS // regions)
    for start in range(0, rows, piece):
        yield range(start, min(start + piece, rows))


def resample(
    scorers: Mapping[str, Scorer], regions: int, *, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, dict[str, np.ndarray]]:
    """Score the same replicates with several scorers, so that their results can be compared replicate by replicate.

    Returns:
        key -> score name -> `(replicates,)`.
    """
    return scored(scorers, region_weights(regions, replicates, seed))


def scored(scorers: Mapping[str, Scorer], weights: Iterable[np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Score with weights that come in pieces: key -> score name -> a value for each row of all pieces."""
    pieces = [{key: scorer(piece) for key, scorer in scorers.items()} for piece in weights]
    return {key: _joined([piece[key] for piece in pieces]) for key in scorers}


def _joined(pieces: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """Give the interval that holds the middle share `level` of the replicates that have a value.

    Args:
        values: `(B,)`, NaN where the score of a replicate is undefined.
        level: share within, as 0.95.
    """
    defined = values[np.isfinite(values)]
    if not len(defined):
        return Interval(np.nan, np.nan, len(values))
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), len(values) - len(defined))


def image_level_intervals(
    counts: np.ndarray, *, replicates: int = REPLICATES, seed: int = 0, level: float = LEVEL
) -> dict[str, Interval]:
    """Give the intervals that would hold if images were independent of one another, which they are not.

    Shown beside the honest ones only to warn. To resample N images is to draw the four counts from a multinomial.

    Args:
        counts: `(4,)` tp, fn, fp, tn.
        replicates: how many to draw.
        seed: of the draw.
        level: share within.
    """
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, np.asarray(counts) / total, size=replicates)
    return {name: percentile_interval(value, level) for name, value in categorical_scores(*drawn.T).items()}
