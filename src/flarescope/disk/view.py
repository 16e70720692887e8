"""From where and when does an image of the whole disk show the Sun, and how wide is a pixel, by its header?"""

import datetime as dt
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flarescope.errors import InputError
from flarescope.hmi import NATIVE_ARCSEC, PUBLISHED_PIXELS, RSUN_MM

if TYPE_CHECKING:
    from astropy.wcs import WCS

Value = str | int | float

NATIVE_TOLERANCE: Final = 0.05
"""By which share a pixel may differ from it: the distance of the Sun does not change a camera's pixel, only the
calibration does, in the fourth digit."""

LEAST_WIDTH_RADII: Final = 1.8
"""Solar radii that an image of the disk is wide and high; HMI's and MDI's have 2.1, the published cut-outs 0.31."""

NEAR_EARTH_DEG: Final = 0.2
"""Of an observer's longitude that counts as Earth's. SDO and SOHO's orbit around L1 stay within 0.02 and 0.3 degrees of
it; CRLN_OBS of HMI gives 0.08 too much, by which the Sun turns while its light comes to us."""

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
    view = View(time, shape, _grid(header), *_observer(header, time), _number(header, "RSUN_REF") or RSUN_MM * 1e6)
    width = min(shape) * view.pixel_arcsec / view.radius_arcsec
    if width < LEAST_WIDTH_RADII:
        raise InputError(
            f"{width:.2f} solar radii wide or high: a part of the disk; expected an image of the whole disk, about 2.1"
        )
    return view


def check_scale(view: View, *, instrument_ok: bool) -> None:
    """Refuse pixels of another width than HMI's camera has.

    Raises:
        InputError: unless `instrument_ok`.
    """
    if view.patch_pixels != PUBLISHED_PIXELS and not instrument_ok:
        raise InputError(
            f"{view.shape[1]} x {view.shape[0]} pixels of {view.pixel_arcsec:.3g} arcsec; expected HMI's "
            f"{NATIVE_ARCSEC}: coarser fields miss what models were trained on. --instrument-ok cuts patches that show "
            "as much of the Sun"
        )


def _grid(header: Mapping[str, Value]) -> tuple[tuple[str, float], ...]:
    kind, unit = (str(header.get(key, "")).strip().upper() for key in ("CTYPE1", "CUNIT1"))
    if kind.startswith(("CRLN", "HGLN")):
        raise InputError(f"a map in heliographic coordinates (CTYPE1 {kind}); expected the disk as a camera sees it")
    known = {key: number for key in _GRID if (number := _number(header, key)) is not None}
    sky = kind.startswith(("HPLN", "SOLARX", "SOLAR_X", "SOLAR-X")) or (not kind and unit.startswith("ARCSEC"))
    stepped = {"CDELT1", "CDELT2"} <= known.keys() or {"CD1_1", "CD2_2"} <= known.keys()
    if not (sky and stepped and {"CRPIX1", "CRPIX2"} <= known.keys() and unit[:3] in ("", "ARC", "DEG")):
        raise InputError(
            "no coordinates (WCS) that say where on the Sun a pixel lies; expected CTYPE1 HPLN-TAN, CRPIX, CDELT and "
            "CROTA2, as in HMI's whole disks from JSOC"
        )
    factor = 3600.0 if unit.startswith("DEG") else 1.0
    angles = ("CRVAL", "CDELT", "CD1_", "CD2_")
    grid = {key: value * (factor if key.startswith(angles) else 1.0) for key, value in known.items()}
    if _determinant(grid) == 0:
        raise InputError("coordinates (WCS) whose pixels have no width; expected CDELT1, CDELT2 of about 0.504 arcsec")
    return tuple(grid.items())


def _determinant(grid: Mapping[str, float]) -> float:
    if "CD1_1" in grid:
        return grid["CD1_1"] * grid["CD2_2"] - grid.get("CD1_2", 0.0) * grid.get("CD2_1", 0.0)
    turned = grid.get("PC1_1", 1.0) * grid.get("PC2_2", 1.0) - grid.get("PC1_2", 0.0) * grid.get("PC2_1", 0.0)
    return grid["CDELT1"] * grid["CDELT2"] * turned


def _number(header: Mapping[str, Value], key: str) -> float | None:
    value = header.get(key)
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known and value is not None else None


def _observer(header: Mapping[str, Value], time: dt.datetime) -> tuple[float, float, float]:
    """Give distance in metres, longitude from the central meridian and latitude in degrees."""
    with quiet_astropy():
        import astropy.units as u
        from sunpy.coordinates import HeliographicCarrington, HeliographicStonyhurst, get_earth

        earth = get_earth(time)
        carrington, stated = _number(header, "CRLN_OBS"), _number(header, "DSUN_OBS") or 0.0
        distance = stated if stated > 1e9 else float(earth.radius.to_value("m"))
        said = [_number(header, key) for key in ("CRLT_OBS", "HGLT_OBS")]
        latitude = next((degrees for degrees in said if degrees is not None), float(earth.lat.to_value("deg")))
        if carrington is None or _number(header, "HGLN_OBS") is not None:
            return distance, _number(header, "HGLN_OBS") or 0.0, latitude
        there = HeliographicCarrington(
            carrington * u.deg, latitude * u.deg, distance * u.m, obstime=time, observer="self"
        )
        seen = there.transform_to(HeliographicStonyhurst(obstime=time))
        longitude = float(seen.lon.wrap_at(180 * u.deg).to_value("deg"))
        return distance, 0.0 if abs(longitude) < NEAR_EARTH_DEG else longitude, latitude


def quiet_astropy() -> Any:  # noqa: ANN401 - what warnings.catch_warnings gives
    """Keep astropy from warning that leap seconds of years to come are not known: they do not move the Sun."""
    return warnings.catch_warnings(action="ignore")
