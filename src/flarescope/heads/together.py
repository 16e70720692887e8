"""How do several heads learn from the same batches, each with the bytes that it has alone?"""

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np

from flarescope.cores import one_blas_thread
from flarescope.features.gather import Rows, batches
from flarescope.heads.adam import State, check_converging, epoch_order, gradient_by_log_odds
from flarescope.heads.adam_change import Rates, adam_change
from flarescope.heads.adam_kernel import compiled_step, table
from flarescope.heads.blocks import Blocks
from flarescope.heads.head import Recipe
from flarescope.heads.products import Products
from flarescope.heads.result import EpochResult


class Learners:
    """Heads within an epoch, one below the other, with room for the numbers of a step, made once.

    A step is made for all heads at once, and gives each the bytes that it has alone.
    """

    def __init__(
        self, states: Sequence[State], labels: Sequence[np.ndarray], recipes: Sequence[Recipe], order: np.ndarray
    ) -> None:
        """Begin an epoch.

        Args:
            states: where each stands; they are not changed.
            labels: of each, `(N,)` 0/1; they are not copied.
            recipes: the choices of each.
            order: `(N,)` of the rows in the epoch.
        """
        self.states, self.recipes = states, recipes
        self.theta = _below(*(state.theta for state in states), axis=1)
        self.first, self.second = _below(*(one.first for one in states)), _below(*(one.second for one in states))
        self.difference, self.gradient, self.scratch = (_below(*self.first) for _ in range(3))
        np.subtract(self.theta[1], self.theta[0], out=self.difference)
        self.table = table(self.first, self.second, self.gradient, self.theta, self.difference)
        self.products = Products(self.difference, self.gradient)
        self.blocks, self.steps = Blocks(labels, recipes, order), 0

    def learn(self, x: np.ndarray) -> None:
        """Take the step of the next batch of the epoch; `x` is `(n, F)` float32."""
        away, force, forecasts = self.blocks.batch(len(x))
        self.products.forecast(x, forecasts)
        self.products.pull(x, gradient_by_log_odds(forecasts, away, force, self.recipes[0].clip))
        self.steps += 1
        self._step(Rates.of(self.recipes, [state.step + self.steps for state in self.states]))

    def _step(self, rates: Sequence[Rates]) -> None:
        """Change all heads by their gradients."""
        step = compiled_step()
        if step is not None:
            numbers = np.array(rates, np.float32)
            self.table[-1] = numbers.ctypes.data
            step(self.table.ctypes.data)
            return
        adam_change(self.first, self.second, self.gradient, Rates.together(rates), self.scratch)
        self.theta[0] += self.scratch
        self.theta[1] -= self.scratch
        np.subtract(self.theta[1], self.theta[0], out=self.difference)

    def finish(self) -> list[tuple[State, EpochResult]]:
        """End the epoch: what the forecasts were worth, each made just before its row was learned from."""
        found = []
        for place, (state, result) in enumerate(zip(self.states, self.blocks.results(), strict=True)):
            arrays = (self.theta[:, place].copy(), self.first[place].copy(), self.second[place].copy())
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
    recipe = recipes[0]
    order = epoch_order(len(rows), recipe, states[0].epoch + 1)
    learners = Learners(states, labels, recipes, order)
    with (
        one_blas_thread(),
        # A diverging run overflows; it is told by its loss, in one line.
        np.errstate(over="ignore", invalid="ignore", divide="ignore"),
        closing(batches(rows, order, recipe.batch)) as stream,
    ):
        for x in stream:
            learners.learn(x)
            if progress:
                progress(len(x))
        return learners.finish()
