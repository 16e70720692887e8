import datetime as dt
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image

from flarescope.errors import InputError
from flarescope.images.magnetogram import read_fits
from flarescope.images.png import read_png
from real_data import REAL_DATA, needs_real_data

RNG = np.random.default_rng(0)


def wrote(path, hdus):
    fits.HDUList(hdus).writeto(path)
    return path


def field(rows=20, columns=30):
    return RNG.normal(0, 200, (rows, columns)).astype(np.float32)


def one_line(error, path):
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return text


@needs_real_data
def test_every_whole_real_file_is_what_the_table_says():
    table = pd.read_csv(REAL_DATA / "hmi" / "labels_derived.csv")
    assert len(table) == 83
    for row in table.itertuples():
        found = read_fits(REAL_DATA / "hmi" / row.file)
        shape = "x".join(str(n) for n in found.field_gauss.shape)
        assert shape == row.shape
        assert found.nan_pixels == row.nan_pixels
        assert np.nanmin(found.field_gauss) == pytest.approx(row.min_gauss, abs=0.051)
        assert np.nanmax(found.field_gauss) == pytest.approx(row.max_gauss, abs=0.051)
        assert found.quality == row.quality
        assert found.time == pd.Timestamp(row.t_rec_tai, tz="UTC") - pd.Timedelta(seconds=34)
        if "helioprojective" not in row.file:  # its header names no region; the table found it by position
            listed = [] if pd.isna(row.noaa_ars) else [int(text) for text in str(row.noaa_ars).split()]
            assert sorted(found.noaa_ars) == listed


@needs_real_data
def test_every_damaged_real_file_is_named_in_one_line():
    files = sorted((REAL_DATA / "hmi" / "damaged_fits_as_found").iterdir())
    assert len(files) == 5
    for path in files:
        with pytest.raises(InputError) as error:
            read_fits(path)
        assert "again" in one_line(error, path)


@needs_real_data
def test_no_file_handle_stays_open():
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("no /proc: open files cannot be counted here")
    for path in [*(REAL_DATA / "hmi" / "damaged_fits_as_found").iterdir()][:3]:
        with pytest.raises(InputError):
            read_fits(path)
    read_fits(next((REAL_DATA / "hmi" / "harp377_noaa11158_201102_hourly").iterdir()))
    targets = [str(handle.readlink()) for handle in handles.iterdir() if handle.is_symlink()]
    assert [target for target in targets if target.startswith(str(REAL_DATA.resolve()))] == []


@pytest.mark.parametrize("kind", ["plain", "rice", "second", "gzip"])
def test_the_first_hdu_that_holds_an_image(tmp_path, kind):
    data = np.round(field() * 10).astype(np.int32)
    path = tmp_path / ("a.fits.gz" if kind == "gzip" else "a.fits")
    hdus = {
        "plain": [fits.PrimaryHDU(data)],
        "gzip": [fits.PrimaryHDU(data)],
        "rice": [fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type="RICE_1")],
        "second": [fits.PrimaryHDU(), fits.BinTableHDU.from_columns([]), fits.ImageHDU(data), fits.ImageHDU(-data)],
    }[kind]
    found = read_fits(wrote(path, hdus))
    assert found.field_gauss.dtype == np.float64
    assert (found.field_gauss == data).all()
    assert (found.time, found.noaa_ar, found.quality) == (None, None, None)


def test_scaled_integers_with_a_blank_become_nan(tmp_path):
    hdu = fits.PrimaryHDU(np.array([[10, -32768], [30, 40]], np.int16))
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.1, 0.0, -32768
    found = read_fits(wrote(tmp_path / "a.fits", [hdu]))
    assert found.nan_pixels == 1
    assert found.field_gauss[1].tolist() == pytest.approx([3.0, 4.0])


def test_what_the_header_says(tmp_path):
    hdu = fits.PrimaryHDU(field())
    cards = {"T_REC": "2012.03.06_14:24:00_TAI", "NOAA_AR": 11429, "NOAA_ARS": "11429,11430", "QUALITY": 66560}
    hdu.header.update({**cards, "BUNIT": "Mx/cm^2"})
    found = read_fits(wrote(tmp_path / "a.fits", [hdu]))
    assert found.time == dt.datetime(2012, 3, 6, 14, 23, 26, tzinfo=dt.UTC)
    assert found.noaa_ars == (11429, 11430)
    assert found.noaa_ar == 11429
    assert found.quality == 66560


def test_an_invalid_card_is_mended(tmp_path):
    content = io.BytesIO()
    fits.PrimaryHDU(field()).writeto(content)
    block = content.getvalue().replace(b"END" + b" " * 77, b"BAD=KEY " + b"x\x01" + b" " * 70 + b"END" + b" " * 77, 1)
    path = tmp_path / "a.fits"
    path.write_bytes(block[:2880] + content.getvalue()[2880:])
    assert read_fits(path).field_gauss.shape == (20, 30)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: b"", "the file is empty"),
        (lambda: bytes(5760), "begins with zero bytes"),
        (lambda: b"not a fits file at all" * 200, "begins with b'not a fits"),
        (lambda: as_bytes(fits.PrimaryHDU(field(200, 200)))[:20000], "damaged or not FITS"),
        (lambda: as_bytes(fits.PrimaryHDU()), "no HDU with an image"),
        (lambda: as_bytes(fits.PrimaryHDU(np.zeros((2, 3, 4), np.float32))), "shape (2, 3, 4)"),
        (lambda: as_bytes(with_unit("kG")), "the unit is 'kG'"),
    ],
)
def test_bad_fits(tmp_path, make, message):
    path = tmp_path / "bad.fits"
    path.write_bytes(make())
    with pytest.raises(InputError) as error:
        read_fits(path)
    assert message in one_line(error, path)


def as_bytes(hdu):
    content = io.BytesIO()
    fits.HDUList([hdu]).writeto(content)
    return content.getvalue()


def with_unit(unit):
    hdu = fits.PrimaryHDU(field())
    hdu.header["BUNIT"] = unit
    return hdu


def test_a_missing_image(tmp_path):
    with pytest.raises(InputError, match="no such image"):
        read_fits(tmp_path / "none.fits")
    with pytest.raises(InputError, match="no such image"):
        read_png(tmp_path / "none.png")


def test_png_modes(tmp_path):
    grey = RNG.integers(0, 256, (8, 9), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(tmp_path / "equal.png")
    colour = RNG.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(np.dstack([grey, grey, grey, grey // 2])).save(tmp_path / "alpha.png")
    assert (read_png(tmp_path / "grey.png") == grey).all()
    assert (read_png(tmp_path / "equal.png") == grey).all()
    assert read_png(tmp_path / "equal.png").ndim == 2
    assert (read_png(tmp_path / "colour.png") == colour).all()
    assert read_png(tmp_path / "deep.png").tolist() == grey.astype(float).tolist()  # 257 n / 257 = n
    assert (read_png(tmp_path / "alpha.png") == grey).all()


def test_16_bit_png_is_not_rounded(tmp_path):
    Image.fromarray(np.array([[0, 1, 65535]], np.uint16)).save(tmp_path / "deep.png")
    assert read_png(tmp_path / "deep.png").tolist() == [[0.0, pytest.approx(1 / 257), 255.0]]


def test_bad_png(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (224, 224), dtype=np.uint8)).save(whole, format="PNG")
    cases = {
        "cut.png": (whole.getvalue()[:20_000], "damaged or cut short"),
        "text.png": (b"this is text, renamed\n" * 10, "not a PNG"),
        "empty.png": (b"", "the file is empty"),
        "head.png": (whole.getvalue()[:30], "again"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError) as error:
            read_png(path)
        assert message in one_line(error, path)
