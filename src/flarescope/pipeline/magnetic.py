"""How do 29 numbers of each image become a baseline: a run with a model, forecasts and scores, as the network's?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.catalog.boucheron import read_table, require_regions
from flarescope.catalog.splits import check_disjoint
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.files import make_folder, read_json, sha256_of, write_json
from flarescope.images.magnetic import FEATURE_NAMES
from flarescope.images.magnetic_table import FeatureSet, compute_features, read_features_csv, write_features_csv
from flarescope.leftovers import remove_leftovers
from flarescope.locks import locked, remove_abandoned_lock
from flarescope.model.head import EpochResult
from flarescope.model.magnetic_baseline import MagneticModel, match_features, train_magnetic
from flarescope.model.runs import RunFolder, model_name, result_to_json
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.evaluation import Evaluation, event_of_evaluation, write_evaluation
from flarescope.pipeline.identity import describe_tables, is_synthetic, table_digest, versions
from flarescope.pipeline.origin import Origin, now
from flarescope.pipeline.training_data import event_of_training, warn_one_class
from flarescope.pipeline.verifying import Verifying, verify_raw
from flarescope.progress import Reporter
from flarescope.scores.contingency import count
from flarescope.scores.loss import cross_entropy_of_log_odds
from flarescope.tables import SPLITS, forecast_table

FAMILY: Final = "magnetic"
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
    reporter, root = reporter or Reporter(), Path(images)
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
        features: CSV of the features in the published form, matched by base name.
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
    reporter, run = reporter or Reporter(), RunFolder(Path(out))
    event = event_of_training(train, validation, event, reporter)
    tables = {
        "train": read_table(train, split="train", limit=limit),
        "validation": read_table(validation, split="validation", limit=limit),
    }
    require_regions({str(train): tables["train"], str(validation): tables["validation"]})
    if not allow_overlap:
        check_disjoint(tables)
    warn_one_class(tables, reporter)
    listed = read_features_csv(Path(features))
    rows = {name: match_features(listed, table, str(features)) for name, table in tables.items()}
    remove_abandoned_lock(run.path / "run")
    _refuse_whole_run(run)
    model = train_magnetic(rows["train"], tables["train"]["label"].to_numpy(), kind=kind, seed=seed)
    described = _describe(tables, Path(features), kind=kind, seed=seed, images=images)
    sources = {"train": str(Path(train).resolve()), "validation": str(Path(validation).resolve())}
    described |= {"allow_overlap": allow_overlap, "tables": {**sources, "limit": limit}}
    described |= {"event": event.to_json() if event else None}
    make_folder(run.path)
    with locked(run.path / "run"):
        _refuse_whole_run(run)
        remove_leftovers(run.path)
        if run.run_json.exists():
            run.clear()
        run.write(described | {"finished": False})
        results = {name: _result(model, rows[name], table) for name, table in tables.items()}
        name = Path(model_name(1, results["validation"].table.tss)).with_suffix(".json").name
        write_json(run.path / name, model.to_json())
        row = {split: result_to_json(result) for split, result in results.items()}
        run.write_history([{"epoch": 1, **row, "model": name}])
        forecasts = forecast_table(tables["validation"], "validation", model.probability(rows["validation"]))
        origin = Origin(
            model=name,
            model_digest=model.digest,
            epoch=1,
            table=None,
            table_digest=table_digest(forecasts),
            split="validation",
            limit=limit,
            allow_overlap=allow_overlap,
        )
        write_parquet(forecasts, run.forecasts("validation"), event_notes(event) | origin.to_json())
        run.write(described)
    reporter.say(
        f"{kind} on {len(FEATURE_NAMES)} features of {counted(len(tables['train']), 'image')}: {run.path / name}"
    )
    return run


def _refuse_whole_run(run: RunFolder) -> None:
    """Refuse a folder that holds a run, but for one that failed, or was killed, before anything was trained."""
    if run.run_json.exists():
        before = run.read()
        trained = before.get("finished") if before.get("kind") == FAMILY else run.history_jsonl.exists()
        if trained:
            raise InputError(f"{run.path}: holds a run already; choose another --out, or delete the folder")


def _result(model: MagneticModel, features: np.ndarray, table: pd.DataFrame) -> EpochResult:
    labels = table["label"].to_numpy(dtype=np.int64)
    log_odds = model.slope * model.decision(features)
    return EpochResult(cross_entropy_of_log_odds(labels, log_odds), count(labels, log_odds >= 0))


def _describe(
    tables: dict[str, pd.DataFrame], features: Path, *, kind: str, seed: int, images: str | Path | None
) -> dict[str, Any]:
    return {
        "kind": FAMILY,
        "recipe": {"kind": kind, "seed": seed, "C": 1.0, "classes": "balanced", "scaling": "0..1 by the training set"},
        "backbone": None,
        "store": {"family": FAMILY, "digest": f"sha256:{sha256_of(features)}", "features": len(FEATURE_NAMES)},
        "data": describe_tables(tables),
        "synthetic": images is not None and is_synthetic(Path(images)),
        "images": "not given" if images is None else str(Path(images).resolve()),
        "features": str(features.resolve()),
        "versions": versions(PACKAGES),
        "finished": True,
    }


@dataclass(frozen=True)
class MagneticRun:
    """A run of a baseline, read back."""

    folder: RunFolder
    described: dict[str, Any]
    path: Path
    model: MagneticModel

    @classmethod
    def open(cls, path: str | Path) -> "MagneticRun":
        """Read a run's description and model.

        Raises:
            InputError: no run, a run of the network, a damaged model.
        """
        folder = RunFolder(Path(path))
        described = folder.read()
        if described.get("kind") != FAMILY:
            raise InputError(f"{path}: a run of the network, not of magnetic features; use `flarescope evaluate`")
        file = folder.model_path()
        return cls(folder, described, file, MagneticModel.from_json(read_json(file), str(file)))


def evaluate_on_features(
    run: str | Path,
    *,
    table: str | Path,
    features: str | Path,
    split: str = "test",
    out: str | Path | None = None,
    limit: int | None = None,
    allow_overlap: bool = False,
    event: EventDefinition | None = None,
    verifying: Verifying | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Forecast a labelled table from magnetic features and verify it as the network's forecasts are.

    Args:
        run: the folder of a run that `train_on_features` wrote.
        table: labelled rows; of a catalogue with splits those of `split` are taken.
        features: CSV of the features in the published form.
        split: what the table is called: `train`, `validation` or `test`.
        out: where to write; by default into the run.
        limit: only so many rows, drawn at random, the same ones every time.
        allow_overlap: go on where the model was trained on regions of the table.
        event: that the labels are of, for a table that does not say it.
        verifying: how intervals and baselines are made.
        reporter: hears notes.

    Returns:
        The evaluation, which is also written: `scores.json` and `forecasts/<split>.parquet`.

    Raises:
        InputError: bad tables, features or runs; regions that the model was trained on.
    """
    reporter, verifying = reporter or Reporter(), verifying or Verifying()
    if split not in SPLITS:
        raise InputError(f"--split {split}: expected one of {', '.join(SPLITS)}")
    found = MagneticRun.open(run)
    of_model = event_from_json(found.described.get("event"), str(found.folder.run_json))
    event = event_of_evaluation(of_model, table, event, reporter)
    rows = read_table(table, split=split, limit=limit)
    require_regions({str(table): rows})
    if not allow_overlap and split != "train":
        seen = pd.DataFrame({"noaa_ar": found.described["data"]["train"]["regions"]})
        check_disjoint({"the training set of the model": seen, f"the {split} table": rows})
    numbers = match_features(read_features_csv(Path(features)), rows, str(features))
    result = _result(found.model, numbers, rows)
    forecasts = forecast_table(rows, split, found.model.probability(numbers))
    folder = RunFolder(Path(out)) if out else found.folder
    evaluation = Evaluation(
        model=found.path,
        split=split,
        table=result.table,
        loss=result.loss,
        forecasts=forecasts,
        evaluated={"features": str(features)},
        verification=verify_raw(forecasts, found.folder, verifying, reporter, event=event),
        folder=folder.path,
        origin=Origin(
            model=found.path.name,
            model_digest=found.model.digest,
            epoch=1,
            table=str(table),
            table_digest=table_digest(rows),
            split=split,
            limit=limit,
            allow_overlap=allow_overlap,
            date=now(),
        ),
        event=event,
    )
    write_evaluation(evaluation, reporter)
    return evaluation
