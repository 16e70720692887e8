"""How do the regions of a summary, and what is forecast for them, become a drawing of the disk?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flarescope.disk.view import View
from flarescope.figures.disk import DiskMark, disk_figure


def draw_regions(
    places: pd.DataFrame,
    *,
    view: View,
    upright_gauss: np.ndarray | None = None,
    probabilities: Mapping[int, Mapping[str, float]] | None = None,
    caption: str = "",
) -> Figure:
    """Draw the disk with its regions.

    Args:
        places: `noaa_ar`, `lon_deg`, `lat_deg`, `mcintosh`, `area_msh`, as `disk.places.place_regions` gives them;
            those without a place are left out.
        view: whose time and tilt the drawing has (`disk.view.view_from_earth` where there is no image).
        upright_gauss: the disk as `disk.overview.overview` makes it; None draws an empty one.
        probabilities: of each region by a short name of the event, 0..1.
        caption: what they are of.
    """
    known = places[places["lon_deg"].notna() & places["lat_deg"].notna()]
    marks = [
        DiskMark(
            noaa_ar=int(row["noaa_ar"]),
            longitude_deg=float(row["lon_deg"]),
            latitude_deg=float(row["lat_deg"]),
            kind=None if pd.isna(row["mcintosh"]) else str(row["mcintosh"]),
            area_msh=None if pd.isna(row["area_msh"]) else float(row["area_msh"]),
            probabilities=(probabilities or {}).get(int(row["noaa_ar"]), {}),
        )
        for _, row in known.iterrows()
    ]
    return disk_figure(
        marks,
        tilt_deg=view.latitude_deg,
        title=f"{view.time:%Y-%m-%d %H:%M} UTC",
        caption=caption,
        field_gauss=upright_gauss,
    )
