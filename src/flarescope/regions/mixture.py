"""What do a logistic regression and boosted trees forecast together?"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.log_odds import sigmoid
from flarescope.regions.description import Description
from flarescope.regions.grid import DAY
from flarescope.regions.logistic import Logistic
from flarescope.regions.trees import Trees

OF_TREES: Final = 0.4
"""The trees' share in the log odds."""


@dataclass(frozen=True)
class Mixture:
    """A weighted mean of both, in log odds.

    The trees know the classes within 24 hours. What they add to the regression's log odds of a class there, they add
    in the other windows too.

    Attributes:
        logistic: on all numbers.
        trees: on most of them.
    """

    logistic: Logistic
    trees: Trees

    __repr__ = brief

    def forecast(self, described: Description) -> np.ndarray:
        """Give the probabilities of the grid, `(N, T, W)`."""
        plain = self.logistic.log_odds(described)
        return mixed(plain, self.trees.log_odds(described))

    def to_json(self) -> dict[str, Any]:
        """Give both as plain values."""
        return {"logistic": self.logistic.to_json(), "trees": self.trees.to_json()}


def mixed(plain: np.ndarray, grown: np.ndarray) -> np.ndarray:
    """Join log odds of the regression `(N, T, W)` and of the trees `(N, T)` to probabilities `(N, T, W)`."""
    added = (grown - plain[:, :, DAY]) * OF_TREES
    return sigmoid(plain + added[:, :, None])
