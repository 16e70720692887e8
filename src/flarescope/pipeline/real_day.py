"""What does the shipped region model say of one real day, and what happened on it?

The day is 24 October 2014, when NOAA's region 12192, the largest sunspot group since 1990, was on the disk. Its rows of
the summaries and flares (NOAA SWPC, public domain; transcribed by hayesla/flare_forecast_proj, MIT) ship with the
package; `benchmarks/ship_real_day.py` chose them.
"""

from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.events import flux_w_m2
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.forecasting.value import Forecast
from flarescope.progress import Reporter
from flarescope.regions import shipped
from flarescope.wording import probability_text

ISSUED: Final = pd.Timestamp("2014-10-24T00:30Z")
AFTER: Final = pd.Timedelta(hours=72)
WINDOW_H: Final = 24.0
REGIONS: Final = shipped.FOLDER / "2014-10-24_regions.csv"
FLARES: Final = shipped.FOLDER / "2014-10-24_flares.csv"
TRAINED: Final = (
    "the model was trained on 1996 to 2015, this day among them: it shows what a forecast is and tests nothing"
)
"""What has to be said beside it."""


@dataclass(frozen=True)
class RealDay:
    """A forecast, and what came.

    Attributes:
        forecast: of the regions and the whole disk.
        largest: region (or 0 for the whole disk) -> class of the largest flare in the 24 hours after; those without one
            are not in it.
    """

    forecast: Forecast
    largest: dict[int, str] = field(repr=False)

    def rows(self) -> list[list[str]]:
        """Give a line a region, and one for the disk: name, McIntosh class, C, M and X in 24 h, the largest flare."""
        classes = dict(zip(self.forecast.regions["noaa_ar"], self.forecast.regions["mcintosh"], strict=True))
        named = [(number, f"NOAA {number}", str(kind)) for number, kind in classes.items()]
        return [
            [name, kind, *self._probabilities(number), self.largest.get(int(number or 0), "none of C1.0 or above")]
            for number, name, kind in [*named, (None, "whole disk", "")]
        ]

    def _probabilities(self, number: int | None) -> list[str]:
        return [
            probability_text(self.forecast.probability(name, WINDOW_H, noaa_ar=number))
            for name in ("C1.0", "M1.0", "X1.0")
        ]


def real_day(reporter: Reporter | None = None) -> RealDay:
    """Forecast the day from the rows that ship, and look up what came."""
    regions, flares = read_summaries([REGIONS])[0], read_flares(FLARES)
    path = shipped.model_path()
    forecast = issue_forecast(regions, flares, ISSUED, model=shipped.region_model(path), reporter=reporter)
    end = ISSUED + pd.Timedelta(hours=WINDOW_H)
    after = flares.table[flares.table["time"].gt(ISSUED) & flares.table["time"].le(end)]
    strongest = after.assign(flux=flux_w_m2(after["flare"])).sort_values("flux")
    largest = {0: str(strongest["flare"].iloc[-1])} if len(strongest) else {}
    for number, rows in strongest.dropna(subset=["noaa_ar"]).groupby("noaa_ar"):
        largest[int(str(number))] = str(rows["flare"].iloc[-1])
    return RealDay(forecast, largest)
