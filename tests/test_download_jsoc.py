"""Do cut-outs arrive from a JSOC that is slow, refuses, forgets and breaks off, without being ordered twice?"""

import datetime as dt
import json
import sys
import time
import urllib.error
from types import SimpleNamespace

import pytest

from flarescope.errors import FlarescopeError, InputError
from flarescope.sources.jsoc import check_cutout, download_cutouts, make_client
from flarescope.sources.jsoc_manifest import Manifest
from flarescope.sources.jsoc_orders import Order, Position, daily_orders, make_order
from http_server import Page, serve
from jsoc_player import Client, cutout

NOON = dt.datetime(2010, 11, 10, 12, tzinfo=dt.UTC)
PLACE = Position(11121, NOON, latitude_deg=-21.0, longitude_deg=-27.0)
QUICK = {"poll_s": 0.0, "backoff_s": 0.0}


@pytest.fixture
def server():
    with serve() as running:
        yield running


def orders(count):
    days = [Position(11121, NOON + dt.timedelta(days=number), -21.0, -27.0 + 13.2 * number) for number in range(count)]
    return daily_orders(days)


def test_an_order_says_all_that_im_patch_needs():
    order = make_order(PLACE, NOON, NOON + dt.timedelta(hours=1))
    # In 2010 TAI was 34 s ahead of UTC.
    assert order.record_set == "hmi.M_720s[2010.11.10_12:00:34_TAI-2010.11.10_13:00:34_TAI@12m]{magnetogram}"
    assert order.patch == {
        "t_ref": "2010-11-10T12:00:00Z",
        "t": 0,
        "r": 0,
        "c": 0,
        "locunits": "stony",
        "boxunits": "pixels",
        "x": -27.0,
        "y": -21.0,
        "width": 600,
        "height": 600,
    }


def test_daily_orders_touch_and_do_not_overlap():
    first, second = orders(2)
    assert "2010.11.10_12:00:34_TAI-2010.11.11_11:48:34_TAI" in first.record_set
    assert "2010.11.11_12:00:34_TAI-" in second.record_set


def test_near_real_time_and_cadence():
    order = make_order(PLACE, NOON, NOON, series="near-real-time", cadence_minutes=60)
    assert order.record_set.startswith("hmi.M_720s_nrt[")
    assert "@60m" in order.record_set


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"series": "aia"}, "expected definitive or near-real-time"),
        ({"cadence_minutes": 7}, "multiple of 12"),
        ({"cadence_minutes": 0}, "multiple of 12"),
        ({"stop": NOON - dt.timedelta(1)}, "before it begins"),
        ({"position": Position(11121, NOON, 0, 95)}, "not on the disk"),
    ],
)
def test_orders_that_cannot_be(change, text):
    arguments = {"position": PLACE, "start": NOON, "stop": NOON} | change
    with pytest.raises(InputError, match=text):
        make_order(arguments.pop("position"), arguments.pop("start"), arguments.pop("stop"), **arguments)


def test_cutouts_arrive_under_their_published_names(server, tmp_path):
    client, seen = Client(server), []
    report = download_cutouts(orders(3), tmp_path, client, progress=lambda *now: seen.append(now), **QUICK)
    assert report.failed == ()
    names = [path.relative_to(tmp_path).as_posix() for path in report.files]
    assert len(names) == 6
    assert names[0] == "1121/1121_hmi.M_720s.20101110_010000_TAI.1.magnetogram.fits"
    assert all((tmp_path / name).read_bytes() == client.body for name in names)
    assert seen[-1] == (3, 3)
    ds, method, protocol, names, process = client.ordered[0]
    assert (method, protocol, list(process)) == ("url", "fits", ["im_patch"])
    assert names == "hmi.M_720s.{T_REC:A}.{CAMERA}.{segment}"
    assert ds == orders(1)[0].record_set


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_few_orders_at_a_time(server, tmp_path, at_once):
    client = Client(server, files=1, polls=3)
    download_cutouts(orders(6), tmp_path, client, at_once=at_once, **QUICK)
    assert client.most_at_once == at_once


def test_the_second_run_orders_nothing(server, tmp_path):
    client = Client(server)
    first = download_cutouts(orders(2), tmp_path, client, **QUICK)
    second = download_cutouts(orders(2), tmp_path, client, **QUICK)
    assert first == second
    assert len(client.ordered) == 2


def test_a_file_that_was_removed_is_ordered_again(server, tmp_path):
    client = Client(server)
    first = download_cutouts(orders(2), tmp_path, client, **QUICK)
    first.files[0].unlink()
    assert len(download_cutouts(orders(2), tmp_path, client, **QUICK).files) == 4
    assert len(client.ordered) == 3


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


def test_an_interrupted_run_continues_the_order_it_placed(server, tmp_path):
    client = Client(server)
    client.poll_errors = [Interrupted()]
    with pytest.raises(Interrupted):
        download_cutouts(orders(1), tmp_path, client, **QUICK)
    assert json.loads((tmp_path / "jsoc-manifest.json").read_text())["orders"][0]["state"] == "placed"
    report = download_cutouts(orders(1), tmp_path, client, **QUICK)
    assert len(report.files) == 2
    assert len(client.ordered) == 1


PASSING = [
    urllib.error.URLError("no route"),
    urllib.error.HTTPError("http://127.0.0.1", 500, "Internal Server Error", None, None),
    TimeoutError("timed out"),
    RuntimeError("DRMS export failed [status=7]: a pending request"),
    json.JSONDecodeError("Expecting value", "<html>", 0),
    KeyError("status"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_failures_that_pass(server, tmp_path, error):
    client = Client(server)
    client.errors, client.poll_errors = [error, error], [error, error]
    report = download_cutouts(orders(1), tmp_path, client, **QUICK)
    assert (len(report.files), report.failed) == (2, ())
    assert len(client.ordered) == 1


def test_waits_grow(server, tmp_path, monkeypatch):
    waits = []
    own_time = SimpleNamespace(**{**vars(time), "sleep": waits.append})  # other threads sleep meanwhile
    monkeypatch.setattr("flarescope.sources.jsoc.time", own_time)
    monkeypatch.setattr("flarescope.sources.jsoc.random.uniform", lambda low, high: 1.0)
    client = Client(server, polls=1)
    client.errors = [OSError("away")] * 4
    download_cutouts(orders(1), tmp_path, client, poll_s=9.0, backoff_s=5.0)
    assert waits == [5.0, 10.0, 20.0, 40.0, *([9.0] * (len(waits) - 4))]


def test_a_refused_order_does_not_stop_the_others(server, tmp_path):
    client = Client(server, files=1)
    client.statuses = [0, 4, 0]
    report = download_cutouts(orders(3), tmp_path, client, **QUICK)
    assert len(report.files) == 2
    assert len(report.failed) == 1
    assert orders(3)[1].record_set in report.failed[0]
    assert "status 4" in report.failed[0]
    again = download_cutouts(orders(3), tmp_path, client, **QUICK)
    assert (len(again.files), again.failed) == (3, ())
    assert len(client.ordered) == 4


def test_an_order_that_is_never_taken(server, tmp_path):
    client = Client(server)
    client.errors = [RuntimeError("no such series\n[status=4]")] * 5
    report = download_cutouts(orders(1), tmp_path, client, **QUICK)
    assert report.files == ()
    assert report.failed[0].endswith("no such series [status=4]")


def test_a_network_that_fails_does_not_make_two_of_one_order(server, tmp_path):
    client = Client(server)
    client.poll_errors = [Interrupted()]
    with pytest.raises(Interrupted):
        download_cutouts(orders(1), tmp_path, client, **QUICK)
    client.errors = [OSError("away")] * 5
    assert "away" in download_cutouts(orders(1), tmp_path, client, **QUICK).failed[0]
    assert len(download_cutouts(orders(1), tmp_path, client, **QUICK).files) == 2
    assert len(client.ordered) == 1


def test_an_order_that_jsoc_has_forgotten_is_placed_again(server, tmp_path):
    client = Client(server, polls=100)
    client.poll_errors = [Interrupted()]
    with pytest.raises(Interrupted):
        download_cutouts(orders(1), tmp_path, client, **QUICK)
    next(iter(client.requests.values())).status = 6
    client.polls = 1
    assert "does not know the order" in download_cutouts(orders(1), tmp_path, client, **QUICK).failed[0]
    assert len(download_cutouts(orders(1), tmp_path, client, **QUICK).files) == 2


def test_an_order_that_takes_too_long_stands(server, tmp_path):
    client = Client(server, polls=3)
    report = download_cutouts(orders(1), tmp_path, client, limit_s=-1, **QUICK)
    assert "not ready" in report.failed[0]
    assert len(download_cutouts(orders(1), tmp_path, client, **QUICK).files) == 2
    assert len(client.ordered) == 1


def test_broken_transfers_are_continued(server, tmp_path):
    client = Client(server, files=1)
    original = client.export

    def export(*arguments, **options):
        request = original(*arguments, **options)
        page = next(reversed(server.pages.values()))
        page.breaks, page.failures = [500, 900], [(429, {"Retry-After": "0"})]
        return request

    client.export = export
    report = download_cutouts(orders(1), tmp_path, client, **QUICK)
    assert report.files[0].read_bytes() == client.body


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (lambda: cutout(4096), "holds an image of"),
        (lambda: cutout()[:-100], "1121_hmi"),
        (lambda: b"<html>busy</html>", "is not FITS"),
        (bytes, "is not FITS"),
        (lambda: cutout().replace(b"ZIMAGE", b"XIMAGE"), "is not FITS"),
    ],
    ids=["whole disk", "cut", "html", "empty", "a table"],
)
def test_what_is_no_cutout_is_not_kept(server, tmp_path, body, text):
    client = Client(server, files=1)
    client.body = body()
    report = download_cutouts(orders(1), tmp_path, client, attempts=2, **QUICK)
    assert report.files == ()
    assert text in report.failed[0]
    assert list(tmp_path.rglob("*.fits")) == []


def test_a_smaller_patch_at_the_edge_of_the_image_is_kept(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(cutout(500))
    check_cutout(path)
    assert path.exists()


def test_a_period_without_records(server, tmp_path):
    report = download_cutouts(orders(1), tmp_path, Client(server, files=0), attempts=1, **QUICK)
    assert "no record in this period" in report.failed[0]


@pytest.mark.parametrize("name", ["../a.fits", "a/b.fits", ".fits", "a.txt", "", "a\0.fits"])
def test_names_that_leave_the_folder(name):
    with pytest.raises(FlarescopeError, match="expected a FITS file"):
        Order(11121, "x", {}).file_name(name)


DAMAGED = {"noaa_ar": 1, "record_set": "x", "im_patch": {}, "state": "odd", "id": None, "files": []}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "orders": []}',
        '{"version": 1, "orders": [{}]}',
        json.dumps({"version": 1, "orders": [DAMAGED]}),
    ],
)
def test_a_damaged_manifest_is_not_overwritten(tmp_path, content):
    path = tmp_path / "jsoc-manifest.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"jsoc-manifest\.json"):
        Manifest.open(path)
    assert path.read_text() == content


def test_the_manifest_holds_no_address(server, tmp_path, monkeypatch):
    monkeypatch.setenv("JSOC_EMAIL", "someone@example.org")
    download_cutouts(orders(1), tmp_path, Client(server), **QUICK)
    assert "example.org" not in (tmp_path / "jsoc-manifest.json").read_text()


def test_without_an_address(monkeypatch):
    monkeypatch.delenv("JSOC_EMAIL", raising=False)
    with pytest.raises(InputError, match=r"register one at http.*JSOC_EMAIL"):
        make_client()


def test_without_drms(monkeypatch):
    monkeypatch.setitem(sys.modules, "drms", None)
    with pytest.raises(InputError, match=r"pip install 'flarescope\[solar\]'"):
        make_client("someone@example.org")


class Stub:
    """Stands for the module drms."""

    def __init__(self, error=None):
        self.error, self.email = error, None

    def Client(self, *, email):
        self.email = email
        if self.error:
            raise self.error
        return self


def test_the_address_comes_from_the_environment(monkeypatch):
    stub = Stub()
    monkeypatch.setitem(sys.modules, "drms", stub)
    monkeypatch.setenv("JSOC_EMAIL", "someone@example.org")
    assert make_client() is stub
    assert stub.email == "someone@example.org"


def test_an_address_that_jsoc_does_not_know(monkeypatch):
    monkeypatch.setitem(sys.modules, "drms", Stub(ValueError("Email address is invalid or not registered")))
    with pytest.raises(InputError, match="JSOC does not know someone"):
        make_client("someone@example.org")


@pytest.mark.parametrize("error", [urllib.error.URLError("away"), json.JSONDecodeError("Expecting value", "<", 0)])
def test_a_jsoc_that_does_not_answer(monkeypatch, error):
    monkeypatch.setitem(sys.modules, "drms", Stub(error))
    with pytest.raises(FlarescopeError, match="does not answer"):
        make_client("someone@example.org")


def test_no_orders_at_once(server, tmp_path):
    with pytest.raises(InputError, match="at least 1"):
        download_cutouts([], tmp_path, Client(server), at_once=0)


@pytest.fixture
def real_drms(server):
    """The package drms itself, against a server that plays JSOC's pages."""
    drms = pytest.importorskip("drms", reason="drms is not installed (extra solar)")
    server.config = drms.config.ServerConfig(
        name="here",
        cgi_baseurl=server.base + "/",
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        http_download_baseurl=server.base + "/",
    )
    return drms


def test_the_real_drms_understands_an_order(real_drms, server, tmp_path, monkeypatch):
    name = "hmi.M_720s.20101110_120000_TAI.1.magnetogram.fits"
    finished = {"status": 0, "requestid": "JSOC_1", "method": "url", "protocol": "fits", "dir": "/SUM1/D1", "count": 1}
    finished |= {
        "data": [{"record": "hmi.M_720s[2010.11.10_12:00:00_TAI]", "filename": name}],
        "size": 1,
        "keywords": "",
    }
    pages = {
        "checkAddress.sh": {"status": 2, "msg": "Email address is valid and registered"},
        "exp_request": {"status": 2, "requestid": "JSOC_1", "method": "url", "protocol": "fits", "wait": 0},
        "exp_status": finished,
    }
    asked = []

    class Pages(dict):
        def get(self, path, default=None):
            asked.append(path)
            for part, answer in pages.items():
                if part in path:
                    return Page(json.dumps(answer).encode())
            return dict.get(self, path, default)

    server.pages = Pages(server.pages)
    server.put(f"/SUM1/D1/{name}", Page(cutout()))
    client = real_drms.Client(server.config, email="someone@example.org")
    report = download_cutouts(orders(1), tmp_path, client, attempts=1, **QUICK)
    assert report.failed == ()
    assert [path.name for path in report.files] == [f"1121_{name}"]
    export = next(path for path in asked if "exp_request" in path)
    assert "im_patch" in export
    assert "locunits%3Dstony" in export
