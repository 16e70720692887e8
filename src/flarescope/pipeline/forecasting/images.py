"""What do models of images forecast for the regions of a disk, beside the region model?"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.counted import listed
from flarescope.disk.places import GRACE_S
from flarescope.disk.view import View
from flarescope.errors import InputError
from flarescope.events import EventDefinition, scales_differ
from flarescope.files import sha256_of
from flarescope.images.whole_disk import WholeDisk
from flarescope.pipeline.cutting import cut_read_disk
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.forecasting.hearing import Heard, Named
from flarescope.pipeline.forecasting.past_images import cut_past, image_told, patches_of
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.pipeline.models import Model, load
from flarescope.pipeline.prediction import forecast_images
from flarescope.progress import Reporter
from flarescope.regions.description import ISSUE_AFTER
from flarescope.regions.model import COLUMNS

MOST_HOURS: Final = 24.0
"""By which an image may be older than its forecast."""
APART_HOURS: Final = 1.0
"""From here on it is said that an image's window begins before the forecast's."""
PATCHES: Final = "patches"
"""The folder of the patches, below that of the forecast."""


@dataclass(frozen=True)
class Seen:
    """A forecast with its image.

    Attributes:
        forecast: with the models of images beside the region model.
        view: how the image shows the disk.
        upright_gauss: the disk in few pixels, north up.
    """

    forecast: Forecast
    view: View
    upright_gauss: np.ndarray = field(repr=False)

    __repr__ = brief


def issue_time(taken: dt.datetime, days: "pd.Series[pd.Timestamp]") -> pd.Timestamp:
    """Give when a forecast by an image is issued where nobody says it: when the image and its summary are there.

    Args:
        taken: when the image was, UTC.
        days: of the summaries.
    """
    time = pd.Timestamp(taken).tz_convert("UTC").ceil("min")
    known = days[days <= time + pd.Timedelta(seconds=GRACE_S)]
    ready = known.max() + ISSUE_AFTER if len(known) else time
    # A summary of the midnight just before is issued half an hour after it.
    return max(time, ready) if ready - time <= ISSUE_AFTER + pd.Timedelta(seconds=GRACE_S) else time


def check_day(image: Path, taken: dt.datetime, issued: pd.Timestamp) -> None:
    """Refuse an image of another day than the forecast.

    Raises:
        InputError: taken after the forecast, or more than `MOST_HOURS` before.
    """
    hours = (issued - pd.Timestamp(taken)).total_seconds() / 3600
    if not -GRACE_S / 3600 <= hours <= MOST_HOURS:
        raise InputError(
            f"{image}: of {taken:%Y-%m-%d %H:%M} UTC, the forecast of {issued:%Y-%m-%d %H:%M} UTC; expected an image "
            f"of the {MOST_HOURS:g} hours before, or another --issue"
        )


def with_image(
    forecast: Forecast,
    disk: WholeDisk,
    image: Path,
    *,
    earlier: Sequence[Path] = (),
    regions: pd.DataFrame,
    models: Sequence[str | Path],
    folder: Path,
    compute: Compute | None = None,
    instrument_ok: bool = False,
    reporter: Reporter,
) -> Seen:
    """Cut the regions out of an image of the whole disk and forecast each by every model.

    Args:
        forecast: by the region model.
        disk: the image.
        image: its file.
        earlier: images of the disk before it, for models that look back.
        regions: the summaries (`catalog.noaa_regions.REGION_DTYPES`); those after the forecast are not used.
        models: runs and model files.
        folder: of the patches.
        compute: how the features are computed.
        instrument_ok: whether other magnetographs are taken.
        reporter: hears notes.

    Raises:
        InputError: an image of another day, or none of the whole disk; a model that does not say what it forecasts.
    """
    check_day(image, disk.time, forecast.issued)
    loaded = {_name(path, forecast): _loaded(path) for path in models}
    if len(loaded) < len(models):
        raise InputError("two of the models have one name; give their folders different names")
    heard = Heard(reporter, warnings_alone=True)
    known = regions[regions["day"] <= forecast.issued]
    cut = cut_read_disk(disk, image, regions=known, out=folder, instrument_ok=instrument_ok, reporter=heard)
    rows, notes = [], _time_notes(cut.view.time, forecast, bool(models))
    past = cut_past(
        earlier,
        folder,
        needed=any(model.classifier.description.looks_back for model in loaded.values()),
        regions=known,
        instrument_ok=instrument_ok,
        reporter=heard,
    )
    for name, model in loaded.items():
        found = _forecast(model, patches_of(cut), past.patches, compute, Named(heard, name))
        rows += _rows(name, model, found, forecast.issued)
        notes += _scale_notes(name, model, forecast)
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    seen = set(table["noaa_ar"].dropna())
    unseen = [int(one) for one in forecast.regions["noaa_ar"] if models and one not in seen]
    if unseen:
        notes.append(f"not forecast by models of images: {listed([str(one) for one in unseen])} (see regions.csv)")
    for note in notes:
        heard.warn(note)
    data = {"image": [image_told(image, cut), *past.told]}
    data |= {"models": [_described(name, model) for name, model in loaded.items()]}
    joined = forecast.with_images(table, data=data, notes=heard.notes, unseen=unseen)
    return Seen(joined, cut.view, cut.upright_gauss)


def _name(path: str | Path, forecast: Forecast) -> str:
    path = Path(path)
    name = path.resolve().name if path.is_dir() else path.stem
    return f"{name} (image)" if name == forecast.model else name


def _loaded(path: str | Path) -> Model:
    model = load(path)
    for event in _events(model) or (None,):
        if event is None or event.scope != "region":
            said = "does not say what it forecasts" if event is None else "forecasts the whole disk"
            raise InputError(
                f"{path}: {said}; --model takes runs that forecast regions, as `flarescope train` makes them"
            )
    return model


def _events(model: Model) -> tuple[EventDefinition, ...]:
    """Give the events that a model forecasts; none where it does not say them."""
    if model.several is not None:
        return model.several.events
    event = model.classifier.description.event
    return () if event is None else (event,)


def _forecast(
    model: Model, patches: Sequence[Path], earlier: Sequence[Path], compute: Compute | None, reporter: Reporter
) -> pd.DataFrame:
    """Forecast patches; those that cannot be, of the limb, are left out, and where none can be there is no row."""
    if not patches:
        return pd.DataFrame({"noaa_ar": [], "probability": []})
    try:
        found = forecast_images(
            model.several or model.classifier, list(patches), earlier=earlier, compute=compute, reporter=reporter
        )
        return found.forecasts
    except InputError as error:
        reporter.warn(f"no patch can be forecast: {error}")
        return pd.DataFrame({"noaa_ar": [], "probability": []})


def _rows(name: str, model: Model, found: pd.DataFrame, issued: pd.Timestamp) -> list[pd.DataFrame]:
    """Give the rows of each event that a model forecasts."""
    rows = []
    for event in _events(model):
        column = f"probability_{event.name}" if model.several else "probability"
        values: Mapping[str, Any] = {
            "issued": issued,
            "noaa_ar": found["noaa_ar"],
            "event": event.threshold,
            "window_h": event.window_hours,
            "latency_h": event.latency_hours,
            "probability": found[column] if column in found else pd.Series(dtype=float),
            "model": name,
        }
        rows.append(pd.DataFrame(values, index=found.index).astype(COLUMNS))
    return rows


def _described(name: str, model: Model) -> dict[str, Any]:
    return {"name": name, "file": model.path.name, "sha256": sha256_of(model.path)}


def _time_notes(taken: dt.datetime, forecast: Forecast, any_models: bool) -> list[str]:
    hours = (forecast.issued - pd.Timestamp(taken)).total_seconds() / 3600
    if not any_models or hours < APART_HOURS:
        return []
    return [
        f"the window of models of images begins when the image was taken, {math.floor(hours * 10) / 10:g} h before the "
        "forecast"
    ]


def _scale_notes(name: str, model: Model, forecast: Forecast) -> list[str]:
    return [
        f"{name} and the region model: {scales_differ(event.threshold)}"
        for event in _events(model)[:1]
        if event.flux_scale not in (None, forecast.flux_scale)
    ]
