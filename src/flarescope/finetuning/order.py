"""In which order are rows learned from, and which of them are a process's own?"""

import numpy as np

from flarescope.finetuning.recipe import TuneRecipe


def epoch_rows(labels: np.ndarray, recipe: TuneRecipe, epoch: int) -> np.ndarray:
    """Give the rows of an epoch in their order, `(N,)`; it depends on labels, seed and epoch alone.

    Args:
        labels: `(N,)` 0/1.
        recipe: with `balance` `sampling` every second row is an event, drawn with repetition; else each row comes once.
        epoch: from 1.
    """
    generator = np.random.default_rng([recipe.seed, 1, epoch])
    if recipe.balance != "sampling":
        return generator.permutation(len(labels))
    events, others = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    rows = np.empty(len(labels), np.int64)
    rows[0::2] = generator.choice(others, len(rows[0::2]))
    rows[1::2] = generator.choice(events, len(rows[1::2]))
    return rows


def share(positions: np.ndarray, rank: int, processes: int) -> tuple[np.ndarray, np.ndarray]:
    """Give a process's own part of a batch: every `processes`-th place, beginning with its own number.

    Args:
        positions: `(n,)` places of the batch in the order of the epoch.
        rank: of the process, from 0.
        processes: how many there are.

    Returns:
        Places, and the weight of each, 1. A process that has none of a small last batch gets its first place with the
        weight 0: it takes part in the step, as all must, and adds nothing.
    """
    own = positions[rank::processes]
    if len(own):
        return own, np.ones(len(own), np.float32)
    return positions[:1], np.zeros(1, np.float32)


def batches(rows: int, size: int, *, first: int = 0) -> list[np.ndarray]:
    """Cut `rows` places into batches of `size`, the last smaller, from place `first` on, which begins a batch."""
    return [np.arange(start, min(start + size, rows)) for start in range(first, rows, size)]
