"""Does a map show what the network uses: what becomes of the forecast when its best places go, or come, first?"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from flarescope.log_odds import sigmoid

Score = Callable[[np.ndarray], np.ndarray]
"""From pixels `(N, C, S, S)` float32 to the log-odds of the event, `(N,)`."""

POINTS: Final = 15
"""Of a curve: no cell changed, all of them changed, and thirteen between."""

RANDOM_MAPS: Final = 5


@dataclass(frozen=True)
class Curves:
    """Log-odds of the event against the share of cells that were changed, in the order of a map.

    Of a forecast near 0 or 1 the probability would be flat, whatever is changed.

    Attributes:
        share: `(P,)`, 0 .. 1.
        deletion: `(P,)`, cells of the image become zero field, the map's largest first; a faithful map falls fast.
        insertion: `(P,)`, cells of the image come into zero field, the largest first; a faithful map rises fast.
    """

    share: np.ndarray = field(repr=False)
    deletion: np.ndarray = field(repr=False)
    insertion: np.ndarray = field(repr=False)

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, the mean of the log-odds along it; small is good."""
        return float(np.trapezoid(self.deletion, self.share))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve, the mean of the log-odds along it; large is good."""
        return float(np.trapezoid(self.insertion, self.share))

    def to_json(self) -> dict[str, Any]:
        """Give areas and curves as plain values, also the areas of the probabilities, as Petsiuk et al. have them."""
        return {
            "deletion_area": self.deletion_area,
            "insertion_area": self.insertion_area,
            "deletion_area_of_probability": float(np.trapezoid(sigmoid(self.deletion), self.share)),
            "insertion_area_of_probability": float(np.trapezoid(sigmoid(self.insertion), self.share)),
            "share": self.share.tolist(),
            "deletion": self.deletion.tolist(),
            "insertion": self.insertion.tolist(),
        }


def cell_means(values: np.ndarray, cells: int) -> np.ndarray:
    """Average a map `(S, S)` over `cells` x `cells` cells, whose sides differ by a pixel where S is no multiple."""
    edges = np.linspace(0, len(values), cells + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(np.asarray(values, np.float64), edges, axis=0), edges, axis=1)
    sizes = np.diff([*edges, len(values)])
    return np.asarray(sums / np.outer(sizes, sizes))


def ranks_of_cells(values: np.ndarray, cells: int, seed: int) -> np.ndarray:
    """Give each cell's place in the order of a map, `(cells, cells)`, the largest first as 0; ties in random order."""
    means = cell_means(values, cells).ravel()
    ties = np.random.default_rng(seed).permutation(means.size)
    ranks = np.empty(means.size, np.int64)
    ranks[np.lexsort((ties, -means))] = np.arange(means.size)
    return ranks.reshape(cells, cells)


def random_ranks(cells: int, seed: int) -> np.ndarray:
    """Give an order of cells by a random map, in the form of `ranks_of_cells`."""
    return np.random.default_rng([seed, 1]).permutation(cells * cells).reshape(cells, cells)


def curves(score: Score, pixels: np.ndarray, ranks: np.ndarray, *, zero: float) -> Curves:
    """Delete and insert the cells of an image in an order (Petsiuk et al. 2018, RISE, BMVC; they insert into a blur).

    Args:
        score: log-odds of the event.
        pixels: `(C, S, S)`.
        ranks: `(K, K)`, each cell's place in the order, from 0.
        zero: what stands where nothing is.
    """
    share = np.linspace(0, 1, POINTS)
    size = pixels.shape[-1]
    edges = np.linspace(0, size, len(ranks) + 1).round().astype(int)
    place = np.repeat(np.repeat(ranks, np.diff(edges), axis=0), np.diff(edges), axis=1)
    changed = place[np.newaxis] < (share * ranks.size).round()[:, np.newaxis, np.newaxis]
    deleted = np.where(changed[:, np.newaxis], np.float32(zero), pixels[np.newaxis])
    inserted = np.where(changed[:, np.newaxis], pixels[np.newaxis], np.float32(zero))
    return Curves(share, *(np.asarray(score(images.astype(np.float32)), np.float64) for images in (deleted, inserted)))


def random_curves(score: Score, pixels: np.ndarray, cells: int, *, zero: float, seed: int) -> list[Curves]:
    """Give the curves of `RANDOM_MAPS` random maps, whose areas a map's are held against."""
    return [curves(score, pixels, random_ranks(cells, seed + number), zero=zero) for number in range(RANDOM_MAPS)]
