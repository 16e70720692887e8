"""How does a labelled set become a run with a model an epoch?"""

import hashlib
import platform
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.catalog.boucheron import read_table, require_regions
from flarescope.catalog.splits import check_disjoint
from flarescope.errors import InputError
from flarescope.files import locked, make_folder, remove_leftovers
from flarescope.model.adam import State, train_epoch
from flarescope.model.classifier import Classifier, Description, load_classifier
from flarescope.model.features import FeatureStore
from flarescope.model.gather import Rows
from flarescope.model.head import EpochResult, Recipe, glorot_head, reference_class_weight, validate
from flarescope.model.runs import RunFolder, best_epoch, model_name, result_to_json
from flarescope.model.vgg import FEATURES
from flarescope.model.weights import find
from flarescope.pipeline.featuring import Compute, announce, ensure_features, open_store
from flarescope.progress import Reporter
from flarescope.tables import forecast_table, write_parquet

SAVE: Final = ("each", "best", "last")
PACKAGES: Final = ("flarescope", "numpy", "torch", "openvino", "pandas", "h5py", "astropy", "scikit-image", "pillow")


@dataclass(frozen=True)
class Saving:
    """Which models a run keeps.

    Attributes:
        which: `each` epoch's, only the `best` by validation TSS, or only the `last`.
        full: complete Keras files instead of small ones.
    """

    which: str = "each"
    full: bool = False

    def __post_init__(self) -> None:
        if self.which not in SAVE:
            raise InputError(f"--save {self.which}: expected one of {', '.join(SAVE)}")


def train(
    *,
    train: str | Path,
    validation: str | Path,
    images: str | Path,
    out: str | Path,
    backbone: str = "imagenet",
    recipe: Recipe | None = None,
    compute: Compute | None = None,
    saving: Saving | None = None,
    features: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    reporter: Reporter | None = None,
) -> RunFolder:
    """Train a head on a labelled set: features once, then the epochs; a killed run goes on where it stood.

    Args:
        train: rows to train on (published CSV, catalogue, labels file; see `catalog.boucheron.read_table`).
        validation: rows to validate on; may be the same catalogue, its column `split` then decides.
        images: the folder that the tables' file names are relative to.
        out: the run's folder; a run that was interrupted there is continued if it is the same one.
        backbone: `imagenet`, `random[:SEED]` or a Keras file.
        recipe: of the training; by default the reference recipe.
        compute: of the features.
        saving: which models are kept.
        features: the folder of the feature stores; by default `features` beside the run.
        limit: only so many rows of each table, drawn at random, the same ones every time.
        allow_overlap: go on where a region stands in both tables.
        reporter: hears notes and progress.

    Returns:
        The run's folder.

    Raises:
        InputError: bad tables, images, options, or an `out` that holds another run.
    """
    recipe, compute, saving = recipe or Recipe(), compute or Compute(), saving or Saving()
    reporter = reporter or Reporter()
    out, images = Path(out), Path(images)
    tables = {
        "train": read_table(Path(train), split="train", limit=limit),
        "validation": read_table(Path(validation), split="validation", limit=limit),
    }
    require_regions({str(train): tables["train"], str(validation): tables["validation"]})
    if not allow_overlap:
        check_disjoint(tables)
    if recipe.class_weight is None:
        recipe = replace(recipe, class_weight=reference_class_weight(tables["train"]["label"].to_numpy()))
    weights = find(backbone)
    announce(weights, reporter)
    run = RunFolder(out)
    store = open_store(Path(features or out.parent / "features"), list(tables.values()), weights, compute)
    reporter.say(f"engine: {store.key.engine}; features kept in {store.folder}")
    described = _describe(tables, images, backbone, recipe, saving, store) | {
        "synthetic": is_synthetic(images),
        "allow_overlap": allow_overlap,
    }
    if not images.is_dir():
        raise InputError(f"{images}: no such folder; expected the image root (--images)")
    compute.threads()  # a bad option is told before the folder is claimed
    make_folder(run.path)
    with locked(run.path / "run"):
        remove_leftovers(run.path)
        _begin(run, described)
        rows = {
            name: ensure_features(store, table, images, weights, compute, reporter, f"{name} features")
            for name, table in tables.items()
        }
        described = _with_content(run, described, store, tables)
        labels = {name: table["label"].to_numpy(dtype=np.int64) for name, table in tables.items()}
        model = Classifier(
            glorot_head(FEATURES, recipe.seed),
            Description(
                backbone,
                weights.family,
                weights.digest,
                store.key.rendering,
                regions=described["data"]["train"]["regions"],
            ),
            weights,
        )
        _epochs(run, model, recipe, saving, rows, labels, reporter)
        _finish(run, described, tables["validation"], rows["validation"])
    return run


def _epochs(
    run: RunFolder,
    model: Classifier,
    recipe: Recipe,
    saving: Saving,
    rows: dict[str, Any],
    labels: dict[str, np.ndarray],
    reporter: Reporter,
) -> None:
    state = run.read_state() or State.start(model.head)
    history = run.history()[: state.epoch]
    if len(history) < state.epoch:
        raise InputError(
            f"{run.history_jsonl}: has {len(history)} of the {state.epoch} finished epochs; "
            "delete state.npz and run again, from the first epoch"
        )
    _discard(run, history, saving)  # a kill may have come just before it
    while state.epoch < recipe.epochs and not _stops(history, recipe.patience):
        label = f"epoch {state.epoch + 1} of {recipe.epochs}"
        done = 0

        def advance(count: int, label: str = label) -> None:
            nonlocal done
            done += count
            reporter.advance(label, done, len(rows["train"]))

        state, trained = train_epoch(state, rows["train"], labels["train"], recipe, progress=advance)
        validated = validate(state.head, rows["validation"], labels["validation"], clip=recipe.clip)
        name = model_name(state.epoch, validated.table.tss)
        replace(model, head=state.head).save(run.path / name, full=saving.full)
        history.append(_history_row(state.epoch, trained, validated, name))
        run.write_history(history)
        run.write_state(state)  # last: a kill before this line repeats the epoch, to the same bytes
        _discard(run, history, saving)
        reporter.say(_epoch_line(trained, validated, label))


def _history_row(epoch: int, trained: EpochResult, validated: EpochResult, name: str) -> dict[str, Any]:
    results = {"train": result_to_json(trained), "validation": result_to_json(validated)}
    return {"epoch": epoch, **results, "model": name}


def _epoch_line(trained: EpochResult, validated: EpochResult, label: str) -> str:
    table = validated.table
    return (
        f"{label}: loss {trained.loss:.4f}, TSS {trained.table.tss:.4f} | validation loss {validated.loss:.4f}, "
        f"TPR {table.tpr:.4f}, TNR {table.tnr:.4f}, TSS {table.tss:.4f}, HSS {table.hss:.4f}"
    )


def _stops(history: list[dict[str, Any]], patience: int | None) -> bool:
    """Whether the validation TSS has not become better for `patience` epochs."""
    return bool(history) and patience is not None and history[-1]["epoch"] - best_epoch(history)["epoch"] >= patience


def _discard(run: RunFolder, history: list[dict[str, Any]], saving: Saving) -> None:
    """Remove the models of earlier epochs that are not to be kept."""
    if saving.which == "each" or not history:
        return
    keep = (best_epoch(history) if saving.which == "best" else history[-1])["model"]
    for row in history:
        if row["model"] != keep:
            (run.path / row["model"]).unlink(missing_ok=True)


def is_synthetic(images: Path) -> bool:
    """Tell whether an image root belongs to a made set, which says so in `synthetic.json` beside it."""
    return (images.parent / "synthetic.json").is_file()


def table_digest(table: pd.DataFrame) -> str:
    """Give `sha256:<hex>` over the file names and labels of a table, in order."""
    digest = hashlib.sha256("\n".join(table["filename"]).encode())
    digest.update(table["label"].to_numpy(dtype=np.int8).tobytes())
    return f"sha256:{digest.hexdigest()}"


def describe_tables(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Say which rows each table holds: digest, images, events, regions."""
    return {
        name: {
            "digest": table_digest(table),
            "images": len(table),
            "events": int(table["label"].sum()),
            "regions": sorted(table["noaa_ar"].unique().tolist()),
        }
        for name, table in tables.items()
    }


def _describe(
    tables: dict[str, pd.DataFrame],
    images: Path,
    backbone: str,
    recipe: Recipe,
    saving: Saving,
    store: FeatureStore,
) -> dict[str, Any]:
    return {
        "recipe": {**asdict(recipe), "class_weight": list(recipe.class_weight or ())},
        "backbone": backbone,
        "store": asdict(store.key),
        "data": describe_tables(tables),
        "save": asdict(saving),
        "images": str(images.resolve()),
        "features": str(store.folder.parent.resolve()),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "finished": False,
    }


# What makes a run another run. Epochs and patience may differ: a finished run can be asked to go on.
IDENTITY: Final = ("recipe", "backbone", "store", "data", "save")
EXTENDABLE: Final = ("epochs", "patience")


def _identity(described: dict[str, Any]) -> dict[str, Any]:
    kept = {name: described.get(name) for name in IDENTITY}
    recipe = {name: value for name, value in described["recipe"].items() if name not in EXTENDABLE}
    return {**kept, "recipe": recipe}


def _begin(run: RunFolder, described: dict[str, Any]) -> None:
    """Start a run, or go on with one that is the same."""
    if run.run_json.exists():
        before, now = _identity(run.read()), _identity(described)
        differing = [name for name in IDENTITY if before[name] != now[name]]
        if differing:
            raise InputError(
                f"{run.path}: holds another run (differs in {', '.join(differing)}); "
                "choose another --out, or delete the folder"
            )
        done = len(run.history())
        if done > described["recipe"]["epochs"]:
            raise InputError(
                f"{run.path}: has {done} epochs already; ask for more with --epochs, or choose another --out"
            )
        described = {**described, "content": run.read().get("content")}
    elif any(run.path.glob("*.hdf5")) or run.history_jsonl.exists():
        raise InputError(f"{run.path}: holds models but no run.json; choose another --out")
    run.write(described)


def _with_content(
    run: RunFolder, described: dict[str, Any], store: FeatureStore, tables: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    """Note which bytes the images had, and refuse to go on with a run that began on others.

    Raises:
        InputError: an image changed since the run began.
    """
    content = {name: store.content_digest(table["filename"].tolist()) for name, table in tables.items()}
    before = run.read().get("content")
    if before is not None and before != content and run.history():
        raise InputError(f"{run.path}: the images changed since this run began; choose another --out")
    run.write({**described, "content": content})
    return {**described, "content": content}


def _finish(run: RunFolder, described: dict[str, Any], validation: pd.DataFrame, rows: Rows) -> None:
    """Write the best kept model's validation forecasts and mark the run as finished."""
    model = load_classifier(run.model_path(), backbone=described["backbone"])
    write_parquet(forecast_table(validation, "validation", model.head.probability(rows)), run.forecasts("validation"))
    run.write({**described, "finished": True})
