"""A server for tests of the pages: three real days of 2014 with a made image, and a made day that is called so."""

import contextlib
import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import uvicorn
from astropy.io import fits

from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.figures.field import field_png
from flarescope.pipeline.forecasting.forms import read_forecast, write_forecast_json
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.pipeline.real_day import FLARES, ISSUED, REGIONS, TRAINED
from flarescope.regions import shipped
from flarescope.serving.app import create_app
from flarescope.serving.places import places_of
from flarescope.serving.running import listening
from flarescope.serving.settings import Limits, Settings

SYNTHETIC = "SYNTHETIC DATA: the day is made up. These are no results."
DAYS = ("2014-10-21", "2014-10-22", "2014-10-23", "2014-10-24")


def write_days(folder: Path) -> Path:
    """Forecast three real days by the model that ships, and call the day before them made; give their folder."""
    regions, flares = read_summaries([REGIONS])[0], read_flares(FLARES)
    model = shipped.region_model(shipped.model_path())
    for back, day in enumerate(reversed(DAYS[1:])):
        issued = ISSUED - pd.Timedelta(days=back)
        forecast = issue_forecast(regions, flares, issued, model=model, notes=[TRAINED])
        (folder / day).mkdir(parents=True)
        write_forecast_json(forecast, folder / day / "forecast.json")
    made = replace(
        forecast,
        issued=issued - pd.Timedelta(days=1),
        notes=(SYNTHETIC,),
        probabilities=forecast.probabilities.assign(probability=0.5),
    )
    (folder / DAYS[0]).mkdir()
    write_forecast_json(made, folder / DAYS[0] / "forecast.json")
    _write_images(folder / DAYS[-1], read_forecast(folder / DAYS[-1] / "forecast.json"))
    return folder


def _write_images(folder: Path, forecast: Forecast) -> None:
    """Write a made field of the disk, a pair of spots a region, and of NOAA 12192: no observations."""
    x, y = np.meshgrid(np.linspace(-1, 1, 560), np.linspace(1, -1, 560))
    disk = np.zeros_like(x)
    for number, place in places_of(forecast).items():
        width = 0.02 if number != 12192 else 0.06
        for sign in (-1, 1):
            far = (x - place["x"] - sign * width) ** 2 + (y - place["y"]) ** 2
            disk += sign * 1500 * np.exp(-far / (0.8 * width) ** 2)
    picture = field_png(np.where(x**2 + y**2 <= 1, disk, np.nan), side=560, see_through=True)
    (folder / "magnetogram.png").write_bytes(picture)
    x, y = np.meshgrid(np.linspace(-1, 1, 96), np.linspace(-1, 1, 96))
    pair = 1800 * (np.exp(-40 * ((x - 0.2) ** 2 + y**2)) - np.exp(-40 * ((x + 0.2) ** 2 + y**2)))
    (folder / "patches").mkdir()
    header = fits.Header([("TELESCOP", "SDO/HMI"), ("BUNIT", "Gauss")])
    fits.PrimaryHDU(pair.astype(np.float32), header).writeto(folder / "patches" / "12192.fits")
    (folder / "patches" / "patches.csv").write_text("noaa_ar,filename\n12192,12192.fits\n")


def write_work(folder: Path) -> Path:
    """Write what a server found out before: made scores, and the real flares of the region."""
    flares = read_flares(FLARES).table
    own = flares[flares["noaa_ar"].eq(12192).fillna(value=False)].dropna(subset=["time"])
    rows = [{"time": time.isoformat(), "flare": kind} for time, kind in zip(own["time"], own["flare"], strict=True)]
    folder.mkdir(parents=True)
    (folder / "flares.json").write_text(json.dumps({"12192": rows}))
    (folder / "verification.json").write_text(json.dumps({"scores": _scores()}))
    return folder


def _scores() -> dict:
    def row(value: float) -> dict:
        return {"value": value, "low": value - 0.1, "high": value + 0.1}

    def one(value: float) -> dict:
        return {"bss_climatology": row(value), "bss_sample": row(value), "roc_area": row(0.85)}

    event = {
        "n": 60,
        "events": 20,
        "few": False,
        "scores": {"regions": one(0.3), "climatology": one(0.0), "mcintosh": one(0.1), "persistence": one(-0.2)},
        "beside": {"swpc": {"n": 40, "events": 12, "scores": {"regions": one(0.28), "swpc": one(0.22)}}},
    }
    return {
        "model": "regions",
        "forecasts": 60,
        "first": "2014-08-26T00:30:00+00:00",
        "last": "2014-10-24T00:30:00+00:00",
        "notes": ["NO TEST: these scores are made up.", "Intervals (95 %): made up too."],
        "disk": {"C1.0/24": event, "M1.0/24": event},
        "region": {"M1.0/24": event},
        "days": [{"issued": ISSUED.isoformat(), "events": {}, "flares": 7, "largest": "X3.1"}],
    }


@contextlib.contextmanager
def serving(settings: Settings, work: Path | None = None):
    """Serve in a thread; give the address."""
    with listening(settings) as found:
        app = create_app(settings, work=work)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [found]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{found.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def settings_of(made: Path, **others: object) -> Settings:
    """Serve the days, without a limit of requests."""
    return Settings(
        made=(made,), port=0, limits=Limits(rate=1e6, burst=1e6, uploads_rate=1e6, uploads_burst=1e6), **others
    )
