"""How do models of several events lie in one file, share one network, and give forecasts that keep their order?"""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from flarescope.backbones.base import Spec, Weights
from flarescope.backbones.keras.hdf5 import Group, opened
from flarescope.brief import brief
from flarescope.engines.base import EngineChoice
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.features.extract import extract
from flarescope.files import atomic_path
from flarescope.forecaster.classifier import ATTRIBUTE, Classifier, description_text, head_in, head_into, with_backbone
from flarescope.forecaster.description import FORMAT as FORMAT_OF_ONE
from flarescope.forecaster.description import Description, parse_description, to_text
from flarescope.images.reading import ReadImage
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

    def raw(
        self,
        images: Generator[ReadImage, None, None],
        engine: EngineChoice,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[ReadImage, np.ndarray]]:
        """Forecast images without keeping their features; they go through the network once.

        Yields:
            For each image, in order, itself and the probability of each event `(E,)` as its own head gives it.
        """
        with closing(images):
            started = self.parts[0].started(engine)
            for kept, features in extract(images, repeat(engine.batch), started, lambda image: image):
                found = np.stack([part.head.probability(features) for part in self.parts], axis=1)
                yield from zip(kept, found, strict=True)
                if progress:
                    progress(len(features))

    def probability(self, raw: np.ndarray) -> np.ndarray:
        """Calibrate each event's probabilities by its own model, and put them in order, `(N, E)`."""
        calibrated = [part.description.decision.probability(raw[:, place]) for place, part in enumerate(self.parts)]
        return ordered(np.stack(calibrated, axis=1), self.implies)

    def save(self, path: Path) -> None:
        """Write all models to one file, whole or not at all; the backbone is not in it."""
        with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
            file.attrs[ATTRIBUTE] = json.dumps({"format": FORMAT, "models": len(self.parts)})
            for place, part in enumerate(self.parts):
                group = file.create_group(f"models/{place:02d}")
                group.attrs[ATTRIBUTE] = to_text(part.description, part.head)
                head_into(group, part.head)


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


def _read(path: Path) -> list[tuple]:  # type: ignore[type-arg]
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


def _read_one(path: Path, models: Group, name: str) -> tuple:  # type: ignore[type-arg]
    group = models.open(name)
    if not isinstance(group, Group) or not isinstance(text := group.text(ATTRIBUTE), str):
        raise ValueError(f"model {name} says nothing of itself")
    head = head_in(path, group)
    return head, parse_description(path, text, head)
