"""Are files that are read without a FITS library read as astropy reads them, bit for bit, and all others left to it?"""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from flarescope.errors import InputError
from flarescope.images import magnetogram
from flarescope.images.fits.plain_fits import DESCRIBING_KEYS, read_plain_fits, scaled
from flarescope.images.magnetogram import read_fits
from real_data import REAL_DATA, needs_real_data

DESCRIPTION = {"T_REC": "2012.03.06_14:24:00_TAI", "NOAA_AR": 11429, "NOAA_ARS": "11429,11430", "QUALITY": 66560}
PATH = Path("x.fits")


def by_astropy(content):
    """The field as astropy gives it, scaled by astropy too, and the header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False) as hdus:
            hdus.verify("silentfix")
            hdu = next(hdu for hdu in hdus if hdu.is_image and hdu.header["NAXIS"] == 2)
            said = {key: hdu.header[key] for key in DESCRIBING_KEYS if key in hdu.header}
            return np.asarray(hdu.data, dtype=np.float64), said  # scaling them takes BSCALE and BITPIX from the header


def assert_same(found, expected):
    assert found is not None
    assert found[0].dtype == np.float64
    assert found[0].shape == expected[0].shape
    assert found[0].tobytes() == expected[0].tobytes()
    assert found[1] == expected[1]


def as_bytes(*hdus):
    content = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(content)
    return content.getvalue()


def rice_file(data, cards=(), **options):
    hdu = fits.CompImageHDU(data, compression_type="RICE_1", **options)
    hdu.header.update(dict(cards))
    return as_bytes(fits.PrimaryHDU(), hdu)


def plain_file(data, cards=()):
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(dict(cards))
    return as_bytes(hdu)


def numbers(dtype, shape, seed, spread):
    rng = np.random.default_rng(seed)
    limits = np.iinfo(dtype)
    walk = np.cumsum(rng.normal(0, spread, shape), axis=-1)
    return np.clip(walk, limits.min, limits.max).astype(dtype)


SHAPES = st.tuples(st.integers(1, 70), st.integers(1, 90))
SCALES = st.sampled_from([{}, {"BSCALE": 0.1, "BZERO": 0.0}, {"BSCALE": 2, "BZERO": -3}, {"BZERO": 0.25}])
BLANKS = st.sampled_from([None, -7, 1, 3, -32768])


@needs_real_data
def test_every_compressed_real_file_is_read_here_as_astropy_reads_it():
    files = sorted((REAL_DATA / "hmi").glob("[hm]*/hmi.*.fits"))
    assert len(files) == 82
    for path in files:
        content = path.read_bytes()
        assert_same(read_plain_fits(content), by_astropy(content))


@given(
    dtype=st.sampled_from([np.int16, np.int32]),
    shape=SHAPES,
    tile_rows=st.integers(1, 9),
    spread=st.sampled_from([0, 1, 30, 1e4, 1e9]),
    scale=SCALES,
    blank=BLANKS,
    seed=st.integers(0, 99),
)
def test_compressed_integers(dtype, shape, tile_rows, spread, scale, blank, seed):
    cards = DESCRIPTION | scale | ({} if blank is None else {"BLANK": blank})
    data = numbers(dtype, shape, seed, spread)
    content = rice_file(data, cards, tile_shape=(min(tile_rows, shape[0]), shape[1]))
    assert_same(read_plain_fits(content), by_astropy(content))


@given(dtype=st.sampled_from([np.uint8, np.int16, np.int32, np.int64]), shape=SHAPES, scale=SCALES, blank=BLANKS)
def test_plain_integers(dtype, shape, scale, blank):
    cards = DESCRIPTION | scale | ({} if blank is None else {"BLANK": blank})
    content = plain_file(numbers(dtype, shape, 0, 5), cards)
    assert_same(read_plain_fits(content), by_astropy(content))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [{}, {"BSCALE": 0.1}, {"BZERO": 3.0}, {"BLANK": 5}])
def test_plain_floats(dtype, scale):
    data = np.random.default_rng(0).normal(0, 300, (20, 30)).astype(dtype)
    data[3, 4:9] = np.nan
    content = plain_file(data, DESCRIPTION)
    hdu = fits.PrimaryHDU(data, fits.Header(DESCRIPTION))
    content = hdu.header.tostring().encode() + content[2880:]
    for key, value in scale.items():
        content = content.replace(
            f"{'END':80}".encode(), f"{key:8}= {value:>20}".ljust(80).encode() + b"END" + b" " * 77, 1
        )
        content = content[:2880] + content[2880 + 80 :]
    assert_same(read_plain_fits(content), by_astropy(content))


def test_a_blank_of_zero_is_masked_though_astropy_does_not():
    data = np.array([[0, 1], [-5, 0]], np.int32)
    for content in (rice_file(data, {"BLANK": 0}), plain_file(data, {"BLANK": 0, "BSCALE": 0.5})):
        for field in (read_plain_fits(content)[0], without_the_fast_way(read_fits, content).field_gauss):
            assert np.isnan(field).tolist() == [[True, False], [False, True]]
    assert not np.isnan(by_astropy(content)[0]).any()


def test_blanks_of_unsigned_integers_are_masked():
    data = np.array([[32768, 7]], np.uint16)  # stored as 0 and 7 - 32768, with BZERO 32768
    content = plain_file(data, {"BLANK": 0})
    assert str(read_plain_fits(content)[0].tolist()) == "[[nan, 7.0]]"
    assert str(without_the_fast_way(read_fits, content).field_gauss.tolist()) == "[[nan, 7.0]]"


def test_8_and_16_bits_are_scaled_in_float32_as_astropy_does():
    assert scaled(np.array([3], np.int16), 0.1, 0, None).tolist() == [float(np.float32(3) * np.float32(0.1))]
    assert scaled(np.array([3], np.int32), 0.1, 0, None).tolist() == [3 * 0.1]


@pytest.mark.parametrize(
    "content",
    [
        as_bytes(fits.PrimaryHDU(), fits.CompImageHDU(np.ones((9, 9), np.int32), compression_type="GZIP_1")),
        as_bytes(fits.PrimaryHDU(), fits.CompImageHDU(np.eye(50, dtype=np.float32), compression_type="RICE_1")),
        as_bytes(fits.PrimaryHDU(), fits.CompImageHDU(np.ones((3, 9, 9), np.int32), compression_type="RICE_1")),
        rice_file(np.ones((20, 20), np.int32), tile_shape=(10, 10)),
        rice_file(np.ones((9, 9), np.uint8)),
        as_bytes(fits.PrimaryHDU(), fits.ImageHDU(np.ones((9, 9)))),
        as_bytes(fits.PrimaryHDU(np.ones((9, 9))), fits.ImageHDU(np.ones((9, 9)))),
        rice_file(np.ones((9, 9), np.int32)) + b"\0" * 2880,
        rice_file(np.ones((9, 9), np.int32)).replace(b"BUNIT", b"bunit").replace(b"EXTEND  =", b"extend  ="),
        plain_file(np.ones((9, 9)), {"BUNIT": "a" * 90}),
        b"SIMPLE",
        b"",
    ],
    ids=[
        "gzip",
        "quantised",
        "cube",
        "square tiles",
        "bytes",
        "second",
        "two",
        "longer",
        "lower",
        "continue",
        "cut",
        "0",
    ],
)
def test_other_layouts_are_left_to_astropy(content):
    assert read_plain_fits(content) is None


def without_the_fast_way(read, content):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(magnetogram, "read_plain_fits", lambda _: None)
        return read(PATH, content)


def outcome(read, content):
    """What reading gives: the values, or that the file is refused in one line that names it."""
    try:
        found = read(PATH, content)
    except InputError as error:
        return "refused" if str(error).startswith("x.fits: ") and "\n" not in str(error) else str(error)
    return found.field_gauss.shape, found.field_gauss.tobytes(), found.time, found.noaa_ars, found.quality


def damaged(content, places, changes):
    content = bytearray(content)
    for place, change in zip(places, changes, strict=True):
        content[int(place * len(content))] = change
    return bytes(content)


WHOLE = [
    rice_file(numbers(np.int32, (20, 30), 1, 40), DESCRIPTION | {"BSCALE": 0.1, "BZERO": 0.0, "BLANK": -(2**31)}),
    rice_file(numbers(np.int16, (9, 40), 2, 40), DESCRIPTION, tile_shape=(4, 40)),
    plain_file(numbers(np.int32, (20, 30), 1, 40), DESCRIPTION | {"BSCALE": 0.1}),
    plain_file(np.random.default_rng(0).normal(0, 99, (20, 30)), DESCRIPTION),
]


@given(
    whole=st.sampled_from(WHOLE),
    bytes_changed=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_damaged_file_gives_what_astropy_gives_or_one_line(whole, bytes_changed):
    content = damaged(whole, *zip(*bytes_changed, strict=True))
    assert outcome(read_fits, content) == without_the_fast_way(lambda *a: outcome(read_fits, a[1]), content)


@given(whole=st.sampled_from(WHOLE), share=st.floats(0, 0.999))
def test_a_file_cut_short_gives_what_astropy_gives_or_one_line(whole, share):
    content = whole[: int(share * len(whole))]
    assert outcome(read_fits, content) == without_the_fast_way(lambda *a: outcome(read_fits, a[1]), content)


def with_descriptor(length, offset):
    """A file whose first tile claims another place in the heap."""
    content = WHOLE[0]
    start = 2880 + (content[2880:].find(b"END" + b" " * 77) // 2880 + 1) * 2880
    return content[:start] + np.array([length, offset], ">i4").tobytes() + content[start + 8 :]


@pytest.mark.parametrize(("length", "offset"), [(10, 2**31 - 1), (2**31 - 1, 0), (-1, 0), (10, -8), (0, 0)])
def test_a_tile_outside_the_heap_is_never_read(length, offset):
    assert read_plain_fits(with_descriptor(length, offset)) is None


def test_a_parameter_after_a_missing_one_does_not_count():
    content = WHOLE[1].replace(b"ZNAME1  = 'BLOCKSIZE'", b"OTHER   = 'BLOCKSIZE'", 1)
    assert read_plain_fits(content) is None  # BYTEPIX is ZNAME2, and so 4 by default, which 16-bit integers do not have


def test_a_tile_that_is_cut_is_left_to_astropy_which_says_so():
    assert read_plain_fits(with_descriptor(6, 0)) is None
    with pytest.raises(InputError, match=r"x\.fits: damaged or not FITS \(decompression error: hit end"):
        read_fits(PATH, with_descriptor(6, 0))


def test_an_image_of_billions_of_pixels_is_refused_before_memory_is_taken():
    content = WHOLE[0].replace(b"ZNAXIS1 =                   30", b"ZNAXIS1 =           2000000000", 1)
    with pytest.raises(InputError, match="expected at most 50,000,000 pixels"):
        read_fits(PATH, content)
