"""Is a region's place turned to the image's time, as sunpy turns it?"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from flarescope.catalog.select import positions, with_positions
from flarescope.disk.places import turned_longitude
from flarescope.rotation import synodic_deg_day, turned_west
from flarescope.tables import check_catalogue


def test_the_equator_turns_as_published():
    # 2.894 microradians a second are 14.327 degrees a day against the stars, less the Earth's 0.986
    assert synodic_deg_day(np.array([0.0])) == pytest.approx([np.degrees(2.894e-6) * 86400 - 0.98561], abs=1e-5)
    assert (np.diff(synodic_deg_day(np.arange(0.0, 60))) < 0).all()
    assert turned_west(np.array([175.0, -60.0]), np.array([0.0, 0.0]), np.array([1.0, -1.0])) == pytest.approx(
        [-171.66, -73.34], abs=0.01
    )


@pytest.mark.parametrize("month", [1, 7])  # the Earth is fastest in January
def test_it_is_sunpys_turn_to_a_twentieth_of_a_degree(month):
    start = dt.datetime(2014, month, 4, tzinfo=dt.UTC)
    west, north = np.array([-60.0, 0, 45, 20]), np.array([-30.0, 0, 25, 59])
    theirs = turned_longitude(west, north, start, start + dt.timedelta(hours=18))
    assert turned_west(west, north, np.full(4, 0.75)) == pytest.approx(theirs, abs=0.05)


def test_places_are_of_the_images_time_and_the_selections_of_the_day():
    times = pd.date_range("2014-10-22", periods=4, freq="6h", tz="UTC")
    images = check_catalogue(
        pd.DataFrame({"filename": list("abcd"), "noaa_ar": 12192, "time": times, "label": 0}), "made"
    )
    day = pd.Timestamp("2014-10-22", tz="UTC")
    summary = {"day": [day], "noaa_ar": [12192], "section": ["I"], "latitude_deg": [-13], "longitude_deg": [-13]}
    regions = pd.DataFrame(summary).astype({"noaa_ar": "Int32", "day": "datetime64[us, UTC]"})
    found = with_positions(images, regions)
    rate = float(synodic_deg_day(np.array([-13.0]))[0])
    assert found["lon_deg"].tolist() == pytest.approx([-13 + rate * part for part in (0, 0.25, 0.5, 0.75)])
    assert found["lat_deg"].tolist() == [-13.0] * 4
    assert positions(images, regions)["longitude_deg"].tolist() == [-13] * 4
