"""What of a network can be computed in bf16, so that its features stay those of fp32?

Measured, on a few made images: the whole network if it bears bf16; else what is more, those convolutions and products
of matrices that together do, where `openvino_marks` can leave the others in fp32, or as much of its end as does, behind
what `openvino_parts` cuts off.
"""

from collections.abc import Callable, Mapping, Sequence
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


@dataclass(frozen=True)
class Plan:
    """What of a network is computed in bf16.

    Attributes:
        layers: names of those that are, of the layers that have weights; None is all.
        behind: the operation behind whose results the network is cut: what comes before is in fp32. Empty for no cut.
    """

    layers: frozenset[str] | None = None
    behind: str = ""


WHOLE: Final = Plan()
NOTHING: Final = Plan(frozenset())


@dataclass(frozen=True)
class Choice:
    """What of a network bears bf16.

    Attributes:
        plan: `NOTHING` where no part does.
        error: of the features of made images, see `PROMISE`.
        error_of_whole: the same, were the whole network in bf16.
        share: of the multiplications with the network's weights, 0..1.
    """

    plan: Plan
    error: float
    error_of_whole: float
    share: float


Measure = Callable[[Plan], float]
"""Gives the error of the features so computed."""


def made_pixels(size: int, channels: int) -> np.ndarray:
    """Draw images for the measurement: bipoles from faint to strong, a quiet field, noise, broad waves; some in bytes.

    They are made, none is a magnetogram. Images near one grey level lose most by bf16, and those of whole levels more.

    Returns:
        `(11, channels, size, size)` float32, 0..255; the last three in whole levels, as 8-bit images have them. Of
        several channels eleven more, whose channels differ.
    """
    noise = np.random.default_rng(0).normal(size=(size, size))
    y, x = np.mgrid[:size, :size] / size - 0.5

    def spot(down: float, right: float, width: float) -> np.ndarray:
        spread: np.ndarray = np.exp(-((y - down) ** 2 + (x - right) ** 2) / (2 * width**2))
        return spread

    bipole = spot(0, 0.12, 0.05) - spot(0.03, -0.12, 0.07) + 0.3 * (spot(0.1, 0.05, 0.02) - spot(-0.1, -0.04, 0.03))
    waves = np.sin(9 * x + 4 * y) * np.cos(7 * y - 3 * x)
    drawn = ((10 * bipole, 0.3), (30 * bipole, 0.3), (60 * bipole, 0.3), (0, 0.3), (0, 20), (0, 60), (0, 120))
    levels = np.stack([shape + grain * noise for shape, grain in (*drawn, (100 * waves, 8))])
    pixels = np.clip(127.5 + levels, 0, 255)
    grey = np.concatenate([pixels, np.rint(pixels[[0, 1, 3]])])
    coloured = np.stack([np.roll(grey, (turn, 7 * turn), axis=(0, 2)) for turn in range(channels)], axis=1)
    return np.concatenate([grey[:, None].repeat(channels, axis=1), coloured][: min(channels, 2)]).astype(np.float32)


def error_of(features: np.ndarray, exact: np.ndarray) -> float:
    """Give the largest difference of an image's features, as part of their norm; both are `(N, F)` float64.

    Infinite where a feature of either is no finite number: nothing is known of such a network, and no part may pass.
    """
    if not (np.isfinite(features).all() and np.isfinite(exact).all()):
        return np.inf
    off, norm = np.linalg.norm(features - exact, axis=1), np.linalg.norm(exact, axis=1)
    return float(np.divide(off, norm, out=np.where(off > 0, np.inf, 0.0), where=norm > 0).max())


def choose_plan(measure: Measure, multiplications: Mapping[str, float], places: Mapping[str, float]) -> Choice:
    """Choose what is computed in bf16.

    Args:
        measure: see there.
        multiplications: of each layer that has weights, for one image.
        places: where the network can be cut: how much of the multiplications is behind it, from little to much.

    Returns:
        The choice, whose error was measured.
    """
    whole = measure(WHOLE)
    if whole <= AIM:
        return Choice(WHOLE, whole, whole, 1.0)
    layers, of_layers = choose_layers(measure, multiplications)
    share = sum(multiplications[name] for name in layers) / sum(multiplications.values()) if layers else 0.0
    behind, of_end = choose_end(measure, list(places))
    if behind and places[behind] > share:
        return Choice(Plan(behind=behind), of_end, whole, places[behind])
    return Choice(Plan(layers), of_layers, whole, share)


def choose_layers(measure: Measure, multiplications: Mapping[str, float]) -> tuple[frozenset[str], float]:
    """Choose as many layers as may be, of those that change the features least.

    Args:
        measure: see there.
        multiplications: of each layer that has weights, for one image.

    Returns:
        The layers, none where none bears it, and their error.
    """
    total = sum(multiplications.values())
    base = measure(NOTHING)  # of what is rounded all the same
    room = AIM**2 - base**2  # errors of layers are as good as independent: their squares add up
    tried = [name for name, number in multiplications.items() if number >= SMALLEST_SHARE * total] if room > 0 else []
    alone = {name: max(measure(Plan(frozenset({name}))) ** 2 - base**2, 0.0) for name in tried}
    taken: list[str] = []
    for name in sorted(tried, key=lambda name: alone[name] / multiplications[name]):
        if alone[name] <= room:
            taken.append(name)
            room -= alone[name]
    while taken and (error := measure(Plan(frozenset(taken)))) > AIM:
        taken.pop()
    return frozenset(taken), error if taken else base


def choose_end(measure: Measure, places: Sequence[str]) -> tuple[str, float]:
    """Choose as much of a network's end as may be, by halves: the more of it, the larger is the error.

    Args:
        measure: see there.
        places: where the network can be cut, the last first.

    Returns:
        The place, empty where none bears it, and its error.
    """
    best, error = -1, np.inf
    beyond = len(places)
    while beyond - best > 1:
        middle = (best + beyond) // 2
        found = measure(Plan(behind=places[middle]))
        if found <= AIM:
            best, error = middle, found
        else:
            beyond = middle
    return (places[best] if best >= 0 else ""), error


def check(name: str, choice: Choice) -> None:
    """Refuse bf16 of a network no part of which bears it.

    Raises:
        InputError: so it is.
    """
    if choice.plan == NOTHING:
        raise InputError(
            f"--precision bf16: it changes the features of {name[:80]} by {choice.error_of_whole:.1%} on made images, "
            f"and no part of it was found that keeps them within {PROMISE:.0%}; take --precision fp32"
        )


def in_words(name: str, choice: Choice) -> str:
    """Say what of a network is computed in bf16, where that is not all."""
    share = f"{choice.share:.0%}" if choice.share >= 0.01 else "less than 1%"
    if choice.plan.layers is not None:
        part, rest = f"{counted(len(choice.plan.layers), 'layer')} with {share} of its multiplications", "the others"
    else:
        part, rest = f"its end with {share} of its multiplications", "what comes before"
    return (
        f"{name}: {part} in bf16, {rest} in fp32, so that features keep within {PROMISE:.0%} of fp32's "
        f"({choice.error:.1%} on made images)"
    )
