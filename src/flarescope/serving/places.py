"""Where on the disk are a forecast's regions, in solar radii?"""

from typing import Any

import pandas as pd

from flarescope.disk.places import place_regions
from flarescope.disk.view import View, view_from_earth
from flarescope.pipeline.forecasting.value import Forecast

Places = dict[int, dict[str, Any]]


def moment_of(forecast: Forecast) -> pd.Timestamp:
    """Give the time whose disk is shown: that of the image, else when the forecast was issued."""
    for image in forecast.data.get("image", ()):
        time = pd.Timestamp(image.get("time", "NaT"))
        if not pd.isna(time):
            return time if time.tzinfo else time.tz_localize("UTC")
    return forecast.issued


def view_of_forecast(forecast: Forecast) -> View:
    """Give how the disk is seen from Earth at that time."""
    return view_from_earth(moment_of(forecast).to_pydatetime())


def places_of(forecast: Forecast) -> Places:
    """Say where each region is.

    Returns:
        Region -> `x` (west) and `y` (north) in solar radii from the disk's centre, `lon_deg` west of the central
        meridian, `lat_deg`, and `state` (`disk.places.STATES`); numbers are None where there are none.
    """
    view = view_of_forecast(forecast)
    table = place_regions(forecast.regions, view)
    found: Places = {}
    for row in table.to_dict("records"):
        numbers = {
            "x": row["x_arcsec"] / view.radius_arcsec,
            "y": row["y_arcsec"] / view.radius_arcsec,
            "lon_deg": row["lon_deg"],
            "lat_deg": row["lat_deg"],
        }
        rounded = {name: None if pd.isna(value) else round(float(value), 4) for name, value in numbers.items()}
        found[int(row["noaa_ar"])] = {**rounded, "state": str(row["state"])}
    return found
