"""Are the 29 magnetic-complexity features what their definitions say, and is their published table read and written?"""

import contextlib
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flarescope.errors import InputError
from flarescope.images.magnetogram import read_fits
from flarescope.images.render import scale_field
from flarescope.images.resize import resize_field
from flarescope.magnetic import features as magnetic
from flarescope.magnetic.features import FEATURE_NAMES, features_of_file, magnetic_features
from flarescope.magnetic.table import compute_features, read_features_csv, write_features_csv
from magnetic_plain import plain_features
from real_data import REAL_DATA, needs_real_data

HEIGHT = {name: number for number, name in enumerate(FEATURE_NAMES)}
CUTOUT = REAL_DATA / "hmi/hmi_los_cutout_helioprojective_noaa11158/sdo-hmi_2011-02-14_20-34-12.fits"


def pixels(seed, size=(48, 56), scale=20.0):
    """Smooth whole-numbered polarities, as an 8-bit image minus 128 holds them."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    field = rng.normal(0, 1, size)
    for sign in (1, -1, 1, -1):
        row, column = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        field += sign * scale * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 60)
    return np.rint(field).clip(-128, 127)


def test_there_are_29_names_in_four_groups():
    groups = [name.split("_")[0] for name in FEATURE_NAMES]
    assert len(set(FEATURE_NAMES)) == 7 + 13 + 5 + 4
    assert groups == ["gradient"] * 7 + ["neutral"] * 13 + ["wavelet"] * 5 + ["flux"] * 4


@pytest.mark.parametrize("seed", range(4))
def test_whole_pixels_equal_the_plain_loop(seed):
    field = pixels(seed)
    np.testing.assert_allclose(magnetic_features(field), plain_features(field), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(2))
def test_fields_in_gauss_equal_the_plain_loop(seed):
    field = pixels(seed, (40, 33)) * 7.31
    np.testing.assert_allclose(magnetic_features(field), plain_features(field), rtol=1e-10, atol=1e-9)


@needs_real_data
def test_a_real_cutout_equals_the_plain_loop():
    field = read_fits(CUTOUT).field_gauss[200:300, 180:290]
    np.testing.assert_allclose(magnetic_features(field), plain_features(field), rtol=1e-9, atol=1e-9)


@needs_real_data
def test_a_real_cutout_as_8_bit_pixels_equals_the_plain_loop():
    field = np.rint(scale_field(resize_field(read_fits(CUTOUT).field_gauss))) - magnetic.ZERO_PIXEL
    np.testing.assert_allclose(magnetic_features(field), plain_features(field), rtol=1e-9, atol=1e-9)


def test_two_halves_of_opposite_sign():
    field = np.full((64, 64), 3.0)
    field[:, 32:] = -3.0
    features = dict(zip(FEATURE_NAMES, magnetic_features(field), strict=True))
    # Across the line Sobel sees (1 + 2 + 1) * (3 + 3); at the image's own edge only 4 * 3.
    assert features["gradient_max"] == 24
    assert features["neutral_line_fragments"] == 1
    assert features["neutral_line_length"] == 64
    assert features["neutral_line_weighted_length"] == 64
    assert features["flux_positive"] == 64 * 32 * 3
    assert features["flux_negative"] == -64 * 32 * 3
    assert features["flux_net"] == 0
    assert features["flux_unsigned"] == 64 * 64 * 3
    # 32 is a multiple of every block of the first five levels: no block straddles the line.
    assert all(features[f"wavelet_level_{level}"] == 0 for level in range(1, 6))


def test_a_checkerboard_has_only_the_finest_wavelet():
    field = np.indices((64, 64)).sum(axis=0) % 2 * 2.0 - 1.0
    features = magnetic_features(field)
    # Each block [[-1, 1], [1, -1]] gives one diagonal coefficient of (-1 - 1 - 1 - 1) / 2 = -2; there are 32 * 32.
    assert features[HEIGHT["wavelet_level_1"]] == pytest.approx(2 * 32 * 32)
    assert features[HEIGHT["wavelet_level_2"] : HEIGHT["wavelet_level_5"] + 1] == pytest.approx(np.zeros(4), abs=1e-9)


def test_a_field_of_one_sign_has_no_neutral_line():
    features = magnetic_features(np.full((40, 40), 5.0))
    assert (features[7:20] == 0).all()


def test_zero_field_is_all_zeros():
    assert (magnetic_features(np.zeros((40, 40))) == 0).all()


def test_pixels_that_cancel_draw_no_line_by_rounding():
    # Stripes of +-0.3 of period 10 sum to exactly 0 in every whole window; a mean by running sums leaves +-1e-17 there.
    field = np.zeros((60, 60))
    field[:, ::2] = 0.3
    field[:, 1::2] = -0.3
    rows, columns = magnetic.neutral_line_vertices(field)[0].T
    assert ((columns <= 5) | (columns >= 55) | (rows <= 5) | (rows >= 55)).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(-6, 6))
def test_a_larger_unit_scales_strength_and_leaves_shape(seed, power):
    field = pixels(seed, (40, 44))
    scale = 2.0**power
    first, second = magnetic_features(field), magnetic_features(field * scale)
    strength = [HEIGHT[name] for name in FEATURE_NAMES if name.startswith(("wavelet", "flux"))] + [0, 1, 2, 3, 4]
    shape = [number for number in range(29) if number not in strength]
    np.testing.assert_allclose(second[strength], first[strength] * scale, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(second[shape], first[shape], rtol=1e-9, atol=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_reversed_polarity_swaps_the_fluxes_only(seed):
    field = pixels(seed, (40, 44))
    first, second = magnetic_features(field), magnetic_features(-field)
    positive, negative, net = (HEIGHT[f"flux_{name}"] for name in ("positive", "negative", "net"))
    assert second[positive] == -first[negative]
    assert second[negative] == -first[positive]
    assert second[net] == -first[net]
    np.testing.assert_allclose(second[:7], first[:7])
    np.testing.assert_allclose(
        second[HEIGHT["wavelet_level_1"] : positive], first[HEIGHT["wavelet_level_1"] : positive]
    )


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(32, 70), st.integers(32, 70))
def test_every_field_gives_29_finite_numbers_in_range(seed, rows, columns):
    features = magnetic_features(np.random.default_rng(seed).normal(0, 50, (rows, columns)).round(seed % 3))
    named = dict(zip(FEATURE_NAMES, features, strict=True))
    assert features.shape == (29,)
    assert np.isfinite(features).all()
    assert named["neutral_line_fragments"] <= named["neutral_line_length"] <= named["neutral_line_weighted_length"]
    assert -math.pi / 2 <= named["neutral_line_angle_min"] <= named["neutral_line_angle_max"] <= 3 * math.pi / 2
    assert named["flux_net"] == pytest.approx(named["flux_positive"] + named["flux_negative"])


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (np.zeros((31, 64)), "at least 32 pixels"),
        (np.zeros((3, 64, 64)), "two dimensions"),
        (np.full((40, 40), np.nan), "1,600 of 1,600 pixels are not finite"),
        (np.where(np.eye(40) > 0, np.inf, 0), "40 of 1,600 pixels are not finite"),
    ],
)
def test_other_fields_are_refused(field, text):
    with pytest.raises(InputError, match=text):
        magnetic_features(field)


def test_a_png_is_its_pixels_minus_128(tmp_path):
    path = tmp_path / "a.png"
    field = pixels(5, (224, 224))
    Image.fromarray((field + 128).astype(np.uint8)).save(path)
    np.testing.assert_array_equal(features_of_file(path), magnetic_features(field))


def test_a_coloured_png_is_refused(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(100, 156, (40, 40, 3), np.uint8)).save(path)
    with pytest.raises(InputError, match=r"a\.png: a colour image"):
        features_of_file(path)


def png_folder(tmp_path, count=5):
    names = [
        f"11{number:02d}/11{number:02d}_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png" for number in range(count)
    ]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir()
        Image.fromarray((pixels(number) + 128).astype(np.uint8)).save(tmp_path / name)
    return names


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_in_order_with_damaged_files_named(tmp_path, workers):
    names = png_folder(tmp_path)
    (tmp_path / names[1]).write_bytes(b"\x89PNG not really")
    done = []
    result = compute_features(tmp_path, [*names, "1199/none.png"], workers=workers, progress=done.append)
    assert result.filenames == (names[0], *names[2:])
    expected = [magnetic_features(pixels(number)) for number in (0, 2, 3, 4)]
    np.testing.assert_array_equal(result.features, expected)
    assert [failure.filename for failure in result.failures] == [names[1], "1199/none.png"]
    assert "not a PNG" in result.failures[0].reason
    assert "no such image" in result.failures[1].reason
    assert sum(done) == 6


def table(count=3):
    features = pd.DataFrame([magnetic_features(pixels(number)) for number in range(count)], columns=FEATURE_NAMES)
    flares = ["C1.1", None, "X2.2"][:count]
    return features.assign(
        label=pd.array([int(flare is not None) for flare in flares], dtype="Int8"),
        flare=pd.array(flares, dtype="str"),
        filename=[f"1121/1121_hmi.M_720s.20101110_05{number}000_TAI.1.magnetogram_224.png" for number in range(count)],
    )


def test_the_published_form_and_back(tmp_path):
    path = tmp_path / "f.csv"
    write_features_csv(table(), path)
    lines = path.read_text().splitlines()
    assert all(line.count(",") == 31 for line in lines)
    assert lines[0].split(",")[29:] == ["1", "C1.1", "1121_hmi.M_720s.20101110_050000_TAI.1.magnetogram_224.png"]
    assert lines[1].split(",")[29:31] == ["0", "0"]
    read = read_features_csv(path)
    expected = table()
    pd.testing.assert_frame_equal(read[list(FEATURE_NAMES)], expected[list(FEATURE_NAMES)], check_exact=True)
    assert read["label"].tolist() == [1, 0, 1]
    assert read["flare"].isna().tolist() == [False, True, False]
    assert read["filename"].tolist() == [name.split("/")[1] for name in expected["filename"]]


def test_a_name_that_the_published_form_cannot_say(tmp_path):
    odd = table().assign(filename=["a,b.png", "c.png", "d.png"])
    with pytest.raises(InputError, match=r"cannot write .*f\.csv"):
        write_features_csv(odd, tmp_path / "f.csv")
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=29, max_size=29))
def test_every_number_is_read_back_to_the_last_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("any") / "f.csv"
    written = pd.DataFrame([numbers], columns=FEATURE_NAMES).assign(label=0, flare=None, filename="a.png")
    write_features_csv(written, path)
    assert read_features_csv(path)[list(FEATURE_NAMES)].to_numpy().tolist() == [numbers]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda fields: fields[:-1], "row 2.*32 columns"),
        (lambda fields: [*fields, "more"], "row 2.*32 columns"),
        (lambda fields: ["wide", *fields[1:]], "row 2.*column 1 .gradient_mean. is 'wide'"),
        (lambda fields: ["nan", *fields[1:]], "row 2.*column 1 .gradient_mean. is nan"),
        (lambda fields: [*fields[:29], "2", *fields[30:]], "row 2.*class is '2'"),
        (lambda fields: [*fields[:29], "", *fields[30:]], "row 2.*class"),
        (lambda fields: [*fields[:31], ""], "row 2.*no file name"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path, change, text):
    path = tmp_path / "f.csv"
    write_features_csv(table(), path)
    lines = path.read_text().splitlines()
    lines[1] = ",".join(change(lines[1].split(",")))
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=rf"f\.csv.*{text}"):
        read_features_csv(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\xff\xfe", b"filename,class\n1,2\n"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"f\.csv"):
        read_features_csv(path)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_an_input_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "f.csv"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert len(read_features_csv(path).columns) == 32
