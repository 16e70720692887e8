"""Which event are the labels of a table of?

A table that flarescope wrote says so (see `flarescope.notes`). The published tables are known by their names, which
say class and window of labels files too. Of any other table its author knows, and can state it.
"""

import re
from pathlib import Path
from typing import Final

from flarescope.catalog.boucheron import CSV_NAMES
from flarescope.errors import InputError
from flarescope.events import PUBLISHED, EventDefinition, difference
from flarescope.notes import read_event

_LABELS_NAME: Final = re.compile(
    r"(?:.*_)?([ABCMX][0-9]+\.[0-9]+)_([0-9]+)hr_(?:.*_)?(?:labels\.txt|features\.csv)", re.IGNORECASE
)
"""Names of the published labels and features files, such as `C1.0_24hr_224_png_Labels.txt`."""


def event_of_table(path: str | Path) -> EventDefinition | None:
    """Find which event the labels of a table are of: by what it says of itself, else by its published name.

    Returns:
        None where nothing says it: an event as the table's author defined it.

    Raises:
        InputError: the table cannot be read, or its notes are damaged.
    """
    path = Path(path)
    return read_event(path) or event_of_name(path.name)


def event_of_name(name: str) -> EventDefinition | None:
    """Give the event that a published file's name says; None for any other name."""
    if name.lower() in {known.lower() for names in CSV_NAMES.values() for known in names}:
        return PUBLISHED
    match = _LABELS_NAME.fullmatch(name)
    if match is None:
        return None
    return EventDefinition(
        threshold=match[1].upper(),
        window_hours=float(match[2]),
        rules=PUBLISHED.rules,
        flux_scale=PUBLISHED.flux_scale,
    )


def agreed_event(path: str | Path, stated: EventDefinition | None) -> EventDefinition | None:
    """Give the event of a table that may say it, or for which it was stated, or neither.

    Args:
        path: the table.
        stated: by options; None where nothing was stated.

    Raises:
        InputError: the table says another event than was stated.
    """
    own = event_of_table(path)
    if own is None or stated is None:
        return own or stated
    if difference(own, stated):
        raise InputError(f"{path}: its labels are of flares {own.brief}, not {stated.brief} as stated; state nothing")
    return own
