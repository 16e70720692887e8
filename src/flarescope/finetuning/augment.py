"""Which other images could the same physics have made? What is done to training images, and never to others.

Pixels are of a rendering in which 0..255 is -limit..+limit gauss, so that zero field is 127.5 and the opposite polarity
of p is 255 - p. Images are not turned to solar north; their rows run along the meridian and their columns along the
equator, or nearly so (HMI's cut-outs have south up, which swaps both at once and changes nothing here).
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

ZERO_FIELD: Final = 127.5
"""Pixel of zero field."""

NOISE_GAUSS: Final = 6.3
"""Of a pixel of HMI's 720 s magnetograms: an upper bound of the random noise, Liu et al. 2012, Solar Physics 279, 295
(doi 10.1007/s11207-012-9976-x). Cited by the abstract as remembered: the paper was not at hand here (unchecked)."""

LARGEST_TURN_DEG: Final = 10.0
"""A choice of ours: small enough to leave the leading side west."""

LARGEST_SHIFT: Final = 0.05
"""Of the width, in each direction; a choice of ours."""


def mirror_east_west(pixels: np.ndarray) -> np.ndarray:
    """Mirror an image at its central meridian; the sign stays as it was measured.

    Leading and following polarity change places, as on the other hemisphere of the same cycle (Hale's law), and so does
    the side that lies nearer to the equator (Joy's law). All of strengths, fluxes, gradients and lengths stays.

    Args:
        pixels: `(C, S, S)`.
    """
    return np.ascontiguousarray(pixels[..., ::-1])


def mirror_north_south(pixels: np.ndarray) -> np.ndarray:
    """Mirror an image at the equator, and turn its polarity round.

    A region on the other hemisphere has the opposite leading polarity in the same cycle (Hale's law: Hale et al. 1919,
    ApJ 49, 153); the line-of-sight part of an axial vector changes its sign in this mirror too. Strengths, unsigned
    flux, gradients and lengths stay, and so does which side lies nearer to the equator.

    Args:
        pixels: `(C, S, S)`, 0..255.
    """
    return np.ascontiguousarray(2 * ZERO_FIELD - pixels[..., ::-1, :], dtype=pixels.dtype)


def rotate(pixels: np.ndarray, angle_deg: float) -> np.ndarray:
    """Turn an image about its centre, linearly between pixels; what comes in at the corners is zero field.

    No pixel becomes stronger, zero field stays zero field, an angle of 0 changes nothing.

    Args:
        pixels: `(C, S, S)` float32.
        angle_deg: clockwise, as the image is shown with its first row on top.
    """
    from scipy.ndimage import affine_transform

    if angle_deg == 0:
        return pixels.copy()
    cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    centre = (np.array(pixels.shape[1:]) - 1) / 2
    offset = centre - matrix @ centre
    turned = [
        affine_transform(plane, matrix, offset, order=1, mode="constant", cval=ZERO_FIELD, prefilter=False)
        for plane in pixels
    ]
    return np.stack(turned).astype(pixels.dtype)


def shift(pixels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Move an image by whole pixels; what comes in is zero field, and every pixel that stays is unchanged.

    Args:
        pixels: `(C, S, S)`.
        rows: downwards.
        columns: to the right.
    """
    moved = np.full_like(pixels, ZERO_FIELD)
    height, width = pixels.shape[1:]
    rows, columns = int(np.clip(rows, -height, height)), int(np.clip(columns, -width, width))
    to = (slice(max(rows, 0), height + min(rows, 0)), slice(max(columns, 0), width + min(columns, 0)))
    of = (slice(max(-rows, 0), height + min(-rows, 0)), slice(max(-columns, 0), width + min(-columns, 0)))
    moved[:, to[0], to[1]] = pixels[:, of[0], of[1]]
    return moved


def add_noise(pixels: np.ndarray, generator: np.random.Generator, limit_gauss: float) -> np.ndarray:
    """Add HMI's noise, as much as a pixel of the camera has; one of a smaller image, a mean of several, has less.

    The mean stays, channels stay equal where they were. In the scale of the published PNG, 46.9 G a level, it is an
    eighth of a level.

    Args:
        pixels: `(C, S, S)` float32.
        generator: of the noise.
        limit_gauss: of the rendering: pixel 255.
    """
    deviation = NOISE_GAUSS / (2 * limit_gauss) * 255
    noise = generator.standard_normal(pixels.shape[1:], dtype=np.float32) * np.float32(deviation)
    return np.asarray(pixels + noise, dtype=pixels.dtype)


def augmented(
    pixels: np.ndarray, generator: np.random.Generator, names: Sequence[str], limit_gauss: float
) -> np.ndarray:
    """Draw another image for a training image.

    Args:
        pixels: `(C, S, S)` float32; not changed.
        generator: what is done depends on it alone.
        names: of `recipe.AUGMENTATIONS`; each mirror comes with a probability of one half.
        limit_gauss: of the rendering.
    """
    size = pixels.shape[-1]
    farthest = int(size * LARGEST_SHIFT)
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "east-west": lambda x: mirror_east_west(x) if generator.random() < 0.5 else x,
        "north-south": lambda x: mirror_north_south(x) if generator.random() < 0.5 else x,
        "rotate": lambda x: rotate(x, generator.uniform(-LARGEST_TURN_DEG, LARGEST_TURN_DEG)),
        "shift": lambda x: shift(x, *generator.integers(-farthest, farthest + 1, 2).tolist()),
        "noise": lambda x: add_noise(x, generator, limit_gauss),
    }
    for name, way in ways.items():
        if name in names:
            pixels = way(pixels)
    return pixels
