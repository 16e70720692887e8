"""Are tables of the whole disk so far apart in time that no label of the one looks into the time of the other?

Images of one region are kept together (`splits`); an image of the whole disk shows all of them, so that time alone
tells one set from another. Two images that are less than latency + window apart can be labelled by one flare.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition

Span = tuple[pd.Timestamp, pd.Timestamp]
_LONGEST_SHOWN: Final = 60


def hours_ahead(event: EventDefinition) -> float:
    """Give the hours that a label looks ahead: latency + window."""
    return event.latency_hours + event.window_hours


def require_times(tables: Mapping[str, pd.DataFrame]) -> None:
    """Refuse tables of the whole disk with rows of unknown time: a split by time could not be checked.

    Raises:
        InputError: naming the first such file.
    """
    for name, table in tables.items():
        unknown = table["time"].isna()
        if unknown.any():
            shown = str(table["filename"][unknown].iloc[0])[:_LONGEST_SHOWN]
            raise InputError(
                f"{name}: {shown!r} carries no time (as in HMI.m2026.02.01_00.00.00.jpg); rename it, or give a "
                "catalogue with a column time: images of the whole disk are split by time"
            )


def time_spans(times: "pd.Series[pd.Timestamp]", hours: float) -> list[Span]:
    """Give the spans of time that rows fill, rising; two rows less than `hours` apart are in one span.

    Args:
        times: `(N,)` UTC, none of them null.
        hours: rows in one another's reach: whatever is that near to a span's inside is near to a row of it.
    """
    ordered = pd.Series(times.unique()).sort_values()
    number = (ordered.diff() >= pd.Timedelta(hours=hours)).cumsum()
    ends = ordered.groupby(number).agg(["min", "max"])
    return list(zip(ends["min"], ends["max"], strict=True))


def near_spans(times: "pd.Series[pd.Timestamp]", spans: Sequence[Span], hours: float) -> np.ndarray:
    """Tell which rows are less than `hours` from a span, or in it.

    Args:
        times: `(N,)` UTC.
        spans: as `time_spans` gives them.
        hours: that a label looks ahead.

    Returns:
        `(N,)` bool; false for a row without time.
    """
    reach, near = pd.Timedelta(hours=hours), np.zeros(len(times), dtype=bool)
    for first, last in spans:
        near |= ((times > first - reach) & (times < last + reach)).to_numpy(dtype=bool)
    return near


def check_apart(tables: Mapping[str, pd.DataFrame], event: EventDefinition) -> None:
    """Refuse tables of the whole disk that have rows less than latency + window apart.

    Args:
        tables: what each is called -> rows with a `time`.
        event: that the labels are of.

    Raises:
        InputError: names the two, and what to do.
    """
    hours = hours_ahead(event)
    spans = {name: time_spans(table["time"], hours) for name, table in tables.items()}
    for first, second in combinations(tables, 2):
        refuse_near(tables[second]["time"], spans[first], event, names=(first, second))


def refuse_near(
    times: "pd.Series[pd.Timestamp]", spans: Sequence[Span], event: EventDefinition, *, names: tuple[str, str]
) -> None:
    """Refuse rows that are less than latency + window from the spans of other ones.

    Args:
        times: `(N,)` of the rows.
        spans: of the others.
        event: that the labels are of.
        names: of the others, and of the rows.

    Raises:
        InputError: some are.
    """
    near = int(near_spans(times, spans, hours_ahead(event)).sum())
    if near:
        raise InputError(
            f"{of_them(near, len(times), 'row')} of {names[1]} less than {hours_ahead(event):g} h from rows of "
            f"{names[0]}: one flare can label both; split by time with a gap (`flarescope catalog split --how time`), "
            "or go on with --allow-overlap"
        )


def spans_to_json(spans: Sequence[Span]) -> list[list[str]]:
    """Give spans as pairs of texts, ISO 8601 in UTC."""
    return [[end.isoformat() for end in span] for span in spans]


def spans_from_json(values: object) -> list[Span] | None:
    """Read `spans_to_json` back; None stays None.

    Raises:
        ValueError, TypeError: it is something else.
    """
    if values is None:
        return None
    if not isinstance(values, list) or not all(isinstance(one, list) and len(one) == 2 for one in values):
        raise TypeError("times are no pairs")
    if not all(isinstance(end, str) for one in values for end in one):
        raise TypeError("times are no texts")
    pairs = [(pd.Timestamp(first), pd.Timestamp(last)) for first, last in values]
    if any(pd.isna(end) or end.tzinfo is None for pair in pairs for end in pair):
        raise ValueError("times without a zone")
    return pairs
