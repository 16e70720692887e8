"""How do models of several events lie in one file, share one network, and give forecasts that keep their order?"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from flarescope.backbones.base import Spec, Weights
from flarescope.backbones.keras.hdf5 import Group, opened
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.features.gather import Rows
from flarescope.files import atomic_path
from flarescope.forecaster.classifier import Classifier, with_backbone
from flarescope.forecaster.description import FORMAT as FORMAT_OF_ONE
from flarescope.forecaster.description import Description, parse_description, to_text
from flarescope.forecaster.event_runs import KIND, EventRuns
from flarescope.forecaster.event_runs import is_of_events as is_run_of_events
from flarescope.forecaster.small_file import ATTRIBUTE, description_text, head_in, head_into, read_small
from flarescope.heads.base import AnyHead
from flarescope.parsing import parse_json, refusing_damage
from flarescope.several_events import MOST_EVENTS, check_events, implications, ordered

FORMAT: Final = "flarescope-events-1"
_ADVICE: Final = "train the run again"


@dataclass(frozen=True)
class EventModels:
    """Models of several events on one frozen backbone.

    Attributes:
        parts: one an event, each with calibration and threshold of its own.
    """

    parts: tuple[Classifier, ...]

    __repr__ = brief

    @property
    def weights(self) -> Weights:
        """Of the backbone that all share."""
        return self.parts[0].weights

    @property
    def events(self) -> tuple[EventDefinition, ...]:
        """What each forecasts."""
        return tuple(part.description.event for part in self.parts if part.description.event is not None)

    @cached_property
    def implies(self) -> np.ndarray:
        """Which event implies which, `(E, E)` bool."""
        return implications(self.events)

    @property
    def joined(self) -> Classifier:
        """All as one classifier, whose head gives each row the probabilities of all events, `(N, E)`."""
        return self.parts[0].with_head(JoinedHeads(self.parts))

    def probability(self, raw: np.ndarray) -> np.ndarray:
        """Calibrate each event's probabilities by its own model, and put them in order, `(N, E)`."""
        calibrated = [part.description.decision.probability(raw[:, place]) for place, part in enumerate(self.parts)]
        return ordered(np.stack(calibrated, axis=1), self.implies)

    def some(self, events: Sequence[EventDefinition]) -> "EventModels":
        """Give the models of some of the events, in their order."""
        return EventModels(tuple(self.parts[self.events.index(event)] for event in events))

    def save(self, path: Path) -> None:
        """Write all models to one file, whole or not at all; the backbone is not in it."""
        _write(path, [(part.head, part.description) for part in self.parts])


@dataclass(frozen=True)
class JoinedHeads:
    """The heads of several events, which look at the same rows."""

    parts: tuple[Classifier, ...]

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        return self.parts[0].head.width

    @property
    def digest(self) -> str:
        """Give `sha256:<hex>` over the digests of all."""
        text = " ".join(part.head.digest for part in self.parts)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def log_odds(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the log odds of each event, `(N, E)` float64."""
        return np.stack([part.head.log_odds(rows) for part in self.parts], axis=1)

    def probability(self, rows: Rows | np.ndarray) -> np.ndarray:
        """Give the probability of each event as its own head has it, `(N, E)` float64."""
        return np.stack([part.head.probability(rows) for part in self.parts], axis=1)


def write_model(runs: EventRuns) -> None:
    """Write the one file of a run's models, the best of each event, as they are calibrated now.

    Raises:
        InputError: an event without a model yet, or a damaged one.
    """
    parts = [read_small(run.model_path()) for run in runs.runs()]
    if None in parts:
        raise InputError(f"{runs.path}: a model of it is no small file of ours; {_ADVICE}")
    _write(runs.model, [part for part in parts if part is not None])


def model_of_run_written_again(run: Path) -> None:
    """After a change to the model of one event, write the one file of the run above it, if there is such a run."""
    above = run.parent.parent
    if run.parent.name == KIND and is_run_of_events(above):
        runs = EventRuns.open(above)
        if run.resolve() in {one.path.resolve() for one in runs.runs()}:
            write_model(runs)


def _write(path: Path, parts: Sequence[tuple[AnyHead, Description]]) -> None:
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs[ATTRIBUTE] = json.dumps({"format": FORMAT, "models": len(parts)})
        for place, (head, described) in enumerate(parts):
            group = file.create_group(f"models/{place:02d}")
            group.attrs[ATTRIBUTE] = to_text(described, head)
            head_into(group, head)


def checked_parts(parts: Sequence[Classifier], source: Path) -> EventModels:
    """Put models of several events together.

    Raises:
        InputError: they do not share a backbone and a rendering, one does not say its event, or two are of one event.
    """
    first = parts[0].description
    for part in parts:
        described = part.description
        if described.event is None:
            raise InputError(f"{source}: one of its models does not say its event; {_ADVICE}")
        if (described.digest, described.rendering) != (first.digest, first.rendering):
            raise InputError(f"{source}: its models are of different backbones or renderings; {_ADVICE}")
    found = EventModels(tuple(parts))
    try:
        check_events(found.events)
    except InputError as error:
        raise InputError(f"{source}: {error}; {_ADVICE}") from error
    return found


def is_of_events(path: Path) -> bool:
    """Tell whether a model file is one of several events.

    Raises:
        InputError: a file that cannot be read.
    """
    text = description_text(path)
    return bool(text) and f'"{FORMAT}"' in str(text)


def read_event_descriptions(path: Path) -> list[Description]:
    """Read what each model of a file says of itself, without the backbone.

    Raises:
        InputError: damaged, or no file of several events.
    """
    return [described for _, described in _read(path)]


def load_event_models(path: Path, *, backbone: Spec | None = None) -> EventModels:
    """Read a model file of several events.

    Args:
        path: as `EventModels.save` wrote it.
        backbone: where to find the backbone instead of where the file says.

    Raises:
        InputError: damaged, or a backbone that is not the one the heads were trained on.
    """
    (head, described), *others = _read(path)
    first = with_backbone(path, head, described, backbone=backbone)
    parts = [first, *(Classifier(head, described, first.weights) for head, described in others)]
    return checked_parts(parts, path)


def _read(path: Path) -> list[tuple[AnyHead, Description]]:
    values = parse_json(description_text(path) or "", f"{path}: its description cannot be read", advice=_ADVICE)
    with refusing_damage(path, _ADVICE, what="its description cannot be read"):
        if values["format"] != FORMAT:
            raise InputError(f"{path}: expected several events, {FORMAT}; of one event it is {FORMAT_OF_ONE}")
        count = int(values["models"])
        if not 0 < count <= MOST_EVENTS:
            raise ValueError(f"{count} models")
    with opened(path) as file, refusing_damage(path, _ADVICE):
        models = file.open("models")
        if not isinstance(models, Group):
            raise ValueError("no group of models")
        return [_read_one(path, models, f"{place:02d}") for place in range(count)]


def _read_one(path: Path, models: Group, name: str) -> tuple[AnyHead, Description]:
    group = models.open(name)
    if not isinstance(group, Group) or not isinstance(text := group.text(ATTRIBUTE), str):
        raise ValueError(f"model {name} says nothing of itself")
    head = head_in(path, group, parse_description(path, text))
    return head, parse_description(path, text, head)
