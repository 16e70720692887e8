"""How complex is the magnetic field of an active region, in 29 numbers?

The magnetic-complexity features of Al-Ghraibah, Boucheron & McAteer 2015 (A&A 579, A64), in the order of the features
file that Boucheron et al. 2023 (Sci. Data 10, 825) published with their images.
"""

from pathlib import Path
from typing import Final

import numpy as np

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.images.line_of_sight import Accept
from flarescope.images.magnetogram import is_fits, zero_for_nan
from flarescope.images.region import read_region, read_region_png

_FIVE: Final = ("mean", "std", "median", "min", "max")

FEATURE_NAMES: Final = (
    *(f"gradient_{name}" for name in (*_FIVE, "skewness", "kurtosis")),
    "neutral_line_length",
    "neutral_line_fragments",
    "neutral_line_weighted_length",
    *(f"neutral_line_angle_{name}" for name in _FIVE),
    *(f"neutral_line_bending_{name}" for name in _FIVE),
    *(f"wavelet_level_{level}" for level in range(1, 6)),
    "flux_positive",
    "flux_negative",
    "flux_net",
    "flux_unsigned",
)
"""The 29 columns: gradient 7, neutral line 13, wavelets 5 (finest first), flux 4."""

ZERO_PIXEL: Final = 128
"""Pixel value of zero field in the 8-bit set; it is subtracted before anything else."""

WAVELET_LEVELS: Final = 5
SMALLEST_SIDE: Final = 2**WAVELET_LEVELS
_BOX: Final = 10
_STRONG: Final = 0.2


def magnetic_features(field: np.ndarray) -> np.ndarray:
    """Compute the 29 features of a field.

    Args:
        field: `(H, W)`, finite, at least 32 pixels a side; gauss, or 8-bit pixels minus 128. Features scale with it.

    Returns:
        `(29,)` float64, the columns of `FEATURE_NAMES`; angles in radians.

    Raises:
        InputError: another shape, or pixels that are not finite.
    """
    field = np.asarray(field, dtype=np.float64)
    if field.ndim != 2 or min(field.shape) < SMALLEST_SIDE:
        raise InputError(f"a field of shape {field.shape}; expected two dimensions of at least {SMALLEST_SIDE} pixels")
    if not np.isfinite(field).all():
        bad = of_them(int(field.size - np.isfinite(field).sum()), field.size, "pixel", "is", "are")
        raise InputError(f"{bad} not finite; leave the image out, or set them to zero")
    gradient = gradient_magnitude(field)
    parts = (
        gradient_statistics(gradient),
        neutral_line_statistics(field, gradient),
        wavelet_energies(field),
        fluxes(field),
    )
    return np.concatenate(parts)


def features_of_file(path: Path, *, nan: str = "error", instrument_ok: bool = False) -> np.ndarray:
    """Compute the 29 features of an image file: the field of FITS in gauss, the pixels of a grey PNG minus 128.

    Args:
        path: the image.
        nan: what NaN pixels of a FITS file do: `error` refuses the file, `zero` makes them zero field.
        instrument_ok: whether other magnetographs than HMI are taken.

    Raises:
        InputError: an image that cannot be read, is no line-of-sight magnetogram, is coloured, too small, or has NaN
            pixels under `nan="error"`.
    """
    accept = Accept(instrument_ok)
    if is_fits(path):
        field = read_region(path, accept=accept).field_gauss
        if nan == "zero":
            field = zero_for_nan(field)
    else:
        pixels = read_region_png(path, accept=accept).pixels
        if pixels.ndim != 2:
            raise InputError(f"{path}: a colour image; the features are defined on a grey magnetogram")
        field = pixels.astype(np.float64) - ZERO_PIXEL
    try:
        return magnetic_features(field)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def gradient_magnitude(field: np.ndarray) -> np.ndarray:
    """Give the length of the 3x3 Sobel gradient, `(H, W)`; the field is zero outside the image."""
    from scipy import ndimage

    smooth, differ = (1.0, 2.0, 1.0), (1.0, 0.0, -1.0)
    parts = []
    for axis in (0, 1):
        along = ndimage.correlate1d(field, differ, axis=axis, mode="constant")
        parts.append(ndimage.correlate1d(along, smooth, axis=1 - axis, mode="constant"))
    return np.asarray(np.sqrt(np.square(parts[0]) + np.square(parts[1])))


def _five(values: np.ndarray) -> list[float]:
    """Give mean, population standard deviation, median, minimum and maximum."""
    return [values.mean(), values.std(), float(np.median(values)), values.min(), values.max()]


def gradient_statistics(gradient: np.ndarray) -> np.ndarray:
    """Give the five statistics of all pixels, then skewness and excess kurtosis (population moments).

    A gradient that is the same everywhere has no shape: its skewness and kurtosis are 0 here, not NaN.
    """
    centred = gradient - gradient.mean()
    squared = np.square(centred)
    variance = squared.mean()
    if variance == 0:
        return np.array([*_five(gradient), 0.0, 0.0])
    skewness = (squared * centred).mean() / variance**1.5
    kurtosis = np.square(squared).mean() / variance**2 - 3
    return np.array([*_five(gradient), skewness, kurtosis])


def _box_sum(field: np.ndarray) -> np.ndarray:
    """Sum the 10x10 pixels from 5 before to 4 after each pixel; zero outside.

    Summed window by window and not divided by 100: a running or a divided sum rounds, and where the true sum is zero
    (zero field, or 8-bit pixels that cancel) rounding would draw neutral lines that are not there.
    """
    from scipy import ndimage

    window = np.ones(_BOX)
    rows = ndimage.correlate1d(field, window, axis=0, mode="constant")
    return np.asarray(ndimage.correlate1d(rows, window, axis=1, mode="constant"))


def neutral_line_vertices(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the polarity inversion lines: contours at 0 of the field smoothed by a 10x10 box.

    Returns:
        `(V, 2)` int64, row and column of each vertex rounded to the nearest pixel (halves to even), contour after
        contour; and `(C,)` int64, the number of vertices of each. A closed contour ends with the vertex it begins with.
    """
    from skimage.measure import find_contours

    contours = find_contours(_box_sum(field), 0.0)  # type: ignore[no-untyped-call]
    if not contours:
        return np.empty((0, 2), np.int64), np.empty(0, np.int64)
    vertices = np.rint(np.concatenate(contours)).astype(np.int64)
    return vertices, np.array([len(contour) for contour in contours], np.int64)


def lines_on(vertices: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the pixels of the polarity inversion lines, and those where the gradient is strong, both `(H, W)` bool.

    Args:
        vertices: as `neutral_line_vertices` gives them.
        gradient: `(H, W)`; strong is at least 0.2 of the largest one on the line.
    """
    line = np.zeros(gradient.shape, dtype=bool)
    line[vertices[:, 0], vertices[:, 1]] = True
    weighted = gradient * line
    # A line on which the gradient is zero everywhere has no strong part; "at least 0" would mean the whole image.
    return line, (weighted >= _STRONG * weighted.max()) & (weighted > 0)


def neutral_line_statistics(field: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Give the 13 numbers of the neutral line: length, fragments, weighted length, angles 5, bending energies 5.

    `length` counts the vertices' pixels whose gradient is at least 0.2 of the largest one on the line, `fragments`
    their 8-connected groups, `weighted length` all the vertices' pixels (the published name, kept as it is).
    """
    from scipy import ndimage

    vertices, counts = neutral_line_vertices(field)
    if not len(counts):
        return np.zeros(13)
    line, strong = lines_on(vertices, gradient)
    fragments = ndimage.label(strong, structure=np.ones((3, 3)))[1]
    lengths = [float(strong.sum()), float(fragments), float(line.sum())]
    angle = _angles(vertices, counts)
    bending = np.square(angle - angle[_following(counts)])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    energies = np.add.reduceat(bending, starts) / counts
    return np.array([*lengths, *_five(angle), *_five(energies)])


def _following(counts: np.ndarray) -> np.ndarray:
    """Give the index of the vertex after each one on its contour, the first one after the last."""
    following = np.arange(1, counts.sum() + 1)
    ends = np.cumsum(counts)
    following[ends - 1] = ends - counts
    return following


def _angles(vertices: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Give the direction of each step along the contours, radians.

    Arctangent of columns over rows; a step within a row, or to the same pixel, is 3 pi / 2 to the left and else pi / 2.
    """
    rows, columns = (vertices[_following(counts)] - vertices).T
    level = np.where(columns < 0, 3 * np.pi / 2, np.pi / 2)
    return np.where(rows != 0, np.arctan(columns / np.where(rows != 0, rows, 1)), level)


def wavelet_energies(field: np.ndarray) -> np.ndarray:
    """Give the sum of absolute Haar coefficients in the three detail bands of five levels, finest first, `(5,)`."""
    import pywt

    details = pywt.wavedec2(field, "haar", level=WAVELET_LEVELS)[1:]
    return np.array([sum(float(np.abs(band).sum()) for band in bands) for bands in reversed(details)])


def fluxes(field: np.ndarray) -> np.ndarray:
    """Give the sum of the positive pixels, of the negative ones, both together, and without their signs, `(4,)`."""
    positive = float(field[field > 0].sum())
    negative = float(field[field < 0].sum())
    return np.array([positive, negative, positive + negative, positive - negative])
