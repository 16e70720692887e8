"""Does the scale bar have its length, and does N point north, in pictures of files as they lie?"""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.figures import gallery_figure
from flarescope.figures.scale_marks import NOTHING_KNOWN, scale_marks
from flarescope.html_report.pictures import picture_of
from flarescope.images.look import look_of, look_of_png
from report_data import synthetic_forecasts, synthetic_gallery

HEADER = {"CTYPE1": "HPLN-TAN", "CUNIT1": "arcsec", "CDELT1": 0.5, "CDELT2": 0.5, "CRPIX1": 300, "CRPIX2": 300}


def marks(**changes):
    look = look_of(HEADER | changes, (600, 600))
    return scale_marks(look.width_mm, look.crota_deg, look.mirrored)


def test_hmis_images_have_north_up_and_west_to_the_left():
    found = marks(CROTA2=180.0)
    assert found.north == pytest.approx((0, -1))
    assert found.west == pytest.approx((-1, 0))
    assert found.words == "Scale bar of 50 Mm, north is up"
    turned = marks(CROTA2=0.0)
    assert turned.north == pytest.approx((0, 1))  # the first row, the southernmost, is on top
    assert turned.west == pytest.approx((1, 0))


@given(st.floats(0, 360))
def test_the_arrows_are_where_the_header_puts_a_step(turn):
    found = marks(CROTA2=turn)
    angle = np.radians(turn)
    # A step right is one column on, a step down one row: FITS turns both into west and north (Thompson 2006, eq. 32).
    (right, down), (west_right, west_down) = found.north, found.west
    assert np.cos(angle) * right - np.sin(angle) * down == pytest.approx(0, abs=1e-9)
    assert np.sin(angle) * right + np.cos(angle) * down == pytest.approx(1)
    assert np.cos(angle) * west_right - np.sin(angle) * west_down == pytest.approx(1)


def test_the_bar_is_so_long_as_it_says():
    look = look_of_png("1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png", {}, (224, 224))
    found = scale_marks(look.width_mm, look.crota_deg, look.mirrored)
    assert found.bar_share * look.width_mm == pytest.approx(found.bar_mm) == 50
    assert found.north == pytest.approx((0, -1))
    assert scale_marks(None, None, None) == NOTHING_KNOWN
    assert NOTHING_KNOWN.words == ""
    assert scale_marks(100.0, 10.0, True).north is None


def test_marks_stand_over_the_picture():
    _, images = synthetic_gallery(synthetic_forecasts(200, 4))[0]
    marked = dataclasses.replace(images[0], marks=marks(CROTA2=180.0))
    picture = picture_of(marked)
    assert ">50 Mm</text>" in picture.marks
    assert ">N</text>" in picture.marks
    assert picture_of(images[0]).marks == ""
    drawn = {text.get_text() for text in gallery_figure([("hits", [marked])]).subfigs[0].axes[0].texts}
    assert drawn == {"50 Mm", "N", "W"}
