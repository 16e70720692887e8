"""How is the head trained on cached features, exactly as the reference recipe trains it in Keras?

A forecast depends on the log-odds alone: the logit of "flares" minus that of "does not". The loss pulls at the two
logits with equal force in opposite directions, so that one gradient and one pair of Adam's moments serve both.
Everything here is NumPy in float32 with one BLAS thread, so that the same seed gives the same bytes on any number of
cores.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from flarescope.errors import FlarescopeError
from flarescope.features.gather import Rows, batches
from flarescope.heads.head import EpochResult, Head, Recipe, reference_class_weight, result_of


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

    @property
    def head(self) -> Head:
        """The head as it stands."""
        return Head(np.ascontiguousarray(self.theta[:, :-1].T), self.theta[:, -1].copy())

    @classmethod
    def start(cls, head: Head) -> "State":
        """Begin training from a head."""
        theta = np.vstack([head.kernel, head.bias]).T.astype(np.float32, order="C")
        return cls(theta, np.zeros_like(theta[0]), np.zeros_like(theta[0]))

    def copy(self) -> "State":
        """Give the same state in memory of its own."""
        return replace(self, theta=self.theta.copy(), first=self.first.copy(), second=self.second.copy())


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
        `(n,)` float32.
    """
    wrong = away * log_odds
    gradient = np.asarray(force / (1 + np.exp(-wrong)))  # exp may overflow: 1 / inf is 0
    if clip:
        # Where the clip is at work the loss is flat, and so no gradient flows.
        of_truth = 1 / (1 + np.exp(wrong))
        gradient[(of_truth < clip) | (of_truth > 1 - clip)] = 0
    gradient *= np.float32(1 / len(gradient))
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
    size = np.float32(recipe.learning_rate * math.sqrt(1 - recipe.beta_2**step) / (1 - recipe.beta_1**step))
    change = np.empty_like(first) if scratch is None else scratch
    np.subtract(gradient, first, out=change)
    change *= np.float32(1 - recipe.beta_1)
    first += change
    np.square(gradient, out=change)
    change -= second
    change *= np.float32(1 - recipe.beta_2)
    second += change
    np.sqrt(second, out=change)
    change += np.float32(recipe.epsilon)
    np.divide(first, change, out=change)
    change *= size
    state.theta[0] += change
    state.theta[1] -= change
    return State(state.theta, first, second, step, state.epoch)


class _Learner:
    """One head within an epoch, with room for the numbers of a step, made once."""

    def __init__(self, state: State, labels: np.ndarray, recipe: Recipe) -> None:
        """Begin an epoch.

        Args:
            state: where training stands; it is not changed.
            labels: `(N,)` 0/1, in the order of the epoch.
            recipe: the choices.
        """
        self.state, self.recipe, self.labels = state.copy(), recipe, labels
        self.weights = np.array(recipe.class_weight or reference_class_weight(labels), np.float32)[labels]
        self.away = np.where(labels == 1, np.float32(-1), np.float32(1))
        self.force = self.away * self.weights
        self.log_odds = np.empty(len(labels), np.float32)
        self.difference, self.gradient, self.scratch = (np.empty_like(state.first) for _ in range(3))

    def learn(self, x: np.ndarray, start: int) -> None:
        """Take the step of the batch that begins at `start` in the order of the epoch; `x` is `(n, F)` float32."""
        part = slice(start, start + len(x))
        np.subtract(self.state.theta[1], self.state.theta[0], out=self.difference)
        log_odds = np.dot(x, self.difference[:-1], out=self.log_odds[part])
        log_odds += self.difference[-1]
        pull = gradient_by_log_odds(log_odds, self.away[part], self.force[part], self.recipe.clip)
        np.dot(pull, x, out=self.gradient[:-1])
        self.gradient[-1] = pull.sum()
        self.state = adam_step(self.state, self.gradient, self.recipe, self.scratch)

    def finish(self) -> tuple[State, EpochResult]:
        """End the epoch: what the forecasts were worth, each made just before its row was learned from."""
        state = replace(self.state, epoch=self.state.epoch + 1)
        return state, result_of(self.labels, self.log_odds, clip=self.recipe.clip, weights=self.weights)


def train_epoch(
    state: State,
    rows: Rows | np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    progress: Callable[[int], None] | None = None,
) -> tuple[State, EpochResult]:
    """Train the head for one epoch.

    Args:
        state: where training stands; it is not changed.
        rows: N rows of features.
        labels: `(N,)` 0/1.
        recipe: the choices.
        progress: called with the number of rows of each finished step.

    Returns:
        The state after the epoch, and what Keras reports of it: the weighted loss averaged over the rows, and the
        contingency table, both counted while the head moves.

    Raises:
        FlarescopeError: the training diverged.
    """
    ((state, result),) = train_together([state], rows, [labels], [recipe], progress=progress)
    check_converging(state, result)
    return state, result


def train_together(
    states: Sequence[State],
    rows: Rows | np.ndarray,
    labels: Sequence[np.ndarray],
    recipes: Sequence[Recipe],
    *,
    progress: Callable[[int], None] | None = None,
) -> list[tuple[State, EpochResult]]:
    """Train several heads for one epoch on the same batches: each row is read once, each head's bytes are its own.

    Args:
        states: where each stands, all before the same epoch.
        rows: N rows of features.
        labels: of each, `(N,)` 0/1; heads of several events differ in them.
        recipes: of each; they share batch, seed and shuffling, which decide the batches.
        progress: called with the number of rows of each finished step.

    Returns:
        What `train_epoch` gives, for each; a head that diverged has a loss that is not finite.
    """
    from threadpoolctl import threadpool_limits

    recipe = recipes[0]
    order = epoch_order(len(rows), recipe, states[0].epoch + 1)
    learners = [
        _Learner(state, np.asarray(own, dtype=np.int64)[order], choices)
        for state, own, choices in zip(states, labels, recipes, strict=True)
    ]
    start = 0
    # A diverging run overflows; it is told by its loss, in one line.
    with (
        threadpool_limits(1, user_api="blas"),
        np.errstate(over="ignore", invalid="ignore", divide="ignore"),
        closing(batches(rows, order, recipe.batch)) as stream,
    ):
        for x in stream:
            for learner in learners:
                learner.learn(x, start)
            start += len(x)
            if progress:
                progress(len(x))
        return [learner.finish() for learner in learners]


def check_converging(state: State, result: EpochResult) -> None:
    """Refuse an epoch after which the head is of no use.

    Raises:
        FlarescopeError: its loss is not finite.
    """
    if not math.isfinite(result.loss):
        raise FlarescopeError(
            f"training diverged in epoch {state.epoch}: the loss is {result.loss}; "
            "lower --learning-rate or the class weights"
        )
