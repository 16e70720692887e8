"""What do boosted trees on a region's numbers forecast, one set of trees for all classes of the grid?

They are trained on each row once for every class, with the class's least flux as one more number, in which the
probability can only fall. So a stronger class never gets more than a weaker one, and the rare ones learn from the
frequent ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.regions.description import Description
from flarescope.regions.grid import DAY, THRESHOLDS_W_M2

CHOICES: Final = {
    "learning_rate": 0.06,
    "max_iter": 150,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 200,
    "l2_regularization": 10.0,
    "max_features": 0.3,
    "max_bins": 127,
}
"""Of scikit-learn's HistGradientBoostingClassifier."""
ANY_NUMBER: Final = 1e9
"""Stands for scikit-learn's infinite cut of a split that tells known numbers from unknown ones."""
_ROWS: Final = 4096
"""Rows that walk down all trees together."""


@dataclass(frozen=True)
class Trees:
    """Trees whose leaves are summed; nodes stand parent first, and a split's lower side follows it directly.

    Attributes:
        columns: names of F - 1 columns of a description; the last feature is log10 of the class's least flux.
        baseline: log odds before any tree.
        roots: `(K,)` the node at which each tree begins.
        feature: `(M,)` which number a node asks for; -1 of a leaf.
        cut: `(M,)` a number at most so large goes to the lower side; of a leaf its log odds.
        upper: `(M,)` the node on the other side; of a leaf 0.
        missing_lower: `(M,)` bool, whether an unknown number goes to the lower side.
    """

    columns: tuple[str, ...]
    baseline: float
    roots: np.ndarray
    feature: np.ndarray
    cut: np.ndarray
    upper: np.ndarray
    missing_lower: np.ndarray

    __repr__ = brief

    def log_odds(self, described: Description) -> np.ndarray:
        """Give the log odds of each class within 24 hours, `(N, T)`."""
        numbers = described.numbers[list(self.columns)].to_numpy(float)
        found = [self.of_numbers(stacked(numbers, (flux,))) for flux in THRESHOLDS_W_M2]
        return np.stack(found, axis=1)

    def of_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """Give the log odds of `(N, F)` numbers, `(N,)`."""
        found = np.empty(len(numbers))
        for start in range(0, len(numbers), _ROWS):
            piece = numbers[start : start + _ROWS]
            found[start : start + len(piece)] = self.cut[self._leaves(piece)].sum(axis=1)
        return found + self.baseline

    def _leaves(self, numbers: np.ndarray) -> np.ndarray:
        """Walk down all trees at once: `(N, K)` nodes."""
        node = np.tile(self.roots, (len(numbers), 1))
        rows = np.arange(len(numbers))[:, None]
        while (asked := self.feature[node]).max(initial=-1) >= 0:
            value = numbers[rows, asked]
            lower = np.where(np.isnan(value), self.missing_lower[node], value <= self.cut[node])
            node = np.where(asked < 0, node, np.where(lower, node + 1, self.upper[node]))
        return node

    def to_json(self) -> dict[str, Any]:
        """Give the trees as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("roots", "feature", "cut", "upper")}
        return {
            "columns": list(self.columns),
            "baseline": self.baseline,
            **arrays,
            "missing_lower": self.missing_lower.astype(int).tolist(),
        }


def stacked(numbers: np.ndarray, fluxes_w_m2: Sequence[float] = THRESHOLDS_W_M2) -> np.ndarray:
    """Give each of `(N, F - 1)` rows once a class, then log10 of its least flux; `(N x T, F)`, class by class."""
    return np.concatenate([np.c_[numbers, np.full(len(numbers), np.log10(flux))] for flux in fluxes_w_m2])


def fit_trees(described: Description, labels: np.ndarray, columns: Sequence[str], *, seed: int = 0) -> Trees:
    """Train the trees by scikit-learn.

    Args:
        described: N rows.
        labels: `(N, T, W)` bool, whether the event came.
        columns: of `described.numbers`.
        seed: of the numbers that each split may ask for.
    """
    numbers = described.numbers[list(columns)].to_numpy(float)
    return trees_of(fitted(numbers, labels, seed=seed), tuple(columns))


def fitted(numbers: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> Any:  # noqa: ANN401 - sklearn is untyped
    """Train scikit-learn's classifier on `(N, F - 1)` numbers; it takes rows as `stacked` gives them."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    falls = [0] * numbers.shape[1] + [-1]
    boosted = HistGradientBoostingClassifier(**CHOICES, monotonic_cst=falls, early_stopping=False, random_state=seed)
    return boosted.fit(stacked(numbers), labels[:, :, DAY].T.reshape(-1))


def trees_of(boosted: Any, columns: tuple[str, ...]) -> Trees:  # noqa: ANN401 - sklearn is untyped
    """Take the trees out of scikit-learn's classifier."""
    grown = [predictors[0].nodes for predictors in boosted._predictors]
    starts = np.cumsum([0, *(len(nodes) for nodes in grown)])
    nodes = np.concatenate(grown)
    offset = np.repeat(starts[:-1], [len(one) for one in grown])
    leaf = nodes["is_leaf"].astype(bool)
    if not (nodes["left"][~leaf] + offset[~leaf] == np.flatnonzero(~leaf) + 1).all():
        raise ValueError("scikit-learn's trees do not stand parent first; its layout changed")
    return Trees(
        columns,
        float(np.ravel(boosted._baseline_prediction)[0]),
        starts[:-1],
        np.where(leaf, -1, nodes["feature_idx"].astype(int)),
        np.where(leaf, nodes["value"], np.minimum(nodes["num_threshold"], ANY_NUMBER)),
        np.where(leaf, 0, nodes["right"].astype(int) + offset),
        nodes["missing_go_to_left"].astype(bool) & ~leaf,
    )
