"""What do workers of Ray import in tests: fake networks that compute, wait, die?"""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from fakes import FakeEngine
from flarescope.engines.base import EngineChoice
from flarescope.errors import InputError
from waiting import wait_until

FAKE_CHOICE = EngineChoice("fake", "cpu", "fp32", batch=4)


def choose_fake() -> EngineChoice:
    """Choose the fake engine, everywhere."""
    return FAKE_CHOICE


def fake_engine() -> FakeEngine:
    """Give the fake network."""
    return FakeEngine()


def dying_engine(mark: Path, times: int = 1) -> FakeEngine:
    """Give a fake network that is killed in its second batch, as often as said; `mark` counts."""

    def die(features: np.ndarray) -> None:
        died = len(mark.read_bytes()) if mark.exists() else 0
        if len(engine.batches) == 2 and died < times:
            with mark.open("ab") as file:
                file.write(b"x")
            os.kill(os.getpid(), signal.SIGKILL)

    engine = FakeEngine(edit=die)
    return engine


class WaitingEngine(FakeEngine):
    """A stand-in network that waits a fixed time for each image, so that few cores can show how work is shared."""

    def __init__(self, seconds_an_image: float) -> None:
        super().__init__()
        self.seconds_an_image = seconds_an_image

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for batch in batches:
            time.sleep(self.seconds_an_image * len(batch))
            yield self._features(batch)


def refuse() -> EngineChoice:
    """Refuse to choose, as a machine does that lacks what was asked for."""
    raise InputError("--engine winograd: not here")


class TogetherEngine(WaitingEngine):
    """A stand-in that waits with its first image until so many others have theirs, each of which leaves a file."""

    def __init__(self, folder: Path, workers: int, seconds_an_image: float) -> None:
        super().__init__(seconds_an_image)
        self.folder, self.workers = folder, workers
        folder.mkdir(exist_ok=True)

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        mark = self.folder / str(os.getpid())
        if not mark.exists():
            mark.touch()
            wait_until(lambda: len(list(self.folder.iterdir())) >= self.workers)
        return super().stream(batches)
