"""How is a forecast that is shown read when it is asked for, and kept in hand for the next who asks?"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flarescope.archive import IssuedForecast
from flarescope.archive.folder import ChangedError, read_one
from flarescope.archive.records import ROW_DTYPES
from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.pipeline.forecasting.forms import read_forecast
from flarescope.pipeline.forecasting.value import Forecast

MOST: Final = 500
"""Forecasts in hand; each takes some 50 kB."""
WAIT_S: Final = 5.0
"""So long who asks waits for another process that writes to the archive."""
Signature = tuple[str, int, int, int]
"""Path, time of change, size and inode of a file: another for another content."""


@dataclass(frozen=True)
class Read:
    """A forecast with all that is known of it.

    Attributes:
        issued: what was issued: rows, models, inputs, notes.
        told: what `forecast --out` wrote of it, with the places of the regions; None where nobody kept that.
        folder: where that lies.
    """

    issued: IssuedForecast = field(repr=False)
    told: Forecast | None = field(default=None, repr=False)
    folder: Path | None = None

    __repr__ = brief


class Shelf:
    """Reads the forecasts of an archive; those that were asked for last stay in hand."""

    def __init__(self, archive: Path | None, *, most: int = MOST) -> None:
        """Begin with nothing in hand."""
        self._archive, self._most = archive, most
        self._lock = threading.Lock()
        self._hand: OrderedDict[tuple[str, tuple[Signature, ...]], Read] = OrderedDict()
        self.changed: dict[str, str] = {}
        """Digest -> what is said of a forecast that was found to be another than the one that was kept."""

    def read(self, digest: str, told: tuple[Signature, ...]) -> Read:
        """Give a forecast.

        Args:
            digest: by which the archive has it.
            told: the files that `forecast --out` wrote at its issue time.

        Raises:
            ChangedError: it is not as it was kept.
            InputError, FlarescopeError: the archive cannot be read now.
        """
        key = (digest, told)
        with self._lock:
            if key in self._hand:
                self._hand.move_to_end(key)
                return self._hand[key]
        found = self.look(digest, told)
        with self._lock:
            self._hand[key] = found
            if len(self._hand) > self._most:
                self._hand.popitem(last=False)
        return found

    def look(self, digest: str, told: tuple[Signature, ...] = ()) -> Read:
        """Read a forecast, and take it not in hand.

        Raises:
            As `read`.
        """
        if self._archive is None:
            raise InputError("no archive")
        try:
            issued = read_one(self._archive, digest, wait_s=WAIT_S)
        except ChangedError as error:
            self.changed[digest] = str(error)
            raise
        return Read(issued, *_belonging(issued, told))


def _belonging(issued: IssuedForecast, told: Sequence[Signature]) -> tuple[Forecast | None, Path | None]:
    """Give what was written of a forecast, if its probabilities are those that were kept."""
    names = [name for name in ROW_DTYPES if name != "probability"]
    for path, *_ in told:
        try:
            forecast = read_forecast(Path(path))
        except InputError:  # where it is of no archive, `kept.Library` names it
            continue
        both = forecast.probabilities[list(ROW_DTYPES)].merge(issued.rows, on=names, suffixes=("", "_kept"))
        if len(both) == len(forecast.probabilities) and both["probability"].eq(both["probability_kept"]).all():
            return forecast, Path(path).parent
    return None, None
