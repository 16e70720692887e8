"""What is there to show at this moment, read once and replaced as a whole when the archive changes?"""

import functools
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flarescope.archive.database import NAME, opened
from flarescope.archive.folder import ChangedError
from flarescope.brief import brief
from flarescope.errors import FlarescopeError, InputError
from flarescope.files import read_json, utf8_values
from flarescope.serving.documents import Document, forecast_document
from flarescope.serving.kept import Kept, Library, by_day, signature_of
from flarescope.serving.places import Places, places_of
from flarescope.serving.settings import FLARES, MADE, NO_FLARES, VERIFICATION, Settings
from flarescope.serving.shelf import WAIT_S, Signature
from flarescope.serving.telling import for_client

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
        return by_day(self.forecasts)

    @functools.cached_property
    def by_region(self) -> dict[int, list[Kept]]:
        """Forecasts by region, the oldest first."""
        found: dict[int, list[Kept]] = {}
        for kept in self.forecasts:
            for number in kept.numbers:
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


@dataclass(frozen=True)
class _Seen:
    """What a snapshot was read of: files by their signatures, and how many forecasts were found to be changed."""

    files: tuple[Signature | None, ...]
    told: tuple[Signature, ...]
    changed: int


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
            with opened(settings.archive, write=True, wait_s=WAIT_S):  # the first round keeps its forecast there
                pass
        archive = settings.archive
        self._made = (*settings.made, *(() if archive is None else (archive / MADE,)))
        self._library = Library(archive, self._made)
        self._lock, self._checked = threading.Lock(), set[str]()
        self._seen = self._look()
        self.problem: str | None = None
        self.snapshot = self._read(self._seen)
        while self.snapshot.newest is not None and not self.check(self.snapshot.newest):
            self.snapshot = self._read(self._seen)

    def refresh(self) -> bool:
        """Read again what changed; give whether anything did. What cannot be read now leaves the snapshot as it was."""
        with self._lock:
            seen = self._look()
            if seen == self._seen:
                return False
            try:
                self.snapshot = self._read(seen)
            except FlarescopeError as error:
                self.problem = str(error)
                if isinstance(error, InputError):  # else another process writes, and the next time is another one
                    self._seen = seen
                return False
            self._seen, self.problem = seen, None
            return True

    def unchecked(self) -> Kept | None:
        """Give the newest forecast of the archive of which nobody has seen yet whether it is as it was kept."""
        return next((one for one in reversed(self.snapshot.forecasts) if one.digest not in self._checked), None)

    def check(self, kept: Kept) -> bool:
        """Whether a forecast is as it was kept; else the next refresh leaves it out, and says so.

        Raises:
            FlarescopeError: the archive cannot be read now.
        """
        if kept.digest:
            try:
                if kept is self.snapshot.newest:  # it is asked for soon
                    kept.read()
                else:
                    self._library.shelf.look(kept.digest)
            except ChangedError:
                return False
        self._checked.add(kept.digest)
        return True

    def _look(self) -> _Seen:
        archive, work = self._settings.archive, self._work
        paths = [] if archive is None else [archive / NAME]
        paths += [] if work is None else [work / VERIFICATION, work / FLARES]
        return _Seen(tuple(map(signature_of, paths)), tuple(self._library.files()), len(self._library.shelf.changed))

    def _read(self, seen: _Seen) -> Snapshot:
        forecasts, lines = self._library.read(seen.told)
        verification, why = self._verification()
        folders = [one for one in (*self._made, self._settings.archive, self._work) if one is not None]
        refused, why = [for_client(one, folders) for one in lines], for_client(why, folders)
        flares = self._flares()
        parts = [[kept.id for kept in forecasts], refused, verification, why, flares, seen.told]
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
