"""Does the drawing of the disk show each region where it is, with labels that can be read?"""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

import flarescope
from disks import disk_field, write_disk, write_summary
from fakes import Heard
from flarescope.cli import main
from flarescope.disk.overview import block_means, overview, strongest_of_four
from flarescope.disk.places import on_sky
from flarescope.figures.disk import DiskMark, disk_figure, percent, position
from flarescope.figures.spread import spread
from flarescope.figures.style import styled
from flarescope.figures.svg import inline_svg, save_figures
from test_disk_places import view


def mark(number, longitude, latitude, **more):
    shares = {"C": 0.31, "M": 0.042, "X": 0.003}
    return DiskMark(number, longitude, latitude, "Dso", 100.0, **({"probabilities": shares} | more))


@styled
def boxes(figure):
    """The label's boxes in shares of the figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    axes = figure.axes[0]
    texts = [text for text in axes.texts if text.get_text()]
    width, height = canvas.get_width_height()
    return {text: text.get_window_extent(renderer).bounds for text in texts}, (width, height)


def overlap(one, other):
    (x, y, w, h), (u, v, p, q) = one, other
    return min(x + w, u + p) - max(x, u) > 0.5 and min(y + h, v + q) - max(y, v) > 0.5


@settings(max_examples=12)
@given(st.lists(st.tuples(st.floats(-85, 85), st.floats(-60, 60)), max_size=30), st.floats(-7.25, 7.25))
def test_no_label_covers_another_or_the_disk_or_leaves_the_figure(places, tilt):
    marks = [mark(12000 + i, *place) for i, place in enumerate(places)]
    found, (width, height) = boxes(disk_figure(marks, tilt_deg=tilt, title="a", caption="b"))
    listed = list(found.items())
    for i, (text, box) in enumerate(listed):
        assert 0 <= box[0] <= box[0] + box[2] <= width
        assert 0 <= box[1] <= box[1] + box[3] <= height
        assert not [other.get_text() for other, second in listed[i + 1 :] if overlap(box, second)], text.get_text()
    seen = [place for place in places if position(*place, tilt) is not None]  # 85 degrees west can be behind the limb
    assert sum("Dso" in text.get_text() for text in found) == len(seen)


def test_labels_say_number_class_and_probabilities():
    figure = disk_figure([mark(11374, 40, -18), mark(11375, -46, 8, probabilities={})])
    told = [text.get_text() for text in figure.axes[0].texts]
    assert "11374 Dso" in told
    assert "C 31 · M 4 · X <1 %" in told
    assert "11375 Dso" in told
    four = {"C": 0.5, "M": 0.25, "X": 0.125, "Y": 0.0625}
    long = {f"C{i}.0+ within 24 h": 0.5 for i in range(3)}
    told = [
        text.get_text()
        for text in disk_figure([mark(1, 0, 0, probabilities=four), mark(2, 0, 20, probabilities=long)]).axes[0].texts
    ]
    assert "C 50 · M 25 · X 12 %" in told  # three at most
    assert "C2.0+ within 24 h 50 %" in told  # a line each where they are long


@pytest.mark.parametrize(("value", "text"), [(0.0, "<1"), (0.0099, "<1"), (0.31, "31"), (0.99, "99"), (0.995, ">99")])
def test_a_probability_is_never_written_as_certain(value, text):
    assert percent(value) == text


def test_regions_behind_the_limb_are_named_below():
    figure = disk_figure([mark(11374, 40, -18), mark(11358, -102, 20), mark(11361, 91, 0)], caption="of C1.0+")
    below = [text.get_text() for text in figure.texts]
    assert "not visible: 11358, 11361\nof C1.0+" in below
    assert all("11358" not in text.get_text() for text in figure.axes[0].texts)


@given(st.floats(-80, 80), st.floats(-70, 70))
@settings(max_examples=20)
def test_a_place_is_drawn_where_the_coordinates_put_it(longitude, latitude):
    here = view(DSUN_OBS=215 * 696e6, CDELT1=2.0, CDELT2=2.0)
    x, y, visible = on_sky(np.array([longitude]), np.array([latitude]), here)  # sunpy's way
    found = position(longitude, latitude, here.latitude_deg)
    assert visible[0] == (found is not None)
    if found is not None:
        assert found == pytest.approx((x[0] / here.radius_arcsec, y[0] / here.radius_arcsec), abs=2e-4)


def test_the_limb_is_at_one_radius_and_the_middle_at_none():
    assert position(0, 5, 5) == pytest.approx((0, 0))
    limb = 90 - math.degrees(1 / 215) - 1e-6
    assert math.hypot(*position(limb, 0, 0)) == pytest.approx(1, abs=1e-6)
    assert position(limb + 0.01, 0, 0) is None


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 0.2)), max_size=12),
)
def test_labels_pushed_apart_touch_at_most_and_keep_their_order(labels):
    wanted, heights = [middle for middle, _ in labels], [height for _, height in labels]
    half = max(1.0, sum(heights) / 2)
    found = spread(wanted, heights, -half, half)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    for one, other in pairwise(order):
        assert found[other] - found[one] >= (heights[one] + heights[other]) / 2 - 1e-9
    assert all(-half - 1e-9 <= f - h / 2 and f + h / 2 <= half + 1e-9 for f, h in zip(found, heights, strict=True))


def test_labels_with_room_stay_where_they_are_and_two_at_one_place_share_it():
    assert spread([0.5, -0.5], [0.2, 0.2], -1, 1) == pytest.approx([0.5, -0.5])
    assert sorted(spread([0.0, 0.0], [0.2, 0.2], -1, 1)) == pytest.approx([-0.1, 0.1])
    assert spread([5.0], [0.2], -1, 1) == pytest.approx([0.9])


@pytest.mark.parametrize("crota", [0.0, 90.0, 180.0])
def test_the_small_image_is_upright_however_the_camera_lies(crota):
    here = view(CROTA2=crota)
    field = np.zeros((1024, 1024))
    for west, north, value in ((0.5, 0.0, 900.0), (0.0, 0.5, -700.0)):
        degrees = here.radius_arcsec / 3600
        column, row = here.wcs.all_world2pix([west * degrees], [north * degrees], 0)
        at = round(float(row[0])), round(float(column[0]))
        field[at[0] - 12 : at[0] + 13, at[1] - 12 : at[1] + 13] = value
    small = overview(field, here, side=200)
    assert small[100, 150] == pytest.approx(900)  # west is right
    assert small[50, 100] == pytest.approx(-700)  # north is up
    assert np.isnan(small[0, 0])
    assert small[100, 50] == small[150, 100] == 0


def test_squares_are_averaged_over_what_has_a_value():
    field = np.array([[1.0, 3.0, np.nan], [np.nan, 5.0, np.nan], [7.0, 7.0, 7.0]])
    np.testing.assert_allclose(block_means(field, 2), [[3.0]])
    np.testing.assert_allclose(block_means(np.full((2, 2), np.nan), 2), [[np.nan]])


def test_of_four_squares_the_strongest_is_shown():
    field = np.array([[1.0, -3.0, np.nan, np.nan], [2.0, 0.0, np.nan, 0.5], [9.0, 9.0, 9.0, 9.0]])
    np.testing.assert_array_equal(strongest_of_four(field), [[-3.0, 0.5]])
    np.testing.assert_array_equal(strongest_of_four(np.full((2, 2), np.nan)), [[np.nan]])


def test_it_is_saved_as_png_and_svg_and_the_same_every_time(tmp_path):
    field = overview(disk_field(), view(), side=64)
    for folder in ("a", "b"):
        save_figures({"disk": disk_figure([mark(11374, 40, -18)], field_gauss=field)}, tmp_path / folder)
    assert (tmp_path / "a/disk.svg").read_bytes() == (tmp_path / "b/disk.svg").read_bytes()
    with Image.open(tmp_path / "a/disk.png") as image:
        assert image.size[0] >= 1000
    page = inline_svg(disk_figure([mark(11374, 40, -18)]), "disk", "the disk")
    assert "var(--ink)" in page  # labels take the page's colour, dark or light


def test_an_empty_disk_is_drawn(tmp_path):
    figure = disk_figure([])
    assert {text.get_text() for text in figure.axes[0].texts} == {"N", "S", "E", "W"}
    assert isinstance(figure.axes[0].texts[0], Text)


def test_the_command_draws_on_request(tmp_path):
    image = write_disk(tmp_path / "disk.fits")
    summary = write_summary(tmp_path / "SRS.txt", "2560 S08E20   292  0010 Axx  01   01 Alpha")
    out = tmp_path / "out"
    assert main(["disk", "cut", str(image), "--regions", str(summary), "--out", str(out), "--draw", "--quiet"]) == 0
    assert {path.name for path in out.iterdir()} == {"2560", "patches.csv", "regions.csv", "disk.png", "disk.svg"}
    text = Path(out / "disk.svg").read_text()
    assert "12560 Axx" in text
    assert "not visible: 12550" in text
    table = flarescope.cut_disk(image, regions=[summary], out=tmp_path / "other", reporter=Heard()).table
    assert table.loc[0, ["mcintosh", "hale", "area_msh"]].tolist() == ["Axx", "Alpha", 10]
