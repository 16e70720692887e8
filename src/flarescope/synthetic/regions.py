"""Which made active regions would serve as a data set, and when would they flare?

Everything here is synthetic: for the demo, the tests and the documentation. A region's flares are drawn from a rate
that rises with the field gradient along its polarity-inversion lines, and from nothing else; an image is labelled by
the flares, so a forecast can succeed only by seeing that gradient, and never perfectly, since flares are random. Where
it is asked for, flares follow the growth of that gradient instead, or nothing at all (`flares.FOLLOW`).
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np

from flarescope.errors import InputError
from flarescope.seeds import check_seed
from flarescope.synthetic.field import (
    CARRINGTON_DEG_PER_HOUR,
    Spot,
    SyntheticFlare,
    SyntheticRegion,
    region_field,
)
from flarescope.synthetic.flares import FOLLOW, draw_flares, flare_rate_per_day, pil_gradient

__all__ = [
    "Spot",
    "SyntheticFlare",
    "SyntheticRegion",
    "flare_rate_per_day",
    "pil_gradient",
    "region_field",
    "region_times",
    "synthetic_regions",
    "synthetic_split",
]

FIRST_NUMBER: Final = 13_001
"""NOAA number of the first made region; real ones of the set's period run from 11064 to 12731, 13001 came in 2022."""

MAX_REGIONS: Final = 999
"""So many numbers from 3001 on, as the published names write them, are left before 3999."""

CADENCE_MINUTES: Final = 12
"""Cadence of hmi.M_720s; images stand on its grid."""

STEP_MINUTES: Final = 180
"""Time from one image of a region to the next."""

WINDOW_HOURS: Final = 24
"""Flares are drawn to this long after the last image."""

MAX_LONGITUDE_DEG: Final = 48.0
MAX_LATITUDE_DEG: Final = 18.0
"""Beyond these a corner of the cut-out would leave the disk, and the published set has no image with missing pixels."""

SPLITS: Final = ("train", "validation", "test")

# Days with a leap second at either end, and 2012-01-01, which the published set leaves out.
_AVOIDED_DAYS: Final = tuple(
    dt.date.fromisoformat(day)
    for day in ("2012-01-01", "2012-06-30", "2012-07-01", "2015-06-30", "2015-07-01", "2016-12-31", "2017-01-01")
)
_FIRST_DAY: Final = dt.datetime(2010, 5, 1)
_LAST_DAY: Final = dt.datetime(2018, 12, 20)


def synthetic_regions(
    count: int, *, images_per_region: int, seed: int, follow: str = "gradient"
) -> list[SyntheticRegion]:
    """Make active regions with their flares.

    Args:
        count: number of regions, at most 999.
        images_per_region: images that will be taken of each; the flares cover their span and 24 hours more.
        seed: of everything. A region does not depend on `count`, and but for its flares not on `follow`.
        follow: what the rate of flares follows, of `flares.FOLLOW`.

    Returns:
        The regions, numbered from 13001.

    Raises:
        InputError: a count or seed that is out of range, or another word for what flares follow.
    """
    if not 1 <= count <= MAX_REGIONS:
        raise InputError(f"{count} synthetic regions; expected 1 to {MAX_REGIONS}")
    check_seed(seed)
    if follow not in FOLLOW:
        raise InputError(f"synthetic flares follow {follow!r}; expected {', '.join(FOLLOW)}")
    longest = 2 * MAX_LONGITUDE_DEG / CARRINGTON_DEG_PER_HOUR * 60 / STEP_MINUTES
    if not 1 <= images_per_region <= longest:
        raise InputError(f"{images_per_region} images of a synthetic region; expected 1 to {int(longest)}")
    children = np.random.SeedSequence(seed).spawn(count)
    return [_region(FIRST_NUMBER + i, images_per_region, child, follow) for i, child in enumerate(children)]


def region_times(region: SyntheticRegion, images: int) -> list[dt.datetime]:
    """Give the times of a region's images: every three hours, on the 12-minute grid, TAI without a zone."""
    return [region.start_tai + dt.timedelta(minutes=STEP_MINUTES * i) for i in range(images)]


def image_hours(images: int) -> np.ndarray:
    """Give the same times as hours since the first image, `(images,)`."""
    return np.arange(images) * (STEP_MINUTES / 60)


def _region(noaa_ar: int, images: int, seed: np.random.SeedSequence, follow: str) -> SyntheticRegion:
    rng = np.random.default_rng(seed)
    hours = float(image_hours(images)[-1])
    travel = CARRINGTON_DEG_PER_HOUR * hours
    hemisphere = float(rng.choice([-1.0, 1.0]))
    region = SyntheticRegion(
        noaa_ar=noaa_ar,
        start_tai=_start(rng, hours + WINDOW_HOURS),
        longitude_deg=float(rng.uniform(-MAX_LONGITUDE_DEG, MAX_LONGITUDE_DEG - travel)),
        latitude_deg=hemisphere * float(rng.uniform(5, MAX_LATITUDE_DEG)),
        spots=_spots(rng, hemisphere),
        seed=int(rng.integers(2**32)),
    )
    return dataclasses.replace(region, flares=draw_flares(rng, region, hours + WINDOW_HOURS, follow=follow))


def _start(rng: np.random.Generator, hours: float) -> dt.datetime:
    slots = int((_LAST_DAY - _FIRST_DAY) / dt.timedelta(minutes=CADENCE_MINUTES))
    while True:
        start = _FIRST_DAY + dt.timedelta(minutes=CADENCE_MINUTES * int(rng.integers(slots)))
        if not any(start.date() <= day <= (start + dt.timedelta(hours=hours)).date() for day in _AVOIDED_DAYS):
            return start


def _spots(rng: np.random.Generator, hemisphere: float) -> tuple[Spot, ...]:
    # Hale's law in cycle 24: the leading (western) polarity is negative in the north. Joy's law: it lies nearer the
    # equator. Further bipoles emerge into the first at any angle: where opposite polarities meet, a gradient grows.
    # Many regions are small and simple, some large and complex, fewer lie between.
    activity = float(rng.beta(0.55, 0.6))
    strength = 0.35 * 5.5**activity
    tilt = np.radians(-hemisphere * rng.normal(8, 6))
    spots = _bipole(rng, (0.0, 0.0), tilt, -hemisphere, strength, emerges_hour=-200.0)
    for _ in range(min(rng.poisson(3.2 * activity**1.5), 4)):
        centre = tuple(rng.normal(0, 60, 2) * (1.0, 0.6))
        angle = rng.uniform(-np.pi, np.pi)
        emerges = float(rng.uniform(-60, 40))
        spots += _bipole(rng, centre, angle, -hemisphere, strength * rng.uniform(0.4, 1.0), emerges_hour=emerges)
    return tuple(spots)


def _bipole(
    rng: np.random.Generator,
    centre: tuple[float, ...],
    angle: float,
    sign: float,
    strength: float,
    *,
    emerges_hour: float,
) -> list[Spot]:
    """Make a compact leading spot and the scattered spots that follow it, of equal and opposite flux."""
    half = rng.uniform(30, 85) * np.sqrt(strength)
    direction = np.array([np.cos(angle), np.sin(angle)])
    drift = rng.normal(0, 0.25, 2)
    apart = rng.uniform(-0.15, 0.5) * direction
    sigma = rng.uniform(8, 14) * np.sqrt(strength)
    peak = sign * float(np.clip(rng.normal(1700, 300), 900, 2400))
    rise, plage = float(rng.uniform(6, 14)), float(rng.uniform(0.7, 2.0))
    flux = sigma**2 * peak
    pieces = [(1.0, half * direction, apart, sigma)]
    count = int(rng.integers(2, 6))
    for share in rng.dirichlet(np.full(count, 2.0)):
        place = -half * direction + rng.normal(0, 20 * np.sqrt(strength), 2)
        pieces.append((-share, place, -apart + rng.normal(0, 0.1, 2), float(rng.uniform(5, 9) * np.sqrt(strength))))
    spots = []
    for share, place, rate, width in pieces:
        # A small spot that would be stronger than a large one is made wider instead.
        gauss = float(np.clip(share * flux / width**2, -2300, 2300))
        width = float(np.sqrt(share * flux / gauss))
        west, north = centre + place
        spots.append(Spot(*map(float, (west, north, *(drift + rate), width, gauss, emerges_hour, rise, plage))))
    return spots


def _flares_at_c(region: SyntheticRegion) -> bool:
    return any(flare.goes_class[0] in "CMX" for flare in region.flares)


def synthetic_split(
    regions: Sequence[SyntheticRegion], *, seed: int, fractions: tuple[float, float, float] = (0.5, 0.2, 0.3)
) -> dict[int, str]:
    """Deal regions to train, validation and test, those with a flare of C1.0 or more and those without apart.

    Args:
        regions: the regions.
        seed: of the shuffle.
        fractions: of train, validation, test.

    Returns:
        NOAA number -> `train`, `validation` or `test`; each has regions of both kinds.

    Raises:
        InputError: fewer than three regions of either kind.
    """
    rng = np.random.default_rng([seed, len(SPLITS)])
    split: dict[int, str] = {}
    for kind in (True, False):
        numbers = [region.noaa_ar for region in regions if _flares_at_c(region) is kind]
        if len(numbers) < len(SPLITS):
            raise InputError(
                f"{len(numbers)} of {len(regions)} synthetic regions {'flare' if kind else 'do not flare'}; expected "
                f"at least {len(SPLITS)} to have some in each split: make more regions"
            )
        ends = np.round(np.cumsum(fractions) / np.sum(fractions) * len(numbers)).astype(int)
        ends = np.minimum(np.maximum(ends, [1, 2, 3]), len(numbers) - np.array([2, 1, 0]))
        shuffled = rng.permutation(numbers)
        for name, part in zip(SPLITS, np.split(shuffled, ends[:-1]), strict=True):
            split.update({int(number): name for number in part})
    return dict(sorted(split.items()))
