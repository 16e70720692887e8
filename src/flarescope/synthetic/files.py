"""How do made active regions become image files in the layout of the published data set?"""

import datetime as dt
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, PngImagePlugin

from flarescope.errors import InputError
from flarescope.files import atomic_path
from flarescope.images.render import scale_field
from flarescope.images.resize import resize_field
from flarescope.region_numbers import NOAA_OFFSET
from flarescope.synthetic.field import PIXEL_ARCSEC, SyntheticRegion, region_field
from flarescope.synthetic.regions import image_hours, region_times

PNG_FOLDER: Final = "Lat60_Lon60_Nans0_png_224"
FITS_FOLDER: Final = "Lat60_Lon60_Nans0"
"""Folders of the published sets: 224x224 PNG and 600x600 FITS."""

FORMATS: Final = ("png", "fits")

BSCALE_GAUSS: Final = 0.1
"""Step of the stored integers, as in hmi.M_720s."""

NOTE: Final = "SYNTHETIC MAGNETOGRAM"
"""What every file says of itself: CONTENT in a FITS header, the text chunk Comment in a PNG."""


def image_name(region: SyntheticRegion, time_tai: dt.datetime, image_format: str) -> str:
    """Name an image as the published sets do.

    Args:
        region: the region.
        time_tai: T_REC, TAI without a zone.
        image_format: `png` or `fits`.

    Returns:
        Such as `3001/3001_hmi.M_720s.20110214_053600_TAI.1.magnetogram_224.png`, relative to the folder of the format.
    """
    number = region.noaa_ar - NOAA_OFFSET
    ending = "_224.png" if image_format == "png" else ".fits"
    return f"{number}/{number}_hmi.M_720s.{time_tai:%Y%m%d_%H%M%S}_TAI.1.magnetogram{ending}"


def write_synthetic_images(
    directory: Path,
    regions: Sequence[SyntheticRegion],
    *,
    images_per_region: int,
    formats: Sequence[str] = FORMATS,
    fits_every: int = 1,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write the images of made regions in the published layout.

    Each file is written whole under a temporary name and then renamed: what carries a final name is complete.

    Args:
        directory: gets `Lat60_Lon60_Nans0_png_224/` and `Lat60_Lon60_Nans0/`.
        regions: from `synthetic_regions`.
        images_per_region: images of each; the same number that the regions were made for.
        formats: `png`, `fits`, or both. Both show the same field to the last 0.1 G.
        fits_every: write FITS for the first image of a region and every so-many-th after it; 1 for all. A FITS file
            takes some 30 times the space of a PNG.
        progress: told how many images are done since the last call.

    Returns:
        The files, relative to `directory`, in order of region, time and format.

    Raises:
        InputError: an unknown format.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise InputError(f"formats {', '.join(formats) or 'none'}; expected png, fits or both")
    if fits_every < 1:
        raise InputError(f"fits_every {fits_every}; expected at least 1")
    files: list[Path] = []
    for region in regions:
        files += _write_region(
            directory, region, images=images_per_region, formats=tuple(formats), fits_every=fits_every
        )
        if progress is not None:
            progress(images_per_region)
    return files


def _write_region(
    directory: Path, region: SyntheticRegion, *, images: int, formats: tuple[str, ...], fits_every: int
) -> list[Path]:
    files = []
    for i, (time, hours) in enumerate(zip(region_times(region, images), image_hours(images), strict=True)):
        tenths = np.round(region_field(region, float(hours)) / np.float32(BSCALE_GAUSS)).astype(np.int32)
        for image_format in formats:
            if image_format == "fits" and i % fits_every:
                continue
            folder = PNG_FOLDER if image_format == "png" else FITS_FOLDER
            file = Path(folder) / image_name(region, time, image_format)
            with atomic_path(directory / file) as temporary:
                if image_format == "png":
                    _save_png(tenths, temporary)
                else:
                    _save_fits(tenths, region, time, float(hours), temporary)
            files.append(file)
    return files


def _save_png(tenths: np.ndarray, path: Path) -> None:
    pixels = np.clip(np.round(scale_field(resize_field(tenths * BSCALE_GAUSS))), 0, 255).astype(np.uint8)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", f"{NOTE}: made by flarescope, no observation")
    Image.fromarray(pixels).save(path, format="PNG", pnginfo=text)


def _save_fits(tenths: np.ndarray, region: SyntheticRegion, time: dt.datetime, hours: float, path: Path) -> None:
    from astropy.io import fits

    # RICE_1 compresses integers without loss; BSCALE turns them into gauss on reading.
    image = fits.CompImageHDU(data=tenths, compression_type="RICE_1")
    for keyword, (value, comment) in _cards(region, time, hours).items():
        image.header[keyword] = (value, comment)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits.HDUList([fits.PrimaryHDU(), image]).writeto(path)


def _cards(region: SyntheticRegion, time: dt.datetime, hours: float) -> dict[str, tuple[Any, str]]:
    return {
        "BSCALE": (BSCALE_GAUSS, ""),
        "BZERO": (0.0, ""),
        "BUNIT": ("Gauss", ""),
        "CONTENT": (NOTE, "no observation"),
        "TELESCOP": ("SYNTHETIC", "made by flarescope"),
        "INSTRUME": ("SYNTHETIC", "in the manner of SDO/HMI"),
        "ORIGIN": ("flarescope", ""),
        "T_REC": (f"{time:%Y.%m.%d_%H:%M:%S}_TAI", ""),
        "CADENCE": (720.0, "[s]"),
        "QUALITY": (0, ""),
        "NOAA_AR": (region.noaa_ar, "never assigned by NOAA in 2010-2018"),
        "LON_FWT": (round(region.longitude_at(hours), 6), "[deg] from the central meridian"),
        "LAT_FWT": (round(region.latitude_deg, 6), "[deg]"),
        "CDELT1": (PIXEL_ARCSEC, "[arcsec]"),
        "CDELT2": (PIXEL_ARCSEC, "[arcsec]"),
        "CUNIT1": ("arcsec", ""),
        "CUNIT2": ("arcsec", ""),
        "CROTA2": (180.0, "south is up"),
    }
