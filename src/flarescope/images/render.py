"""How does a field become the network's pixels?

A rendering has a name, which goes into the key of every cached feature: other pixels, other features.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.images.disk_picture import FOR_DISK_MODELS, DiskPicture, read_disk
from flarescope.images.line_of_sight import HMI_ONLY, Accept, NotMagnetogramError
from flarescope.images.look import NOTHING_KNOWN, Look
from flarescope.images.magnetogram import Magnetogram, is_fits, is_jpeg, zero_for_nan
from flarescope.images.region import read_region, read_region_png
from flarescope.images.resize import SIZE, resize_field

FIELD_LIMIT_GAUSS: Final = 5978.7
"""Largest absolute field of the published FITS set; the scale of its pixels (Boucheron et al. 2023)."""

LARGEST_SIZE: Final = 4096
"""Pixels a side: a whole disk of HMI."""

NAN_POLICIES: Final = ("error", "zero")

RENDERINGS: Final = ("reference-png", "reference-fits", "smooth-png", "helioviewer-jpeg", "disk-fits", "given")

DISK_LIMIT_GAUSS: Final = 256.0
"""A field of the whole disk is cut there before it is resized, and -256 .. +256 G are 0 .. 255: in the scale of one
region, twenty times as wide, averages of hundreds of pixels would all lie within a level or two of zero field. A choice
of ours, tried on no long set."""


@dataclass(frozen=True)
class PixelForm:
    """Which pixels a network takes.

    Attributes:
        size: height and width.
        resize: what is done to a PNG of another size: `nearest` neighbour, as in the reference recipe, or `smooth`, as
            fields of FITS files are resized.
    """

    size: int = SIZE
    resize: str = "nearest"


REFERENCE: Final = PixelForm()
"""Of the reference recipe."""


@dataclass(frozen=True)
class Rendering:
    """A named way from a file to pixels.

    Attributes:
        name: `reference-png` and `reference-fits` as the reference recipe renders these files, `smooth-png` as
            `reference-fits` for a PNG; of the whole disk `helioviewer-jpeg`, whose levels are what Helioviewer makes of
            the field (their scale in gauss is not known), resized smoothly, and `disk-fits` (`render_disk`);
            `given` for features that were made elsewhere, of pixels that nobody here knows.
        nan: what NaN pixels of a FITS file do: `error` refuses the file, `zero` makes them zero field.
        size: height and width of the pixels.
    """

    name: str
    nan: str = "error"
    size: int = SIZE

    def __post_init__(self) -> None:
        if self.name not in RENDERINGS:
            raise InputError(f"rendering {self.name!r} is not known; expected one of {', '.join(RENDERINGS)}")
        if self.nan not in NAN_POLICIES:
            raise InputError(f"--nan {self.nan}: expected error or zero")
        if not 1 <= self.size <= LARGEST_SIZE:
            raise InputError(f"rendering of {self.size} pixels a side; expected 1 to {LARGEST_SIZE}")

    @property
    def id(self) -> str:
        """What cache key and model file say: name, size if it is not 224, NaN policy where it changes pixels."""
        size = "" if self.size == SIZE else f"-{self.size}"
        return self.name + size + ("+nan-zero" if self.of_fits and self.nan == "zero" else "")

    @property
    def of_fits(self) -> bool:
        """Whether it is of FITS files of one region."""
        return self.name == "reference-fits"

    @property
    def of_disk(self) -> bool:
        """Whether it is of the whole disk."""
        return self.name in ("helioviewer-jpeg", "disk-fits")

    @property
    def files(self) -> str:
        """Which kind of file it is of: `FITS`, `PNG` or `JPEG`."""
        return {"reference-fits": "FITS", "disk-fits": "FITS", "helioviewer-jpeg": "JPEG"}.get(self.name, "PNG")

    @classmethod
    def from_id(cls, text: str) -> "Rendering":
        """Read an `id` back."""
        name, plus, _ = text.partition("+nan-zero")
        whole, _, size = name.rpartition("-")
        name, size = (whole, size) if size.isdecimal() and len(size) <= 6 else (name, str(SIZE))
        return cls(name, "zero" if plus else "error", int(size))

    @classmethod
    def for_file(
        cls, filename: str, nan: str = "error", form: PixelForm = REFERENCE, *, whole_disk: bool = False
    ) -> "Rendering":
        """Choose the rendering for a file by its name, FITS, JPEG or else PNG, and by the network's pixels.

        Args:
            filename: of the image.
            nan: see `Rendering`.
            form: the network's pixels.
            whole_disk: whether the images show the whole disk. A JPEG always does.
        """
        fits = is_fits(Path(filename))
        if is_jpeg(Path(filename)) or (whole_disk and not fits):
            return cls("helioviewer-jpeg", nan, form.size)
        png = "reference-png" if form.resize == "nearest" else "smooth-png"
        return cls(("disk-fits" if whole_disk else "reference-fits") if fits else png, nan, form.size)


def scale_field(field_gauss: np.ndarray) -> np.ndarray:
    """Scale a field to pixels, -5978.7 .. +5978.7 G to 0 .. 255, not rounded and not clipped."""
    return (field_gauss + FIELD_LIMIT_GAUSS) / (2 * FIELD_LIMIT_GAUSS) * 255


def field_of_pixels(pixels: np.ndarray) -> np.ndarray:
    """Give the field in gauss that pixels 0..255 stand for (the inverse of `scale_field`)."""
    return pixels / 255 * (2 * FIELD_LIMIT_GAUSS) - FIELD_LIMIT_GAUSS


def render_field(field_gauss: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Render a field as the reference recipe renders FITS.

    Args:
        field_gauss: `(H, W)` float, gauss, finite.
        size: height and width of the pixels; the recipe's is 224.

    Returns:
        `(1, size, size)` float32, about 0..255: one channel, which stands for three equal ones.

    Example:
        >>> flarescope.render_field(flarescope.read_fits("some.fits").field_gauss).shape
        (1, 224, 224)
    """
    return scale_field(resize_field(field_gauss, size)).astype(np.float32)[np.newaxis]


def _nearest(size: int, to: int) -> np.ndarray:
    """Give the index of the source pixel under each new pixel's centre, `(to,)`."""
    row = Image.fromarray(np.arange(size, dtype=np.int32)[np.newaxis])
    index: np.ndarray = np.asarray(row.resize((to, 1), Image.Resampling.NEAREST))[0]
    return index


def render_png(pixels: np.ndarray, form: PixelForm = REFERENCE) -> np.ndarray:
    """Render decoded PNG pixels: resized where the size differs, by the nearest neighbour in the reference recipe.

    Args:
        pixels: `(H, W)` or `(H, W, 3)`, 0..255.
        form: size, and way of resizing.

    Returns:
        `(1, size, size)` or `(3, size, size)`, 0..255, RGB: float32, or the bytes as they are, uint8, where nothing had
        to be computed; a quarter of the memory, until their batch is made.
    """
    planes = pixels[np.newaxis] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    if planes.shape[1:] == (form.size, form.size):
        return np.ascontiguousarray(planes)
    if form.resize == "smooth":
        return np.stack([resize_field(plane, form.size) for plane in planes]).astype(np.float32)
    rows, columns = (_nearest(n, form.size) for n in planes.shape[1:])
    return np.ascontiguousarray(planes[:, rows[:, np.newaxis], columns])


@dataclass(frozen=True)
class Rendered:
    """What rendering a file gives.

    Attributes:
        pixels: `(1, S, S)` or, for a colour PNG, `(3, S, S)`, about 0..255, RGB; float32, or uint8 (see `render_png`).
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
    """Read a file and render it, if it is a line-of-sight magnetogram of one region, or of the disk where one is asked.

    Args:
        path: a FITS file, a PNG or a JPEG, as the rendering is of.
        rendering: which way.
        content: the file's bytes, where they are already read.
        accept: what may be read beside HMI's line-of-sight field.

    Raises:
        InputError: an unreadable file, NaN pixels under `nan="error"`, a file of the other kind;
            `NotMagnetogramError` for one that holds something else.
    """
    kind = "FITS" if is_fits(path) else "JPEG" if is_jpeg(path) else "PNG"
    if kind == "JPEG" and not accept.whole_disk:
        raise NotMagnetogramError(f"{path}: a JPEG {FOR_DISK_MODELS}")
    if rendering.of_disk or accept.whole_disk:
        return _render_disk_file(path, rendering, content, kind, accept)
    if kind != rendering.files:
        raise InputError(f"{path}: expected a {rendering.files} file; the images of a table are all of one kind")
    if not rendering.of_fits:
        image = read_region_png(path, content, accept=accept)
        form = PixelForm(rendering.size, "smooth" if rendering.name == "smooth-png" else "nearest")
        return Rendered(render_png(image.pixels, form), image.noaa_ars, image.time, image.look, image.flags)
    return render_magnetogram(path, read_region(path, content, accept=accept), rendering.nan, rendering.size)


def render_disk(field_gauss: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Render a field of the whole disk: cut at +-`DISK_LIMIT_GAUSS`, resized smoothly; what is no Sun is zero field.

    Args:
        field_gauss: `(H, W)` float, gauss, NaN off the disk. Rows as they lie: HMI's own files have south up.
        size: height and width of the pixels.

    Returns:
        `(1, size, size)` float32, 0..255.
    """
    field = np.clip(zero_for_nan(field_gauss), -DISK_LIMIT_GAUSS, DISK_LIMIT_GAUSS)
    levels = (resize_field(field, size) / DISK_LIMIT_GAUSS + 1) * 127.5
    return levels.astype(np.float32)[np.newaxis]


def _render_disk_file(path: Path, rendering: Rendering, content: bytes | None, kind: str, accept: Accept) -> Rendered:
    """Read and render a file of the whole disk."""
    image = read_disk(path, content, accept=accept)
    if kind != rendering.files or not rendering.of_disk:
        raise InputError(f"{path}: expected a {rendering.files} file; the images of a table are all of one kind")
    if isinstance(image, DiskPicture):
        return Rendered(render_png(image.pixels, PixelForm(rendering.size, "smooth")), look=image.look)
    bad = tuple(flag for flag in image.flags if flag in ("quality", "instrument"))
    return Rendered(render_disk(image.field_gauss, rendering.size), (), image.time, image.look, bad)


def render_magnetogram(path: Path, magnetogram: Magnetogram, nan: str, size: int = SIZE) -> Rendered:
    """Render a field as the reference recipe renders FITS.

    Args:
        path: what a message names.
        magnetogram: the field and what is known of it.
        nan: what NaN pixels do, `error` or `zero`.
        size: height and width of the pixels.

    Raises:
        InputError: NaN pixels under `error`.
    """
    field = magnetogram.field_gauss
    if magnetogram.nan_pixels:
        if nan == "error":
            unknown = of_them(magnetogram.nan_pixels, field.size, "pixel", "is", "are")
            raise InputError(
                f"{path}: {unknown} NaN; leave the image out, or take them for zero field (--nan zero; from Python "
                "Compute(nan='zero'))"
            )
        field = zero_for_nan(field)
    pixels = render_field(field, size)
    return Rendered(pixels, magnetogram.noaa_ars, magnetogram.time, magnetogram.look, magnetogram.flags)
