"""What does every head offer, whatever it is made of?"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from flarescope.features.gather import Rows


class AnyHead(Protocol):
    """What turns a row of features into the probability of an event."""

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        ...

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over all that the head is."""
        ...

    def log_odds(self, rows: Rows | np.ndarray, /) -> np.ndarray:
        """Give ln(p / (1 - p)) for each row, `(N,)` float64."""
        ...

    def probability(self, rows: Rows | np.ndarray, /) -> np.ndarray:
        """Give the probability of an event for each row, `(N,)` float64 in 0..1."""
        ...


class WithEpoch(Protocol):
    """Where a training stands, whatever its head."""

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        ...


@dataclass(frozen=True)
class Ended:
    """A head that was trained in one piece, of any kind; a resumed run has nothing left to do.

    Attributes:
        head: None where it was read again: it lies in the model file.
        step: of its solver.
        epoch: 1.
    """

    head: AnyHead | None
    step: int = 0
    epoch: int = 1

    def arrays(self) -> dict[str, np.ndarray]:
        """Give nothing: no part of it is half done."""
        return {}
