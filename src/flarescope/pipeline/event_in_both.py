"""Of which of the events that a run forecasts does a table have labels?"""

from collections.abc import Sequence
from pathlib import Path

from flarescope.catalog.table_event import events_of_table
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.forecaster.event_models import is_of_events as is_file_of_events
from flarescope.forecaster.event_models import read_event_descriptions
from flarescope.forecaster.event_runs import EventRuns, is_of_events
from flarescope.progress import Reporter
from flarescope.several_events import codes, one_of


def events_of_model(model: Path) -> tuple[EventDefinition, ...]:
    """Give the events of a run of several, or of a model file of several; none of any other."""
    if model.is_dir():
        return EventRuns.open(model).events if is_of_events(model) else ()
    if not model.is_file() or not is_file_of_events(model):  # what is no file is refused where it is loaded
        return ()
    return tuple(one.event for one in read_event_descriptions(model) if one.event is not None)


def events_in_both(events: Sequence[EventDefinition], model: Path, table: str | Path) -> list[EventDefinition]:
    """Give those of a model's events that a table has labels of.

    Raises:
        InputError: none, or the table does not say of which event its labels are.
    """
    there = events_of_table(table)
    some = codes(events)[:90]
    if not there:
        raise InputError(
            f"{table}: does not say of which event its labels are, and {model} forecasts {some}; say it: --event "
            f"{events[0].code}"
        )
    both = [event for event in events if one_of(there, event) is not None]
    if not both:
        raise InputError(
            f"{model}: forecasts {some}, and {table} has labels of {codes(there)[:60]}; label it anew by one of these"
        )
    return both


def event_in_both(
    model: Path, table: str | Path, stated: EventDefinition | None, reporter: Reporter
) -> EventDefinition | None:
    """Give the one event of a model of several that a table has labels of, and say so.

    Returns:
        What was stated where it was; None where the model is of one event, or several of its events are the table's.

    Raises:
        InputError: see `events_in_both`.
    """
    events = () if stated is not None else events_of_model(model)
    both = events_in_both(events, model, table) if events else []
    if len(both) != 1:
        return stated
    reporter.say(f"of the {len(events)} events that {model} forecasts, the table has labels of {both[0].code} alone")
    return both[0]
