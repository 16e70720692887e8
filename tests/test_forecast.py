"""Does `flarescope forecast` forecast a day from files, with an image and without, or say in one line why not?"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import flarescope
from disks import RADIUS_ARCSEC, write_disk, write_summary
from fakes import draw_blank, train_three_epochs, use_fake_network
from flarescope.cli import main
from flarescope.pipeline.forecasting.images import issue_time
from real_data import REAL_DATA, needs_real_data

ROWS = ("2560 S08E20   292  0010 Axx  01   01 Alpha", "2561 N10W10   322  0050 Dao  05   07 Beta-Gamma")
LIMB = "2562 S10W85   037  0100 Hsx  03   01 Alpha"
DISK = "hmi.M_720s.20160707_010000_TAI.fits"
FLARES = """time,flare,noaa_ar
2016-06-01T00:00,C1.0,12550
2016-07-06T10:00,C4.0,12561
2016-07-07T20:00,X1.0,12560
2016-07-20T00:00,C1.0,12570
"""


@pytest.fixture(scope="module")
def image_run(fake_run, tmp_path_factory):
    """A run of the fake network that says what it forecasts, as one on tables of the published names does."""
    folder = tmp_path_factory.mktemp("image_run")
    data = {"images": fake_run[1]["images"]}
    for split in ("train", "validation"):
        data[split] = folder / f"{split.title()}_Data_by_AR_png_224.csv"
        shutil.copy(fake_run[1][split], data[split])
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        train_three_epochs(data, folder / "r")
    return folder / "r"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Lay out a summary, flares and a small disk, with blank figures and the fake network."""
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    monkeypatch.chdir(tmp_path)
    write_summary(tmp_path / "20160706SRS.txt", *ROWS[1:], day="06 Jul 2016", before="05")
    write_summary(tmp_path / "20160707SRS.txt", *ROWS, LIMB)
    (tmp_path / "flares.csv").write_text(FLARES)
    distance = 696e6 / np.sin(np.radians(4 * RADIUS_ARCSEC / 3600))
    write_disk(tmp_path / DISK, CDELT1=4 * 0.504, CDELT2=4 * 0.504, DSUN_OBS=distance)  # patches of 150 pixels
    return tmp_path


def run(*arguments):
    return main(["forecast", *(str(argument) for argument in arguments)])


def refused(capsys, *arguments):
    """Give the one line that a command ends with."""
    assert run(*arguments) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert len(last) < 300
    return last


DAY = ("--regions", "20160706SRS.txt", "--regions", "20160707SRS.txt", "--flares", "flares.csv")
IMAGE = ("--image", DISK, "--instrument-ok")


def test_a_day_is_forecast_from_files(files, capsys):
    assert run(*DAY, "--out", "today") == 0
    shown = capsys.readouterr()
    assert "whole disk" in shown.out
    assert "12561" in shown.out
    assert "no official forecast" in shown.out
    names = {path.name for path in (files / "today").iterdir()}
    stem = "Flare_Forecast_flarescope-regions_20160707_0030"
    forms = {"forecast.json", "forecast.csv", "forecasts.parquet", "forecast.html", "disk.png", "disk.svg"}
    assert names == forms | {f"{stem}.xml", f"{stem}.txt"}
    found = flarescope.read_forecast("today/forecast.json")
    assert found.issued == pd.Timestamp("2016-07-07T00:30", tz="UTC")
    assert dict(zip(found.regions["noaa_ar"], found.regions["flags"], strict=True)) == {
        12560: "new",
        12561: "",
        12562: "limb new",
    }
    assert found.probability("C1.0", 24, noaa_ar=12561) > found.probability("C1.0", 24, noaa_ar=12560)


def test_json_on_the_screen_is_the_file(files, capsys):
    assert run(*DAY, "--out", "today", "--json", "-q") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((files / "today/forecast.json").read_text())


def test_an_issue_time_changes_what_is_known(files, capsys):
    assert run(*DAY, "--issue", "2016-07-06T12:00", "--json", "-q") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["noaa_ar"] for one in found["regions"]] == [12561]
    assert found["issued"] == "2016-07-06T12:00:00+00:00"


def test_models_of_images_stand_beside_the_region_model(files, image_run, capsys):
    arguments = (*DAY, *IMAGE, "--model", image_run, "--out", "today", "--nan", "zero")
    assert run(*arguments) == 0
    shown = capsys.readouterr()
    assert "r C1.0/24" in shown.out
    found = flarescope.read_forecast("today/forecast.json")
    assert found.issued == pd.Timestamp("2016-07-07T01:00", tz="UTC")
    of_run = found.of_model("r")
    assert of_run["noaa_ar"].tolist() == [12560, 12561, 12562]
    assert found.probability("C1.0", 24, noaa_ar=12561, model="r") == of_run["probability"].iloc[1]
    assert found.data["image"][0]["time"] == "2016-07-07T00:59:24Z"
    assert found.data["models"][0]["name"] == "r"
    assert (files / "today/patches/patches.csv").is_file()
    assert "no official" in (files / "today/forecast.html").read_text()


def test_a_region_that_no_model_of_images_can_forecast_is_told(files, image_run, capsys):
    assert run(*DAY, *IMAGE, "--model", image_run, "--json", "-q") == 0
    found = json.loads(capsys.readouterr().out)
    assert "no-patch" in found["regions"][2]["flags"]
    assert any("12562" in note for note in found["notes"])
    assert not (files / "patches").exists()


def test_another_region_model_by_name_or_path(files, capsys):
    path = flarescope.regions.shipped.model_path("regions")
    for name in ("regions", path):
        assert run(*DAY, "--model", name, "-q", "--json") == 0
        assert json.loads(capsys.readouterr().out)["model"]["name"] == "regions"


def test_an_image_alone_is_drawn(files, capsys):
    assert run(*DAY, *IMAGE, "--out", "today") == 0
    assert "r C1.0" not in capsys.readouterr().out


def test_an_image_of_another_day_is_refused(files, capsys):
    for issue in ("2016-07-06T12:00", "2016-07-08T12:00"):
        assert "expected an image of the 24 hours before" in refused(capsys, *DAY, *IMAGE, "--issue", issue)
    write_disk(files / "other.fits", **{"T_REC": "2018.07.07_01:00:00_TAI"})
    assert "no region summary of the 72 hours before" in refused(capsys, *DAY, "--image", "other.fits")


def test_a_region_given_as_a_disk_is_refused(files, capsys):
    write_disk(files / "patch.fits", CRPIX1=5000.0)
    assert "a part of the disk" in refused(capsys, *DAY, "--image", "patch.fits")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--flares", "flares.csv"), "--regions"),
        ((*DAY, "--model", "nothing"), "no such run"),
        ((*DAY, "--model", "regions", "--model", "regions"), "2 region models"),
        ((*DAY, "--issue", "soon"), "issue time 'soon'"),
        ((*DAY, "--issue", "2020-01-01"), "no region summary of the 72 hours before"),
        (("--regions", "nowhere"), "nowhere"),
        ((*DAY, "--image", "nowhere.fits"), "nowhere.fits"),
    ],
)
def test_what_cannot_be_forecast_is_refused_in_one_line(files, capsys, arguments, words):
    assert words in refused(capsys, *arguments)


def test_a_model_of_images_wants_an_image(files, image_run, capsys):
    assert "give --image" in refused(capsys, *DAY, "--model", image_run)


@pytest.mark.parametrize(
    ("taken", "issued"),
    [
        ("2016-07-07T00:59:24", "2016-07-07T01:00"),
        ("2016-07-06T23:59:23", "2016-07-07T00:30"),
        ("2016-07-07T00:11:23", "2016-07-07T00:30"),
        ("2016-07-07T23:00:00", "2016-07-07T23:00"),
        ("2016-07-05T12:00:00", "2016-07-05T12:00"),
    ],
)
def test_a_forecast_by_an_image_is_issued_when_it_and_its_summary_are_there(taken, issued):
    days = pd.Series(pd.to_datetime(["2016-07-06", "2016-07-07"], utc=True))
    time = pd.Timestamp(taken, tz="UTC").to_pydatetime()
    assert issue_time(time, days) == pd.Timestamp(issued, tz="UTC")


@needs_real_data
def test_the_real_day_of_2016_is_forecast_with_its_history_unknown():
    summary = REAL_DATA / "fulldisk" / "20160707SRS.txt"
    found = flarescope.forecast(
        [summary], [REAL_DATA / "noaa_1996_2015" / "flares.csv"], reporter=flarescope.Reporter()
    )
    assert found.regions["noaa_ar"].tolist() == [12560]
    assert found.regions["flags"].tolist() == ["no-history"]
    assert any("flare history unknown" in note for note in found.notes)


@needs_real_data
@pytest.mark.slow  # reads 4,096 x 4,096 pixels, and four years of summaries
def test_the_real_disk_of_2011_is_forecast_by_the_summary_of_its_day(image_run, tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    found = flarescope.forecast(
        [REAL_DATA / "noaa" / "srs_2010_2013.tar.xz"],
        [REAL_DATA / "boucheron2023" / "eventList.txt"],
        image=REAL_DATA / "fulldisk" / "hmi.M_720s.20111217_060000_TAI.fits",
        models=[image_run],
        out=tmp_path,
        reporter=flarescope.Reporter(),
    )
    assert found.regions["noaa_ar"].tolist() == [11374, 11375, 11377, 11378]
    assert found.of_model("r")["noaa_ar"].tolist() == [11374, 11375, 11377, 11378]
    assert found.issued == pd.Timestamp("2011-12-17T06:00", tz="UTC")
