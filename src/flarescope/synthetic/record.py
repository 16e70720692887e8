"""What would NOAA's daily summaries and flare list say of made regions?

Everything here is synthetic: numbers and classes follow from the spots that the images show, by rules of thumb and not
by an observer, and say nothing of how well real ones forecast.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from flarescope.synthetic.field import PIXEL_MM, Spot, SyntheticFlare, SyntheticRegion
from flarescope.synthetic.flares import draw_flares
from flarescope.synthetic.regions import WINDOW_HOURS, image_hours

MSH_MM2: Final = 3.04
"""A millionth of the solar hemisphere, 2 pi (696 Mm)^2, in square megametres."""
DEGREE_MM: Final = 12.15
"""A degree of longitude at the equator."""
SEEN_GAUSS: Final = 600.0
"""Field of a core from which on it is taken to be seen as a spot."""
KNOWN_HOURS: Final = 96.0
"""Flares are drawn so long before the first image and after the images' last window: region models look back and ahead
over 72 hours."""
ISSUED_AFTER: Final = dt.timedelta(minutes=30)

SUMMARY_COLUMNS: Final = (
    *("issued", "noaa_ar", "location", "carrington_longitude", "area"),
    *("mcintosh", "longitude_extent", "spots", "mag_type"),
)
"""As in tables of region days that `catalog.noaa_regions.read_summaries` reads."""


def made_summaries(regions: Sequence[SyntheticRegion], *, images_per_region: int) -> pd.DataFrame:
    """Summarise made regions on each day from that before their first image, as NOAA does at 00:30 UTC.

    Args:
        regions: from `synthetic_regions`.
        images_per_region: images of each.

    Returns:
        `SUMMARY_COLUMNS`, a row for each region and day on which it has a spot, in order of time.
    """
    rows = []
    last = float(image_hours(images_per_region)[-1])
    for region in regions:
        day = dt.datetime.combine(region.start_tai.date() - dt.timedelta(days=1), dt.time())
        while (hours := (day - region.start_tai) / dt.timedelta(hours=1)) <= last:
            seen = _seen(region, hours)
            if seen:
                rows.append(_row(region, day, hours, seen))
            day += dt.timedelta(days=1)
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)).sort_values(["issued", "noaa_ar"], ignore_index=True)


def made_record_flares(
    regions: Sequence[SyntheticRegion], *, images_per_region: int, follow: str = "gradient"
) -> list[SyntheticFlare]:
    """Give all flares of made regions from `KNOWN_HOURS` before their images to as long after, in order of time.

    Those from the first image to the end of the last window are the ones that the images' labels are made of.
    """
    end = float(image_hours(images_per_region)[-1]) + WINDOW_HOURS
    found: list[SyntheticFlare] = []
    for region in regions:
        rng = np.random.default_rng([region.seed, 1])
        before = draw_flares(rng, region, 0.0, follow=follow, first_hour=-KNOWN_HOURS)
        after = draw_flares(rng, region, end + KNOWN_HOURS, follow=follow, first_hour=end)
        found += [*before, *region.flares, *after]
    return sorted(found, key=lambda flare: (flare.peak_utc, flare.noaa_ar))


def _seen(region: SyntheticRegion, hours: float) -> list[tuple[Spot, float]]:
    """Give the spots that are seen, and the area of each in millionths of the hemisphere."""
    found = []
    for spot in region.spots:
        grown = 0.5 * (1 + np.tanh((hours - spot.emerges_hour) / spot.rise_hours))
        if abs(spot.peak_gauss) * grown >= SEEN_GAUSS:
            found.append((spot, float(np.pi * (2 * spot.sigma_px * PIXEL_MM) ** 2 * grown / MSH_MM2)))
    return found


def _row(region: SyntheticRegion, day: dt.datetime, hours: float, seen: list[tuple[Spot, float]]) -> tuple[object, ...]:
    west = [spot.west_px + spot.west_px_per_hour * hours for spot, _ in seen]
    extent = round((max(west) - min(west)) * PIXEL_MM / DEGREE_MM) + 1
    longitude, latitude = round(region.longitude_at(hours)), round(region.latitude_deg)
    place = f"{'S' if latitude < 0 else 'N'}{abs(latitude):02d}{'E' if longitude < 0 else 'W'}{abs(longitude):02d}"
    issued = f"{day + ISSUED_AFTER:%Y-%m-%d %H:%M}"
    area, largest = round(sum(one for _, one in seen)), max(one for _, one in seen)
    # Where the region stands on the turning Sun: any longitude that stays the same will do.
    carrington = region.noaa_ar * 37 % 360
    return (
        *(issued, region.noaa_ar, place, carrington, area),
        *(_mcintosh(extent, largest, len(seen)), extent, len(seen), _hale(seen, hours)),
    )


def _mcintosh(extent_deg: int, largest_msh: float, spots: int) -> str:
    """Give a class in McIntosh's letters, by extent, the largest spot and the number of spots."""
    penumbra = "X" if largest_msh < 15 else "S" if largest_msh < 60 else "A" if largest_msh < 150 else "K"
    if penumbra == "X":
        return "AXX" if spots == 1 else "BXO"
    if spots == 1:
        return f"H{penumbra}X"
    zurich = "C" if spots < 4 else "D" if extent_deg < 10 else "E" if extent_deg < 15 else "F"
    return f"{zurich}{penumbra}{'O' if spots < 6 else 'I' if spots < 12 else 'C'}"


def _hale(seen: list[tuple[Spot, float]], hours: float) -> str:
    """Give a magnetic class: mixed where several bipoles stand, delta where opposite spots touch."""
    if len({spot.peak_gauss > 0 for spot, _ in seen}) == 1:
        return "ALPHA"
    bipoles = len({spot.emerges_hour for spot, _ in seen})
    touching = any(
        one.peak_gauss * other.peak_gauss < 0 and _apart_px(one, other, hours) < one.sigma_px + other.sigma_px
        for one, _ in seen
        for other, _ in seen
    )
    return "BETA" + ("-GAMMA" if bipoles > 1 else "") + ("-DELTA" if touching else "")


def _apart_px(one: Spot, other: Spot, hours: float) -> float:
    west = one.west_px - other.west_px + (one.west_px_per_hour - other.west_px_per_hour) * hours
    north = one.north_px - other.north_px + (one.north_px_per_hour - other.north_px_per_hour) * hours
    return float(np.hypot(west, north))
