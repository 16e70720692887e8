"""What does a table's file say of itself: which event its labels are of, and where it comes from?

A Parquet file carries the notes inside, as a JSON object in its schema's metadata; a CSV or text file, whose form
leaves no place for them, has them in a file beside it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flarescope.errors import InputError
from flarescope.events import EventDefinition, event_from_json
from flarescope.files import is_parquet, read_json, sha256_of, utf8_values, write_json
from flarescope.parsing import parse_json, refusing_damage
from flarescope.several_events import events_from_json, events_to_json

KEY: Final = b"flarescope"
"""Key of the notes in the schema's metadata."""
EVENT: Final = "event"
"""Key of the event in the notes: `EventDefinition.to_json`; of a table of several events the first."""
EVENTS: Final = "events"
"""Key of all events of a table of several (`several_events`); a table of one has none."""


OF: Final = "sha256"
"""Key of the digest of the table in the notes beside it."""


def notes_beside(path: Path) -> Path:
    """Name the file that holds the notes of a table that cannot: `x.csv` -> `x.csv.notes.json`."""
    return path.with_name(f"{path.name}.notes.json")


def read_notes(path: Path) -> dict[str, Any]:
    """Read what a table says of itself; empty where it says nothing.

    Raises:
        InputError: the notes, or the table, cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a table (CSV or Parquet)")
    if not is_parquet(path):
        return _read_beside(path)
    with refusing_damage(path, "make or copy it again", what="cannot be read as Parquet"):
        with path.open("rb") as stream:
            text = (pq.read_schema(stream).metadata or {}).get(KEY, b"{}")
    notes = parse_json(text, f"{path}, its notes", advice="make the table again")
    if not isinstance(notes, dict):
        raise InputError(f"{path}: its notes are no JSON object; make the table again")
    return notes


def _read_beside(path: Path) -> dict[str, Any]:
    """Read the notes beside a table, if they are of this one: notes of a file that was replaced say nothing of it."""
    beside = notes_beside(path)
    notes = read_json(beside) if beside.is_file() else {}
    return {} if notes.pop(OF, None) not in (None, sha256_of(path)) else notes


def read_event(path: Path) -> EventDefinition | None:
    """Read which event the labels of a table are of; None where its notes do not say.

    Raises:
        InputError: the notes cannot be read.
    """
    return event_from_json(read_notes(path).get(EVENT), str(path))


def read_events(path: Path) -> tuple[EventDefinition, ...]:
    """Read which events the labels of a table are of, one or several; empty where its notes do not say.

    Raises:
        InputError: the notes cannot be read.
    """
    notes = read_notes(path)
    if EVENTS in notes:
        return events_from_json(notes[EVENTS], str(path))
    event = event_from_json(notes.get(EVENT), str(path))
    return () if event is None else (event,)


def events_notes(events: Sequence[EventDefinition]) -> dict[str, Any]:
    """Give the notes that say which events a table is of, none, one or several."""
    notes = event_notes(events[0] if events else None)
    return notes | {EVENTS: events_to_json(events)} if len(events) > 1 else notes


def event_notes(event: EventDefinition | None) -> dict[str, Any]:
    """Give the notes that say which event a table is of; none where nobody knows."""
    return {} if event is None else {EVENT: event.to_json()}


def with_notes(table: pa.Table, notes: Mapping[str, Any]) -> pa.Table:
    """Give an Arrow table with its notes inside."""
    text = json.dumps(utf8_values(notes), allow_nan=False, sort_keys=True)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text.encode()})


def write_notes_beside(path: Path, notes: Mapping[str, Any]) -> None:
    """Write the notes of a CSV or text table beside it; notes of an earlier table of that name go."""
    beside = notes_beside(path)
    if notes:
        write_json(beside, {**notes, OF: sha256_of(path)})
    else:
        beside.unlink(missing_ok=True)
