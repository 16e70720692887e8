"""What is there to show at this moment, read once and replaced as a whole when the archive changes?"""

import functools
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flarescope.archive import IssuedForecast
from flarescope.archive.database import NAME, opened
from flarescope.brief import brief
from flarescope.errors import FlarescopeError
from flarescope.files import read_json, utf8_values
from flarescope.pipeline.forecasting.stage import JSON_NAME
from flarescope.serving.documents import Document, forecast_document
from flarescope.serving.kept import Kept, read_kept
from flarescope.serving.places import Places, places_of
from flarescope.serving.settings import FLARES, MADE, NO_FLARES, VERIFICATION, Settings

NOT_YET: Final = "not verified yet"


@dataclass(frozen=True)
class Snapshot:
    """What is shown; it never changes, a newer one takes its place.

    Attributes:
        forecasts: one an issue time, the oldest first.
        refused: what cannot be used, a line each.
        verification: `scores.json` of `flarescope archive verify`; None where nothing was verified.
        unverified: why not; empty where something was.
        flares: region -> its flares (`time`, `flare`), the oldest first; None where no list was given.
        etag: another for another content.
    """

    forecasts: tuple[Kept, ...] = ()
    refused: tuple[str, ...] = ()
    verification: Mapping[str, Any] | None = field(default=None, repr=False)
    unverified: str = NOT_YET
    flares: Mapping[int, Sequence[Mapping[str, Any]]] | None = field(default=None, repr=False)
    etag: str = ""

    __repr__ = brief

    @property
    def newest(self) -> Kept | None:
        """The newest forecast."""
        return self.forecasts[-1] if self.forecasts else None

    @functools.cached_property
    def by_id(self) -> dict[str, Kept]:
        """Forecasts by their ids."""
        return {kept.id: kept for kept in self.forecasts}

    @functools.cached_property
    def by_day(self) -> dict[str, list[Kept]]:
        """Forecasts by day, such as 2014-10-24, the oldest first."""
        found: dict[str, list[Kept]] = {}
        for kept in self.forecasts:
            found.setdefault(kept.day, []).append(kept)
        return found

    @functools.cached_property
    def by_region(self) -> dict[int, list[Kept]]:
        """Forecasts by region, the oldest first."""
        found: dict[int, list[Kept]] = {}
        for kept in self.forecasts:
            for number in kept.regions:
                found.setdefault(number, []).append(kept)
        return found

    def document(self, kept: Kept) -> Document:
        """Give what is said of a forecast, with the places of its regions where they are known."""
        return forecast_document(kept, _places(kept))

    def flares_of(self, noaa_ar: int) -> Sequence[Mapping[str, Any]] | None:
        """Give a region's flares; None where no list was given."""
        return None if self.flares is None else self.flares.get(noaa_ar, [])


_known_places: dict[str, Places | None] = {}
_MOST_PLACES: Final = 2000


def _places(kept: Kept) -> Places | None:
    """Give the places of a forecast's regions, which take sunpy some 20 ms and never change."""
    if kept.told is None:
        return None
    if kept.id not in _known_places:
        if len(_known_places) >= _MOST_PLACES:
            _known_places.pop(next(iter(_known_places)))
        _known_places[kept.id] = places_of(kept.told)
    return _known_places[kept.id]


class State:
    """The newest snapshot, and how it becomes a newer one."""

    def __init__(self, settings: Settings, *, work: Path | None = None) -> None:
        """Read what is there.

        Args:
            settings: whose archive and folders.
            work: folder in which the verification lies (`settings.VERIFICATION`, `settings.FLARES`); None has none.

        Raises:
            InputError, FlarescopeError: no archive, a damaged one, or one that another process holds.
        """
        self._settings, self._work = settings, work
        if settings.watch and settings.archive is not None:
            with opened(settings.archive, write=True):  # the first round keeps its forecast there
                pass
        self._lock, self._known = threading.Lock(), dict[str, IssuedForecast]()
        self._signature = self._look()
        self.problem: str | None = None
        self.snapshot = self._read()

    @property
    def made(self) -> tuple[Path, ...]:
        """Folders in which forecasts with places and images are looked for."""
        archive = self._settings.archive
        return (*self._settings.made, *(() if archive is None else (archive / MADE,)))

    def refresh(self) -> bool:
        """Read again what changed; give whether anything did. What cannot be read now leaves the snapshot as it was."""
        with self._lock:
            signature = self._look()
            if signature == self._signature:
                return False
            try:
                self.snapshot = self._read()
                self.problem = None
            except FlarescopeError as error:
                self.problem = str(error)
                return False
            finally:
                self._signature = signature
            return True

    def _look(self) -> tuple[object, ...]:
        archive = self._settings.archive
        paths = [] if archive is None else [archive / NAME]
        for folder in self.made:
            paths += [folder / JSON_NAME, *sorted(folder.glob(f"*/{JSON_NAME}"))]
        if self._work is not None:
            paths += [self._work / VERIFICATION, self._work / FLARES]
        return tuple(_signature_of(path) for path in paths)

    def _read(self) -> Snapshot:
        forecasts, refused = read_kept(self._settings.archive, self.made, known=self._known)
        verification, why = self._verification()
        flares = self._flares()
        parts = [[kept.id for kept in forecasts], refused, verification, why, flares]
        digest = hashlib.sha256(json.dumps(utf8_values(parts), sort_keys=True).encode()).hexdigest()
        return Snapshot(tuple(forecasts), tuple(refused), verification, why, flares, digest[:16])

    def _verification(self) -> tuple[Mapping[str, Any] | None, str]:
        path = None if self._work is None else self._work / VERIFICATION
        if path is None or not path.is_file():
            return None, NOT_YET if self._settings.flares or self._settings.watch else NO_FLARES
        found = read_json(path)
        scores = found.get("scores")
        return (scores, "") if isinstance(scores, dict) else (None, str(found.get("why", NOT_YET)))

    def _flares(self) -> Mapping[int, Sequence[Mapping[str, Any]]] | None:
        path = None if self._work is None else self._work / FLARES
        if path is None or not path.is_file():
            return None
        return {int(number): list(rows) for number, rows in read_json(path).items()}


def _signature_of(path: Path) -> tuple[str, int, int, int] | tuple[str]:
    try:
        found = path.stat()
    except OSError:
        return (str(path),)
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino
