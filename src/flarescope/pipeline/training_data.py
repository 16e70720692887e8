"""On what is a head trained: which tables, whose features, checked before anything is computed?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.backbones.base import Spec, Weights, spec_text
from flarescope.backbones.feature_table import FeatureTable, lasting
from flarescope.backbones.registry import find
from flarescope.catalog.boucheron import read_table
from flarescope.connected import all_regions
from flarescope.errors import InputError
from flarescope.events import EventDefinition, statement_of
from flarescope.features.gather import Rows
from flarescope.features.history import History
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.heads.head import SEQUENCE, Head, Recipe, glorot_head, reference_class_weight
from flarescope.images.likeness import Likeness
from flarescope.images.remote import images_at
from flarescope.images.root import ImageRoot
from flarescope.pipeline.again import options_of
from flarescope.pipeline.featuring import Compute, Features, announce, check_before, open_store
from flarescope.pipeline.history import check_history, features_of, look_back
from flarescope.pipeline.identity import describe_recipe, describe_tables, is_synthetic, times_filled, versions
from flarescope.pipeline.likeness import likeness_of_table
from flarescope.pipeline.training_tables import (
    check_classes,
    events_of_training,
    read_training_tables,
    sources_of,
    stated_events,
)
from flarescope.progress import Reporter
from flarescope.several_events import codes, rows_of_event

MOST_MOVED: Final = 10.0
"""By which a step of Adam may move log odds without a warning: as from .007 to .993."""


@dataclass(frozen=True)
class TrainingData:
    """The labelled images of a training, and where their features are.

    Attributes:
        tables: `train` and `validation`.
        images: the image root.
        backbone: as it was asked for.
        weights: of the backbone.
        store: of the features.
        compute: how features are computed.
        allow_overlap: whether a region may stand in both tables, or times of both be near one another.
        event: that the labels are of; None where nobody says it.
        likeness: what a sample of the training images is like; None where none is there.
        sources: where each table was read from.
        limit: how many rows of each were drawn at random; None took all.
        options: that evaluate the run as it was trained (`again.options_of`).
        history: to which earlier images each row looks back; None to none.
        whole: the tables before `limit` drew from them, whose images may be looked back to.
        events: all events of tables of several, of which `event` is the first; empty for tables of one.
    """

    tables: dict[str, pd.DataFrame]
    images: ImageRoot
    backbone: str
    weights: Weights
    store: Features
    compute: Compute
    allow_overlap: bool
    event: EventDefinition | None = None
    likeness: Likeness | None = None
    sources: dict[str, str] = field(default_factory=dict)
    limit: int | None = None
    options: tuple[str, ...] = ()
    history: History | None = None
    whole: dict[str, pd.DataFrame] = field(default_factory=dict)
    events: tuple[EventDefinition, ...] = ()

    def of_event(self, event: EventDefinition) -> "TrainingData":
        """Give the same images with the labels of one of the events, as if the tables had no other."""
        tables = {name: rows_of_event(table, event) for name, table in self.tables.items()}
        return replace(self, tables=tables, event=event, events=())

    def with_class_weight(self, recipe: Recipe) -> Recipe:
        """Give the recipe with the class weights as numbers."""
        if recipe.class_weight is not None or not recipe.weighs:
            return recipe
        return replace(recipe, class_weight=reference_class_weight(self.tables["train"]["label"].to_numpy()))

    def describe(self, recipe: Recipe, save: dict[str, Any]) -> dict[str, Any]:
        """Say what a run on these data is, as `run.json` has it."""
        return {
            "event": self.event.to_json() if self.event else None,
            "recipe": describe_recipe(recipe),
            "backbone": self.backbone,
            "store": asdict(self.store.key),
            "data": describe_tables(self.tables, self.event),
            "save": save,
            "images": self.images.where,
            "features": str(self.store.folder.parent.resolve()),
            "versions": versions(),
            "finished": False,
            "synthetic": is_synthetic(self.images, self.likeness),
            "allow_overlap": self.allow_overlap,
            "training_images": self.likeness.to_json() if self.likeness else None,
            "tables": {**self.sources, "limit": self.limit},
            "options": list(self.options),
            **({} if self.history is None else {"history": self.history.to_json()}),
        }

    def rows(self, reporter: Reporter) -> dict[str, Rows]:
        """Compute what the store lacks, and give the features of each table."""
        return {
            name: features_of(
                self.store,
                table,
                self.whole.get(name, table),
                self.history,
                images=self.images,
                weights=self.weights,
                compute=self.compute,
                reporter=reporter,
                label=f"{name} features",
            )
            for name, table in self.tables.items()
        }

    def labels(self) -> dict[str, np.ndarray]:
        """Give the labels of each table, `(N,)` int8."""
        return {name: table["label"].to_numpy(dtype=np.int8) for name, table in self.tables.items()}

    def content(self) -> dict[str, str]:
        """Give a digest over the bytes of each table's images."""
        return {name: self.store.content_digest(self._names(name)) for name in self.tables}

    def _names(self, name: str) -> "pd.Series[str]":
        """Name the images of a table, and after them those that they look back to."""
        table = self.tables[name]
        return table["filename"] if self.history is None else look_back(table, self.whole[name], self.history).names

    def times(self) -> list[list[str]] | None:
        """Give the spans of time that training rows of the whole disk fill; None of regions."""
        if self.event is None or self.event.scope != "disk":
            return None
        return times_filled(self.tables["train"], self.event)

    def first_model(self, recipe: Recipe) -> Classifier:
        """Give the model that training begins from."""
        regions = all_regions(self.tables["train"])
        described = Description(
            self.backbone,
            self.weights.family,
            self.weights.digest,
            self.store.key.rendering,
            regions=regions,
            event=self.event,
            training_images=self.likeness.to_json() if self.likeness else None,
            network=self.weights.backbone.name,
            times=self.times(),
            synthetic=is_synthetic(self.images, self.likeness),
            history=self.history.to_json() if self.history else None,
        )
        return Classifier(self.first_head(recipe), described, self.weights)

    def first_head(self, recipe: Recipe) -> Head:
        """Draw the head that training begins from."""
        features = self.weights.backbone.features
        return glorot_head(self.history.width(features) if self.history else features, recipe.seed)


def open_training_data(
    *,
    train: str | Path,
    validation: str | Path,
    images: str | Path | ImageRoot,
    features: Path,
    backbone: Spec,
    compute: Compute,
    limit: int | None,
    allow_overlap: bool,
    recipes: Sequence[Recipe],
    reporter: Reporter,
    event: EventDefinition | Sequence[EventDefinition] | None = None,
    history: History | None = None,
) -> TrainingData:
    """Read the tables and open the feature store; no feature is computed yet. See `pipeline.training.train`.

    Raises:
        InputError: bad tables, images or options; one class only where a recipe takes the reference's class weights.
    """
    root = images_at(images) if isinstance(images, str | Path) else images
    stated = stated_events(event)
    options = options_of(compute=replace(compute, store=None), event=stated[0] if len(stated) == 1 else None)
    events = events_of_training(train, validation, stated, reporter)
    event = events[0] if events else None
    compute = compute.of_event(event)
    tables = read_training_tables(train, validation, limit=limit, allow_overlap=allow_overlap, events=events)
    check_classes(tables, events, recipes, reporter)
    for recipe in recipes:
        _check_looking_back(recipe, history)
    whole = _whole_tables(train, validation, tables, limit, history)
    weights = find(backbone)
    announce(weights, reporter)
    _tell_unscaled(weights, recipes, reporter)
    said = statement_of(event) + ("" if event else " (--event and --window state it)")
    reporter.say(said if len(events) < 2 else f"heads for {len(events)} events: {codes(events)}")
    check_before(root, compute)
    store = open_store(features, list(tables.values()), weights, compute, reporter)
    reporter.say(f"engine: {store.key.engine}; features kept in {store.folder}")
    likeness = likeness_of_table(tables["train"], root, compute)
    sources = sources_of(train, validation)
    return TrainingData(
        tables,
        root,
        lasting(spec_text(backbone)),
        weights,
        store,
        compute,
        allow_overlap,
        event,
        likeness,
        sources,
        limit,
        options,
        history,
        whole,
        events if len(events) > 1 else (),
    )


def _tell_unscaled(weights: Weights, recipes: Sequence[Recipe], reporter: Reporter) -> None:
    """Warn where Adam takes features that somebody made as they are, and one step moves a forecast from no to yes."""
    steps = [one.learning_rate for one in recipes if (one.head, one.solver) == ("linear", "adam")]
    if not isinstance(weights, FeatureTable) or not steps:
        return
    # Adam's first steps change each weight by about the learning rate (Kingma & Ba 2015, section 2.1).
    moved = max(steps) * float(np.abs(weights.matrix).mean(axis=0, dtype=np.float64).sum())
    if moved > MOST_MOVED:
        reporter.warn(
            f"a step of Adam moves the log odds by some {moved:,.0f}, for these features are large and a linear head "
            "takes them as they are: --solver lbfgs, --head mlp and other heads scale them"
        )


def looking_back(
    data: TrainingData, history: History | None, train: str | Path, validation: str | Path
) -> TrainingData:
    """Give the same rows, which look back to earlier images.

    Args:
        data: of rows that look back to none.
        history: to which images; None gives the data as they are.
        train: as in `open_training_data`, as is the next.
        validation: rows to validate on.

    Raises:
        InputError: rows that cannot be looked back from.
    """
    if history is None:
        return data
    return replace(data, history=history, whole=_whole_tables(train, validation, data.tables, data.limit, history))


def _check_looking_back(recipe: Recipe, history: History | None) -> None:
    """Refuse a head that looks back without images to look back to.

    Raises:
        InputError: no history, or differences, which are no images.
    """
    if recipe.head in SEQUENCE and history is None:
        raise InputError(f"--head {recipe.head} looks at earlier images too: give --history, as 6,12,24")
    if recipe.head in SEQUENCE and history is not None and history.form != "stack":
        raise InputError(f"--head {recipe.head} looks at images, not at differences: leave --history-form out")


def _whole_tables(
    train: str | Path,
    validation: str | Path,
    tables: dict[str, pd.DataFrame],
    limit: int | None,
    history: History | None,
) -> dict[str, pd.DataFrame]:
    """Give the tables that rows look back in; none without a history.

    Raises:
        InputError: training rows without times, or hours before which none has an earlier image.
    """
    if history is None:
        return {}
    paths = {"train": train, "validation": validation}
    whole = {name: read_table(path, split=name) if limit else tables[name] for name, path in paths.items()}
    check_history(tables["train"], look_back(tables["train"], whole["train"], history), history, str(train))
    return whole
