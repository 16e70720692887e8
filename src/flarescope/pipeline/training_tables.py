"""Which rows and labels are trained and validated on, checked before anything is computed?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.apart import check_apart, require_times
from flarescope.catalog.boucheron import read_table, require_regions
from flarescope.catalog.splits import check_disjoint
from flarescope.catalog.table_event import agreed_event, events_of_table
from flarescope.errors import InputError
from flarescope.events import EventDefinition, agreed
from flarescope.heads.head import Recipe, reference_class_weight
from flarescope.progress import Reporter
from flarescope.several_events import label_column, longest


def stated_events(event: EventDefinition | Sequence[EventDefinition] | None) -> tuple[EventDefinition, ...]:
    """Give the events that were stated, none, one or several."""
    return () if event is None else (event,) if isinstance(event, EventDefinition) else tuple(event)


def check_classes(
    tables: Mapping[str, pd.DataFrame],
    events: Sequence[EventDefinition],
    recipes: Sequence[Recipe],
    reporter: Reporter,
) -> None:
    """Refuse training rows that no head can be trained on, and warn of those from which it learns little.

    Raises:
        InputError: of several events, one that no training row has or all have; else, one class only where a recipe
            takes the reference's class weights.
    """
    if len(events) < 2:
        if any(recipe.class_weight is None for recipe in recipes):
            reference_class_weight(tables["train"]["label"].to_numpy())
        warn_one_class(tables, reporter)
        return
    for event in events:
        labels = tables["train"][label_column(event)]
        if labels.nunique() < 2:
            which = "each" if labels.iloc[0] else "none"
            raise InputError(
                f"{which} of the {len(labels):,} training rows is followed by a flare {event.brief}: no head can be "
                f"trained for {event.code}; name the other events by --event"
            )
        known = tables["validation"][label_column(event)]
        if known.nunique() < 2:
            which = "each" if known.iloc[0] else "none"
            reporter.warn(f"{event.code}: {which} of the {len(known):,} validation rows is an event: TSS is 0/0")


def read_training_tables(
    train: str | Path,
    validation: str | Path,
    *,
    limit: int | None,
    allow_overlap: bool,
    events: Sequence[EventDefinition],
) -> dict[str, pd.DataFrame]:
    """Read the rows of training and validation, each with its region, and no region in both unless that is allowed.

    Of the whole disk, each with its time, and none of the one less than latency + window from one of the other.

    Raises:
        InputError: bad tables, rows without a region, a region in both; without a time, too near one another.
    """
    one = events[0] if len(events) == 1 else None  # of several each has its labels in a column of its own
    tables = {
        "train": read_table(train, split="train", limit=limit, event=one),
        "validation": read_table(validation, split="validation", limit=limit, event=one),
    }
    event = longest(events) if events else None
    disk = event is not None and event.scope == "disk"
    for path, table in zip((train, validation), tables.values(), strict=True):
        (require_times if disk else require_regions)({str(path): table})
    if not allow_overlap and event is not None and disk:
        check_apart(tables, event)
    elif not allow_overlap:
        check_disjoint(tables)
    return tables


def sources_of(train: str | Path, validation: str | Path) -> dict[str, str]:
    """Say where the tables were read from, by paths that hold in every folder."""
    return {"train": str(Path(train).resolve()), "validation": str(Path(validation).resolve())}


def events_of_training(
    train: str | Path, validation: str | Path, stated: Sequence[EventDefinition], reporter: Reporter
) -> tuple[EventDefinition, ...]:
    """Find the events that both tables are of: those stated, else all that the training table has.

    Raises:
        InputError: the tables are of different events, or of others than were stated.
    """
    wanted = tuple(stated) or events_of_table(train)
    if len(wanted) < 2:
        event = event_of_training(train, validation, stated[0] if stated else None, reporter)
        return () if event is None else (event,)
    said: list[str] = []
    found = [_event_of_both(train, validation, event, said) for event in wanted]
    for text in dict.fromkeys(said):
        reporter.warn(text)
    return tuple(event for event in found if event is not None)


def event_of_training(
    train: str | Path, validation: str | Path, stated: EventDefinition | None, reporter: Reporter
) -> EventDefinition | None:
    """Find the one event that both tables are of, and say what has to be said of it.

    Raises:
        InputError: they are of different events, or of another one than was stated.
    """
    said: list[str] = []
    event = _event_of_both(train, validation, stated, said)
    for text in said:
        reporter.warn(text)
    return event


def _event_of_both(
    train: str | Path, validation: str | Path, stated: EventDefinition | None, said: list[str]
) -> EventDefinition | None:
    paths = {str(path): path for path in (train, validation)}
    events = {f"the table {name}": agreed_event(path, stated) for name, path in paths.items()}
    event, remarks = agreed(events, "train and validate on labels of one event")
    said += remarks
    return event


def warn_one_class(tables: Mapping[str, pd.DataFrame], reporter: Reporter) -> None:
    """Warn of training and validation rows that are all events, or none."""
    meanings = {
        "train": "a head learns from them to say always the same",
        "validation": "TSS is 0/0, no epoch is the best, and the last one stands for the run",
    }
    for name, meaning in meanings.items():
        labels = tables[name]["label"]
        if labels.nunique() == 1:
            which = "an event" if labels.iloc[0] else "no event"
            reporter.warn(f"each of the {len(labels):,} {name} rows is {which}: {meaning}")
