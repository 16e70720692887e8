"""Is a file the line-of-sight magnetogram of one region, and what does it hold?"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flarescope.images.flags import flags_of
from flarescope.images.instruments import quality_of
from flarescope.images.line_of_sight import HMI_ONLY, Accept, check_header, check_name
from flarescope.images.look import Look, look_of_png
from flarescope.images.magnetogram import Magnetogram, read_bytes, read_fits, regions_named
from flarescope.images.plausible import check_field, check_pixels
from flarescope.images.png import read_png
from flarescope.images.png_text import png_header
from flarescope.times import parse_t_rec


@dataclass(frozen=True)
class PngImage:
    """The pixels of a magnetogram's PNG, and what its texts say of it.

    Attributes:
        pixels: as `png.read_png` gives them.
        look: what is known of its scale, orientation and place.
        time: T_REC in UTC, or None.
        noaa_ars: regions that the texts name, the principal one first.
        quality: HMI's QUALITY bits, or None.
        flags: words of `flags.FLAGS`.
    """

    pixels: np.ndarray
    look: Look
    time: dt.datetime | None = None
    noaa_ars: tuple[int, ...] = ()
    quality: int | None = None
    flags: tuple[str, ...] = ()

    @property
    def noaa_ar(self) -> int | None:
        """The principal region, or None."""
        return self.noaa_ars[0] if self.noaa_ars else None


def read_region(path: Path, content: bytes | None = None, *, accept: Accept = HMI_ONLY) -> Magnetogram:
    """Read a FITS file as `magnetogram.read_fits` does, and refuse what shows no region.

    Raises:
        InputError: it cannot be read; `NotMagnetogramError` where it holds something else, or a whole disk.
    """
    magnetogram = read_fits(path, content, accept=accept)
    check_field(path, magnetogram.field_gauss, magnetogram.look)
    return magnetogram


def read_region_png(path: Path, content: bytes | None = None, *, accept: Accept = HMI_ONLY) -> PngImage:
    """Read a PNG in the scale of the published set; one without texts is judged by name, size and values alone.

    Raises:
        InputError: it cannot be read; `NotMagnetogramError` where it holds something else, or a whole disk.
    """
    check_name(path)
    content = read_bytes(path) if content is None else content
    pixels = read_png(path, content)
    header = png_header(content)
    check_header(path, header, accept)
    look = look_of_png(path.name, header, pixels.shape[:2])
    check_pixels(path, pixels, look)
    return PngImage(
        pixels,
        look,
        parse_t_rec(str(header.get("T_REC", ""))),
        regions_named(header),
        quality_of(header),
        flags_of(header, look, named=False),
    )
