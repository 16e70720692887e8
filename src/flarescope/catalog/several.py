"""Which of several events follow each image: one column of labels an event, and the largest flare of each window?"""

from collections.abc import Sequence

import pandas as pd

from flarescope.catalog.labels import UNKNOWN_COLUMN, Labelled, label_catalogue
from flarescope.catalog.noaa_flares import FlareList
from flarescope.connected import Labelling
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.several_events import check_events, flare_column, label_column, longest


def label_several(
    images: pd.DataFrame,
    flares: FlareList,
    events: Sequence[EventDefinition],
    *,
    keep_uncovered: bool = False,
    regions: Labelling = "all",
) -> Labelled:
    """Label a catalogue's images by several events at once, each as `catalog.labels.label_catalogue` does.

    The rows are those whose longest windows the flare list covers, so that all events have the same ones.

    Args:
        images: catalogue columns.
        flares: see `flarescope.catalog.noaa_flares`.
        events: of one scope, one set of rules and one flux scale; one of them leaves the form of a table of one event.
        keep_uncovered: as there, of any of the windows.
        regions: as there.

    Returns:
        `flare` and `label` of the first event, as a table of it alone has them; `label_M1.0_24h` of each event, 0/1;
        `flare_24h` of each window: the largest flare of at least the weakest class asked of it, or null.

    Raises:
        InputError: no image is left, or events that cannot stand together.
    """
    check_events(events)
    if len(events) == 1:
        return label_catalogue(images, flares, events[0], keep_uncovered=keep_uncovered, regions=regions)
    each = [label_catalogue(images, flares, event, keep_uncovered=True, regions=regions) for event in events]
    known = pd.concat([one.table[UNKNOWN_COLUMN] for one in each], axis=1).all(axis=1)
    kept = known | keep_uncovered
    if not kept.any():
        furthest = longest(events)
        hours = furthest.latency_hours + furthest.window_hours
        raise InputError(f"no image is left: the flare list covers the {hours:g} h after none; ask for shorter windows")
    table = each[0].table.assign(**{UNKNOWN_COLUMN: known})
    for event, one in zip(events, each, strict=True):
        table[label_column(event)] = one.table["label"]
    for event in sorted(events, key=lambda one: -one.flux_w_m2):  # the weakest of a window comes last and stays
        table[flare_column(event)] = each[events.index(event)].table["flare"]
    table = table[kept].reset_index(drop=True)
    return Labelled(
        table, _account(each[0], table, events, int((~known).sum()), keep_uncovered), events[0], (*events[1:],)
    )


def _account(
    first: Labelled, table: pd.DataFrame, events: Sequence[EventDefinition], uncovered: int, keep_uncovered: bool
) -> dict[str, int]:
    """Tell of all events what `label_catalogue` tells of one."""
    told: dict[str, int] = {}
    for words, count in first.account.items():
        if words.startswith("window not covered"):
            told[f"a window not covered by the flare list, {'kept' if keep_uncovered else 'left out'}"] = uncovered
        elif words == "labelled":
            told[words] = len(table)
        elif words.startswith("followed by"):
            told |= {f"followed by a flare {event.brief}": int(table[label_column(event)].sum()) for event in events}
        else:
            told[words] = count
    return told


def events_of(labelled: Labelled) -> tuple[EventDefinition, ...]:
    """Give all events of a labelled table, the first as `Labelled.event`."""
    return (labelled.event, *labelled.others)
