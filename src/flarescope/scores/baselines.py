"""What would the simplest forecasts have said of the same images?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.scores.previous import BY_LABELS, OLDER, Flares, Previous, previous_by_flares, previous_by_labels

NO_EVENT: Final = (
    "No persistence baseline: nothing says which flares count as an event, and in which hours; state it "
    "(--event M1.0 --window 24)."
)
WHOLE_DISK: Final = "No row names a region: the rows are taken as one series of forecasts for the whole disk."


@dataclass(frozen=True)
class Baselines:
    """The baselines that can be made of a table.

    Attributes:
        tables: name -> the rows with that baseline's `probability`.
        notes: what a reader of their scores must know, in sentences.
        previous: how persistence was made: `source`, `known` and `unknown` (rows), `reasons` (why unknown -> rows),
            `instead` (probability where unknown); None without it.
    """

    tables: Mapping[str, pd.DataFrame]
    notes: list[str] = field(default_factory=list)
    previous: dict[str, Any] | None = None


def climatology(forecasts: pd.DataFrame, rate: float) -> pd.DataFrame:
    """Forecast the event rate of the training set, always.

    Args:
        forecasts: the rows to forecast, of regions or of the whole disk.
        rate: share of events in the training set, 0..1; by labels of the same event and scope.

    Returns:
        The same rows with that `probability`.

    Raises:
        InputError: a rate outside 0..1.
    """
    if not 0 <= rate <= 1:
        raise InputError(f"climatology is {rate}; expected the training set's share of events, 0 to 1")
    return forecasts.assign(probability=float(rate))


def always_no(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Forecast that nothing ever flares: the same rows with `probability` 0."""
    return forecasts.assign(probability=0.0)


def persistence(forecasts: pd.DataFrame, flared: np.ndarray, *, unknown: float) -> pd.DataFrame:
    """Forecast that the state of the previous window goes on.

    Args:
        forecasts: N rows.
        flared: `(N,)` 1 if there was an event in the window that ends at the image, 0 if not, NaN if that is not known
            (see `previous`).
        unknown: probability where it is not known, such as the training climatology.

    Returns:
        The same rows with `probability` 0, 1, or `unknown`.
    """
    return forecasts.assign(probability=np.where(np.isnan(flared), unknown, flared))


def event_of_rows(forecasts: pd.DataFrame, event: EventDefinition) -> tuple[EventDefinition, list[str]]:
    """Give the event of one series in time, of which no row names a region, the whole disk's scope, and say so."""
    times = forecasts["time"].dropna()
    if event.scope == "region" and forecasts["noaa_ar"].isna().all() and len(times) and not times.duplicated().any():
        return replace(event, scope="disk"), [WHOLE_DISK]
    return event, []


def all_baselines(
    forecasts: pd.DataFrame, *, rate: float | None, event: EventDefinition | None, flares: Flares | None
) -> Baselines:
    """Make the baselines that can be made.

    Args:
        forecasts: rows with the columns of `tables.FORECAST_DTYPES`.
        rate: event rate of the training set; None makes no climatology.
        event: what the labels mean; None makes no persistence, for its window is not known.
        flares: a flare list to see the previous window in; None reads it off the labels of earlier rows.

    Raises:
        InputError: a rate outside 0..1.
    """
    tables, notes = {"always_no": always_no(forecasts)}, []
    if rate is None:
        notes.append(
            "The training set's event rate is not given: nothing is set against it; what is called climatology here is "
            "the rate of the rows scored."
        )
    else:
        tables["climatology"] = climatology(forecasts, rate)
    if event is None:
        return Baselines(tables, [*notes, NO_EVENT])
    before = previous_by_labels(forecasts, event) if flares is None else previous_by_flares(forecasts, flares, event)
    known = before.flared[~np.isnan(before.flared)]
    if not len(known):
        return Baselines(tables, [*notes, f"No persistence baseline: {_unknown_words(before, event)}."])
    instead = float(known.mean()) if rate is None else rate
    tables["persistence"] = persistence(forecasts, before.flared, unknown=instead)
    notes.append(f"Persistence forecasts what was observed in the {_window_words(before, event)}.")
    if len(known) < len(forecasts):
        words = _unknown_words(before, event)
        notes.append(f"Persistence: {words}; it forecasts {_instead_words(rate, instead)} there.")
    made = {"source": before.source, "known": len(known), "unknown": len(forecasts) - len(known)}
    return Baselines(tables, notes, made | {"reasons": dict(before.unknown), "instead": instead})


def _window_words(before: Previous, event: EventDefinition) -> str:
    region = "of the region, or the regions, that its label is of" if before.several else "of the same region"
    where = "anywhere on the disk" if event.scope == "disk" else region
    window = f"{event.window_hours:g} h before each row's time (flares of {event.threshold} or above {where})"
    if before.source != BY_LABELS:
        return f"{window}, by the flare list"
    back = event.window_hours + event.latency_hours
    return f"{window}, by the label of the row {back:g} h older, or up to {event.window_hours * OLDER:g} h more"


def _unknown_words(before: Previous, event: EventDefinition) -> str:
    reasons = ", ".join(f"{reason}: {count:,}" for reason, count in before.unknown.items())
    rows = of_them(int(np.isnan(before.flared).sum()), len(before.flared), "row")
    return f"whether there was an event in the {event.window_hours:g} h before is not known of {rows} ({reasons})"


def _instead_words(rate: float | None, instead: float) -> str:
    if rate is None:
        return f"the share of events in the windows that are known, {instead:.3g},"
    return f"the training climatology, {instead:.3g},"
