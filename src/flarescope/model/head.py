"""How is the head trained on cached features, exactly as the reference recipe trains it in Keras?

The head is the only part that the recipe trains: two softmax units on 4,096 features. Everything here is NumPy in
float32 with one BLAS thread, so that the same seed gives the same bytes on any number of cores.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from flarescope.errors import FlarescopeError, InputError
from flarescope.scores.contingency import ContingencyTable, count
from flarescope.scores.loss import cross_entropy_of_log_odds

CLASSES = 2
CHUNK = 4096
"""Rows that are scored at a time: bounded memory however long the table."""


class Rows(Protocol):
    """Features by row: `len(rows)`, and `rows[indices] -> (n, F) float32`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: np.ndarray, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Head:
    """The trained layer.

    Attributes:
        kernel: `(F, 2)` float32; column 1 is "flares".
        bias: `(2,)` float32.
    """

    kernel: np.ndarray
    bias: np.ndarray

    def log_odds(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the logit of "flares" minus that of "does not" for each row, `(N,)` float64."""
        from threadpoolctl import threadpool_limits

        starts = range(0, len(rows), CHUNK)
        chunks = (rows[np.arange(start, min(start + CHUNK, len(rows)))] for start in starts)
        with threadpool_limits(1, user_api="blas"):
            logits = [np.asarray(chunk @ self.kernel + self.bias, np.float64) for chunk in chunks]
        return np.concatenate([pair[:, 1] - pair[:, 0] for pair in logits]) if logits else np.empty(0)

    def probability(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the probability of an event for each row, `(N,)` float64 in 0..1."""
        return sigmoid(self.log_odds(rows))


@dataclass(frozen=True)
class Recipe:
    """The choices of a training run; the defaults are the reference recipe's.

    Attributes:
        learning_rate: Adam's step size.
        beta_1: decay of Adam's first moment.
        beta_2: decay of Adam's second moment.
        epsilon: added to the square root of the uncorrected second moment, as Keras does.
        batch: images a step; the last, smaller one of an epoch is kept.
        epochs: passes over the training rows.
        shuffle: a new order every epoch, drawn from `seed` and the epoch's number.
        seed: of the first head and of the order.
        class_weight: weights of no-event and event; None is the reference formula, 1 and N_no-event / N_event.
        clip: 0 computes the loss from the logits, as Keras does on TensorFlow, where the reference ran. Otherwise
            probabilities are kept within clip .. 1 - clip; Keras on PyTorch does so with 1e-7. They differ only for
            forecasts that are wrong with p < clip, from which a clipped loss learns nothing.
        patience: stop after so many epochs without a better validation TSS; None never stops early.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    batch: int = 64
    epochs: int = 5
    shuffle: bool = True
    seed: int = 0
    class_weight: tuple[float, float] | None = None
    clip: float = 0.0
    patience: int | None = None

    def __post_init__(self) -> None:
        ranges = {
            "learning_rate": 0 < self.learning_rate < math.inf,
            "beta_1": 0 <= self.beta_1 < 1,
            "beta_2": 0 <= self.beta_2 < 1,
            "epsilon": 0 < self.epsilon < math.inf,
            "batch": self.batch >= 1,
            "epochs": self.epochs >= 1,
            "seed": self.seed >= 0,
            "class_weight": self.class_weight is None or all(0 < weight < math.inf for weight in self.class_weight),
            "clip": 0 <= self.clip < 0.5,
            "patience": self.patience is None or self.patience >= 1,
        }
        for name, good in ranges.items():
            if not good:
                raise InputError(f"{name.replace('_', '-')} {getattr(self, name)} is out of range; see the help")


@dataclass(frozen=True)
class State:
    """Where training stands between two epochs; everything that a resumed run needs.

    Attributes:
        theta: `(F + 1, 2)` float32, the kernel with the bias as its last row.
        first: Adam's first moment, like `theta`.
        second: Adam's second moment, like `theta`.
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
        return Head(self.theta[:-1].copy(), self.theta[-1].copy())

    @classmethod
    def start(cls, head: Head) -> "State":
        """Begin training from a head."""
        theta = np.vstack([head.kernel, head.bias]).astype(np.float32)
        return cls(theta, np.zeros_like(theta), np.zeros_like(theta))


@dataclass(frozen=True)
class EpochResult:
    """What an epoch reports of one set of rows: the loss and the contingency table."""

    loss: float
    table: ContingencyTable = field(repr=False)


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Give the probability of log-odds, without overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Give the softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def glorot_head(features: int, seed: int) -> Head:
    """Draw a first head: Glorot-uniform kernel, zero bias (Keras' Dense default).

    Uniform in +-sqrt(6 / (features + 2)); Glorot & Bengio 2010, AISTATS 9, 249.
    """
    limit = math.sqrt(6 / (features + CLASSES))
    kernel = np.random.default_rng([seed, 0]).uniform(-limit, limit, (features, CLASSES))
    return Head(kernel.astype(np.float32), np.zeros(CLASSES, np.float32))


def reference_class_weight(labels: np.ndarray) -> tuple[float, float]:
    """Give the recipe's class weights: 1 for no event, N_no-event / N_event for an event.

    Raises:
        InputError: where one of the classes is missing.
    """
    events = int(np.count_nonzero(labels))
    others = len(labels) - events
    if not events or not others:
        only = "flares" if events else "does not flare"
        raise InputError(
            f"one class only in the training set: each of its {len(labels):,} images {only}; both classes are needed"
        )
    return 1.0, others / events


def epoch_order(rows: int, recipe: Recipe, epoch: int) -> np.ndarray:
    """Give the order of the rows in an epoch (counted from 1); it depends on the seed and the epoch alone."""
    if not recipe.shuffle:
        return np.arange(rows)
    return np.random.default_rng([recipe.seed, 1, epoch]).permutation(rows)


def loss_and_gradient(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray, clip: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Give the weighted loss of a batch, its gradient by the logits, and the probabilities.

    Args:
        logits: `(n, 2)` float32.
        labels: `(n,)` 0/1.
        weights: `(n,)` float32, the class weight of each row.
        clip: as in `Recipe`.

    Returns:
        The sum of the weighted losses divided by n (Keras divides by the batch size, not by the sum of the weights);
        its gradient `(n, 2)`; the softmax `(n, 2)`.
    """
    rows = np.arange(len(labels))
    probabilities = softmax(logits)
    of_truth = probabilities[rows, labels]
    gradient = probabilities.copy()
    gradient[rows, labels] -= 1
    gradient *= (weights / np.float32(len(labels)))[:, np.newaxis]
    if clip:
        # Where the clip is at work the loss is flat, and so no gradient flows.
        gradient[(of_truth < clip) | (of_truth > 1 - clip)] = 0
        loss = -np.log(np.clip(of_truth, clip, 1 - clip))
    else:
        shifted = logits - logits.max(axis=1, keepdims=True)
        loss = np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, labels]
    return float((loss * weights).sum() / len(labels)), gradient, probabilities


def adam_step(state: State, gradient: np.ndarray, recipe: Recipe) -> State:
    """Take one step of Adam in Keras' form, in place.

    Kingma & Ba 2015 (arXiv 1412.6980), the variant before section 2.1 ends: both bias corrections go into the step
    size, and epsilon is added to the square root of the uncorrected second moment.
    """
    step = state.step + 1
    size = np.float32(recipe.learning_rate * math.sqrt(1 - recipe.beta_2**step) / (1 - recipe.beta_1**step))
    state.first[...] += (gradient - state.first) * np.float32(1 - recipe.beta_1)
    state.second[...] += (np.square(gradient) - state.second) * np.float32(1 - recipe.beta_2)
    state.theta[...] -= size * state.first / (np.sqrt(state.second) + np.float32(recipe.epsilon))
    return replace(state, step=step)


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
    """
    from threadpoolctl import threadpool_limits

    weight = np.array(recipe.class_weight or reference_class_weight(labels), np.float32)
    labels = np.asarray(labels, dtype=np.int64)
    order = epoch_order(len(rows), recipe, state.epoch + 1)
    state = replace(state, theta=state.theta.copy(), first=state.first.copy(), second=state.second.copy())
    total, yes = 0.0, np.empty(len(rows), bool)
    gradient = np.empty_like(state.theta)
    # A diverging run overflows; it is told by its loss, in one line.
    with threadpool_limits(1, user_api="blas"), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for start in range(0, len(order), recipe.batch):
            index = order[start : start + recipe.batch]
            x, y = np.asarray(rows[index], np.float32), labels[index]
            logits = x @ state.theta[:-1] + state.theta[-1]
            loss, by_logits, probabilities = loss_and_gradient(logits, y, weight[y], recipe.clip)
            np.matmul(x.T, by_logits, out=gradient[:-1])
            gradient[-1] = by_logits.sum(axis=0)
            state = adam_step(state, gradient, recipe)
            if not math.isfinite(loss):
                raise FlarescopeError(
                    f"training diverged in epoch {state.epoch + 1}: the loss is {loss}; "
                    "lower --learning-rate or the class weights"
                )
            total += loss * len(index)
            yes[index] = probabilities[:, 1] >= 0.5
            if progress:
                progress(len(index))
    return replace(state, epoch=state.epoch + 1), EpochResult(total / len(order), count(labels, yes))


def validate(head: Head, rows: Rows | np.ndarray, labels: np.ndarray, *, clip: float) -> EpochResult:
    """Score a head on rows as Keras does after an epoch: unweighted loss, forecasts by p(flare) >= 0.5."""
    log_odds = head.log_odds(rows)
    return EpochResult(cross_entropy_of_log_odds(labels, log_odds, clip=clip), count(labels, log_odds >= 0))
