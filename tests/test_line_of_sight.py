"""Is everything that is no line-of-sight field of one region refused by name, and everything that is one taken?"""

import io
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import skimage
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fakes import HELIOPROJECTIVE
from flarescope.errors import InputError
from flarescope.images.instruments import bad_quality, instrument_of, segment_in_name
from flarescope.images.line_of_sight import Accept, NotMagnetogramError
from flarescope.images.look import NOTHING_KNOWN
from flarescope.images.magnetogram import read_fits
from flarescope.images.plausible import check_pixels
from flarescope.images.reduce import reduced_pixels
from flarescope.images.region import read_region, read_region_png
from flarescope.images.scan import scan_file
from real_data import REAL_DATA, needs_real_data

CASES = REAL_DATA / "cases"
RECORD = CASES / "segments" / "hmi.sharp_cea_720s.377.20110215_020000_TAI"
HMI = {"TELESCOP": "SDO/HMI", "INSTRUME": "HMI_SIDE1", "CONTENT": "MAGNETOGRAM", "BUNIT": "Gauss"}
CUTOUT = HELIOPROJECTIVE | {"CROTA2": 0.0, "RSUN_OBS": 960.0, "CRLT_OBS": 0.0}


def noise(rows=64, columns=80, spread=200.0, seed=0):
    return np.round(np.random.default_rng(seed).normal(0, spread, (rows, columns)), 1)


def wrote(path, field, cards):
    hdu = fits.PrimaryHDU(field)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def real_magnetograms():
    found = [*(REAL_DATA / "hmi").glob("[hm]*/*.fits"), *(REAL_DATA / "hmi").glob("*.magnetogram.fits")]
    return sorted([*found, RECORD.with_name(f"{RECORD.name}.magnetogram.fits")])


@needs_real_data
def test_every_real_magnetogram_is_taken():
    files = real_magnetograms()
    assert len(files) == 50 + 32 + 1 + 1 + 1
    flagged = {path.name.split(".")[2]: found.flags for path in files if (found := read_region(path)).flags}
    assert flagged == {"1422": ("limb70",), "1425": ("limb60",)}  # LON_FWT 81.9 and 69.2 degrees


@needs_real_data
def test_every_real_magnetogram_is_taken_as_a_png_without_a_header():
    for path in real_magnetograms():
        check_pixels(path, reduced_pixels(np.nan_to_num(read_fits(path).field_gauss)), NOTHING_KNOWN)


@needs_real_data
@pytest.mark.parametrize("segment", ["Br", "bitmap", "conf_disambig"])
@pytest.mark.parametrize("name", ["{record}.{segment}.fits", "renamed.fits"])
def test_other_segments_are_refused_by_name_and_by_header(tmp_path, segment, name):
    path = tmp_path / name.format(record=RECORD.name, segment=segment)
    shutil.copy(RECORD.with_name(f"{RECORD.name}.{segment}.fits"), path)
    with pytest.raises(NotMagnetogramError) as error:
        read_fits(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "expected a line-of-sight magnetogram" in str(error.value)
    assert (f"{segment} by its name" in str(error.value)) == (name != "renamed.fits")


@needs_real_data
@pytest.mark.parametrize("segment", ["Br", "bitmap", "conf_disambig"])
def test_other_segments_are_refused_by_their_values_alone(tmp_path, segment):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = fits.getdata(RECORD.with_name(f"{RECORD.name}.{segment}.fits")).astype(np.float64)
    path = wrote(tmp_path / "a.fits", values, HMI)
    with pytest.raises(NotMagnetogramError, match="Br, Bp and Bt" if segment == "Br" else "of one sign"):
        read_region(path)


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"TELESCOP": "SDO/AIA", "INSTRUME": "AIA_2", "BUNIT": ""}, "of SDO/AIA AIA_2, which measures no magnetic"),
        ({"TELESCOP": "RHESSI", "INSTRUME": "RHESSI", "BUNIT": ""}, "of RHESSI RHESSI, which measures no magnetic"),
        ({"TELESCOP": "SOHO", "INSTRUME": "EIT", "BUNIT": ""}, "of SOHO EIT, which measures no magnetic field"),
        ({"TELESCOP": "SOHO", "INSTRUME": "MDI"}, "of MDI, another magnetograph.*--instrument-ok"),
        ({"TELESCOP": "NSO-GONG", "INSTRUME": ""}, "of GONG, another magnetograph.*--instrument-ok"),
        ({"TELESCOP": "SOMETHING", "INSTRUME": "NEW"}, "of SOMETHING NEW, not known here.*--instrument-ok"),
        ({"CONTENT": "DOPPLERGRAM"}, "CONTENT is 'DOPPLERGRAM'"),
        ({"CONTENT": "CONTINUUM INTENSITY"}, "CONTENT is 'CONTINUUM INTENSITY'"),
        ({"CONTENT": "HMI observable", "BUNIT": ""}, "it has no unit"),
        ({"BUNIT": "DN/s"}, "the unit is 'DN/s'; expected gauss"),
        ({"BUNIT": "degree"}, "the unit is 'degree'; expected gauss"),
    ],
)
def test_what_the_header_says_is_refused_by_name(tmp_path, cards, message):
    path = wrote(tmp_path / "a.fits", noise(), HMI | cards)
    with pytest.raises(NotMagnetogramError, match=message):
        read_fits(path)


@pytest.mark.parametrize("cards", [{"TELESCOP": "SOHO", "INSTRUME": "MDI"}, {"TELESCOP": "NSO-GONG", "INSTRUME": ""}])
def test_other_magnetographs_are_taken_only_when_asked_for_and_flagged(tmp_path, cards):
    path = wrote(tmp_path / "a.fits", noise(), HMI | cards)
    found = read_region(path, accept=Accept(instrument_ok=True))
    assert found.flags == ("instrument",)
    assert scan_file(str(path), True)["instrument"] in ("MDI", "GONG")
    with pytest.raises(NotMagnetogramError) as error:
        read_region(path)
    assert scan_file(str(path)) == {"other": str(error.value)}


@pytest.mark.parametrize("cards", [{"TELESCOP": "SDO/AIA", "INSTRUME": "AIA_2"}, {"CONTENT": "DOPPLERGRAM"}])
def test_what_is_no_magnetogram_stays_refused(tmp_path, cards):
    with pytest.raises(NotMagnetogramError):
        read_region(wrote(tmp_path / "a.fits", noise(), HMI | cards), accept=Accept(instrument_ok=True))


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (np.zeros((64, 64)), "every pixel is 0"),
        (np.full((64, 64), 123.4), "every pixel is 123.4"),
        (np.full((64, 64), np.nan), "no pixel has a value"),
        (np.ones((1, 1)), "1 x 1 pixels"),
        (noise(15, 64), "64 x 15 pixels"),
        (np.abs(noise()), "of one sign"),
        (-np.abs(noise()) - 1, "of one sign"),
        (np.sign(noise()), "only whole numbers from -1 to 1"),
        (noise(spread=1500) + 2000, "half of its values are larger than"),
        (noise(spread=1500), "half of its values are larger than 1[01].., either sign"),
        (np.pad(noise(48, 64), 8), "no field in its corners, as around a whole disk"),
        (np.pad(noise(48, 64), 8, constant_values=np.nan), "no field in its corners"),
    ],
)
def test_what_the_values_say(tmp_path, field, message):
    path = wrote(tmp_path / "a.fits", field, HMI)
    with pytest.raises(NotMagnetogramError, match=message):
        read_region(path)


@needs_real_data
def test_a_whole_disk_is_read_but_is_no_region():
    for path in sorted((REAL_DATA / "fulldisk").glob("*.fits")):
        whole = read_fits(path)
        assert whole.field_gauss.shape == (4096, 4096)
        assert whole.flags == ()  # QUALITY 66560 and 0
        with pytest.raises(NotMagnetogramError, match=r"a whole disk, 2\.1\d solar radii wide.*cut its regions out"):
            read_region(path)


@pytest.mark.parametrize(("pixels", "taken"), [(600, True), (950, True), (953, False), (4096, False)])
def test_half_a_solar_radius_is_the_widest_region_in_the_plane_of_the_sky(tmp_path, pixels, taken):
    # 0.504 arcsec times 952 is 479.8, half of RSUN_OBS 960 is 480
    path = wrote(tmp_path / "a.fits", noise(40, pixels), HMI | CUTOUT | {"CRPIX1": pixels / 2, "CRPIX2": 20})
    if taken:
        assert read_region(path).look.width_mm == pytest.approx(0.504 * pixels / 960 * 696)
    else:
        with pytest.raises(NotMagnetogramError, match="solar radii wide"):
            read_region(path)


@pytest.mark.parametrize(
    ("quality", "bad"),
    [(0, 0), (1024, 0), (72704, 0), (66560, 0), (-2147483648, 0x80000000), (0x100, 0x100), (66560 | 0x20, 0x20)],
)
def test_quality_that_is_bad_is_flagged_and_that_of_near_real_time_is_not(tmp_path, quality, bad):
    assert bad_quality(quality) == bad
    found = read_region(wrote(tmp_path / "a.fits", noise(), HMI | {"QUALITY": quality}))
    assert found.flags == (("quality",) if bad else ())


def test_a_header_that_names_no_instrument_is_flagged(tmp_path):
    assert read_region(wrote(tmp_path / "a.fits", noise(), {})).flags == ("unnamed",)


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("hmi.sharp_cea_720s.377.20110215_020000_TAI.magnetogram.fits", None),
        ("1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png", None),
        ("hmi.M_720s_nrt.20261125_120000_TAI.fits", None),
        ("hmi.sharp_cea_720s.377.20110215_020000_TAI.Bp_err.fits.gz", "Bp_err"),
        ("hmi.sharp_cea_720s.377.20110215_020000_TAI.Br_224.png", "Br"),
        ("x.BITMAP.FITS", "BITMAP"),
        ("hmi.ic_45s.2014.01.01_00_00_45_TAI.continuum.fits", "continuum"),
        ("hmi.V_720s.20140101_000000_TAI.1.fits", "hmi.V"),
        ("aia.lev1_euv_12s.2014-01-01T000001Z.171.image_lev1.fits", "image_lev1"),
        ("hmi.ME_720s_fd10.20140101_000000_TAI.field.fits", "field"),
        ("my.field.fits", None),
        ("my.image.png", None),
        ("brand.fits", None),
    ],
)
def test_segments_in_names(name, segment):
    assert segment_in_name(name) == segment


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_name_an_instrument_or_none(telescope, instrument):
    found = instrument_of({"TELESCOP": telescope, "INSTRUME": instrument})
    assert (found is None) == (not (telescope.strip() + instrument.strip()))


def saved(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    return content.getvalue()


GREY = np.clip(np.rint(np.random.default_rng(0).normal(127.5, 4, (224, 224))), 0, 255).astype(np.uint8)
ROWS, COLUMNS = np.mgrid[:224, :224] - 111.5
DISK = np.hypot(ROWS, COLUMNS) < 105
GOLD = np.random.default_rng(1).gamma(2, 1, (224, 224))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((1, 1), 127, np.uint8), "1 x 1 pixels"),
        (np.full((224, 224), 127, np.uint8), "every pixel is 127"),
        (np.full((224, 224), 128, np.uint8), "every pixel is 128"),
        (np.where(DISK, GREY, 0).astype(np.uint8), "no field in its corners"),
        (np.where(DISK, GREY, 128).astype(np.uint8), "no field in its corners"),
        (np.where(DISK, GREY, 255).astype(np.uint8), "no field in its corners"),
        (np.clip(GOLD * 20, 0, 255).astype(np.uint8), "zero field is 127.5"),
        (np.dstack([np.clip(GOLD * k, 0, 255).astype(np.uint8) for k in (60, 40, 10)]), "zero field is 127.5"),
        (np.clip(GREY.astype(int) + 60, 0, 255).astype(np.uint8), "zero field is 127.5"),
        ((GREY % 35).astype(np.uint8), "zero field is 127.5"),
    ],
    ids=["1x1", "127", "128", "black", "padded", "white", "AIA", "AIA in gold", "continuum", "bitmap"],
)
def test_a_png_that_can_be_no_magnetogram(tmp_path, pixels, message):
    with pytest.raises(NotMagnetogramError, match=message):
        read_region_png(tmp_path / "a.png", saved(pixels))
    assert read_region_png(tmp_path / "a.png", saved(GREY)).flags == ()


@pytest.mark.parametrize(
    ("key", "text", "taken"),
    [
        ("TELESCOP", "SDO/HMI", True),
        ("TELESCOP", "SDO/AIA", False),
        ("TELESCOP", "SOHO", False),
        ("BUNIT", "Gauss", True),
        ("BUNIT", "DN", False),
        ("CONTENT", "MAGNETOGRAM", True),
        ("CONTENT", "DOPPLERGRAM", False),
        ("Comment", "DOPPLERGRAM", True),
    ],
)
def test_a_png_with_text_is_judged_by_it_too(tmp_path, key, text, taken):
    info = PngImagePlugin.PngInfo()
    info.add_text(key, text)
    content = io.BytesIO()
    Image.fromarray(GREY).save(content, format="PNG", pnginfo=info)
    if taken:
        assert read_region_png(tmp_path / "a.png", content.getvalue()).pixels.shape == (224, 224)
    else:
        with pytest.raises(NotMagnetogramError):
            read_region_png(tmp_path / "a.png", content.getvalue())


@needs_real_data
def test_every_real_region_is_far_from_the_limits_by_which_photographs_are_refused(tmp_path):
    patches = sorted((REAL_DATA / "hmi").glob("*_hourly/*.fits")) + sorted((REAL_DATA / "hmi").glob("*_6hourly/*.fits"))
    medians = []
    for path in patches:
        try:
            field = read_region(path).field_gauss
        except NotMagnetogramError as error:
            pytest.fail(str(error))
        except InputError:  # five lie there as damaged as they were found
            continue
        medians.append(np.nanmedian(np.abs(field)))
        assert read_region_png(tmp_path / "a.png", saved(reduced_pixels(np.nan_to_num(field)))).pixels.shape == (
            224,
            224,
        )
    assert len(medians) > 70
    assert max(medians) < 50


PHOTOGRAPHS = ["astronaut", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "moon", "page", "brick", "cell"]


@pytest.mark.parametrize("side", [224, 600, None])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_refused_and_called_no_disk(tmp_path, name, side):
    with Image.open(Path(skimage.__file__).parent / "data" / f"{name}.png") as image:
        grey = image.convert("L") if side is None else image.convert("L").resize((side, side))
    with pytest.raises(NotMagnetogramError, match=r"expected a line-of-sight magnetogram, where zero field is 127\.5"):
        read_region_png(tmp_path / "a.png", saved(np.asarray(grey)))


@needs_real_data
def test_real_whole_disks_as_png_are_refused():
    files = sorted((REAL_DATA / "fulldisk_2026").glob("*.jpg"))
    assert len(files) == 540
    for file in files[::60]:
        with Image.open(file) as image:
            for kept in (image.convert("RGB"), image.convert("L").resize((224, 224))):
                content = io.BytesIO()
                kept.save(content, format="PNG")
                with pytest.raises(NotMagnetogramError, match="as around a whole disk"):
                    read_region_png(file.with_suffix(".png"), content.getvalue())
