"""How probable is a flare of each region on the disk, and of the whole disk, by what NOAA says and how it flared?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.counted import of_them
from flarescope.errors import InputError
from flarescope.events import OPERATIONAL_FACTOR, EventDefinition, FluxScale, scales_differ
from flarescope.progress import Reporter, WarningReporter
from flarescope.regions.description import (
    FAR_HOURS,
    ISSUE_AFTER,
    KNOWN_SHARE,
    NEAR_HOURS,
    Description,
    Interval,
    Listed,
    describe,
    describe_days,
    listed_flares,
    on_operational_scale,
)
from flarescope.regions.grid import at_events, check_event, ordered
from flarescope.regions.logistic import Logistic
from flarescope.regions.mixture import Mixture
from flarescope.regions.rates import ClassRates
from flarescope.regions.whole_disk import WholeDisk

Regional = ClassRates | Logistic | Mixture

COLUMNS: Final = {
    "issued": "datetime64[us, UTC]",
    "noaa_ar": "Int32",
    "event": "str",
    "window_h": "float64",
    "latency_h": "float64",
    "probability": "float64",
    "model": "str",
}
"""Of forecasts: `noaa_ar` is null for the whole disk; `event` is the least class that counts, `M1.0`; the window begins
`latency_h` after `issued`; `model` says too where it had no flare history to go by (`NO_HISTORY`)."""
DAYS_H: Final = (24.0, 48.0, 72.0)
NEEDED: Final = (
    *("day", "noaa_ar", "mcintosh", "hale", "area_msh", "spots", "extent_deg"),
    *("latitude_deg", "longitude_deg", "carrington_deg"),
)
"""Columns of the summaries that are looked at."""
CLASSES: Final = ("C1.0", "M1.0", "X1.0")
NO_HISTORY: Final = " (flare history unknown)"
OLD_HOURS: Final = 36.0
"""A summary is replaced after 24 h; from here on its age is told."""
UNSCALED_FROM: Final = pd.Timestamp("2016-11-19", tz="UTC")
"""When GOES-16 was launched; no class of a flare before is one of it."""
SCALE: Final[FluxScale] = "operational"
"""The flux scale of the models' classes: that of SWPC's lists of 1996 to 2015."""


def usual_events() -> list[EventDefinition]:
    """Give C1.0, M1.0 and X1.0 in 24, 48 and 72 hours, of each region and of the whole disk."""
    return [
        EventDefinition(threshold=name, window_hours=hours, scope=scope)
        for scope in ("region", "disk")
        for name in CLASSES
        for hours in DAYS_H
    ]


@dataclass(frozen=True)
class RegionModel:
    """A trained region model.

    Attributes:
        name: of `training.NAMES`.
        regional: forecasts each region.
        blind: forecasts each region whose flare history is unknown; None where `regional` needs none.
        disk: joins them to the whole disk.
        trained: on what: `first`, `last` (issue times), `region_days`, `regions`, `flares`, `sources`, digests.

    Example:
        >>> import pandas as pd
        >>> summary = {"day": pd.Timestamp("2014-10-22", tz="UTC"), "noaa_ar": 12192, "mcintosh": "Fkc", "spots": 58}
        >>> place = {"latitude_deg": -13, "longitude_deg": -13, "carrington_deg": 247, "extent_deg": 18}
        >>> regions = pd.DataFrame([{**summary, **place, "hale": "Beta-Gamma-Delta", "area_msh": 2610}])
        >>> flares = pd.DataFrame({"time": [pd.Timestamp("2014-10-20T16:37", tz="UTC")], "flare": "M4.5"})
        >>> known = [(pd.Timestamp("2014-09-20", tz="UTC"), pd.Timestamp("2014-10-22", tz="UTC"))]
        >>> forecasts = flarescope.region_model().forecast(regions, flares.assign(noaa_ar=12192), covered=known)
        >>> sorted(set(forecasts["event"])), len(forecasts)
        (['C1.0', 'M1.0', 'X1.0'], 18)
    """

    name: str
    regional: Regional
    blind: Regional | None
    disk: WholeDisk
    trained: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        known = self.trained
        if not {"first", "last", "region_days"} <= set(known):
            return f"RegionModel(name={self.name!r})"
        period = f"{known['first'][:10]} to {known['last'][:10]}, {known['region_days']:,} region-days"
        return f"RegionModel(name={self.name!r}, trained={period!r})"

    def forecast(
        self,
        regions: pd.DataFrame,
        flares: "Listed | pd.DataFrame | None" = None,
        issued: "pd.Timestamp | str | None" = None,
        *,
        events: Sequence[EventDefinition] | None = None,
        covered: Sequence[Interval] | None = None,
        flux_scale: FluxScale | None = None,
        reporter: Reporter | None = None,
    ) -> pd.DataFrame:
        """Forecast the regions of a day's summary and the whole disk, by what was known when the forecast is issued.

        Args:
            regions: rows of `catalog.noaa_regions.REGION_DTYPES`; those with spots (section I) are forecast, of earlier
                days too, for what they tell of the changes. A row without a number says that the day had no region.
            flares: a flare list, or a table of `FLARE_DTYPES`; None forecasts from the summaries alone. A table is
                taken as complete from its first peak to its last, unless `covered` says more.
            issued: when, UTC: the last summary before is used. None forecasts every row at its own `issued`, or half an
                hour after its `day`; nothing later than that is used for it.
            events: C1.0, M1.0 and X1.0 in 24, 48 and 72 h, of regions and disk, by default. Any class from C1.0 to
                X1.0, windows of 12 h or more that end within 72 h.
            covered: when the flare list is complete.
            flux_scale: of the flares and of the events, where neither list nor event says it.
            reporter: hears what changes the forecasts' meaning; without one, these are Python's warnings.

        Returns:
            `COLUMNS`, one row a region (or disk), issue time and event.

        Raises:
            InputError: no summary before `issued`, or an event that the model does not reach.
        """
        reporter = reporter or WarningReporter()
        wanted = usual_events() if events is None else list(events)
        listed, whole, scale = listed_flares(flares, covered, flux_scale)
        _require(listed, ("noaa_ar", "time", "flare"), "the flares")
        rows, moments = _rows_to_forecast(regions, issued, reporter)
        if len(getattr(flares, "scales", ())) > 1:
            reporter.warn(
                "parts of the flare list are on different flux scales, or do not say theirs; all of it is taken as on "
                f"one of {scales_differ('C1.0')}"
            )
        scale = scale or _scale_by_time(moments, wanted, reporter)
        if scale != SCALE:
            reporter.say(f"the model's flux scale is the operational one of before GOES-16; {scales_differ('C1.0')}")
            listed = on_operational_scale(listed)
        for event in wanted:
            check_event(_flux(event, scale), window_hours=event.window_hours, latency_hours=event.latency_hours)
        target = rows["issued"].isin(moments).to_numpy()
        described = describe(rows, listed, whole).take(target)
        forecast = rows[target].reset_index(drop=True)
        days = describe_days(moments, forecast, listed, whole)
        if self.blind is not None:
            _tell_history(days, reporter)
        return self._table(forecast, described, moments, days, wanted, scale)

    def probabilities(self, described: Description) -> np.ndarray:
        """Give the probabilities of the grid for described regions, `(N, T, W)` in order (`grid.ordered`)."""
        found = self.regional.forecast(described)
        if self.blind is not None and not described.near.all():
            found[~described.near] = self.blind.forecast(described.take(~described.near))
        return ordered(found)

    def _table(
        self,
        regions: pd.DataFrame,
        described: Description,
        moments: "pd.Series[pd.Timestamp]",
        days: Description,
        events: Sequence[EventDefinition],
        scale: FluxScale,
    ) -> pd.DataFrame:
        own = self.probabilities(described)
        day = pd.Index(moments).get_indexer(pd.Index(regions["issued"]))
        whole = ordered(self.disk.forecast(own, day, days)) if any(one.scope == "disk" for one in events) else own[:0]
        scopes = {
            "region": (regions["issued"], regions["noaa_ar"], described.near, own),
            "disk": (moments, pd.Series(pd.NA, index=moments.index, dtype="Int32"), days.near, whole),
        }
        found: dict[int, np.ndarray] = {}
        for scope, (*_, grid) in scopes.items():
            places = [place for place, event in enumerate(events) if event.scope == scope]
            asked = [(_flux(events[one], scale), events[one].window_hours, events[one].latency_hours) for one in places]
            found |= zip(places, at_events(grid, asked).T, strict=True) if places else ()
        tables = []
        for place, event in enumerate(events):
            issued, number, known, _ = scopes[event.scope]
            values = {
                "issued": issued,
                "noaa_ar": number,
                "event": event.threshold,
                "window_h": event.window_hours,
                "latency_h": event.latency_hours,
                "probability": found[place],
                "model": np.where(known | (self.blind is None), self.name, self.name + NO_HISTORY),
            }
            tables.append(pd.DataFrame(values).astype(COLUMNS))
        return pd.concat(tables, ignore_index=True)


def _flux(event: EventDefinition, scale: FluxScale) -> float:
    """Give the least flux of an event on the model's scale."""
    return event.flux_w_m2 * (1.0 if (event.flux_scale or scale) == SCALE else OPERATIONAL_FACTOR)


def _scale_by_time(
    moments: "pd.Series[pd.Timestamp]", events: Sequence[EventDefinition], reporter: Reporter
) -> FluxScale:
    """Find the scale that nobody stated: by the events, else by the time, for before GOES-16 there was one."""
    told = {event.flux_scale for event in events} - {None}
    if len(told) == 1:
        return next(iter(told)) or SCALE
    if len(moments) and moments.max() >= UNSCALED_FROM:
        reporter.warn(
            "the flare list does not say on which flux scale its classes are; taken as the operational one of before "
            "GOES-16: state it (flux_scale)"
        )
    return SCALE


def _rows_to_forecast(
    regions: pd.DataFrame, issued: "pd.Timestamp | str | None", reporter: Reporter
) -> "tuple[pd.DataFrame, pd.Series[pd.Timestamp]]":
    """Give the rows with spots, each with its issue time, and the moments for which forecasts are asked."""
    _require(regions, NEEDED, "the region summaries")
    asked = None if issued is None else _utc(issued)
    known = regions if asked is None else regions[regions["day"] <= asked]
    if known.empty:
        when = "" if asked is None else f" at or before {asked:%Y-%m-%d %H:%M} UTC"
        raise InputError(f"no region summary{when}; give that of the day of the forecast")
    usual = known["day"] + ISSUE_AFTER
    times = known["issued"].fillna(usual) if asked is None and "issued" in known else usual
    known = known.assign(issued=times.astype("datetime64[us, UTC]"))
    early = known["issued"] < known["day"]
    if early.any():
        raise InputError(f"{of_them(int(early.sum()), len(known), 'forecast')} issued before the day of its summary")
    if asked is not None:
        last = known["day"].max()
        known["issued"] = known["issued"].where(known["day"] < last, asked)
        known["issued"] = known["issued"].astype("datetime64[us, UTC]")
        hours = (asked - last).total_seconds() / 3600
        if hours > OLD_HOURS:
            reporter.warn(f"the newest region summary is of {last:%Y-%m-%d}, {hours:.0f} h before the forecast")
        moments = pd.Series([asked]).astype("datetime64[us, UTC]")
    else:
        moments = pd.Series(known["issued"].drop_duplicates().sort_values().array)
    spotted = known["noaa_ar"].notna() & (known["section"].eq("I") if "section" in known else True)
    rows = known[spotted].drop_duplicates(["noaa_ar", "day"]).reset_index(drop=True)
    return rows, moments


def _require(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(f"{what}: no column {missing[0]}; expected {', '.join(columns)}")


def _utc(issued: "pd.Timestamp | str") -> pd.Timestamp:
    try:
        moment = pd.Timestamp(issued)
    except ValueError as error:
        raise InputError(f"issue time {str(issued)[:40]!r}; expected a time such as 2014-10-22T00:30 (UTC)") from error
    if pd.isna(moment):
        raise InputError(f"issue time {str(issued)[:40]!r}; expected a time such as 2014-10-22T00:30 (UTC)")
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _tell_history(days: Description, reporter: Reporter) -> None:
    """Say for how many forecasts the flares before are not known, and what that costs."""
    for known, hours, cost in (
        (days.near, NEAR_HOURS, "the summaries alone say less (docs/regions.md)"),
        (days.far | ~days.near, FAR_HOURS, "the activity of that time is taken as usual"),
    ):
        unknown = int((~known).sum())
        if unknown:
            which = of_them(unknown, len(known), "forecast")
            reporter.warn(
                f"flare history unknown of {which}: no flare list covers {KNOWN_SHARE:.0%} of the "
                f"{hours:g} h before; {cost}"
            )


def with_training(model: RegionModel, trained: Mapping[str, Any]) -> RegionModel:
    """Give a model with what it was trained on."""
    return replace(model, trained=dict(trained))
