"""What do boosted trees on the features forecast, trained by scikit-learn and kept as plain arrays?"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.features.gather import GATHER, Rows
from flarescope.heads.head import Recipe, reference_class_weight
from flarescope.log_odds import sigmoid
from flarescope.regions.trees import CHOICES, Trees, trees_of

MOST_BYTES: Final = 8 << 30
"""Of features that scikit-learn is given; it takes all of them at once, as float64."""


@dataclass(frozen=True)
class Boosted:
    """The trees, as arrays of float64 (see `regions.trees.Trees`).

    Attributes:
        size: `(1,)` how many numbers a row of features has.
        baseline: `(1,)` log odds before any tree.
        roots: `(K,)` where each tree begins.
        feature: `(M,)` which number a node asks for; -1 of a leaf.
        cut: `(M,)` a number at most so large goes to the next node; of a leaf its log odds.
        upper: `(M,)` the node on the other side; of a leaf 0.
    """

    size: np.ndarray
    baseline: np.ndarray
    roots: np.ndarray
    feature: np.ndarray
    cut: np.ndarray
    upper: np.ndarray

    __repr__ = brief

    @property
    def width(self) -> int:
        """How many numbers a row of features has."""
        return int(self.size[0])

    @property
    def digest(self) -> str:
        """Give `sha256:<hex>` over all arrays, as little-endian float64."""
        digest = hashlib.sha256()
        for array in (self.size, self.baseline, self.roots, self.feature, self.cut, self.upper):
            digest.update(np.ascontiguousarray(array, dtype="<f8").data)
        return f"sha256:{digest.hexdigest()}"

    def check(self) -> "Boosted":
        """Give the trees, if every walk down them ends within them.

        Raises:
            ValueError: it does not.
        """
        nodes, features = len(self.cut), self.feature
        whole = all((one == np.floor(one)).all() for one in (self.size, self.roots, features, self.upper))
        shapes = self.size.shape == self.baseline.shape == (1,) and features.shape == self.upper.shape == (nodes,)
        if not (whole and shapes and self.roots.ndim == self.cut.ndim == 1):
            raise ValueError("trees whose arrays do not fit each other")
        splits = np.flatnonzero(features >= 0)
        inside = (self.roots >= 0).all() and (self.roots < nodes).all() and (features < self.size[0]).all()
        down = (self.upper[splits] > splits).all() and (self.upper[splits] < nodes).all() and (splits < nodes - 1).all()
        if not (inside and down and (features >= -1).all()):
            raise ValueError("trees that lead nowhere")
        return self

    def log_odds(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the log odds of an event for each row, `(N,)` float64."""
        indices = (part.astype(int) for part in (self.roots, self.feature, self.upper))
        roots, feature, upper = indices
        none = np.zeros(len(feature), bool)
        trees = Trees((), float(self.baseline[0]), roots, feature, self.cut, upper, none)
        steps = range(0, len(rows), GATHER * GATHER)
        found = [
            trees.of_numbers(np.asarray(rows[np.arange(start, min(start + GATHER * GATHER, len(rows)))], float))
            for start in steps
        ]
        return np.concatenate(found) if found else np.empty(0)

    def probability(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the probability of an event for each row, `(N,)` float64 in 0..1."""
        return sigmoid(self.log_odds(rows))


def fit_boosted(rows: Rows | np.ndarray, labels: np.ndarray, recipe: Recipe) -> Boosted:
    """Train the trees on all rows at once.

    The choices are those of the region models (`regions.trees.CHOICES`), with smaller leaves where rows are few. The
    features are put into bins before scikit-learn does it: there, with weights, each of a feature's cuts sorts all rows
    anew, which took five sixths of the time. Its bins are of equal weight, these of equal numbers of rows.

    Args:
        rows: N rows of features.
        labels: `(N,)` 0/1.
        recipe: of which class weights and seed count.

    Raises:
        InputError: so many features that they would take more than `MOST_BYTES`.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    width = np.asarray(rows[np.arange(1)]).shape[1]
    if (wanted := len(rows) * width * 8) > MOST_BYTES:
        raise InputError(
            f"--head boosting holds all features at once, {wanted / 2**30:.0f} GiB of {len(rows):,} rows: at most "
            f"{MOST_BYTES / 2**30:.0f} GiB; take fewer rows (--limit), or --head mlp"
        )
    numbers = np.array(rows[np.arange(len(rows))], np.float64, order="F")
    cuts = [_bin(numbers[:, column]) for column in range(width)]
    weights = np.array(recipe.class_weight or reference_class_weight(labels))[np.asarray(labels, int)]
    leaf = max(5, min(CHOICES["min_samples_leaf"], len(labels) // 100))
    choices = {**CHOICES, "min_samples_leaf": leaf}
    boosted = HistGradientBoostingClassifier(**choices, early_stopping=False, random_state=recipe.seed)
    found = trees_of(boosted.fit(numbers, labels, sample_weight=weights), ())
    cut = found.cut.copy()
    for split in np.flatnonzero(found.feature >= 0):
        cut[split] = cuts[int(found.feature[split])][int(cut[split])]
    arrays = (np.array([width]), np.array([found.baseline]), found.roots, found.feature, cut, found.upper)
    return Boosted(*(np.asarray(array, np.float64) for array in arrays)).check()


def _bin(values: np.ndarray) -> np.ndarray:
    """Put the number of its bin in the place of each value `(N,)`; give the cuts, each the largest value of its bin."""
    most, distinct = int(CHOICES["max_bins"]), np.unique(values)
    cuts = (distinct[1:] + distinct[:-1]) / 2
    if len(distinct) > most:
        ranks = np.linspace(0, 100, most + 1)[1:-1]
        cuts = np.unique(np.percentile(values, ranks, method="averaged_inverted_cdf"))
    values[:] = np.searchsorted(cuts, values, side="left")
    return np.asarray(cuts)
