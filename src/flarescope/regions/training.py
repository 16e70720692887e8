"""How is each region model trained, and what does cross-validation say of it?

Folds are by region inside blocks of time: all days of a region go with the quarter of a year in which it was first
seen, and every fifth quarter is one fold. So no region is on both sides, every fold has all phases of the solar cycle,
and neighbours in time (one Sun, one X-ray background) are mostly kept together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.regions.description import Description, Interval, describe, describe_days
from flarescope.regions.features import PARTS
from flarescope.regions.grid import DAY, LAST_H, SHAPE, ordered
from flarescope.regions.logistic import fit_logistic
from flarescope.regions.mixture import Mixture
from flarescope.regions.model import Regional, RegionModel
from flarescope.regions.outcomes import disk_counts, region_counts, unnumbered_counts
from flarescope.regions.rates import LEVELS, fit_rates
from flarescope.regions.trees import fit_trees
from flarescope.regions.whole_disk import WholeDisk, fit_whole_disk, together
from flarescope.windows import covers

FOLDS: Final = 5
SUMMARY: Final = ("appearance", "changes")
"""Parts of `features.region_features` that no flare is needed for."""
PARTS_OF: Final[Mapping[str, Sequence[str]]] = {
    "class": ("appearance",),
    "history": ("history", "course"),
    "summary": SUMMARY,
    "regions": PARTS,
}
"""Model -> the parts that it learns from."""
NOT_OF_TREES: Final = ("course",)
"""Parts that the trees of `regions` do without: by cross-validation they forecast no better with them."""
NAMES: Final = ("climatology", "mcintosh", "mcevol", "class", "history", "summary", "regions")
"""Region models; see `docs/regions.md`."""


@dataclass(frozen=True)
class TrainingRows:
    """Region-days with what came of them.

    Attributes:
        regions: `(N,)` `noaa_ar`, `day`, `issued` and the summary's columns.
        described: the same rows as models look at them.
        counts: `(N, T, W)` flares of the region in the windows of the grid.
        fold: `(N,)` 0 .. `FOLDS` - 1.
        issued: `(D,)` UTC, the moments of forecasts; days without a spot are among them.
        days: the disk at these moments.
        day: `(N,)` which of the D moments each row is of; -1 for none.
        outside: `(D, T, W)` flares outside the numbered regions.
        anywhere: `(D, T, W)` all flares.
    """

    regions: pd.DataFrame
    described: Description
    counts: np.ndarray
    fold: np.ndarray
    issued: "pd.Series[pd.Timestamp]"
    days: Description
    day: np.ndarray
    outside: np.ndarray
    anywhere: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def happened(self) -> np.ndarray:
        """Whether the events of the grid came, `(N, T, W)` bool."""
        return self.counts > 0

    @property
    def day_fold(self) -> np.ndarray:
        """The fold of each moment, `(D,)`, by its own quarter."""
        return quarter_fold(self.issued)

    def until(self, last: pd.Timestamp) -> "TrainingRows":
        """Give the rows and moments all of whose windows end by a moment."""
        reach = pd.Timedelta(hours=LAST_H)
        return self.take((self.regions["issued"] + reach <= last).to_numpy(), (self.issued + reach <= last).to_numpy())

    def after(self, last: pd.Timestamp) -> "TrainingRows":
        """Give the rows and moments from a moment on, without regions that were there before."""
        seen = self.regions.loc[self.regions["issued"] < last, "noaa_ar"].unique()
        new = (self.regions["issued"] >= last) & ~self.regions["noaa_ar"].isin(seen)
        # The disk is forecast of all its regions: its first days, of which some are left out, are left out too.
        first = self.regions.loc[(self.regions["issued"] >= last) & ~new, "issued"].max()
        later = self.issued >= last if pd.isna(first) else self.issued > first
        return self.take(new.to_numpy(), later.to_numpy())

    def take(self, rows: np.ndarray, moments: np.ndarray) -> "TrainingRows":
        """Give some of the rows and some of the moments, by masks `(N,)` and `(D,)`; rows of no moment have day -1."""
        place = np.where(moments, np.cumsum(moments) - 1, -1)
        return TrainingRows(
            self.regions[rows].reset_index(drop=True),
            self.described.take(rows),
            self.counts[rows],
            self.fold[rows],
            self.issued[moments].reset_index(drop=True),
            self.days.take(moments),
            place[self.day[rows]],
            self.outside[moments],
            self.anywhere[moments],
        )


def quarter_fold(moments: "pd.Series[pd.Timestamp]") -> np.ndarray:
    """Give the fold of moments by their quarter of a year, `(N,)`."""
    quarter: np.ndarray = (moments.dt.year * 4 + moments.dt.quarter).to_numpy()
    return np.asarray(quarter % FOLDS)


def training_rows(regions: pd.DataFrame, flares: pd.DataFrame, covered: Sequence[Interval]) -> TrainingRows:
    """Find the region-days whose history and windows the flare list covers, and what came of them.

    Args:
        regions: `catalog.noaa_regions.REGION_DTYPES` and `issued`, sections with spots alone, one row a region and day.
        flares: `FLARE_DTYPES`.
        covered: when `flares` is complete.

    Raises:
        InputError: no such row.
    """
    described = describe(regions, flares, covered)
    windows_end = regions["issued"] + pd.Timedelta(hours=LAST_H)
    usable = described.near & covers(covered, regions["issued"], windows_end)
    if not usable.any():
        raise InputError("no region-day lies in the time that the flare list covers; give both of one time")
    kept = regions[usable].reset_index(drop=True)
    first_seen = regions.groupby("noaa_ar")["day"].transform("min")[usable].reset_index(drop=True)
    issued = _moments(kept["issued"])
    known = covers(covered, issued, issued + pd.Timedelta(hours=LAST_H))
    issued = issued[known].reset_index(drop=True)
    return TrainingRows(
        kept,
        described.take(usable),
        region_counts(kept, flares),
        quarter_fold(first_seen),
        issued,
        describe_days(issued, kept, flares, covered),
        pd.Index(issued).get_indexer(pd.Index(kept["issued"])),
        unnumbered_counts(issued, kept, flares),
        disk_counts(issued, flares),
    )


def _moments(issued: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    """Give the moments of issue, each once, with the days between on which there was no spot."""
    known = pd.DatetimeIndex(issued.unique()).sort_values()
    days = pd.date_range(known[0], known[-1], freq="D")
    empty = days[~days.normalize().isin(known.normalize())]
    return pd.Series(known.append(empty).sort_values()).astype("datetime64[us, UTC]")


def fit_regional(name: str, described: Description, counts: np.ndarray, *, seed: int = 0) -> Regional:
    """Fit the model of this name to N regions.

    Args:
        name: of `NAMES`.
        described: N rows.
        counts: `(N, T, W)` flares after each.
        seed: of the trees.
    """
    if name in LEVELS:
        return fit_rates(name, described, counts)
    parts = PARTS_OF[name]
    logistic = fit_logistic(described, counts > 0, columns_of(described, parts))
    if name != "regions":
        return logistic
    fewer = columns_of(described, [part for part in parts if part not in NOT_OF_TREES])
    return Mixture(logistic, fit_trees(described, counts > 0, fewer, seed=seed))


def columns_of(described: Description, parts: Sequence[str]) -> list[str]:
    """Name the columns of some parts."""
    return [column for part in parts for column in described.parts[part]]


def cross_validated(name: str, rows: TrainingRows, *, seed: int = 0) -> np.ndarray:
    """Forecast each row by a model of the other folds, `(N, T, W)` in order."""
    found = np.empty((len(rows), *SHAPE))
    for fold in range(FOLDS):
        out = rows.fold == fold
        if out.any():
            model = fit_regional(name, rows.described.take(~out), rows.counts[~out], seed=seed)
            found[out] = model.forecast(rows.described.take(out))
    return ordered(found)


def inside(rows: TrainingRows, probability: np.ndarray) -> np.ndarray:
    """Give the probability that any numbered region flares at each moment, `(D, T, W)`, from `(N, T, W)`."""
    of_a_moment = rows.day >= 0
    nothing = np.zeros((len(rows.issued), *SHAPE))
    return together(probability[of_a_moment], rows.day[of_a_moment], nothing)


def fit_disk(rows: TrainingRows, probability: np.ndarray) -> WholeDisk:
    """Fit what joins regions to the disk.

    Args:
        rows: D moments and N regions.
        probability: `(N, T, W)` cross-validated.
    """
    return fit_whole_disk(rows.days, rows.outside > 0, rows.anywhere > 0, inside(rows, probability))


def forecast_disk(disk: WholeDisk, rows: TrainingRows, probability: np.ndarray) -> np.ndarray:
    """Forecast the disk at each moment, `(D, T, W)` in order, from `(N, T, W)` of the regions."""
    of_a_moment = rows.day >= 0
    return ordered(disk.forecast(probability[of_a_moment], rows.day[of_a_moment], rows.days))


def cross_validated_disk(rows: TrainingRows, probability: np.ndarray) -> np.ndarray:
    """Forecast the disk at each moment with what was fitted on the other folds, `(D, T, W)` in order."""
    found = np.empty((len(rows.issued), *SHAPE))
    for fold in range(FOLDS):
        out = rows.day_fold == fold
        if out.any():
            here, others = (rows.take(np.ones(len(rows), bool), moments) for moments in (out, ~out))
            found[out] = forecast_disk(fit_disk(others, probability), here, probability)
    return found


BLIND: Final = {"regions": "summary", "history": "climatology"}
"""Model -> the one that stands in for it where it is not known how a region flared."""


def fit_model(name: str, rows: TrainingRows, *, seed: int = 0) -> tuple[RegionModel, np.ndarray]:
    """Train a region model, and what joins its regions to the disk.

    Args:
        name: of `NAMES`.
        rows: to train on.
        seed: of the trees.

    Returns:
        The model, and the forecasts of its rows by cross-validation, `(N, T, W)`, on which the disk was fitted.

    Raises:
        InputError: another name.
    """
    if name not in NAMES:
        raise InputError(f"model {name!r} is not known; expected {', '.join(NAMES)}")
    validated = cross_validated(name, rows, seed=seed)
    regional = fit_regional(name, rows.described, rows.counts, seed=seed)
    blind = fit_regional(BLIND[name], rows.described, rows.counts) if name in BLIND else None
    return RegionModel(name, regional, blind, fit_disk(rows, validated), described_training(rows)), validated


def described_training(rows: TrainingRows) -> dict[str, Any]:
    """Say what a model was trained on; `rates` and `disk_rates` are `(T, W)` shares of events, the climatology."""
    issued = rows.regions["issued"]
    return {
        "first": f"{issued.min():%Y-%m-%dT%H:%M}",
        "last": f"{issued.max():%Y-%m-%dT%H:%M}",
        "region_days": len(rows),
        "regions": int(rows.regions["noaa_ar"].nunique()),
        "days": len(rows.issued),
        "events_of_a_day": rows.happened[:, :, DAY].sum(axis=0).tolist(),
        "rates": rows.happened.mean(axis=0).tolist(),
        "disk_rates": (rows.anywhere > 0).mean(axis=0).tolist(),
    }
