"""How does a folder of FITS magnetograms become 224x224 PNG files in the layout and scale of the published set?

The published PNG set is consistent with `round((B + 5978.7) / (2 * 5978.7) * 255)` of the resized field (inferred).
"""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.files import atomic_path, make_folder, sha256_of, translate_os_errors
from flarescope.images import workers as pool
from flarescope.images.header import KEPT_KEYS, header_values, resized_grid
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import FITS_SUFFIXES, is_fits, read_bytes, unzipped, zero_for_nan
from flarescope.images.region import read_region
from flarescope.images.render import NAN_POLICIES, scale_field
from flarescope.images.resize import SIZE, resize_field
from flarescope.images.workers import Failure

_END_OF_PNG: Final = b"\0\0\0\0IEND\xaeB`\x82"
_RENDERING: Final = "flarescope reduce 1"
"""Goes into each PNG; another number makes `reduce_directory` write all of them again."""


@dataclass(frozen=True)
class ReduceReport:
    """What a run did.

    Attributes:
        written: images that are new or were made again.
        kept: images that were there already, of the same source and settings.
        failures: sources that could not be reduced, in the order of their names.
    """

    written: int
    kept: int
    failures: tuple[Failure, ...]


def reduced_name(name: str) -> str:
    """Give the published name of the PNG for a FITS file: `x.fits` -> `x_224.png`; folders stay."""
    lower = name.lower()
    suffix = max((suffix for suffix in FITS_SUFFIXES if lower.endswith(suffix)), key=len, default="")
    return name[: len(name) - len(suffix)] + f"_{SIZE}.png"


def reduced_pixels(field_gauss: np.ndarray) -> np.ndarray:
    """Reduce a field to the pixels of the published set.

    Args:
        field_gauss: `(H, W)` float, gauss, finite.

    Returns:
        `(224, 224)` uint8: -5978.7 .. +5978.7 G are 0 .. 255, stronger fields end there, zero field is 127 or 128.
    """
    return np.asarray(np.clip(np.rint(scale_field(resize_field(field_gauss))), 0, 255), dtype=np.uint8)


def reduce_directory(
    source: Path,
    destination: Path,
    *,
    nan: str = "error",
    instrument_ok: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReduceReport:
    """Reduce every FITS file below a folder; run again, it continues where it stopped.

    A PNG that is whole and names the same source (size and time of change, or else digest) and settings is kept.
    Damaged files are collected and do not stop the others.

    Args:
        source: folder of FITS files, such as `1121/1121_hmi....fits`.
        destination: folder for the PNG files, with the same folders in it.
        nan: what NaN pixels do: `error` leaves the file out, as the published set does; `zero` makes them zero field.
        instrument_ok: whether other magnetographs than HMI are taken; they are not made like HMI's.
        workers: processes; 1 works in this process; None takes a process a core.
        progress: called with the number of files that are done and the number of all.

    Raises:
        InputError: no FITS file there, two that would become the same PNG, a destination that cannot be written.
    """
    if nan not in NAN_POLICIES:
        raise InputError(f"--nan {nan}: expected error or zero")
    names = fits_names(source)
    _refuse_collisions(names)
    make_folder(destination)
    tasks = [(str(source / name), str(destination / reduced_name(name)), nan, instrument_ok) for name in names]
    counts = {"written": 0, "kept": 0}
    failures: dict[int, str] = {}
    for done, (number, result, reason) in enumerate(pool.run(_reduce_file, tasks, workers=workers), start=1):
        if reason is None:
            counts[result] += 1
        else:
            failures[number] = reason
        if progress:
            progress(done, len(names))
    failed = tuple(Failure(names[number], failures[number]) for number in sorted(failures))
    return ReduceReport(counts["written"], counts["kept"], failed)


def fits_names(source: Path) -> list[str]:
    """List the FITS files below a folder, sorted, relative to it with `/` separators; hidden files are passed over.

    Raises:
        InputError: no such folder, or no FITS file in it.
    """
    if not source.is_dir():
        raise InputError(f"{source}: no such folder; expected one with FITS files below it")
    names = []
    for folder, _, files in os.walk(source):
        below = Path(folder).relative_to(source)
        names += [(below / name).as_posix() for name in files if is_fits(Path(name)) and not name.startswith(".")]
    if not names:
        raise InputError(
            f"{source}: no FITS file in it or below; expected names that end in {', '.join(FITS_SUFFIXES)}"
        )
    return sorted(names)


def _refuse_collisions(names: list[str]) -> None:
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(reduced_name(name), name)
        if other != name:
            raise InputError(f"{other} and {name} would both become {reduced_name(name)}; keep one of them")


def _reduce_file(source: str, target: str, nan: str, instrument_ok: bool) -> str:
    """Reduce one file; say `kept` or `written`."""
    path, png = Path(source), Path(target)
    settings = {"Software": _RENDERING, "NaN": nan}
    if _is_current(path, png, settings):
        return "kept"
    with translate_os_errors(path, "read"):
        before = path.stat()
    packed = read_bytes(path)
    content = unzipped(path, packed)
    magnetogram = read_region(path, content, accept=Accept(instrument_ok))
    field = magnetogram.field_gauss
    if magnetogram.nan_pixels:
        if nan == "error":
            pixels = of_them(magnetogram.nan_pixels, field.size, "pixel", "is", "are")
            raise InputError(f"{path}: {pixels} NaN; left out")
        field = zero_for_nan(field)
    texts = settings | _identity(path, before, packed) | _description(path, content, field)
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value) if not value.isascii() else info.add_text(key, value)
    image = Image.fromarray(reduced_pixels(field))
    with atomic_path(png) as temporary:
        image.save(temporary, format="PNG", pnginfo=info)
    return "written"


def _identity(path: Path, stat: os.stat_result, content: bytes) -> dict[str, str]:
    return {
        "Source": path.name.encode("utf-8", "replace").decode(),
        "Source size": str(stat.st_size),
        "Source changed": str(stat.st_mtime_ns),
        "Source sha256": hashlib.sha256(content).hexdigest(),
    }


def _description(path: Path, content: bytes, field: np.ndarray) -> dict[str, str]:
    """Give time, region, quality and the grid of the smaller image, as the header says them."""
    values = header_values(content)
    kept = {key: values[key] for key in KEPT_KEYS if key in values}
    texts = {key: str(value) for key, value in (kept | resized_grid(values, field.shape, (SIZE, SIZE))).items()}
    # Whole-disk series do not know NOAA's regions; the published names begin with the last four digits of the number.
    named = re.match(r"(\d{4,5})_hmi\.", path.name)
    return texts | ({"Region": named[1]} if named else {}) | {"Source shape": f"{field.shape[0]}x{field.shape[1]}"}


def _is_current(source: Path, png: Path, settings: dict[str, str]) -> bool:
    """Whether the PNG is whole and made of this very file with these settings."""
    if not png.is_file():
        return False
    try:
        with png.open("rb") as stream:
            stream.seek(-len(_END_OF_PNG), os.SEEK_END)
            if stream.read() != _END_OF_PNG:
                return False
            stream.seek(0)
            with Image.open(stream, formats=["PNG"]) as image:
                texts, shape = image.info, image.size
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError):
        return False
    if shape != (SIZE, SIZE) or any(texts.get(key) != value for key, value in settings.items()):
        return False
    if not source.is_file() or texts.get("Source size") != str(source.stat().st_size):
        return False
    same_time = texts.get("Source changed") == str(source.stat().st_mtime_ns)
    return same_time or texts.get("Source sha256") == sha256_of(source)
