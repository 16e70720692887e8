"""Does a file arrive whole and verified over a network that fails in every way?"""

import contextlib
import errno
import hashlib
import io
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pooch
import pytest
import requests

from flarescope import fetch as fetch_module
from flarescope import files, locks
from flarescope.answers import explain
from flarescope.errors import AbsentError, FlarescopeError, InputError
from flarescope.fetch import Source, fetch
from http_server import Page, serve
from waiting import LIMIT_S, wait_until

BODY = random.Random(0).randbytes(300_000)
DIGEST = "sha256:" + hashlib.sha256(BODY).hexdigest()
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def waits(monkeypatch):
    """The waits between attempts, in seconds, without the waiting."""
    asked = []
    monkeypatch.setattr(fetch_module, "time", SimpleNamespace(sleep=asked.append, time=time.time))
    return asked


def source_of(url: str, **changes: object) -> Source:
    return Source(**({"name": "data.bin", "url": url, "size": len(BODY), "digest": DIGEST} | changes))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def assert_only_the_file(path: Path, body: bytes = BODY) -> None:
    assert path.read_bytes() == body
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("digest", [DIGEST, MD5, MD5[:4] + MD5[4:].upper(), None])
@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_file_arrives(server, tmp_path, digest, size):
    path, steps = tmp_path / "new" / "data.bin", []
    source = source_of(server.put("/f", Page(BODY)), digest=digest, size=size)
    assert fetch(source, path, progress=lambda done, total: steps.append((done, total))) == path
    assert_only_the_file(path)
    assert (steps[0], steps[-1]) == ((0, len(BODY)), (len(BODY), len(BODY)))
    assert steps == sorted(steps)
    assert server.seen[0].headers["accept-encoding"] == "identity"
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")
    assert path.stat().st_mode == ordinary.stat().st_mode


def test_an_empty_file_arrives(server, tmp_path):
    source = source_of(server.put("/f", Page(b"")), size=0, digest="md5:" + hashlib.md5(b"").hexdigest())
    assert_only_the_file(fetch(source, tmp_path / "empty"), b"")


def test_a_server_that_hides_the_size(server, tmp_path):
    steps = []
    source = source_of(server.put("/f", Page(BODY, content_length=-1)), size=None)
    fetch(source, tmp_path / "f", progress=lambda done, total: steps.append((done, total)))
    assert_only_the_file(tmp_path / "f")
    assert steps[-1] == (len(BODY), None)


def test_the_right_file_is_not_fetched_again(server, tmp_path):
    (tmp_path / "f").write_bytes(BODY)
    fetch(source_of(server.put("/f", Page(BODY))), tmp_path / "f")
    assert server.seen == []


@pytest.mark.parametrize("old", [b"old", BODY[:-1] + b"\0"])
def test_another_file_is_replaced_only_after_verification(server, tmp_path, old):
    path = tmp_path / "f"
    path.write_bytes(old)
    url = server.put("/f", Page(BODY[::-1]))
    with pytest.raises(FlarescopeError, match="is not the expected file"):
        fetch(source_of(url), path)
    assert_only_the_file(path, old)
    server.put("/f", Page(BODY))
    fetch(source_of(url), path)
    assert_only_the_file(path)


def test_broken_connections_are_continued(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, breaks=[100_000, 50_000]))
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None, "bytes=100000-", "bytes=150000-"]
    assert [seen.headers.get("if-range") for seen in server.seen] == [None, '"first"', '"first"']
    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 3.0


@pytest.mark.parametrize(("etag", "modified"), [(None, "Tue, 01 Jul 2025 10:00:00 GMT"), ('W/"weak"', None)])
def test_a_weak_etag_is_no_validator(server, tmp_path, waits, etag, modified):
    url = server.put("/f", Page(BODY, etag=etag, last_modified=modified, breaks=[100_000]))
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.seen[1].headers.get("if-range") == modified
    assert server.ranges()[1] == "bytes=100000-"  # the digest can tell


def test_without_validator_and_digest_nothing_is_joined(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, etag=None, breaks=[100_000]))
    fetch(source_of(url, digest=None), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None, None]


def test_a_server_that_ignores_ranges_starts_from_zero(server, tmp_path, waits):
    fetch(source_of(server.put("/f", Page(BODY, ranges=False, breaks=[100_000]))), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.statuses() == [200, 200]


def test_attempts_end_and_the_next_command_continues(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, breaks=[100_000, 0, 0]))
    with pytest.raises(FlarescopeError, match="run the same command again, it continues there") as caught:
        fetch(source_of(url), tmp_path / "f", attempts=3)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["f.part"]
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None, *["bytes=100000-"] * 3]


def test_attempts_with_real_progress_do_not_count(server, tmp_path, waits):
    body = BODY * 14
    url = server.put("/f", Page(body, breaks=[2**20] * 3))
    source = source_of(url, size=len(body), digest="md5:" + hashlib.md5(body).hexdigest())
    fetch(source, tmp_path / "f", attempts=2)
    assert_only_the_file(tmp_path / "f", body)


def test_a_changed_remote_file_starts_anew(server, tmp_path, waits):
    url = server.put("/f", Page(BODY[::-1], breaks=[100_000]))
    with pytest.raises(FlarescopeError):
        fetch(source_of(url), tmp_path / "f", attempts=1)
    server.put("/f", Page(BODY, etag='"second"'))
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges()[1] == "bytes=100000-"
    assert server.statuses() == [200, 200]


def test_another_address_starts_anew(server, tmp_path, waits):
    with pytest.raises(FlarescopeError):
        fetch(source_of(server.put("/old", Page(BODY[::-1], breaks=[100_000]))), tmp_path / "f", attempts=1)
    fetch(source_of(server.put("/new", Page(BODY))), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None, None]


@pytest.mark.parametrize("validator", [5, ["x"], {"a": 1}, '"a"\r\nHost: elsewhere', "\udce9"])
def test_a_state_whose_validator_is_no_header_starts_anew(server, tmp_path, validator):
    url, folder = server.put("/f", Page(BODY)), tmp_path / "f.part"
    folder.mkdir()
    (folder / "data").write_bytes(BODY[:1000])
    (folder / "state.json").write_text(json.dumps({"url": url, "validator": validator, "total": len(BODY)}))
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None]


def test_a_damaged_state_starts_anew(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, breaks=[100_000]))
    with pytest.raises(FlarescopeError):
        fetch(source_of(url), tmp_path / "f", attempts=1)
    (tmp_path / "f.part" / "state.json").write_text("{")
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None, None]


def test_416_starts_anew(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, breaks=[100_000], status_with_range=416))
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.statuses() == [200, 416, 200]


def test_a_download_that_was_whole_but_not_yet_verified_needs_no_request(server, tmp_path):
    url = server.put("/f", Page(BODY))
    folder = tmp_path / "f.part"
    folder.mkdir()
    (folder / "data").write_bytes(BODY)
    (folder / "tmpstray").write_bytes(b"left by a killed process")
    files.write_json(folder / "state.json", {"url": url, "validator": '"first"', "total": len(BODY)})
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.seen == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_statuses_that_pass(server, tmp_path, waits, status):
    fetch(source_of(server.put("/f", Page(BODY, failures=[(status, {}), (status, {})]))), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.statuses() == [status, status, 200]


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("7", 7, 7), ("100000", 60, 60), ("in 30 s", 30, 30), ("ages ago", 0, 0), ("soon", 0.5, 1.5), ("", 0.5, 1.5)],
)
def test_retry_after(server, tmp_path, waits, monkeypatch, value, low, high):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(fetch_module.time, "time", now.timestamp)
    value = {"in 30 s": format_datetime(now + timedelta(seconds=30), usegmt=True)}.get(value, value)
    value = {"ages ago": format_datetime(now - timedelta(days=30), usegmt=True)}.get(value, value)
    fetch(source_of(server.put("/f", Page(BODY, failures=[(429, {"Retry-After": value})]))), tmp_path / "f")
    assert len(waits) == 1
    assert low <= waits[0] <= high


def test_a_server_that_stays_busy(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, failures=[(503, {})] * 9))
    with pytest.raises(FlarescopeError, match=r"cannot fetch data\.bin from 127\.0\.0\.1: it answers 503"):
        fetch(source_of(url), tmp_path / "f")
    assert len(server.seen) == 5


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
def test_statuses_that_are_final(server, tmp_path, waits, status):
    url = server.put("/f", Page(BODY, failures=[(status, {})] * 5))
    with pytest.raises(FlarescopeError, match=rf"cannot fetch {url}: .*\({status}\); open the address") as caught:
        fetch(source_of(url), tmp_path / "f")
    assert isinstance(caught.value, AbsentError) == (status in (404, 410))
    assert len(server.seen) == 1
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_wrong_digest_leaves_nothing(server, tmp_path, waits, size):
    wrong = BODY[::-1]
    with pytest.raises(FlarescopeError) as caught:
        fetch(source_of(server.put("/f", Page(wrong)), size=size), tmp_path / "f")
    assert f"expected digest {DIGEST}, got {hashlib.sha256(wrong).hexdigest()}; it was removed" in str(caught.value)
    assert caught.value.__suppress_context__
    assert names(tmp_path) == []
    assert len(server.seen) == 1


@pytest.mark.parametrize("hidden", [None, -1])
@pytest.mark.parametrize(("body", "got"), [(BODY + b"x", "300001 bytes|more"), (BODY[:-1], "299999")])
def test_a_wrong_size_leaves_nothing_verified(server, tmp_path, waits, hidden, body, got):
    url = server.put("/f", Page(body, content_length=hidden))
    with pytest.raises(FlarescopeError, match=got):
        fetch(source_of(url, digest=None), tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_content_length_that_promises_too_much(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, content_length=len(BODY) + 10))
    with pytest.raises(FlarescopeError, match="cannot fetch"):
        fetch(source_of(url, size=None), tmp_path / "f", attempts=2)
    assert not (tmp_path / "f").exists()


def test_redirects_are_followed(server, tmp_path):
    server.put("/f", Page(BODY))
    fetch(source_of(server.put("/moved", Page(location="/f"))), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")


@pytest.mark.parametrize(("location", "text"), [("/round", "redirects"), ("ftp://127.0.0.1/f", "ftp://")])
def test_redirects_that_lead_nowhere_are_final(server, tmp_path, waits, location, text):
    with pytest.raises(FlarescopeError, match=text):
        fetch(source_of(server.put("/round", Page(location=location))), tmp_path / "f")
    assert waits == []


@pytest.mark.parametrize(
    ("start", "target", "followed"),
    [
        ("https://a.test/f", "http://b.test/f", False),
        ("https://a.test/f", "HTTP://b.test/f", False),
        ("https://a.test/f", "/g", True),
        ("https://a.test/f", "https://b.test/f", True),
        ("http://a.test/f", "http://b.test/f", True),
    ],
)
def test_a_redirect_does_not_give_up_encryption(start, target, followed):
    response = requests.Response()
    response.status_code, response.url, response.headers["Location"] = 302, start, target
    expected = contextlib.nullcontext() if followed else pytest.raises(FlarescopeError, match="not encrypted")
    with fetch_module._new_session() as session, expected:
        assert session.get_redirect_target(response) == target


def test_a_silent_server(server, tmp_path, waits):
    url = server.put("/f", Page(BODY, drip=(1000, 0.5)))
    with pytest.raises(FlarescopeError, match=r"no answer within 0\.1 s"):
        fetch(source_of(url), tmp_path / "f", timeout_s=0.1, attempts=2)


def test_connection_refused(tmp_path, waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound but not listening
        with pytest.raises(FlarescopeError, match=r"from 127\.0\.0\.1: connection refused; run the same") as caught:
            fetch(source_of(f"http://127.0.0.1:{free.getsockname()[1]}/f"), tmp_path / "f")
    assert "\n" not in str(caught.value)
    assert len(waits) == 4


def test_no_network(tmp_path, waits, monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FlarescopeError, match=r"from nowhere\.test: its name is not known \(no network\?\); run"):
        fetch(source_of("http://nowhere.test/f"), tmp_path / "f")


def test_a_certificate_that_cannot_be_verified_is_final():
    error = requests.exceptions.SSLError("wrapped")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    assert explain(error, 1) == ("its certificate cannot be verified", False)


def test_too_little_space_is_said_before_the_body(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=200_000))
    with pytest.raises(FlarescopeError, match=r"not enough disk space for .*: 0\.3 MB needed, 0\.2 MB free"):
        fetch(source_of(server.put("/f", Page(BODY))), tmp_path / "f")
    assert (tmp_path / "f.part" / "data").stat().st_size == 0


def test_only_what_is_missing_needs_space(server, tmp_path, waits, monkeypatch):
    url = server.put("/f", Page(BODY, breaks=[150_000]))
    with pytest.raises(FlarescopeError):
        fetch(source_of(url), tmp_path / "f", attempts=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=200_000))
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")


def test_a_disk_that_fills_up_keeps_what_arrived(server, tmp_path, monkeypatch):
    url = server.put("/f", Page(BODY))

    class FullDisk(io.FileIO):
        def write(self, data: bytes) -> int:
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    def open_on_full_disk(path: Path, mode: str = "r", **options: object) -> object:
        return FullDisk(path, mode) if path.name == "data" else plain_open(path, mode, **options)

    plain_open = Path.open
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_full_disk)
        with pytest.raises(FlarescopeError) as caught:
            fetch(source_of(url), tmp_path / "f")
    where = f"disk full while writing {tmp_path / 'f'}"
    assert str(caught.value).startswith(f"{where}: free some space and run the same command again")
    kept = (tmp_path / "f.part" / "data").stat().st_size
    assert kept > 100_000
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.ranges() == [None, f"bytes={kept}-"]


def test_ctrl_c_while_the_digest_is_checked_keeps_the_download(server, tmp_path, monkeypatch):
    url = server.put("/f", Page(BODY))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pooch.core, "hash_matches", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(source_of(url), tmp_path / "f")
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.statuses() == [200]


def test_a_file_system_without_hard_links(server, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    fetch(source_of(server.put("/f", Page(BODY))), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")


def test_ctrl_c_keeps_what_arrived(server, tmp_path):
    url = server.put("/f", Page(BODY))

    def interrupt(done: int, total: int | None) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(source_of(url), tmp_path / "f", progress=interrupt)
    assert names(tmp_path) == ["f.part"]
    assert names(tmp_path / "f.part") == ["data", "state.json"]
    fetch(source_of(url), tmp_path / "f")
    assert_only_the_file(tmp_path / "f")
    assert server.statuses() == [200, 206]


def test_kill_9_then_continue(server, tmp_path):
    body = BODY * 10
    url = server.put("/f", Page(body, drip=(2**20, LIMIT_S)))  # one piece, and silence
    source = source_of(url, size=len(body), digest=None)
    child = (
        "from pathlib import Path; from flarescope.fetch import *; "
        f"fetch({source!r}, Path('f'), timeout_s={LIMIT_S}, attempts=1)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(files.__file__).parents[1])}
    data = tmp_path / "f.part" / "data"
    with subprocess.Popen([sys.executable, "-c", child], cwd=tmp_path, env=environment) as process:
        try:
            wait_until(lambda: process.poll() is not None or (data.exists() and data.stat().st_size > 0))
        finally:
            process.kill()
    kept = data.stat().st_size
    assert 0 < kept < len(body)
    assert not (tmp_path / "f").exists()
    server.pages["/f"].drip = None
    fetch(source, tmp_path / "f")
    assert_only_the_file(tmp_path / "f", body)
    assert server.ranges() == [None, f"bytes={kept}-"]


def test_two_at_once(server, tmp_path):
    source = source_of(server.put("/f", Page(BODY)))
    with locks.locked(tmp_path / "f"), pytest.raises(FlarescopeError, match="another process is making"):
        fetch(source, tmp_path / "f")
    assert server.seen == []


def test_a_folder_of_that_name(server, tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(InputError, match="there is a folder of this name"):
        fetch(source_of(server.put("/f", Page(BODY))), tmp_path / "f")


@pytest.mark.parametrize("url", ["ftp://a.test/f", "file:///etc/passwd", "/etc/passwd", "http://", "javascript:1"])
def test_only_http_and_https(url):
    with pytest.raises(InputError, match="expected an http or https address"):
        source_of(url)


@pytest.mark.parametrize("digest", ["", "md5:", "md5:12", "a" * 64, "sha1:" + "a" * 40, "sha256:" + "g" * 64])
def test_a_digest_must_look_like_one(digest):
    with pytest.raises(InputError, match="expected a digest such as md5:"):
        source_of("https://a.test/f", digest=digest)


def test_importing_is_cheap():
    code = "import sys, flarescope.fetch; sys.exit(bool({'requests', 'pooch'} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(Path(files.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
