"""What does a FITS header say of time, region and place on the Sun, and what of it holds for a smaller image?"""

import io
import math
import warnings
from collections.abc import Mapping
from typing import Any, Final

KEPT_KEYS: Final = (
    *("T_REC", "T_OBS", "DATE-OBS", "TELESCOP", "INSTRUME", "CAMERA", "CONTENT", "BUNIT", "QUALITY"),
    *("NOAA_AR", "NOAA_NUM", "NOAA_ARS", "HARPNUM", "CAR_ROT", "WCSNAME"),
    *("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2", "LONPOLE", "LATPOLE"),
    *("DSUN_OBS", "RSUN_OBS", "RSUN_REF", "CRLN_OBS", "CRLT_OBS", "HGLN_OBS", "HGLT_OBS", "OBS_VR", "OBS_VW", "OBS_VN"),
)
"""Keywords that mean the same for an image of another size; Thompson 2006 (A&A 449, 791) and JSOC's own."""

_MATRIX_KEYS: Final = (
    *("CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2"),
    *("PC1_1", "PC1_2", "PC2_1", "PC2_2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"),
)

Values = dict[str, str | int | float]


def header_values(content: bytes) -> Values:
    """Read the kept keywords, and those of the pixel grid, from the first header that describes an image.

    Args:
        content: a FITS file whose image is in its first HDU, or in the next one after an empty first.

    Returns:
        Keyword -> value; keywords that are missing, empty or not valid FITS are left out (HMI headers hold such cards).
        Nothing where no header stands where it is looked for.
    """
    from astropy.io import fits

    stream = io.BytesIO(content)
    with warnings.catch_warnings(action="ignore"):  # of invalid cards, and of characters that are not ASCII
        try:
            header = fits.Header.fromfile(stream)
            if _value(header, "NAXIS") == 0:
                header = fits.Header.fromfile(stream)
        except (OSError, EOFError, ValueError):
            return {}
        values = {key: _value(header, key) for key in KEPT_KEYS + _MATRIX_KEYS}
    return {key: value for key, value in values.items() if value is not None}


def _value(header: Any, key: str) -> str | int | float | None:  # noqa: ANN401 - astropy is untyped
    from astropy.io.fits import VerifyError

    try:
        value = header.get(key)
    except (VerifyError, ValueError):
        return None
    if isinstance(value, str):  # FITS 4.0, 4.2.1: printable ASCII
        return value.strip() or None if value.isascii() and value.isprintable() else None
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def resized_grid(values: Mapping[str, str | int | float], old: tuple[int, int], new: tuple[int, int]) -> Values:
    """Give the keywords of the pixel grid after an image is resized.

    A pixel of the new image is `old / new` pixels wide, and the image's outer edges, at 0.5 and n + 0.5 where FITS
    counts from 1, stay where they are.

    Args:
        values: as `header_values` gives them.
        old: height and width of the image that the header describes.
        new: height and width of the resized one.

    Returns:
        CRPIX1, CRPIX2 and the matrix CDi_j, in the units of CUNITi a pixel; nothing where the header has no grid.
    """
    matrix = pixel_matrix(values)
    if matrix is None:
        return {}
    factors = (old[1] / new[1], old[0] / new[0])  # along FITS axis 1, the columns, and axis 2, the rows
    grid: Values = {f"CRPIX{axis}": (float(values[f"CRPIX{axis}"]) - 0.5) / factors[axis - 1] + 0.5 for axis in (1, 2)}
    for (row, column), value in matrix.items():
        grid[f"CD{row}_{column}"] = value * factors[column - 1]
    return grid


def pixel_matrix(values: Mapping[str, str | int | float]) -> dict[tuple[int, int], float] | None:
    """Give the CDi_j matrix of any of the three ways in which a header says it (Greisen & Calabretta 2002, 2.1.2)."""
    places = [(row, column) for row in (1, 2) for column in (1, 2)]
    if "CRPIX1" not in values or "CRPIX2" not in values:
        return None
    if any(f"CD{row}_{column}" in values for row, column in places):
        return {(row, column): float(values.get(f"CD{row}_{column}", 0)) for row, column in places}
    if "CDELT1" not in values or "CDELT2" not in values:
        return None
    delta = {1: float(values["CDELT1"]), 2: float(values["CDELT2"])}
    if any(f"PC{row}_{column}" in values for row, column in places):
        return {
            (row, column): delta[row] * float(values.get(f"PC{row}_{column}", row == column)) for row, column in places
        }
    angle = math.radians(float(values.get("CROTA2", 0)))
    cosine, sine = math.cos(angle), math.sin(angle)
    return {
        (1, 1): delta[1] * cosine,
        (1, 2): -delta[2] * sine,
        (2, 1): delta[1] * sine,
        (2, 2): delta[2] * cosine,
    }
