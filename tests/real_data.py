"""Where do the tests find real magnetograms, summaries and labels?"""

import os
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import FlareList
from flarescope.catalog.noaa_regions import read_summaries

REAL_DATA = Path(os.environ.get("FLARESCOPE_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))

needs_real_data = pytest.mark.skipif(
    not REAL_DATA.is_dir(), reason=f"no real data at {REAL_DATA}; FLARESCOPE_REAL_DATA names another place"
)

reads_since_1996 = pytest.mark.xdist_group("since_1996")
"""Of tests that read the tables of 1996 to 2015, so that one worker reads them."""


@cache
def region_days_since_1996() -> tuple[pd.DataFrame, list[str]]:
    """Read the region days of twenty years, once; nobody changes them."""
    return read_summaries([REAL_DATA / "noaa_1996_2015" / "region_days.csv"])


@cache
def flares_since_1996() -> FlareList:
    """Read the flares of twenty years, once; nobody changes them."""
    return read_flares(REAL_DATA / "noaa_1996_2015" / "flares.csv")
