"""What does a region model look at: which numbers, which classes, and is it known how the region flared before?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.events import CLASS_FLUX_W_M2, OPERATIONAL_FACTOR, FluxScale, flux_if_class
from flarescope.regions.changes import DAY_H
from flarescope.regions.features import region_features
from flarescope.regions.history import DISK_DAYS, disk_activity

Interval = tuple[pd.Timestamp, pd.Timestamp]

ISSUE_AFTER: Final = pd.Timedelta(minutes=30)
"""From the moment that a summary's positions hold for (00:00 UTC) to when NOAA issues it."""
NEAR_HOURS: Final = 72.0
FAR_HOURS: Final = 24.0 * max(DISK_DAYS)
KNOWN_SHARE: Final = 0.9
"""So much of the last `NEAR_HOURS` must be covered by the flare list for a history to be known (the newest report may
lack some hours), and of the last `FAR_HOURS` for the counts of that time."""
OF_SUMMARY: Final = ("disk_regions", "disk_area", "share_of_area", "returned", "returned_area")
"""Columns of other parts than `appearance` and `changes` that no flare is needed for."""
FAR: Final = f"_{max(DISK_DAYS)}d"
"""How the columns end that count over `FAR_HOURS`."""


class Listed(Protocol):
    """Flares, and when they are all the flares there were: `catalog.noaa_flares.FlareList`."""

    @property
    def table(self) -> pd.DataFrame:
        """`catalog.noaa_flares.FLARE_DTYPES`."""

    @property
    def covered(self) -> Sequence[Interval]:
        """Disjoint intervals, rising, in which the list is complete."""

    @property
    def scales(self) -> Sequence[FluxScale | None]:
        """The flux scales of its classes."""


@dataclass(frozen=True)
class Description:
    """N regions, each at the moment of its forecast.

    Attributes:
        numbers: `(N, F)` float64, the columns of all parts of `features.region_features`; NaN where unknown.
        parts: part -> its columns; of whole days there are none.
        mcintosh: `(N,)` upper case, the class of the summary; empty where it does not say.
        before: `(N,)` the class of the day before; empty without one.
        near: `(N,)` bool, whether the flares of the last 72 hours are known.
        far: `(N,)` bool, whether those of the last 27 days are.
    """

    numbers: pd.DataFrame
    parts: Mapping[str, tuple[str, ...]]
    mcintosh: np.ndarray
    before: np.ndarray
    near: np.ndarray
    far: np.ndarray

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: np.ndarray) -> "Description":
        """Give some of the rows, by a mask `(N,)`."""
        arrays = (self.mcintosh, self.before, self.near, self.far)
        return Description(self.numbers[rows].reset_index(drop=True), self.parts, *(array[rows] for array in arrays))


def describe(regions: pd.DataFrame, flares: pd.DataFrame, covered: Sequence[Interval]) -> Description:
    """Describe regions by what is known when their forecasts are issued.

    Args:
        regions: `(N,)` rows of `catalog.noaa_regions.REGION_DTYPES` with a number, one a region and day, and `issued`.
        flares: `FLARE_DTYPES` on the flux scale of the model.
        covered: when `flares` is complete.
    """
    found = region_features(regions, flares)
    numbers = pd.concat(found.values(), axis=1).reset_index(drop=True)
    near, far, numbers = as_far_as_known(
        numbers, regions["issued"], covered, {*found["appearance"], *found["changes"], *OF_SUMMARY}
    )
    mcintosh, before = classes(regions)
    parts = {name: tuple(map(str, part)) for name, part in found.items()}
    return Description(numbers, parts, mcintosh, before, near, far)


def describe_days(
    issued: "pd.Series[pd.Timestamp]", regions: pd.DataFrame, flares: pd.DataFrame, covered: Sequence[Interval]
) -> Description:
    """Describe the whole disk at each of D moments, by the columns of `features.region_features` that are the disk's.

    Args:
        issued: `(D,)` UTC, each once.
        regions: `noaa_ar`, `issued` and `area_msh` of the regions forecast; a moment may have none.
        flares: as for `describe`.
        covered: likewise.
    """
    numbers = disk_activity(issued, flares)
    day = pd.Index(issued).get_indexer(pd.Index(regions["issued"]))
    area = regions["area_msh"].astype("Float64").fillna(0).to_numpy(float)
    numbers["disk_regions"] = np.bincount(day, minlength=len(issued)).astype(float)
    numbers["disk_area"] = np.log1p(np.bincount(day, weights=area, minlength=len(issued)))
    near, far, numbers = as_far_as_known(numbers, issued, covered, OF_SUMMARY)
    nothing = np.full(len(issued), "")
    return Description(numbers, {}, nothing, nothing, near, far)


def as_far_as_known(
    numbers: pd.DataFrame,
    issued: "pd.Series[pd.Timestamp]",
    covered: Sequence[Interval],
    summary: Collection[str],
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Tell how far back flares are known, and make counts over a longer time unknown."""
    near = known_share(covered, issued, NEAR_HOURS) >= KNOWN_SHARE
    far = known_share(covered, issued, FAR_HOURS) >= KNOWN_SHARE
    kept = {name: far & near if str(name).endswith(FAR) else near for name in numbers if name not in summary}
    return near, far, numbers.assign(**{str(name): numbers[name].where(known) for name, known in kept.items()})


def classes(regions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Give each row's McIntosh class and that of the same region the day before, `(N,)` each; empty where unknown."""
    frame = pd.DataFrame(
        {
            "noaa_ar": regions["noaa_ar"].to_numpy(np.int64),
            "day": regions["day"].to_numpy("datetime64[us]"),
            "mcintosh": regions["mcintosh"].fillna("").str.upper().to_numpy(object),
        }
    )
    order = np.lexsort((frame["day"], frame["noaa_ar"]))
    rows = frame.iloc[order]
    earlier = rows.groupby("noaa_ar", sort=False).shift(1)
    hours = (rows["day"] - earlier["day"]).dt.total_seconds() / 3600
    before = earlier["mcintosh"].where(hours.between(*DAY_H)).fillna("").sort_index()
    return frame["mcintosh"].to_numpy(str), before.to_numpy(str)


def known_share(covered: Sequence[Interval], issued: "pd.Series[pd.Timestamp]", hours: float) -> np.ndarray:
    """Give the share of the hours before each forecast that a flare list covers, `(N,)` in 0..1."""
    end = issued.to_numpy("datetime64[us]").astype("int64")
    start = end - round(hours * 3.6e9)
    known = np.zeros(len(end))
    for interval in covered:
        first, last = (pd.Timestamp(edge).value // 1000 for edge in interval)  # nanoseconds, whatever its unit is
        known += np.clip(np.minimum(end, last) - np.maximum(start, first), 0, None)
    return known / (hours * 3.6e9)


def listed_flares(
    flares: "Listed | pd.DataFrame | None", covered: Sequence[Interval] | None, scale: FluxScale | None
) -> tuple[pd.DataFrame, Sequence[Interval], FluxScale | None]:
    """Give flares as a table, when it is complete, and its flux scale (None where nobody says it).

    A table alone is taken as complete from its first peak to its last; none at all covers nothing.
    """
    if flares is None:
        return _no_flares(), (), scale
    if isinstance(flares, pd.DataFrame):
        peaks = flares.get("time", pd.Series(dtype="datetime64[us, UTC]")).dropna()
        whole = ((peaks.min(), peaks.max()),) if len(peaks) else ()
        return flares, whole if covered is None else covered, scale
    told = [one for one in flares.scales if one]
    of_list = told[0] if len(told) == 1 and len(flares.scales) == 1 else None
    return flares.table, flares.covered if covered is None else covered, of_list or scale


def _no_flares() -> pd.DataFrame:
    times = pd.Series(dtype="datetime64[us, UTC]")
    return pd.DataFrame({"noaa_ar": pd.Series(dtype="Int32"), "time": times, "flare": pd.Series(dtype="str")})


def on_operational_scale(flares: pd.DataFrame) -> pd.DataFrame:
    """Give flares of science-quality fluxes their classes on the operational scale of before GOES-16, by x 0.7."""
    flux = flux_if_class(flares["flare"]) * OPERATIONAL_FACTOR
    return flares.assign(flare=pd.Series([_exact_class(one) for one in flux], index=flares.index, dtype="str"))


def _exact_class(flux: float) -> str:
    """Write a flux as a class without rounding to a tenth: the factor 0.7 must not be lost (`C1.05`)."""
    least = CLASS_FLUX_W_M2
    letter = next((name for name in reversed(least) if flux >= least[name] * (1 - 1e-9)), "A")
    return f"{letter}{flux / least[letter]:.4f}"
