"""How does what a Python program has in hand become an image: a field as an array, a Magnetogram, a map of sunpy?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from flarescope.errors import InputError
from flarescope.images.fits.cards import Value
from flarescope.images.line_of_sight import HMI_ONLY, Accept
from flarescope.images.look import Look
from flarescope.images.magnetogram import Magnetogram, check_strength, magnetogram_of
from flarescope.images.plausible import check_field
from flarescope.images.reading import Fingerprint, ReadImage
from flarescope.images.render import render_magnetogram
from flarescope.images.resize import SIZE

EXPECTED = "expected a two-dimensional array in gauss, a Magnetogram, or a sunpy Map (.data and .meta)"


@dataclass(frozen=True)
class Given:
    """A field that lies in no file.

    Attributes:
        name: what it is called, as `images[0]`.
        value: an array, a `Magnetogram`, or a map.
    """

    name: str
    value: Any

    def __str__(self) -> str:
        return self.name


def is_field(value: object) -> bool:
    """Whether a value can be a field: an array, a `Magnetogram`, or what has `.data` and `.meta` as sunpy's maps do."""
    return isinstance(value, np.ndarray | Magnetogram) or (hasattr(value, "data") and hasattr(value, "meta"))


def read_given(given: Given, nan: str, accept: Accept = HMI_ONLY, *, size: int = SIZE) -> ReadImage:
    """Render a field in hand as one from a FITS file.

    Args:
        given: the field. Its rows are taken as they lie, south up in HMI's own images; nothing is rotated.
        nan: what NaN pixels do, `error` or `zero`.
        accept: what may be taken beside HMI's line-of-sight field.
        size: height and width of the pixels.

    Raises:
        InputError: no two-dimensional field in gauss, or what a FITS file would be refused for.
    """
    path = Path(given.name)
    magnetogram = _magnetogram(path, given.value, accept)
    check_field(path, magnetogram.field_gauss, magnetogram.look)
    return ReadImage(render_magnetogram(path, magnetogram, nan, size), Fingerprint(0, 0, 0, ""))


def _magnetogram(path: Path, value: Any, accept: Accept) -> Magnetogram:  # noqa: ANN401 - whatever a user has
    if isinstance(value, Magnetogram):
        field = _field(path, value.field_gauss)
        known = value.look if all(value.look.size) else replace(value.look, size=field.shape[::-1])
        check_strength(path, field)
        return replace(value, field_gauss=field, look=known)
    if isinstance(value, np.ndarray):
        field = _field(path, value)
        check_strength(path, field)
        return Magnetogram(field, look=Look(size=(field.shape[1], field.shape[0])))
    mask = getattr(value, "mask", None)
    data = value.data if mask is None else np.ma.MaskedArray(value.data, mask)
    return magnetogram_of(path, _field(path, data), _header(path, value.meta), accept)


def _field(path: Path, values: Any) -> np.ndarray:  # noqa: ANN401 - whatever a user has
    """Give a field in float64, NaN where it is masked."""
    array = np.ma.asanyarray(values)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiu":
        raise InputError(f"{path}: an array of shape {array.shape} and type {array.dtype}; {EXPECTED}")
    return np.asarray(np.ma.filled(array.astype(np.float64), np.nan))


def _header(path: Path, meta: object) -> dict[str, Value]:
    if not isinstance(meta, Mapping):
        raise InputError(f"{path}: its .meta is a {type(meta).__name__}; {EXPECTED}")
    plain = {str(key).upper(): value.item() if isinstance(value, np.generic) else value for key, value in meta.items()}
    return {key: value for key, value in plain.items() if isinstance(value, str | int | float)}
