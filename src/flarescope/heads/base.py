"""What does every head offer, whatever it is made of?"""

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
