"""How is the head trained on cached features, exactly as the reference recipe trains it in Keras?

A forecast depends on the log-odds alone: the logit of "flares" minus that of "does not". The loss pulls at the two
logits with equal force in opposite directions, so that one gradient and one pair of Adam's moments serve both.
Everything here is NumPy in float32 with one BLAS thread, so that the same seed gives the same bytes on any number of
cores.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from flarescope.errors import FlarescopeError
from flarescope.features.gather import Rows, batches
from flarescope.heads.adam_change import Rates, adam_change
from flarescope.heads.base import WithEpoch
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


class _Learners:
    """Heads within an epoch, one below the other, with room for the numbers of a step, made once.

    What goes number by number is done for all heads at once, and gives each the bytes that it has alone; the products
    with the features, whose bytes depend on the shape, are made for each head by itself.
    """

    def __init__(self, states: Sequence[State], labels: Sequence[np.ndarray], recipes: Sequence[Recipe]) -> None:
        """Begin an epoch.

        Args:
            states: where each stands; they are not changed.
            labels: of each, `(N,)` 0/1, in the order of the epoch.
            recipes: the choices of each.
        """
        self.states, self.recipes, self.labels = states, recipes, labels
        self.theta = _below(*(state.theta for state in states), axis=1)
        self.first, self.second = _below(*(one.first for one in states)), _below(*(one.second for one in states))
        self.weights = np.stack(
            [
                np.array(recipe.class_weight or reference_class_weight(own), np.float32)[own]
                for recipe, own in zip(recipes, labels, strict=True)
            ]
        )
        self.away = np.where(np.stack(labels) == 1, np.float32(-1), np.float32(1))
        self.force = self.away * self.weights
        self.log_odds = np.empty(self.away.shape, np.float32)
        self.difference, self.gradient, self.scratch = (_below(*self.first) for _ in range(3))
        self.steps = 0

    def learn(self, x: np.ndarray, start: int) -> None:
        """Take the step of the batch that begins at `start` in the order of the epoch; `x` is `(n, F)` float32."""
        part = np.s_[:, start : start + len(x)]
        np.subtract(self.theta[1], self.theta[0], out=self.difference)
        for head, log_odds in zip(self.difference, self.log_odds[part], strict=True):
            np.dot(x, head[:-1], out=log_odds)
            log_odds += head[-1]
        pulls = gradient_by_log_odds(self.log_odds[part], self.away[part], self.force[part], self.recipes[0].clip)
        for gradient, pull in zip(self.gradient, pulls, strict=True):
            np.dot(pull, x, out=gradient[:-1])
            gradient[-1] = pull.sum()
        self.steps += 1
        rates = Rates.together(Rates.of(self.recipes, [state.step + self.steps for state in self.states]))
        adam_change(self.first, self.second, self.gradient, rates, self.scratch)
        self.theta[0] += self.scratch
        self.theta[1] -= self.scratch

    def finish(self) -> list[tuple[State, EpochResult]]:
        """End the epoch: what the forecasts were worth, each made just before its row was learned from."""
        found = []
        for place, (state, recipe, labels) in enumerate(zip(self.states, self.recipes, self.labels, strict=True)):
            arrays = (self.theta[:, place].copy(), self.first[place].copy(), self.second[place].copy())
            result = result_of(labels, self.log_odds[place], clip=recipe.clip, weights=self.weights[place])
            found.append((State(*arrays, state.step + self.steps, state.epoch + 1), result))
        return found


def _below(*rows: np.ndarray, axis: int = 0) -> np.ndarray:
    """Put rows one below the other, each on a boundary of 64 bytes, as a row of its own would lie."""
    width = rows[0].shape[-1]
    stacked = np.stack(rows, axis=axis)
    room = np.zeros((*stacked.shape[:-1], -(-width // 16) * 16), np.float32)
    room[..., :width] = stacked
    return room[..., :width]


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
        recipes: of each; they share batch, seed and shuffling, which decide the batches, and clip.
        progress: called with the number of rows of each finished step.

    Returns:
        What `train_epoch` gives, for each; a head that diverged has a loss that is not finite.
    """
    from threadpoolctl import threadpool_limits

    recipe = recipes[0]
    order = epoch_order(len(rows), recipe, states[0].epoch + 1)
    in_order = [np.asarray(own, dtype=np.int64)[order] for own in labels]
    learners = _Learners(states, in_order, recipes)
    start = 0
    # A diverging run overflows; it is told by its loss, in one line.
    with (
        threadpool_limits(1, user_api="blas"),
        np.errstate(over="ignore", invalid="ignore", divide="ignore"),
        closing(batches(rows, order, recipe.batch)) as stream,
    ):
        for x in stream:
            learners.learn(x, start)
            start += len(x)
            if progress:
                progress(len(x))
        return learners.finish()


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
