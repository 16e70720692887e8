"""What is forecast at one moment, from the summaries and flares that were known then?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from flarescope.catalog.noaa_flares import FLARE_DTYPES, FlareList
from flarescope.counted import listed
from flarescope.errors import InputError
from flarescope.events import EventDefinition, FluxScale
from flarescope.pipeline.forecasting.flux import on_model_scale
from flarescope.pipeline.forecasting.hearing import Heard
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.progress import Reporter
from flarescope.regions.appearance import NEAR_LIMB_DEG
from flarescope.regions.description import ISSUE_AFTER
from flarescope.regions.model import NO_HISTORY, RegionModel, usual_events

REACH: Final = pd.Timedelta(days=90)
"""No feature looks further back: a region crosses the disk in 14 days, and the one that stood there a rotation ago was
first seen at most 54 days before (`regions.returning`)."""
OLDEST: Final = pd.Timedelta(hours=72)
"""A summary that old tells no longer which regions are on the disk: it has turned by 40 degrees."""
LATE: Final = pd.Timedelta(hours=3)
"""From here on it is said that the models were not verified so long after a summary."""
DAY: Final = pd.Timedelta(days=1)
_SHOWN: Final = 5


def issue_forecast(
    regions: pd.DataFrame,
    flares: FlareList | None,
    issued: pd.Timestamp | None = None,
    *,
    model: RegionModel,
    model_sha256: str | None = None,
    events: Sequence[EventDefinition] | None = None,
    flux_scale: FluxScale | None = None,
    data: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    notes: Sequence[str] = (),
    reporter: Reporter | None = None,
) -> Forecast:
    """Forecast the regions of the newest summary not later than a moment, and the whole disk.

    Summaries and flares after that moment are put away first; that a list goes on after it tells only that it is whole
    up to there.

    Args:
        regions: `catalog.noaa_regions.REGION_DTYPES`, of any days.
        flares: a list on any flux scale; None forecasts from the summaries alone.
        issued: UTC; None is half an hour after the newest summary's positions hold, when NOAA issues it.
        model: of `flarescope.region_model`.
        model_sha256: of its file.
        events: C1.0, M1.0 and X1.0 in 24, 48 and 72 h by default.
        flux_scale: of what does not say its own, and of the events.
        data: what `regions` and `flares` were read from.
        notes: what is to be said besides.
        reporter: hears notes as they come up; the forecast has them all.

    Raises:
        InputError: no summary of the last `OLDEST`, or an event that the model does not reach.
    """
    heard = Heard(reporter or Reporter(), notes)
    issued = _newest(regions) + ISSUE_AFTER if issued is None else issued
    known = regions[(regions["day"] <= issued) & (regions["day"] > issued - REACH)]
    day = _checked_day(known, regions, issued, heard)
    before, scale = _flares_before(flares, issued, flux_scale, heard)
    wanted = [replace(one, flux_scale=scale) for one in events or usual_events()]
    table = model.forecast(known, before, issued, events=wanted, flux_scale="operational", reporter=heard)
    summary = known[known["day"].eq(day) & known["section"].eq("I")].drop_duplicates("noaa_ar", ignore_index=True)
    _tell_outside(known[known["day"].eq(day)], summary, before, issued, heard)
    said = summary.drop(columns="section").assign(flags=_flags(summary, known, table, day))
    return Forecast(issued, day, model.name, model_sha256, scale, said, table, dict(data or {}), tuple(heard.notes))


def _newest(regions: pd.DataFrame) -> pd.Timestamp:
    if regions.empty:
        raise InputError("no region summary; give that of the day of the forecast")
    return pd.Timestamp(regions["day"].max())


def _checked_day(known: pd.DataFrame, every: pd.DataFrame, issued: pd.Timestamp, reporter: Reporter) -> pd.Timestamp:
    """Give the day of the newest summary; refuse one that is too old, and say where the one before is missing."""
    if known.empty or known["day"].max() < issued - OLDEST:
        days = every["day"].dropna()
        span = f"; there are summaries of {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}" if len(days) else ""
        raise InputError(
            f"no region summary of the {OLDEST / pd.Timedelta(hours=1):g} hours before {issued:%Y-%m-%d %H:%M} UTC"
            f"{span}; give that of the day, or another --issue"
        )
    day = pd.Timestamp(known["day"].max())
    if not known["day"].eq(day - DAY).any():
        reporter.warn(
            f"no summary of the day before ({day - DAY:%Y-%m-%d}): which regions are new, and how each grows or "
            "decays, is not known"
        )
    hours = (issued - day) / pd.Timedelta(hours=1)
    if issued - day > LATE:
        reporter.say(
            f"issued {hours:.0f} h after the positions of the summary hold; region models are trained and verified "
            "half an hour after, when NOAA issues it"
        )
    return day


def _flares_before(
    flares: FlareList | None, issued: pd.Timestamp, stated: FluxScale | None, reporter: Reporter
) -> tuple[FlareList, FluxScale]:
    """Give the flares that had peaked when the forecast was issued, on the models' scale, and the events' scale."""
    if flares is None:
        nothing = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in FLARE_DTYPES.items()})
        flares = FlareList(nothing, (), scales=())
    time = flares.table["time"]
    table = flares.table[time.le(issued) & time.gt(issued - REACH)].reset_index(drop=True)
    covered = tuple((first, min(last, issued)) for first, last in flares.covered if first < issued)
    return on_model_scale(replace(flares, table=table, covered=covered), issued, stated, reporter)


def _tell_outside(
    of_day: pd.DataFrame, summary: pd.DataFrame, flares: FlareList, issued: pd.Timestamp, reporter: Reporter
) -> None:
    """Say which plages have no forecast of their own, and which flares are of regions that the summary has not."""
    plages = of_day.loc[of_day["section"].eq("IA"), "noaa_ar"].dropna().drop_duplicates()
    if len(plages):
        reporter.say(f"without spots, so in the whole disk's forecast alone: {_named(plages)}")
    recent = flares.table[flares.table["time"].gt(issued - DAY)]
    strange = recent.loc[~recent["noaa_ar"].isin(summary["noaa_ar"]) & recent["noaa_ar"].notna(), "noaa_ar"]
    if len(strange):
        which = _named(strange.drop_duplicates())
        reporter.warn(
            f"flares of the last 24 h in regions that have no spots in the summary count for the disk: {which}"
        )


def _named(numbers: "pd.Series[int]") -> str:
    names = [str(number) for number in numbers]
    more = [f"{len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return listed([*names[:_SHOWN], *more])


def _flags(summary: pd.DataFrame, known: pd.DataFrame, table: pd.DataFrame, day: pd.Timestamp) -> "pd.Series[str]":
    """Give the words of `value.FLAGS` for each region of a summary."""
    earlier = known.loc[known["day"] < day, "noaa_ar"].dropna()
    looked = bool(known["day"].eq(day - DAY).any())
    blind = set(table.loc[table["model"].str.endswith(NO_HISTORY), "noaa_ar"].dropna())
    words = {
        "limb": summary["longitude_deg"].abs().ge(NEAR_LIMB_DEG).fillna(value=False),
        "new": ~summary["noaa_ar"].isin(earlier) & looked,
        "unclassed": summary["mcintosh"].isna(),
        "no-history": summary["noaa_ar"].isin(blind),
    }
    rows = zip(*(column.tolist() for column in words.values()), strict=True)
    found = [" ".join(word for word, true in zip(words, row, strict=True) if true) for row in rows]
    return pd.Series(found, index=summary.index, dtype="str")
