"""Does an image say how large, how turned and where it is, and is one unlike the training images told from them?"""

import json
import math
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from fakes import Heard, use_fake_network
from flarescope.forecaster.classifier import load_classifier
from flarescope.forecaster.description import Description
from flarescope.images.flags import flags_of
from flarescope.images.likeness import (
    PUBLISHED_SET,
    SAMPLE,
    flags_beside,
    likeness_from_json,
    likeness_of,
    look_at,
    places_looked_at,
)
from flarescope.images.look import Look, look_of, look_of_png, position_on_disk
from flarescope.images.magnetogram import read_fits
from flarescope.images.reduce import reduce_directory
from flarescope.images.region import read_region, read_region_png
from flarescope.images.root import LocalImages
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.likeness import likeness_of_table
from flarescope.pipeline.predicting import predict
from flarescope.pipeline.training import train
from flarescope.synthetic.files import write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions
from real_data import REAL_DATA, needs_real_data

HARP = REAL_DATA / "hmi" / "harp377_noaa11158_201102_hourly"
CUTOUT = REAL_DATA / "hmi" / "hmi_los_cutout_helioprojective_noaa11158" / "sdo-hmi_2011-02-14_20-34-12.fits"
PUBLISHED_NAME = "1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png"


@needs_real_data
def test_the_looks_of_a_patch_a_cutout_and_a_whole_disk():
    patch = read_fits(sorted(HARP.iterdir())[0]).look
    assert (patch.size, patch.projected, patch.crota_deg, patch.instrument) == ((744, 377), False, 0.0, "HMI")
    assert patch.pixel_mm == pytest.approx(math.radians(0.03) * 696)  # 0.364 Mm
    assert patch.width_mm == pytest.approx(744 * math.radians(0.03) * 696)
    cutout = read_fits(CUTOUT).look
    assert (cutout.projected, cutout.crota_deg) == (True, pytest.approx(179.93, abs=0.01))
    assert cutout.pixel_mm == pytest.approx(0.504228 / 971.976196 * 696)  # 0.361 Mm
    # LON_FWT and LAT_FWT of the patch of an hour later are 9.9 and -20.2 degrees, or thereabouts.
    later = read_fits(HARP / "hmi.sharp_cea_720s.377.20110214_210000_TAI.magnetogram.fits").look
    assert (cutout.lon_deg, cutout.lat_deg) == (pytest.approx(later.lon_deg, abs=3), pytest.approx(-20.2, abs=3))
    disk = read_fits(REAL_DATA / "fulldisk" / "hmi.M_720s.20160707_010000_TAI.fits").look
    assert disk.width_mm / 696 == pytest.approx(4096 * 0.504337847 / 943.8956909)
    assert disk.degrees_out < 5


@given(
    st.floats(-75, 75),
    st.floats(-60, 60),
    st.floats(-7.2, 7.2),
)
def test_a_place_on_the_disk_is_found_again(lon, lat, tilt):
    # The other way round, in full: a point on a sphere of radius 1, seen from 215 of them.
    distance, lon_r, lat_r, tilt_r = 215.0, *(math.radians(value) for value in (lon, lat, tilt))
    west = math.cos(lat_r) * math.sin(lon_r)
    north = math.sin(lat_r) * math.cos(tilt_r) - math.cos(lat_r) * math.cos(lon_r) * math.sin(tilt_r)
    toward = math.sin(lat_r) * math.sin(tilt_r) + math.cos(lat_r) * math.cos(lon_r) * math.cos(tilt_r)
    if toward < 0.2:
        return
    arcsec = math.degrees(1) * 3600
    x, y = west / (distance - toward) * arcsec, north / (distance - toward) * arcsec
    found = position_on_disk(x, y, math.asin(1 / distance) * arcsec, tilt)
    assert found == (pytest.approx(lon, abs=0.1), pytest.approx(lat, abs=0.1))


def test_off_the_disk_is_beyond_all_limits():
    assert position_on_disk(961, 0, 960, 0) == (180.0, 0.0)


@pytest.mark.parametrize(("lon", "flag"), [(59.9, ()), (60.0, ("limb60",)), (-69.9, ("limb60",)), (-70.0, ("limb70",))])
def test_the_place_is_flagged_from_60_and_from_70_degrees(tmp_path, lon, flag):
    hdu = fits.PrimaryHDU(np.random.default_rng(0).normal(0, 99, (30, 40)))
    hdu.header.update({"TELESCOP": "SDO/HMI", "LON_FWT": lon, "LAT_FWT": 10.0})
    hdu.writeto(tmp_path / "a.fits")
    assert read_region(tmp_path / "a.fits").flags == flag


@needs_real_data
@pytest.mark.parametrize("source", [CUTOUT, HARP / "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"])
def test_a_reduced_png_says_what_its_fits_file_said(tmp_path, source):
    (tmp_path / "fits").mkdir()
    (tmp_path / "fits" / source.name).symlink_to(source)
    reduce_directory(tmp_path / "fits", tmp_path / "png", workers=1)
    (path,) = (tmp_path / "png").iterdir()
    before, after = read_region(source), read_region_png(path)
    for name in ("pixel_mm", "width_mm", "height_mm", "crota_deg", "lon_deg", "lat_deg", "aspect"):
        assert getattr(after.look, name) == pytest.approx(getattr(before.look, name), abs=0.01) or "deg" in name
    assert after.look.instrument == before.look.instrument
    assert (after.time, after.noaa_ars, after.quality) == (before.time, before.noaa_ars, before.quality)


def test_a_png_of_the_published_set_is_known_by_its_name():
    look = look_of_png(PUBLISHED_NAME, {}, (224, 224))
    assert PUBLISHED_SET.differences(look) == ()
    assert look.width_mm == pytest.approx(600 * 0.504 / 959.63 * 696)
    assert look_of_png("other.png", {}, (224, 224)) == Look((224, 224))
    assert PUBLISHED_SET.differences(Look((224, 224))) == ()
    assert PUBLISHED_SET.differences(Look((512, 512))) == ("size",)  # nothing but its size is known


@needs_real_data
def test_patches_are_unlike_the_published_cutouts():
    patch, cutout = (read_region(path) for path in (sorted(HARP.iterdir())[0], CUTOUT))
    assert flags_beside(patch.flags, patch.look, PUBLISHED_SET) == ("scale", "aspect", "orientation")
    assert flags_beside(cutout.flags, cutout.look, PUBLISHED_SET) == ("scale",)  # 495 pixels, not 600
    assert Description("b", "f", "d").likeness == PUBLISHED_SET  # of a model of the reference notebook
    assert Description("b", "f", "d", rendering="reference-fits").likeness is None


LIKE_ONE = Look((600, 600), "HMI", True, 0.36, 216.0, 216.0, 180.0)
LIKE = likeness_of([LIKE_ONE] * 3, 9)


@pytest.mark.parametrize(
    ("look", "flags"),
    [
        (Look((600, 600), "HMI", True, 0.36, 216.0, 216.0, 180.0), ()),
        (Look((600, 600), "HMI", True, 0.39, 234.0, 234.0, 176.0), ()),
        (Look((300, 300), "HMI", True, 0.72, 216.0, 216.0, 180.0), ("scale",)),
        (Look((700, 700), "HMI", True, 0.36, 252.0, 252.0, 180.0), ("scale",)),
        (Look((600, 600), "HMI", True, 0.36, 216.0, 216.0, 0.0), ("orientation",)),
        (Look((849, 424), "HMI", True, 0.36, 305.6, 152.6, 180.0), ("aspect",)),
        (Look((600, 600), "MDI", True, 0.36, 216.0, 216.0, 180.0), ("instrument",)),
        (Look((600, 600)), ()),
        (Look((448, 448)), ("size",)),
        (replace(LIKE_ONE, mirrored=True), ("orientation",)),
        (replace(LIKE_ONE, mirrored=False), ()),
    ],
)
def test_what_tells_an_image_from_the_training_images(look, flags):
    assert LIKE.differences(look) == flags


def test_a_model_of_another_instrument_has_its_own_kind_unflagged():
    mdi = likeness_of([Look((100, 100), "MDI")], 1)
    assert flags_beside(("instrument",), Look((100, 100), "MDI"), mdi) == ()
    assert flags_beside((), Look((100, 100), "HMI"), mdi) == ("instrument",)
    assert flags_beside(("instrument",), Look((100, 100), "MDI"), None) == ("instrument",)


SIDES = st.integers(1, 5000)
LOOKS = st.builds(
    Look,
    st.tuples(SIDES, SIDES),
    st.sampled_from([None, "HMI", "MDI"]),
    st.booleans(),
    *[st.none() | st.floats(0.01, 1e4)] * 3,
    st.none() | st.floats(0, 360, exclude_max=True),
)


@given(st.lists(LOOKS, min_size=1, max_size=50), st.integers(1, 10**6))
def test_every_image_of_a_sample_is_like_it_and_a_likeness_is_read_back(looks, images):
    found = likeness_of(looks, images)
    assert likeness_from_json(json.loads(json.dumps(found.to_json()))) == found
    for look in looks:
        assert found.differences(look) == ()


@pytest.mark.parametrize("values", [[], {}, {"sampled": 1}, {**LIKE.to_json(), "aspect": [1, math.nan]}])
def test_what_is_no_likeness(values):
    with pytest.raises((TypeError, ValueError, KeyError)):
        likeness_from_json(values)


def test_a_sample_is_even_and_passes_over_what_is_not_there(tmp_path):
    assert look_at([tmp_path / "none.fits"] * 1000) == []
    assert SAMPLE == 128


def test_a_header_without_a_grid_says_nothing():
    assert look_of({}, (3, 4)) == Look((4, 3))
    assert look_of({"CDELT1": 0.5, "CDELT2": 0.5, "CUNIT1": "parsec"}, (3, 4)) == Look(
        (4, 3), crota_deg=0.0, mirrored=False
    )


GRID = {"CTYPE1": "HPLN-TAN", "CUNIT1": "arcsec", "CRPIX1": 300.5, "CRPIX2": 300.5, "CRLT_OBS": 0.0, "RSUN_OBS": 960.0}


@pytest.mark.parametrize("unit", ["arcsec", "deg"])
def test_a_place_is_the_same_in_arcseconds_and_in_degrees(unit):
    step = 1.0 if unit == "arcsec" else 1 / 3600
    numbers = {"CDELT1": 0.5 * step, "CDELT2": 0.5 * step, "CRVAL1": 900.0 * step, "CRVAL2": 0.0}
    look = look_of({**GRID, "CUNIT1": unit, **numbers}, (600, 600))
    assert look.lon_deg == pytest.approx(position_on_disk(900.0, 0.0, 960.0, 0.0)[0])
    assert 69 < look.lon_deg < 69.64  # asin(900 / 960), less for what bulges towards us
    assert "limb60" in flags_of({}, look, named=False)


@pytest.mark.parametrize(
    ("numbers", "turn", "mirrored"),
    [
        ({"CDELT1": 0.5, "CDELT2": 0.5, "CROTA2": 180.0}, 180, False),
        ({"CDELT1": 0.5, "CDELT2": 0.5}, 0, False),  # FITS Standard: no turn is none
        ({"CDELT1": -0.5, "CDELT2": 0.5, "PC1_1": 1.0, "PC2_2": 1.0}, 0, True),
        ({"CD1_1": -0.5, "CD2_2": -0.5}, 180, False),
        ({"CD1_1": 0.5, "CD2_2": -0.5}, 180, True),
    ],
)
def test_turn_and_mirror_by_every_way_to_write_them(numbers, turn, mirrored):
    look = look_of({**GRID, "CRVAL1": 0.0, "CRVAL2": 0.0, **numbers}, (600, 600))
    assert (look.crota_deg, look.mirrored) == (pytest.approx(turn), mirrored)


@pytest.mark.parametrize(
    ("quality", "flagged"),
    [
        (0, False),
        (66560, False),
        ("0x00010400", False),
        (72704.0, False),
        ("0x80000000", True),
        ("bad", True),
        (256, True),
    ],
)
def test_quality_in_every_form(quality, flagged):
    assert ("quality" in flags_of({"QUALITY": quality}, Look((4, 4), "HMI"), named=True)) == flagged


@needs_real_data
def test_a_run_keeps_what_its_images_were_like_and_forecasts_say_what_is_not(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    files = sorted(HARP.iterdir())[:12]
    (tmp_path / "images").mkdir()
    for file in files:
        (tmp_path / "images" / file.name).symlink_to(file)
    table = pd.DataFrame(
        {
            "filename": [file.name for file in files],
            "noaa_ar": pd.array([11158, 11159] * 6, "Int32"),
            "time": pd.date_range("2011-02-13", periods=12, freq="h", tz="UTC"),
            "flare": pd.array([None] * 12, "str"),
            "label": pd.array([0, 0, 1, 1] * 3, "Int8"),
            "split": ["train", "validation"] * 6,
        }
    )
    table.to_parquet(tmp_path / "catalogue.parquet")
    both = {"train": tmp_path / "catalogue.parquet", "validation": tmp_path / "catalogue.parquet"}
    run = train(**both, images=tmp_path / "images", out=tmp_path / "runs/m", backbone="random")
    kept = likeness_from_json(run.read()["training_images"])
    assert (kept.sampled, kept.images, kept.instruments, kept.crota_deg) == (6, 6, {"HMI": 6}, (0,))
    assert kept.pixel_mm == (pytest.approx(0.3644, abs=1e-4),) * 2
    assert load_classifier(run.model_path()).description.likeness == kept
    heard = Heard()
    found = predict(run.path, [files[0], CUTOUT], compute=Compute(workers=0), reporter=heard).forecasts
    assert found["flags"].tolist() == ["", "aspect orientation"]
    assert [text for text in heard.warnings if "orientation" in text] == [
        "1 of 2 images: it is turned otherwise than the training images (CROTA2), or mirrored (flag orientation)"
    ]
    heard = Heard()
    evaluate(run.path, table=both["train"], images=tmp_path / "images", split="validation", reporter=heard)
    assert not [text for text in heard.warnings if "(flag" in text]


def test_made_images_say_that_they_are_made(tmp_path):
    (region,) = synthetic_regions(1, images_per_region=2, seed=3)
    files = write_synthetic_images(tmp_path, [region], images_per_region=2)
    found = likeness_of(look_at([tmp_path / file for file in files]), len(files))
    assert found.instruments == {"SYNTHETIC": 4}
    assert (found.pixel_mm, found.crota_deg) == (PUBLISHED_SET.pixel_mm, (180,))
    assert PUBLISHED_SET.differences(read_region_png(tmp_path / files[0]).look) == ("instrument",)


def test_of_a_million_rows_only_those_looked_at_get_a_path(tmp_path):
    class Counted(LocalImages):
        asked: ClassVar[list[str]] = []

        def path(self, name):
            self.asked.append(name)
            return super().path(name)

    names = [f"{number:04d}.png" for number in range(3000)]
    table = pd.DataFrame({"filename": pd.Series(names[::-1], dtype="str"), "noaa_ar": 1, "time": pd.NaT})
    assert likeness_of_table(table, Counted(tmp_path), Compute()) is None  # none of the files is there
    assert Counted.asked == [names[place] for place in places_looked_at(3000)]  # by name, in even steps
    assert len(Counted.asked) == SAMPLE
    assert Counted.asked[:2] == ["0000.png", names[3000 // SAMPLE]]
