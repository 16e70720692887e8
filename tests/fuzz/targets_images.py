"""Which readers of images are given hostile files, and which whole files do they begin with?"""

import gzip
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from flarescope.images.scan import scan_file
from flarescope.pipeline.cutting import cut_disk

from .harness import Target
from .mutate import fix_png

HEADER = {
    "T_REC": "2011.02.14_20:36:00_TAI",
    "NOAA_AR": 11158,
    "QUALITY": 0,
    "BUNIT": "Gauss",
    "TELESCOP": "SDO/HMI",
    "INSTRUME": "HMI_FRONT2",
    "CONTENT": "MAGNETOGRAM",
    "CDELT1": 0.5043,
    "CDELT2": 0.5043,
    "CROTA2": 180.0,
}


def field(size: int = 24) -> np.ndarray:
    """Make two spots of opposite polarity, `(size, size)` int16 gauss."""
    y, x = np.mgrid[:size, :size] / size
    spots = 900 * np.exp(-((x - 0.3) ** 2 + (y - 0.5) ** 2) / 0.02) - 800 * np.exp(
        -((x - 0.7) ** 2 + (y - 0.5) ** 2) / 0.03
    )
    return (spots + np.random.default_rng(0).normal(0, 20, (size, size))).round().astype(np.int16)


def pngs(folder: Path) -> list[bytes]:
    """Give PNGs of every kind of pixel, interlaced ones and one with text."""
    picture, found = Image.fromarray(((field().astype(float) + 1000) / 8).clip(0, 255).astype(np.uint8)), []
    text = PngImagePlugin.PngInfo()
    for key, value in (("T_REC", HEADER["T_REC"]), ("NOAA_AR", "11158"), ("QUALITY", "0")):
        text.add_text(key, str(value))
    text.add_text("packed", "x" * 500, zip=True)
    text.add_itxt("long", "y" * 500, zip=True)
    for mode in ("L", "RGB", "RGBA", "LA", "P", "1", "I;16"):
        stream = io.BytesIO()
        image = Image.fromarray(field().astype(np.uint16)) if mode == "I;16" else picture.convert(mode)
        image.save(stream, "PNG", pnginfo=text if mode in ("L", "P") else None, icc_profile=b"profile" * 9)
        found.append(stream.getvalue())
    found.append(fix_png(found[0][:28] + b"\1" + found[0][29:]))  # says that it is interlaced
    return found


def fits_files(folder: Path) -> list[bytes]:
    """Give FITS files: integers and floats, scaled, compressed by tiles, by gzip, in an extension."""
    from astropy.io import fits

    image, found = field(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scaled = fits.ImageHDU(image, fits.Header(HEADER))
        scaled.header.update({"BSCALE": 0.1, "BZERO": 3.0, "BLANK": -32768})
        packed = [
            fits.CompImageHDU(pixels, fits.Header(HEADER), compression_type=kind)
            for pixels, kind in (
                (image, "RICE_1"),
                (image.astype("f4"), "RICE_1"),
                (image, "GZIP_1"),
                (abs(image), "PLIO_1"),
                (image.astype("i4"), "HCOMPRESS_1"),
            )
        ]
        for hdus in (
            [fits.PrimaryHDU(image, fits.Header(HEADER))],
            [fits.PrimaryHDU(image.astype("f4"), fits.Header(HEADER))],
            [fits.PrimaryHDU(), scaled],
            *([fits.PrimaryHDU(), one] for one in packed),
        ):
            stream = io.BytesIO()
            fits.HDUList(hdus).writeto(stream, checksum=len(found) % 2 == 0)
            found.append(stream.getvalue())
    return [*found, gzip.compress(found[0])]


def disks(folder: Path) -> list[bytes]:
    """Give whole disks of few and wide pixels, and leave the summary that names a region there."""
    from astropy.io import fits

    (folder / "SRS.txt").write_text(SUMMARY)
    grid = {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec"}
    place = {
        "CRPIX1": 80.5,
        "CRPIX2": 80.5,
        "CDELT1": 12.6,
        "CDELT2": 12.6,
        "DSUN_OBS": 1.48e11,
        "CRLT_OBS": -6.8,
        "CRLN_OBS": 20.0,
        "RSUN_REF": 6.96e8,
    }
    header, found = fits.Header(HEADER | grid | place), []
    for image in (field(160), field(160).astype("f4")):
        for hdu in (fits.PrimaryHDU(image, header), fits.CompImageHDU(image, header)):
            stream = io.BytesIO()
            hdu.writeto(stream)
            found.append(stream.getvalue())
    return found


def jpegs(folder: Path) -> list[bytes]:
    """Give grey and coloured JPEGs of a disk in a black sky, baseline and progressive."""
    y, x = np.mgrid[:96, :96] - 47.5
    pixels = np.where(np.hypot(x, y) < 44, field(96).astype(float) / 8 + 127.5, 0).clip(0, 255).astype(np.uint8)
    found = []
    for mode, options in (("L", {}), ("L", {"progressive": True}), ("RGB", {}), ("CMYK", {})):
        stream = io.BytesIO()
        Image.fromarray(pixels).convert(mode).save(stream, "JPEG", **options)
        found.append(stream.getvalue())
    return found


def cut(path: Path) -> None:
    """Cut the summary's region out of a disk, if it is one."""
    with warnings.catch_warnings(action="ignore"):
        cut_disk(path, regions=[path.parent / "SRS.txt"], out=path.parent / "out", instrument_ok=True)


SUMMARY = """:Product: 0215SRS.txt
:Issued: 2011 Feb 15 0030 UTC
SRS Number 46 Issued at 0030Z on 15 Feb 2011
I.  Regions with Sunspots.  Locations Valid at 14/2400Z
Nmbr Location  Lo  Area  Z   LL   NN Mag Type
1158 S21W12    034  0600 Ekc  15   40 Beta-Gamma
IA. H-alpha Plages without Spots.  Locations Valid at 14/2400Z Feb
Nmbr  Location  Lo
None
II. Regions Due to Return 15 Feb to 17 Feb
Nmbr Lat    Lo
None
"""

TARGETS = {
    "disk": Target("a.fits", disks, cut),
    "jpeg": Target("a.jpg", jpegs, lambda path: scan_file(str(path), whole_disk=True)),
    "png": Target("a.png", pngs, lambda path: scan_file(str(path)), fix_png),
    "fits": Target("a.fits", fits_files, lambda path: scan_file(str(path))),
}
