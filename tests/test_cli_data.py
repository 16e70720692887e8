"""Do the commands that fetch and reduce bring whole files, name what failed, and go on where they stood?"""

import json

import numpy as np
import pytest
from PIL import Image

from flarescope.cli import main
from flarescope.pipeline.catalogues import downloading
from flarescope.sources import addresses as services
from flarescope.sources.addresses import Addresses
from flarescope.synthetic.files import FITS_FOLDER, PNG_FOLDER, write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions
from http_server import Page, serve
from jsoc_player import Client
from real_data import REAL_DATA, needs_real_data
from test_download import EVENTS, IMAGES, LABELS, dryad_file, play_dryad, play_zenodo, tar_of

SUMMARIES = REAL_DATA / "noaa" / "srs_2010_2013.tar.xz"


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def server(monkeypatch):
    """A server on this computer in the place of all services."""
    with serve() as running:
        here = Addresses(running.base, running.base, running.base + "/ncei", running.base)
        monkeypatch.setattr(services, "ADDRESSES", here)
        yield running


def test_published_parts_arrive_in_folders_of_their_own(server, tmp_path, capsys):
    play_dryad(server, [dryad_file(1, "C1.0_24hr_224_png_Labels.txt", LABELS), dryad_file(2, "eventList.txt", EVENTS)])
    server.put("/api/v2/files/1/download", Page(LABELS))
    server.put("/api/v2/files/2/download", Page(EVENTS))
    play_zenodo(server, tar_of(IMAGES))
    assert run("data", "published", "tables", "png", "--out", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"tables": 2, "png": 1}
    assert (tmp_path / "tables" / "eventList.txt").read_bytes() == EVENTS
    assert len(list((tmp_path / "png" / "png_224" / "1121").iterdir())) == len(IMAGES)
    asked = len(server.seen)
    assert run("data", "published", "tables", "--only", "event*", "--out", tmp_path) == 0
    assert not any("download" in request.path for request in server.seen[asked:])


def test_a_wrong_digest_is_one_line_and_leaves_nothing(server, tmp_path, capsys):
    play_dryad(server, [dryad_file(2, "eventList.txt", EVENTS)])
    server.put("/api/v2/files/2/download", Page(EVENTS[::-1]))
    assert run("data", "published", "tables", "--out", tmp_path, "--quiet") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "eventList.txt" in error
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_unknown_part_lists_the_parts(server, tmp_path, capsys):
    assert run("data", "published", "images", "--out", tmp_path) == 2
    assert "'images' is not one of 'tables', 'features', 'png'" in capsys.readouterr().err


def test_noaa_days_and_a_day_without_a_file(server, tmp_path, capsys):
    folder = "/ncei/solar_region_summaries/2012/01"
    for day in ("20120102", "20120103"):
        server.put(f"{folder}/{day}SRS.txt", Page(day.encode()))
    arguments = ["data", "noaa", "summaries", "--first", "2012-01-01", "--last", "2012-01-03", "--out", tmp_path]
    assert run(*arguments, "--json") == 0
    shown = capsys.readouterr()
    counts = {"files that are here now": 2, "days without a file": 1, "days that failed": 0}
    assert json.loads(shown.out) == counts
    assert "days without a file: 2012-01-01" in shown.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20120102SRS.txt", "20120103SRS.txt"]


def test_a_noaa_day_that_fails_is_named_and_the_code_is_1(server, tmp_path, capsys):
    server.put("/ncei/solar_event_reports/2012/01/20120102events.txt", Page(b"x", failures=[(403, {})] * 9))
    days = ["--first", "2012-01-02", "--last", "2012-01-02"]
    assert run("data", "noaa", "events", *days, "--out", tmp_path, "--quiet") == 1
    assert "WARNING: 2012-01-02: cannot fetch" in capsys.readouterr().err
    assert run("data", "noaa", "flares", *days, "--out", tmp_path) == 2
    assert run("data", "noaa", "events", "--first", "2012-01-02", "--last", "2012-01-01", "--out", tmp_path) == 2


@pytest.fixture
def client(server, monkeypatch):
    """A JSOC that answers at once."""
    playing = Client(server, files=2, polls=1)
    monkeypatch.setattr(downloading, "make_client", lambda **options: playing)
    return playing


@needs_real_data
def test_cut_outs_follow_a_region_day_by_day(client, tmp_path, capsys):
    days = ["--first", "2011-02-13", "--last", "2011-02-15", "--cadence", 60]
    arguments = ["data", "jsoc", "--summaries", SUMMARIES, "--region", 1158, *days, "--out", tmp_path, "--json"]
    assert run(*arguments) == 0
    assert json.loads(capsys.readouterr().out) == {"files that are here now": 6, "orders that failed": 0}
    records, patches = zip(*[(order[0], order[4]["im_patch"]) for order in client.ordered], strict=True)
    assert records[0].startswith("hmi.M_720s[2011.02.13_00:00:34_TAI-2011.02.13_23:00:34_TAI@60m]")
    assert [patch["x"] for patch in patches] == sorted(patch["x"] for patch in patches)  # the Sun turns westwards
    assert {patch["width"] for patch in patches} == {600}
    assert run(*arguments) == 0
    assert len(client.ordered) == 3  # the manifest knows them
    capsys.readouterr()
    (tmp_path / "ARList.txt").write_text("1158,20110214,2\n")
    listed = ["data", "jsoc", "--summaries", SUMMARIES, "--orders", tmp_path / "ARList.txt", "--out", tmp_path / "b"]
    assert run(*listed, "--series", "near-real-time") == 0
    assert [order[0][:27] for order in client.ordered[3:]] == [
        "hmi.M_720s_nrt[2011.02.14_0",
        "hmi.M_720s_nrt[2011.02.15_0",
    ]


@needs_real_data
def test_orders_that_jsoc_refuses_are_named_and_the_code_is_1(client, tmp_path, capsys):
    client.statuses = [4]
    day = ["--first", "2011-02-13", "--last", "2011-02-13"]
    arguments = ["data", "jsoc", "--summaries", SUMMARIES, "--region", 11158, *day, "--out", tmp_path]
    assert run(*arguments, "--quiet") == 1
    assert "status 4" in capsys.readouterr().err
    assert run(*arguments, "--quiet") == 0  # placed anew


@needs_real_data
@pytest.mark.parametrize(
    ("more", "text"),
    [
        ([], "--region"),
        (["--region", "99"], "region 99: no summary"),
        (["--region", "1158", "--cadence", "7"], "multiple of 12"),
        (["--orders", "bad.txt"], "bad.txt, line 1"),
        (["--region", "1158"], "JSOC_EMAIL"),
    ],
)
def test_orders_that_cannot_be(server, monkeypatch, tmp_path, capsys, more, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JSOC_EMAIL", raising=False)
    (tmp_path / "bad.txt").write_text("1158;2011\n")
    assert run("data", "jsoc", "--summaries", SUMMARIES, *more, "--out", "cut", "--quiet") == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Synthetic magnetograms, each as FITS and as PNG."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic_images(folder, synthetic_regions(2, images_per_region=2, seed=0), images_per_region=2)
    return folder


def test_reduced_synthetic_fits_equal_their_png(synthetic, tmp_path, capsys):
    arguments = ["images", "reduce", synthetic / FITS_FOLDER, tmp_path, "--workers", 1, "--json"]
    assert run(*arguments) == 0
    assert json.loads(capsys.readouterr().out) == {"written": 4, "kept, as they were": 0, "failed": 0}
    for path in (synthetic / PNG_FOLDER).rglob("*.png"):
        made = Image.open(tmp_path / path.relative_to(synthetic / PNG_FOLDER))
        difference = np.asarray(made).astype(int) - np.asarray(Image.open(path)).astype(int)
        assert np.abs(difference).max() <= 1  # a half rounded the other way
    assert run(*arguments) == 0
    assert json.loads(capsys.readouterr().out)["kept, as they were"] == 4


@needs_real_data
def test_damaged_files_are_named_at_the_end_and_the_rest_is_written(tmp_path, capsys):
    source = tmp_path / "fits"
    (source / "good").mkdir(parents=True)
    damaged = sorted((REAL_DATA / "hmi" / "damaged_fits_as_found").iterdir())
    for path in damaged:
        (source / path.name).write_bytes(path.read_bytes())
    good = next((REAL_DATA / "hmi" / "harp377_noaa11158_201102_hourly").iterdir())
    (source / "good" / good.name).write_bytes(good.read_bytes())
    assert run("images", "reduce", source, tmp_path / "png", "--quiet", "--workers", 1) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(damaged) == 5
    assert all(str(path.name) in line for path, line in zip(damaged, lines, strict=True))
    assert [path.name for path in (tmp_path / "png").rglob("*.png")] == [good.stem + "_224.png"]


def test_a_folder_without_fits_is_one_line(tmp_path, capsys):
    assert run("images", "reduce", tmp_path, tmp_path / "png") == 2
    assert "no FITS file" in capsys.readouterr().err
