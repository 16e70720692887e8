"""What is the head, with which choices is it trained, and what does it forecast?

The head is the only part that the recipe trains: two softmax units on the network's features.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from flarescope.brief import brief
from flarescope.cores import one_blas_thread
from flarescope.errors import InputError
from flarescope.features.gather import GATHER, Rows, batches
from flarescope.heads.base import AnyHead
from flarescope.heads.result import BLOCK_ROWS, EpochResult, Tally, result_of
from flarescope.log_odds import sigmoid

CLASSES: Final = 2

_ADAM: Final = (
    *("learning_rate", "beta_1", "beta_2", "epsilon", "batch", "epochs", "shuffle", "seed", "clip", "patience"),
)
SOLVERS: Final = {"adam": (*_ADAM, "class_weight"), "lbfgs": ("l2", "class_weight")}
"""What each solver of a linear head knows of a recipe's choices."""
HEADS: Final = {
    "linear": (),
    "ordinal": ("l2",),
    "regression": ("l2",),
    "mlp": (*_ADAM, "class_weight", "hidden"),
    "boosting": ("seed", "class_weight"),
    **dict.fromkeys(
        ("gru", "attention"),
        ("learning_rate", "beta_1", "beta_2", "batch", "epochs", "shuffle", "seed", "class_weight", "hidden"),
    ),
}
"""What each other head knows of them; what the linear one knows, its solver says."""
SEQUENCE: Final = ("gru", "attention")
"""Heads that look at an image and the earlier ones of its region (`features.history`), trained in one piece."""
JOINT: Final = ("ordinal", "regression")
"""Heads that are trained on all classes of a window together."""


@dataclass(frozen=True)
class Head:
    """The trained layer.

    Attributes:
        kernel: `(F, 2)` float32; column 1 is "flares".
        bias: `(2,)` float32.
    """

    kernel: np.ndarray
    bias: np.ndarray

    __repr__ = brief

    @property
    def width(self) -> int:
        """How many numbers a row of features has."""
        return len(self.kernel)

    @property
    def digest(self) -> str:
        """Give `sha256:<hex>` over kernel and bias, as little-endian float32."""
        digest = hashlib.sha256()
        for array in (self.kernel, self.bias):
            digest.update(np.ascontiguousarray(array, dtype="<f4").data)
        return f"sha256:{digest.hexdigest()}"

    def log_odds(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the logit of "flares" minus that of "does not" for each row, `(N,)` float64."""
        return log_odds_together([self], rows)[0]

    def probability(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the probability of an event for each row, `(N,)` float64 in 0..1."""
        return sigmoid(self.log_odds(rows))


def known_choices(solver: str, head: str) -> frozenset[str]:
    """Name the choices of a recipe that mean something for a head (of the linear one: for its solver)."""
    own = ("solver", *SOLVERS[solver]) if head == "linear" else HEADS[head]
    return frozenset({"head", *own})


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
        solver: `adam` as in the reference, or `lbfgs`, which finds the smallest loss (see `heads.lbfgs`); of the other
            choices it knows `class_weight` and `l2` alone.
        l2: for `lbfgs`, of the penalty l2 / 2 * sum(u^2) beside the mean loss, u being the weights of features scaled
            to standard deviation 1.
        head: `linear`, the reference's; `ordinal` and `regression`, one for all classes of a window (see
            `heads.ordinal`, `heads.flux`), which know `l2` alone; `mlp` (see `heads.mlp`), which knows `hidden` and
            what Adam knows; `boosting`, boosted trees (see `heads.boosting`), which know `seed` and `class_weight`; or
            `gru` and `attention`, of a history of images (see `heads.sequence`).
        hidden: units of the one hidden layer of `mlp`; numbers that an image is brought down to by `gru` and
            `attention`.

    Example:
        >>> flarescope.Recipe(learning_rate=0.0005, epochs=10)
        Recipe(learning_rate=0.0005, epochs=10)
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
    solver: str = "adam"
    l2: float = 1e-4
    head: str = "linear"
    hidden: int = 64

    __repr__ = brief

    def __post_init__(self) -> None:
        positive, whole = "a number above 0", "1 or more"
        ranges = {
            "learning_rate": (0 < self.learning_rate < math.inf, positive),
            "beta_1": (0 <= self.beta_1 < 1, "0 to less than 1"),
            "beta_2": (0 <= self.beta_2 < 1, "0 to less than 1"),
            "epsilon": (0 < self.epsilon < math.inf, positive),
            "batch": (self.batch >= 1, whole),
            "epochs": (self.epochs >= 1, whole),
            "seed": (self.seed >= 0, "0 or more"),
            "class_weight": (
                self.class_weight is None or all(0 < weight < math.inf for weight in self.class_weight),
                "two numbers above 0",
            ),
            "clip": (0 <= self.clip < 0.5, "0 to less than 0.5"),
            "patience": (self.patience is None or self.patience >= 1, whole),
            "solver": (self.solver in SOLVERS, f"one of {', '.join(SOLVERS)}"),
            "l2": (0 <= self.l2 < math.inf, "0 or more"),
            "head": (self.head in HEADS, f"one of {', '.join(HEADS)}"),
            "hidden": (1 <= self.hidden <= 1024, "1 to 1024"),
        }
        for name, (good, expected) in ranges.items():
            if not good:
                value = getattr(self, name)
                raise InputError(f"{name.replace('_', '-')} {value} is out of range; expected {expected}")
        known = known_choices(self.solver, self.head)
        idle = [one.name for one in fields(self) if one.name not in known and getattr(self, one.name) != one.default]
        if idle:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in idle)
            whose = f"--solver {self.solver}" if self.head == "linear" else f"--head {self.head}"
            raise InputError(f"{names}: without meaning for {whose}; leave it out")

    @property
    def last_epoch(self) -> int:
        """The number of the epoch that ends the training; what is not trained by Adam has one."""
        return self.epochs if self.by_adam else 1

    @property
    def by_adam(self) -> bool:
        """Whether it is trained step by step, on batches in an order."""
        return self.head == "mlp" or (self.head == "linear" and self.solver == "adam")

    @property
    def weighs(self) -> bool:
        """Whether classes have weights in it."""
        return self.head not in JOINT


def log_odds_together(heads: Sequence[Head], rows: Rows | np.ndarray) -> list[np.ndarray]:
    """Give the log-odds of several heads, `(N,)` float64 each, reading the rows once; each head's bytes are its own."""
    found, start = [np.empty(len(rows)) for _ in heads], 0
    for block in _log_odds_in_blocks(heads, rows):
        for values, part in zip(found, block, strict=True):
            values[start : start + len(part)] = part
        start += block.shape[1]
    return found


def _log_odds_in_blocks(heads: Sequence[Head], rows: Rows | np.ndarray) -> Iterator[np.ndarray]:
    """Give the log-odds of all heads, `(E, n)` float64 with n at most `BLOCK_ROWS`."""
    kernels = [np.ascontiguousarray(head.kernel[:, 1] - head.kernel[:, 0]) for head in heads]
    biases = np.array([[head.bias[1] - head.bias[0]] for head in heads], np.float32)
    block, filled = np.empty((len(heads), min(BLOCK_ROWS, len(rows)))), 0
    with one_blas_thread(), closing(batches(rows, np.arange(len(rows)), GATHER)) as stream:
        for x in stream:
            for values, kernel in zip(block, kernels, strict=True):
                values[filled : filled + len(x)] = x @ kernel
            filled += len(x)
            if filled + GATHER > BLOCK_ROWS:
                yield block[:, :filled] + biases
                filled = 0
        if filled:
            yield block[:, :filled] + biases


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
            f"one class only in the training set: each of its images ({len(labels):,}) {only}; both classes are needed"
        )
    return 1.0, others / events


def validate(head: Head, rows: Rows | np.ndarray, labels: np.ndarray, *, clip: float) -> EpochResult:
    """Score a head on rows as Keras does after an epoch: unweighted loss, forecasts by p(flare) >= 0.5."""
    return validate_together([head], rows, [labels], clip=clip)[0]


def validate_together(
    heads: Sequence[AnyHead], rows: Rows | np.ndarray, labels: Sequence[np.ndarray], *, clip: float
) -> list[EpochResult]:
    """Score several heads on the same rows, each by its own labels; linear ones read the rows once."""
    if not heads:  # all of them diverged
        return []
    linear = [head for head in heads if isinstance(head, Head)]
    if len(linear) < len(heads):
        return [result_of(own, head.log_odds(rows), clip=clip) for own, head in zip(labels, heads, strict=True)]
    tallies, start = [Tally(clip) for _ in linear], 0
    for block in _log_odds_in_blocks(linear, rows):
        part = slice(start, start + block.shape[1])
        for tally, own, log_odds in zip(tallies, labels, block, strict=True):
            tally.add(own[part], log_odds)
        start = part.stop
    return [tally.result() for tally in tallies]
