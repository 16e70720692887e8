"""Do labelling, selection, prediction and reduction of a folder take the magnetograms alone and count the others?"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from fakes import use_fake_network
from flarescope.backbones.vgg16 import FEATURES
from flarescope.cli import main
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.heads.head import glorot_head
from flarescope.progress import Reporter
from real_data import REAL_DATA, needs_real_data

pytestmark = needs_real_data

SEGMENTS = REAL_DATA / "cases" / "segments"
NAME = "hmi.sharp_cea_720s.377.20110215_020000_TAI"
FLARES = "time,flare,noaa_ar\n2011-02-14T00:00,C1.0,11158\n2011-02-15T13:00,C2.0,11158\n2011-02-18T00:00,C1.0,11158\n"
LEFT_OUT = "left out, since they hold no line-of-sight field by their names: Br 1, bitmap 1, conf_disambig 1"


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path):
    """One record of a patch, all its segments."""
    shutil.copytree(SEGMENTS, tmp_path / "record")
    for path in (tmp_path / "record").iterdir():
        path.chmod(0o644)
    (tmp_path / "flares.csv").write_text(FLARES)
    return tmp_path


@pytest.fixture
def model(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    from flarescope.backbones import registry

    found = registry.find("random")
    described = Description("random", found.family, found.digest, rendering="reference-fits")
    Classifier(glorot_head(FEATURES, 0), described, found).save(tmp_path / "m.hdf5")
    return tmp_path / "m.hdf5"


def label(folder, *more):
    options = ["--flares", folder / "flares.csv", "--flux-scale", "operational", "--workers", 1]
    return run("catalog", "label", folder / "record", *options, "--out", folder / "t.parquet", "--quiet", *more)


def test_labelling_takes_the_magnetogram_alone(folder, capsys):
    assert label(folder) == 0
    assert pd.read_parquet(folder / "t.parquet")["filename"].tolist() == [f"{NAME}.magnetogram.fits"]
    assert LEFT_OUT in capsys.readouterr().err


def test_labelling_opens_what_was_renamed_and_leaves_it_out(folder, capsys):
    for number, path in enumerate(sorted((folder / "record").iterdir())):
        path.rename(path.with_name(f"file{number}.fits"))
    assert label(folder) == 0
    assert pd.read_parquet(folder / "t.parquet")["filename"].tolist() == ["file3.fits"]
    assert "3 images left out, no magnetogram of a region, the first: " in capsys.readouterr().err


def test_a_folder_without_a_magnetogram_is_refused(folder, capsys):
    (folder / "record" / f"{NAME}.magnetogram.fits").unlink()
    assert label(folder) == 2
    assert "no magnetogram in this folder, only Br 1, bitmap 1, conf_disambig 1" in capsys.readouterr().err


@pytest.mark.parametrize("unknown", ["keep", "drop"])
@pytest.mark.parametrize("renamed", [False, True])
def test_selection_takes_the_magnetogram_alone(folder, capsys, unknown, renamed):
    files = sorted((folder / "record").iterdir())
    if renamed:
        files = [path.rename(path.with_name(f"file{number}.fits")) for number, path in enumerate(files)]
    table = pd.DataFrame(
        {
            "filename": [path.name for path in files],
            "noaa_ar": pd.array([11158] * 4, "Int32"),
            "time": pd.to_datetime(["2011-02-15T01:59:26Z"] * 4),
            "flare": pd.array([None] * 4, "str"),
            "label": pd.array([0] * 4, "Int8"),
            "split": pd.array([None] * 4, "str"),
        }
    )
    table.to_parquet(folder / "t.parquet")
    options = ["--images", folder / "record", "--quality-mask", "0xFFFFFFFF", "--unknown", unknown, "--workers", 1]
    assert run("catalog", "select", folder / "t.parquet", *options, "--out", folder / "s.parquet", "--json") == 0
    account = json.loads(capsys.readouterr().out)
    assert pd.read_parquet(folder / "s.parquet")["filename"].tolist() == [files[3].name]
    assert (account["images"], account["taken"], sum(value for key, value in account.items() if "removed" in key)) == (
        4,
        1,
        3,
    )
    if not renamed:
        assert account["removed: another segment by its name"] == 3
    else:
        assert account["removed: no line-of-sight magnetogram"] == 3


def test_prediction_takes_the_magnetogram_alone(folder, model, capsys):
    assert run("predict", model, folder / "record", "--json") == 0
    shown = capsys.readouterr()
    (row,) = json.loads(shown.out)
    assert row["filename"].endswith(".magnetogram.fits")
    assert (row["noaa_ar"], row["time"], row["flags"]) == (11158, "2011-02-15T01:59:26.000Z", "")
    assert LEFT_OUT in shown.err


@pytest.mark.parametrize("segment", ["Br", "bitmap", "conf_disambig"])
def test_prediction_refuses_a_segment_that_is_named(folder, model, capsys, segment):
    assert run("predict", model, folder / "record" / f"{NAME}.{segment}.fits", "--quiet") != 0
    shown = capsys.readouterr()
    assert f"{segment} by its name; expected a line-of-sight magnetogram" in shown.err
    assert "0." not in shown.out


def test_reduction_takes_the_magnetogram_alone(folder, capsys):
    assert run("images", "reduce", folder / "record", folder / "png", "--workers", 1, "--quiet") == 1
    assert [path.name for path in (folder / "png").rglob("*.png")] == [f"{NAME}.magnetogram_224.png"]
    assert capsys.readouterr().err.count("by its name; expected a line-of-sight magnetogram") == 3


def write_mdi(path):
    hdu = fits.PrimaryHDU(np.random.default_rng(0).normal(0, 200, (64, 64)))
    hdu.header.update({"TELESCOP": "SOHO", "INSTRUME": "MDI", "BUNIT": "Gauss", "QUALITY": -2147483648})
    hdu.writeto(path)
    return path


def test_another_magnetograph_is_forecast_only_when_asked_for_with_a_warning(tmp_path, model, capsys):
    path = write_mdi(tmp_path / "mdi.fits")
    assert run("predict", model, path, "--quiet") != 0
    assert "of MDI, another magnetograph; expected SDO/HMI. Its scale and unit differ" in capsys.readouterr().err
    assert run("predict", model, path, "--instrument-ok", "--json", "--quiet") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)[0]["flags"] == "quality instrument"
    for told in ("the only image: QUALITY has bad bits, or is no number (flag quality)", "another instrument than HMI"):
        assert told in shown.err


def test_a_scan_judges_again_when_other_instruments_are_taken_or_not(tmp_path):
    from flarescope.pipeline.catalogues.scanning import scan_images

    write_mdi(tmp_path / "mdi.fits")
    for taken in (False, True, False, True):
        options = {"instrument_ok": taken, "workers": 1, "reporter": Reporter()}
        found = scan_images(tmp_path, ["mdi.fits"], tmp_path / "scan.parquet", **options)
        assert found["reason"].isna().tolist() == [taken]


@pytest.mark.parametrize("nan", ["error", "zero"])
def test_a_whole_disk_is_refused_as_a_region_whatever_its_nan_do(model, capsys, nan):
    disk = REAL_DATA / "fulldisk" / "hmi.M_720s.20111217_060000_TAI.fits"
    assert run("predict", model, disk, "--nan", nan, "--quiet") != 0
    told = capsys.readouterr().err
    assert "a whole disk, 2.12 solar radii wide; expected one region" in told
    assert "--nan zero" not in told
