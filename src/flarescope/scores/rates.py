"""How uncertain is a rate, or the difference of two, where few regions have events?

A rate near 0 or 1 lies askew in its interval, and a symmetric one is too short on one side. Wilson's interval is not;
images of one region are nearly copies, so it is given the number of independent images that would have the standard
error of the jackknife over regions (Dean & Pagano 2015, J. Surv. Stat. Methodol. 3, 484), and Student's t in place of
the normal. The interval of TSS is put together from those of its two rates by the distances of their ends from the
values (Newcombe 1998, Stat. Med. 17, 873; with a correlation Zou 2007, Psychol. Methods 12, 399).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtrit

from flarescope.scores.bootstrap import LEVEL, Interval
from flarescope.scores.jackknife import degrees_of_freedom, effective_number, standard_error

RATES: Final[Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]] = {
    "tpr": ((0,), (0, 1)),
    "tnr": ((3,), (2, 3)),
    "far": ((2,), (0, 2)),
    "precision": ((0,), (0, 2)),
    "accuracy": ((0, 3), (0, 1, 2, 3)),
    "csi": ((0,), (0, 1, 2)),
}
"""Score -> which of `categorical.COUNTS` are counted, of which. The other scores are no shares of images."""


@dataclass(frozen=True)
class Rate:
    """A rate, its interval, and how it moves.

    Attributes:
        value: of all regions.
        interval: its ends; NaN where the rate hangs on one region.
        without_one: `(R,)` the rate without each region.
        regions: of equal weight, that those among which it is counted are worth.
    """

    value: float
    interval: Interval
    without_one: np.ndarray
    regions: float


def rate_intervals(counts: np.ndarray, level: float = LEVEL) -> dict[str, Interval]:
    """Give the intervals of TSS and of each of `RATES`.

    Where all images have the same forecast there are none: its hits are all or none of the events by construction.

    Args:
        counts: `(R, 4)` tp, fn, fp, tn of each region.
        level: of confidence.
    """
    hits, misses, false_alarms, rejections = counts.sum(axis=0)
    if not hits + false_alarms or not misses + rejections:
        return {}
    rates = {
        name: rate(counts[:, list(counted)].sum(axis=1), counts[:, list(of)].sum(axis=1), level)
        for name, (counted, of) in RATES.items()
    }
    return {name: found.interval for name, found in rates.items()} | {"tss": _skill(rates["tpr"], rates["tnr"])}


def rate(counted: np.ndarray, of: np.ndarray, level: float = LEVEL) -> Rate:
    """Give a rate's Wilson interval with the jackknife's standard error.

    The effective number of images is p (1 - p) / (standard error)^2, between 1 and the number that there is. Where no
    region moves the rate, as where it is 0 or 1, the images of a region count as one (`effective_number`).

    Args:
        counted: `(R,)` images of each region that are counted.
        of: `(R,)` images among which they are.
        level: of confidence.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(counted.sum() / of.sum())
        without = (counted.sum() - counted) / (of.sum() - of)
    undefined = int(np.isnan(without).sum())
    regions = effective_number(of) if of.any() else 0.0
    if undefined or not np.isfinite(value):
        return Rate(value, Interval(np.nan, np.nan, undefined), without, regions)
    variance = standard_error(without) ** 2
    images = value * (1 - value) / variance if variance > 0 and 0 < value < 1 else regions
    t = float(stdtrit(degrees_of_freedom(regions), (1 + level) / 2))
    return Rate(value, _wilson(value, float(np.clip(images, 1, of.sum())), t), without, regions)


def _wilson(value: float, images: float, t: float) -> Interval:
    """Wilson 1927, J. Am. Stat. Assoc. 22, 209."""
    share = t**2 / images
    middle = (value + share / 2) / (1 + share)
    half = np.sqrt(value * (1 - value) * share + share**2 / 4) / (1 + share)
    return Interval(float(min(max(middle - half, 0), value)), float(max(min(middle + half, 1), value)))


def _skill(hits: Rate, rejections: Rate) -> Interval:
    """Give the interval of TSS = TPR + TNR - 1.

    Their correlation over the regions goes in: where both rates fall together it widens the interval, where one falls
    as the other rises, as where active weeks have more hits and more false alarms, it narrows it. Of m regions a
    negative one is taken 1 - 1 / m times: it is poorly known of few, and would leave nothing where it is -1 by chance.
    Without it the intervals of whole-disk series were too wide (docs/scores.md).
    """
    undefined = max(hits.interval.undefined, rejections.interval.undefined)
    moved = np.stack([hits.without_one, rejections.without_one])
    if undefined or not np.isfinite(moved).all():
        return Interval(np.nan, np.nan, undefined)
    together = float(np.corrcoef(moved)[0, 1]) if (np.ptp(moved, axis=1) > 0).all() else 0.0
    if together < 0:
        together *= max(1 - 1 / min(hits.regions, rejections.regions), 0)
    value = hits.value + rejections.value - 1
    down = (hits.value - hits.interval.low, rejections.value - rejections.interval.low)
    up = (hits.interval.high - hits.value, rejections.interval.high - rejections.value)
    return Interval(value - _joined(*down, together), value + _joined(*up, together))


def _joined(first: float, second: float, correlation: float) -> float:
    return float(np.sqrt(first**2 + second**2 + 2 * correlation * first * second))
