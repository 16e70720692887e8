"""Which images of a catalogue are fit for use, and which rule removed each of the others?

Rows are chosen; images are never copied, moved or deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import Rules
from flarescope.rotation import turned_west
from flarescope.windows import compared_times

SCAN_DTYPES: Final = {"filename": "str", "nan_pixels": "Int64", "quality": "Int64"}
"""What a scan of the image files tells, one row a file: `filename` as in the catalogue, `nan_pixels` the number of
pixels without a value, `quality` the header's QUALITY as an unsigned number (null where the file has none, as in PNG).
"""


@dataclass(frozen=True, kw_only=True)
class SelectionRules:
    """What an image must be to be taken; a rule that is None is not applied.

    Attributes:
        first: earliest time, a UTC instant (included).
        last: latest time (not included).
        max_degrees: latitude and longitude, without sign, must be below this by the summary of the image's day
            (60 in the published set, whole days).
        max_nan_pixels: most pixels without a value (0 in the published set).
        quality_mask: bits of QUALITY of which none may be set; 0xFFFFFFFF takes only quality 0.
        cadence_minutes: images of one region at least so far apart: neighbours are near copies.
        unknown: what becomes of an image whose position, NaN count or quality nobody gave. The published set kept
            images of a region on days on which no summary names it (five of five in the sample at hand).
        rules: whose day an image belongs to: the UTC day, or with `ar-flares` the day of its TAI clock, as in the
            published set (of 34 images at 00:00 TAI, three lay beyond 60 degrees by the day before).

    Example:
        >>> flarescope.SelectionRules(cadence_minutes=60, max_degrees=60)
        SelectionRules(max_degrees=60, cadence_minutes=60)
    """

    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    max_degrees: float | None = None
    max_nan_pixels: int | None = None
    quality_mask: int | None = None
    cadence_minutes: float | None = None
    unknown: Literal["remove", "keep"] = "remove"
    rules: Rules = "utc"

    __repr__ = brief

    def __post_init__(self) -> None:
        for name in ("first", "last"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                object.__setattr__(self, name, value.tz_localize("UTC"))
        if self.first is not None and self.last is not None and not self.first < self.last:
            raise InputError(f"dates from {self.first} to {self.last}; expected the first before the last")
        if self.max_degrees is not None and not 0 < self.max_degrees <= 180:
            raise InputError(f"position limit of {self.max_degrees} degrees; expected more than 0, at most 180")
        if self.max_nan_pixels is not None and self.max_nan_pixels < 0:
            raise InputError(f"NaN limit of {self.max_nan_pixels} pixels; expected 0 or more")
        if self.quality_mask is not None and not 0 < self.quality_mask <= 0xFFFFFFFF:
            raise InputError(f"quality mask {self.quality_mask}; expected 32 bits, 1 to 0xFFFFFFFF")
        if self.cadence_minutes is not None and not 0 < self.cadence_minutes < 1e6:
            raise InputError(f"cadence of {self.cadence_minutes} minutes; expected more than 0")


@dataclass(frozen=True)
class Removal:
    """How many images one rule removed; an image counts under the first rule that it breaks."""

    rule: str
    removed: int


@dataclass(frozen=True)
class Selection:
    """The images taken, in their order, and the account of the others.

    Attributes:
        table: rows of the catalogue, index 0..N-1.
        images: how many images there were.
        account: the rules as they were applied; `images` less all that they removed is the length of `table`.
    """

    table: pd.DataFrame
    images: int
    account: tuple[Removal, ...]

    __repr__ = brief


def select_images(
    catalogue: pd.DataFrame,
    rules: SelectionRules,
    *,
    regions: pd.DataFrame | None = None,
    scan: pd.DataFrame | None = None,
) -> Selection:
    """Take the images that keep every rule.

    Args:
        catalogue: catalogue columns.
        rules: what is asked of an image.
        regions: `flarescope.catalog.noaa_regions.read_summaries`; needed for `max_degrees`.
        scan: columns of `SCAN_DTYPES`; needed for `max_nan_pixels` and `quality_mask`, unless the catalogue has them.

    Raises:
        InputError: a rule lacks the table that it needs, or a file stands in the scan twice.
    """
    left = np.ones(len(catalogue), dtype=bool)
    account = []
    for rule, good in _verdicts(catalogue, rules, regions, scan):
        account.append(Removal(rule, int((left & ~good).sum())))
        left &= good
    if rules.cadence_minutes is not None:  # last: a removed image must not keep its neighbours out
        thinned = thin(catalogue[left], rules.cadence_minutes)
        account.append(Removal(f"less than {rules.cadence_minutes:g} minutes after another", int((~thinned).sum())))
        left[left] = thinned
    return Selection(catalogue[left].reset_index(drop=True), len(catalogue), tuple(account))


def _verdicts(
    catalogue: pd.DataFrame, rules: SelectionRules, regions: pd.DataFrame | None, scan: pd.DataFrame | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Give each rule in words and, `(N,)` bool, whether an image keeps it."""
    time = catalogue["time"]
    if rules.first is not None:
        yield f"before {rules.first:%Y-%m-%d %H:%M}", _array(time >= rules.first)
    if rules.last is not None:
        yield f"not before {rules.last:%Y-%m-%d %H:%M}", _array(time < rules.last)
    if rules.max_degrees is not None:
        if regions is None:
            raise InputError("a position limit needs the Solar Region Summaries of the period; name their folder")
        degrees = positions(catalogue, regions, rules.rules).abs().max(axis=1, skipna=False)
        yield from _limit(degrees, degrees < rules.max_degrees, f"{rules.max_degrees:g} degrees or more", rules)
    if rules.max_nan_pixels is not None:
        count = _scanned(catalogue, scan, "nan_pixels")
        yield from _limit(count, count <= rules.max_nan_pixels, f"more than {rules.max_nan_pixels} NaN pixels", rules)
    if rules.quality_mask is not None:
        quality = _scanned(catalogue, scan, "quality")
        bits = quality.fillna(0).astype("int64") & 0xFFFFFFFF & rules.quality_mask
        yield from _limit(quality, bits == 0, f"a QUALITY bit of {rules.quality_mask:#x} set", rules)


def _limit(
    value: "pd.Series[float] | pd.Series[int]", good: "pd.Series[bool]", words: str, rules: SelectionRules
) -> Iterator[tuple[str, np.ndarray]]:
    unknown = value.isna().to_numpy()
    if rules.unknown == "remove":
        yield f"not known whether {words}", ~unknown
    yield words, _array(good) | unknown


def _array(mask: "pd.Series[bool]") -> np.ndarray:
    return mask.fillna(False).to_numpy(dtype=bool)


def positions(catalogue: pd.DataFrame, regions: pd.DataFrame, rules: Rules = "utc") -> pd.DataFrame:
    """Look up where each image's region was by the summary of the image's day (sections I and IA).

    Returns:
        `latitude_deg` and `longitude_deg` with the index of the catalogue; null where no summary of that day names it.
    """
    located = regions[regions["section"].isin(["I", "IA"])].drop_duplicates(["day", "noaa_ar"])
    keys = pd.DataFrame(
        {"day": compared_times(catalogue["time"], rules).dt.floor("D"), "noaa_ar": catalogue["noaa_ar"]}
    )
    keys = keys.astype({"noaa_ar": "Int32", "day": "datetime64[us, UTC]"})
    table = located[["day", "noaa_ar", "latitude_deg", "longitude_deg"]]
    found = keys.merge(table, how="left", on=["day", "noaa_ar"]).set_index(catalogue.index)
    return found[["latitude_deg", "longitude_deg"]]


def with_positions(catalogue: pd.DataFrame, regions: pd.DataFrame, rules: Rules = "utc") -> pd.DataFrame:
    """Give a catalogue the columns `lon_deg` and `lat_deg` of `tables.POSITION_DTYPES` by the day's summaries.

    A summary's positions hold at 00:00 UTC of its day; each is turned from there to the image's time (`rotation`).
    """
    found = positions(catalogue, regions, rules).astype("float64")
    time = compared_times(catalogue["time"], rules)
    days = (time - time.dt.floor("D")).dt.total_seconds().to_numpy(float) / 86_400
    west = turned_west(found["longitude_deg"].to_numpy(), found["latitude_deg"].to_numpy(), days)
    return catalogue.assign(lon_deg=west, lat_deg=found["latitude_deg"])


def _scanned(catalogue: pd.DataFrame, scan: pd.DataFrame | None, column: str) -> "pd.Series[int]":
    if scan is None:
        if column not in catalogue:
            raise InputError(f"a limit on {column} needs a scan of the image files; the catalogue has no such column")
        return catalogue[column]
    twice = scan["filename"].duplicated()
    if twice.any():
        raise InputError(f"{scan['filename'][twice].iloc[0]!r} stands in the scan twice; expected one row a file")
    values = scan.set_index("filename")[column]
    return catalogue["filename"].map(values).astype(SCAN_DTYPES[column])  # type: ignore[call-overload, no-any-return]


def thin(catalogue: pd.DataFrame, cadence_minutes: float) -> np.ndarray:
    """Choose images of one region at least a cadence apart: its first one, then each first one late enough.

    Images without region or time are kept: nothing tells what they are near to.

    Returns:
        `(N,)` bool, whether an image is kept.
    """
    # A second is granted: across a leap second, images 12 minutes apart on the TAI clock are 719 s apart in UTC.
    gap = np.timedelta64(max(round(cadence_minutes * 6e7) - 1_000_000, 0), "us")
    kept = (catalogue["noaa_ar"].isna() | catalogue["time"].isna()).to_numpy(copy=True)
    all_times = catalogue["time"].to_numpy(dtype="datetime64[us]")
    rows = pd.Series(np.arange(len(catalogue)))[~kept]
    for _, group in rows.groupby(catalogue["noaa_ar"].to_numpy()[~kept], sort=False):
        mine = group.to_numpy()
        mine = mine[np.argsort(all_times[mine], kind="stable")]
        times, position = all_times[mine], 0
        while position < len(mine):
            kept[mine[position]] = True
            position = max(int(np.searchsorted(times, times[position] + gap)), position + 1)
    return kept
