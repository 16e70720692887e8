"""What is a run that is to be trained, one on its way, and one whose epoch has ended?"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flarescope.errors import FlarescopeError
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.runs import AnyState, RunFolder, best_epoch
from flarescope.heads.base import AnyHead
from flarescope.heads.head import Recipe
from flarescope.heads.result import EpochResult
from flarescope.pipeline.training_data import TrainingData


@dataclass(frozen=True)
class Job:
    """A run that is to be trained: its folder, the choices with class weights as numbers, and what it is trained on."""

    run: RunFolder
    recipe: Recipe
    data: TrainingData


@dataclass
class Running:
    """A run on its way.

    Attributes:
        run: its folder.
        recipe: the choices.
        model: as training began.
        state: where training stands.
        history: the finished epochs.
        failure: why it cannot go on, or None.
        labels: of its own event, by table.
        data: what it is trained on.
    """

    run: RunFolder
    recipe: Recipe
    model: Classifier
    state: AnyState
    history: list[dict[str, Any]]
    failure: FlarescopeError | None = None
    labels: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    data: TrainingData | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether there is no further epoch."""
        over = self.state.epoch >= self.recipe.last_epoch or stops(self.history, self.recipe.patience)
        return over or self.failure is not None


@dataclass(frozen=True)
class Outcome:
    """What an epoch of one run came to; `note` is kept in the history, `described` in the model's description."""

    state: AnyState
    trained: EpochResult
    note: dict[str, Any]
    described: dict[str, Any] = field(default_factory=dict)

    @property
    def head(self) -> AnyHead:
        """The head as it stands."""
        if self.state.head is None:
            raise TypeError("an epoch that was trained has a head")
        return self.state.head


def stops(history: list[dict[str, Any]], patience: int | None) -> bool:
    """Whether the validation TSS has not become better for `patience` epochs; one that is 0/0 stops nothing."""
    best = best_epoch(history)
    return best is not None and patience is not None and history[-1]["epoch"] - best["epoch"] >= patience
