"""How fast is the engine with which settings, and what does its precision change in features and forecasts?"""

from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.backbones.base import Spec, Weights
from flarescope.backbones.registry import find
from flarescope.catalog.boucheron import read_table
from flarescope.engines import tuning
from flarescope.engines.base import EngineChoice
from flarescope.engines.start import start
from flarescope.features.extract import extract
from flarescope.heads.base import AnyHead
from flarescope.images.reading import ReadImage, read_ahead
from flarescope.images.remote import images_at
from flarescope.images.render import Rendering
from flarescope.images.root import ImageRoot
from flarescope.pipeline.featuring import Compute, announce, describe_setting
from flarescope.pipeline.models import load
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.contingency import count

REFERENCE: Final = EngineChoice("torch", "cpu", "fp32", batch=16)
"""What every faster way is compared with."""


@dataclass(frozen=True)
class Tuned:
    """What a measurement of the settings found.

    Attributes:
        machine: processor, cores, engine and precision.
        measured: each setting with its speed, the engine's own first.
        choice: the engine with the fastest setting, which is remembered.
    """

    machine: str
    measured: list[tuning.Measured]
    choice: EngineChoice

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        measured = [asdict(one) for one in self.measured]
        return {"machine": self.machine, "measured": measured, "choice": asdict(self.choice)}


def tune(compute: Compute | None = None, *, backbone: Spec = "random", reporter: Reporter | None = None) -> Tuned:
    """Measure batch and streams on this machine, and remember the fastest.

    Args:
        compute: engine and precision.
        backbone: the network; speed does not depend on its weights.
        reporter: hears of each setting.
    """
    reporter = reporter or WarningReporter()
    weights = find(backbone)
    network = weights.backbone.name
    choice = (compute or Compute()).choose_untuned(weights.backbone)
    measured = tuning.tune(weights, choice, progress=lambda one: reporter.say(describe_setting(one)))
    return Tuned(tuning.machine_key(choice, network), measured, tuning.remember(choice, measured, network))


@dataclass(frozen=True)
class PrecisionEffect:
    """What an engine changes, beside PyTorch in fp32 on the processor.

    Attributes:
        engine: id of the engine.
        images: how many were compared.
        feature_error: norm of the difference of all features by the norm of the reference's.
        worst_feature_error: the largest of that over single images.
        probability_change: mean absolute change of the probability.
        largest_probability_change: the largest of these.
        changed: forecasts that became another yes or no, at p = 0.5.
        tss: of these images by this engine; nan where it is 0/0.
        reference_tss: of these images by PyTorch in fp32.
    """

    engine: str
    images: int
    feature_error: float
    worst_feature_error: float
    probability_change: float
    largest_probability_change: float
    changed: int
    tss: float
    reference_tss: float

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values; null for 0/0."""
        return {name: None if value != value else value for name, value in asdict(self).items()}

    def lines(self) -> list[tuple[str, str]]:
        """Give it as rows of a table."""
        return [
            ("relative error of the features", f"{self.feature_error:.2%}"),
            ("the same, worst image", f"{self.worst_feature_error:.2%}"),
            ("mean change of the probability", f"{self.probability_change:.4f}"),
            ("largest change of the probability", f"{self.largest_probability_change:.4f}"),
            ("forecasts that changed at p = 0.5", f"{self.changed:,}"),
            ("TSS", f"{self.tss:.4f}"),
            ("TSS by torch-cpu-fp32", f"{self.reference_tss:.4f}"),
        ]


def effect_of(
    engine: str, features: np.ndarray, reference: np.ndarray, head: AnyHead, labels: np.ndarray
) -> PrecisionEffect:
    """Compare two sets of features of the same images.

    Args:
        engine: id of the engine that made `features`.
        features: `(N, F)` float32.
        reference: `(N, F)` float32, of PyTorch in fp32.
        head: of the model whose forecasts are compared.
        labels: `(N,)` 0/1.
    """
    norms = np.linalg.norm(reference, axis=1)
    errors = np.linalg.norm(features - reference, axis=1)
    ours, theirs = head.probability(features), head.probability(reference)
    yes, yes_reference = ours >= 0.5, theirs >= 0.5
    change = np.abs(ours - theirs)
    return PrecisionEffect(
        engine=engine,
        images=len(labels),
        feature_error=float(np.linalg.norm(errors) / np.linalg.norm(norms)),
        worst_feature_error=float((errors / norms).max()),
        probability_change=float(change.mean()),
        largest_probability_change=float(change.max()),
        changed=int((yes != yes_reference).sum()),
        tss=count(labels, yes).tss,
        reference_tss=count(labels, yes_reference).tss,
    )


def compare_with_reference(
    model: str | Path,
    *,
    table: str | Path,
    images: str | Path,
    split: str = "validation",
    epoch: int | None = None,
    backbone: Spec | None = None,
    compute: Compute | None = None,
    limit: int = 256,
    reporter: Reporter | None = None,
) -> PrecisionEffect:
    """Compare an engine with PyTorch in fp32 on the images of a table, by a model's forecasts.

    Args:
        model: a run's folder, a model file, or a model of the reference notebook.
        table: labelled rows; of a catalogue with a `split` column those of `split` are taken.
        images: the image root.
        split: see `table`.
        epoch: which model of a run; by default the best by validation TSS.
        backbone: where to find the backbone instead of where the model says.
        compute: the engine that is compared.
        limit: so many rows, drawn at random, the same ones every time.
        reporter: hears notes and progress.
    """
    compute, reporter = compute or Compute(), reporter or WarningReporter()
    rows = read_table(Path(table), split=split, limit=limit)
    classifier = load(Path(model), epoch=epoch, backbone=backbone).classifier
    announce(classifier.weights, reporter, synthetic=classifier.description.synthetic)
    choice = compute.choose(classifier.weights.backbone)
    features, reference = (
        features_by(one, classifier.weights, rows, images_at(images), compute, reporter) for one in (choice, REFERENCE)
    )
    return effect_of(choice.id, features, reference, classifier.head, rows["label"].to_numpy(dtype=np.int64))


def features_by(
    choice: EngineChoice, weights: Weights, rows: pd.DataFrame, images: ImageRoot, compute: Compute, reporter: Reporter
) -> np.ndarray:
    """Compute the features of a table's images with one engine, `(N, F)` float32, without keeping them."""
    names, found = rows["filename"].tolist(), list[np.ndarray]()
    rendering = Rendering.for_file(names[0], compute.nan, weights.backbone.pixels)

    def read(name: str) -> ReadImage:
        return images.read(name, rendering, compute.accept)

    with closing(read_ahead(names, read, workers=0)) as stream:
        for _, features in extract(stream, repeat(choice.batch), start(choice, weights), lambda image: None):
            found.append(features)
            reporter.advance(choice.id, sum(map(len, found)), len(rows))
    return np.concatenate(found)
