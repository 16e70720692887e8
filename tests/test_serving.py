"""Do pages and API say what the archive holds, digit for digit, to whoever may ask and to nobody else?"""

import asyncio
import contextlib
import io
import json
import re
import shutil
import sqlite3
import tempfile
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient

import flarescope
from fakes import draw_blank
from flarescope.archive import keep, read_archive
from flarescope.archive.database import NAME
from flarescope.archive.folder import read_one
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.locks import lock_file
from flarescope.pipeline.real_day import FLARES, ISSUED, REGIONS
from flarescope.progress import Reporter
from flarescope.serving import access, api, kept, shelf
from flarescope.serving.answers import CSV, FORMS, JSON, PARQUET, Problem, accepted
from flarescope.serving.app import create_app
from flarescope.serving.clients import Buckets, client_of
from flarescope.serving.pictures import upright
from flarescope.serving.running import ALIVE, WORK, made_now, work_folder
from flarescope.serving.settings import Limits, Settings, is_loopback
from made_archive import made_forecast

pytestmark = pytest.mark.xdist_group("serving")
HERE = "http://127.0.0.1"
TOKEN = "0123456789abcdef-token"
OPEN = Limits(rate=1e6, burst=1e6, uploads_rate=1e6, uploads_burst=1e6)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Three made days of February 2011, and the real one of 2014 with its files."""
    folder = tmp_path_factory.mktemp("served") / "archive"
    for day in (1, 2, 3):
        keep(folder, made_forecast(day, probability=0.1 * day))
    options = {"issued": ISSUED, "archive": folder, "reporter": Reporter()}
    with pytest.MonkeyPatch.context() as patch:
        draw_blank(patch)
        flarescope.forecast([REGIONS], [FLARES], out=folder / "forecasts" / "2014-10-24", **options)
    return folder


@pytest.fixture(scope="module")
def client(archive):
    return TestClient(create_app(Settings(archive=archive, limits=OPEN)), base_url=HERE)


def other(archive, **settings):
    """Ask another server of the same archive."""
    return TestClient(create_app(Settings(archive=archive, **settings)), base_url=HERE)


def test_the_newest_forecast_is_that_of_forecast_json_to_the_last_digit(client, archive):
    written = json.loads((archive / "forecasts/2014-10-24/forecast.json").read_text())
    found = client.get("/api/v1/forecasts/newest").json()
    same = ("issued", "valid", "positions_of", "flux_scale", "model", "official", "notice", "flags", "notes")
    assert {name: found[name] for name in same} == {name: written[name] for name in same}
    ours = {one["noaa_ar"]: one for one in found["regions"]}
    assert list(ours) == [one["noaa_ar"] for one in written["regions"]]
    for region in written["regions"]:
        mine = ours[region["noaa_ar"]]
        assert mine["probabilities"]["regions"] == region["probabilities"]["regions"] == mine["shown"]
        assert {name: mine[name] for name in region if name != "probabilities"} == {
            name: value for name, value in region.items() if name != "probabilities"
        }
    assert found["disk"]["probabilities"]["regions"] == written["disk"]["probabilities"]["regions"]
    assert set(found["disk"]["probabilities"]) == {"regions", "mcintosh", "climatology"}
    assert ours[12192]["place"]["state"] == "visible"
    assert abs(ours[12192]["place"]["x"]) < 0.4  # W06 or so, at midnight


def test_csv_and_parquet_have_the_same_rows(client):
    as_json = client.get("/api/v1/forecasts/newest").json()["disk"]["probabilities"]["regions"]["M1.0/24"]
    text = client.get("/api/v1/forecasts/newest", headers={"Accept": CSV})
    assert text.headers["content-disposition"] == 'attachment; filename="forecast-20141024T0030Z.csv"'
    tables = [
        pd.read_csv(io.StringIO(text.text), converters={"probability": float}),
        pd.read_parquet(io.BytesIO(client.get("/api/v1/forecasts/newest", headers={"Accept": PARQUET}).content)),
    ]
    for table in tables:
        own = table[table["noaa_ar"].isna() & table["model"].eq("regions")]
        (value,) = own.loc[own["event"].eq("M1.0") & own["window_h"].eq(24), "probability"]
        assert value == as_json
    assert len(tables[0]) == len(tables[1])


def test_forecasts_are_listed_a_page_at_a_time_by_day_and_by_region(client):
    first = client.get("/api/v1/forecasts?limit=3").json()
    assert (first["total"], len(first["items"])) == (4, 3)
    second = client.get(first["next"]).json()
    assert second["next"] is None
    days = [one["day"] for one in first["items"] + second["items"]]
    assert days == ["2014-10-24", "2011-02-03", "2011-02-02", "2011-02-01"]
    assert client.get("/api/v1/forecasts?day=2011-02-02").json()["total"] == 1
    assert client.get("/api/v1/forecasts?region=11158&limit=1").json()["total"] == 3
    one = first["items"][1]
    assert client.get(one["url"]).json()["disk"]["shown"] == one["disk"]
    rows = client.get("/api/v1/forecasts?day=2011-02-02", headers={"Accept": CSV}).text.splitlines()
    assert rows[0].startswith("issued,noaa_ar")
    assert len(rows) == 1 + len(made_forecast().rows) * 2 // 2


def test_who_asks_while_a_forecast_is_made_waits_for_it(archive, monkeypatch):
    app = create_app(Settings(archive=archive, limits=OPEN))
    made = []
    monkeypatch.setattr(api, "_body", lambda snapshot, kept, form: made.append(form) or b"{}")
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "app": app})

    async def ask():
        kept = app.state.kept.snapshot.newest
        return await asyncio.gather(*(api._forecast(request, kept) for _ in range(5)))

    assert [answer.body for answer in asyncio.run(ask())] == [b"{}"] * 5
    assert made == [JSON]


def test_a_region_has_a_life_and_says_what_changed_since_yesterday(client):
    found = client.get("/api/v1/regions/11158").json()
    assert [one["shown"]["C1.0/24"] for one in found["forecasts"]] == [0.1, 0.2, 0.1 * 3]
    assert found["changes"]["since"] == "2011-02-02T00:30:00+00:00"
    assert {"name": "C1.0/24", "before": 0.2, "now": 0.1 * 3} in found["changes"]["what"]
    assert found["flares"] is None
    listed = client.get("/api/v1/regions").json()["items"]
    assert {one["noaa_ar"] for one in listed} >= {11158, 11161, 12192}


def test_the_page_of_a_region_shows_it_as_it_was_forecast_on_a_day(client):
    page = client.get("/regions/11158/days/2011-02-02").text
    assert 'As it was forecast on <time datetime="2011-02-02T00:30:00+00:00">' in page
    assert re.search(r'class="share".*?<span class="text">5 %', page)  # M1.0 of that day: 0.2 / 4
    assert "Since the forecast of 1 Feb 2011, 00:30 UTC" in page
    row = r">P\(C1.0/24 h\)</span></th><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>"
    assert re.findall(row, page) == [("10 %", "20 %", "+10")]
    first = client.get("/regions/11158/days/2011-02-01").text
    assert "There is no forecast of the day before." in first
    newest = client.get("/regions/11158").text
    assert "As it was forecast on" not in newest
    assert "Since the forecast of 2 Feb 2011, 00:30 UTC" in newest
    (own,) = client.get("/api/v1/forecasts?day=2011-02-02").json()["items"]
    by_id = client.get(f"/regions/11158/forecasts/{own['id']}").text
    assert by_id.split("<main")[1] == page.split("<main")[1]
    linked = re.findall(r'href="(/regions/[^"]*)"', client.get("/days/2011-02-02").text)
    assert set(linked) == {f"/regions/{number}/days/2011-02-02" for number in (11158, 11161)}
    for path in (
        "days/2014-10-24",
        "days/x",
        "forecasts/0123",
        f"forecasts/{client.get('/api/v1/forecasts/newest').json()['id']}",
    ):
        assert client.get(f"/regions/11158/{path}", headers={"Accept": "text/html"}).status_code == 404


def test_who_has_an_answer_gets_304_and_another_form_is_another_answer(client):
    got = client.get("/api/v1/forecasts/newest")
    tag = got.headers["etag"]
    for said in (tag, f'"other", W/{tag}', "*"):
        again = client.get("/api/v1/forecasts/newest", headers={"If-None-Match": said})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/v1/forecasts/newest", headers={"If-None-Match": tag, "Accept": CSV}).status_code == 200
    assert got.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/forecasts?limit=0", 422),
        ("/api/v1/forecasts?day=yesterday", 422),
        ("/api/v1/forecasts/0123", 404),
        ("/api/v1/forecasts/..%2F..%2Farchive.sqlite", 404),
        ("/api/v1/regions/1", 404),
        ("/api/v1/regions/x", 422),
        ("/api/v1/models/none/card", 404),
        ("/api/v1/nothing", 404),
        ("/pictures/0123/disk.png", 404),
        ("/static/..%2Fapp.py", 404),
        ("/static/app.py", 404),
        ("/docs", 404),
    ],
)
def test_what_is_not_there_is_a_problem_of_rfc_9457(client, path, status):
    found = client.get(path)
    assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
    problem = found.json()
    assert set(problem) >= {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert len(problem["detail"]) < 300


def test_a_person_who_asks_for_nothing_gets_a_page(client):
    for path in ("/days/2011-02-09", "/days/2011-02-99", "/days/x", "/regions/7", "/forecasts/7", "/nothing"):
        found = client.get(path, headers={"Accept": "text/html"})
        assert (found.status_code, found.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/", "/days/2011-02-02", "/regions/12192", "/static/page.css", "/api/v1/health"])
def test_every_answer_has_the_headers_that_keep_a_browser_safe(client, path):
    found = client.get(path)
    assert found.status_code == 200
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert found.headers["x-content-type-options"] == "nosniff"


def test_pages_hold_no_inline_script_or_style_and_lead_to_nothing_foreign(client):
    for path in ("/", "/days/2011-02-02", "/regions/12192"):
        text = client.get(path).text
        assert not re.search(r"<style|style=|\son\w+=|javascript:", text)
        assert not re.search(r"<script(?![^>]*src=)", text)
        loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', text)
        assert all(one.startswith("/") for one in loaded)
        assert "no official forecast" in text


def test_only_a_host_that_is_ours_is_answered(client, archive):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::2]"):
        assert client.get("/", headers={"Host": host}).status_code == 421
    for host in ("localhost:8470", "LOCALHOST", "127.0.0.1:1", "[::1]:80"):
        assert client.get("/", headers={"Host": host}).status_code == 200
    named = other(archive, hosts=("flares.example",))
    assert named.get("/", headers={"Host": "flares.example"}).status_code == 200


def test_outside_loopback_nothing_is_answered_without_the_token(archive):
    with pytest.raises(InputError, match="need a token"):
        Settings(archive=archive, host="0.0.0.0")
    guarded = other(archive, host="0.0.0.0", token=TOKEN)
    assert guarded.get("/api/v1/health").status_code == 200
    for path in ("/", "/api/v1/forecasts/newest", "/api/v1/metrics", "/static/page.css", "/api/v1/openapi.json"):
        refused = guarded.get(path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert guarded.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert guarded.get("/", auth=("anybody", TOKEN)).status_code == 200
    for wrong in (f"Bearer {TOKEN[:-1]}", f"Token {TOKEN}", "Basic !!", "Basic", TOKEN, f"bearer{TOKEN}"):
        assert guarded.get("/", headers={"Authorization": wrong}).status_code == 401
    assert TOKEN not in repr(Settings(archive=archive, token=TOKEN))


def test_with_a_token_an_address_serves_as_host(archive):
    guarded = other(archive, host="0.0.0.0", token=TOKEN)
    for host, status in (("192.0.2.7:8470", 401), ("[2001:db8::1]", 401), ("evil.example", 421)):
        assert guarded.get("/", headers={"Host": host}).status_code == status


def test_head_is_get_without_a_body(client):
    got, head = (client.request(method, "/api/v1/forecasts/newest") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]


def test_a_fault_of_ours_shows_nothing_of_the_inside(archive, caplog):
    asked = other(archive)
    asked.app.state.gauges = lambda: 1 / 0
    found = asked.get("/api/v1/metrics")
    assert (found.status_code, found.headers["content-type"]) == (500, "application/problem+json")
    assert "ZeroDivision" not in found.text
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "ZeroDivisionError" in caplog.text  # on standard error


def test_a_token_is_read_from_a_file_or_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert access.read_token(path) == TOKEN
    assert access.read_token(None) is None
    monkeypatch.setenv(access.VARIABLE, TOKEN)
    assert access.read_token(None) == TOKEN
    for text in ("short", "a b" * 20, "x" * 2000, ""):
        path.write_text(text)
        with pytest.raises(InputError, match="expected a token"):
            access.read_token(path)
    with pytest.raises(InputError, match="no such file"):
        access.read_token(tmp_path / "none")


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://a:1", "host": "a:1"}, False),
        ({"origin": "http://b", "host": "a:1"}, True),
        ({"origin": "null", "host": "a:1"}, True),
    ],
)
def test_a_page_of_another_origin_cannot_send_uploads(headers, foreign):
    assert access.from_foreign_page("POST", headers) is foreign
    assert access.from_foreign_page("GET", headers) is False


def test_a_client_has_so_many_requests(archive):
    limited = other(archive, limits=Limits(rate=0.001, burst=3))
    assert [limited.get("/api/v1/health").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert int(limited.get("/api/v1/health").headers["retry-after"]) > 100


def test_a_bucket_fills_at_its_rate_and_forgets_the_longest_silent():
    now = [0.0]
    buckets = Buckets(2.0, 4.0, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now[0] = 1.0
    assert [buckets.take("a", 2), buckets.take("a"), buckets.take("b", 4)] == [0, 0.5, 0]
    for number in range(10_001):
        buckets.take(str(number))
    assert buckets.take("a", 4) == 0  # it was forgotten


@pytest.mark.parametrize(
    ("peer", "told", "proxy", "client"),
    [
        ("10.0.0.1", "9.9.9.9", False, "10.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 9.9.9.9", True, "9.9.9.9"),
        ("127.0.0.1", "nonsense", True, "127.0.0.1"),
        ("2001:db8::1", "", False, "2001:db8::/64"),
        ("::ffff:10.0.0.1", "", False, "10.0.0.1"),
        (None, "", False, "unknown"),
    ],
)
def test_who_asks_is_an_address(peer, told, proxy, client):
    assert client_of(peer, {"x-forwarded-for": told}, behind_proxy=proxy) == client


def asking(accept):
    return Request({"type": "http", "headers": [(b"accept", accept.encode("latin-1"))]})


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("text/*;q=0.5, application/json;q=0.4", CSV),
        ("application/json;q=0, */*", CSV),
        ("application/vnd.apache.parquet, text/csv;q=0.9", PARQUET),
        ("text/csv;q=nonsense, application/json;q=0.1", JSON),
    ],
)
def test_the_form_is_the_one_that_is_asked_for(accept, form):
    assert accepted(asking(accept)) == form


@given(st.text(alphabet=" ,;=*/abcdefq01.json", max_size=60))
def test_any_accept_header_gives_a_form_or_406(text):
    status, form = 200, JSON
    try:
        form = accepted(asking(text))
    except Problem as problem:
        status = problem.status
    assert form in FORMS
    assert status in (200, 406)


def test_the_api_describes_itself_with_an_example_for_every_answer(client):
    found = client.get("/api/v1/openapi.json").json()
    assert found["openapi"].startswith("3.")
    assert len(found["paths"]) == 12
    for path, methods in found["paths"].items():
        assert path.startswith("/api/v1/")
        for operation in methods.values():
            assert operation["summary"]
            (content,) = [one["content"] for status, one in operation["responses"].items() if status == "200"]
            assert all("example" in one for one in content.values()), path
            assert "application/problem+json" in operation["responses"]["404"]["content"]


def test_models_have_cards_where_they_ship(client):
    found = {one["name"]: one for one in client.get("/api/v1/models").json()["items"]}
    assert set(found) == {"regions", "mcintosh", "climatology"}
    card = client.get(found["regions"]["card"])
    assert card.headers["content-type"] == "text/markdown; charset=utf-8"
    assert card.text.startswith("# Region model `regions`")
    assert found["climatology"]["card"] is None


def test_metrics_are_lines_that_prometheus_reads(client):
    client.get("/api/v1/forecasts/0123")
    text = client.get("/api/v1/metrics").text
    line = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+|# (HELP|TYPE) [a-z_]+ .+')
    assert all(line.fullmatch(one) for one in text.strip().split("\n"))
    assert 'flarescope_requests_total{method="GET",status="404"}' in text
    assert "flarescope_forecasts 4" in text


def test_what_is_kept_later_is_shown_without_a_new_start(tmp_path):
    keep(tmp_path, made_forecast(1))
    app = create_app(Settings(archive=tmp_path, limits=OPEN))
    asked = TestClient(app, base_url=HERE)
    tag = asked.get("/").headers["etag"]
    assert not app.state.kept.refresh()
    keep(tmp_path, made_forecast(2))
    assert app.state.kept.refresh()
    assert asked.get("/api/v1/forecasts/newest").json()["issued"].startswith("2011-02-02")
    assert asked.get("/", headers={"If-None-Match": tag}).status_code == 200
    (tmp_path / "archive.sqlite").write_bytes(b"no archive" * 100)
    assert not app.state.kept.refresh()
    assert "archive" in app.state.kept.problem
    assert asked.get("/api/v1/forecasts/newest").status_code == 200


def change_a_row(archive, day):
    """Change a probability of a day behind the archive's back."""
    with contextlib.closing(sqlite3.connect(archive / NAME)) as connection, connection:
        connection.execute(
            "UPDATE forecast_row SET probability = 0.9 WHERE rowid = (SELECT min(forecast_row.rowid) FROM forecast_row "
            "JOIN forecast ON forecast.id = forecast WHERE issued LIKE ?)",
            (f"2011-02-0{day}%",),
        )


def test_an_archive_is_read_as_it_is_asked_for(tmp_path, monkeypatch):
    for day in (1, 2, 3, 4):
        keep(tmp_path, made_forecast(day))
    read = []
    monkeypatch.setattr(shelf, "read_one", lambda folder, digest, **options: read.append(1) or read_one(folder, digest))
    app = create_app(Settings(archive=tmp_path, limits=OPEN))
    assert len(app.state.kept.snapshot.forecasts) == 4
    assert len(read) == 1  # the newest, so that it is sound
    asked = TestClient(app, base_url=HERE)
    assert asked.get("/api/v1/regions").json()["items"][0]["first"] == "2011-02-01T00:30:00+00:00"
    assert len(read) == 1
    for _ in range(2):
        assert asked.get("/days/2011-02-02").status_code == 200
        assert len(read) == 3  # with the day before


def test_a_forecast_that_was_changed_is_found_left_out_and_named(tmp_path):
    for day in (1, 2, 3, 4):
        keep(tmp_path, made_forecast(day))
    change_a_row(tmp_path, 4)
    app = create_app(Settings(archive=tmp_path, limits=OPEN))  # the newest is looked at before anybody asks
    asked = TestClient(app, base_url=HERE)
    assert asked.get("/api/v1/forecasts/newest").json()["issued"].startswith("2011-02-03")
    assert "archive.sqlite, the forecast sha256:" in asked.get("/").text
    assert str(tmp_path) not in asked.get("/").text
    change_a_row(tmp_path, 1)
    page = {"Accept": "text/html"}
    found = asked.get("/days/2011-02-01", headers=page)
    assert (found.status_code, found.headers["retry-after"]) == (503, "1")
    assert asked.get("/days/2011-02-01", headers=page).status_code == 404
    change_a_row(tmp_path, 2)
    state = app.state.kept
    assert state.check(state.unchecked()) is False
    assert state.refresh()
    assert [kept.day for kept in state.snapshot.forecasts] == ["2011-02-03"]
    assert len(state.snapshot.refused) == 3
    assert state.unchecked() is None


def test_places_that_are_written_after_a_forecast_was_kept_are_shown(archive, tmp_path):
    keep(tmp_path, read_archive(archive).forecasts[-1])
    app = create_app(Settings(archive=tmp_path, limits=OPEN))
    asked = TestClient(app, base_url=HERE)
    assert "places of the regions were not kept" in asked.get("/").text
    shutil.copytree(archive / "forecasts", tmp_path / "forecasts")
    assert app.state.kept.refresh()
    assert 'class="mark"' in asked.get("/").text


def test_an_archive_that_another_process_holds_is_told_at_the_start_and_waited_for_later(tmp_path, monkeypatch, capsys):
    keep(tmp_path, made_forecast(1))
    app = create_app(Settings(archive=tmp_path, limits=OPEN))
    keep(tmp_path, made_forecast(2))
    for module in (kept, shelf):
        monkeypatch.setattr(module, "WAIT_S", 0.05)
    with contextlib.closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert main(["serve", "--archive", str(tmp_path), "--port", "0"]) == 1
        assert "another process is writing to" in capsys.readouterr().err
        assert not app.state.kept.refresh()
        assert TestClient(app, base_url=HERE).get("/api/v1/forecasts").status_code == 200
    assert app.state.kept.refresh()
    assert app.state.kept.snapshot.newest.day == "2011-02-02"


def test_of_two_forecasts_of_one_time_the_first_kept_is_shown(tmp_path):
    keep(tmp_path, made_forecast(1, probability=0.5, stored_day=3))
    keep(tmp_path, made_forecast(1, probability=0.25))
    asked = other(tmp_path)
    assert asked.get("/api/v1/forecasts/newest").json()["disk"]["shown"]["C1.0/24"] == 0.25


def test_a_folder_of_forecast_out_is_shown_without_an_archive(archive, tmp_path):
    asked = TestClient(create_app(Settings(made=(archive / "forecasts",))), base_url=HERE)
    found = asked.get("/api/v1/forecasts/newest").json()
    assert (found["stored"], found["issued"][:10]) == (None, "2014-10-24")
    one = TestClient(create_app(Settings(made=(archive / "forecasts/2014-10-24",))), base_url=HERE)
    assert one.get("/api/v1/forecasts/newest").json() == found


def test_a_forecast_is_made_at_the_start_of_the_files_that_are_named(tmp_path, monkeypatch):
    draw_blank(monkeypatch)
    made = Settings(regions=(REGIONS,), flares=(FLARES,), archive=tmp_path / "archive")
    served = made_now(made, tmp_path / "work", Reporter())
    assert made_now(served, tmp_path, Reporter()) is served
    found = TestClient(create_app(served), base_url=HERE).get("/api/v1/forecasts/newest").json()
    assert found["stored"] is not None
    assert {one["noaa_ar"] for one in found["regions"] if one["place"]} >= {12192}


def test_what_a_killed_server_left_goes_when_the_next_one_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with work_folder() as alive:
        left = tmp_path / f"{WORK}left"
        left.mkdir()
        lock_file(left / ALIVE).touch()  # as a process that was killed leaves it
        (left / "flares.json").write_text("{}")
        (tmp_path / f"{WORK}other").mkdir()  # of a server that has just begun
        with work_folder():
            assert alive.is_dir()
            assert not left.exists()
            assert (tmp_path / f"{WORK}other").is_dir()
    assert not alive.exists()


def test_files_of_another_forecast_lend_no_places(archive, tmp_path):
    issued = replace(made_forecast(1), issued=ISSUED, stored=ISSUED)
    keep(tmp_path, issued)
    found = TestClient(create_app(Settings(archive=tmp_path, made=(archive / "forecasts",))), base_url=HERE)
    document = found.get("/api/v1/forecasts/newest").json()
    assert [one["noaa_ar"] for one in document["regions"]] == [11158, 11161]
    assert document["positions_of"] is None


def test_notes_of_random_filters_and_made_data_are_shouted(tmp_path):
    keep(tmp_path, replace(made_forecast(1), notes=("the filters are random", "plain")))
    assert other(tmp_path).get("/api/v1/forecasts/newest").json()["warnings"] == ["the filters are random"]


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.9", True), ("::1", True), ("0.0.0.0", False), ("sun", False)])
def test_loopback_is_this_machine_alone(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ([], "nothing to serve", 2),
        (["--archive", "none"], "none: no archive there", 2),
        (["none"], "none: no such run or model file", 2),
        (["--archive", "a", "--host", "0.0.0.0"], "need a token", 2),
        (["--archive", "a", "--port", "99999"], "0 (any free one) to 65535", 2),
        (["--watch", "--forecast", "a"], "give the folder of its --archive", 2),
        (["--archive", "a", "--image", "b"], "give its --regions too", 2),
        (["--regions", "none"], "cannot read none", 2),
        (["--archive", "a", "--watch", "--every", "0"], "1 to 1440 minutes", 2),
        (["--archive", "a", "--token-file", "none"], "no such file", 2),
        (["--archive", "a", "--host", "sun.invalid", "--token-file", "t"], "no such address", 2),
    ],
)
def test_bad_input_at_the_start_is_one_line(arguments, said, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t").write_text(TOKEN)
    assert main(["serve", *arguments]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert len(line) < 300


def test_a_port_in_use_is_one_line(archive, capsys):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", "--archive", str(archive), "--port", str(taken.getsockname()[1])]) == 1
    assert "another program listens there; give another --port" in capsys.readouterr().err


def test_the_client_of_the_docs_asks_twice_and_is_sent_the_forecast_once(client, monkeypatch, capsys):
    text = (Path(__file__).parents[1] / "docs/serve.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 21
    statuses = []

    def ask(request):
        found = client.get(request.full_url, headers=request.headers | {"Host": "127.0.0.1"})
        statuses.append(found.status_code)
        if found.status_code >= 300:
            raise urllib.error.HTTPError(request.full_url, found.status_code, "", None, io.BytesIO(found.content))
        answer = io.BytesIO(found.content)
        answer.headers = found.headers
        return answer

    monkeypatch.setattr(urllib.request, "urlopen", ask)
    names: dict = {}
    exec(compile(code, "docs/serve.md", "exec"), names)
    assert "12192 " in capsys.readouterr().out
    assert names["newest"]()["issued"] == "2014-10-24T00:30:00+00:00"
    assert statuses == [200, 304]


def test_a_patch_is_shown_north_up_whichever_way_the_camera_lay():
    south_up = np.array([[1.0, 2.0], [3.0, 4.0]])  # CROTA2 180: the first row is the lowest, and in the north
    north_up = south_up[::-1, ::-1]
    for crota in (180.0, 179.9, -180.0, None):
        assert upright(south_up, crota).tolist() == [[2.0, 1.0], [4.0, 3.0]]
    for crota in (0.0, 0.2, 359.9):
        assert upright(north_up, crota).tolist() == [[2.0, 1.0], [4.0, 3.0]]
