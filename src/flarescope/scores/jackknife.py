"""How uncertain is a score where few regions have events?

A percentile interval is too narrow then: it takes the few regions that there are for all that there can be. Here each
region is left out once; how far the score moves gives its standard error (the delete-one jackknife, Efron & Tibshirani
1993, An Introduction to the Bootstrap, ch. 11, with regions as units), and Student's t gives the width, with as many
degrees of freedom as there are event regions, less one; where a few of them hold most of the events, they count as
fewer. Rates and TSS have a better interval from the same standard errors (`rates`), HSS from a draw (`studentized`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from scipy.special import stdtrit

from flarescope.scores.bootstrap import LEVEL, Interval, Scorer, in_pieces, scored

FEW_REGIONS: Final = 40
"""Below so many event regions (`effective_number`) the jackknife takes the bootstrap's place: a cluster bootstrap needs
many clusters (Cameron, Gelbach & Miller 2008, Rev. Econ. Stat. 90, 414). `benchmarks/interval_coverage.py` measures how
often each interval holds the truth; docs/architecture.md has what it found."""

MINIMUM_REGIONS: Final = 3
"""Event regions that an interval needs at least: with two, Student's t has one degree of freedom and is 12.7 at 95 %,
wider than any score; with one, nothing is left when it is left out."""

PERCENTILE: Final = "percentile"
JACKKNIFE: Final = "jackknife-t"

Bounds = tuple[float, float]
"""The smallest and the largest value that a score can have."""


def effective_number(images: np.ndarray) -> float:
    """Give the number of regions with equally many images that would be worth as much as these.

    (sum of n)^2 / (sum of n^2): Kish 1965, Survey Sampling, ch. 11.7, for what counts once a region.

    Args:
        images: `(R,)` images of each region, as those with an event.
    """
    return float(images.sum() ** 2 / np.square(images, dtype=float).sum())


def degrees_of_freedom(effective: float) -> float:
    """Give Student's t so many degrees of freedom, one at least."""
    return max(effective - 1, 1)


def interval_method(regions: int, effective: float) -> str | None:
    """Say how intervals are made: `PERCENTILE`, `JACKKNIFE`, or None for not at all.

    Args:
        regions: that have events.
        effective: `effective_number` of them.
    """
    if effective >= FEW_REGIONS:
        return PERCENTILE
    return JACKKNIFE if regions >= MINIMUM_REGIONS else None


def without_each(scorers: Mapping[str, Scorer], regions: int) -> dict[str, dict[str, np.ndarray]]:
    """Score the sample without each of its regions in turn, from the same sums as the bootstrap's replicates.

    Returns:
        key -> score name -> `(R,)`; NaN where the rest has no value.
    """
    return scored(scorers, one_out_weights(regions))


def one_out_weights(regions: int) -> Iterator[np.ndarray]:
    """Give `(b, R)` pieces of the R rows that are 1 for each region but the one that is left out."""
    for rows in in_pieces(regions, regions):
        weights = np.ones((len(rows), regions))
        weights[np.arange(len(rows)), list(rows)] = 0
        yield weights


def standard_error(without_one: np.ndarray) -> float:
    """Give the jackknife's standard error, sqrt((R - 1) / R x sum of squared deviations from their mean).

    Args:
        without_one: `(R,)` the score without each region; NaN among them gives NaN.
    """
    regions = len(without_one)
    return float(np.sqrt((regions - 1) * np.var(without_one)))


def less_a_number(own: Interval, number: float) -> Interval:
    """Give the interval of a score's difference to a number that is the same whatever regions there are.

    So TSS is gained over always-no, or over any forecast that never changes. The jackknife's interval of the difference
    would be another one than that of TSS itself (`rates`), for the same quantity. Of the two that of `rates` holds the
    true value more often where few regions have events (docs/architecture.md, on intervals).
    """
    return Interval(own.low - number, own.high - number, own.undefined)


def jackknife_interval(
    value: float, without_one: np.ndarray, *, freedom: float, bounds: Bounds, level: float = LEVEL
) -> Interval:
    """Give value -/+ t x standard error, cut where the score's range ends.

    The true value lies within the range, so that the cut never loses it.

    Args:
        value: of the whole sample.
        without_one: `(R,)` the score without each region.
        freedom: degrees of freedom of t.
        bounds: of the score, or of a difference of scores.
        level: of confidence.

    Returns:
        The interval; without ends where the score has no value, or has none without one of the regions: it hangs on
        that one then.
    """
    undefined = int(np.isnan(without_one).sum())
    if undefined or not np.isfinite(value):
        return Interval(np.nan, np.nan, undefined)
    half = float(stdtrit(freedom, (1 + level) / 2)) * standard_error(without_one)
    return Interval(float(max(value - half, bounds[0])), float(min(value + half, bounds[1])))
