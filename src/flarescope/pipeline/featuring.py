"""How does a table of images become features?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.backbones.base import Network, Spec, Weights
from flarescope.backbones.feature_table import FeatureTable
from flarescope.backbones.registry import find
from flarescope.brief import brief
from flarescope.catalog.boucheron import read_table
from flarescope.catalog.table_event import event_of_table
from flarescope.cores import available_cores
from flarescope.counted import counted
from flarescope.engines import tuning
from flarescope.engines.base import EngineChoice
from flarescope.engines.choose import choose
from flarescope.engines.start import start
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.features.filling import fill_here
from flarescope.features.gather import FeatureRows
from flarescope.features.given import GivenFeatures
from flarescope.features.store import FeatureStore, begun_with
from flarescope.features.store_key import DTYPES, StoreKey
from flarescope.images.line_of_sight import Accept
from flarescope.images.remote import images_at
from flarescope.images.render import Rendering
from flarescope.images.root import ImageRoot, root_of
from flarescope.pipeline.hiring import Hired, OnRay, hired
from flarescope.progress import Reporter, WarningReporter
from flarescope.storage.cache import FileCache

MANY: Final = 10_000
"""Images from which a first pass is worth the minute that measuring batch and streams takes: it is pointed to."""


Features = FeatureStore | GivenFeatures


@dataclass(frozen=True)
class Compute:
    """How features are computed.

    Attributes:
        engine: `auto`, `torch`, `openvino` or `winograd`.
        precision: `auto`, `fp32` or `bf16`.
        workers: threads that read images ahead of the network; None takes one a core, 0 reads in line.
        nan: what NaN pixels of FITS files do, `error` or `zero`.
        batch: images a forward pass; None takes what was fastest on this machine, as far as it was measured.
        store: how features are kept, `float32` or `float16` (half the disk; see `features.half`); None is float32, or
            as the run that is evaluated keeps them.
        instrument_ok: whether fields of other magnetographs than HMI are read.
        whole_disk: whether the images show the whole disk. What a table's event, or a model's, says of that goes first.

    Example:
        >>> flarescope.Compute(precision="fp32", workers=2)
        Compute(precision='fp32', workers=2)
    """

    engine: str = "auto"
    precision: str = "auto"
    workers: int | None = None
    nan: str = "error"
    batch: int | None = None
    store: str | None = None
    instrument_ok: bool = False
    whole_disk: bool = False

    __repr__ = brief

    @property
    def accept(self) -> Accept:
        """What may be read beside HMI's line-of-sight field."""
        return Accept(self.instrument_ok, self.whole_disk)

    def of_event(self, event: EventDefinition | None) -> "Compute":
        """Give the same for images of the scope that an event has; an unknown event changes nothing."""
        return self if event is None else replace(self, whole_disk=event.scope == "disk")

    def choose_untuned(self, backbone: Network) -> EngineChoice:
        """Choose the engine for a network (see `engines.choose.choose`) with its own batch and streams."""
        return choose(self.engine, self.precision, runs=backbone.engines, precisions=backbone.precisions)

    def choose(self, backbone: Network) -> EngineChoice:
        """Choose the engine for a network, with the batch and streams that were fastest here."""
        return self.settle(self.choose_untuned(backbone), backbone)

    def settle(self, choice: EngineChoice, backbone: Network) -> EngineChoice:
        """Give an engine the batch that was asked for, or the batch and streams that were fastest here."""
        if self.batch is not None and self.batch < 1:
            raise InputError(f"--engine-batch {self.batch}: expected at least 1")
        choice = tuning.remembered(choice, backbone.name) or choice
        return choice if self.batch is None else replace(choice, batch=self.batch)

    def threads(self) -> int:
        """Give the number of reading threads."""
        if self.workers is None:
            return min(8, available_cores())
        if self.workers < 0:
            raise InputError(f"--workers {self.workers}: expected 0 (read in line) or more")
        return self.workers


MADE_DATA: Final = "trained on synthetic data, made magnetograms and flares: what it forecasts is no result"
FILTERS_ARE_RANDOM: Final = "the backbone's filters are random"


def result_warnings(weights: Weights, *, synthetic: bool) -> list[str]:
    """Say what a figure or a file of results must say too: by training on made data, and of random filters."""
    random = f"{FILTERS_ARE_RANDOM} ({weights.family}): a demonstration, no result"
    return [*([MADE_DATA] if synthetic else []), *([random] if weights.is_random else [])]


def announce(weights: Weights, reporter: Reporter, *, synthetic: bool = False) -> None:
    """Say what must stand above every result made with these weights, and by training on made data."""
    if synthetic:
        reporter.warn(MADE_DATA)
    if weights.is_random:
        reporter.warn(f"{FILTERS_ARE_RANDOM} ({weights.family}), not ImageNet's: for demonstrations and tests")


def check_before(images: Path | ImageRoot, compute: Compute) -> None:
    """Tell of a wrong image root or a wrong option before anything takes time or a folder is claimed."""
    root_of(images).check()
    compute.threads()


def open_store(
    root: Path,
    tables: Sequence[pd.DataFrame],
    weights: Weights,
    compute: Compute,
    reporter: Reporter,
    choice: EngineChoice | None = None,
) -> Features:
    """Open the store that the images of these tables belong in; their kind, PNG or FITS, decides the rendering.

    A store keeps the batch and the streams that it was begun with: those that `engine tune` found to be the fastest
    here, or else the engine's own. `choice` is of other machines' engine; None chooses for this one.

    Raises:
        InputError: a batch was asked for, and the store was begun with another.
    """
    backbone = weights.backbone
    if isinstance(weights, FeatureTable):
        return GivenFeatures(weights)
    choice = choice or compute.choose(backbone)
    first = tables[0]["filename"].iloc[0]
    rendering = Rendering.for_file(first, compute.nan, backbone.pixels, whole_disk=compute.whole_disk)
    key = StoreKey(
        weights.family,
        weights.digest,
        rendering.id,
        choice.id,
        choice.batch,
        choice.streams,
        compute.store or DTYPES[0],
        backbone.name,
        backbone.features,
    )
    begun = begun_with(root, key)
    if begun:
        if compute.batch not in (None, begun[0]):
            raise InputError(
                f"--engine-batch {compute.batch}: the features in {root / key.folder} were begun with batches of "
                f"{begun[0]}; leave --engine-batch out, or choose another --features"
            )
        key = replace(key, batch=begun[0], streams=begun[1])
    elif compute.batch is None and sum(map(len, tables)) >= MANY and tuning.remembered(choice, backbone.name) is None:
        reporter.say(
            f"{choice.id} takes its own batch, {choice.batch}: `flarescope engine tune --backbone "
            f"{backbone.name}:random` measures what is fastest here, before a store is begun"
        )
    return FeatureStore(root, key)


def describe_setting(measured: tuning.Measured) -> str:
    """Say how fast one setting of the engine is."""
    return f"batch {measured.batch}, streams {measured.streams or 'auto'}: {measured.images_per_s:.1f} images/s"


def ensure_features(
    store: Features,
    table: pd.DataFrame,
    images: Path | ImageRoot,
    weights: Weights,
    compute: Compute,
    reporter: Reporter,
    label: str,
    crew: Hired | None = None,
) -> FeatureRows:
    """Compute what the store lacks of a table, and give the table's rows of features.

    Args:
        store: where the features are kept.
        table: a catalogue; N rows.
        images: the image root.
        weights: of the backbone.
        compute: how.
        reporter: hears of the engine and of the progress.
        label: what the progress is called.
        crew: of a cluster that computes; None computes here.

    Returns:
        `(N, F)` features in the order of the table, memory-mapped.
    """
    filenames = table["filename"]
    choice = crew.choice if crew else compute.choose(weights.backbone)
    choice = replace(choice, batch=store.key.batch, streams=store.key.streams)
    computed = store.build(
        filenames,
        images,
        crew.engine(choice) if crew else lambda: start(choice, weights),
        workers=compute.threads(),
        accept=compute.accept,
        progress=lambda done, total: reporter.advance(label, done, total),
        fill=crew.fill if crew else fill_here,
    )
    reporter.say(
        f"{label}: {counted(computed, 'image')} through the network, {len(filenames) - computed:,} from the store"
    )
    return store.rows(filenames)


def fill_store(
    table: str | Path,
    images: str | Path,
    features: str | Path,
    *,
    backbone: Spec = "imagenet",
    compute: Compute | None = None,
    limit: int | None = None,
    on: OnRay | None = None,
    cache: FileCache | None = None,
    reporter: Reporter | None = None,
) -> Features:
    """Compute the network's features of a table's images ahead of any training.

    Args:
        table: labelled images (see `flarescope.read_table`).
        images: the image root: a folder, or an address of a storage, as `s3://bucket/folder`.
        features: the folder of the feature stores, as `train` takes it.
        backbone: name of a network, a Keras file (see `backbones.registry.find`), or a `flarescope.Backbone`.
        compute: how.
        limit: only so many rows, drawn at random, the same ones every time.
        on: a Ray cluster that computes; None computes in this process.
        cache: keeps what is read of a storage, on each machine.
        reporter: hears notes and progress.
    """
    compute = (compute or Compute()).of_event(event_of_table(table))
    reporter = reporter or WarningReporter()
    rows = read_table(table, limit=limit)
    weights = find(backbone)
    announce(weights, reporter)
    root = images_at(images, cache)
    check_before(root, compute)
    with hired(on, backbone, weights, compute, Path(features), reporter) as crew:
        store = open_store(Path(features), [rows], weights, compute, reporter, crew.choice if crew else None)
        ensure_features(store, rows, root, weights, compute, reporter, "features", crew)
    return store
