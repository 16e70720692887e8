"""What is an engine: which one, on what, in which precision, and what does it do with batches?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

ENGINES: Final = ("auto", "torch", "openvino", "winograd")
PRECISIONS: Final = ("auto", "fp32", "bf16")
MIXED: Final = "bf16-mixed"
"""What `bf16` becomes for a network that does not bear it as a whole: what of it does (`openvino_bf16`)."""


class Engine(Protocol):
    """A network that is ready to run."""

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Turn batches of pixels into features, one for one and in order.

        Args:
            batches: `(n, C, S, S)` float32 or uint8, which are the same numbers: features do not depend on the type.

        Yields:
            `(n, F)` float32.
        """


@dataclass(frozen=True)
class EngineChoice:
    """Which engine, on what, in which precision; it is part of the key of every cached feature.

    Attributes:
        engine: `torch`, `openvino` or `winograd`.
        device: `cuda`, `mps` or `cpu`.
        precision: `fp32`, `bf16` or `MIXED`.
        batch: images a forward pass.
        streams: batches that are computed side by side on a CPU; 0 leaves their number to the engine, as torch always
            has it.
    """

    engine: str
    device: str
    precision: str
    batch: int
    streams: int = 0

    @property
    def id(self) -> str:
        """What the cache key says, such as `openvino-cpu-bf16`."""
        return f"{self.engine}-{self.device}-{self.precision}"
