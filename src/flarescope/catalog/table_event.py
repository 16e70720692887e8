"""Which event, or events, are the labels of a table of?

A table that flarescope wrote says so (see `flarescope.notes`). The published tables are known by their names, which
say class and window of labels files too. Of any other table its author knows, and can state it.
"""

import re
from pathlib import Path
from typing import Final

from flarescope.catalog.boucheron import CSV_NAMES
from flarescope.errors import InputError
from flarescope.events import PUBLISHED, EventDefinition, difference
from flarescope.notes import read_events
from flarescope.several_events import not_among, one_of

_LABELS_NAME: Final = re.compile(
    r"(?:.*_)?([ABCMX][0-9]+\.[0-9]+)_([0-9]+)hr_(?:.*_)?(?:labels\.txt|features\.csv)", re.IGNORECASE
)
"""Names of the published labels and features files, such as `C1.0_24hr_224_png_Labels.txt`."""


def event_of_table(path: str | Path) -> EventDefinition | None:
    """Find which event the labels of a table are of: by what it says of itself, else by its published name.

    Returns:
        Of several events the first. None where nothing says it: an event as the table's author defined it.

    Raises:
        InputError: the table cannot be read, or its notes are damaged.
    """
    found = events_of_table(path)
    return found[0] if found else None


def events_of_table(path: str | Path) -> tuple[EventDefinition, ...]:
    """Find all events that a table has labels of: several as it says of itself, else one as `event_of_table` finds it.

    Raises:
        InputError: the table cannot be read, or its notes are damaged.
    """
    path = Path(path)
    named = event_of_name(path.name)
    return read_events(path) or (() if named is None else (named,))


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
        stated: by options; None where nothing was stated. Of a table of several events, which one is meant.

    Raises:
        InputError: the table says another event than was stated.
    """
    events = events_of_table(path)
    if not events or stated is None:
        return events[0] if events else stated
    own = one_of(events, stated) or events[0]
    if len(events) > 1 and difference(own, stated):
        raise InputError(f"{path}: has labels of {not_among(events, stated)}")
    if difference(own, stated):
        raise InputError(f"{path}: its labels are of flares {own.brief}, not {stated.brief} as stated; state nothing")
    return own
