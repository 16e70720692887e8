"""What stands in for an image of the whole disk? A small one, of a Sun four times as far away: nothing here is real."""

from pathlib import Path

import numpy as np
from astropy.io import fits

SIZE = 1024
RADIUS_ARCSEC = 240.0
CARDS = {
    **{"TELESCOP": "SDO/HMI", "INSTRUME": "HMI_FRONT2", "CONTENT": "MAGNETOGRAM", "BUNIT": "Gauss", "CAMERA": 3},
    **{"T_REC": "2016.07.07_01:00:00_TAI", "DATE-OBS": "2016-07-07T00:58:00", "QUALITY": 0, "WCSNAME": "fake"},
    **{"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec"},
    **{"CRPIX1": 512.5, "CRPIX2": 514.5, "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": 0.504, "CDELT2": 0.504},
    **{"CROTA2": 180.0, "CRLT_OBS": 3.5, "HGLN_OBS": 0.0, "RSUN_REF": 696e6},
    "DSUN_OBS": 696e6 / np.sin(np.radians(RADIUS_ARCSEC / 3600)),
}


def disk_field(seed: int = 0) -> np.ndarray:
    """Noise in whole steps of 0.1 G on the disk, NaN off it."""
    field = np.round(np.random.default_rng(seed).normal(0, 50, (SIZE, SIZE)), 1)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    off = np.hypot(columns - 511.5, rows - 513.5) * 0.504 > RADIUS_ARCSEC
    field[off] = np.nan
    return field


def write_disk(path: Path, field: np.ndarray | None = None, **cards: object) -> Path:
    """Write it as an image of 64-bit floats; a card that is None is left out."""
    hdu = fits.PrimaryHDU(disk_field() if field is None else field)
    hdu.header.update({key: value for key, value in (CARDS | cards).items() if value is not None})
    hdu.writeto(path, overwrite=True)
    return path


def write_summary(path: Path, *rows: str, day: str = "07 Jul 2016", before: str = "06", plages: tuple[str, ...] = ()):
    """Write a Solar Region Summary with some rows of section I, and one region that is due to return."""
    number, month, year = day.split()
    text = [
        ":Product: SRS.txt",
        f":Issued: {year} {month} {number} 0030 UTC",
        f"SRS Number 189 Issued at 0030Z on {day}",
        f"I.  Regions with Sunspots.  Locations Valid at {before}/2400Z",
        "Nmbr Location  Lo  Area  Z   LL   NN Mag Type",
        *(rows or ("None",)),
        f"IA. H-alpha Plages without Spots.  Locations Valid at {before}/2400Z {month}",
        "Nmbr  Location  Lo",
        *(plages or ("None",)),
        f"II. Regions Due to Return {number} {month} to 09 {month}",
        "Nmbr Lat    Lo",
        "2550 N12    190",
    ]
    path.write_text("\n".join(text) + "\n")
    return path
