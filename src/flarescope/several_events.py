"""How are several events written, which of them implies which, and how do their probabilities keep that order?

A flare of class X1.0 is one of class M1.0, and one within 24 hours comes within 48: what implies something can be no
more probable than it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.events import GOES_CLASS, EventDefinition, difference, event_from_json

EXPECTED: Final = "a class and hours as M1.0/24, with a latency M1.0/24+6"
MOST_EVENTS: Final = 64
"""Of one table or model; centres forecast a dozen."""
LABEL: Final = "label_"
"""Begins the name of a column of labels of one event among several: `label_M1.0_24h`."""
FLARE: Final = "flare_"
"""Begins the name of the column of the largest flare in a window: `flare_24h`, `flare_24h_after_6h`."""

_CODE: Final = re.compile(rf"({GOES_CLASS.pattern})/([0-9]+(?:\.[0-9]+)?)(?:\+([0-9]+(?:\.[0-9]+)?))?")
_HOURS: Final = r"[0-9.]+h(?:_after_[0-9.]+h)?"
COLUMN: Final = re.compile(rf"{LABEL}[ABCMX][0-9.]+_{_HOURS}|{FLARE}{_HOURS}")
"""Names of those columns; a table of anybody's may have others that begin so."""
_SAME: Final = 1e-9


def event_of_code(code: str, like: EventDefinition | None = None) -> EventDefinition:
    """Read an event in the short form `M1.0/24` or `M1.0/24+6`, which `EventDefinition.code` writes.

    Args:
        code: the text.
        like: what of scope, rules and flux scale the text does not say.

    Raises:
        InputError: another form, or numbers out of range.
    """
    match = _CODE.fullmatch(code.strip())
    if match is None:
        raise InputError(f"event {code[:30]!r}; expected {EXPECTED}")
    hours, latency = float(match[4]), float(match[5] or 0)
    return replace(like or EventDefinition(), threshold=match[1], window_hours=hours, latency_hours=latency)


def check_events(events: Sequence[EventDefinition]) -> None:
    """Refuse events that cannot stand in one table.

    Raises:
        InputError: none, too many, one of them twice, or scopes, rules or flux scales that differ.
    """
    if not 0 < len(events) <= MOST_EVENTS:
        raise InputError(f"{len(events)} events; expected 1 to {MOST_EVENTS}")
    first = events[0]
    for place, event in enumerate(events):
        if any(difference(event, other) is None for other in events[:place]):
            raise InputError(f"event {event.code} is given twice; give each once")
        for name in ("scope", "rules", "flux_scale"):
            if getattr(event, name) != getattr(first, name):
                raise InputError(f"events {first.code} and {event.code} differ in {name}; one table has one")


def events_from_json(values: object, source: str) -> tuple[EventDefinition, ...]:
    """Read the JSON form of several events.

    Raises:
        InputError: no list of events, or one that `check_events` refuses.
    """
    if not isinstance(values, list) or len(values) > MOST_EVENTS:
        raise InputError(f"{source}: its events are no list of at most {MOST_EVENTS}")
    found = tuple(event for value in values if (event := event_from_json(value, source)) is not None)
    try:
        check_events(found)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    return found


def one_of(events: Sequence[EventDefinition], wanted: EventDefinition) -> EventDefinition | None:
    """Find the one of several events that is the one wanted; None where it is not among them."""
    return next((event for event in events if difference(event, wanted) is None), None)


def not_among(events: Sequence[EventDefinition], wanted: EventDefinition) -> str:
    """Say of an event that is not among several what they are, and where only the scope tells it from one of them."""
    scope = events[0].scope
    if scope != wanted.scope and one_of(events, replace(wanted, scope=scope)) is not None:
        return f"{codes(events)[:120]} of scope {scope}, not {wanted.scope}: say --scope {scope}"
    return f"{codes(events)[:120]}, not of {wanted.code}; choose one of them"


def codes(events: Sequence[EventDefinition]) -> str:
    """Name events in short, for a line: `C1.0/24, M1.0/24`."""
    return ", ".join(event.code for event in events)


def label_column(event: EventDefinition) -> str:
    """Name the column of an event's labels in a table of several: `label_M1.0_24h`."""
    return LABEL + event.name


def flare_column(event: EventDefinition) -> str:
    """Name the column of the largest flare in the window of an event: `flare_24h`."""
    return FLARE + event.name.partition("_")[2]


def longest(events: Sequence[EventDefinition]) -> EventDefinition:
    """Give the event that looks furthest ahead, the first of equals."""
    return max(events, key=lambda event: event.latency_hours + event.window_hours)


def rows_of_event(table: pd.DataFrame, event: EventDefinition) -> pd.DataFrame:
    """Give a table of several events as the table of one of them; a table of one event as it is.

    Args:
        table: with the columns that `label_column` and `flare_column` name.
        event: which.

    Returns:
        The rows with `label` of the event, `flare` its largest flare where there is one, and no column of the others.

    Raises:
        InputError: the table has several events, and this is none of them.
    """
    columns = [name for name in table.columns if COLUMN.fullmatch(str(name))]
    if not columns:
        return table
    if not {label_column(event), flare_column(event)} <= set(columns):
        there = ", ".join(str(name).removeprefix(LABEL) for name in columns if str(name).startswith(LABEL))
        raise InputError(f"no column {label_column(event)}, of flares {event.brief}; the table has {there[:150]}")
    label, flare = table[label_column(event)], table[flare_column(event)]
    return table.assign(label=label, flare=flare.where((label == 1).to_numpy(bool))).drop(columns=columns)


def implications(events: Sequence[EventDefinition]) -> np.ndarray:
    """Tell which event (row) implies which (column): a class as strong or stronger, in a window that lies in the other.

    Returns:
        `(E, E)` bool; each implies itself.
    """
    flux = np.array([event.flux_w_m2 for event in events])
    start = np.array([event.latency_hours for event in events])
    return implications_of(flux, start, start + np.array([event.window_hours for event in events]))


def implications_of(flux_w_m2: np.ndarray, start_hours: np.ndarray, end_hours: np.ndarray) -> np.ndarray:
    """Tell the same, of events whose least fluxes are on one scale, `(E,)` each -> `(E, E)` bool."""
    stronger = flux_w_m2[:, None] >= flux_w_m2 * (1 - _SAME)
    inside = (start_hours[:, None] >= start_hours) & (end_hours[:, None] <= end_hours + _SAME)
    return np.asarray(stronger & inside)


def ordered(probability: np.ndarray, implies: np.ndarray) -> np.ndarray:
    """Give each event no less than those that imply it.

    Each becomes the mean of the largest among the events that imply it and the least among those that it implies: a
    step of min-max type, as isotonic regression takes them, that leaves alone what is in order.

    Args:
        probability: `(..., E)`.
        implies: `(E, E)` bool, see `implications`.

    Returns:
        `(..., E)`; what implies is never more probable than what it implies.
    """
    least = np.stack([probability[..., column].max(axis=-1) for column in implies.T], axis=-1)
    most = np.stack([probability[..., row].min(axis=-1) for row in implies], axis=-1)
    return np.asarray((least + most) / 2)


def events_to_json(events: Sequence[EventDefinition]) -> list[dict[str, Any]]:
    """Give several events as plain values."""
    return [event.to_json() for event in events]
