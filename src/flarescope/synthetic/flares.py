"""When would a made region flare, given the field gradient along its polarity-inversion lines?"""

import datetime as dt
from typing import Final

import numpy as np

from flarescope.synthetic.field import FIELD_SIZE, PIXEL_MM, SyntheticFlare, SyntheticRegion, clean_field

PIL_SIZE: Final = 150
"""Grid on which the polarity-inversion line is sought: cells of 1.45 Mm, those of the 2 arcsec maps of MDI."""

PIL_FIELD_GAUSS: Final = 150.0
"""Least field of either polarity beside a strong inversion line (Schrijver 2007, ApJ 655, L117)."""

C_FLUX_W_M2: Final = 1e-6
B_FLUX_W_M2: Final = 3e-7
X_FLUX_W_M2: Final = 9.9e-4
"""Peak flux of C1.0, of the smallest flare drawn (B3.0) and of the largest (X9.9)."""

ONE_A_DAY_GRADIENT_GAUSS: Final = 17_000.0
"""Gradient along the inversion lines at which one flare of C1.0 or more is expected a day."""

ONE_FLARE: Final = dt.timedelta(minutes=2)
"""Two peaks no further apart are one in a list of GOES flares, which is measured once a minute."""

RATE_POWER: Final = 3.0
MAX_RATE_PER_DAY: Final = 8.0

FOLLOW: Final = ("gradient", "growth", "nothing")
"""What the rate of made flares follows: the gradient along the inversion lines; how much that grew in the last
`GROWTH_HOURS`, which no single image shows; or nothing, one constant rate for all, which has no memory."""

GROWTH_HOURS: Final = 9.0
ONE_A_DAY_GROWTH_GAUSS: Final = 2_000.0
"""Growth of the gradient in that time at which one flare of C1.0 or more is expected a day; chosen so that about as
many images are followed by a flare as where flares follow the gradient."""
CONSTANT_RATE_PER_DAY: Final = 0.4
"""Where flares follow nothing: a third of all days has one, 1 - exp(-0.4)."""


def pil_gradient(field_gauss: np.ndarray) -> float:
    """How much field gradient lies along the strong polarity-inversion lines?

    The gradient-weighted length of the inversion lines, in the manner of WL_SG (Falconer et al. 2008, ApJ 689, 1433):
    the integral of the horizontal gradient of the line-of-sight field along the lines between fields of at least
    150 G of either sign, here summed over the band of three cells about the line and divided by its width.

    Args:
        field_gauss: `(n, n)`, gauss, over the area of a published cut-out (600 pixels of HMI); n a multiple of 150.

    Returns:
        In gauss (G/Mm times Mm); 0 without such a line.
    """
    block = field_gauss.shape[0] // PIL_SIZE
    coarse = field_gauss.reshape(PIL_SIZE, block, PIL_SIZE, block).mean(axis=(1, 3))
    band = _touched(coarse > PIL_FIELD_GAUSS) & _touched(coarse < -PIL_FIELD_GAUSS)
    if not band.any():
        return 0.0
    cell_mm = PIXEL_MM * FIELD_SIZE / PIL_SIZE
    down, across = np.gradient(coarse, cell_mm)
    return float(np.hypot(down, across)[band].sum() * cell_mm / 3)


def _touched(mask: np.ndarray) -> np.ndarray:
    """Widen a mask by one cell in all eight directions."""
    padded = np.pad(mask, 1)
    n = mask.shape[0]
    out = np.zeros_like(mask)
    for i in range(3):
        for j in range(3):
            out |= padded[i : i + n, j : j + n]
    return out


def flare_rate_per_day(gradient_gauss: float) -> float:
    """How many flares of C1.0 or more are expected a day, given the gradient along the inversion lines?

    A power law with a ceiling. Observed rates rise with WL_SG as a power law too (Falconer et al. 2011, Space Weather
    9, S04003); the numbers here are chosen so that about two regions in five flare and a small set can be learnt.

    Args:
        gradient_gauss: as `pil_gradient` gives it for the region seen at disk centre.
    """
    return float(min((gradient_gauss / ONE_A_DAY_GRADIENT_GAUSS) ** RATE_POWER, MAX_RATE_PER_DAY))


def true_rate_per_day(region: SyntheticRegion, hours: float, follow: str = "gradient") -> float:
    """How many flares of C1.0 or more does a made region have a day, so many hours after its first image?

    The rate follows the field as it stands on the Sun, not as it looks from Earth: seen at disk centre, without noise.

    Args:
        region: the region.
        hours: since the first image; before it they are negative.
        follow: of `FOLLOW`.
    """
    if follow == "nothing":
        return CONSTANT_RATE_PER_DAY
    gradient = _true_gradient(region, hours)
    if follow == "gradient":
        return flare_rate_per_day(gradient)
    growth = gradient - _true_gradient(region, hours - GROWTH_HOURS)
    return float(min(max(growth, 0.0) / ONE_A_DAY_GROWTH_GAUSS, MAX_RATE_PER_DAY))


def _true_gradient(region: SyntheticRegion, hours: float) -> float:
    return pil_gradient(clean_field(region, hours, size=PIL_SIZE, longitude_deg=0.0, latitude_deg=0.0))


def draw_flares(
    rng: np.random.Generator,
    region: SyntheticRegion,
    hours: float,
    *,
    follow: str = "gradient",
    first_hour: float = 0.0,
) -> tuple[SyntheticFlare, ...]:
    """Draw the flares of a region up to so many hours after its first image, in order of time.

    Of flares that peak within `ONE_FLARE` of each other the strongest stays, since GOES cannot tell them apart.

    Args:
        rng: of the draw.
        region: the region; its flares are not looked at.
        hours: the end, since the first image.
        follow: what the rate follows, of `FOLLOW`.
        first_hour: the beginning, since the first image.
    """
    step = 4.0
    flares: list[tuple[dt.datetime, float]] = []
    for start in np.arange(first_hour, hours, step):
        length = min(step, hours - start)
        rate = true_rate_per_day(region, float(start + length / 2), follow) * C_FLUX_W_M2 / B_FLUX_W_M2
        for when in start + length * rng.random(rng.poisson(rate * length / 24)):
            # Twice the flux, half as many: a power law of index 2, as of GOES' peak fluxes (1.98: Aschwanden & Freeland
            # 2012, ApJ 754, 112).
            flux = min(B_FLUX_W_M2 / (1 - rng.random()), X_FLUX_W_M2)
            # TAI is half a minute ahead of UTC: no matter for a random time, cut to the minute.
            peak = (region.start_tai + dt.timedelta(hours=float(when))).replace(second=0, microsecond=0)
            flares.append((peak.replace(tzinfo=dt.UTC), flux))
    return tuple(SyntheticFlare(peak, region.noaa_ar, goes_class(flux)) for peak, flux in _told_apart(flares))


def _told_apart(flares: list[tuple[dt.datetime, float]]) -> list[tuple[dt.datetime, float]]:
    """Keep those flares, of peak and flux, that no stronger one peaks near, in order of time."""
    kept: list[tuple[dt.datetime, float]] = []
    for peak, flux in sorted(flares, key=lambda flare: -flare[1]):
        if all(abs(peak - other) > ONE_FLARE for other, _ in kept):
            kept.append((peak, flux))
    return sorted(kept)


def goes_class(flux_w_m2: float) -> str:
    """Name the GOES class of a peak flux of at least 1e-7 W/m^2, cut to a tenth."""
    tenths = int(flux_w_m2 / 1e-8 + 1e-9)
    letter, unit = next(
        (name, unit) for name, unit in (("X", 1000), ("M", 100), ("C", 10), ("B", 1)) if tenths >= 10 * unit
    )
    return f"{letter}{tenths // unit / 10}"
