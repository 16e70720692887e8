"""Which models, one an event, does a path name, and what are their probabilities together?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flarescope.backbones.base import Spec
from flarescope.brief import brief
from flarescope.events import EventDefinition
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.event_models import EventModels
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.models import load


@dataclass(frozen=True)
class ModelParts:
    """The models that a path names, which share a backbone.

    Attributes:
        parts: one an event.
        path: the model file.
        run: folder of the run that it lies in, or None.
        together: of several events, what keeps their probabilities in order; None of one.
    """

    parts: tuple[Classifier, ...]
    path: Path
    run: RunFolder | None = None
    together: EventModels | None = None

    __repr__ = brief

    @property
    def event(self) -> EventDefinition | None:
        """The first event; all share its scope."""
        return self.parts[0].description.event

    @property
    def implies(self) -> np.ndarray:
        """Which event (row) implies which (column), `(E, E)` bool."""
        return np.ones((1, 1), bool) if self.together is None else self.together.implies

    def probability(self, raw: np.ndarray) -> np.ndarray:
        """Calibrate probabilities `(N, E)` as the heads give them, and put those of several events in order."""
        if self.together is not None:
            return self.together.probability(raw)
        return self.parts[0].description.decision.probability(raw[:, 0])[:, np.newaxis]


def load_parts(path: str | Path, *, epoch: int | None = None, backbone: Spec | None = None) -> ModelParts:
    """Load the models that a path names, a run of one event or of several, or a file of either (see `models.load`).

    Raises:
        InputError: nothing there, no model, no such epoch, another backbone.
    """
    found = load(path, epoch=epoch, backbone=backbone)
    parts = (found.classifier,) if found.several is None else found.several.parts
    return ModelParts(parts, found.path, found.run, found.several)
