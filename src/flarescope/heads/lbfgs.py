"""Which head has the smallest loss of all, where the reference takes a number of Adam's steps?

Trained alone on fixed features, the two-way softmax is a logistic regression on the difference of its two logits: the
loss is convex, and with an L2 penalty it has one minimum. L-BFGS (Byrd, Lu, Nocedal & Zhu 1995, SIAM J. Sci. Comput.
16, 1190; scipy's) finds it in passes over all rows, with no learning rate, order or seed to choose.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from flarescope.cores import one_blas_thread
from flarescope.errors import FlarescopeError
from flarescope.features.gather import GATHER, Rows, batches
from flarescope.heads.head import Head, Recipe, reference_class_weight
from flarescope.log_odds import sigmoid

ITERATIONS: Final = 300
"""At most; each is one or two passes over the rows."""

TOLERANCE: Final = 1e-6
"""The search ends where no component of the gradient, by weights of standardised features, is larger, or where the loss
falls no further: products in float32 let it go down to some 1e-5 on thousands of features."""

CONVERGED: Final = 1e-4
"""Below this largest component of the gradient the head is said to have the smallest loss."""

CONSTANT: Final = 1e-6
"""A feature whose standard deviation is less than this part of its root mean square is taken as constant."""


@dataclass(frozen=True)
class Fit:
    """The head with the smallest loss.

    Attributes:
        head: its kernel's columns are -w/2 and w/2.
        iterations: of L-BFGS.
        converged: whether the gradient is about zero (see `CONVERGED`).
    """

    head: Head
    iterations: int
    converged: bool


@dataclass(frozen=True)
class Scaling:
    """What standardises the features.

    Attributes:
        mean: `(F,)` float64.
        inverse: `(F,)` float64, 1 / standard deviation; 0 for a feature that is constant, whose weight is then 0.
    """

    mean: np.ndarray
    inverse: np.ndarray

    def unfold(self, solution: np.ndarray) -> tuple[np.ndarray, float]:
        """Turn weights of standardised features, with the bias as last, into weights and bias of the features."""
        weights = solution[:-1] * self.inverse
        return weights, float(solution[-1] - weights @ self.mean)


def fit(
    rows: Rows | np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """Minimise the weighted cross-entropy of the head plus an L2 penalty.

    The loss is mean(weight * cross-entropy) + l2 / 2 * sum(u^2), where u are the weights of the features scaled to mean
    0 and standard deviation 1: the penalty does not depend on the features' scale, and the bias has none. In
    scikit-learn's terms C = 1 / (N l2).

    Args:
        rows: N rows of features, read once an evaluation, in blocks.
        labels: `(N,)` 0/1.
        recipe: of which class weights and `l2` count.
        progress: called with the iterations done and the most there can be.

    Raises:
        FlarescopeError: features so large that the loss is not finite.
    """
    weights = np.array(recipe.class_weight or reference_class_weight(labels))[np.asarray(labels, np.int64)]
    away = np.where(labels == 1, -1.0, 1.0)
    with one_blas_thread():
        scaling = standardise(rows)
        found = descend(
            _loss_and_gradient,
            np.zeros(len(scaling.mean) + 1),
            (rows, away, weights, scaling, recipe.l2),
            progress,
        )
    half, bias = (np.asarray(part) / 2 for part in scaling.unfold(found.x))
    head = Head(np.stack([-half, half], axis=1).astype(np.float32), np.array([-bias, bias], np.float32))
    return Fit(head, found.iterations, found.converged)


class Least(NamedTuple):
    """Where a loss is least: the numbers, after how many iterations, and whether the gradient is about zero."""

    x: np.ndarray
    iterations: int
    converged: bool


def descend(
    loss_and_gradient: Callable[..., tuple[float, np.ndarray]],
    start: np.ndarray,
    others: tuple[Any, ...],
    progress: Callable[[int, int], None] | None = None,
) -> Least:
    """Go down a loss by L-BFGS, from numbers `(P,)`.

    Args:
        loss_and_gradient: called with the numbers and `others`.
        start: the first numbers.
        others: what else it takes.
        progress: called with the iterations done and the most there can be.

    Raises:
        FlarescopeError: the loss is not finite.
    """
    from scipy.optimize import minimize

    done = 0

    def advance(_: np.ndarray) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, ITERATIONS)

    options = {"maxiter": ITERATIONS, "gtol": TOLERANCE, "ftol": 1e-12, "maxcor": 20}
    found = minimize(
        loss_and_gradient, start, args=others, jac=True, method="L-BFGS-B", callback=advance, options=options
    )
    if not np.isfinite(found.fun):
        raise FlarescopeError(f"the loss is {found.fun}: the features are too large; is their store damaged?")
    if progress:
        progress(ITERATIONS, ITERATIONS)
    return Least(found.x, int(found.nit), bool(np.abs(found.jac).max() <= CONVERGED))


def standardise(rows: Rows | np.ndarray) -> Scaling:
    """Give mean and standard deviation of each feature, in one pass."""
    total, squares = 0.0, 0.0
    with closing(batches(rows, np.arange(len(rows)), GATHER)) as stream:
        for x in stream:
            total = total + x.sum(axis=0, dtype=np.float64)
            squares = squares + np.square(x, dtype=np.float64).sum(axis=0)
    mean, mean_square = np.asarray(total) / len(rows), np.asarray(squares) / len(rows)
    deviation = np.sqrt(np.maximum(mean_square - mean**2, 0))
    varies = deviation > CONSTANT * np.sqrt(mean_square)
    return Scaling(mean, np.divide(1, deviation, out=np.zeros_like(deviation), where=varies))


def _loss_and_gradient(
    solution: np.ndarray, rows: Rows | np.ndarray, away: np.ndarray, weights: np.ndarray, scaling: Scaling, l2: float
) -> tuple[float, np.ndarray]:
    """Give the penalised loss and its gradient `(F + 1,)` by the weights of standardised features and the bias.

    The products with the features are in float32, the sums over blocks of rows in float64.
    """
    kernel, bias = scaling.unfold(solution)
    narrow = kernel.astype(np.float32)
    loss, by_bias, by_kernel, start = 0.0, 0.0, np.zeros_like(kernel), 0
    with closing(batches(rows, np.arange(len(rows)), GATHER)) as stream:
        for x in stream:
            part = slice(start, start + len(x))
            wrong = away[part] * ((x @ narrow) + bias)
            loss += float(weights[part] @ np.logaddexp(0, wrong))
            pull = away[part] * weights[part] * sigmoid(wrong)
            by_bias += float(pull.sum())
            by_kernel += pull.astype(np.float32) @ x
            start += len(x)
    gradient = np.append((by_kernel - by_bias * scaling.mean) * scaling.inverse, by_bias) / len(rows)
    gradient[:-1] += l2 * solution[:-1]
    return loss / len(rows) + l2 / 2 * float(solution[:-1] @ solution[:-1]), gradient
