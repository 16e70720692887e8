"""How is a patch written so that whoever reads the published cut-outs reads it too?"""

import datetime as dt
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.disk.patches import Patch
from flarescope.disk.view import Value
from flarescope.files import atomic_path
from flarescope.region_numbers import short_region
from flarescope.times import utc_to_tai

STEP_GAUSS: Final = 0.1
"""Step of the stored integers of hmi.M_720s (BSCALE)."""

BLANK: Final = -(2**31)
"""What stands for NaN among them, as in HMI's files."""

Cards = dict[str, tuple[Any, str]]

_NO_NAME: Final = re.compile(r"[^a-z0-9-]")
_SERIES: Final = re.compile(r"((?:hmi|mdi)\.[A-Za-z0-9_]+)\.\d{8}_\d{6}_TAI", re.IGNORECASE)


def patch_name(noaa_ar: int, time: dt.datetime, source: str, header: Mapping[str, Value]) -> str:
    """Name a patch as the published set does.

    Args:
        noaa_ar: NOAA's full number.
        time: T_REC, UTC.
        source: name of the disk's file, which may name its series.
        header: of the disk; `CAMERA` is a part of the name.

    Returns:
        Such as `1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram.fits`, with `/` as separator.
    """
    number = short_region(noaa_ar)
    found = _SERIES.search(source)
    instrument = _NO_NAME.sub("", str(header.get("INSTRUME", "")).partition("_")[0].lower()) or "unnamed"
    series = found[1] if found else "hmi.M_720s" if instrument == "hmi" else f"{instrument}.M"
    stamp = f"{utc_to_tai(pd.DatetimeIndex([time]))[0]:%Y%m%d_%H%M%S}_TAI"
    camera = header.get("CAMERA", 1)
    return f"{number}/{number}_{series}.{stamp}.{camera if isinstance(camera, int) else 1}.magnetogram.fits"


def patch_cards(
    header: Mapping[str, Value], patch: Patch, region: Mapping[Any, Any], noaa_ars: Sequence[int], source: str
) -> Cards:
    """Give a patch's header: the disk's, with the grid moved to the patch, and the region.

    Args:
        header: of the disk: time, instrument, QUALITY, observer and grid, which hold for a part as well.
        patch: the square.
        region: a row of `places.place_regions`.
        noaa_ars: regions that it shows, the principal one first.
        source: name of the disk's file.
    """
    cards: Cards = {key: (value, "") for key, value in header.items()}
    for key, first in (("CRPIX1", patch.first_column), ("CRPIX2", patch.first_row)):
        cards[key] = (float(header[key]) - first, "[pixel] of the Sun's centre")
    values = patch.field_gauss.size
    cards |= {
        "NOAA_AR": (noaa_ars[0], "region that it was cut for"),
        "NOAA_NUM": (len(noaa_ars), "regions whose place is in the patch"),
        "NOAA_ARS": (",".join(map(str, noaa_ars)), ""),
        "AR_LON": (round(float(region["lon_deg"]), 4), "[deg] west, at T_REC"),
        "AR_LAT": (round(float(region["lat_deg"]), 4), "[deg] north"),
        "SRS_TIME": (f"{region['day']:%Y-%m-%dT%H:%M:%S}", "UTC of NOAA's position"),
        "TOTVALS": (values, "pixels"),
        "DATAVALS": (values - patch.nan_pixels, "with a value"),
        "MISSVALS": (patch.nan_pixels, "without one (NaN)"),
        "OFFDISK": (patch.off_disk, "beyond the limb, with a value or not"),
        "MISSDISK": (patch.missing, "on the disk without a value"),
        "FLAGS": (",".join(patch.flags), ""),
        "PARENT": (source[:60], ""),
    }
    return cards


def write_patch(path: Path, patch: Patch, cards: Cards) -> None:
    """Write a patch in the second HDU, behind an empty one, as the published cut-outs lie.

    A field in whole steps of 0.1 G, as HMI's are, is stored as integers and Rice-compressed, without loss. Any other
    would be rounded by that, and is stored plain, in 32-bit floats.

    Args:
        path: written whole or not at all.
        patch: the square.
        cards: of its header.
    """
    from astropy.io import fits

    field = patch.field_gauss
    known = np.isfinite(field)
    steps = np.rint(np.where(known, field, 0.0) / STEP_GAUSS)
    if np.allclose(steps * STEP_GAUSS, np.where(known, field, 0.0), rtol=0, atol=1e-6):
        image = fits.CompImageHDU(np.where(known, steps, BLANK).astype(np.int32), compression_type="RICE_1")
        cards = {**cards, "BSCALE": (STEP_GAUSS, ""), "BZERO": (0.0, ""), "BLANK": (BLANK, "")}
    else:
        image = fits.ImageHDU(field.astype(np.float32))
    for keyword, (value, comment) in cards.items():
        image.header[keyword] = (value, comment)
    with warnings.catch_warnings(action="error"), atomic_path(path) as temporary:
        fits.HDUList([fits.PrimaryHDU(), image]).writeto(temporary)
