"""Where in images does a model see its forecasts, and how far can the maps of it be believed?"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from flarescope.backbones.base import Spec
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.explaining.explained import Explained, explain_pixels, log_odds_of, randomised_models
from flarescope.explaining.maps import METHODS, check_methods
from flarescope.files import make_folder
from flarescope.forecaster.as_torch import EventHead, LogOdds, heads_of, log_odds_module
from flarescope.images.flags import FLAGS
from flarescope.images.likeness import flags_beside
from flarescope.images.stored import StoredImage, images_named
from flarescope.images.workers import Failure
from flarescope.log_odds import sigmoid
from flarescope.pipeline.explaining.writing import free_names, write_explained
from flarescope.pipeline.featuring import Compute, announce, result_warnings
from flarescope.pipeline.likeness import tell_flags
from flarescope.pipeline.model_parts import ModelParts, load_parts
from flarescope.pipeline.other_images import tell_other_form
from flarescope.pipeline.prediction import read_for, rendering_of, tell_failures
from flarescope.progress import Reporter, WarningReporter
from flarescope.seeds import check_seed

DEFAULT_METHODS: Final = tuple(METHODS)


@dataclass(frozen=True)
class Explanation:
    """One image, explained for each event.

    Attributes:
        filename: the image.
        events: code of the event, such as `M1.0/24` -> what was found out.
        probabilities: code of the event -> its probability after the model's calibration, if it has one.
        flags: words of `images.flags.FLAGS`, what of the image is unusual, as `predict` gives them.
        files: what was written of it.
    """

    filename: str
    events: dict[str, Explained] = field(repr=False)
    probabilities: dict[str, float]
    flags: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=(), repr=False)

    __repr__ = brief

    def to_json(self) -> dict[str, Any]:
        """Give all but pixels as plain values."""
        events = {code: {"probability": self.probabilities[code], **one.to_json()} for code, one in self.events.items()}
        return {"filename": self.filename, "flags": list(self.flags), "events": events}


@dataclass(frozen=True)
class Explanations:
    """What was explained, and what could not be read."""

    images: tuple[Explanation, ...]
    failures: tuple[Failure, ...] = ()

    __repr__ = brief


@dataclass(frozen=True)
class Explaining:
    """How images are explained.

    Attributes:
        methods: of `explaining.maps.METHODS`; None takes all that the network can have, and says which it cannot.
        events: short forms such as `M1.0/24` of the model's events; None takes all.
        checks: whether faithfulness and sanity are measured, which takes most of the time.
        seed: of random maps, random weights and ties.

    Example:
        >>> flarescope.Explaining(methods=["hires-cam"], checks=False)
        Explaining(methods=('hires-cam',), checks=False)
    """

    methods: Sequence[str] | None = None
    events: Sequence[str] | None = None
    checks: bool = True
    seed: int = 0

    __repr__ = brief

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("methods", "events"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))


def explain(
    model: str | Path,
    paths: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    explaining: Explaining | None = None,
    epoch: int | None = None,
    backbone: Spec | None = None,
    compute: Compute | None = None,
    reporter: Reporter | None = None,
) -> Explanations:
    """Draw where in images a model sees its forecasts, by several ways, with checks of how far the maps hold.

    Of each image there is a figure an event (`NAME.M1.0_24.png` and `.svg`), `NAME.json` with all numbers and
    `NAME.npz` with the maps.

    Args:
        model: a run's folder or a model file, of one event or of several.
        paths: image files, and folders of them, here or in a storage (`s3://bucket/folder`).
        out: folder for what is written; created where it is missing.
        explaining: which maps and checks.
        epoch: which epoch of a run.
        backbone: where to find the backbone instead of where the model says; a `flarescope.Backbone` serves too.
        compute: of it `nan` and `instrument_ok` are used; the network runs in torch, fp32, on the CPU.
        reporter: hears notes, progress, and of each image that cannot be read.

    Raises:
        InputError: no model, no network to look into, no image that can be read; an unknown method or event; a method
            that was asked for and that this network cannot have.

    Example:
        >>> how = flarescope.Explaining(methods=["occlusion"], checks=False)
        >>> found = flarescope.explain("runs/png", "some.fits", out="explained", explaining=how)
        >>> sorted(path.suffix for path in found.images[0].files)
        ['.json', '.npz', '.png', '.svg']
    """
    reporter, explaining = reporter or WarningReporter(), explaining or Explaining()
    check_methods(explaining.methods or DEFAULT_METHODS)
    several, failures = [paths] if isinstance(paths, str | Path) else paths, list[Failure]()
    found = load_parts(model, epoch=epoch, backbone=backbone)
    compute = (compute or Compute()).of_event(found.event)
    files = images_named(several, reporter, failures, whole_disk=compute.whole_disk)
    if not files:
        tell_failures(failures, 0, reporter)
    reporter.say(f"model: {found.path}")
    described = found.parts[0].description
    announce(found.parts[0].weights, reporter, synthetic=described.synthetic)
    work = _Work(found, explaining, compute, reporter)
    folder = make_folder(Path(out))
    explained, used = [], list[Path | StoredImage]()
    for number, (path, name) in enumerate(zip(files, free_names(files), strict=True), start=1):
        try:
            explained.append(work.one(path, folder, name))
            used.append(path)
        except InputError as error:
            if work.is_refusal(error):
                raise
            failures.append(Failure(str(path), str(error)))
        reporter.advance("explained", number, len(files))
    tell_failures(failures, len(explained), reporter)
    if not compute.whole_disk:  # of a disk model's files, those of another form are refused
        tell_other_form(described.rendering, map(rendering_of, used), reporter)
    tell_flags([one.flags for one in explained], described.likeness, reporter)
    return Explanations(tuple(explained), tuple(failures))


class _Work:
    """What all images of a call share."""

    def __init__(self, found: ModelParts, explaining: Explaining, compute: Compute, reporter: Reporter) -> None:
        self.found, self.explaining, self.compute, self.reporter = found, explaining, compute, reporter
        self.chosen = _chosen(heads_of(found.parts), explaining.events)
        self.module: LogOdds = log_odds_module(found.parts)
        self.others = randomised_models(self.module, explaining.seed) if explaining.checks else {}
        self.told: set[str] = set()
        part = found.parts[0]
        self.warnings = result_warnings(part.weights, synthetic=bool(part.description.synthetic))

    def one(self, path: Path | StoredImage, folder: Path, name: str) -> Explanation:
        """Explain one image and write what came."""
        read = read_for(self.found.parts[0], path, self.compute)
        likeness = self.found.parts[0].description.likeness
        flags = flags_beside(read.rendered.flags, read.rendered.look, likeness)
        warnings = [*self.warnings, *(f"{FLAGS[flag]} (flag {flag})" for flag in flags)]
        events, probabilities = {}, self._probabilities(read.rendered.pixels)
        for number, head in self.chosen:
            found = explain_pixels(
                self.module,
                read.rendered.pixels,
                number,
                methods=self.explaining.methods or DEFAULT_METHODS,
                others=self.others,
                seed=self.explaining.seed,
            )
            self._tell(found)
            events[head.code] = found
        explanation = Explanation(str(path), events, probabilities, flags)
        said = {"model": str(self.found.path), "seed": self.explaining.seed, "warnings": warnings}
        files = write_explained(
            folder,
            name,
            path,
            read,
            {head.code: (head, events[head.code]) for _, head in self.chosen},
            said=said | explanation.to_json(),
            warnings=warnings,
            accept=self.compute.accept,
            probabilities=probabilities,
        )
        return replace(explanation, files=tuple(files))

    def _probabilities(self, pixels: np.ndarray) -> dict[str, float]:
        """Forecast one image: every event, calibrated and in order, by its code."""
        batch = np.ascontiguousarray(pixels[np.newaxis], np.float32)
        raw = sigmoid(np.stack([log_odds_of(self.module, batch, place) for place in range(len(self.found.parts))], 1))
        codes = [head.code for head in heads_of(self.found.parts)]
        return dict(zip(codes, self.found.probability(raw)[0].tolist(), strict=True))

    def _tell(self, found: Explained) -> None:
        """Say once what this network cannot have; where it was asked for by name, that ends everything.

        Raises:
            InputError: it was asked for.
        """
        for method, reason in found.refused.items():
            if self.explaining.methods is not None:
                self.told.add(reason)
                raise InputError(reason)
            if method not in self.told:
                self.told.add(method)
                self.reporter.say(f"no {method}: {reason.partition(': ')[2]}")

    def is_refusal(self, error: InputError) -> bool:
        """Whether an error says that the network cannot have a method, which is no fault of the image."""
        return str(error) in self.told


def _chosen(heads: Sequence[EventHead], wanted: Sequence[str] | None) -> list[tuple[int, EventHead]]:
    """Give number and head of the events that are wanted.

    Raises:
        InputError: one that the model has not.
    """
    codes = [head.code for head in heads]
    for code in wanted or ():
        if code not in codes:
            raise InputError(f"--event {code}: the model forecasts {', '.join(codes)}; name one of these")
    return [(number, head) for number, head in enumerate(heads) if wanted is None or head.code in wanted]
