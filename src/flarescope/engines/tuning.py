"""Which batch, and how many streams, are fastest on this machine? Measured once and remembered.

What is remembered lies in `engines.json` beside the cached weights, for each processor, number of cores, engine with
its version, precision, and network. It concerns features to come: a store keeps the batch and streams that it was
begun with.
"""

import itertools
import math
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.weights import cache_dir
from flarescope.cores import available_cores
from flarescope.engines.base import Engine, EngineChoice
from flarescope.engines.start import start
from flarescope.errors import FlarescopeError
from flarescope.files import read_json, write_json
from flarescope.progress import warn_user

SECONDS: Final = 2.0
"""How long each setting is measured, at least, in each round."""

ROUNDS: Final = 2
"""Each setting is measured in turn and then again, and its better speed counts: other work passes."""

GAIN: Final = 1.03
"""A setting replaces the engine's own only if it is so much faster: less is noise."""


MOST: Final = 4096
"""Batch, and streams, that a note may name; what was ever fastest is below 600."""


@dataclass(frozen=True)
class Measured:
    """One setting of an engine and its speed in images a second."""

    batch: int
    streams: int
    images_per_s: float


def settings_file() -> Path:
    """Give the file that remembers."""
    return cache_dir() / "engines.json"


def machine_key(choice: EngineChoice, network: str = VGG16.name) -> str:
    """Name what the speed depends on: processor, cores, engine and its version, precision, network if not VGG16."""
    library = version({"winograd": "flarescope"}.get(choice.engine, choice.engine))
    other = "" if network == VGG16.name else f", {network}"
    return f"{_processor(choice)}, {available_cores()} cores, {choice.engine} {library}, {choice.precision}{other}"


def _processor(choice: EngineChoice) -> str:
    if choice.engine == "openvino":
        import openvino

        return str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()
    if choice.device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    return " ".join(filter(None, (platform.node(), platform.processor(), choice.device)))


def remembered(choice: EngineChoice, network: str = VGG16.name) -> EngineChoice | None:
    """Give the choice with the batch and streams that were fastest here, or None where nothing was measured."""
    notes = _notes()
    if not notes:
        return None
    try:
        kept = notes.get(machine_key(choice, network))
        batch, streams = (int(kept["batch"]), int(kept["streams"])) if kept else (0, 0)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None  # a damaged note costs a measurement, no run
    possible = 1 <= batch <= MOST and 0 <= streams <= MOST
    return replace(choice, batch=batch, streams=streams) if possible else None


def _notes() -> dict[str, Any]:
    """Read what is remembered; nothing where it is damaged or cannot be read."""
    try:
        return read_json(settings_file()) if settings_file().exists() else {}
    except (FlarescopeError, OSError):
        return {}


def remember(choice: EngineChoice, measured: list[Measured], network: str = VGG16.name) -> EngineChoice:
    """Note the fastest of the measured settings, the first of which is the engine's own; give the choice with it.

    Where the note cannot be written a warning says so: the setting serves all the same.
    """
    own, best = measured[0], max(measured, key=lambda one: one.images_per_s)
    if best.images_per_s < GAIN * own.images_per_s:
        best = own
    notes = _notes()
    note = {"batch": best.batch, "streams": best.streams, "images_per_s": best.images_per_s}
    notes[machine_key(choice, network)] = note
    try:
        write_json(settings_file(), notes)
    except FlarescopeError as error:
        warn_user(f"{error}; what was measured here serves now, and is forgotten")
    return replace(choice, batch=best.batch, streams=best.streams)


def candidates(choice: EngineChoice) -> list[tuple[int, int]]:
    """Give the pairs of batch and streams worth a measurement, the engine's own first."""
    own = (choice.batch, choice.streams)
    if choice.engine == "openvino":
        cores = available_cores()
        streams = sorted({1, 2, max(1, cores // 4), max(1, cores // 2), cores})
        others = [(choice.batch, number) for number in streams] + [(8, 0), (32, 0)]
    elif choice.engine == "winograd":
        others = [(choice.batch, max(1, available_cores() // 2)), (6, 0), (24, 0)]
    elif choice.device == "cuda":
        others = [(batch, 0) for batch in (64, 128, 256, 512)]
    else:
        others = [(batch, 0) for batch in (4, 16, 32)]
    return [own, *(pair for pair in others if pair != own)]


def tune(
    weights: Weights,
    choice: EngineChoice,
    *,
    progress: Callable[[Measured], None] | None = None,
    seconds: float = SECONDS,
) -> list[Measured]:
    """Measure each candidate on made pixels (speed does not depend on them), the engine's own setting first.

    Args:
        weights: of the backbone; random ones serve.
        choice: engine, device and precision.
        progress: hears of each setting, each time it was measured.
        seconds: how long each is measured at least, in each round, once it is warm.
    """
    best: dict[tuple[int, int], float] = {}
    side = weights.backbone.pixels.size
    for batch, streams in candidates(choice) * ROUNDS:
        setting = replace(choice, batch=batch, streams=streams)
        try:
            speed = measure(start(setting, weights), (batch, 1, side, side), seconds)
        except FlarescopeError:  # more than the device's memory holds; the engine's own setting has to run
            if (batch, streams) == (choice.batch, choice.streams):
                raise
            speed = 0.0
        best[batch, streams] = max(speed, best.get((batch, streams), 0.0))
        if progress:
            progress(Measured(batch, streams, speed))
    return [Measured(batch, streams, speed) for (batch, streams), speed in best.items()]


def measure(engine: Engine, shape: tuple[int, int, int, int], seconds: float) -> float:
    """Give the speed of an engine on batches of made pixels, images a second, from the first batch to the last result.

    The number of batches is a multiple of the cores, so that as many streams as there are end together.
    """
    pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    wave = available_cores()

    def time_of(waves: int) -> float:
        begun = time.perf_counter()
        for _ in engine.stream(itertools.repeat(pixels, waves * wave)):
            pass
        return time.perf_counter() - begun

    time_of(1)  # compiled and warm
    once = time_of(1)
    waves = math.ceil(seconds / once) - 1
    return wave * shape[0] * (1 + max(waves, 0)) / (once + (time_of(waves) if waves > 0 else 0.0))
