"""What does an image file hold: a field in gauss or the pixels made of one, when, of which region, how good?"""

import datetime as dt
import gzip
import io
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.files import refuse_special
from flarescope.images.fits.apart import damage
from flarescope.images.fits.cards import Value
from flarescope.images.fits.plain_fits import read_plain_fits
from flarescope.images.fits.unusual import read_unusual
from flarescope.images.flags import flags_of
from flarescope.images.instruments import quality_of
from flarescope.images.line_of_sight import HMI_ONLY, Accept, check_header, check_name
from flarescope.images.look import NOTHING_KNOWN, Look, look_of
from flarescope.times import parse_t_rec

FITS_SUFFIXES: Final = (".fits", ".fit", ".fts", ".fits.gz")
PNG_SUFFIXES: Final = (".png",)
JPEG_SUFFIXES: Final = (".jpg", ".jpeg")
"""Of images of the whole disk alone (`disk_picture`)."""

GZIP_MAGIC: Final = b"\x1f\x8b"

LARGEST_FIELD_GAUSS: Final = 10_000.0
"""More than any line-of-sight field of HMI (the published set reaches 5978.7 G): beyond it the file is damaged or in
another unit."""

LARGEST_BYTES: Final = 1 << 30
"""Of an uncompressed FITS file; a full-disk image of HMI has 67 MB as float."""


@dataclass(frozen=True)
class Magnetogram:
    """A line-of-sight magnetic field and what its header says of it.

    Attributes:
        field_gauss: `(H, W)` float64, gauss; NaN where there is no measurement. Rows as they lie in the file:
            nothing is rotated, as in the published set (HMI images and cut-outs have south up, CROTA2 about 180).
        time: T_REC in UTC, or None.
        noaa_ars: NOAA regions that the header names (full numbers), the principal one first; a patch can hold several.
        quality: HMI's QUALITY bits, or None; 0 is good (see `instruments.GOOD_QUALITY`).
        look: its size, scale, orientation and place, as far as the header says them.
        flags: words of `flags.FLAGS`, what of it is unusual whatever the model.

    Example:
        >>> import numpy as np
        >>> field = flarescope.Magnetogram(np.zeros((600, 600)), noaa_ars=(11429, 11430))
        >>> field.noaa_ar
        11429
    """

    field_gauss: np.ndarray
    time: dt.datetime | None = None
    noaa_ars: tuple[int, ...] = ()
    quality: int | None = None
    look: Look = field(default=NOTHING_KNOWN, repr=False)
    flags: tuple[str, ...] = ()

    __repr__ = brief

    @property
    def noaa_ar(self) -> int | None:
        """The principal region, or None."""
        return self.noaa_ars[0] if self.noaa_ars else None

    @cached_property
    def nan_pixels(self) -> int:
        """Number of pixels that are not finite."""
        return int(self.field_gauss.size - np.isfinite(self.field_gauss).sum())


def is_fits(path: Path) -> bool:
    """Tell by its name whether a file is meant to be FITS."""
    return path.name.lower().endswith(FITS_SUFFIXES)


def is_jpeg(path: Path) -> bool:
    """Tell by its name whether a file is meant to be a JPEG."""
    return path.name.lower().endswith(JPEG_SUFFIXES)


def is_image(path: Path, *, whole_disk: bool = False) -> bool:
    """Tell by its name whether a file is meant to be one of ours: FITS or PNG; of the whole disk FITS or JPEG."""
    return path.name.lower().endswith(FITS_SUFFIXES + (JPEG_SUFFIXES if whole_disk else PNG_SUFFIXES))


def read_bytes(path: Path) -> bytes:
    """Read an image file whole, so that no handle stays open; one clear line where that fails."""
    refuse_special(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image; check --images and the table's file names") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not content:
        raise InputError(f"{path}: the file is empty; fetch it again")
    return content


def read_fits(path: str | Path, content: bytes | None = None, *, accept: Accept = HMI_ONLY) -> Magnetogram:
    """Read a FITS magnetogram, the image in the first HDU that holds one; a whole disk too.

    Args:
        path: the file; what a message names.
        content: its bytes, where they are already read.
        accept: what may be read beside HMI's line-of-sight field.

    Raises:
        InputError: a file that is missing, empty, damaged or cut short, or without a two-dimensional image;
            `NotMagnetogramError` where name or header say that it is no line-of-sight field in gauss, or of another
            instrument.

    Example:
        >>> flarescope.read_fits("some.fits").field_gauss.shape
        (600, 600)
    """
    path = Path(path)
    check_name(path)
    content = unzipped(path, read_bytes(path) if content is None else content)
    if not content.startswith(b"SIMPLE"):
        what = "zero bytes" if not content[:80].strip(b"\0") else repr(content[:16])
        raise InputError(f"{path}: damaged or not FITS: it begins with {what}, expected SIMPLE; fetch the file again")
    try:
        plain = read_plain_fits(content)
        field, header = read_unusual(path, content) if plain is None else plain
    except InputError:
        raise
    # astropy has no error of its own for a damaged file: OSError, TypeError, ValueError, KeyError, zlib.error and
    # IndexError were all seen. Nothing here but reading the file can fail.
    except Exception as error:
        raise InputError(f"{path}: {damage(error)}") from error
    return magnetogram_of(path, field, header, accept)


def zero_for_nan(field_gauss: np.ndarray) -> np.ndarray:
    """Give a field with zero where it is NaN or infinite."""
    return np.asarray(np.nan_to_num(field_gauss, nan=0.0, posinf=0.0, neginf=0.0))


def unzipped(path: Path, content: bytes) -> bytes:
    """Give the bytes of a FITS file, unpacked where they are gzipped.

    Raises:
        InputError: a damaged gzip file, or one of more than `LARGEST_BYTES`.
    """
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unzipped = file.read(LARGEST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error}); fetch it again") from error
    if len(unzipped) > LARGEST_BYTES:
        raise InputError(f"{path}: more than {LARGEST_BYTES:,} bytes when unpacked; expected one magnetogram")
    return unzipped


def magnetogram_of(path: Path, field: np.ndarray, header: Mapping[str, Value], accept: Accept) -> Magnetogram:
    """Put a field and its header together.

    Args:
        path: what a message names.
        field: `(H, W)` float64.
        header: keyword in capitals -> value.
        accept: what may be read beside HMI's line-of-sight field.

    Raises:
        InputError: a field stronger than the Sun's; `NotMagnetogramError` where the header says that it is none.
    """
    check_header(path, header, accept)
    check_strength(path, field)
    t_rec = header.get("T_REC")
    look = look_of(header, field.shape)
    return Magnetogram(
        field_gauss=field,
        time=parse_t_rec(t_rec) if isinstance(t_rec, str) else None,
        noaa_ars=regions_named(header),
        quality=quality_of(header),
        look=look,
        flags=flags_of(header, look, named=True),
    )


def check_strength(path: Path, field: np.ndarray) -> None:
    """Refuse a field, `(H, W)` gauss, that is stronger than any on the Sun.

    Raises:
        InputError: beyond `LARGEST_FIELD_GAUSS`.
    """
    extreme = max(-float(field.min()), float(field.max()))
    if not math.isfinite(extreme):
        extreme = float(np.max(np.abs(field), initial=0, where=np.isfinite(field)))
    if extreme > LARGEST_FIELD_GAUSS:
        raise InputError(
            f"{path}: a field of {extreme:.4g} gauss; expected at most {LARGEST_FIELD_GAUSS:,.0f}: "
            "the file is damaged or in another unit"
        )


def regions_named(header: Mapping[str, Value]) -> tuple[int, ...]:
    """Read NOAA_AR and, in the headers of HMI's patches, the list NOAA_ARS such as `11429,11430`.

    NOAA_AR is the region that matches the patch best, and need not be the first of the list; NOAA_NUM, how many the
    list has, says nothing more. 0 and an empty list mean that NOAA numbered none of what the patch shows.

    Returns:
        Full numbers, the principal one first.
    """
    principal = header.get("NOAA_AR")
    listed = str(header.get("NOAA_ARS", "")).replace(",", " ").split()
    numbers = [principal] if isinstance(principal, int) and not isinstance(principal, bool) else []
    numbers += [int(text) for text in listed if text.isdecimal() and len(text) <= 5]
    return tuple(dict.fromkeys(number for number in numbers if 0 < number < 100_000))
