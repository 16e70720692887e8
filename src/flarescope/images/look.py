"""How large, in which orientation and where on the Sun is what an image shows, by its header?"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from flarescope.brief import brief
from flarescope.hmi import NATIVE_ARCSEC, PUBLISHED_PIXELS, RSUN_MM
from flarescope.images.fits.cards import Value
from flarescope.images.header import pixel_matrix
from flarescope.images.instruments import HMI, instrument_of

RSUN_ARCSEC: Final = 959.63
"""It at one astronomical unit, where a header gives no distance."""

NATIVE_MM: Final = NATIVE_ARCSEC / RSUN_ARCSEC * RSUN_MM
"""What such a pixel covers at the disk's centre: 0.366 Mm."""

_PUBLISHED_PNG: Final = re.compile(r"\d{4}_hmi\.M_720s\..*\.magnetogram_224\.png", re.I)


@dataclass(frozen=True)
class Look:
    """What an image is like beside its values; None where its header, text or name does not say.

    Attributes:
        size: width and height in pixels, as they are stored.
        instrument: as `instruments.instrument_of` names it.
        projected: True for helioprojective coordinates, False for heliographic ones.
        pixel_mm: what an observed pixel covers at the disk's centre, Mm: the mean of both axes, before any reduction.
        width_mm: what the image is wide, as if all of it were at the disk's centre, Mm.
        height_mm: likewise its height.
        crota_deg: by how much the image is turned against north up, 0 .. 360 (CROTA2).
        mirrored: whether west and north lie the other way round than on the sky.
        lon_deg: where its middle, or its flux, is: degrees from the central meridian, west positive.
        lat_deg: degrees from the equator.
    """

    size: tuple[int, int]
    instrument: str | None = None
    projected: bool | None = None
    pixel_mm: float | None = None
    width_mm: float | None = None
    height_mm: float | None = None
    crota_deg: float | None = None
    mirrored: bool | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None

    __repr__ = brief

    @property
    def aspect(self) -> float:
        """Width over height."""
        if self.width_mm and self.height_mm:
            return self.width_mm / self.height_mm
        return self.size[0] / self.size[1]

    @property
    def extent_mm(self) -> float | None:
        """Side of a square of the same area, Mm."""
        return math.sqrt(self.width_mm * self.height_mm) if self.width_mm and self.height_mm else None

    @property
    def degrees_out(self) -> float | None:
        """The larger of |latitude| and |longitude|, by which the published set limits positions; 180 off the disk."""
        return None if self.lon_deg is None or self.lat_deg is None else max(abs(self.lon_deg), abs(self.lat_deg))


NOTHING_KNOWN: Final = Look((0, 0))
"""Of an image that came without a header."""


def look_of(header: Mapping[str, Value], shape: tuple[int, int], observed: tuple[int, int] | None = None) -> Look:
    """Read what a header says.

    Args:
        header: keyword -> value, those of the pixel grid for an image of `shape`.
        shape: height and width.
        observed: height and width before the image was reduced.
    """
    numbers = {key: value for key, value in header.items() if _is_number(value)}
    projected = _is_projected(header)
    matrix = pixel_matrix({"CRPIX1": 0, "CRPIX2": 0, **numbers})
    pixels = _pixel_mm(matrix, header, numbers, projected) if matrix and projected is not None else None
    lon, lat = _position(header, numbers, shape, matrix, projected)
    width, height = (None, None) if pixels is None else (pixels[0] * shape[1], pixels[1] * shape[0])
    observed = observed or shape
    return Look(
        size=(shape[1], shape[0]),
        instrument=instrument_of(header),
        projected=projected,
        pixel_mm=math.sqrt(width * height / math.prod(observed)) if width and height else None,
        width_mm=width or None,
        height_mm=height or None,
        crota_deg=_crota(numbers, matrix),
        mirrored=_mirrored(matrix),
        lon_deg=lon,
        lat_deg=lat,
    )


def look_of_png(name: str, header: Mapping[str, Value], shape: tuple[int, int]) -> Look:
    """Read what a PNG's text says (`reduce` writes the header there), or its name if it is one of the published set."""
    source = re.fullmatch(r"(\d{1,6})x(\d{1,6})", str(header.get("Source shape", "")))
    look = look_of(header, shape, (int(source[1]), int(source[2])) if source else None)
    if look.pixel_mm is None and _PUBLISHED_PNG.fullmatch(name) and shape[0] == shape[1]:
        side = NATIVE_MM * PUBLISHED_PIXELS
        return replace(
            look,
            instrument=look.instrument or HMI,
            projected=True,
            pixel_mm=NATIVE_MM,
            width_mm=side,
            height_mm=side,
            crota_deg=180.0,
        )
    return look


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_projected(header: Mapping[str, Value]) -> bool | None:
    kind, unit = (str(header.get(key, "")).strip().upper() for key in ("CTYPE1", "CUNIT1"))
    if kind.startswith(("HPLN", "SOLARX", "SOLAR_X", "SOLAR-X")):
        return True
    if kind.startswith(("CRLN", "HGLN")):
        return False
    return True if not kind and unit.startswith("ARCSEC") else None


def _pixel_mm(
    matrix: Mapping[tuple[int, int], float],
    header: Mapping[str, Value],
    numbers: Mapping[str, Value],
    projected: bool,
) -> tuple[float, float] | None:
    """Give what a pixel covers along the columns and the rows."""
    unit = str(header.get("CUNIT1", "")).strip().lower()
    degrees = unit.startswith("deg")
    if not degrees and unit and not unit.startswith("arcsec"):
        return None
    steps = [math.hypot(matrix[1, column], matrix[2, column]) for column in (1, 2)]
    if projected:
        step_mm = RSUN_MM / radius_arcsec(numbers) * (3600 if degrees else 1)
    elif degrees or not unit:
        step_mm = math.radians(RSUN_MM)
    else:
        return None
    width, height = (step * step_mm for step in steps)
    return (width, height) if 0 < width < math.inf and 0 < height < math.inf else None


def radius_arcsec(header: Mapping[str, Value]) -> float:
    """Give the Sun's apparent radius: RSUN_OBS, else R_SUN's MDI twin OBS_R0, else from DSUN_OBS, else at 1 AU."""
    for key in ("RSUN_OBS", "OBS_R0", "SOLAR_R"):
        value = header.get(key)
        if isinstance(value, int | float) and 800 < value < 1100:
            return float(value)
    distance = header.get("DSUN_OBS")
    if isinstance(distance, int | float) and distance > 1e9:
        return math.degrees(math.asin(RSUN_MM * 1e6 / distance)) * 3600
    return RSUN_ARCSEC


def _crota(numbers: Mapping[str, Value], matrix: Mapping[tuple[int, int], float] | None) -> float | None:
    """Give the turn by CROTA2, by the matrix, or none where steps stand alone (FITS Standard 4.0, section 8)."""
    if "CROTA2" in numbers:
        return float(numbers["CROTA2"]) % 360
    if matrix is None or not {"PC1_1", "CD1_1", "CDELT1"} & numbers.keys():
        return None
    # Of a mirrored image the columns step the other way round: its turn is told by the rows.
    return math.degrees(math.atan2(-matrix[1, 2], matrix[2, 2])) % 360


def _mirrored(matrix: Mapping[tuple[int, int], float] | None) -> bool | None:
    """Tell whether west and north do not lie as on the sky, whatever the turn; None where that is not known."""
    if matrix is None:
        return None
    return matrix[1, 1] * matrix[2, 2] - matrix[1, 2] * matrix[2, 1] < 0


def _position(
    header: Mapping[str, Value],
    numbers: Mapping[str, Value],
    shape: tuple[int, int],
    matrix: Mapping[tuple[int, int], float] | None,
    projected: bool | None,
) -> tuple[float | None, float | None]:
    """Give longitude from the central meridian and latitude: of the flux (HMI's patches), else of the middle."""
    if {"LON_FWT", "LAT_FWT"} <= numbers.keys():
        return float(numbers["LON_FWT"]), float(numbers["LAT_FWT"])
    if matrix is None or not {"CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2"} <= numbers.keys():
        return None, None
    steps = [(shape[1] + 1) / 2 - float(numbers["CRPIX1"]), (shape[0] + 1) / 2 - float(numbers["CRPIX2"])]
    middle = [float(numbers[f"CRVAL{i}"]) + matrix[i, 1] * steps[0] + matrix[i, 2] * steps[1] for i in (1, 2)]
    if str(header.get("CTYPE1", "")).upper().startswith("HGLN"):
        return middle[0], middle[1]
    if projected is False and "CRLN_OBS" in numbers:
        return (middle[0] - float(numbers["CRLN_OBS"]) + 180) % 360 - 180, middle[1]
    if projected is not True or "CRLT_OBS" not in numbers:
        return None, None
    arcsec = 3600 if str(header.get("CUNIT1", "")).strip().lower().startswith("deg") else 1
    return position_on_disk(middle[0] * arcsec, middle[1] * arcsec, radius_arcsec(numbers), float(numbers["CRLT_OBS"]))


def position_on_disk(x_arcsec: float, y_arcsec: float, radius: float, tilt_deg: float) -> tuple[float, float]:
    """Turn a place west and north of the disk's centre into longitude from the central meridian and latitude, degrees.

    Args:
        x_arcsec: to the west.
        y_arcsec: to the north.
        radius: of the Sun, arcsec.
        tilt_deg: latitude of the disk's centre (CRLT_OBS).

    Returns:
        180, 0 off the disk.
    """
    x, y, tilt = x_arcsec / radius, y_arcsec / radius, math.radians(tilt_deg)
    toward = 1 - x * x - y * y
    if toward < 0:
        return 180.0, 0.0
    # What bulges towards the observer looks larger by its part of the distance, 1/215 at the disk's centre.
    nearer = 1 + math.sqrt(toward) * math.radians(radius / 3600)
    x, y = x / nearer, y / nearer
    z = math.sqrt(1 - x * x - y * y)
    latitude = math.asin(max(-1.0, min(1.0, y * math.cos(tilt) + z * math.sin(tilt))))
    return math.degrees(math.atan2(x, z * math.cos(tilt) - y * math.sin(tilt))), math.degrees(latitude)
