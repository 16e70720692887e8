import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.transform import resize

from flarescope.errors import InputError
from flarescope.images.magnetogram import read_fits
from flarescope.images.render import (
    FIELD_LIMIT_GAUSS,
    Rendering,
    field_of_pixels,
    render,
    render_field,
    render_png,
    scale_field,
)
from flarescope.images.resize import resize_field, resize_operator
from real_data import REAL_DATA, needs_real_data

RNG = np.random.default_rng(1)


def reference(field):
    """The recipe's own call (FACTS: skimage, order 1, reflect, clip, anti-aliasing)."""
    return resize(field, (224, 224), order=1, mode="reflect", clip=True, preserve_range=True, anti_aliasing=True)


@pytest.mark.parametrize("shape", [(600, 600), (377, 744), (224, 224), (100, 600), (225, 223), (37, 1167)])
def test_resize_equals_scikit_image(shape):
    field = RNG.normal(0, 500, shape)
    assert np.abs(resize_field(field) - reference(field)).max() < 1e-9


@given(st.integers(1, 900))
@settings(max_examples=20)
def test_a_constant_field_stays_constant(size):
    assert np.allclose(resize_operator(size).sum(axis=1), 1, atol=1e-12)


@needs_real_data
def test_rendering_equals_the_reference_on_every_real_file():
    files = sorted((REAL_DATA / "hmi").glob("[hm]*/*.fits"))
    assert len(files) == 83
    worst = 0.0
    for path in files:
        field = np.nan_to_num(read_fits(path).field_gauss)
        ours = resize_field(field)
        worst = max(worst, np.abs(ours - reference(field)).max())
        pixels = (reference(field) + 5978.7) / (2 * 5978.7) * 255
        assert np.array_equal(render_field(field)[0], scale_field(ours).astype(np.float32))
        assert np.abs(render_field(field)[0] - pixels).max() < 1e-4  # float32
    assert worst < 1e-9


def test_scale_of_the_pixels():
    assert scale_field(np.array([-FIELD_LIMIT_GAUSS, 0, FIELD_LIMIT_GAUSS])).tolist() == [0, 127.5, 255]
    assert field_of_pixels(scale_field(np.array([-12.5, 700.0]))).tolist() == pytest.approx([-12.5, 700.0])


def test_a_png_of_another_size_is_resized_by_nearest_neighbour():
    for shape in [(448, 448), (600, 500), (100, 224), (1, 1)]:
        pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
        pillow = Image.fromarray(pixels).resize((224, 224), Image.Resampling.NEAREST)
        assert (render_png(pixels)[0] == np.asarray(pillow)).all()


def test_colour_channels_come_first():
    pixels = RNG.integers(0, 256, (224, 224, 3), dtype=np.uint8)
    rendered = render_png(pixels)
    assert rendered.shape == (3, 224, 224)
    assert (rendered[2] == pixels[..., 2]).all()


def test_ids_go_there_and_back():
    for rendering in [Rendering("reference-png"), Rendering("reference-fits"), Rendering("reference-fits", "zero")]:
        again = Rendering.from_id(rendering.id)
        assert again.id == rendering.id
    assert Rendering("reference-fits", "zero").id == "reference-fits+nan-zero"
    assert Rendering("reference-png", "zero").id == "reference-png"  # a PNG has no NaN


@pytest.mark.parametrize("arguments", [("other",), ("reference-fits", "one")])
def test_unknown_renderings(arguments):
    with pytest.raises(InputError):
        Rendering(*arguments)


@needs_real_data
def test_nan_pixels_are_an_error_with_file_and_count_or_zero():
    path = next((REAL_DATA / "hmi" / "march2012_11harps_6hourly").glob("*.1422.*"))
    with pytest.raises(InputError, match=r"1422.*75,825 of 272,448 pixels are NaN.*--nan zero"):
        render(path, Rendering("reference-fits"))
    field = read_fits(path).field_gauss
    pixels = render(path, Rendering("reference-fits", "zero")).pixels
    assert np.array_equal(pixels, render_field(np.where(np.isnan(field), 0, field)))


def test_a_file_of_the_other_kind(tmp_path):
    with pytest.raises(InputError, match="expected a FITS file"):
        render(tmp_path / "a.png", Rendering("reference-fits"))
    with pytest.raises(InputError, match="expected a PNG file"):
        render(tmp_path / "a.fits", Rendering("reference-png"))
