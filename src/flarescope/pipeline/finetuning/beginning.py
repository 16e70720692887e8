"""From which model, and on which rows, does a fine-tuning begin?"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from flarescope.backbones.base import Spec, Weights, spec_text
from flarescope.backbones.feature_table import FeatureTable, lasting
from flarescope.backbones.tuned import TunedWeights
from flarescope.catalog.table_event import agreed_event, events_of_table
from flarescope.errors import InputError
from flarescope.events import EventDefinition, agreed
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.heads.head import Recipe, reference_class_weight
from flarescope.images.remote import images_at
from flarescope.images.render import DISK_LIMIT_GAUSS, FIELD_LIMIT_GAUSS, Rendering
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.models import Model
from flarescope.pipeline.training_data import TrainingData, open_training_data
from flarescope.progress import Reporter
from flarescope.storage.cache import FileCache

EQUAL: Final = (1.0, 1.0)


@dataclass(frozen=True)
class Tables:
    """Which rows a user wants to train on; None takes those of the run that it begins with.

    Attributes:
        train, validation: tables of labelled images.
        images: the folder, or the address of a storage, that their file names are relative to.
        features: the folder of the feature stores.
        limit: only so many rows of each table, drawn at random.
        allow_overlap: go on where a region stands in both tables.
        event: that the labels are of, for tables that do not say it.
        cache: keeps what is read of a storage.
    """

    train: str | Path | None = None
    validation: str | Path | None = None
    images: str | Path | None = None
    features: str | Path | None = None
    limit: int | None = None
    allow_overlap: bool = False
    event: EventDefinition | None = None
    cache: FileCache | None = None


def refuse_untrainable(weights: Weights) -> None:
    """Refuse what cannot be trained any further.

    Raises:
        InputError: features that were made elsewhere, or a network that PyTorch does not run.
    """
    name = weights.backbone.name
    if isinstance(weights, FeatureTable):
        raise InputError(f"{name}: features that were made elsewhere; there is no network here that could be trained")
    if "torch" not in weights.backbone.engines:
        raise InputError(f"{name}: it runs by {', '.join(weights.backbone.engines)} alone; fine-tuning needs PyTorch")


def refuse_more(found: Model) -> None:
    """Refuse a model of more than one event, or of more than one image: one head on one image is trained here.

    Raises:
        InputError: the model is of several events, or looks back to earlier images.
    """
    if found.several is not None:
        raise InputError(f"{found.path}: of several events; fine-tune one of them, a run in the run's folder events/")
    if found.classifier.description.looks_back is not None:
        raise InputError(
            f"{found.path}: it looks back to earlier images of a region; fine-tune a model of one image (train without "
            "--history)"
        )


def tables_of(found: Model, asked: Tables, out: Path) -> Tables:
    """Fill in what a user did not say by what the run was trained on.

    Raises:
        InputError: a model without a run, and no tables.
    """
    said: dict[str, Any] = found.run.read() if found.run else {}
    sources = said.get("tables") or {}
    own = asked.train is None and asked.validation is None
    train, validation = asked.train or sources.get("train"), asked.validation or sources.get("validation")
    images = asked.images or said.get("images")
    missing = [name for name, one in (("train", train), ("validation", validation), ("images", images)) if one is None]
    if missing:
        raise InputError(f"{found.path}: does not say what it was trained on; give --{' and --'.join(missing)}")
    kept = said.get("features")
    features = asked.features or (kept if kept and Path(kept).is_dir() else out.parent / "features")
    limit = asked.limit or (sources.get("limit") if own else None)
    overlap = asked.allow_overlap or (own and bool(said.get("allow_overlap")))
    return Tables(train, validation, images, features, limit, overlap, asked.event, asked.cache)


def open_data(
    found: Model, tables: Tables, compute: Compute, backbone: Spec | None, reporter: Reporter
) -> TrainingData:
    """Read the tables that a fine-tuning is trained and validated on.

    Raises:
        InputError: bad tables or images, or labels of another event than the model forecasts.
    """
    described = found.classifier.description
    paths = {"train": Path(str(tables.train)), "validation": Path(str(tables.validation))}
    several = any(len(events_of_table(path)) > 1 for path in paths.values())
    stated = tables.event or (described.event if several else None)
    if several and stated is None:
        raise InputError(f"{paths['train']}: of several events; say which by --event and --window")
    events = {f"the table {path}": agreed_event(path, stated) for path in paths.values()}
    _, said = agreed({"the model": described.event, **events}, "fine-tune on labels of the model's own event")
    for text in said:
        reporter.warn(text)
    stated = stated or (described.event if any(one is None for one in events.values()) else None)
    trained = found.run.read()["store"] if found.run else {}
    compute = as_trained(compute, str(trained.get("engine", "")), found.classifier.weights)
    data = open_training_data(
        train=paths["train"],
        validation=paths["validation"],
        images=images_at(str(tables.images), tables.cache),
        features=Path(str(tables.features)),
        backbone=found.classifier.weights,
        compute=replace(compute, store=compute.store or trained.get("dtype")),
        limit=tables.limit,
        allow_overlap=tables.allow_overlap,
        recipes=[Recipe(class_weight=EQUAL)],
        reporter=reporter,
        event=stated,
    )
    return replace(data, backbone=lasting(spec_text(backbone or described.backbone)))


def as_trained(compute: Compute, engine: str, weights: Weights) -> Compute:
    """Give the engine that the run's features were computed by, where that is here too and no other was asked for.

    Args:
        compute: as it was asked for.
        engine: of the run, such as `openvino-cpu-fp32`; empty where it is not known.
        weights: of the network.
    """
    name, _, rest = engine.partition("-")
    wanted = replace(compute, engine=name, precision=rest.rpartition("-")[2])
    if compute.engine != Compute.engine or not rest:
        return compute
    try:
        same = wanted.choose_untuned(weights.backbone).id == engine
    except InputError:  # not installed, or for other processors
        return compute
    return wanted if same else compute


def class_weight_of(data: TrainingData, recipe: TuneRecipe) -> tuple[float, float]:
    """Give the weights of no-event and event.

    Raises:
        InputError: one class only, where both are needed.
    """
    labels = data.tables["train"]["label"].to_numpy()
    if recipe.balance == "none":
        return EQUAL
    reference = reference_class_weight(labels)
    return EQUAL if recipe.balance == "sampling" else recipe.class_weight or reference


def limit_gauss_of(rendering: Rendering) -> float | None:
    """Give the field that pixel 255 stands for; None where the scale is not known."""
    if rendering.name == "helioviewer-jpeg":
        return None
    return DISK_LIMIT_GAUSS if rendering.of_disk else FIELD_LIMIT_GAUSS


def for_rendering(recipe: TuneRecipe, rendering: Rendering, reporter: Reporter) -> TuneRecipe:
    """Leave out what cannot be done to JPEG of the whole disk: its scale in gauss is not known, and its sky is black.

    Turned round in polarity the sky would be white, and what a shift or a turn brings in is zero field, which is grey.
    """
    if limit_gauss_of(rendering) is not None or set(recipe.augment) <= {"east-west"}:
        return recipe
    reporter.say("training images are mirrored east-west alone: JPEG has no known scale in gauss, and a black sky")
    return replace(recipe, augment=tuple(name for name in recipe.augment if name == "east-west"))


def described(found: Model, data: TrainingData, recipe: TuneRecipe, save: dict[str, Any]) -> dict[str, Any]:
    """Say what a fine-tuning is, as `run.json` has it."""
    begun = {"head": found.classifier.head.digest, "network": found.classifier.weights.digest}
    return {
        **data.describe(Recipe(), save),
        "recipe": {**recipe.to_json(), "begun_with": begun},
        "finetuned": {"from": recipe.start, "begun_with": f"{found.path.resolve().parent.name}/{found.path.name}"},
    }


def base_of(weights: Weights) -> tuple[Weights, dict[str, Any]]:
    """Give the weights before any fine-tuning, and the arrays that an earlier one changed, whole."""
    if not isinstance(weights, TunedWeights):
        return weights, {}
    names = {f"{layer}.weight" for layer in weights.change.adapted}
    names |= {name for name in weights.change.arrays if not name.endswith((".lora_a", ".lora_b"))}
    arrays = weights.load()
    return weights.base, {name: arrays[name] for name in sorted(names)}
