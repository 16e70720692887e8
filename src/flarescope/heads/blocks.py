"""What do heads know of the rows of an epoch beside their features, and what were their forecasts of them worth?

Labels, weights and forecasts are kept of one block of rows at a time: what a head needs does not grow with the rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flarescope.heads.head import Recipe, reference_class_weight
from flarescope.heads.result import BLOCK_ROWS, EpochResult, Tally


class Batch(NamedTuple):
    """What is known of the rows of a batch, `(E, n)` float32 each, of E heads: views of their block.

    Attributes:
        away: the direction that is wrong for each row: -1 for events, else 1.
        force: that times the class weight of the row.
        log_odds: to be filled in: the forecasts.
    """

    away: np.ndarray
    force: np.ndarray
    log_odds: np.ndarray


class Blocks:
    """The rows of an epoch in their order, for several heads."""

    def __init__(self, labels: Sequence[np.ndarray], recipes: Sequence[Recipe], order: np.ndarray) -> None:
        """Begin an epoch.

        Args:
            labels: of each head, `(N,)` 0/1; they are not copied.
            recipes: of each, of one batch.
            order: `(N,)` of the rows.
        """
        self._all, self._order = [np.asarray(own) for own in labels], order
        self._class_weight = np.array(
            [one.class_weight or reference_class_weight(own) for one, own in zip(recipes, self._all, strict=True)],
            np.float32,
        )
        self._tallies = [Tally(one.clip) for one in recipes]
        batch = recipes[0].batch
        self._size, self._ahead = batch * max(1, BLOCK_ROWS // batch), 0
        self._begin()

    def _begin(self) -> None:
        index = self._order[self._ahead : self._ahead + self._size]
        self._labels = np.stack([own[index] for own in self._all])
        event = self._labels == 1
        self._weights = np.where(event, self._class_weight[:, 1:], self._class_weight[:, :1])
        away = np.where(event, np.float32(-1), np.float32(1))
        self._block = Batch(away, away * self._weights, np.empty(away.shape, np.float32))
        self._ahead, self._done = self._ahead + len(index), 0

    def _count(self) -> None:
        done = zip(self._tallies, self._labels, self._block.log_odds, self._weights, strict=True)
        for tally, labels, log_odds, weights in done:
            tally.add(labels[: self._done], log_odds[: self._done], weights[: self._done])

    def batch(self, rows: int) -> Batch:
        """Give what is known of the next so many rows; forecasts of those before have been filled in."""
        if self._done == self._block.away.shape[1]:
            self._count()
            self._begin()
        part = np.s_[:, self._done : self._done + rows]
        self._done += rows
        return Batch(*(one[part] for one in self._block))

    def results(self) -> list[EpochResult]:
        """End the epoch: what the forecasts of each head were worth, each made just before its row was learned from."""
        self._count()
        return [tally.result() for tally in self._tallies]
