"""Which forecasts are there to show, with their numbers and, where they were kept, their places and images?"""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.archive import Input, IssuedForecast, ModelUsed
from flarescope.archive.contents import Entry, read_contents
from flarescope.archive.records import ROW_DTYPES, base_name
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.files import read_json
from flarescope.parsing import refusing_damage
from flarescope.pipeline.forecasting.forms import read_forecast
from flarescope.pipeline.forecasting.stage import JSON_NAME
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.serving.shelf import WAIT_S, Read, Shelf, Signature

ID_LENGTH: Final = 16
MOST_FOLDERS: Final = 20_000


@dataclass(frozen=True, eq=False)
class Kept:
    """A forecast that can be shown; its rows are read when they are asked for.

    Attributes:
        id: the first digits of its digest, by which it is addressed.
        time: when it was issued, UTC.
        stored: when it was kept, UTC; None where no archive has it.
        models: whose rows it has, the main one first.
        numbers: the regions that it forecasts, in order.
        digest: of it, as an archive has it; empty where none has.
        read: gives all of it.
    """

    id: str
    time: pd.Timestamp
    stored: pd.Timestamp | None
    models: tuple[ModelUsed, ...]
    numbers: tuple[int, ...]
    digest: str
    read: Callable[[], Read] = field(repr=False)

    __repr__ = brief

    @property
    def issued(self) -> IssuedForecast:
        """What was issued: rows, models, inputs, notes."""
        return self.read().issued

    @property
    def told(self) -> Forecast | None:
        """What `forecast --out` wrote of it, with the places of the regions; None where nobody kept that."""
        return self.read().told

    @property
    def folder(self) -> Path | None:
        """Where that lies."""
        return self.read().folder

    @property
    def day(self) -> str:
        """The day on which it was issued, such as 2014-10-24."""
        return f"{self.time:%Y-%m-%d}"

    @property
    def model(self) -> str:
        """The main model's name."""
        return self.models[0].name

    @property
    def regions(self) -> list[int]:
        """The regions that it forecasts, in its own order where that is known."""
        told = self.told
        listed = [] if told is None else [int(number) for number in told.regions["noaa_ar"].dropna()]
        return [*listed, *(number for number in self.numbers if number not in listed)]

    def own_rows(self, noaa_ar: int | None) -> pd.DataFrame:
        """Give the rows of a region, or of the disk."""
        rows = self.issued.rows
        return rows[rows["noaa_ar"].isna() if noaa_ar is None else rows["noaa_ar"].eq(noaa_ar).fillna(value=False)]


class Library:
    """What there is to show in an archive and in folders, looked at again and again."""

    def __init__(self, archive: Path | None, made: Sequence[Path]) -> None:
        """Read nothing yet.

        Args:
            archive: folder of an archive, or None.
            made: folders that `forecast --out` wrote, or folders of such folders.
        """
        self._archive, self._made = archive, made
        self.shelf = Shelf(archive)
        self._entries: dict[str, Entry] = {}
        self._times: dict[Signature, pd.Timestamp] = {}
        self._alone: dict[Signature, Kept] = {}

    def files(self) -> list[Signature]:
        """List what `forecast --out` wrote."""
        return [one for folder in _folders(self._made) if (one := signature_of(folder / JSON_NAME)) is not None]

    def read(self, files: Sequence[Signature]) -> tuple[list[Kept], list[str]]:
        """Read what can be shown.

        Args:
            files: as `files` gives them.

        Returns:
            Forecasts by issue time, of each time the first that was kept; and what cannot be used, a line each.

        Raises:
            InputError: no archive, or a damaged one.
        """
        refused: list[str] = []
        told = self._told(files, refused)
        kept: dict[pd.Timestamp, Kept] = {}
        for entry in sorted(self._contents(refused), key=lambda one: (one.issued, one.stored)):
            if entry.issued not in kept:
                kept[entry.issued] = self._of_archive(entry, tuple(told.get(entry.issued, ())))
        for time, several in told.items():
            if time not in kept:
                found = next(filter(None, (self._of_file(one, refused) for one in several)), None)
                kept |= {} if found is None else {time: found}
        return [kept[time] for time in sorted(kept)], refused

    def _contents(self, refused: list[str]) -> list[Entry]:
        if self._archive is None:
            return []
        entries, lines = read_contents(self._archive, known=self._entries, wait_s=WAIT_S)
        self._entries = {one.digest: one for one in entries}
        changed = self.shelf.changed
        refused += [*lines, *(changed[digest] for digest in self._entries if digest in changed)]
        return [one for one in entries if one.digest not in changed]

    def _of_archive(self, entry: Entry, told: tuple[Signature, ...]) -> Kept:
        read = functools.partial(self.shelf.read, entry.digest, told)
        return Kept(short_id(entry.digest), entry.issued, entry.stored, entry.models, entry.regions, entry.digest, read)

    def _of_file(self, file: Signature, refused: list[str]) -> Kept | None:
        """Give a forecast that no archive keeps; its file is read once."""
        if file not in self._alone:
            try:
                forecast = read_forecast(file[0])
            except InputError as error:
                refused.append(str(error))
                return None
            one = as_issued(forecast)
            found = Read(one, forecast, Path(file[0]).parent)
            numbers = tuple(sorted(one.rows["noaa_ar"].dropna().astype(int).unique().tolist()))
            self._alone[file] = Kept(
                short_id(one.digest()), one.issued, None, one.models, numbers, "", functools.partial(_itself, found)
            )
        return self._alone[file]

    def _told(self, files: Sequence[Signature], refused: list[str]) -> dict[pd.Timestamp, list[Signature]]:
        found: dict[pd.Timestamp, list[Signature]] = {}
        times: dict[Signature, pd.Timestamp] = {}
        for file in files:
            try:
                times[file] = self._times.get(file) or _issue_time(Path(file[0]))
            except InputError as error:
                refused.append(str(error))
                continue
            found.setdefault(times[file], []).append(file)
        self._times = times
        self._alone = {file: kept for file, kept in self._alone.items() if file in times}
        return found


def by_day(several: Iterable[Kept]) -> dict[str, list[Kept]]:
    """Give forecasts by day, such as 2014-10-24, in their order."""
    found: dict[str, list[Kept]] = {}
    for kept in several:
        found.setdefault(kept.day, []).append(kept)
    return found


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


def signature_of(path: Path) -> Signature | None:
    """Tell a file from what it was or will be; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino


def _itself(found: Read) -> Read:
    return found


def _issue_time(path: Path) -> pd.Timestamp:
    values = read_json(path)
    with refusing_damage(path, "make the forecast again", what="a forecast that cannot be read"):
        return pd.Timestamp(values["issued"]).tz_convert("UTC")


def _folders(made: Sequence[Path]) -> Iterable[Path]:
    """List the folders of forecasts: those named, and those right below them."""
    for path in made:
        if (path / JSON_NAME).is_file():
            yield path
        elif path.is_dir():
            below = sorted(one.parent for one in path.glob(f"*/{JSON_NAME}"))
            yield from below[:MOST_FOLDERS]
