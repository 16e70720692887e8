"""What is told of images that were forecast: the tables of `predict`, of one event or of several?"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.file_names import region_and_time
from flarescope.events import EventDefinition
from flarescope.files import utf8
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.event_models import EventModels
from flarescope.images.likeness import flags_beside
from flarescope.images.reading import ReadImage
from flarescope.images.workers import Failure
from flarescope.log_odds import sigmoid
from flarescope.pipeline.flux_skill import median_log_flux
from flarescope.progress import Reporter
from flarescope.region_numbers import regions_text
from flarescope.scores.calibration import certain_words
from flarescope.several_events import flare_column
from flarescope.tables import check_forecasts


@dataclass(frozen=True)
class Predicted:
    """Forecasts, and what could not be forecast.

    Attributes:
        forecasts: one row an image: `filename` (the path, or a name as `images[0]` of a field without a file),
            `noaa_ar` and `time` (by the file name, else by the FITS header or the text of a PNG, else null), `noaa_ars`
            (where some header or text names several regions of a patch, and the file name no other one before them: all
            of them, see `tables.PATCH_DTYPES`),
            `probability` (calibrated where the model holds a calibration; then `probability_raw` is the network's own),
            `flags` (words of `images.flags.FLAGS` with spaces between, what of the image is unusual; empty for most),
            `flare` (whether it reaches the model's threshold), and `event` (what is forecast, in the short form
            `M1.0/24`; null where the model does not say it). Of a model that looks back `missing_h`: the hours before
            which there is no earlier image, such as `6,12`; empty where all are there.
        failures: what could not be read, in order, and why.
        event: what is forecast; None where the model does not say it.
        threshold: from which probability on `flare` is true; None of several events, which have one each.
        events: of a model of several events all of them; `forecasts` then has, in place of `probability`, `flare` and
            `event`, for each event `probability_M1.0_24h` (calibrated, and in order: no event is more probable than one
            that it implies), `yes_M1.0_24h` (whether its own threshold is reached) and `raw_M1.0_24h` (as its head
            gives it). Of a regression also `median_flare_24h` of each window: the median peak flux of the largest
            flare, W/m^2, null where it is below the weakest class that the model knows.
    """

    forecasts: pd.DataFrame
    failures: tuple[Failure, ...] = ()
    event: EventDefinition | None = None
    events: tuple[EventDefinition, ...] = ()
    threshold: float | None = None

    __repr__ = brief

    def failure_records(self) -> list[dict[str, str | None]]:
        """Give what has no forecast as plain values: its name, `probability` None, and in `reason` why."""
        names = [f"probability_{event.name}" for event in self.events] or ["probability"]
        return [{"filename": one.filename, **dict.fromkeys(names), "reason": one.reason} for one in self.failures]


@dataclass(frozen=True)
class Row:
    """What is kept of an image that was forecast."""

    noaa_ars: tuple[int, ...]
    time: dt.datetime | None
    log_odds: Any  # of an event; of several a list
    flags: tuple[str, ...]


def rows_of(classifier: Classifier, results: Iterator[tuple[ReadImage, Any]]) -> Iterator[Row]:
    """Keep of each image and its forecast what the tables tell."""
    likeness = classifier.description.likeness
    for image, log_odds in results:
        one = image.rendered
        yield Row(one.noaa_ars, one.time, log_odds, flags_beside(one.flags, one.look, likeness))


def places_of(names: Sequence[str], told: Sequence[tuple[tuple[int, ...], dt.datetime | None]]) -> pd.DataFrame:
    """Give `filename`, `noaa_ar`, `noaa_ars` where there are any, and `time`: by the names, else by headers or text."""
    table = pd.DataFrame({"filename": pd.Series([utf8(name) for name in names[: len(told)]], dtype="str")})
    named = region_and_time(table["filename"])
    principal = pd.Series([numbers[0] if numbers else None for numbers, _ in told], dtype="Int32")
    agreed = named["noaa_ar"].isna() | named["noaa_ar"].eq(principal).fillna(False)
    shown = pd.Series([regions_text(numbers) for numbers, _ in told], dtype="str").where(agreed)
    table["noaa_ar"] = named["noaa_ar"].fillna(principal)
    if shown.notna().any():
        table["noaa_ars"] = shown
    headers = pd.to_datetime(pd.Series([time for _, time in told], dtype="object"), utc=True)
    table["time"] = named["time"].fillna(headers.astype(named["time"].dtype))
    return table


def events_table(model: EventModels, places: pd.DataFrame, read: Sequence[Row], reporter: Reporter) -> pd.DataFrame:
    """Give one row an image with the probability of each event, and whether its threshold is reached."""
    log_odds = np.array([row.log_odds for row in read], float)
    raw = sigmoid(log_odds)
    found = model.probability(raw)
    table = check_forecasts(places.assign(probability=found[:, 0]), "the forecasts")[list(places)]
    table["flags"] = pd.Series([" ".join(row.flags) for row in read], index=table.index, dtype="str")
    for place, event in enumerate(model.events):
        described = model.parts[place].description
        table[f"probability_{event.name}"] = found[:, place]
        table[f"yes_{event.name}"] = found[:, place] >= described.threshold
        if described.calibration and (certain := certain_words(found[:, place])):
            reporter.warn(f"{event.code}: {certain}")
    for place, event in enumerate(model.events):
        described = model.parts[place].description
        name = f"median_{flare_column(event)}"
        if described.distribution is not None and name not in table:
            median = 10 ** median_log_flux(described, log_odds[:, place])
            table[name] = np.where(median >= described.distribution["limit_w_m2"], median, np.nan)
    return table.assign(**{f"raw_{event.name}": raw[:, place] for place, event in enumerate(model.events)})


def event_table(classifier: Classifier, places: pd.DataFrame, read: Sequence[Row]) -> pd.DataFrame:
    """Give one row an image with the probability of the one event, and whether the threshold is reached."""
    table = places.assign(probability=sigmoid(np.array([row.log_odds for row in read], float)))
    checked = check_forecasts(table, "the forecasts")[list(table)]
    described = classifier.description
    raw, decision = checked["probability"].to_numpy(float), described.decision
    if decision.calibration is not None:
        checked = checked.assign(probability=decision.probability(raw), probability_raw=raw)
    event = None if described.event is None else described.event.code
    return checked.assign(
        flags=pd.Series([" ".join(row.flags) for row in read], index=checked.index, dtype="str"),
        flare=pd.Series(decision.yes(raw), index=checked.index),
        event=pd.Series(event, index=checked.index, dtype="str"),
    )
