"""Do the published set and NOAA's daily files arrive whole from services that play their documented answers?"""

import datetime as dt
import hashlib
import io
import json
import os
import shutil
import tarfile
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.errors import FlarescopeError, InputError
from flarescope.sources import download
from flarescope.sources.addresses import ADDRESSES, DRYAD_PNG, Addresses
from flarescope.sources.download import download_noaa, download_part
from flarescope.sources.repositories import PARTS, published_files
from flarescope.sources.unpack import MARKER, archive_stem, unpack_tar
from http_server import Page, serve

LABELS = b"1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png,C1.1\n" * 3000
EVENTS = b"2010 11 11,0524,1121,C1.1,\n" * 2000
QUICK = {"backoff_s": 0.001}


def md5(content):
    return hashlib.md5(content).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def here(server):
    return Addresses(
        dryad=server.base,
        zenodo=server.base,
        ncei=server.base + "/ncei",
        jsoc_registration=server.base,
        swpc=server.base,
        jsoc_fits=server.base,
    )


def put_json(server, path, value):
    server.put(path, Page(json.dumps(value).encode(), etag=None))


def dryad_file(number, name, content, kind="sha-256", **changes):
    digest = {"md5": md5, "sha-256": sha256}.get(kind, md5)(content)
    return {
        "_links": {"stash:file-download": {"href": f"/api/v2/files/{number}/download"}},
        "path": name,
        "size": len(content),
        "mimeType": "text/plain",
        "status": "copied",
        "digestType": kind,
        "digest": digest,
    } | changes


def play_dryad(server, files, doi=DRYAD_PNG, pages=1):
    """Play a data set of two versions; the newest has the files, in so many pages."""
    encoded = f"/api/v2/datasets/doi%3A{doi.replace('/', '%2F')}/versions?per_page=100"
    versions = [
        {"versionNumber": 2, "_links": {"stash:files": {"href": "/api/v2/versions/202/files"}}},
        {"versionNumber": 1, "_links": {"stash:files": {"href": "/api/v2/versions/101/files"}}},
    ]
    put_json(server, encoded, {"total": 2, "_embedded": {"stash:versions": versions}})
    paths = ["/api/v2/versions/202/files?per_page=100"]
    paths += [f"/api/v2/versions/202/files?page={number}&per_page=100" for number in range(2, pages + 1)]
    for number, path in enumerate(paths):
        links = {"next": {"href": paths[number + 1]}} if number + 1 < pages else {}
        put_json(server, path, {"_links": links, "_embedded": {"stash:files": files[number::pages]}})


@pytest.fixture
def dryad(server):
    files = [
        dryad_file(1, "C1.0_24hr_224_png_Labels.txt", LABELS),
        dryad_file(2, "eventList.txt", EVENTS, kind="md5"),
        dryad_file(3, "old.txt", b"", status="deleted"),
        dryad_file(4, "Lat60_Lon60_Nans0_C1.0_24hr_png_224_features.csv", b"1,2\n"),
        dryad_file(5, "images.tar.gz", b"not of this part"),
    ]
    play_dryad(server, files, pages=2)
    for number, content in ((1, LABELS), (2, EVENTS), (4, b"1,2\n")):
        server.put(f"/api/v2/files/{number}/download", Page(content))
    return server


def tar_of(members, mode="w"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                content(info)
                tar.addfile(info)
    return stream.getvalue()


IMAGES = {f"1121/{number}_224.png": bytes([number]) * 700 for number in range(20)}


def play_zenodo(server, content, name="png_224.tar", **changes):
    file = {"key": name, "size": len(content), "checksum": "md5:" + md5(content)} | changes
    put_json(server, "/api/records/7775776", {"id": 7775776, "files": [file]})
    return server.put(f"/api/records/7775776/files/{name}/content", Page(content))


def test_the_addresses_are_the_documented_ones():
    assert (
        ADDRESSES.dryad_versions(DRYAD_PNG)
        == "https://datadryad.org/api/v2/datasets/doi%3A10.5061%2Fdryad.jq2bvq898/versions?per_page=100"
    )
    assert ADDRESSES.zenodo_record("7775776") == "https://zenodo.org/api/records/7775776"
    assert (
        ADDRESSES.noaa_daily("solar_region_summaries", "20120306", "SRS.txt")
        == "https://www.ngdc.noaa.gov/stp/space-weather/swpc-products/daily_reports/"
        "solar_region_summaries/2012/03/20120306SRS.txt"
    )


def test_a_part_of_dryad(dryad, here, tmp_path):
    seen = []
    report = download_part("tables", tmp_path, addresses=here, progress=lambda *now: seen.append(now), **QUICK)
    assert sorted(path.name for path in report.files) == ["C1.0_24hr_224_png_Labels.txt", "eventList.txt"]
    assert (tmp_path / "eventList.txt").read_bytes() == EVENTS
    assert report.unverified == report.unpacked == ()
    assert ("eventList.txt", len(EVENTS), len(EVENTS)) in seen
    assert sorted(path.name for path in tmp_path.iterdir()) == ["C1.0_24hr_224_png_Labels.txt", "eventList.txt"]


def test_what_is_here_is_not_fetched_again(dryad, here, tmp_path):
    download_part("tables", tmp_path, addresses=here, **QUICK)
    before = len(dryad.seen)
    download_part("tables", tmp_path, addresses=here, **QUICK)
    assert [request.path for request in dryad.seen[before:] if "download" in request.path] == []


def test_only_what_is_asked_for(dryad, here, tmp_path):
    report = download_part("tables", tmp_path, only=["event*"], addresses=here, **QUICK)
    assert [path.name for path in report.files] == ["eventList.txt"]
    with pytest.raises(InputError, match=r"fits 'none\*'; it has .*eventList"):
        download_part("tables", tmp_path, only=["none*"], addresses=here, **QUICK)


def test_an_unknown_part(tmp_path):
    with pytest.raises(InputError, match="part 'all' is not known; expected one of tables, features, png"):
        download_part("all", tmp_path)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_service(part):
    assert PARTS[part].service in ("dryad", "zenodo")


def test_failures_on_the_way_pass(dryad, here, tmp_path):
    page = dryad.pages["/api/v2/files/1/download"]
    page.failures = [(429, {"Retry-After": "0"}), (500, {})]
    page.breaks = [1000, 5000]
    dryad.pages["/api/v2/versions/202/files?per_page=100"].failures = [(502, {})]
    download_part("tables", tmp_path, only=["C1*"], addresses=here, **QUICK)
    assert (tmp_path / "C1.0_24hr_224_png_Labels.txt").read_bytes() == LABELS
    assert f"bytes={1000}-" in dryad.ranges()


def test_a_broken_transfer_continues_in_the_next_run(dryad, here, tmp_path):
    page = dryad.pages["/api/v2/files/1/download"]
    page.breaks = [2000] + [0] * 10
    with pytest.raises(FlarescopeError, match="run the same command again"):
        download_part("tables", tmp_path, only=["C1*"], addresses=here, **QUICK)
    assert not (tmp_path / "C1.0_24hr_224_png_Labels.txt").exists()
    page.breaks = []
    download_part("tables", tmp_path, only=["C1*"], addresses=here, **QUICK)
    assert "bytes=2000-" in dryad.ranges()
    assert (tmp_path / "C1.0_24hr_224_png_Labels.txt").read_bytes() == LABELS


def test_a_slow_answer(dryad, here, tmp_path):
    dryad.pages["/api/v2/files/2/download"].drip = (9000, 0.01)
    download_part("tables", tmp_path, only=["event*"], addresses=here, **QUICK)
    assert (tmp_path / "eventList.txt").read_bytes() == EVENTS


def test_a_wrong_digest_leaves_nothing(dryad, here, tmp_path):
    dryad.pages["/api/v2/files/2/download"].body = EVENTS[:-2] + b"x\n"
    with pytest.raises(FlarescopeError, match="not the expected file"):
        download_part("tables", tmp_path, only=["event*"], addresses=here, **QUICK)
    assert not (tmp_path / "eventList.txt").exists()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_says_what_to_do(dryad, here, tmp_path, status):
    dryad.pages["/api/v2/files/2/download"].failures = [(status, {})]
    with pytest.raises(FlarescopeError, match=rf"\({status}\).*by hand"):
        download_part("tables", tmp_path, only=["event*"], addresses=here, **QUICK)


@pytest.mark.parametrize(
    "digest", [{"digestType": "sha-512"}, {"digest": None}, {"digest": "12"}, {"digestType": None}]
)
def test_a_file_without_a_usable_digest_is_named(server, here, tmp_path, digest):
    play_dryad(server, [dryad_file(2, "eventList.txt", EVENTS) | digest])
    server.put("/api/v2/files/2/download", Page(EVENTS))
    report = download_part("tables", tmp_path, addresses=here, **QUICK)
    assert [path.name for path in report.unverified] == ["eventList.txt"]


def test_the_older_name_of_the_link(server, here, tmp_path):
    file = dryad_file(2, "eventList.txt", EVENTS)
    file["_links"] = {"stash:download": {"href": "/api/v2/files/2/download"}}
    play_dryad(server, [file])
    server.put("/api/v2/files/2/download", Page(EVENTS))
    assert len(download_part("tables", tmp_path, addresses=here, **QUICK).files) == 1


def test_a_redirect_to_the_store_is_followed(dryad, here, tmp_path):
    dryad.put("/bucket/2", dryad.pages["/api/v2/files/2/download"])
    dryad.put("/api/v2/files/2/download", Page(location=dryad.base + "/bucket/2"))
    download_part("tables", tmp_path, only=["event*"], addresses=here, **QUICK)
    assert (tmp_path / "eventList.txt").read_bytes() == EVENTS


@pytest.mark.parametrize("name", ["../out.txt", "/etc/x", "a/b.txt", "a\\b.txt", "..", "", ".hidden", "c:x", "a\0b"])
def test_names_that_leave_the_folder_are_refused(server, here, tmp_path, name):
    play_dryad(server, [dryad_file(1, name, b"x")])
    with pytest.raises(FlarescopeError, match="expected a plain name"):
        download_part("tables", tmp_path, addresses=here, **QUICK)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"<html>", b"{}", b'{"_embedded": 3}', b'{"_embedded": {"stash:versions": []}}', b"\xff"]
)
def test_another_form_of_answer(server, here, answer):
    server.put(f"/api/v2/datasets/doi%3A{DRYAD_PNG.replace('/', '%2F')}/versions?per_page=100", Page(answer))
    with pytest.raises(FlarescopeError, match="API may have changed"):
        published_files("tables", addresses=here, **QUICK)


def test_a_part_without_files(server, here):
    play_dryad(server, [dryad_file(1, "images.tar.gz", b"x")])
    with pytest.raises(FlarescopeError, match="no file of part 'tables'"):
        published_files("tables", addresses=here, **QUICK)


@pytest.mark.parametrize(("name", "mode"), [("png_224.tar", "w"), ("png_224.tar.gz", "w:gz"), ("png_224.tgz", "w:gz")])
def test_the_images_from_zenodo(server, here, tmp_path, name, mode):
    play_zenodo(server, tar_of(IMAGES, mode), name)
    report = download_part("png", tmp_path, addresses=here, **QUICK)
    assert report.unpacked == (tmp_path / "png_224",)
    for path, content in IMAGES.items():
        assert (tmp_path / "png_224" / path).read_bytes() == content
    assert download_part("png", tmp_path, addresses=here, **QUICK).unpacked == (tmp_path / "png_224",)


def test_archives_can_stay_packed(server, here, tmp_path):
    play_zenodo(server, tar_of(IMAGES))
    assert download_part("png", tmp_path, unpack=False, addresses=here, **QUICK).unpacked == ()
    assert [path.name for path in tmp_path.iterdir()] == ["png_224.tar"]


def disk_with(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=free, used=0, free=free))


def test_space_is_checked_before_the_first_byte(server, here, tmp_path, monkeypatch):
    content = tar_of(IMAGES)
    url = play_zenodo(server, content)
    disk_with(monkeypatch, 2 * len(content) - 1)
    with pytest.raises(FlarescopeError, match=r"GB are needed .* GB are free"):
        download_part("png", tmp_path, addresses=here, **QUICK)
    assert not any(url.endswith(request.path) for request in server.seen)
    disk_with(monkeypatch, 2 * len(content))
    assert len(download_part("png", tmp_path, addresses=here, **QUICK).unpacked) == 1


def test_what_is_here_needs_no_space(server, here, tmp_path, monkeypatch):
    play_zenodo(server, tar_of(IMAGES))
    download_part("png", tmp_path, addresses=here, **QUICK)
    disk_with(monkeypatch, 1000)  # for the answer of the service
    assert len(download_part("png", tmp_path, addresses=here, **QUICK).files) == 1


def link_to(target, kind=tarfile.SYMTYPE):
    def change(info):
        info.type, info.linkname = kind, target

    return change


def resized(kind):
    def change(info):
        info.type, info.size = kind, 10**18

    return change


def device(info):
    info.type = tarfile.CHRTYPE


@pytest.mark.parametrize(
    "member",
    [
        {"../out.png": b"x"},
        {"/tmp/flarescope-out.png": b"x"},
        {"1121/../../out.png": b"x"},
        {"..\\out.png": b"x"},
        {"c:\\out.png": b"x"},
        {"link": link_to("/etc/passwd")},
        {"link": link_to("..")},
        {"link": link_to("1121/0_224.png", tarfile.LNKTYPE)},
        {"device": device},
    ],
)
def test_unsafe_archives_leave_nothing(tmp_path, member):
    archive = tmp_path / "a.tar"
    archive.write_bytes(tar_of(IMAGES | member))
    with pytest.raises(FlarescopeError, match="nothing is unpacked"):
        unpack_tar(archive, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_cut_archive_leaves_nothing(tmp_path, mode):
    whole = tar_of({name: os.urandom(700) for name in IMAGES}, mode)
    archive = tmp_path / "a.tar"
    archive.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(FlarescopeError, match="damaged or unsafe"):
        unpack_tar(archive, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_interrupted_unpacking_is_done_again(tmp_path):
    archive = tmp_path / "a.tar"
    archive.write_bytes(tar_of(IMAGES))
    left = tmp_path / ".a.unpacking"
    (left / "1121").mkdir(parents=True)
    (left / "1121" / "half.png").write_bytes(b"x")
    unpack_tar(archive, tmp_path / "a")
    assert not left.exists()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [MARKER, "1121"]
    assert len(list((tmp_path / "a/1121").iterdir())) == 20


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    archive = tmp_path / "a.tar"
    archive.write_bytes(tar_of(IMAGES))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.txt").write_text("mine")
    with pytest.raises(FlarescopeError, match="move it away"):
        unpack_tar(archive, tmp_path / "a")
    assert (tmp_path / "a" / "mine.txt").read_text() == "mine"


def test_sizes_that_a_damaged_archive_claims_are_not_believed(tmp_path):
    """A folder's counts for nothing; a file's is within an archive that is not compressed."""
    archive = tmp_path / "a.tar"
    archive.write_bytes(tar_of({"big": resized(tarfile.DIRTYPE)}))
    assert (unpack_tar(archive, tmp_path / "a") / "big").is_dir()
    archive.write_bytes(tar_of(IMAGES | {"big": resized(tarfile.REGTYPE)}))
    with pytest.raises(InputError, match=r"damaged or unsafe \('big' goes on beyond its end\); remove it and fetch"):
        unpack_tar(archive, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_an_archive_that_swells_is_stopped(tmp_path, monkeypatch):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(tar_of({"big": bytes(10**6)}, "w:gz"))
    disk_with(monkeypatch, 10**6 - 1)
    with pytest.raises(FlarescopeError, match="holds more than there is room for"):
        unpack_tar(archive, tmp_path / "a")
    assert not (tmp_path / "a").exists()


@given(st.lists(st.tuples(st.text("ab./\\:", min_size=1, max_size=9), st.sampled_from("fdl")), max_size=4))
def test_nothing_lies_outside(tmp_path_factory, members):
    root = tmp_path_factory.mktemp("any")
    content = {name: b"x" if kind == "f" else (link_to("..") if kind == "l" else b"") for name, kind in members}
    (root / "a.tar").write_bytes(tar_of(content))
    (root / "deep").mkdir()
    try:
        unpack_tar(root / "a.tar", root / "deep" / "a")
    except (FlarescopeError, OSError):
        assert list((root / "deep").iterdir()) == []
    assert sorted(path.name for path in root.iterdir()) == ["a.tar", "deep"]
    assert {path.name for path in (root / "deep").iterdir()} <= {"a"}


@pytest.mark.parametrize(("name", "stem"), [("a.tar.gz", "a"), ("a.TGZ", "a"), ("a.b.tar", "a.b"), ("a.txt", "a.txt")])
def test_the_stem_of_an_archive(name, stem):
    assert archive_stem(name) == stem


def put_summaries(server, days):
    for day in days:
        server.put(f"/ncei/solar_region_summaries/2012/01/{day}SRS.txt", Page(f":Product: {day}\n".encode()))


JANUARY = dt.date(2012, 1, 1)


def test_daily_files_with_a_day_that_does_not_exist(server, here, tmp_path):
    put_summaries(server, ["20120102", "20120103"])
    seen = []
    report = download_noaa(
        "summaries", JANUARY, dt.date(2012, 1, 3), tmp_path, addresses=here, progress=lambda *n: seen.append(n), **QUICK
    )
    assert [path.name for path in report.files] == ["20120102SRS.txt", "20120103SRS.txt"]
    assert report.missing == (JANUARY,)
    assert report.failed == ()
    assert seen[-1] == ("summaries", 3, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20120102SRS.txt", "20120103SRS.txt"]


def test_daily_files_that_are_settled_are_kept(server, here, tmp_path):
    put_summaries(server, ["20120102"])
    day = dt.date(2012, 1, 2)
    download_noaa("summaries", day, day, tmp_path, addresses=here, **QUICK)
    download_noaa("summaries", day, day, tmp_path, addresses=here, **QUICK)
    assert len(server.seen) == 1
    early = dt.datetime(2012, 1, 3, tzinfo=dt.UTC).timestamp()
    os.utime(tmp_path / "20120102SRS.txt", (early, early))
    download_noaa("summaries", day, day, tmp_path, addresses=here, **QUICK)
    assert len(server.seen) == 2


def test_a_provisional_file_stays_while_the_service_is_away(server, here, tmp_path):
    put_summaries(server, ["20120102"])
    day = dt.date(2012, 1, 2)
    path = tmp_path / "20120102SRS.txt"
    path.write_text("provisional")
    early = dt.datetime(2012, 1, 3, tzinfo=dt.UTC).timestamp()
    os.utime(path, (early, early))
    server.pages["/ncei/solar_region_summaries/2012/01/20120102SRS.txt"].failures = [(500, {})] * 9
    report = download_noaa("summaries", day, day, tmp_path, addresses=here, **QUICK)
    assert [day for day, _ in report.failed] == [day]
    assert path.read_text() == "provisional"


def test_one_bad_day_does_not_stop_the_others(server, here, tmp_path):
    put_summaries(server, ["20120101", "20120102", "20120103"])
    server.pages["/ncei/solar_region_summaries/2012/01/20120102SRS.txt"].failures = [(500, {})] * 9
    report = download_noaa("summaries", JANUARY, dt.date(2012, 1, 3), tmp_path, addresses=here, **QUICK)
    assert len(report.files) == 2
    assert [(day, "500" in reason) for day, reason in report.failed] == [(dt.date(2012, 1, 2), True)]


def test_a_service_that_is_away_ends_it(server, here, tmp_path):
    put_summaries(server, [f"201201{day:02d}" for day in range(1, 20)])
    for page in server.pages.values():
        page.failures = [(503, {})] * 9
    with pytest.raises(FlarescopeError, match="3 days in a row failed"):
        download_noaa("summaries", JANUARY, dt.date(2012, 1, 19), tmp_path, addresses=here, **QUICK)
    assert len({request.path for request in server.seen}) == 3


def test_event_reports(server, here, tmp_path):
    server.put("/ncei/solar_event_reports/2015/03/20150301events.txt", Page(b":Product: 20150301events.txt\n"))
    day = dt.date(2015, 3, 1)
    assert download_noaa("events", day, day, tmp_path, addresses=here, **QUICK).files[0].name == "20150301events.txt"


def test_other_products_and_periods(tmp_path):
    with pytest.raises(InputError, match="expected summaries or events"):
        download_noaa("flares", JANUARY, JANUARY, tmp_path)
    with pytest.raises(InputError, match="before it begins"):
        download_noaa("events", JANUARY, dt.date(2011, 1, 1), tmp_path)


def test_all_traffic_stays_here(here):
    assert all("127.0.0.1" in value for value in vars(here).values())
    assert download.ADDRESSES is ADDRESSES
