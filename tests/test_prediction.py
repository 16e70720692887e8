"""Does one bad file cost the others nothing, and is a field in hand forecast as its file is?"""

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image, PngImagePlugin

import flarescope
from fakes import HELIOPROJECTIVE, Heard, use_fake_network, write_png
from flarescope.backbones import registry
from flarescope.backbones.vgg16 import FEATURES
from flarescope.cli import main
from flarescope.errors import FlarescopeWarning, InputError
from flarescope.events import EventDefinition
from flarescope.forecaster import classifier
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.heads.head import Head, glorot_head
from flarescope.images.magnetogram import read_fits
from flarescope.images.render import render_field
from flarescope.pipeline.featuring import Compute
from flarescope.progress import Reporter
from flarescope.tables import read_forecasts
from real_data import REAL_DATA, needs_real_data

COMPUTE = Compute(engine="torch", precision="fp32", workers=0, batch=4)
CARDS = {
    **{"TELESCOP": "SDO/HMI", "INSTRUME": "HMI_SIDE1", "CONTENT": "MAGNETOGRAM", "BUNIT": "Gauss"},
    **{"T_REC": "2011.02.14_00:00:00_TAI", "NOAA_AR": 11158, "QUALITY": 0, "CROTA2": 180.0, "RSUN_OBS": 972.0},
    **HELIOPROJECTIVE,
    **{"CRPIX1": 40, "CRPIX2": 32, "CRLT_OBS": 0.0},
}


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    return use_fake_network(monkeypatch)


@pytest.fixture
def model(tmp_path):
    weights = registry.find("random")
    event = EventDefinition(threshold="M1.0", window_hours=12)
    platt = {"method": "platt", "slope": 0.5, "intercept": -0.25}
    described = Description(
        "random", weights.family, weights.digest, "reference-fits", threshold=0.4, calibration=platt, event=event
    )
    path = tmp_path / "model.01_0.50.hdf5"
    head = glorot_head(FEATURES, 5)
    Classifier(Head(head.kernel, np.zeros(2, np.float32)), described, weights).save(path)
    return path


def field(seed, shape=(64, 80)):
    return np.round(np.random.default_rng(seed).normal(0, 200, shape), 1)


def write_fits(path, seed, **cards):
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu = fits.PrimaryHDU(field(seed).astype(">f8"))
    hdu.header.update(CARDS | cards)
    hdu.writeto(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three good files among five bad ones, and what is passed over."""
    place = tmp_path / "in"
    write_fits(place / "a.fits", 1)
    write_fits(place / "e.fits", 2, QUALITY=0x80000000)
    write_png(place / "z.png", 3, size=224)
    (place / "b.fits").write_bytes((place / "a.fits").read_bytes()[:5000])
    (place / "c.png").write_text("no picture")
    (place / "d.fits").write_bytes(b"")
    os.mkfifo(place / "f.fits")
    (place / "g.png").symlink_to(place / "nowhere.png")
    (place / ".hidden.fits").write_text("of another program")
    (place / "notes.txt").write_text("no image by its name")
    return place


BAD = ["f.fits", "g.png", "b.fits", "c.png", "d.fits"]
GOOD = ["a.fits", "e.fits", "z.png"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def predict(model, *more):
    return run("predict", model, *more, "--engine", "torch", "--precision", "fp32", "--engine-batch", 2)


@pytest.mark.parametrize("workers", [0, 3])
def test_bad_files_are_named_and_the_others_are_forecast(model, folder, tmp_path, capsys, workers):
    out = ["--csv", tmp_path / "p.csv", "--parquet", tmp_path / "p.parquet", "--workers", workers]
    assert predict(model, folder, *out) == 1
    shown = capsys.readouterr()
    warnings = [line for line in shown.err.splitlines() if line.startswith("WARNING: not forecast: ")]
    assert [line.split(": ")[2] for line in warnings] == [str(folder / name) for name in BAD]
    assert "not a regular file, or a link to nothing" in warnings[0]
    assert "damaged" in warnings[2]
    assert [name in shown.out for name in GOOD] == [True] * 3
    for table in (pd.read_csv(tmp_path / "p.csv"), pd.read_parquet(tmp_path / "p.parquet")):
        assert table["filename"].tolist() == [str(folder / name) for name in GOOD]
        assert table["flags"].fillna("").str.contains("quality").tolist() == [False, True, False]
        assert table["event"].tolist() == ["M1.0/12"] * 3


def test_json_has_the_bad_ones_after_the_others(model, folder, capsys):
    assert predict(model, folder, "--json", "--quiet") == 1
    records = json.loads(capsys.readouterr().out)
    assert [record["filename"] for record in records] == [str(folder / name) for name in [*GOOD, *BAD]]
    columns = ["filename", "noaa_ar", "time", "probability", "probability_raw", "flags", "flare", "event"]
    assert all(list(record) == columns for record in records[:3])
    assert all(record["probability"] is None and record["reason"] for record in records[3:])
    assert [set(record) for record in records[3:]] == [{"filename", "probability", "reason"}] * 5


def test_links_to_folders_are_said_and_not_followed(model, folder, tmp_path, capsys):
    write_fits(tmp_path / "other/x.fits", 4)
    (folder / "linked").symlink_to(tmp_path / "other")
    (folder / "loop").symlink_to(folder)
    assert predict(model, folder) == 1
    shown = capsys.readouterr()
    said = f"WARNING: {folder}/linked and 1 more: a link to a folder is not followed; name the folder itself"
    assert [line for line in shown.err.splitlines() if "a link to a folder" in line] == [said]
    assert "x.fits" not in shown.out


@pytest.mark.parametrize(
    ("scale", "year", "told"),
    [("operational", 2024, True), ("operational", 2014, False), ("science", 2024, False), (None, 2024, False)],
)
def test_a_model_of_the_old_flux_scale_says_the_factor_of_later_images(tmp_path, capsys, scale, year, told):
    weights = registry.find("random")
    event = EventDefinition(threshold="M1.0", window_hours=12, flux_scale=scale)
    described = Description("random", weights.family, weights.digest, "reference-fits", event=event)
    Classifier(glorot_head(FEATURES, 5), described, weights).save(tmp_path / "m.hdf5")
    image = write_fits(tmp_path / "a.fits", 1, T_REC=f"{year}.02.14_00:00:00_TAI")
    assert predict(tmp_path / "m.hdf5", image) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "2020 or later" in line]
    assert len(warned) == told
    assert all("0.7" in line and "M1.4" in line for line in warned)


def test_a_drawing_beside_patches_is_no_bad_file(model, tmp_path, capsys):
    (tmp_path / "patches").mkdir()
    for name in ("disk.png", "1.png"):
        write_png(tmp_path / "patches" / name, 3)
    write_fits(tmp_path / "patches/2.fits", 7)  # of which there is a drawing, and which is none
    for name in ("disk.svg", "2.svg"):
        (tmp_path / "patches" / name).write_text("<svg/>")
    assert predict(model, tmp_path / "patches") == 0
    told = capsys.readouterr()
    assert "left out, since an SVG of it lies beside it: disk.png\n" in told.err
    assert "1.png" in told.out
    assert "2.fits" in told.out
    assert predict(model, tmp_path / "patches/disk.png") == 0  # who names it means it


def test_paths_that_name_nothing_are_bad_files_too(model, folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    others = [tmp_path / "gone.fits", folder / "notes.txt", tmp_path / "empty", folder / "f.fits"]
    assert predict(model, others[0], folder / "a.fits", *others[1:], "--json", "--quiet") == 1
    good, *bad = json.loads(capsys.readouterr().out)
    assert good["filename"] == str(folder / "a.fits")
    assert [record["filename"] for record in bad] == [str(path) for path in others]
    for record, reason in zip(
        bad, ["no such file", "expected a .png", "no PNG or FITS", "not a regular file"], strict=True
    ):
        assert reason in record["reason"]


def test_only_good_files_end_with_0(model, folder, capsys):
    assert predict(model, *[folder / name for name in GOOD], "--json", "--quiet") == 0
    assert len(json.loads(capsys.readouterr().out)) == 3


def test_strict_stops_at_the_first_and_keeps_those_before_it(model, folder, tmp_path, capsys):
    names = ["a.fits", "e.fits", "b.fits", "z.png", "d.fits"]
    arguments = [*[folder / name for name in names], "--strict", "--csv", tmp_path / "p.csv", "--json", "--quiet"]
    assert predict(model, *arguments) == 1
    records = json.loads(capsys.readouterr().out)
    assert [record["filename"] for record in records] == [str(folder / name) for name in names[:3]]
    assert "reason" in records[2]
    assert pd.read_csv(tmp_path / "p.csv")["filename"].tolist() == [str(folder / name) for name in names[:2]]


@pytest.mark.parametrize("more", [[], ["--strict"]])
def test_a_single_bad_file_is_one_line_and_code_2(model, folder, tmp_path, capsys, more):
    assert predict(model, folder / "c.png", "--csv", tmp_path / "p.csv", "--quiet", *more) == 2
    error = capsys.readouterr().err
    assert [line for line in error.splitlines() if "c.png" in line] == error.splitlines()[-1:]
    assert "not a PNG" in error
    assert not (tmp_path / "p.csv").exists()


def test_nothing_but_bad_files_is_said_at_the_end(model, folder, capsys):
    assert predict(model, folder / "b.fits", folder / "c.png", "--quiet") == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "flarescope: none of the 2 images can be forecast"
    assert sum("not forecast" in line for line in lines) == 2


def test_region_and_time_come_from_the_text_of_a_png(model, tmp_path, capsys):
    info = PngImagePlugin.PngInfo()
    for key, value in {"T_REC": "2011.02.14_00:00:00_TAI", "NOAA_AR": "11158", "TELESCOP": "SDO/HMI"}.items():
        info.add_text(key, value)
    pixels = np.random.default_rng(0).integers(96, 160, (224, 224), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png", pnginfo=info)
    assert predict(model, tmp_path / "x.png", "--json", "--quiet") == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["noaa_ar"] == 11158
    assert record["time"].startswith("2011-02-13T23:59:26")  # TAI was 34 s ahead


def test_another_magnetograph_is_taken_where_it_is_asked_for(model, tmp_path, capsys):
    path = write_fits(tmp_path / "m.fits", 1, TELESCOP="SOHO", INSTRUME="MDI")
    assert predict(model, path, "--quiet") == 2
    assert "--instrument-ok" in capsys.readouterr().err
    assert predict(model, path, "--instrument-ok", "--json", "--quiet") == 0
    assert "instrument" in json.loads(capsys.readouterr().out)[0]["flags"]


@needs_real_data
def test_real_damaged_files_among_good_ones(model, tmp_path, capsys):
    damaged = sorted((REAL_DATA / "hmi/damaged_fits_as_found").glob("*.fits"))
    good = sorted((REAL_DATA / "hmi/march2012_11harps_6hourly").glob("*.fits"))[1:5]
    place = tmp_path / "in"
    place.mkdir()
    for path in [*damaged, *good]:
        (place / path.name).symlink_to(path)
    assert predict(model, place, "--json", "--quiet") == 1
    records = json.loads(capsys.readouterr().out)
    expected = [str(place / path.name) for path in [*good, *damaged]]
    assert [record["filename"] for record in records] == expected
    assert ["reason" in record for record in records] == [False] * 4 + [True] * 5
    assert "limb60" in records[0]["flags"]
    assert [record["noaa_ar"] for record in records[:4]] == [read_fits(path).noaa_ar for path in good]


@needs_real_data
def test_all_regions_of_a_patch_are_told(model, tmp_path, capsys):
    patch, single = (
        REAL_DATA / "hmi/march2012_11harps_6hourly" / f"hmi.sharp_cea_720s.{harp}.20120306_142400_TAI.magnetogram.fits"
        for harp in (1449, 1447)
    )
    assert predict(model, patch, single, "--csv", tmp_path / "p.csv", "--quiet") == 0
    assert "11429,11430" in capsys.readouterr().out
    table = read_forecasts(tmp_path / "p.csv")
    assert table["noaa_ar"].tolist() == [11429, 11428]
    assert table["noaa_ars"].fillna("-").tolist() == ["11429,11430", "-"]
    assert predict(model, single, "--json", "--quiet") == 0
    assert "noaa_ars" not in json.loads(capsys.readouterr().out)[0]
    (tmp_path / "1430").mkdir()
    named = tmp_path / "1430" / f"1430_{patch.name}"  # a file name that says a region is believed
    named.symlink_to(patch)
    assert predict(model, named, "--json", "--quiet") == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["noaa_ar"], "noaa_ars" in record) == (11430, False)


# ---- fields in hand ----


class Meta(dict):
    """As sunpy keeps a header: keywords in small letters."""

    def __init__(self, cards):
        super().__init__({key.lower(): value for key, value in cards.items()})
        self["keycomments"] = {"bunit": "unit"}
        self["quality"] = np.int64(self["quality"])


class Map:
    """Stands for a sunpy Map: what is used of it."""

    def __init__(self, data, cards, mask=None):
        self.data, self.meta, self.mask = data, Meta(cards), mask


def forecast(model, images, **options):
    return flarescope.load(model).forecast(images, **{"compute": COMPUTE, "reporter": Reporter(), **options})


def test_array_magnetogram_and_map_are_forecast_as_the_file_is(model, tmp_path):
    path = write_fits(tmp_path / "a.fits", 7, QUALITY=0x80000000)
    several = [path, field(7), read_fits(path), Map(field(7), CARDS | {"QUALITY": 0x80000000})]
    table = forecast(model, several)
    assert table["filename"].tolist() == [str(path), "images[1]", "images[2]", "images[3]"]
    assert table["probability"].nunique() == 1
    assert table["noaa_ar"].tolist() == [11158, pd.NA, 11158, 11158]
    assert table["time"].isna().tolist() == [False, True, False, False]
    assert table["flags"].str.contains("quality").tolist() == [True, False, True, True]
    assert table["flags"].iloc[0] == table["flags"].iloc[3]
    one = [forecast(model, value) for value in several]
    assert [list(each) for each in one] == [list(table)] * 4
    assert [each["probability"].iloc[0] for each in one] == pytest.approx(table["probability"].tolist(), abs=1e-6)


def test_the_probability_of_an_array_by_hand(model):
    loaded = flarescope.load(model)
    features = use_fake_network().stream(iter([render_field(field(7))[np.newaxis]]))
    raw = loaded.classifier.head.probability(next(features))[0]
    table = forecast(model, field(7))
    assert table["probability_raw"].iloc[0] == pytest.approx(raw, abs=1e-6)
    logit = 0.5 * np.log(raw / (1 - raw)) - 0.25
    assert table["probability"].iloc[0] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
    assert table["flare"].iloc[0] == (table["probability"].iloc[0] >= 0.4)


def test_a_loaded_model_starts_its_engine_once(model, tmp_path, monkeypatch):
    starts, make = [], classifier.start
    monkeypatch.setattr(classifier, "start", lambda *given: starts.append(given) or make(*given))
    loaded = flarescope.load(model)
    path = write_fits(tmp_path / "a.fits", 7)
    for images in (field(7), path, [path, field(8)]):
        loaded.forecast(images, compute=COMPUTE, reporter=Reporter())
    assert len(starts) == 1
    loaded.forecast(path, compute=replace(COMPUTE, batch=2), reporter=Reporter())
    assert len(starts) == 2  # another engine was asked for


def test_a_stack_of_arrays_and_whole_numbers(model):
    stack = np.stack([field(seed) for seed in (1, 2, 3)])
    table = forecast(model, stack)
    assert table["filename"].tolist() == ["images[0]", "images[1]", "images[2]"]
    whole = np.rint(stack).astype(np.int16)
    assert forecast(model, whole)["probability"].tolist() == pytest.approx(table["probability"].tolist(), abs=1e-3)


@pytest.mark.parametrize("shape", [(224, 224, 3), (224, 224, 4), (224, 3, 224), (5, 15, 80)])
def test_a_picture_in_colours_is_one_line(model, shape):
    with pytest.raises(InputError) as told:
        forecast(model, np.zeros(shape))
    assert str(told.value) == (
        f"an array of shape {shape}; expected a field (rows, columns) in gauss, or several as (N, rows, columns), "
        "at least 16 a side; an RGB picture is no magnetogram"
    )


def test_masked_pixels_are_nan_and_follow_the_policy(model):
    mask = np.zeros((64, 80), bool)
    mask[5, 5:9] = True
    given = Map(field(1), CARDS, mask)
    with pytest.raises(InputError, match=r"images\[0\]: 4 of 5,120 pixels are NaN"):
        forecast(model, given)
    zeroed = forecast(model, given, compute=replace(COMPUTE, nan="zero"))
    assert zeroed["probability"].tolist() == forecast(model, np.where(mask, 0, field(1)))["probability"].tolist()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((64, 64)), "every pixel is 0"),
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((2, 2, 2, 2)), r"shape \(2, 2, 2, 2\)"),
        (field(1) > 0, "type bool; expected a two-dimensional array in gauss"),
        (field(1).astype(complex), "type complex128"),
        (field(1) * 1e6, "expected at most 10,000"),
        (Map(field(1), CARDS | {"TELESCOP": "SDO/AIA", "INSTRUME": "AIA_2"}), "measures no magnetic field"),
        (Map(field(1), CARDS | {"BUNIT": "DN/s"}), "the unit is 'DN/s'"),
        (Map(field(1), CARDS | {"CDELT1": 8.0, "CDELT2": 8.0}), "solar radi"),
        (3.5, "a float; expected paths or fields"),
        ([field(1), {"a": 1}], r"images\[1\] is a dict; expected a path, or a field"),
        ([], "no image"),
    ],
)
def test_what_is_no_magnetogram_is_refused_in_one_line(model, value, message):
    with pytest.raises(InputError, match=message) as caught:
        forecast(model, value)
    assert "\n" not in str(caught.value)


def test_bad_fields_and_files_are_left_out_with_a_warning_or_refused(model, folder):
    heard = Heard()
    table = forecast(model, [folder / "b.fits", field(1), np.zeros((64, 64))], reporter=heard)
    assert table["filename"].tolist() == ["images[1]"]
    assert [text.split(": ")[1] for text in heard.warnings if text.startswith("not forecast")] == [
        str(folder / "b.fits"),
        "images[2]",
    ]
    with pytest.raises(InputError, match=r"b\.fits: damaged"):
        forecast(model, [field(1), folder / "b.fits"], strict=True)


def test_without_a_reporter_a_bad_image_is_a_python_warning(model, folder):
    with pytest.warns(FlarescopeWarning, match=r"not forecast: .*b\.fits: damaged"):
        table = forecast(model, [folder / "b.fits", folder / "a.fits"], reporter=None)
    assert len(table) == 1


def test_progress_ends_with_all_images(model, folder):
    heard = Heard()
    forecast(model, folder, reporter=heard)
    assert heard.steps[-1] == (6, 6)  # two are none before anything is read
    assert [done for done, _ in heard.steps] == sorted(done for done, _ in heard.steps)


def test_a_real_sunpy_map(model, tmp_path):
    sunpy_map = pytest.importorskip("sunpy.map")
    path = write_fits(tmp_path / "a.fits", 7)
    with fits.open(path) as hdus:
        given = sunpy_map.Map(hdus[0].data.astype(float), hdus[0].header)
    table = forecast(model, [path, given])
    assert table["probability"].nunique() == 1
    assert table["noaa_ar"].tolist() == [11158, 11158]
    assert table["time"].nunique() == 1
