"""How is the head trained on cached features, exactly as the reference recipe trains it in Keras?

A forecast depends on the log-odds alone: the logit of "flares" minus that of "does not". The loss pulls at the two
logits with equal force in opposite directions, so that one gradient and one pair of Adam's moments serve both.
Everything here is NumPy in float32 with one BLAS thread, so that the same seed gives the same bytes on any number of
cores.
"""

import math
from dataclasses import dataclass

import numpy as np

from flarescope.errors import FlarescopeError
from flarescope.heads.adam_change import Rates, adam_change
from flarescope.heads.base import WithEpoch
from flarescope.heads.head import Head, Recipe
from flarescope.heads.result import EpochResult


@dataclass(frozen=True)
class State:
    """Where training stands between two epochs; everything that a resumed run needs.

    Attributes:
        theta: `(2, F + 1)` float32: the weights of "does not flare" and of "flares", the bias as the last of each.
        first: `(F + 1,)` float32, Adam's first moment for "flares"; that for "does not" is its negative.
        second: `(F + 1,)` float32, Adam's second moment, the same for both.
        step: optimiser steps taken.
        epoch: epochs finished.
    """

    theta: np.ndarray
    first: np.ndarray
    second: np.ndarray
    step: int = 0
    epoch: int = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Give what a resumed run needs, by name."""
        return {"theta": self.theta, "first": self.first, "second": self.second}

    @property
    def head(self) -> Head:
        """The head as it stands."""
        return Head(np.ascontiguousarray(self.theta[:, :-1].T), self.theta[:, -1].copy())

    @classmethod
    def start(cls, head: Head) -> "State":
        """Begin training from a head."""
        theta = np.vstack([head.kernel, head.bias]).T.astype(np.float32, order="C")
        return cls(theta, np.zeros_like(theta[0]), np.zeros_like(theta[0]))


def epoch_order(rows: int, recipe: Recipe, epoch: int) -> np.ndarray:
    """Give the order of the rows in an epoch (counted from 1); it depends on the seed and the epoch alone."""
    if not recipe.shuffle:
        return np.arange(rows)
    return np.random.default_rng([recipe.seed, 1, epoch]).permutation(rows)


def gradient_by_log_odds(log_odds: np.ndarray, away: np.ndarray, force: np.ndarray, clip: float) -> np.ndarray:
    """Give the derivative of a batch's loss by the log-odds of each row.

    The loss is the sum of the weighted cross-entropies divided by the number of rows (Keras divides by the batch size,
    not by the sum of the weights). By the logit of "flares" the derivative is the same, by the other its negative.

    Args:
        log_odds: `(n,)` float32.
        away: `(n,)` float32, the direction that is wrong for each row: -1 for events, else 1.
        force: `(n,)` float32, that times the class weight of the row.
        clip: as in `Recipe`.

    Returns:
        The same shape, float32; several heads' may stand one below the other, `(E, n)`.
    """
    wrong = away * log_odds
    gradient = np.asarray(force / (1 + np.exp(-wrong)))  # exp may overflow: 1 / inf is 0
    if clip:
        # Where the clip is at work the loss is flat, and so no gradient flows.
        of_truth = 1 / (1 + np.exp(wrong))
        gradient[(of_truth < clip) | (of_truth > 1 - clip)] = 0
    gradient *= np.float32(1 / gradient.shape[-1])
    return gradient


def adam_step(state: State, gradient: np.ndarray, recipe: Recipe, scratch: np.ndarray | None = None) -> State:
    """Take one step of Adam in Keras' form, in place.

    Kingma & Ba 2015 (arXiv 1412.6980), the variant before section 2.1 ends: both bias corrections go into the step
    size, and epsilon is added to the square root of the uncorrected second moment.

    Args:
        state: changed in place.
        gradient: `(F + 1,)` float32, by the weights of "flares".
        recipe: the choices.
        scratch: room for `(F + 1,)` float32.
    """
    step, first, second = state.step + 1, state.first, state.second
    rates = Rates.of([recipe], [step])
    change = np.empty_like(first) if scratch is None else scratch
    adam_change(first, second, gradient, rates[0], change)
    state.theta[0] += change
    state.theta[1] -= change
    return State(state.theta, first, second, step, state.epoch)


def check_converging(state: WithEpoch, result: EpochResult) -> None:
    """Refuse an epoch after which the head is of no use.

    Raises:
        FlarescopeError: its loss is not finite.
    """
    if not math.isfinite(result.loss):
        raise FlarescopeError(
            f"training diverged in epoch {state.epoch}: the loss is {result.loss}; "
            "lower --learning-rate or the class weights"
        )
