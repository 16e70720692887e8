"""How does a forecast become a drawing of the disk?"""

import numpy as np
from matplotlib.figure import Figure

from flarescope.disk.places import place_regions
from flarescope.disk.view import View, view_from_earth
from flarescope.pipeline.disk_drawing import draw_regions
from flarescope.pipeline.forecasting.value import RESEARCH, Forecast

SHOWN_H = 24.0
"""The window whose probabilities stand beside the regions."""


def draw_forecast(forecast: Forecast, *, view: View | None = None, upright_gauss: np.ndarray | None = None) -> Figure:
    """Draw the disk with its regions and their probabilities of the next 24 hours.

    Args:
        forecast: what is drawn.
        view: of an image; without one the disk is as Earth sees it when the forecast is issued.
        upright_gauss: the image with north up (`disk.overview`); without it the disk is empty.
    """
    view = view or view_from_earth(forecast.issued.to_pydatetime())
    places = place_regions(forecast.regions, view)
    rows = forecast.of_model()
    rows = rows[rows["window_h"].eq(SHOWN_H) & rows["latency_h"].eq(0)]
    shares: dict[int, dict[str, float]] = {}
    for row in rows[rows["noaa_ar"].notna()].to_dict("records"):
        shares.setdefault(int(row["noaa_ar"]), {})[str(row["event"])[0]] = float(row["probability"])
    caption = (
        f"Probability of a flare of the class or above within {SHOWN_H:g} h of {forecast.issued:%Y-%m-%d %H:%M} UTC.\n"
        f"{'Field' if upright_gauss is not None else 'Places'} at the time above. {RESEARCH}"
    )
    return draw_regions(places, view=view, upright_gauss=upright_gauss, probabilities=shares, caption=caption)
