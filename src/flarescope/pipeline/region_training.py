"""How do years of summaries and flares become a region model, its forecasts of years it never saw, and scores?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition, class_of_flux
from flarescope.files import check_writable, make_folder, write_json, write_text
from flarescope.notes import event_notes
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.identity import versions
from flarescope.pipeline.region_card import card
from flarescope.pipeline.region_data import read_region_data
from flarescope.pipeline.region_evaluation import SCORED, Verified, other_forecasts, persistence, verify_regions
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.grid import DAY, THRESHOLDS_W_M2, WINDOWS_H, ordered
from flarescope.regions.model import RegionModel, with_training
from flarescope.regions.model_file import digest_of_model, write_model
from flarescope.regions.shipped import MODEL_NAME
from flarescope.regions.training import (
    NAMES,
    TrainingRows,
    cross_validated_disk,
    fit_model,
    forecast_disk,
    training_rows,
)
from flarescope.scores.cases import Sampling
from flarescope.seeds import LARGEST_OF_SKLEARN, check_seed
from flarescope.times import moment_of

FAMILY: Final = "regions"
PACKAGES: Final = ("flarescope", "numpy", "pandas", "scikit-learn")
LEAST_ROWS: Final = 200
"""Fewer region-days teach, and show, nothing that holds."""


@dataclass(frozen=True)
class TrainedRegions:
    """What `train_regions` made.

    Attributes:
        model: the trained model.
        folder: of the run.
        scores: as `scores.json` holds them.
        forecasts: as `forecasts.parquet` holds them.
    """

    model: RegionModel
    folder: Path
    scores: dict[str, Any] = field(repr=False)
    forecasts: pd.DataFrame = field(repr=False)

    __repr__ = brief


def train_regions(
    *,
    regions: Sequence[str | Path],
    flares: str | Path,
    out: str | Path,
    model: str = "regions",
    until: str | pd.Timestamp | None = None,
    flux_scale: str | None = None,
    credit: str | None = None,
    seed: int = 0,
    sampling: Sampling | None = None,
    reporter: Reporter | None = None,
) -> TrainedRegions:
    """Train a region model; verify it on the time after `until`, or else by cross-validation.

    Cross-validation is by region inside blocks of time (`regions.training`). Of the time after `until`, regions that
    were there before are left out.

    Args:
        regions: summaries, folders or archives of them, tables of region days.
        flares: a flare list.
        out: the run's folder, which must not hold a run: `model.json`, `run.json`, `scores.json`, `README.md` (the
            card), `forecasts.parquet` (all events) and `forecasts/` with a table for each event, as `evaluate` and
            `compare` take them.
        model: of `regions.training.NAMES`.
        until: the last day to train on; None trains on all.
        flux_scale: of the list, where it does not say it.
        credit: whom the files are from, for the card.
        seed: of the trees.
        sampling: how intervals are made.
        reporter: hears notes.

    Raises:
        InputError: bad files, an unknown model, too few rows, or an `out` that holds a run.

    Example:
        >>> data = {"regions": ["region_days.csv"], "flares": "region_flares.csv"}
        >>> flarescope.train_regions(**data, out="runs/regions", model="mcintosh").model.name
        'mcintosh'
    """
    reporter, folder, sampling = reporter or WarningReporter(), Path(out), sampling or Sampling()
    check_seed(seed, LARGEST_OF_SKLEARN)
    if model not in NAMES:
        raise InputError(f"model {model!r} is not known; expected {', '.join(NAMES)}")
    if (folder / "run.json").exists():
        raise InputError(f"{folder}: holds a run already; choose another --out, or delete the folder")
    check_writable(folder / "run.json")
    data = read_region_data(regions, flares, flux_scale=flux_scale, reporter=reporter)
    rows = training_rows(data.regions, data.flares.table, data.flares.covered)
    train, test = _parted(rows, until)
    reporter.say(f"training {model} on {counted(len(train), 'region-day')}")
    trained, validated = fit_model(model, train, seed=seed)
    said = {"credit": credit} if credit else {}
    trained = with_training(trained, {**trained.trained, **data.sources, **said})
    verified = _verified(trained, validated, train, test, data.flares.table, seed=seed)
    reporter.say(f"verifying on {counted(len(verified.rows), 'region-day')}")
    how = "time after that of the training" if test else "cross-validation by region inside blocks of time"
    scores = {"model": model, "rows": how, **verify_regions(verified, sampling=sampling)}
    forecasts = forecast_rows(verified, model)
    make_folder(folder)
    write_model(trained, folder / MODEL_NAME)
    write_parquet(forecasts, folder / "forecasts.parquet", {"kind": FAMILY})
    _write_events(forecasts, folder / "forecasts")
    write_json(folder / "scores.json", scores)
    described = _described(trained, folder, train, test, until, seed)
    write_text(folder / "README.md", card((described, scores)))
    write_json(folder / "run.json", described)
    return TrainedRegions(trained, folder, scores, forecasts)


def _parted(rows: TrainingRows, until: str | pd.Timestamp | None) -> tuple[TrainingRows, TrainingRows | None]:
    """Give the rows to train on, and those of the time after; None where there are none."""
    if until is None:
        train, test = rows, None
    else:
        try:
            last = moment_of(until).normalize() + pd.Timedelta(days=1)
        except ValueError as error:
            raise InputError(f"until {str(until)[:40]!r}; expected a day such as 2011-12-31") from error
        train, test = rows.until(last), rows.after(last)
        if len(test) < LEAST_ROWS:
            raise InputError(f"{counted(len(test), 'region-day')} after {until}; expected {LEAST_ROWS} to verify on")
    if len(train) < LEAST_ROWS:
        raise InputError(f"{counted(len(train), 'region-day')} to train on; expected at least {LEAST_ROWS}")
    return train, test


def _verified(
    model: RegionModel,
    validated: np.ndarray,
    train: TrainingRows,
    test: TrainingRows | None,
    flares: pd.DataFrame,
    *,
    seed: int,
) -> Verified:
    """Forecast the rows to verify on with the model, the baselines and the parts."""
    rows = test or train
    own = validated if test is None else model.probabilities(test.described)
    others = {name: grid for name, grid in other_forecasts(train, test, seed=seed).items() if name != model.name}
    regional = {model.name: own} | {name: ordered(grid) for name, grid in others.items()}
    disk = {}
    for name, grid in regional.items():
        if test is None:
            disk[name] = cross_validated_disk(train, grid)
        elif name == model.name:
            disk[name] = forecast_disk(model.disk, test, grid)
    if test is not None:
        disk["climatology"] = np.broadcast_to((train.anywhere > 0).mean(axis=0), disk[model.name].shape)
    regional["persistence"], disk["persistence"] = persistence(rows, flares)
    return Verified(rows, regional, disk, train.happened.mean(axis=0), (train.anywhere > 0).mean(axis=0))


def forecast_rows(found: Verified, model: str) -> pd.DataFrame:
    """Put the model's forecasts into one table: `issued`, `noaa_ar` (null for the disk), `event`, `window_h`, ..."""
    tables = []
    scopes = (
        (found.rows.regions["issued"], found.rows.regions["noaa_ar"], found.regional[model], found.rows.happened),
        (found.rows.issued, None, found.disk[model], found.rows.anywhere > 0),
    )
    for issued, number, grid, happened in scopes:
        for t, flux in enumerate(THRESHOLDS_W_M2):
            for w, (latency, length) in enumerate(WINDOWS_H):
                values = {
                    "issued": issued,
                    "noaa_ar": pd.Series(pd.NA, index=issued.index) if number is None else number,
                    "event": class_of_flux(flux),
                    "window_h": float(length),
                    "latency_h": float(latency),
                    "probability": grid[:, t, w],
                    "model": model,
                    "label": happened[:, t, w].astype(np.int8),
                }
                tables.append(pd.DataFrame(values).astype({"noaa_ar": "Int32"}))
    return pd.concat(tables, ignore_index=True)


def _write_events(forecasts: pd.DataFrame, folder: Path) -> None:
    """Write a table for each class in 24 hours, of regions and disk, with its event in its notes."""
    make_folder(folder)
    names = [class_of_flux(flux) for flux in SCORED]
    length = float(WINDOWS_H[DAY][1])
    for name in names:
        rows = forecasts[
            (forecasts["event"] == name) & (forecasts["window_h"] == length) & ~forecasts["latency_h"].gt(0)
        ]
        for scope, one in (("region", rows[rows["noaa_ar"].notna()]), ("disk", rows[rows["noaa_ar"].isna()])):
            event = EventDefinition(
                threshold=name,
                window_hours=length,
                scope="disk" if scope == "disk" else "region",
                flux_scale="operational",
            )
            table = one.rename(columns={"issued": "time"})[["noaa_ar", "time", "label", "probability"]]
            write_parquet(table, folder / f"{scope}_{name}_{length:.0f}h.parquet", event_notes(event))


def _described(
    model: RegionModel,
    folder: Path,
    train: TrainingRows,
    test: TrainingRows | None,
    until: str | pd.Timestamp | None,
    seed: int,
) -> dict[str, Any]:
    return {
        "kind": FAMILY,
        "model": {"name": model.name, "file": MODEL_NAME, "digest": digest_of_model(folder / MODEL_NAME)},
        "until": None if until is None else str(until),
        "seed": seed,
        "trained": dict(model.trained),
        "data": {"train": _rows_of(train), "verified": _rows_of(test or train)},
        "versions": versions(PACKAGES),
        "finished": True,
    }


def _rows_of(rows: TrainingRows) -> Mapping[str, Any]:
    issued = rows.regions["issued"]
    return {
        "region_days": len(rows),
        "regions": int(rows.regions["noaa_ar"].nunique()),
        "days": len(rows.issued),
        "first": f"{issued.min():%Y-%m-%dT%H:%M}",
        "last": f"{issued.max():%Y-%m-%dT%H:%M}",
    }
