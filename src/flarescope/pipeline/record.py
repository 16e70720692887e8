"""What does NOAA's record of each region say at the time of an image, by models that saw the training regions alone?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import OPERATIONAL_FACTOR, EventDefinition
from flarescope.pipeline.region_data import RegionData
from flarescope.progress import Reporter
from flarescope.regions.at_images import describe_at
from flarescope.regions.description import Description
from flarescope.regions.grid import at_event, check_event, log_odds, ordered
from flarescope.regions.model import SCALE, Regional
from flarescope.regions.training import fit_regional, training_rows

LEAST_ROWS: Final = 30
FEW_ROWS: Final = 1000
"""Region-days of the training regions: fewer than the first are refused, fewer than the second are warned of."""
NEEDS_SUMMARY: Final = ("mcintosh", "summary", "regions")
NEEDS_FLARES: Final = ("history", "regions")


@dataclass(frozen=True)
class RecordModels:
    """Region models of a run's own training regions.

    Attributes:
        regional: name of `regions.training.NAMES` -> the model.
        region_days: that they were trained on.
        regions: of these.
    """

    regional: Mapping[str, Regional]
    region_days: int
    regions: int

    __repr__ = brief


def record_event(event: EventDefinition | None, flux_scale: str | None) -> EventDefinition:
    """Give an event that region models can forecast.

    Args:
        event: of the run; None where it does not say it.
        flux_scale: of the flare list, for an event that does not say its own.

    Raises:
        InputError: an event that nobody states, of the whole disk, or that the models do not reach.
    """
    if event is None:
        raise InputError("what an event is, the run does not say: state it (--event, --window) for NOAA's record")
    if event.scope == "disk":
        raise InputError("NOAA's record is of regions, the run forecasts the whole disk; leave the record out")
    flux = _flux(event, flux_scale)
    check_event(flux, window_hours=event.window_hours, latency_hours=event.latency_hours)
    return event


def _flux(event: EventDefinition, flux_scale: str | None) -> float:
    """Give the least flux of an event on the region models' scale, W/m^2."""
    return event.flux_w_m2 * (1.0 if (event.flux_scale or flux_scale or SCALE) == SCALE else OPERATIONAL_FACTOR)


def fit_record(
    data: RegionData, names: Sequence[str], training_regions: Collection[int], reporter: Reporter
) -> RecordModels:
    """Train region models on the region-days of the regions that a run was trained on, and of no other.

    A model of other regions or years may have seen the flares that the run is validated and tested on; the one that
    ships was trained on 1996 to 2015.

    Args:
        data: summaries and flares.
        names: of `regions.training.NAMES`.
        training_regions: NOAA numbers.
        reporter: hears of what.

    Raises:
        InputError: too few region-days of these regions.
    """
    rows = training_rows(data.regions, data.flares.table, data.flares.covered)
    of_run = rows.regions["noaa_ar"].isin(list(training_regions)).to_numpy(bool)
    if of_run.sum() < LEAST_ROWS:
        raise InputError(
            f"the summaries and flares tell {counted(int(of_run.sum()), 'region-day')} of the run's "
            f"{counted(len(training_regions), 'training region')}; expected {LEAST_ROWS} at least: give those of the "
            "run's years, with flares from 3 days before to 3 days after"
        )
    own = rows.take(of_run, np.ones(len(rows.issued), bool))
    number = int(own.regions["noaa_ar"].nunique())
    tell = reporter.warn if len(own) < FEW_ROWS else reporter.say
    tell(f"record: trained on {counted(len(own), 'region-day')} of {counted(number, 'training region')}")
    fitted = {name: fit_regional(name, own.described, own.counts) for name in names}
    return RecordModels(fitted, len(own), number)


def record_log_odds(
    models: Mapping[str, Regional], images: pd.DataFrame, data: RegionData, event: EventDefinition
) -> pd.DataFrame:
    """Give the log odds of an event by each model at the time of each image, from nothing later than that.

    Args:
        models: name -> model.
        images: `(N,)` `noaa_ar` and `time`.
        data: summaries and flares.
        event: what is forecast.

    Returns:
        `(N, P)` float64, a column a model; NaN where region or time, the summary before the image, or the flares of
        the 72 hours before it are not known.
    """
    flux = _flux(record_event(event, data.scale), data.scale)
    found = pd.DataFrame(np.nan, index=range(len(images)), columns=list(models))
    usable = (images["noaa_ar"].notna() & images["time"].notna()).to_numpy(bool)
    if not usable.any():
        return found
    described = describe_at(images[usable].reset_index(drop=True), data.regions, data.flares.table, data.flares.covered)
    for name, model in models.items():
        grid = ordered(model.forecast(described))
        probability = at_event(grid, flux, window_hours=event.window_hours, latency_hours=event.latency_hours)
        found.loc[usable, name] = np.where(_known(name, described), log_odds(probability), np.nan)
    return found


def _known(name: str, described: Description) -> np.ndarray:
    known = np.ones(len(described), bool)
    if name in NEEDS_SUMMARY:
        known &= described.mcintosh != ""
    if name in NEEDS_FLARES:
        known &= described.near
    return known


def tell_unknown(found: pd.DataFrame, reporter: Reporter, label: str) -> None:
    """Say of how many images a part of the record is not known.

    Raises:
        InputError: of none at all: then the files are of other regions or times.
    """
    for name in found:
        missing = int(found[name].isna().sum())
        if missing == len(found):
            raise InputError(
                f"{label}: of no image is the record known ({name}): give summaries and flares of the images' regions "
                "and days, and of 3 days before"
            )
        if missing:
            reporter.say(f"{label}: {name} is not known of {missing:,} of {len(found):,} images (marked as missing)")
