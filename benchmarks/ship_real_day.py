"""Which rows of NOAA's summaries and flares does the forecast of one real day rest on? They ship with the package.

    python benchmarks/ship_real_day.py region_days.csv flares.csv

Facts of NOAA SWPC, public domain, in the form of hayesla/flare_forecast_proj (MIT), who transcribed them. Written are
the summary's rows of the regions on the disk on 2014-10-24, of their days before, and of the regions that stood there a
rotation earlier, as far as the forecast changes without them; and the flares of 27 days before, those regions' own, and
of the 3 days that came.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

import flarescope
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.files import atomic_path
from flarescope.pipeline.forecasting.issue import REACH, issue_forecast
from flarescope.pipeline.real_day import AFTER, FLARES, ISSUED, REGIONS

ACTIVITY = pd.Timedelta(days=27)


def probabilities(regions: pd.DataFrame, flares: FlareList) -> "pd.Series[float]":
    """Forecast the day."""
    forecast = issue_forecast(regions, flares, ISSUED, model=flarescope.region_model())
    return forecast.probabilities.set_index(["noaa_ar", "event", "window_h"])["probability"]


def needed(regions: pd.DataFrame, flares: FlareList) -> set[int]:
    """Name the regions without whose rows the forecast is another one."""
    whole = probabilities(regions, flares)
    return {
        number
        for number in set(regions["noaa_ar"])
        if not probabilities(regions[regions["noaa_ar"] != number], flares).equals(whole)
    }


def write_rows(source: Path, target: Path, keep: Callable[[pd.DataFrame], "pd.Series[bool]"]) -> int:
    """Write those rows of a CSV that are kept, as they stand there."""
    rows = pd.read_csv(source, dtype="str", keep_default_na=False)
    kept = rows[keep(rows)]
    with atomic_path(target) as temporary:
        kept.to_csv(temporary, index=False)
    return len(kept)


def main() -> None:
    """Write the two files into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regions", type=Path)
    parser.add_argument("flares", type=Path)
    given = parser.parse_args()
    regions, flares = read_summaries([given.regions])[0], read_flares(given.flares)
    day = ISSUED.normalize()
    regions = regions[(regions["day"] <= day) & (regions["day"] > day - REACH)]
    numbers = needed(regions, replace(flares, table=flares.table[flares.table["time"] <= ISSUED]))

    def of_day(rows: pd.DataFrame) -> "pd.Series[bool]":
        issued = pd.to_datetime(rows["issued"], utc=True)
        return issued.le(ISSUED) & issued.gt(day - REACH) & rows["noaa_ar"].astype(int).isin(numbers)

    def around(rows: pd.DataFrame) -> "pd.Series[bool]":
        begin = pd.to_datetime(rows["begin"], utc=True)
        own = pd.to_numeric(rows["noaa_ar"]).isin(numbers) & begin.gt(day - REACH)
        return (begin.gt(ISSUED - ACTIVITY) | own) & begin.lt(ISSUED + AFTER)

    print(
        write_rows(given.regions, REGIONS, of_day), "region days,", write_rows(given.flares, FLARES, around), "flares"
    )


if __name__ == "__main__":
    main()
