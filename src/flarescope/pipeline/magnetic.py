"""How do 29 numbers of each image become a baseline: a run with a model, forecasts and scores, as the network's?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.catalog.boucheron import read_table
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import make_folder, sha256_of, write_json
from flarescope.forecaster.runs import RunFolder, model_name, result_to_json
from flarescope.heads.result import EpochResult
from flarescope.leftovers import remove_leftovers
from flarescope.locks import locked, remove_abandoned_lock
from flarescope.magnetic.baseline import MagneticModel, match_features, train_magnetic
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.magnetic.table import FeatureSet, compute_features, read_features_csv, write_features_csv
from flarescope.notes import event_notes, read_notes, write_notes_beside
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.again import options_of
from flarescope.pipeline.featuring import MADE_DATA, Compute
from flarescope.pipeline.identity import describe_tables, is_synthetic, versions
from flarescope.pipeline.likeness import likeness_of_table
from flarescope.pipeline.origin import origin_of
from flarescope.pipeline.training_tables import event_of_training, read_training_tables, sources_of, warn_one_class
from flarescope.progress import Reporter, WarningReporter
from flarescope.scores.contingency import count
from flarescope.scores.loss import cross_entropy_of_log_odds
from flarescope.seeds import LARGEST_OF_SKLEARN, check_seed
from flarescope.tables import forecast_table

FAMILY: Final = "magnetic"
MADE: Final = "synthetic"
"""What a run, and the notes of a table of features, say where the images were made."""
PACKAGES: Final = ("flarescope", "numpy", "scikit-learn", "scikit-image", "scipy", "PyWavelets", "pandas", "pillow")


def write_features(
    table: str | Path,
    *,
    images: str | Path,
    out: str | Path,
    nan: str = "error",
    instrument_ok: bool = False,
    limit: int | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> FeatureSet:
    """Compute the 29 features of a table's images and write them in the published form, 32 columns.

    Args:
        table: labelled images (see `catalog.boucheron.read_table`).
        images: the image root.
        out: the CSV, without a header.
        nan: what NaN pixels of FITS files do: `error` leaves the image out, `zero` makes them zero field.
        instrument_ok: whether other magnetographs than HMI are taken.
        limit: only so many rows, drawn at random, the same ones every time.
        workers: processes.
        reporter: hears the progress.

    Raises:
        InputError: a bad table or folder; no image could be read.
    """
    reporter, root = reporter or WarningReporter(), Path(images)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected the image root (--images)")
    rows = read_table(table, limit=limit)
    done = 0

    def advance(step: int) -> None:
        nonlocal done
        done += step
        reporter.advance("magnetic features", done, len(rows))

    names = rows["filename"].tolist()
    found = compute_features(root, names, nan=nan, instrument_ok=instrument_ok, workers=workers, progress=advance)
    if not found.filenames:
        raise InputError(f"no image could be read, the first: {found.failures[0].reason}")
    kept = rows.set_index("filename").loc[list(found.filenames)].reset_index()
    numbers = pd.DataFrame(found.features, columns=list(FEATURE_NAMES))
    write_features_csv(kept.join(numbers), Path(out))
    made = is_synthetic(root, likeness_of_table(kept, root, Compute(instrument_ok=instrument_ok)))
    write_notes_beside(Path(out), {MADE: True} if made else {})
    return found


def train_on_features(
    *,
    train: str | Path,
    validation: str | Path,
    features: str | Path,
    out: str | Path,
    kind: str = "svm",
    seed: int = 0,
    images: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | None = None,
    reporter: Reporter | None = None,
) -> RunFolder:
    """Train a linear SVM or a logistic regression on magnetic features; write a run as the network's.

    Args:
        train: rows to train on (see `catalog.boucheron.read_table`).
        validation: rows to validate on; the same catalogue is fine.
        features: CSV of the features in the published form, matched by base name; that they are of made images is
            read in its notes (`write_features`).
        out: the run's folder; it must not hold a run.
        kind: `svm` or `logistic`.
        seed: of the solver.
        images: the image root, for the gallery of the report.
        limit: only so many rows of each table, drawn at random, the same ones every time.
        allow_overlap: go on where a region stands in both tables.
        event: that the labels are of, for tables that do not say it.
        reporter: hears notes.

    Raises:
        InputError: bad tables, features or options, or an `out` that holds a run.
    """
    check_seed(seed, LARGEST_OF_SKLEARN)
    reporter, run = reporter or WarningReporter(), RunFolder(Path(out))
    options = options_of(event=event)
    event = event_of_training(train, validation, event, reporter)
    if event is not None and event.scope == "disk":
        raise InputError(f"{train}: a table of the whole disk; magnetic features are those of one region")
    known = () if event is None else (event,)
    tables = read_training_tables(train, validation, limit=limit, allow_overlap=allow_overlap, events=known)
    warn_one_class(tables, reporter)
    listed = read_features_csv(Path(features))
    if _of_made_images(Path(features), images):
        reporter.warn(MADE_DATA)
    rows = {name: match_features(listed, table, str(features)) for name, table in tables.items()}
    remove_abandoned_lock(run.path / "run")
    _refuse_whole_run(run)
    model = train_magnetic(rows["train"], tables["train"]["label"].to_numpy(), kind=kind, seed=seed)
    described = _describe(tables, Path(features), kind=kind, seed=seed, images=images) | {
        "allow_overlap": allow_overlap,
        "tables": {**sources_of(train, validation), "limit": limit},
        "options": list(options),
        "event": event.to_json() if event else None,
    }
    make_folder(run.path)
    with locked(run.path / "run"):
        _begin(run, described)
        path = _write_model(run, model, tables, rows)
        forecasts = forecast_table(tables["validation"], "validation", model.probability(rows["validation"]))
        origin = origin_of(
            forecasts,
            "validation",
            model=path,
            digest=model.digest,
            run=run,
            limit=limit,
            allow_overlap=allow_overlap,
        )
        write_parquet(forecasts, run.forecasts("validation"), event_notes(event) | origin.to_json())
        run.write(described)
    reporter.say(f"{kind} on {len(FEATURE_NAMES)} features of {counted(len(tables['train']), 'image')}: {path}")
    return run


def _begin(run: RunFolder, described: Mapping[str, Any]) -> None:
    """Take a folder for a run that is not finished yet; what a failed or killed one left goes."""
    _refuse_whole_run(run)
    remove_leftovers(run.path)
    if run.run_json.exists():
        run.clear()
    run.write({**described, "finished": False})


def _write_model(
    run: RunFolder, model: MagneticModel, tables: Mapping[str, pd.DataFrame], rows: Mapping[str, np.ndarray]
) -> Path:
    """Write the model, under the name that its validation TSS gives it, and the history of one epoch."""
    results = {name: result_of_model(model, rows[name], table) for name, table in tables.items()}
    path = (run.path / model_name(1, results["validation"].table.tss)).with_suffix(".json")
    write_json(path, model.to_json())
    row = {split: result_to_json(result) for split, result in results.items()}
    run.write_history([{"epoch": 1, **row, "model": path.name}])
    return path


def _refuse_whole_run(run: RunFolder) -> None:
    """Refuse a folder that holds a run, but for one that failed, or was killed, before anything was trained."""
    if run.run_json.exists():
        before = run.read()
        trained = before.get("finished") if before.get("kind") == FAMILY else run.history_jsonl.exists()
        if trained:
            raise InputError(f"{run.path}: holds a run already; choose another --out, or delete the folder")


def result_of_model(model: MagneticModel, features: np.ndarray, table: pd.DataFrame) -> EpochResult:
    """Count and score what a model forecasts for `(N, 29)` features of a table's N rows."""
    labels = table["label"].to_numpy(dtype=np.int64)
    log_odds = model.log_odds(features)
    return EpochResult(cross_entropy_of_log_odds(labels, log_odds), count(labels, log_odds >= 0))


def _of_made_images(features: Path, images: str | Path | None) -> bool:
    return bool(read_notes(features).get(MADE)) or (images is not None and is_synthetic(Path(images)))


def _describe(
    tables: dict[str, pd.DataFrame], features: Path, *, kind: str, seed: int, images: str | Path | None
) -> dict[str, Any]:
    return {
        "kind": FAMILY,
        "recipe": {"kind": kind, "seed": seed, "C": 1.0, "classes": "balanced", "scaling": "0..1 by the training set"},
        "backbone": None,
        "store": {"family": FAMILY, "digest": f"sha256:{sha256_of(features)}", "features": len(FEATURE_NAMES)},
        "data": describe_tables(tables),
        MADE: _of_made_images(features, images),
        "images": "not given" if images is None else str(Path(images).resolve()),
        "features": str(features.resolve()),
        "versions": versions(PACKAGES),
        "finished": True,
    }
