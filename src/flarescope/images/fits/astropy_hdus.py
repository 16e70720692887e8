"""How are the HDUs of a FITS file read with astropy: opened, decoded, scaled, described?"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from flarescope.errors import InputError
from flarescope.images.fits.cards import Value
from flarescope.images.fits.plain_fits import DESCRIBING_KEYS, scaled

Read = tuple[np.ndarray, dict[str, Value]]


@contextlib.contextmanager
def opened(content: bytes, **options: bool) -> Iterator[Iterator[Any]]:
    """Open a FITS file's bytes with astropy, and give its HDUs as they come, each with a mended header.

    One after the other, and not at once: where the counts of a header are negative, astropy comes to the same HDU again
    and again.
    """
    from astropy.io import fits

    with warnings.catch_warnings():
        # A truncated file only warns, and says so again as an error when its data are read.
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False, do_not_scale_image_data=True, **options) as hdus:
            yield map(_mended, hdus)


def _mended(hdu: Any) -> Any:  # noqa: ANN401 - astropy is untyped
    """Mend what is invalid in HMI's headers: BLANK beside floats, units that astropy does not know."""
    hdu.verify("silentfix")
    return hdu


def decode(path: Path, content: bytes, number: int) -> Read:
    """Read one compressed HDU, with astropy's decoders: only in a process that may die of it."""
    with opened(content) as hdus:
        hdu = next(islice(hdus, number, None))
        return flat(path, hdu), description(hdu.header)


def flat(path: Path, hdu: Any) -> np.ndarray:  # noqa: ANN401 - astropy is untyped
    """Give an image's field in two dimensions, scaled."""
    blank = hdu.header.get("BLANK")
    field = scaled(
        hdu.data, hdu.header.get("BSCALE", 1), hdu.header.get("BZERO", 0), blank if isinstance(blank, int) else None
    )
    while field.ndim > 2 and field.shape[0] == 1:
        field = field[0]
    if field.ndim != 2 or not field.size:
        raise InputError(f"{path}: the image has shape {hdu.data.shape}; expected two dimensions")
    return field


def description(header: Any) -> dict[str, Value]:  # noqa: ANN401 - astropy is untyped
    """Give those of `DESCRIBING_KEYS` that a header has."""
    said = {keyword: header[keyword] for keyword in DESCRIBING_KEYS if keyword in header}
    return {keyword: value for keyword, value in said.items() if isinstance(value, str | int | float)}
