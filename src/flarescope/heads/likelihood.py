"""How is a likelihood maximised whose rows depend on the features through one weighted sum alone?

The sum is eta = w . x; what else there is, thresholds or a scale, are a few further numbers. As in `heads.lbfgs` the
features are scaled to mean 0 and standard deviation 1, and an L2 penalty is put on their weights.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from flarescope.cores import one_blas_thread
from flarescope.features.gather import GATHER, Rows, batches
from flarescope.heads.head import Head
from flarescope.heads.lbfgs import Scaling, descend, standardise

PerRow = Callable[[np.ndarray, slice, np.ndarray], tuple[float, np.ndarray, np.ndarray]]
"""Sums of the weighted sums `(n,)` of some rows, which rows, the further numbers -> the sum of their losses, its
derivative by each sum `(n,)`, and by each further number."""


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is largest.

    Attributes:
        kernel: `(F,)` float64, weights of the features as they are.
        offset: what is added to the sum, for the features' means are not zero.
        others: the further numbers.
        iterations: of L-BFGS.
        converged: whether the gradient is about zero (`lbfgs.CONVERGED`).
    """

    kernel: np.ndarray
    offset: float
    others: np.ndarray
    iterations: int
    converged: bool

    def head(self, bias: float) -> Head:
        """Give the linear head whose log odds are the sum plus a bias."""
        half, constant = self.kernel / 2, (self.offset + bias) / 2
        kernel = np.stack([-half, half], axis=1).astype(np.float32)
        return Head(kernel, np.array([-constant, constant], np.float32))


def maximise(
    rows: Rows | np.ndarray,
    per_row: PerRow,
    start: np.ndarray,
    *,
    l2: float,
    progress: Callable[[int, int], None] | None = None,
) -> Maximum:
    """Minimise the mean of the rows' losses plus l2 / 2 * sum(u^2), u being the weights of scaled features.

    Args:
        rows: N rows of features, read once an evaluation, in blocks.
        per_row: of the losses.
        start: the further numbers to begin with; the weights begin at 0.
        l2: of the penalty.
        progress: called with the iterations done and the most there can be.

    Raises:
        FlarescopeError: the loss is not finite.
    """
    with one_blas_thread():
        scaling = standardise(rows)
        begin = np.concatenate([np.zeros(len(scaling.mean)), start])
        found = descend(_objective, begin, (rows, per_row, scaling, l2), progress)
    width = len(scaling.mean)
    kernel, offset = scaling.unfold(np.append(found.x[:width], 0.0))
    return Maximum(kernel, offset, found.x[width:], found.iterations, found.converged)


def _objective(
    solution: np.ndarray, rows: Rows | np.ndarray, per_row: PerRow, scaling: Scaling, l2: float
) -> tuple[float, np.ndarray]:
    """Give the penalised loss and its gradient; products with the features are in float32, sums in float64."""
    width = len(scaling.mean)
    weights, others = solution[:width], solution[width:]
    kernel, offset = scaling.unfold(np.append(weights, 0.0))
    narrow = kernel.astype(np.float32)
    loss, by_sum, start = 0.0, 0.0, 0
    by_kernel, by_others = np.zeros(width), np.zeros(len(others))
    with closing(batches(rows, np.arange(len(rows)), GATHER)) as stream:
        for x in stream:
            own, pull, extra = per_row((x @ narrow).astype(np.float64) + offset, slice(start, start + len(x)), others)
            loss += own
            by_sum += float(pull.sum())
            by_kernel += pull.astype(np.float32) @ x
            by_others += extra
            start += len(x)
    by_weights = (by_kernel - by_sum * scaling.mean) * scaling.inverse / len(rows) + l2 * weights
    return loss / len(rows) + l2 / 2 * float(weights @ weights), np.concatenate([by_weights, by_others / len(rows)])
