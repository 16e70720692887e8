"""What would have been forecast on each day of the past, from the files of the past alone?

Days are forecast a month at a time: the model sees rows of summaries and flares up to the last issue time of the month,
and uses of each row what was known when that row's forecast was issued (`regions.features`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from flarescope.archive import ModelUsed
from flarescope.brief import brief
from flarescope.catalog.noaa_flares import FlareList
from flarescope.counted import counted, of_them
from flarescope.errors import InputError
from flarescope.events import EventDefinition, FluxScale
from flarescope.pipeline.forecasting.beside import seen_in_training, trained_until, with_climatology
from flarescope.pipeline.forecasting.flux import on_model_scale
from flarescope.pipeline.forecasting.issue import OLDEST, REACH, issue_forecast
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.model import COLUMNS, SCALE, RegionModel, usual_events

DAY: Final = pd.Timedelta(days=1)
USUAL_HOUR: Final = 0.5
"""NOAA issues a summary half an hour after its positions hold."""


@dataclass(frozen=True)
class Replay:
    """Forecasts of the past.

    Attributes:
        table: `regions.model.COLUMNS`, of every day and model, and of climatology.
        flares: the list that they were made from, on the models' flux scale.
        flux_scale: on which the classes of the events stand.
        missing: days for which nothing could be forecast.
        notes: what must be said of them.
    """

    table: pd.DataFrame
    flares: FlareList = field(repr=False)
    flux_scale: FluxScale
    missing: tuple[pd.Timestamp, ...] = ()
    notes: tuple[str, ...] = field(default=(), repr=False)

    __repr__ = brief

    def rows(self) -> pd.DataFrame:
        """Give the table with the events' `flux_scale`, as those who look for the flares that came need it."""
        return self.table.assign(flux_scale=self.flux_scale)


def replay_days(
    regions: pd.DataFrame,
    flares: FlareList,
    *,
    first: pd.Timestamp,
    last: pd.Timestamp,
    models: Sequence[RegionModel],
    issue_hour: float = USUAL_HOUR,
    events: Sequence[EventDefinition] | None = None,
    flux_scale: FluxScale | None = None,
    quiet_days: bool = False,
    reporter: Reporter | None = None,
) -> Replay:
    """Issue one forecast a day.

    Args:
        regions: `catalog.noaa_regions.REGION_DTYPES`.
        flares: the list.
        first: first day, UTC.
        last: last day, included.
        models: the main one first; each name once.
        issue_hour: UTC, 0 to below 24; at 0 the summary of that very midnight is used, which NOAA issues at 00:30.
        events: C1.0, M1.0 and X1.0 in 24, 48 and 72 h by default.
        flux_scale: of the list where it does not say it, and of the events; by default as `flux.on_model_scale` finds
            it for the last forecast.
        quiet_days: a day between others that the summaries do not have had no region, as in a table of region days;
            else the newest summary before stands in for it.
        reporter: hears notes and progress.

    Raises:
        InputError: no day, an hour outside, two models of one name, an event that a model does not reach.
    """
    reporter = reporter or WarningReporter()
    _check(first, last, issue_hour, models)
    days = pd.date_range(first.normalize(), last.normalize(), freq="D")
    known = _with_quiet_days(regions) if quiet_days else regions
    quiet = days.isin(known["day"]) & ~days.isin(regions["day"])
    told, had = _Once(reporter), days.isin(known["day"])
    end = days[-1] + pd.Timedelta(hours=issue_hour)
    flares, scale = on_model_scale(flares, end, flux_scale, told)
    wanted = [replace(event, flux_scale=scale) for event in events or usual_events()]
    pieces, missing = [], []
    for number, month in enumerate(_months(days)):
        reporter.advance("days replayed", 31 * number, len(days) + 31)
        for model in models:
            pieces.append(_month(known, flares, month[month.isin(days[had])], model, issue_hour, wanted, told))
    for day in days[~had]:
        found = _one_day(known, flares, day + pd.Timedelta(hours=issue_hour), models, wanted, scale)
        pieces += found
        missing += [] if found else [day]
    reporter.advance("days replayed", len(days) + 31, len(days) + 31)
    notes = [*_gaps(days, had, missing), *_quiet(days[quiet], len(days)), *_seen_in_training(days, models)]
    for text in notes:
        reporter.warn(text)
    rows = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(COLUMNS))
    if rows.empty:
        raise InputError(f"no summary of {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}; give those of that time")
    ordered = rows.sort_values("issued", kind="stable").astype(COLUMNS)
    table = with_climatology(ordered, models[0], flux_scale=scale)
    return Replay(table.reset_index(drop=True), flares, scale, tuple(missing), (*told.said, *notes))


class _Once(Reporter):
    """Passes each line on once, for every month says it again."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.said: list[str] = []

    def warn(self, text: str) -> None:
        """Pass on a line that was not said before, whatever numbers stand in it."""
        if not any(_same_but_numbers(text, other) for other in self.said):
            self.said.append(text)
            self._reporter.warn(text)


def _same_but_numbers(a: str, b: str) -> bool:
    return "".join(c for c in a if not c.isdigit()) == "".join(c for c in b if not c.isdigit())


def _check(first: pd.Timestamp, last: pd.Timestamp, issue_hour: float, models: Sequence[RegionModel]) -> None:
    if last < first:
        raise InputError(f"replay of {first:%Y-%m-%d}..{last:%Y-%m-%d}; expected the earlier day first")
    if not 0 <= issue_hour < 24:
        raise InputError(f"issue hour {issue_hour:g}; expected hours of UTC from 0 to below 24")
    names = [model.name for model in models]
    if not names or len(set(names)) < len(names):
        raise InputError(f"models {', '.join(names) or 'none'}; expected one or more, each name once")


def _with_quiet_days(regions: pd.DataFrame) -> pd.DataFrame:
    """Add to a table of region days a row without a region for each day between that it does not have."""
    days = pd.date_range(regions["day"].min(), regions["day"].max(), freq="D")
    empty = days[~days.isin(regions["day"])]
    rows = pd.DataFrame({"day": empty}).reindex(columns=regions.columns).astype(regions.dtypes.to_dict())
    return pd.concat([regions, rows], ignore_index=True).sort_values("day", kind="stable", ignore_index=True)


def _months(days: pd.DatetimeIndex) -> Iterator[pd.DatetimeIndex]:
    month = days.year * 12 + days.month
    for one in month.unique():
        yield days[month == one]


def _month(
    regions: pd.DataFrame,
    flares: FlareList,
    days: pd.DatetimeIndex,
    model: RegionModel,
    issue_hour: float,
    events: Sequence[EventDefinition],
    reporter: Reporter,
) -> pd.DataFrame:
    """Forecast days that have a summary, all at once."""
    if not len(days):
        return pd.DataFrame(columns=list(COLUMNS))
    after, end = pd.Timedelta(hours=issue_hour), days[-1] + pd.Timedelta(hours=issue_hour)
    rows = regions[regions["day"].between(days[0] - REACH, days[-1])]
    rows = rows.assign(issued=(rows["day"] + after).astype("datetime64[us, UTC]"))
    table = model.forecast(rows, _known_by(flares, days[0], end), events=events, flux_scale=SCALE, reporter=reporter)
    return table[table["issued"].isin(days + after)]


def _known_by(flares: FlareList, first: pd.Timestamp, end: pd.Timestamp) -> FlareList:
    """Give the flares that had peaked by a moment, as far back as forecasts from a day on look."""
    time = flares.table["time"]
    table = flares.table[time.le(end) & time.gt(first - REACH)].reset_index(drop=True)
    covered = tuple((start, min(stop, end)) for start, stop in flares.covered if start < end)
    return replace(flares, table=table, covered=covered)


def _one_day(
    regions: pd.DataFrame,
    flares: FlareList,
    issued: pd.Timestamp,
    models: Sequence[RegionModel],
    events: Sequence[EventDefinition],
    flux_scale: FluxScale,
) -> list[pd.DataFrame]:
    """Forecast a day without a summary from the newest before, if there is one that is not too old."""
    earlier = regions[regions["day"].le(issued) & regions["day"].gt(issued - OLDEST)]
    if earlier.empty:
        return []
    found = [
        issue_forecast(regions, flares, issued, model=model, events=events, flux_scale=flux_scale, reporter=Reporter())
        for model in models
    ]
    return [one.probabilities for one in found]


def _gaps(days: pd.DatetimeIndex, had: np.ndarray, missing: Sequence[pd.Timestamp]) -> list[str]:
    without = [day for day, there in zip(days, had, strict=True) if not there and day not in missing]
    said = []
    if without:
        which = of_them(len(without), len(days), "day", "has", "have")
        said.append(f"{which} no summary, the first {without[0]:%Y-%m-%d}; the newest before is used")
    if missing:
        hours = OLDEST / pd.Timedelta(hours=1)
        said.append(
            f"nothing is forecast for {counted(len(missing), 'day')}, the first {missing[0]:%Y-%m-%d}: no summary of "
            f"the {hours:g} h before"
        )
    return said


def _quiet(days: pd.DatetimeIndex, number: int) -> list[str]:
    if not len(days):
        return []
    which = of_them(len(days), number, "day", "is", "are")
    return [f"{which} not in the table of region days, the first {days[0]:%Y-%m-%d}; taken to have had no region"]


def _seen_in_training(days: pd.DatetimeIndex, models: Sequence[RegionModel]) -> list[str]:
    used = [ModelUsed(model.name, "", *trained_until(model)) for model in models]
    return [text for text in (seen_in_training(one, days[0], days[-1]) for one in used) if text]
