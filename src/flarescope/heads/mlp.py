"""What does one hidden layer between the features and the log odds forecast, and how is it trained by Adam?

The features are scaled to mean 0 and standard deviation 1, go through `hidden` units with ReLU, and one weighted sum
of these is the log odds. Loss, class weights, batches and Adam are those of the linear head; everything is NumPy in
float32 with one BLAS thread: the same seed gives the same bytes on any number of cores.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from flarescope.brief import brief
from flarescope.cores import one_blas_thread
from flarescope.errors import InputError
from flarescope.features.gather import GATHER, Rows, batches
from flarescope.heads.adam import epoch_order, gradient_by_log_odds
from flarescope.heads.adam_change import Rates, adam_change
from flarescope.heads.blocks import Blocks
from flarescope.heads.head import Recipe
from flarescope.heads.lbfgs import standardise
from flarescope.heads.result import EpochResult
from flarescope.log_odds import sigmoid

MOST_WEIGHTS: Final = 1_300_000
"""Of the kernel: 317 units on 4,096 features. Kept with both moments they are 16 MB a state."""


@dataclass(frozen=True)
class Mlp:
    """The trained layers.

    Attributes:
        mean: `(F,)` float32, of the features.
        inverse: `(F,)` float32, 1 / their standard deviation; 0 of one that does not vary.
        kernel: `(F, H)` float32, to the hidden units.
        bias: `(H,)` float32.
        output: `(H,)` float32, from the hidden units to the log odds.
        constant: `(1,)` float32.
    """

    mean: np.ndarray
    inverse: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    output: np.ndarray
    constant: np.ndarray

    __repr__ = brief

    @property
    def width(self) -> int:
        """How many numbers a row of features has."""
        return len(self.mean)

    @property
    def digest(self) -> str:
        """Give `sha256:<hex>` over all arrays, as little-endian float32."""
        digest = hashlib.sha256()
        for array in (self.mean, self.inverse, self.kernel, self.bias, self.output, self.constant):
            digest.update(np.ascontiguousarray(array, dtype="<f4").data)
        return f"sha256:{digest.hexdigest()}"

    def hidden(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the scaled features `(n, F)` and what the hidden units hold before ReLU, `(n, H)`."""
        scaled = (x - self.mean) * self.inverse
        return scaled, scaled @ self.kernel + self.bias

    def log_odds(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the log odds of an event for each row, `(N,)` float64."""
        found, start = np.empty(len(rows)), 0
        with one_blas_thread(), closing(batches(rows, np.arange(len(rows)), GATHER)) as stream:
            for x in stream:
                held = np.maximum(self.hidden(x)[1], 0)
                found[start : start + len(x)] = held @ self.output + self.constant[0]
                start += len(x)
        return found

    def probability(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the probability of an event for each row, `(N,)` float64 in 0..1."""
        return sigmoid(self.log_odds(rows))


@dataclass(frozen=True)
class MlpState:
    """Where training stands between two epochs.

    Attributes:
        theta: `(P,)` float32: kernel, bias, output and constant, one behind the other.
        first: `(P,)` float32, Adam's first moment.
        second: `(P,)` float32, Adam's second moment.
        mean: `(F,)` float32.
        inverse: `(F,)` float32.
        step: optimiser steps taken.
        epoch: epochs finished.
    """

    theta: np.ndarray
    first: np.ndarray
    second: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray
    step: int = 0
    epoch: int = 0

    @property
    def head(self) -> Mlp:
        """The layers as they stand."""
        return Mlp(self.mean, self.inverse, *(part.copy() for part in parts_of(self.theta, len(self.mean))))

    def arrays(self) -> dict[str, np.ndarray]:
        """Give what a resumed run needs, by name."""
        return {name: getattr(self, name) for name in ("theta", "first", "second", "mean", "inverse")}


def parts_of(theta: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give views of kernel `(F, H)`, bias `(H,)`, output `(H,)` and constant `(1,)` in one vector."""
    hidden = (len(theta) - 1) // (features + 2)
    ends = np.cumsum([features * hidden, hidden, hidden])
    kernel, bias, output, constant = np.split(theta, ends)
    return kernel.reshape(features, hidden), bias, output, constant


def first_state(rows: Rows | np.ndarray, recipe: Recipe) -> MlpState:
    """Draw the layers that training begins with: Glorot-uniform kernels, zero biases; scaled by the training rows."""
    scaling = standardise(rows)
    features, hidden = len(scaling.mean), recipe.hidden
    if features * hidden > MOST_WEIGHTS:
        raise InputError(f"--hidden {hidden}: expected at most {MOST_WEIGHTS // features} on {features:,} features")
    generator = np.random.default_rng([recipe.seed, 0])
    kernels = [
        generator.uniform(-limit, limit, size)
        for limit, size in (
            (math.sqrt(6 / (features + hidden)), features * hidden),
            (math.sqrt(6 / (hidden + 1)), hidden),
        )
    ]
    theta = np.concatenate([kernels[0], np.zeros(hidden), kernels[1], [0.0]]).astype(np.float32)
    mean, inverse = scaling.mean.astype(np.float32), scaling.inverse.astype(np.float32)
    return MlpState(theta, np.zeros_like(theta), np.zeros_like(theta), mean, inverse)


class _Learner:
    """One MLP within an epoch."""

    def __init__(self, state: MlpState, labels: np.ndarray, recipe: Recipe, order: np.ndarray) -> None:
        self.theta, self.first, self.second = (one.copy() for one in (state.theta, state.first, state.second))
        self.state, self.recipe, self.step = state, recipe, state.step
        self.blocks = Blocks([labels], [recipe], order)
        self.gradient, self.change = np.empty_like(self.theta), np.empty_like(self.theta)
        features = len(state.mean)
        self.head = Mlp(state.mean, state.inverse, *parts_of(self.theta, features))  # views: they move with theta
        self.slopes = parts_of(self.gradient, features)

    def learn(self, x: np.ndarray) -> None:
        """Take the step of the next batch of the epoch."""
        away, force, log_odds = (one[0] for one in self.blocks.batch(len(x)))
        scaled, held = self.head.hidden(x)
        lit = np.maximum(held, 0)
        log_odds[:] = lit @ self.head.output + self.head.constant[0]
        pull = gradient_by_log_odds(log_odds, away, force, self.recipe.clip)
        by_held = pull[:, np.newaxis] * self.head.output * (held > 0)
        kernel, bias, output, constant = self.slopes
        np.dot(scaled.T, by_held, out=kernel)
        bias[:], output[:], constant[:] = by_held.sum(axis=0), pull @ lit, pull.sum()
        self.step += 1
        (rates,) = Rates.of([self.recipe], [self.step])
        adam_change(self.first, self.second, self.gradient, rates, self.change)
        self.theta -= self.change

    def finish(self) -> tuple[MlpState, EpochResult]:
        """End the epoch: what the forecasts were worth, each made just before its row was learned from."""
        state = replace(
            self.state,
            theta=self.theta,
            first=self.first,
            second=self.second,
            step=self.step,
            epoch=self.state.epoch + 1,
        )
        (result,) = self.blocks.results()
        return state, result


def train_mlps(
    states: Sequence[MlpState],
    rows: Rows | np.ndarray,
    labels: Sequence[np.ndarray],
    recipes: Sequence[Recipe],
    *,
    progress: Callable[[int], None] | None = None,
) -> list[tuple[MlpState, EpochResult]]:
    """Train several MLPs for one epoch on the same batches; each has the bytes of one trained alone.

    Args:
        states: where each stands, all before the same epoch.
        rows: N rows of features.
        labels: of each, `(N,)` 0/1.
        recipes: of each; they share batch, seed and shuffling.
        progress: called with the number of rows of each finished step.
    """
    order = epoch_order(len(rows), recipes[0], states[0].epoch + 1)
    learners = [_Learner(state, own, recipe, order) for state, own, recipe in zip(states, labels, recipes, strict=True)]
    with (
        one_blas_thread(),
        np.errstate(over="ignore", invalid="ignore", divide="ignore"),
        closing(batches(rows, order, recipes[0].batch)) as stream,
    ):
        for x in stream:
            for learner in learners:
                learner.learn(x)
            if progress:
                progress(len(x))
        return [learner.finish() for learner in learners]
