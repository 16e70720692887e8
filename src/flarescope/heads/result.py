"""What was an epoch worth on one set of rows, also where these come one after the other?"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from flarescope.scores.contingency import ContingencyTable, count
from flarescope.scores.loss import losses_of_log_odds

BLOCK_ROWS: Final = 8_192
"""So many rows are scored at a time: what is kept of a head does not grow with the number of rows."""


@dataclass(frozen=True)
class EpochResult:
    """What an epoch reports of one set of rows: the loss and the contingency table."""

    loss: float
    table: ContingencyTable = field(repr=False)


class Tally:
    """Loss and counts of rows that are given in parts; the order of the parts, and where they end, is the caller's."""

    def __init__(self, clip: float) -> None:
        """Begin with no row; `clip` is that of `Recipe`."""
        self._clip, self._rows, self._loss, self._table = clip, 0, 0.0, ContingencyTable(0, 0, 0, 0)

    def add(self, labels: np.ndarray, log_odds: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Count rows in: `(n,)` 0/1, their log-odds, and their weights in the loss where they have some."""
        self._rows += len(labels)
        self._loss += float(losses_of_log_odds(labels, log_odds, clip=self._clip, weights=weights).sum())
        self._table += count(labels, log_odds >= 0)

    def result(self) -> EpochResult:
        """Give the loss a row (NaN of none), and forecasts by p(flare) >= 0.5 against what happened."""
        return EpochResult(self._loss / self._rows if self._rows else float("nan"), self._table)


def result_of(
    labels: np.ndarray, log_odds: np.ndarray, *, clip: float, weights: np.ndarray | None = None
) -> EpochResult:
    """Score log-odds `(N,)`: the loss, weighted by row where weights are given, and forecasts by p(flare) >= 0.5."""
    tally = Tally(clip)
    for start in range(0, len(labels), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        tally.add(labels[part], log_odds[part], None if weights is None else weights[part])
    return tally.result()
