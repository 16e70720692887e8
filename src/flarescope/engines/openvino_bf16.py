"""Which layers of a network can be computed in bf16, so that its features stay those of fp32?

Measured, on a few made images: the whole network if it bears bf16, else those convolutions and products of matrices
that together do. `openvino_marks` leaves the others in fp32.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from flarescope.counted import counted
from flarescope.errors import InputError

PROMISE: Final = 0.01
"""How far features may be from those of fp32: norm of the difference over the norm, of the worst image."""

AIM: Final = 0.006
"""The same on the made images; the rest is room for what real ones have and these have not (docs/performance.md)."""

SMALLEST_SHARE: Final = 0.015
"""Of all multiplications: a layer with fewer is not tried, but stays in fp32."""

Layers = frozenset[str] | None
"""Names of layers in bf16; None is the whole network."""


@dataclass(frozen=True)
class Choice:
    """What of a network is computed in bf16.

    Attributes:
        layers: see `Layers`; none where none bears it.
        error: of the features of made images, see `PROMISE`.
        error_of_whole: the same, were the whole network in bf16.
        share: of the multiplications with the network's weights, 0..1.
    """

    layers: Layers
    error: float
    error_of_whole: float
    share: float


def made_pixels(size: int, channels: int) -> np.ndarray:
    """Draw images for the measurement: bipoles from faint to strong, a quiet field, noise, broad waves; some in bytes.

    They are made, none is a magnetogram. Images near one grey level lose most by bf16, and those of whole levels more.

    Returns:
        `(10, channels, size, size)` float32, 0..255; the last three in whole levels, as 8-bit images have them.
    """
    noise = np.random.default_rng(0).normal(size=(size, size))
    y, x = np.mgrid[:size, :size] / size - 0.5

    def spot(down: float, right: float, width: float) -> np.ndarray:
        spread: np.ndarray = np.exp(-((y - down) ** 2 + (x - right) ** 2) / (2 * width**2))
        return spread

    bipole = spot(0, 0.12, 0.05) - spot(0.03, -0.12, 0.07) + 0.3 * (spot(0.1, 0.05, 0.02) - spot(-0.1, -0.04, 0.03))
    waves = np.sin(9 * x + 4 * y) * np.cos(7 * y - 3 * x)
    drawn = ((10 * bipole, 0.3), (30 * bipole, 0.3), (60 * bipole, 0.3), (0, 0.3), (0, 20), (0, 60), (100 * waves, 8))
    levels = np.stack([shape + grain * noise for shape, grain in drawn])
    pixels = np.clip(127.5 + levels, 0, 255)
    both = np.concatenate([pixels, np.rint(pixels[[0, 1, 3]])])
    return both[:, None].astype(np.float32).repeat(channels, axis=1)


def error_of(features: np.ndarray, exact: np.ndarray) -> float:
    """Give the largest difference of an image's features, as part of their norm; both are `(N, F)` float64."""
    off, norm = np.linalg.norm(features - exact, axis=1), np.linalg.norm(exact, axis=1)
    return float(np.divide(off, norm, out=np.where(off > 0, np.inf, 0.0), where=norm > 0).max())


def choose_layers(measure: Callable[[Layers], float], multiplications: Mapping[str, float]) -> Choice:
    """Choose what is computed in bf16: all, or of the layers that change the features least as many as may be.

    Args:
        measure: gives the error of the features with these layers in bf16.
        multiplications: of each layer that has weights, for one image.

    Returns:
        The choice, whose error was measured; without any layer where none can be had.
    """
    whole = measure(None)
    if whole <= AIM:
        return Choice(None, whole, whole, 1.0)
    total = sum(multiplications.values())
    base = measure(frozenset())  # of what is rounded all the same
    room = AIM**2 - base**2  # errors of layers are as good as independent: their squares add up
    tried = [name for name, number in multiplications.items() if number >= SMALLEST_SHARE * total] if room > 0 else []
    alone = {name: max(measure(frozenset({name})) ** 2 - base**2, 0.0) for name in tried}
    taken: list[str] = []
    for name in sorted(tried, key=lambda name: alone[name] / multiplications[name]):
        if alone[name] <= room:
            taken.append(name)
            room -= alone[name]
    while taken and (error := measure(frozenset(taken))) > AIM:
        taken.pop()
    if not taken:
        return Choice(frozenset(), base, whole, 0.0)
    return Choice(frozenset(taken), error, whole, sum(multiplications[name] for name in taken) / total)


def check(name: str, choice: Choice) -> None:
    """Refuse bf16 of a network no part of which bears it.

    Raises:
        InputError: so it is.
    """
    if choice.layers is not None and not choice.layers:
        raise InputError(
            f"--precision bf16: it changes the features of {name[:80]} by {choice.error_of_whole:.1%} on made images, "
            f"and no part of it was found that keeps them within {PROMISE:.0%}; take --precision fp32"
        )


def in_words(name: str, choice: Choice) -> str:
    """Say what of a network is computed in bf16, where that is not all."""
    layers = counted(len(choice.layers or ()), "layer")
    return (
        f"{name}: {layers} with {choice.share:.0%} of its multiplications in bf16, the others in fp32, so that "
        f"features keep within {PROMISE:.0%} of fp32's"
    )
