"""Is a region where the Sun's rotation, and an image's own coordinates, put it?"""

import datetime as dt
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disks import CARDS, SIZE
from fakes import child_environment
from flarescope.catalog.noaa_regions import REGION_DTYPES
from flarescope.disk.places import nearest_day, on_sky, place_regions, turned_longitude
from flarescope.disk.view import check_scale, view_from_earth, view_of
from flarescope.errors import InputError
from flarescope.images.look import position_on_disk

DAY = dt.datetime(2016, 7, 7, tzinfo=dt.UTC)


def carrington_longitude_of_the_middle(time):
    """L0 by Meeus, Astronomical Algorithms, chapter 29, with the Sun's longitude of chapter 25: to 0.01 degrees."""
    jd = 2440587.5 + time.timestamp() / 86400
    century = (jd - 2451545) / 36525
    anomaly = math.radians(357.52911 + 35999.05029 * century)
    equation = 1.914602 * math.sin(anomaly) + 0.019993 * math.sin(2 * anomaly) + 0.000289 * math.sin(3 * anomaly)
    longitude = math.radians(280.46646 + 36000.76983 * century + equation - 0.00569)
    node = math.radians(73.6667 + 1.3958333 * (jd - 2396758) / 36525)
    tilt = math.radians(7.25)
    eta = math.atan2(-math.sin(longitude - node) * math.cos(tilt), -math.cos(longitude - node))
    return (math.degrees(eta) - (jd - 2398220) * 360 / 25.38) % 360


def howard_1990(latitude_deg):
    """Howard, Harvey & Forgach 1990: microradians a second against the stars -> degrees a day."""
    s = math.sin(math.radians(latitude_deg)) ** 2
    return math.degrees((2.894 - 0.428 * s - 0.370 * s * s) * 1e-6 * 86400)


@pytest.mark.parametrize("hours", [-20, 1, 6, 24])
@pytest.mark.parametrize("year", [1997, 2011, 2016, 2026])
@pytest.mark.parametrize("month", [1, 7])
def test_the_turn_is_that_of_the_published_law(year, month, hours):
    start = dt.datetime(year, month, 7, tzinfo=dt.UTC)
    end = start + dt.timedelta(hours=hours)
    latitudes = np.array([0.0, 12.0, -30.0, 60.0])
    turned = turned_longitude(np.full(4, 20.0), latitudes, start, end)
    # Against Carrington's frame, 360 degrees in 25.38 days; that frame moves against Earth as L0 falls.
    frame = (carrington_longitude_of_the_middle(start) - carrington_longitude_of_the_middle(end) + 180) % 360 - 180
    expected = [20 + (howard_1990(latitude) - 360 / 25.38) * hours / 24 + frame for latitude in latitudes]
    assert turned == pytest.approx(expected, abs=0.03)


def test_a_spot_at_the_equator_goes_13_degrees_a_day_as_seen_from_earth():
    (turned,) = turned_longitude(np.zeros(1), np.zeros(1), DAY, DAY + dt.timedelta(days=1))
    # 14.33 a day against the stars; in July Earth runs 0.95 degrees a day after it
    assert turned == pytest.approx(math.degrees(2.894e-6 * 86400) - 0.95, abs=0.02)


@settings(max_examples=15)
@given(st.floats(-80, 80), st.floats(-60, 60), st.floats(-24, 24))
def test_there_and_back_is_the_same_place(longitude, latitude, hours):
    end = DAY + dt.timedelta(hours=hours)
    there = turned_longitude(np.array([longitude]), np.array([latitude]), DAY, end)
    assert turned_longitude(there, np.array([latitude]), end, DAY) == pytest.approx([longitude], abs=1e-3)


def regions(*rows, day=DAY):
    """Rows of section, number, latitude, longitude, Carrington longitude."""
    frame = pd.DataFrame(index=range(len(rows)), columns=list(REGION_DTYPES), dtype=object)
    frame[["section", "noaa_ar", "latitude_deg", "longitude_deg", "carrington_deg"]] = list(rows)
    return frame.assign(day=pd.Timestamp(day)).astype(REGION_DTYPES)


def view(hours=0.0, **cards):
    header = {key: value for key, value in (CARDS | cards).items() if value is not None}
    return view_of(header, DAY + dt.timedelta(hours=hours), (SIZE, SIZE))


def test_the_middle_of_the_disk_is_at_crpix_and_south_is_up():
    place = place_regions(
        regions(("I", 12560, 3.5, 0.0, 0), ("I", 12561, 33.5, 0.0, 0), ("I", 12562, 3.5, 30.0, 0)), view()
    )
    assert place.loc[0, ["column", "row"]].tolist() == pytest.approx([511.5, 513.5], abs=1e-3)
    up, right = 513.5 - place.loc[1, "row"], 511.5 - place.loc[2, "column"]
    # 30 degrees off the middle are half the radius on the sky, and a little more for what bulges towards us; this Sun
    # is so far away that it is 0.05 %
    assert [up, right] == pytest.approx([0.5 * 240 / 0.504] * 2, rel=0.003)


@pytest.mark.parametrize("crota", [0.0, 33.0, 180.0, 271.5])
def test_any_turn_of_the_camera_and_any_form_of_the_grid_give_one_place(crota):
    one = place_regions(regions(("I", 12560, -18.0, 37.0, 0)), view(CROTA2=crota)).iloc[0]
    angle = math.radians(crota)
    matrix = {"CD1_1": math.cos(angle), "CD1_2": -math.sin(angle), "CD2_1": math.sin(angle), "CD2_2": math.cos(angle)}
    cards = {key: 0.504 * value for key, value in matrix.items()}
    other = place_regions(
        regions(("I", 12560, -18.0, 37.0, 0)), view(CROTA2=None, CDELT1=None, CDELT2=None, **cards)
    ).iloc[0]
    degrees = {key: CARDS[key] / 3600 for key in ("CDELT1", "CDELT2")}
    third = place_regions(
        regions(("I", 12560, -18.0, 37.0, 0)), view(CROTA2=crota, CUNIT1="deg", CUNIT2="deg", **degrees)
    ).iloc[0]
    for found in (other, third):
        assert found[["column", "row"]].tolist() == pytest.approx(one[["column", "row"]].tolist(), abs=1e-6)
    x, y = one["column"] - 511.5, one["row"] - 513.5
    west = 0.504 * (x * math.cos(angle) - y * math.sin(angle))
    assert west == pytest.approx(one["x_arcsec"], abs=1e-3)


@settings(max_examples=15)
@given(st.floats(-70, 70), st.floats(-70, 70))
def test_a_place_on_the_sky_leads_back_to_the_place_on_the_sun(longitude, latitude):
    here = view()
    x, y, visible = on_sky(np.array([longitude]), np.array([latitude]), here)
    assert visible.all()
    back = position_on_disk(x[0], y[0], here.radius_arcsec, here.latitude_deg)  # another way, of another module
    assert back == pytest.approx((longitude, latitude), abs=0.15)


def test_regions_behind_either_limb_and_without_a_position_are_said_to_be_so():
    rows = [("I", 12560, -8.0, 85.0, 0), ("I", 12561, -8.0, -42.0, 0), ("II", 12550, 12.0, None, 190)]
    place = place_regions(regions(*rows, ("I", 12562, None, None, None)), view(hours=23))
    assert place["state"].tolist() == ["no longer visible", "visible", "not yet visible", "no position"]
    assert place["column"].notna().tolist() == [False, True, False, False]
    assert place["lon_deg"].tolist()[0] == pytest.approx(85 + 13.3 * 23 / 24, abs=0.3)
    assert place["lon_deg"].tolist()[2] < -100  # L0 was 313 at the start of the day
    assert place_regions(regions(("I", 12560, -8.0, 80.0, 0)), view(hours=-23))["state"].tolist() == ["visible"]


def test_a_day_without_regions_is_an_empty_table():
    assert place_regions(regions((None, None, None, None, None)), view()).empty


def test_the_last_summary_before_the_image_counts_else_the_next_one():
    days = [pd.Timestamp(f"2016-07-{day:02d}", tz="UTC") for day in (5, 6, 7, 8)]
    noon = DAY + dt.timedelta(hours=12.5)
    assert nearest_day(days, noon).day == 7  # though the one of the 8th is nearer
    assert nearest_day(days, DAY - dt.timedelta(seconds=36)).day == 7  # 00:00 TAI
    assert nearest_day(days[3:], noon).day == 8
    assert nearest_day(days[:2], DAY).day == 6
    with pytest.raises(InputError, match=r"2016-07-07 12:30 UTC.*nearest summary holds for 2016-07-06 00:00 UTC"):
        nearest_day(days[:2], noon)
    with pytest.raises(InputError, match="has no day"):
        nearest_day([], noon)


def test_the_observer_is_the_header_s():
    real = {"HGLN_OBS": None, "DSUN_OBS": 152093947186.0, "CDELT1": 2.0, "CDELT2": 2.0}
    assert view(1.0, CRLN_OBS=312.437164, **real).longitude_deg == 0.0  # the image of that hour; 0.07 by sunpy
    assert view(1.0, CRLN_OBS=342.437164, **real).longitude_deg == pytest.approx(30.07, abs=0.02)
    assert view(CRLT_OBS=None, HGLT_OBS=-2.0).latitude_deg == -2.0
    earth = view_of({**CARDS, "CDELT1": 2.0, "CDELT2": 2.0, "DSUN_OBS": "?", "CRLT_OBS": ""}, DAY, (SIZE, SIZE))
    assert earth.latitude_deg == pytest.approx(3.56, abs=0.05)  # what HMI's header says an hour later
    assert earth.radius_arcsec == pytest.approx(943.9, abs=1)


def test_without_an_image_the_disk_is_as_earth_sees_it():
    here = view_from_earth(DAY + dt.timedelta(hours=1))
    assert here.latitude_deg == pytest.approx(3.556, abs=0.02)  # CRLT_OBS of HMI's image of that hour
    assert here.radius_arcsec == pytest.approx(
        943.896, abs=0.3
    )  # and RSUN_OBS; SDO is up to 42,000 km nearer or farther
    place = place_regions(regions(("I", 12560, -8.0, -42.0, 0)), here)
    assert place["state"].tolist() == ["visible"]
    assert place["lon_deg"][0] == pytest.approx(-41.45, abs=0.01)  # as in that image


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"CTYPE1": None, "CUNIT1": None}, "no coordinates"),
        ({"CRPIX1": None}, "no coordinates"),
        ({"CDELT2": None}, "no coordinates"),
        ({"CDELT2": 0.0}, "no width"),
        ({"CUNIT1": "furlong"}, "no coordinates"),
        ({"CTYPE1": "CRLN-CEA"}, "a map in heliographic coordinates"),
        ({"CDELT1": 0.4, "CDELT2": 0.4}, r"1\.71 solar radii wide.*a part of the disk"),
        ({"CRPIX1": 200.0}, r"2\.15 solar radii wide.*centre at pixel 199, 513\.5: a part of the disk"),
        ({"CRVAL1": 500.0}, r"a part of the disk"),
    ],
)
def test_what_is_no_whole_disk_with_coordinates(cards, message):
    with pytest.raises(InputError, match=message):
        view(**cards)


@given(
    st.dictionaries(
        st.sampled_from(sorted({*CARDS, "PC1_1", "PC1_2", "PC2_1", "CD1_1", "CD2_2", "CD1_2", "CRLN_OBS", "HGLT_OBS"})),
        st.sampled_from([0, 0.0, -1.0, 1e300, -1e300, 1e-300, float("nan"), True, "", "x", 1e12, 90.0, 180, 3.6e4]),
        min_size=1,
        max_size=4,
    )
)
def test_a_header_that_says_anything_gives_a_place_or_is_refused(cards):
    try:
        here = view(1.0, **cards)
    except InputError:
        return
    place = place_regions(regions(("I", 12560, -18.0, 37.0, 0)), here)
    assert np.isfinite(place[["column", "row"]].to_numpy(float)).all() == (place["state"][0] == "visible")


def test_pixels_of_another_width_are_refused_or_make_smaller_patches():
    native, coarse = view(CDELT1=0.5044, CDELT2=0.5044), view(CDELT1=1.98, CDELT2=1.98)
    check_scale(native, instrument_ok=False)
    assert native.patch_pixels == 600
    with pytest.raises(InputError, match=r"pixels of 1\.98 arcsec; expected HMI's 0\.504.*--instrument-ok"):
        check_scale(coarse, instrument_ok=False)
    check_scale(coarse, instrument_ok=True)
    assert coarse.patch_pixels == round(600 * 0.504 / 1.98)
    with pytest.raises(InputError, match=r"a region's patch would have 12; expected at least 16"):
        check_scale(view(CDELT1=25.0, CDELT2=25.0), instrument_ok=True)
    with pytest.raises(InputError, match=r"a region's patch would have 6,048;"):
        check_scale(view(CDELT1=0.05, CDELT2=0.05, DSUN_OBS=9e12), instrument_ok=True)


def test_a_home_that_cannot_be_written_is_no_hindrance(tmp_path):
    place = tmp_path / "file"
    place.touch()
    code = """
import datetime as dt, os, numpy as np
from flarescope.disk.places import turned_longitude
day = dt.datetime(2016, 7, 7, tzinfo=dt.UTC)
print(turned_longitude(np.zeros(1), np.zeros(1), day, day + dt.timedelta(days=1)), os.environ.get("SUNPY_CONFIGDIR"))
"""
    environment = child_environment() | {"HOME": str(place), "XDG_CONFIG_HOME": str(place / "x")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[13.3")
    assert done.stdout.endswith("None\n")
