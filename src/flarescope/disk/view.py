"""From where and when does an image of the whole disk show the Sun, and how wide is a pixel, by its header?"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from flarescope.disk.sun import sunpy_at_work
from flarescope.errors import InputError
from flarescope.hmi import NATIVE_ARCSEC, PUBLISHED_PIXELS, RSUN_MM

if TYPE_CHECKING:
    from astropy.wcs import WCS

Value = str | int | float

NATIVE_TOLERANCE: Final = 0.05
"""By which share a pixel may differ from it: the distance of the Sun does not change a camera's pixel, only the
calibration does, in the fourth digit."""

LEAST_RADII: Final = 0.9
"""Solar radii from the disk's centre to each edge of an image of the whole disk; HMI's and MDI's have 1.05."""

LEAST_PATCH: Final = 16
"""Pixels that a patch is wide at least: `images.plausible` takes no smaller image for a region."""

NEAR_EARTH_DEG: Final = 0.2
"""An observer's longitude below that counts as Earth's, from which SDO's orbit is 0.02 degrees away at most: HMI's
CRLN_OBS gives 0.07 and 0.08 too much by sunpy, by which the Sun turns while its light comes to us."""

DISTANCES_M: Final = (1e10, 1e13)
RADII_M: Final = (6.9e8, 7.0e8)
"""What DSUN_OBS and RSUN_REF can be; anything else is no observer's distance and no radius of the Sun."""

_MATRIX: Final = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2", "CROTA2")
_GRID: Final = (*_MATRIX, *(f"{kind}{i}_{j}" for kind in ("PC", "CD") for i in (1, 2) for j in (1, 2)))


@dataclass(frozen=True)
class View:
    """How an image shows the disk.

    Attributes:
        time: of the observation, UTC.
        shape: height and width, pixels.
        grid: keywords of the pixel grid, angles in arcsec.
        distance_m: from the observer to the Sun's centre.
        longitude_deg: of the observer, from the central meridian as seen from Earth, west positive (Stonyhurst).
        latitude_deg: of the observer, which is that of the disk's centre (B0).
        radius_m: of the Sun.
    """

    time: dt.datetime
    shape: tuple[int, int]
    grid: tuple[tuple[str, float], ...]
    distance_m: float
    longitude_deg: float
    latitude_deg: float
    radius_m: float = RSUN_MM * 1e6

    @cached_property
    def wcs(self) -> "WCS":
        """The image's grid in the plane of the sky (TAN projection; Thompson 2006, A&A 449, 791)."""
        from astropy.io import fits
        from astropy.wcs import WCS

        plane = (("CTYPE1", "HPLN-TAN"), ("CTYPE2", "HPLT-TAN"), ("CUNIT1", "arcsec"), ("CUNIT2", "arcsec"))
        return WCS(fits.Header([*plane, *self.grid]))

    @property
    def pixel_arcsec(self) -> float:
        """Width of a pixel, the mean of both axes."""
        return math.sqrt(abs(_determinant(dict(self.grid))))

    @property
    def patch_pixels(self) -> int:
        """Width and height of a patch that shows as much of the Sun as the published ones: 600 of HMI's own pixels."""
        if abs(self.pixel_arcsec / NATIVE_ARCSEC - 1) <= NATIVE_TOLERANCE:
            return PUBLISHED_PIXELS
        return round(PUBLISHED_PIXELS * NATIVE_ARCSEC / self.pixel_arcsec)

    @property
    def radius_arcsec(self) -> float:
        """Of the disk, as the observer sees it."""
        return math.degrees(math.asin(self.radius_m / self.distance_m)) * 3600


def view_of(header: Mapping[str, Value], time: dt.datetime, shape: tuple[int, int]) -> View:
    """Read from a header how an image shows the disk.

    Longitude and latitude of the observer are those of HGLN_OBS (or CRLN_OBS) and CRLT_OBS (or HGLT_OBS), the distance
    DSUN_OBS, the radius RSUN_REF; where a header has none of them, Earth's at that time by sunpy.

    Args:
        header: keyword -> value.
        time: of the observation, UTC.
        shape: height and width.

    Raises:
        InputError: no grid in the plane of the sky (`HPLN-TAN` or `SOLAR-X` in arcsec or degrees), or one that does not
            hold the whole disk.
    """
    radius = _number_within(header, "RSUN_REF", *RADII_M) or RSUN_MM * 1e6
    view = View(time, shape, _grid(header), *_observer(header, time), radius)
    try:
        column, row = (float(place) for place in view.wcs.all_world2pix(0, 0, 0))
    except Exception as error:  # wcslib has many; nothing here but the header's coordinates can fail
        raise InputError(f"coordinates (WCS) that lead nowhere: {' '.join(str(error).split())[:120]}") from error
    room = min(column + 0.5, row + 0.5, shape[1] - 0.5 - column, shape[0] - 0.5 - row)
    if not room * view.pixel_arcsec >= LEAST_RADII * view.radius_arcsec:
        across = min(shape) * view.pixel_arcsec / view.radius_arcsec
        raise InputError(
            f"{across:.3g} solar radii wide or high, with the disk's centre at pixel {column:.4g}, {row:.4g}: a part "
            "of the disk; expected an image of the whole disk, about 2.1 wide"
        )
    return view


def view_from_earth(time: dt.datetime) -> View:
    """Give the disk as it is seen from Earth, where there is no image: in HMI's pixels, upright and centred.

    Args:
        time: UTC.
    """
    middle, side = 2048.5, 4096
    header: dict[str, Value] = {"CTYPE1": "HPLN-TAN", "CRPIX1": middle, "CRPIX2": middle}
    return view_of({**header, "CDELT1": NATIVE_ARCSEC, "CDELT2": NATIVE_ARCSEC}, time, (side, side))


def check_scale(view: View, *, instrument_ok: bool) -> None:
    """Refuse pixels of another width than HMI's camera has.

    Raises:
        InputError: unless `instrument_ok`; and where a patch would have fewer than `LEAST_PATCH` pixels, or more than
            the image.
    """
    if view.patch_pixels != PUBLISHED_PIXELS and not instrument_ok:
        raise InputError(
            f"{view.shape[1]} x {view.shape[0]} pixels of {view.pixel_arcsec:.3g} arcsec; expected HMI's "
            f"{NATIVE_ARCSEC}: coarser fields miss what models were trained on. --instrument-ok cuts patches that show "
            "as much of the Sun"
        )
    if not LEAST_PATCH <= view.patch_pixels <= min(view.shape):
        raise InputError(
            f"{view.shape[1]} x {view.shape[0]} pixels of {view.pixel_arcsec:.3g} arcsec: a region's patch would have "
            f"{view.patch_pixels:,}; expected at least {LEAST_PATCH}, and no more than the image"
        )


def _grid(header: Mapping[str, Value]) -> tuple[tuple[str, float], ...]:
    kind, unit = (str(header.get(key, "")).strip().upper() for key in ("CTYPE1", "CUNIT1"))
    if kind.startswith(("CRLN", "HGLN")):
        raise InputError(f"a map in heliographic coordinates (CTYPE1 {kind}); expected the disk as a camera sees it")
    known = {key: number for key in _GRID if (number := _number(header, key)) is not None}
    sky = kind.startswith(("HPLN", "SOLARX", "SOLAR_X", "SOLAR-X")) or (not kind and unit.startswith("ARCSEC"))
    matrix = next(
        (form for form in ("CD", "PC") if any(key.startswith(f"{form}{i}_") for key in known for i in "12")), ""
    )
    stepped = matrix == "CD" or {"CDELT1", "CDELT2"} <= known.keys()
    if not (sky and stepped and {"CRPIX1", "CRPIX2"} <= known.keys() and unit[:3] in ("", "ARC", "DEG")):
        raise InputError(
            "no coordinates (WCS) that say where on the Sun a pixel lies; expected CTYPE1 HPLN-TAN, CRPIX, CDELT and "
            "CROTA2, as in HMI's whole disks from JSOC"
        )
    factor = 3600.0 if unit.startswith("DEG") else 1.0
    angles = ("CRVAL", "CDELT", "CD1_", "CD2_")
    # One form alone: a matrix says what CROTA2 would, and CDi_j what CDELT would (Greisen & Calabretta 2002).
    less = {"CD": ("CDELT", "PC", "CROTA"), "PC": ("CROTA",), "": ("CD1_", "PC1_")}[matrix]
    known = {key: value for key, value in known.items() if not key.startswith(less)}
    grid = {key: value * (factor if key.startswith(angles) else 1.0) for key, value in known.items()}
    if not 0 < abs(_determinant(grid)) < math.inf:
        raise InputError("coordinates (WCS) whose pixels have no width; expected CDELT1, CDELT2 of about 0.504 arcsec")
    return tuple(grid.items())


def _determinant(grid: Mapping[str, float]) -> float:
    if "CDELT1" not in grid:
        one, two, three, four = (grid.get(key, 0.0) for key in ("CD1_1", "CD2_2", "CD1_2", "CD2_1"))
        return one * two - three * four
    turned = grid.get("PC1_1", 1.0) * grid.get("PC2_2", 1.0) - grid.get("PC1_2", 0.0) * grid.get("PC2_1", 0.0)
    return grid["CDELT1"] * grid["CDELT2"] * turned


def _number(header: Mapping[str, Value], key: str) -> float | None:
    value = header.get(key)
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known and value is not None else None


def _number_within(header: Mapping[str, Value], key: str, low: float, high: float) -> float | None:
    value = _number(header, key)
    return value if value is not None and low <= value <= high else None


def _observer(header: Mapping[str, Value], time: dt.datetime) -> tuple[float, float, float]:
    """Give distance in metres, longitude from the central meridian and latitude in degrees."""
    with sunpy_at_work():
        import astropy.units as u
        from sunpy.coordinates import HeliographicCarrington, HeliographicStonyhurst, get_earth

        earth = get_earth(time)
        distance = _number_within(header, "DSUN_OBS", *DISTANCES_M) or float(earth.radius.to_value("m"))
        said = [_number_within(header, key, -90, 90) for key in ("CRLT_OBS", "HGLT_OBS")]
        latitude = next((degrees for degrees in said if degrees is not None), float(earth.lat.to_value("deg")))
        carrington, west = _number_within(header, "CRLN_OBS", -360, 360), _number_within(header, "HGLN_OBS", -360, 360)
        if carrington is None or west is not None:
            return distance, west or 0.0, latitude
        there = HeliographicCarrington(
            carrington * u.deg, latitude * u.deg, distance * u.m, obstime=time, observer="self"
        )
        seen = there.transform_to(HeliographicStonyhurst(obstime=time))
        longitude = float(seen.lon.wrap_at(180 * u.deg).to_value("deg"))
        return distance, 0.0 if abs(longitude) < NEAR_EARTH_DEG else longitude, latitude
