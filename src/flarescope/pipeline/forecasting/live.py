"""What is forecast now, from what NOAA and JSOC serve at this moment?"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from flarescope.backbones.weights import cache_dir
from flarescope.counted import listed
from flarescope.errors import InputError
from flarescope.pipeline.forecasting.inputs import Inputs, read_inputs
from flarescope.pipeline.forecasting.stage import forecast_inputs
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.progress import Reporter, WarningReporter
from flarescope.sources.addresses import ADDRESSES, Addresses
from flarescope.sources.live import fetch_live

if TYPE_CHECKING:
    from flarescope.pipeline.featuring import Compute

INPUTS: Final = "inputs"
"""Folder of what was fetched, below that of the forecast."""


def forecast_now(
    *,
    models: Sequence[str | Path] = (),
    out: str | Path | None = None,
    archive: str | Path | None = None,
    image: bool = True,
    compute: "Compute | None" = None,
    now: "pd.Timestamp | None" = None,
    addresses: Addresses = ADDRESSES,
    backoff_s: float = 1.0,
    reporter: Reporter | None = None,
) -> Forecast:
    """Fetch the regions, the flares and HMI's newest disk, and forecast.

    What cannot be fetched or read is said, with what it costs. Classes are those of GOES-16 and later. Nothing of this
    was tried against the services themselves.

    Args:
        models: as for `stage.forecast`.
        out: folder of the forecast; what was fetched is kept in `inputs` there. None keeps it in the cache.
        archive: folder in which issued forecasts are kept; None keeps none.
        image: whether the newest disk is fetched.
        compute: how features of images are computed.
        now: UTC; the clock's.
        addresses: of the services.
        backoff_s: first wait before another attempt.
        reporter: hears notes.

    Raises:
        FlarescopeError: no list of regions could be fetched.
        InputError: none could be read, or the newest is too old.
    """
    reporter, out = reporter or WarningReporter(), None if out is None else Path(out)
    issued = (now or pd.Timestamp(dt.datetime.now(dt.UTC))).floor("min")
    cache = cache_dir() / "live"
    folder = cache / "now" if out is None else out / INPUTS
    reporter.say("fetching what NOAA and JSOC have now")
    live = fetch_live(
        folder,
        issued.to_pydatetime(),
        history=cache / "events",
        image=image,
        addresses=addresses,
        backoff_s=backoff_s,
    )
    for line in live.missing:
        reporter.warn(line)
    inputs = read_inputs(live.regions, live.flares, flux_scale="science", each_needed=False, reporter=reporter)
    notes = (*live.missing, *inputs.notes, *_since(inputs, issued, reporter))
    inputs = replace(inputs, notes=notes)
    other = compute is not None and compute.instrument_ok
    disk = _usable(live.image, issued, reporter, instrument_ok=other)
    if live.image is not None and disk is None:
        inputs = replace(inputs, notes=(*notes, f"{live.image.name} is not used: it is no image of the last day"))
    return forecast_inputs(
        inputs,
        image=disk,
        models=models if disk is not None else _region_models(models, reporter),
        issued=issued,
        out=out,
        archive=archive,
        flux_scale="science",
        compute=compute,
        instrument_ok=other,
        reporter=reporter,
    )


def _usable(image: Path | None, issued: pd.Timestamp, reporter: Reporter, *, instrument_ok: bool) -> Path | None:
    """Give the image if it can be read and is of the last day."""
    from flarescope.pipeline.forecasting.images import check_day
    from flarescope.pipeline.forecasting.past_images import read_image

    if image is None:
        return None
    try:
        check_day(image, read_image(image, instrument_ok=instrument_ok).time, issued)
    except InputError as error:
        reporter.warn(f"forecast without an image: {error}")
        return None
    return image


def _region_models(models: Sequence[str | Path], reporter: Reporter) -> list[str | Path]:
    """Leave out models of images where there is no image."""
    from flarescope.pipeline.forecasting.stage import is_region_model

    kept = [one for one in models if is_region_model(one)]
    for one in models:
        if one not in kept:
            reporter.warn(f"{one} is left out: there is no image")
    return kept


def _since(inputs: Inputs, issued: pd.Timestamp, reporter: Reporter) -> list[str]:
    """Name regions that SWPC's running list has, and the newest whole summary has not."""
    table = inputs.regions[inputs.regions["section"].eq("I")]
    later, known = (table.loc[mask, "noaa_ar"] for mask in (table["day"] > issued, table["day"] <= issued))
    new = [str(number) for number in later.drop_duplicates() if number not in set(known)]
    if not new:
        return []
    line = f"numbered since the newest summary, so in the whole disk's forecast alone: {listed(new)}"
    reporter.say(line)
    return [line]
