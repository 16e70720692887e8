"""How probable is each class of flare, when all classes share one weighted sum of the features: cumulative logits?

P(class >= k) = 1 / (1 + exp(-(w . x + b_k))), with biases that fall from class to class (McCullagh 1980, J. R. Stat.
Soc. B 42, 109: proportional odds). So each class has a linear head of its own, all with the same weights, and a
stronger class is never more probable than a weaker one, by construction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from flarescope.errors import InputError
from flarescope.features.gather import Rows
from flarescope.heads.head import Head
from flarescope.heads.likelihood import maximise
from flarescope.log_odds import sigmoid


@dataclass(frozen=True)
class OrdinalFit:
    """The heads of classes of rising strength.

    Attributes:
        heads: one a class, in the order of the labels.
        iterations: of L-BFGS.
        converged: whether the gradient is about zero.
    """

    heads: tuple[Head, ...]
    iterations: int
    converged: bool


def fit_ordinal(
    rows: Rows | np.ndarray,
    labels: Sequence[np.ndarray],
    *,
    l2: float,
    progress: Callable[[int, int], None] | None = None,
) -> OrdinalFit:
    """Fit cumulative logits by maximum likelihood with an L2 penalty.

    Args:
        rows: N rows of features.
        labels: of classes of rising strength, K of `(N,)` 0/1: whether each or a stronger one came.
        l2: of the penalty (see `likelihood.maximise`).
        progress: called with the iterations done and the most there can be.

    Raises:
        InputError: labels that do not fall from class to class, or a class that adds no row to the stronger ones.
    """
    reached = np.stack([np.asarray(one, np.int64) for one in labels])
    if (np.diff(reached, axis=0) > 0).any():
        raise InputError("labels of an ordinal head: a stronger class came where a weaker one did not")
    shares = reached.mean(axis=1)
    if (np.diff(shares) >= 0).any() or not 0 < shares[-1] <= shares[0] < 1:
        raise InputError("an ordinal head needs rows of each class that no stronger class has; leave one of them out")
    level = reached.sum(axis=0)
    logits = np.log(shares) - np.log1p(-shares)
    start = np.concatenate([logits[:1], np.log(-np.diff(logits))])

    def per_row(sums: np.ndarray, part: slice, others: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return losses(sums, level[part], others)

    found = maximise(rows, per_row, start, l2=l2, progress=progress)
    heads = tuple(found.head(float(bias)) for bias in biases_of(found.others))
    return OrdinalFit(heads, found.iterations, found.converged)


def biases_of(others: np.ndarray) -> np.ndarray:
    """Give the biases `(K,)`, which fall: the first, and the logarithms of the steps down."""
    return np.asarray(others[0] - np.concatenate([[0.0], np.cumsum(np.exp(others[1:]))]))


def losses(sums: np.ndarray, level: np.ndarray, others: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Give the sum of -ln P(level) and its derivatives.

    With s and t the log odds of reaching a row's level and the next, P = sigmoid(s) - sigmoid(t).

    Args:
        sums: `(n,)` w . x.
        level: `(n,)` how many of the K classes were reached.
        others: `(K,)`, see `biases_of`.

    Returns:
        The sum, its derivative by each of the sums `(n,)`, and by each of the others `(K,)`.
    """
    biases = np.concatenate([[np.inf], biases_of(others), [-np.inf]])
    s, t = sums + biases[level], sums + biases[level + 1]
    with np.errstate(invalid="ignore"):
        gap = -np.expm1(t - s)  # 1 - exp(t - s); where s or t is infinite it is 1
    log_p = -np.logaddexp(0, -s) - np.logaddexp(0, t) + np.log(gap)
    by_s, by_t = sigmoid(-s) / (sigmoid(-t) * gap), -sigmoid(t) / (sigmoid(s) * gap)
    by_bias = np.bincount(level, by_s, len(biases)) + np.bincount(level + 1, by_t, len(biases))
    inner = by_bias[1:-1]
    by_step = -np.cumsum(inner[::-1])[::-1][1:] * np.exp(others[1:])
    return float(-log_p.sum()), -(by_s + by_t), -np.concatenate([[inner.sum()], by_step])
