"""What is a trained model, how is it kept in a file, and what does it forecast?"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.backbones import registry
from flarescope.backbones.base import Spec, Weights, spec_text
from flarescope.backbones.keras.reading import read_model
from flarescope.backbones.keras.writing import write_full_model
from flarescope.backbones.module import FAMILY as MODULE
from flarescope.backbones.module import absent
from flarescope.backbones.tuned import Change
from flarescope.backbones.weight_arrays import begin_as_imagenet, digest_of
from flarescope.backbones.weights import of_arrays
from flarescope.brief import brief
from flarescope.engines.base import Engine, EngineChoice
from flarescope.engines.start import start
from flarescope.errors import InputError
from flarescope.events import PUBLISHED
from flarescope.features.extract import Kept, extract
from flarescope.forecaster.description import Description, parse_description, to_text
from flarescope.forecaster.small_file import ATTRIBUTE, description_text, read_small, write_small
from flarescope.forecaster.tuned_file import change_of, read_change, with_change
from flarescope.heads.base import AnyHead
from flarescope.heads.head import Head
from flarescope.images.reading import ReadImage

_STARTING: Final = threading.Lock()


@dataclass(frozen=True)
class Classifier:
    """A backbone, frozen or fine-tuned, with a trained head."""

    head: AnyHead
    description: Description
    weights: Weights = field(repr=False)
    _engines: dict[EngineChoice, Engine] = field(default_factory=dict, repr=False, compare=False)

    __repr__ = brief

    def log_odds(
        self,
        images: Generator[ReadImage, None, None],
        engine: EngineChoice,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[ReadImage, Any]]:
        """Forecast images without keeping their features.

        Args:
            images: PNG and FITS, since both kinds give pixels on one scale; closed at the end, however that comes.
            engine: how the network runs.
            progress: called with the number of images of each finished batch.

        Yields:
            For each image, in order, itself and the log odds of an event; of several events a list.
        """
        with closing(images):
            for kept, features in self.features(images, repeat(engine.batch), engine, lambda image: image):
                yield from zip(kept, self.head.log_odds(features).tolist(), strict=True)
                if progress:
                    progress(len(features))

    def features(
        self,
        images: Iterator[ReadImage],
        sizes: Iterable[int],
        engine: EngineChoice,
        keep: Callable[[ReadImage], Kept],
    ) -> Iterator[tuple[list[Kept], np.ndarray]]:
        """Send images through the backbone (see `features.extract.extract`)."""
        return extract(images, sizes, self.started(engine), keep)

    def with_head(self, head: AnyHead) -> "Classifier":
        """Give another head on the same network, whose engines the two share."""
        return Classifier(head, self.description, self.weights, self._engines)

    def lead_through(self, choice: EngineChoice, around: Callable[[Engine], Engine]) -> None:
        """Start an engine, and from now on reach it through what stands around it, as one that many threads share."""
        self._engines[choice] = around(self.started(choice))

    def started(self, choice: EngineChoice) -> Engine:
        """Give an engine, which is started once however often it is asked for, also by threads."""
        with _STARTING:
            if choice not in self._engines:
                self._engines[choice] = start(choice, self.weights)
            return self._engines[choice]

    def save(self, path: Path, *, full: bool = False) -> None:
        """Write the model, whole or not at all.

        Args:
            path: a name ending in `.hdf5`.
            full: write a complete Keras model with the backbone (550 MB), which `keras.models.load_model` opens;
                otherwise head and description only (tens of kB), and what was fine-tuned.
        """
        if full:
            if not isinstance(self.head, Head):
                raise InputError("a complete Keras model holds a linear head; leave --full out")
            arrays = self.weights.load()
            _write_full(path, arrays, self.head, _of_whole(self.description, arrays))
        else:
            write_small(path, self.head, self.description, change_of(self.weights))


def load_classifier(path: Path, *, backbone: Spec | None = None) -> Classifier:
    """Read a model file: ours, small or full, or one of the reference notebook (`.h5`, `.hdf5`, `.keras`).

    Args:
        path: the file.
        backbone: where to find the backbone of a small file instead of where the file says.

    Raises:
        InputError: no model file, a damaged one, or a backbone that is not the one the head was trained on.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such model file; expected .hdf5, .h5 or .keras, or a run's folder")
    small = read_small(path)
    if small is not None:
        return with_backbone(path, *small, backbone=backbone)
    model = read_model(path)
    found = of_arrays(model.backbone)
    text = description_text(path)
    head = Head(model.head_kernel, model.head_bias)
    if text is None:
        return Classifier(head, Description(str(path), found.family, found.digest, event=PUBLISHED), found)
    described = parse_description(path, text, head)
    if described.digest != found.digest:
        raise InputError(
            f"{path}: its backbone was changed after it was written (digest differs); train or fetch it again"
        )
    if described.family == "imagenet" and not begin_as_imagenet(model.backbone):
        raise InputError(f"{path}: says that its backbone is ImageNet's, and it is not; train the model again")
    return Classifier(head, described, replace(found, family=described.family))


def head_digest(path: Path) -> str | None:
    """Give the digest of the head in a small model file of ours, without its backbone; None for any other file.

    Raises:
        InputError: the file is damaged.
    """
    small = read_small(path)
    return small[0].digest if small else None


def read_description(path: Path) -> Description | None:
    """Read what a model file of ours says of itself, without its backbone; None for any other file.

    Raises:
        InputError: the file is damaged.
    """
    small = read_small(path)
    if small is not None:
        return small[1]
    text = description_text(path)
    return None if text is None else parse_description(path, text)


def describe_again(path: Path, described: Description) -> None:
    """Replace the description in a model file of ours, small or full, whole or not at all; the arrays stay.

    The file is written anew: one that HDF5 edits in place keeps the room of what was there before, so that its bytes
    tell how often it was edited.
    """
    small = read_small(path)
    if small is not None:
        change = read_change(path, described.tuned) if described.tuned else None
        write_small(path, small[0], described, change)
        return
    model = read_model(path)
    _write_full(path, model.backbone, Head(model.head_kernel, model.head_bias), described)


def _of_whole(described: Description, arrays: Mapping[str, np.ndarray]) -> Description:
    """Give the description of a file that has all arrays of the backbone, also where some of them were fine-tuned."""
    return replace(described, digest=digest_of(arrays), tuned=None) if described.tuned else described


def _write_full(path: Path, backbone: Mapping[str, np.ndarray], head: Head, described: Description) -> None:
    attributes = {ATTRIBUTE: to_text(described, head)}
    write_full_model(path, backbone, head.kernel, head.bias, extra_attributes=attributes)


def with_backbone(
    path: Path, head: AnyHead, described: Description, *, backbone: Spec | None, change: Change | None = None
) -> Classifier:
    """Put a head on the backbone that its description names, or on the one given.

    Args:
        path: where they were read.
        head: the head.
        described: what belongs to it.
        backbone: where to find the backbone instead of where the description says.
        change: what fine-tuning changed of it; None reads that out of the model file where there is any.

    Raises:
        InputError: it is not the backbone that the head was trained on.
    """
    asked = backbone or described.backbone
    if isinstance(asked, str) and asked.startswith(f"{MODULE}:"):
        return Classifier(head, described, absent(asked, described.digest, _features_of(path, head, described)))
    found = registry.find(asked)
    if described.tuned:
        found = with_change(path, found, described.digest, described.tuned, change)
    if found.digest != described.digest:
        raise InputError(
            f"{path}: its head was trained on the backbone {described.family} ({described.digest[:15]}...), "
            f"but {spec_text(asked)} is {found.family} ({found.digest[:15]}...); give it with --backbone"
        )
    if _features_of(path, head, described) != found.backbone.features:
        raise InputError(
            f"{path}: its head has {head.width:,} features; {found.backbone.name} gives "
            f"{found.backbone.features:,}; train the model again"
        )
    return Classifier(head, described, found)


def _features_of(path: Path, head: AnyHead, described: Description) -> int:
    """Give how many features an image of a head has, whose rows may have those of earlier images too."""
    width, history = head.width, described.looks_back
    if history is None:
        return width
    if not history.features(width):
        raise InputError(f"{path}: its head has {width:,} numbers a row, which its history cannot have; train it again")
    return history.features(width)
