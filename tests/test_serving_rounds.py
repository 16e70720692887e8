"""Does `serve --watch` fetch, forecast, keep and verify, one process at a time, and end when it is told to?"""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from starlette.testclient import TestClient

from fakes import Heard, child_environment, write_png
from flarescope.archive import keep
from flarescope.backbones.registry import find
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.heads.head import Head
from flarescope.images.png_chunks import PNG_MAGIC
from flarescope.locks import locked
from flarescope.serving import background, rounds
from flarescope.serving.app import create_app
from flarescope.serving.background import beside
from flarescope.serving.running import WATCHED, only_one
from flarescope.serving.settings import FLARES, VERIFICATION, Settings
from flarescope.serving.state import State
from http_server import Page, serve
from made_archive import made_forecast
from test_forecast_now import NOW, pages

pytestmark = pytest.mark.xdist_group("serving")
PROBABILITIES = [{"date": "2026-09-07T00:00:00", "m_class_1_day": 25, "c_class_1_day": 75, "x_class_1_day": 1}]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """An archive after one round, by a server that plays the services."""
    folder, heard = tmp_path_factory.mktemp("watched"), Heard()
    with pytest.MonkeyPatch.context() as patch, serve() as server:
        patch.setenv("FLARESCOPE_CACHE", str(folder / "cache"))
        addresses = pages(server)
        server.put("/swpc/json/solar_probabilities.json", Page(json.dumps(PROBABILITIES).encode()))
        options = {"addresses": addresses, "now": NOW, "backoff_s": 0.0, "reporter": heard, "image": False}
        rounds.forecast_round(folder / "archive", **options)
        rounds.verify_round(folder / "archive", folder, flares=[], replicates=10, reporter=heard)
        yield folder


def test_a_round_keeps_a_forecast_with_its_places(watched):
    (kept,) = State(Settings(archive=watched / "archive"), work=watched).snapshot.forecasts
    assert kept.time == NOW
    assert kept.folder == watched / "archive/forecasts/20260907T0210Z"
    assert kept.told.regions["noaa_ar"].tolist() == [14529, 14530]
    assert (kept.folder / "inputs/edited_events.json").is_file()
    assert {one.name for one in kept.issued.inputs} >= {"srs.txt", "solar_regions.json"}


def test_a_round_verifies_what_came_and_lists_the_flares_of_regions(watched):
    snapshot = State(Settings(archive=watched / "archive", watch=True), work=watched).snapshot
    assert snapshot.verification is None
    assert "covers the window of no forecast" in snapshot.unverified  # the day is not over
    assert [one["flare"] for one in snapshot.flares_of(14530)] == ["C1.1"]
    assert snapshot.flares_of(1) == []


def test_of_swpcs_own_forecasts_the_first_of_a_date_is_kept(watched):
    path = watched / "archive" / rounds.NOAA
    with serve() as server:
        addresses = pages(server)
        later = [{**PROBABILITIES[0], "m_class_1_day": 99}, {**PROBABILITIES[0], "date": "2026-09-08T00:00:00"}]
        server.put("/swpc/json/solar_probabilities.json", Page(json.dumps(later).encode()))
        rounds._keep_probabilities(watched / "archive", addresses, 0.0, Heard())
    found = {one["date"][:10]: one["m_class_1_day"] for one in json.loads(path.read_text())}
    assert found == {"2026-09-07": 25, "2026-09-08": 25}


def test_a_round_without_regions_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))
    with serve() as server:
        addresses = pages(server, srs=None, solar_regions=None)
        options = {"addresses": addresses, "now": NOW, "backoff_s": 0.0, "reporter": Heard(), "image": False}
        with pytest.raises(FlarescopeError, match="no list of regions"):
            rounds.forecast_round(tmp_path / "archive", **options)
    assert not list(tmp_path.glob("archive/forecasts/*"))


def test_a_past_archive_is_scored_for_the_page(tmp_path):
    flares = tmp_path / "flares.csv"
    flares.write_text(
        "time,flare,noaa_ar\n2011-01-30T00:00,C1.0,11158\n2011-02-02T10:00,M2.0,11158\n2011-02-20T00:00,C1.0,\n"
    )
    for day in (1, 2, 3):
        keep(tmp_path / "archive", made_forecast(day))
    work = tmp_path / "work"
    rounds.verify_round(tmp_path / "archive", work, flares=[flares], replicates=10, reporter=Heard())
    snapshot = State(Settings(archive=tmp_path / "archive", flares=(flares,)), work=work).snapshot
    assert snapshot.unverified == ""
    assert snapshot.verification["disk"]["M1.0/24"]["events"] == 1
    assert [one["flare"] for one in snapshot.flares_of(11158)] == ["C1.0", "M2.0"]


def test_without_an_archive_flares_are_listed_and_it_is_said_why_nothing_is_verified(tmp_path):
    flares = tmp_path / "flares.csv"
    flares.write_text("time,flare,noaa_ar\n2011-02-02T10:00,M2.0,11158\n")
    task = {"archive": None, "work": str(tmp_path), "flares": [str(flares)], "swpc": None, "flux_scale": None}
    assert rounds.do({"do": "verify", **task}, Heard()) == "verified"
    snapshot = State(Settings(made=(tmp_path / "none",), flares=(flares,)), work=tmp_path).snapshot
    assert [one["flare"] for one in snapshot.flares_of(11158)] == ["M2.0"]
    assert "only forecasts that one keeps are verified" in snapshot.unverified


def test_a_task_is_done_by_a_process_beside(tmp_path):
    keep(tmp_path / "archive", made_forecast())
    task = {"do": "verify", "archive": str(tmp_path / "archive"), "work": str(tmp_path), "flares": []}
    answer = asyncio.run(beside({**task, "swpc": None, "flux_scale": None}))
    assert answer == {"done": "verified", "said": []}
    assert "no flare list" in json.loads((tmp_path / VERIFICATION).read_text())["why"]
    assert not (tmp_path / FLARES).exists()


@pytest.mark.parametrize(
    ("module", "said"),
    [("import sys; sys.exit(7)", "ended with code 7"), ("import time; time.sleep(600)", "gave no answer")],
)
def test_a_process_beside_that_ends_or_hangs_is_told(module, said, monkeypatch):
    real = asyncio.create_subprocess_exec

    async def other(*command, **options):
        return await real(sys.executable, "-c", module, **options)

    monkeypatch.setattr(background.asyncio, "create_subprocess_exec", other)
    with pytest.raises(FlarescopeError, match=said):
        asyncio.run(beside({"do": "verify"}, longest_s=60.0 if "exit" in module else 0.2))


def test_two_servers_do_not_watch_one_archive(tmp_path, capsys):
    with locked(tmp_path / WATCHED):
        assert main(["serve", "--archive", str(tmp_path), "--watch", "--port", "0"]) == 1
    assert "another `flarescope serve --watch` keeps this archive" in capsys.readouterr().err


@pytest.mark.slow
def test_a_map_is_drawn_by_a_process_of_its_own_and_random_filters_are_shouted(tmp_path):
    weights = find("efficientnet-lite0:random")
    head = Head(np.random.default_rng(0).normal(size=(weights.backbone.features, 2)), np.zeros(2, np.float32))
    described = Description("efficientnet-lite0:random", weights.family, weights.digest, network=weights.backbone.name)
    Classifier(head, described, weights).save(tmp_path / "lite.hdf5")
    png = write_png(tmp_path / "1121_hmi.M_720s.20101110_003600_TAI.1.magnetogram_224.png", 0)
    client = TestClient(create_app(Settings(runs=(tmp_path / "lite.hdf5",))), base_url="http://127.0.0.1")
    options = {"content": png.read_bytes(), "headers": {"Content-Type": "image/png"}}
    found = client.post(f"/api/v1/maps?name=../{png.name}", **options)
    assert found.headers["content-type"] == "image/png"
    assert found.content.startswith(PNG_MAGIC)
    (model,) = client.get("/api/v1/models").json()["items"]
    assert model["warnings"][0].startswith("RANDOM FILTERS")


def test_a_watched_archive_may_be_new_and_has_to_be_a_folder(tmp_path):
    with only_one(Settings(archive=tmp_path / "a" / "new", watch=True)):
        assert (tmp_path / "a/new").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"), only_one(Settings(archive=tmp_path / "file", watch=True)):
        pass


def start(folder, *arguments):
    """Start a server as a process, and give it with the address that it tells."""
    command = [sys.executable, "-m", "flarescope", "serve", *arguments, "--port", "0"]
    environment = {**child_environment(), "FLARESCOPE_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True)
    line = process.stderr.readline()
    return process, line.split()[2] if line.startswith("serving on") else line


@pytest.mark.slow
def test_sigterm_ends_well(tmp_path):
    archive = tmp_path / "archive"
    keep(archive, made_forecast(1))
    process, base = start(tmp_path, "--archive", str(archive))
    with urllib.request.urlopen(f"{base}/api/v1/forecasts/newest") as answer:
        assert json.load(answer)["issued"].startswith("2011-02-01")
    with urllib.request.urlopen(urllib.request.Request(f"{base}/", method="HEAD")) as answer:
        assert (answer.status, answer.read()) == (200, b"")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
