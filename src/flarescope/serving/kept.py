"""Which forecasts are there to show, with their numbers and, where they were kept, their places and images?"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.archive import Input, IssuedForecast, ModelUsed, read_archive
from flarescope.archive.records import ROW_DTYPES, base_name
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.pipeline.forecasting.forms import read_forecast
from flarescope.pipeline.forecasting.stage import JSON_NAME
from flarescope.pipeline.forecasting.value import Forecast

ID_LENGTH: Final = 16
MOST_FOLDERS: Final = 20_000


@dataclass(frozen=True)
class Kept:
    """A forecast that can be shown.

    Attributes:
        id: the first digits of its digest, by which it is addressed.
        issued: what was issued: rows, models, inputs, notes.
        told: what `forecast --out` wrote of it, with the places of the regions; None where nobody kept that.
        folder: where that lies.
    """

    id: str
    issued: IssuedForecast = field(repr=False)
    told: Forecast | None = field(default=None, repr=False)
    folder: Path | None = None

    __repr__ = brief

    @property
    def time(self) -> pd.Timestamp:
        """When it was issued, UTC."""
        return self.issued.issued

    @property
    def day(self) -> str:
        """The day on which it was issued, such as 2014-10-24."""
        return f"{self.time:%Y-%m-%d}"

    @property
    def model(self) -> str:
        """The main model's name."""
        return self.issued.models[0].name

    @functools.cached_property
    def regions(self) -> list[int]:
        """The regions that it forecasts, in its own order where that is known."""
        of_rows = self.issued.rows["noaa_ar"].dropna().astype(int).drop_duplicates().tolist()
        if self.told is None:
            return sorted(of_rows)
        listed = [int(number) for number in self.told.regions["noaa_ar"].dropna()]
        return [*listed, *(number for number in of_rows if number not in listed)]

    def own_rows(self, noaa_ar: int | None) -> pd.DataFrame:
        """Give the rows of a region, or of the disk."""
        rows = self.issued.rows
        return rows[rows["noaa_ar"].isna() if noaa_ar is None else rows["noaa_ar"].eq(noaa_ar).fillna(value=False)]


def read_kept(
    archive: Path | None, made: Sequence[Path], *, known: dict[str, IssuedForecast] | None = None
) -> tuple[list[Kept], list[str]]:
    """Read what can be shown.

    Args:
        archive: folder of an archive, or None.
        made: folders that `forecast --out` wrote, or folders of such folders.
        known: digest -> what was read of the archive before; what is read now is added.

    Returns:
        Forecasts by issue time, of each time the first that was kept; and what cannot be used, a line each.

    Raises:
        InputError: no archive, or a damaged one.
    """
    refused: list[str] = []
    told = _told(made, refused)
    issued: list[tuple[IssuedForecast, str]] = []
    if archive is not None:
        found = read_archive(archive, known=known)
        refused += found.refused
        pairs = zip(found.forecasts, found.digests, strict=True)
        issued = sorted(pairs, key=lambda pair: (pair[0].issued, pair[0].stored))
        if known is not None:
            known.update((digest, one) for one, digest in issued)
    kept: dict[pd.Timestamp, Kept] = {}
    for one, digest in issued:
        if one.issued not in kept:
            forecast, folder = _belonging(one, told.get(one.issued, ()))
            kept[one.issued] = Kept(short_id(digest), one, forecast, folder)
    for time, several in told.items():
        if time not in kept:
            forecast, folder = several[0]
            one = as_issued(forecast)
            kept[time] = Kept(short_id(one.digest()), one, forecast, folder)
    return [kept[time] for time in sorted(kept)], refused


def short_id(digest: str) -> str:
    """Name a forecast by the first digits of its digest."""
    return digest.partition(":")[2][:ID_LENGTH]


def as_issued(forecast: Forecast) -> IssuedForecast:
    """Give a forecast that no archive keeps the form of those that one keeps."""
    rows = forecast.probabilities[list(ROW_DTYPES)]
    names = dict.fromkeys(rows["model"].map(base_name))
    digests = {forecast.model: forecast.model_sha256} | {
        str(one.get("name")): one.get("sha256") for one in forecast.data.get("models", ())
    }
    used = [ModelUsed(name, f"sha256:{digests[name]}" if digests.get(name) else "") for name in names]
    inputs = [
        Input(role, str(one.get("name", "")), str(one.get("sha256") or ""))
        for role, files in forecast.data.items()
        if role != "models"
        for one in files
    ]
    return IssuedForecast(
        forecast.issued, rows, tuple(used), tuple(inputs), "", forecast.flux_scale, tuple(forecast.notes)
    )


def _told(made: Sequence[Path], refused: list[str]) -> dict[pd.Timestamp, list[tuple[Forecast, Path]]]:
    found: dict[pd.Timestamp, list[tuple[Forecast, Path]]] = {}
    for folder in _folders(made):
        try:
            forecast = read_forecast(folder / JSON_NAME)
        except InputError as error:
            refused.append(str(error))
            continue
        found.setdefault(forecast.issued, []).append((forecast, folder))
    return found


def _folders(made: Sequence[Path]) -> Iterable[Path]:
    """List the folders of forecasts: those named, and those right below them."""
    for path in made:
        if (path / JSON_NAME).is_file():
            yield path
        elif path.is_dir():
            below = sorted(one.parent for one in path.glob(f"*/{JSON_NAME}"))
            yield from below[:MOST_FOLDERS]


def _belonging(issued: IssuedForecast, told: Sequence[tuple[Forecast, Path]]) -> tuple[Forecast | None, Path | None]:
    """Give what was written of a forecast, if its probabilities are those that were kept."""
    names = [name for name in ROW_DTYPES if name != "probability"]
    for forecast, folder in told:
        both = forecast.probabilities[list(ROW_DTYPES)].merge(issued.rows, on=names, suffixes=("", "_kept"))
        if len(both) == len(forecast.probabilities) and both["probability"].eq(both["probability_kept"]).all():
            return forecast, folder
    return None, None
