"""How does a field become the network's pixels?

A rendering has a name, which goes into the key of every cached feature: other pixels, other features.
"""

import datetime as dt
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.images.line_of_sight import HMI_ONLY, Accept
from flarescope.images.look import NOTHING_KNOWN, Look
from flarescope.images.magnetogram import Magnetogram, is_fits
from flarescope.images.region import read_region, read_region_png

FIELD_LIMIT_GAUSS: Final = 5978.7
"""Largest absolute field of the published FITS set; the scale of its pixels (Boucheron et al. 2023)."""

SIZE: Final = 224
"""Height and width of the rendered pixels."""

_STRIP: Final = 8
"""Output pixels that are resized at a time: the fastest of 4, 8, 16 and 32, and for 600x600 small enough that OpenBLAS
does not start threads of its own, which would take the network's cores (m n k at most 262,144)."""

NAN_POLICIES: Final = ("error", "zero")


@dataclass(frozen=True)
class Rendering:
    """A named way from a file to pixels.

    Attributes:
        name: `reference-png` or `reference-fits`.
        nan: what NaN pixels of a FITS file do: `error` refuses the file, `zero` makes them zero field.
    """

    name: str
    nan: str = "error"

    def __post_init__(self) -> None:
        if self.name not in ("reference-png", "reference-fits"):
            raise InputError(f"rendering {self.name!r} is not known; expected reference-png or reference-fits")
        if self.nan not in NAN_POLICIES:
            raise InputError(f"--nan {self.nan}: expected error or zero")

    @property
    def id(self) -> str:
        """What the cache key and the model file say: the name, and the NaN policy where it changes pixels."""
        return self.name + ("+nan-zero" if self.name == "reference-fits" and self.nan == "zero" else "")

    @classmethod
    def from_id(cls, text: str) -> "Rendering":
        """Read an `id` back."""
        name, plus, _ = text.partition("+nan-zero")
        return cls(name, "zero" if plus else "error")

    @classmethod
    def for_file(cls, filename: str, nan: str = "error") -> "Rendering":
        """Choose the reference rendering for a file by its name: FITS, or else PNG."""
        return cls("reference-fits" if is_fits(Path(filename)) else "reference-png", nan)


@functools.lru_cache(maxsize=64)
def resize_operator(size: int) -> np.ndarray:
    """Give the matrix that resizes one axis as the reference recipe does.

    The recipe's `skimage.transform.resize(order=1, mode='reflect', anti_aliasing=True)` is linear and separable, so
    `R @ field @ C.T` equals it to rounding, with R and C the operators of the two axes.

    Args:
        size: length of the axis in pixels, at least 1.

    Returns:
        `(224, size)` float64, rows summing to 1, not writeable.
    """
    from skimage.transform import resize

    operator: np.ndarray = resize(  # type: ignore[no-untyped-call]
        np.eye(size), (SIZE, size), order=1, mode="reflect", clip=True, preserve_range=True, anti_aliasing=True
    )
    operator.setflags(write=False)
    return operator


@functools.lru_cache(maxsize=64)
def _strips(size: int) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """Cut `resize_operator` into strips without its zeros: each output pixel is made of a few neighbouring inputs.

    Returns:
        Output pixels, input pixels that they are made of, and the operator between them.
    """
    operator = resize_operator(size)
    strips = []
    for start in range(0, SIZE, _STRIP):
        rows = slice(start, start + _STRIP)
        used = np.flatnonzero(operator[rows].any(axis=0))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        strips.append((rows, columns, np.ascontiguousarray(operator[rows, columns])))
    return tuple(strips)


def resize_field(field_gauss: np.ndarray) -> np.ndarray:
    """Resize a field of any size to `(224, 224)`, equal to the reference's scikit-image call to 1e-9.

    Args:
        field_gauss: `(H, W)` float, gauss, finite.

    Returns:
        float64.
    """
    rows, columns = field_gauss.shape
    flat = np.empty((SIZE, columns))
    for new, old, operator in _strips(rows):
        np.matmul(operator, field_gauss[old], out=flat[new])
    resized = np.empty((SIZE, SIZE))
    for new, old, operator in _strips(columns):
        np.matmul(flat[:, old], operator.T, out=resized[:, new])
    return resized


def scale_field(field_gauss: np.ndarray) -> np.ndarray:
    """Scale a field to pixels, -5978.7 .. +5978.7 G to 0 .. 255, not rounded and not clipped."""
    return (field_gauss + FIELD_LIMIT_GAUSS) / (2 * FIELD_LIMIT_GAUSS) * 255


def field_of_pixels(pixels: np.ndarray) -> np.ndarray:
    """Give the field in gauss that pixels 0..255 stand for (the inverse of `scale_field`)."""
    return pixels / 255 * (2 * FIELD_LIMIT_GAUSS) - FIELD_LIMIT_GAUSS


def render_field(field_gauss: np.ndarray) -> np.ndarray:
    """Render a field as the reference recipe renders FITS.

    Args:
        field_gauss: `(H, W)` float, gauss, finite.

    Returns:
        `(1, 224, 224)` float32, about 0..255: one channel, which stands for three equal ones.

    Example:
        >>> flarescope.render_field(flarescope.read_fits("some.fits").field_gauss).shape
        (1, 224, 224)
    """
    return scale_field(resize_field(field_gauss)).astype(np.float32)[np.newaxis]


def _nearest(size: int) -> np.ndarray:
    """Give the index of the source pixel under each of 224 pixels' centres, `(224,)`."""
    row = Image.fromarray(np.arange(size, dtype=np.int32)[np.newaxis])
    index: np.ndarray = np.asarray(row.resize((SIZE, 1), Image.Resampling.NEAREST))[0]
    return index


def render_png(pixels: np.ndarray) -> np.ndarray:
    """Render decoded PNG pixels: nearest neighbour to 224x224 where the size differs.

    Args:
        pixels: `(H, W)` or `(H, W, 3)`, 0..255.

    Returns:
        `(1, 224, 224)` or `(3, 224, 224)` float32, 0..255, RGB.
    """
    if pixels.shape[:2] != (SIZE, SIZE):
        nearest = [_nearest(n) for n in pixels.shape[:2]]
        pixels = pixels[np.ix_(nearest[0], nearest[1])]
    channels_last = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    return np.ascontiguousarray(np.moveaxis(channels_last, -1, 0), dtype=np.float32)


@dataclass(frozen=True)
class Rendered:
    """What rendering a file gives.

    Attributes:
        pixels: `(1, 224, 224)` or, for a colour PNG, `(3, 224, 224)` float32, about 0..255, RGB.
        noaa_ars: regions that the FITS header, or the text of a PNG, names, the principal one first.
        time: of the observation by header or text, UTC, or None.
        look: what is known of scale, orientation and place.
        flags: words of `flags.FLAGS`, what of the image is unusual whatever the model.
    """

    pixels: np.ndarray
    noaa_ars: tuple[int, ...] = ()
    time: dt.datetime | None = None
    look: Look = NOTHING_KNOWN
    flags: tuple[str, ...] = ()


def render(path: Path, rendering: Rendering, content: bytes | None = None, *, accept: Accept = HMI_ONLY) -> Rendered:
    """Read a file and render it, if it is a line-of-sight magnetogram of one region.

    Args:
        path: a PNG for `reference-png`, a FITS file for `reference-fits`.
        rendering: which way.
        content: the file's bytes, where they are already read.
        accept: what may be read beside HMI's line-of-sight field.

    Raises:
        InputError: an unreadable file, NaN pixels under `nan="error"`, a file of the other kind;
            `NotMagnetogramError` for one that holds something else.
    """
    if (rendering.name == "reference-fits") != is_fits(path):
        kind = "FITS" if rendering.name == "reference-fits" else "PNG"
        raise InputError(f"{path}: expected a {kind} file; the images of a table are all of one kind")
    if rendering.name == "reference-png":
        image = read_region_png(path, content, accept=accept)
        return Rendered(render_png(image.pixels), image.noaa_ars, image.time, image.look, image.flags)
    return render_magnetogram(path, read_region(path, content, accept=accept), rendering.nan)


def render_magnetogram(path: Path, magnetogram: Magnetogram, nan: str) -> Rendered:
    """Render a field as the reference recipe renders FITS.

    Args:
        path: what a message names.
        magnetogram: the field and what is known of it.
        nan: what NaN pixels do, `error` or `zero`.

    Raises:
        InputError: NaN pixels under `error`.
    """
    field = magnetogram.field_gauss
    if magnetogram.nan_pixels:
        if nan == "error":
            pixels = of_them(magnetogram.nan_pixels, field.size, "pixel", "is", "are")
            raise InputError(
                f"{path}: {pixels} NaN; leave the image out, or take them for zero field (--nan zero; from Python "
                "Compute(nan='zero'))"
            )
        field = np.nan_to_num(field, nan=0.0, posinf=0.0, neginf=0.0)
    return Rendered(render_field(field), magnetogram.noaa_ars, magnetogram.time, magnetogram.look, magnetogram.flags)
