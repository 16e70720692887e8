"""Do `forecast --model` and `serve` give all events of a run as `predict` does, in order, and invent no past?"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

import flarescope
from disks import RADIUS_ARCSEC, write_disk, write_summary
from fakes import Heard, draw_blank, train_three_epochs, use_fake_network
from flarescope.cli import main
from flarescope.pipeline.predicting import predict
from flarescope.serving.answers import CSV
from flarescope.serving.app import create_app
from flarescope.serving.settings import Limits, Settings
from made_events import CODES, EVENTS, write_events_set

ROWS = ("2560 S08E20   292  0010 Axx  01   01 Alpha", "2561 N10W10   322  0050 Dao  05   07 Beta-Gamma")
REGIONS = (12560, 12561)
DISKS = {
    hour: f"hmi.M_720s.2016070{7 if hour < 20 else 6}_{hour:02d}0000_TAI.fits" for hour in (1, 23, 21)
}  # 2 and 4 h apart
TAKEN = flarescope.Compute(nan="zero", instrument_ok=True)
GIVEN = ("--regions", "srs", "--instrument-ok", "--nan", "zero")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of the fake network of three events, `events` and `past`, which looks back 2 and 4 hours."""
    place = tmp_path_factory.mktemp("events")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        data = write_events_set(place / "set") | {"features": place / "features"}
        for name, more in (("events", ()), ("past", ("--history", "2,4", "--tolerance", "0.5"))):
            train_three_epochs(data, place / name, *more, train=data["table"], validation=data["table"])
        assert main(["calibrate", str(place / "events"), "--quiet"]) == 0
    return place


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """Summaries of two days and three small disks."""
    folder = tmp_path_factory.mktemp("disks")
    (folder / "srs").mkdir()
    write_summary(folder / "srs/20160706SRS.txt", *ROWS, day="06 Jul 2016", before="05")
    write_summary(folder / "srs/20160707SRS.txt", *ROWS)
    distance = 696e6 / np.sin(np.radians(4 * RADIUS_ARCSEC / 3600))
    scale = {"CDELT1": 4 * 0.504, "CDELT2": 4 * 0.504, "DSUN_OBS": distance}  # patches of 150 pixels
    for hour, name in DISKS.items():
        day = "2016.07.07" if hour < 20 else "2016.07.06"
        write_disk(folder / name, T_REC=f"{day}_{hour:02d}:00:00_TAI", **scale)
    return folder


@pytest.fixture
def files(disks, tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "srs").symlink_to(disks / "srs")
    return disks


def run(*arguments):
    return main(["forecast", *(str(argument) for argument in (*GIVEN, *arguments))])


def test_all_events_of_a_run_stand_in_every_form_as_predict_gives_them(files, runs, tmp_path, capsys):
    assert run("--image", files / DISKS[1], "--model", runs / "events", "--out", "today") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("events C1.0/24/48", "events M1.0/24"))
    predicted = predict(runs / "events", "today/patches", compute=TAKEN, reporter=Heard())
    expected = {
        number: {event.code: row[f"probability_{event.name}"] for event in EVENTS}
        for number, row in predicted.forecasts.set_index("noaa_ar").iterrows()
    }
    assert sorted(expected) == list(REGIONS)
    said = json.loads((tmp_path / "today/forecast.json").read_text())
    assert {one["noaa_ar"]: one["probabilities"]["events"] for one in said["regions"]} == expected
    rows = pd.read_parquet("today/forecasts.parquet").query("model == 'events'")
    assert len(rows) == len(REGIONS) * len(CODES)
    wide = pd.read_csv("today/forecast.csv").set_index("noaa_ar")
    for number, shares in expected.items():
        assert shares["M1.0/24"] <= shares["C1.0/24"] <= shares["C1.0/48"]
        assert wide.loc[number, [f"events {code}" for code in CODES]].tolist() == pytest.approx(
            [shares[code] for code in CODES], rel=1e-5
        )
    page = (tmp_path / "today/forecast.html").read_text()
    assert "Probability by events, from the image" in page
    assert flarescope.read_forecast("today/forecast.json").probability(
        "C1.0", 48, noaa_ar=12561, model="events"
    ) == pytest.approx(expected[12561]["C1.0/48"], abs=0)


def test_a_model_that_looks_back_says_what_it_lacks_and_takes_earlier_images(files, runs, tmp_path, capsys):
    (tmp_path / "disks").mkdir()
    for hour in DISKS:
        shutil.copy(files / DISKS[hour], tmp_path / "disks")
    found = {}
    for name, images in (
        ("alone", [files / DISKS[1]]),
        ("some", [files / DISKS[1], files / DISKS[23]]),
        ("all", ["disks"]),
    ):
        words = [word for image in images for word in ("--image", image)]
        assert run(*words, "--model", runs / "past", "--out", name) == 0
        capsys.readouterr()
        found[name] = flarescope.read_forecast(f"{name}/forecast.json")
    lacking = {
        name: [note for note in one.notes if "the model looks back 2,4 h" in note] for name, one in found.items()
    }
    assert [len(lines) for lines in lacking.values()] == [1, 1, 0]
    assert "of 2 of 2 images not every earlier one is among those given" in lacking["alone"][0]
    assert len(lacking["alone"][0]) < 300
    assert [one["time"][:13] for one in found["all"].data["image"]] == [
        "2016-07-07T00",
        "2016-07-06T22",
        "2016-07-06T20",
    ]
    shares = {name: one.of_model("past")["probability"].tolist() for name, one in found.items()}
    assert {len(one) for one in shares.values()} == {len(REGIONS) * len(CODES)}
    assert shares["alone"] != shares["some"] != shares["all"]
    patches = [*(tmp_path / "all/patches").rglob("*.fits")]
    predicted = predict(runs / "past", patches, compute=TAKEN, reporter=Heard()).forecasts
    newest = predicted[predicted["missing_h"] == ""].sort_values("noaa_ar")
    assert len(newest) == len(REGIONS)
    columns = [f"probability_{event.name}" for event in EVENTS]
    by_event = found["all"].of_model("past").sort_values("noaa_ar", kind="stable")["probability"].to_numpy()
    # As many rows in a product of matrices can change the last bits.
    np.testing.assert_allclose(by_event, newest[columns].to_numpy().ravel(), rtol=0, atol=1e-6)


def test_nothing_after_the_forecast_is_taken(files, runs, capsys):
    every = [word for name in DISKS.values() for word in ("--image", files / name)]
    assert run(*every, "--issue", "2016-07-06T23:30", "--model", runs / "past", "--json", "-q") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["time"][:13] for one in found["data"]["image"]] == ["2016-07-06T22", "2016-07-06T20"]
    assert run(*every, "--issue", "2016-07-06T12:00", "--model", runs / "past", "-q") == 2
    assert "was taken by the time of the forecast" in capsys.readouterr().err


def test_one_bad_image_costs_no_other(files, runs, tmp_path, capsys):
    (tmp_path / "bad.fits").write_bytes(b"no FITS")
    images = [word for path in ("bad.fits", files / DISKS[1]) for word in ("--image", path)]
    assert run(*images, "--model", runs / "events", "--json", "-q") == 0
    shown = capsys.readouterr()
    assert "left out: bad.fits" in shown.err
    assert len(json.loads(shown.out)["data"]["image"]) == 1
    assert (
        run("--image", files / DISKS[1], "--image", files / DISKS[23], "--model", runs / "events", "-q", "--json") == 0
    )
    assert "no model looks back" in capsys.readouterr().err


def test_uploads_have_all_events_with_the_numbers_of_predict(runs, tmp_path, monkeypatch, capsys):
    use_fake_network(monkeypatch)
    pngs = sorted((runs / "set/images").rglob("*.png"))[:3]
    monkeypatch.chdir(pngs[0].parent)
    names, csv = [path.name for path in pngs], tmp_path / "f.csv"
    settings = Settings(runs=(runs / "events", runs / "past"), limits=Limits(decoders=1))
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        for name in ("events", "past"):
            assert main(["predict", str(runs / name), *names, "--json", "--quiet", "--csv", str(csv)]) == 0
            said = json.loads(capsys.readouterr().out)
            sent = {"files": [("images", (path.name, path.read_bytes())) for path in pngs]}
            found = client.post(f"/api/v1/uploads?model={name}", **sent).json()
            assert found["forecasts"] == said
            assert found["events"] == list(CODES)
            assert (
                client.post(f"/api/v1/uploads?model={name}", **sent, headers={"Accept": CSV}).content
                == csv.read_bytes()
            )
        calibrated, raw = client.get("/api/v1/models").json()["items"]
        assert (calibrated["threshold"], calibrated["calibrated"], raw["calibrated"]) == (None, True, False)
        assert raw["thresholds"] == dict.fromkeys(CODES, 0.5)
        assert list(calibrated["thresholds"]) == list(CODES)
        refused = client.post("/api/v1/maps?event=X1.0/24", files=[("images", (names[0], pngs[0].read_bytes()))])
        assert (refused.status_code, refused.json()["detail"]) == (
            422,
            "event X1.0/24: events forecasts C1.0/24, M1.0/24, C1.0/48",
        )
