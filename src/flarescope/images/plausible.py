"""Can an image's size and values be those of a line-of-sight magnetogram of one region?"""

import math
from pathlib import Path
from typing import Final

import numpy as np

from flarescope.hmi import RSUN_MM
from flarescope.images import instruments
from flarescope.images.line_of_sight import NotMagnetogramError
from flarescope.images.look import Look

LEAST_SIDE: Final = 16
"""Pixels of the shorter side: less shows no region. The smallest of the HMI patches at hand has 60."""

WIDEST_REGION: Final = 0.5
"""Solar radii that an image in helioprojective coordinates may be wide or high; the published cut-outs have 0.31."""

WIDEST_MAP_DEG: Final = 120.0
"""Degrees that an image in heliographic coordinates may be wide or high; patches of HMI reach some 80."""

SMALL_INTEGER: Final = 100
"""Bitmaps and maps of confidence hold whole numbers up to 90, of either sign only in masks of polarity."""

MIDDLE_GAUSS: Final = 750.0
"""Half of an image's pixels are weaker than that: most of any region's image is nearly free of field. The median of the
field's magnitude is below 50 G in the 81 line-of-sight images of regions at hand. Half a published cut-out is some
7,900 millionths of the hemisphere, more than the largest spot group on record (6,132 in April 1947; unchecked).
Brightness, or a velocity in m/s, is not so near zero."""

ZERO_LEVEL: Final = 127.5
"""Pixel of zero field in a PNG of the published set."""

MIDDLE_LEVELS: Final = 16.0
"""The same for a PNG: 16 levels are 750 G."""

_SAMPLE: Final = 4096
"""Values that are looked at of an image for its quantiles."""

SURE_LEVELS: Final = 8.0
"""How far the median of a PNG's pixels, and the middle of its quartiles, may lie from zero field: 375 G."""

DARK_LEVELS: Final = 60.0
DARK_GAUSS: Final = 2800.0
"""The mean of a corner is nearer to zero than that on the Sun: 60 levels of a PNG are 2,800 G."""

_CORNER: Final = 12
"""Off the disk lies at least a twelfth of the side from each corner of an image that shows the disk."""

EXPECTED: Final = "expected a line-of-sight magnetogram"
CUT_OUT: Final = "cut its regions out first: `flarescope disk cut` does, from a FITS file of the whole disk"
DISK: Final = f"no field in its corners, as around a whole disk; expected one region; of a disk {CUT_OUT}"


def check_size(path: Path, shape: tuple[int, ...], look: Look) -> None:
    """Refuse an image too small to show a region, or too wide to show only one.

    Raises:
        NotMagnetogramError: with the size found and the one expected.
    """
    height, width = shape[:2]
    if min(width, height) < LEAST_SIDE:
        raise NotMagnetogramError(
            f"{path}: {width} x {height} pixels; expected at least {LEAST_SIDE} of a line-of-sight magnetogram"
        )
    if look.width_mm is None or look.height_mm is None:
        return
    widest = max(look.width_mm, look.height_mm)
    if look.projected and widest > WIDEST_REGION * RSUN_MM:
        what = "a whole disk" if widest > 1.8 * RSUN_MM else "a part of the disk"
        raise NotMagnetogramError(
            f"{path}: {what}, {widest / RSUN_MM:.2f} solar radii wide; expected one region, at most {WIDEST_REGION}: "
            f"{CUT_OUT}"
        )
    if not look.projected and widest > math.radians(WIDEST_MAP_DEG) * RSUN_MM:
        raise NotMagnetogramError(
            f"{path}: a map {math.degrees(widest / RSUN_MM):.0f} degrees wide; expected one region: {CUT_OUT}"
        )


def check_field(path: Path, field_gauss: np.ndarray, look: Look) -> None:
    """Refuse a field that no line-of-sight magnetogram of a region can have.

    Args:
        path: the file; what a message names.
        field_gauss: `(H, W)` float, NaN where there is no value.
        look: of the image.

    Raises:
        NotMagnetogramError: see the constants of this module.
    """
    check_size(path, field_gauss.shape, look)
    sample = _sample(field_gauss)
    if not sample.size:
        raise NotMagnetogramError(f"{path}: no pixel has a value; {EXPECTED}")
    _check_range(path, field_gauss, sample)
    if look.width_mm is None and shows_disk(field_gauss, DARK_GAUSS):
        raise NotMagnetogramError(f"{path}: {DISK}")
    middle = float(np.median(np.abs(sample)))
    if middle > MIDDLE_GAUSS:
        raise NotMagnetogramError(
            f"{path}: half of its values are larger than {middle:.0f}, either sign; in a line-of-sight magnetogram in "
            "gauss most are near zero"
        )
    if look.instrument == instruments.HMI and _in_vector_steps(sample):
        raise NotMagnetogramError(
            f"{path}: its values are multiples of {instruments.VECTOR_STEP_GAUSS} G, as those of Br, Bp and Bt are; "
            "a line-of-sight field of HMI comes in steps of 0.1 G"
        )


def check_pixels(path: Path, pixels: np.ndarray, look: Look) -> None:
    """Refuse a PNG whose pixels cannot be those of a magnetogram in the scale of the published set.

    Each channel is looked at by itself. Zero field is 127.5 and most of a region's image is near it.

    Args:
        path: the file; what a message names.
        pixels: `(H, W)` or `(H, W, 3)`, 0..255.
        look: of the image.

    Raises:
        NotMagnetogramError: one that is too small, constant, of one sign, not around 127.5, mostly far from it, or with
            corners that look into empty space.
    """
    check_size(path, pixels.shape, look)
    channels = [pixels] if pixels.ndim == 2 else [pixels[..., number] for number in range(pixels.shape[-1])]
    ranges = [(float(channel.min()), float(channel.max())) for channel in channels]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if low == high:
        raise NotMagnetogramError(f"{path}: every pixel is {low:g}; {EXPECTED}")
    # 8 levels are 375 G; the median of few pixels is less sure.
    allowed = SURE_LEVELS + 384 / min(pixels.shape[:2])
    for channel, (low, high) in zip(channels, ranges, strict=True):
        if shows_disk(channel, DARK_LEVELS, ZERO_LEVEL):
            raise NotMagnetogramError(f"{path}: {DISK}")
        ordered = np.sort(_sample(channel), kind="stable")  # of bytes that is a radix sort, twenty times as fast
        quarter, half, more = (float(ordered[int(part * len(ordered))]) for part in (0.25, 0.5, 0.75))
        off = max(abs(half - ZERO_LEVEL), abs((quarter + more) / 2 - ZERO_LEVEL))
        if not low < ZERO_LEVEL < high or off > allowed:
            raise NotMagnetogramError(
                f"{path}: pixels from {low:g} to {high:g}, half of them above {half:g}; {EXPECTED}, where zero field "
                "is 127.5 and most pixels are near it"
            )
        away = _middle_distance(ordered, allowed + MIDDLE_LEVELS - SURE_LEVELS)
        if away is not None:
            raise NotMagnetogramError(
                f"{path}: half of its pixels are {away:g} levels or more from 127.5; {EXPECTED}, where zero field is "
                "127.5 and most pixels are near it"
            )


def _middle_distance(ordered: np.ndarray, allowed: float) -> float | None:
    """Give the median distance of ordered pixels from zero field where it is more than allowed, else None."""
    first, last = np.searchsorted(ordered, [ZERO_LEVEL - allowed, ZERO_LEVEL + allowed])
    if 2 * (last - first) > len(ordered):  # as of nearly all: more than half are near, and nothing is to be computed
        return None
    away = float(np.median(np.abs(ordered - ZERO_LEVEL)))
    return away if away > allowed else None


def shows_disk(values: np.ndarray, dark: float, zero: float = 0.0) -> bool:
    """Tell whether all four corners look into empty space, and the middle does not.

    Args:
        values: `(H, W)`.
        dark: a corner is empty where it has no value, where its mean is further than that from zero field, which no
            quiet Sun is, or where all corners hold one and the same value.
        zero: value of zero field.
    """
    rows, columns = (max(2, size // _CORNER) for size in values.shape)
    corners = [values[v, h] for v in (slice(rows), slice(-rows, None)) for h in (slice(columns), slice(-columns, None))]
    if values.dtype.kind == "f" and any(np.isnan(corner).any() for corner in corners):
        return all(np.isnan(corner).all() for corner in corners)
    same = all((corner == corners[0][0, 0]).all() for corner in corners)
    if not same and any(abs(float(corner.mean()) - zero) <= dark for corner in corners):
        return False
    middle = values[tuple(slice(size // 3, size - size // 3) for size in values.shape)]
    return abs(float(middle.mean()) - zero) <= dark


def _sample(values: np.ndarray) -> np.ndarray:
    """Give some 4,096 of the values, those that are finite: whole rows in even steps, which lie together in memory."""
    rows = -(-_SAMPLE // values.shape[1])
    chosen = values[:: max(1, values.shape[0] // rows)]
    sample: np.ndarray = chosen[np.isfinite(chosen)] if values.dtype.kind == "f" else chosen.ravel()
    return sample


def _check_range(path: Path, field_gauss: np.ndarray, sample: np.ndarray) -> None:
    """Refuse one value, one sign, or small whole numbers; the whole image is looked at only where a sample is odd."""
    whole_numbers = np.abs(sample).max() <= SMALL_INTEGER and (sample == np.rint(sample)).all()
    if sample.min() < 0 < sample.max() and not whole_numbers:
        return
    finite = field_gauss[np.isfinite(field_gauss)]
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        raise NotMagnetogramError(f"{path}: every pixel is {low:g}; {EXPECTED}")
    if not low < 0 < high:
        raise NotMagnetogramError(f"{path}: values from {low:g} to {high:g}, of one sign; {EXPECTED}, which has both")
    if max(-low, high) <= SMALL_INTEGER and (finite == np.rint(finite)).all():
        raise NotMagnetogramError(
            f"{path}: only whole numbers from {low:g} to {high:g}, as in a bitmap or a mask; {EXPECTED}"
        )


def _in_vector_steps(sample: np.ndarray) -> bool:
    """Tell whether values are multiples of 0.01 and most of them not of 0.1."""
    hundredths = sample * 100
    whole = np.rint(hundredths)
    if np.abs(hundredths - whole).max() > 0.05:
        return False
    tenths = sample * 10
    return bool(np.mean(np.abs(tenths - np.rint(tenths)) > 0.05) > 0.5)
