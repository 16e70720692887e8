"""Is a file whole or absent, whatever happens while it is written?"""

import builtins
import errno
import hashlib
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope import files
from flarescope.errors import FlarescopeError, InputError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def fail_with(number: int, filename: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), filename)


def test_atomic_path_makes_the_file_and_its_folders(tmp_path):
    path = tmp_path / "new" / "deep" / "table.csv.gz"
    with files.atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".gz"
        temporary.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert names(path.parent) == ["table.csv.gz"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit, MemoryError])
def test_an_exception_leaves_the_old_content_and_nothing_else(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def write() -> None:
        with files.atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_two_writers_at_once_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "a.json"
    with files.atomic_path(path) as first, files.atomic_path(path) as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert path.read_text() == "1"  # the outer block ends last
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_and_leaves_the_old_content(tmp_path, number, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(fail_with(number)))
    with pytest.raises(FlarescopeError, match=r"disk full while writing .*a\.json: free some space and run the same"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_disk_that_is_really_full():
    with pytest.raises(FlarescopeError, match="disk full"), files.translate_os_errors(Path("/dev/full")):
        Path("/dev/full").write_bytes(b"x" * 10)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EACCES, "permission denied; choose another folder or change its permissions"),
        (errno.EPERM, "permission denied"),
        (errno.EROFS, "the file system is read-only"),
        (errno.ENAMETOOLONG, "the name is too long"),
    ],
)
def test_what_the_person_can_change_is_an_input_error(tmp_path, number, text):
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match=f"cannot write {path}: {text}"), files.translate_os_errors(path):
        raise fail_with(number, str(path))


def test_other_system_errors_keep_the_system_s_words(tmp_path):
    with pytest.raises(FlarescopeError, match="input/output error"), files.translate_os_errors(tmp_path):
        raise fail_with(errno.EIO)


def test_an_errno_that_a_library_writes_into_its_text_is_understood(tmp_path):
    text = "Can't write data (file write failed: errno = 28, error message = 'No space left on device')"
    with pytest.raises(FlarescopeError, match="disk full"), files.translate_os_errors(tmp_path / "a.h5"):
        raise OSError(text)


@pytest.mark.parametrize("error", [ConnectionResetError(errno.ECONNRESET, "reset"), TimeoutError(errno.ETIMEDOUT, "t")])
def test_network_errors_pass_through(tmp_path, error):
    with pytest.raises(type(error)), files.translate_os_errors(tmp_path):
        raise error


def test_an_error_about_another_file_passes_through(tmp_path):
    def write() -> None:
        with files.atomic_path(tmp_path / "out.csv"):
            (tmp_path / "input.csv").read_text()

    with pytest.raises(builtins.FileNotFoundError, match=r"input\.csv"):
        write()
    assert names(tmp_path) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken" / "a.json", tmp_path / "taken" / "deep" / "a.json"):
        with pytest.raises(InputError, match="a part of this path is a file, not a folder"):
            files.write_text(path, "x")
    with pytest.raises(InputError, match="not a folder"):
        files.make_folder(tmp_path / "taken")


def test_a_folder_where_the_file_should_be(tmp_path):
    with pytest.raises(InputError, match="there is a folder of this name"):
        files.write_text(tmp_path, "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="permission denied"):
        files.write_text(tmp_path / "a", "x")


def test_a_new_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "ordinary").write_text("")
    files.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@given(value=st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_json_round_trip(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "round.json"
    files.write_json(path, value)
    back = files.read_json(path)
    assert back == value
    assert list(back) == list(value)


def test_json_is_indented_and_ends_with_a_newline(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": 1, "a": None})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": 1,\n  "a": null\n}\n'


def test_nan_has_no_json_form(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match=r"cannot write .*a\.json as JSON: .*; write None where there is no number"):
        files.write_json(path, {"tss": float("nan")})
    with pytest.raises(InputError, match="not JSON serializable"):
        files.write_json(path, {"path": path})
    assert names(tmp_path) == []


def test_reading_json_says_what_is_wrong(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match=r"cannot read .*a\.json: there is no such file"):
        files.read_json(path)
    with pytest.raises(InputError, match="it is a folder"):
        files.read_json(tmp_path)
    path.write_text('{\n "a": 1,\n}')
    with pytest.raises(InputError, match=r"a\.json, line [23]: not JSON"):
        files.read_json(path)
    path.write_text("[1]")
    with pytest.raises(InputError, match="expected a JSON object in braces, got a list"):
        files.read_json(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="expected UTF-8"):
        files.read_json(path)


@given(content=st.binary(max_size=300_000))
def test_digests_agree_with_hashlib(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "digest.bin"
    path.write_bytes(content)
    assert files.sha256_of(path) == hashlib.sha256(content).hexdigest()
    assert files.md5_of(path) == hashlib.md5(content).hexdigest()


def test_a_published_digest(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # RFC 1321, A.5
    assert files.md5_of(tmp_path / "abc") == "900150983cd24fb0d6963f7d28e17f72"


def test_space_is_checked_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_500_000))
    files.check_space(tmp_path, 1_500_000)
    with pytest.raises(FlarescopeError, match=r"2\.0 MB needed, 1\.5 MB free; free some space"):
        files.check_space(tmp_path / "data.zip", 2_000_000)


@pytest.mark.parametrize("action", ["read", "write"])
def test_a_pipe_is_refused_before_it_is_opened(tmp_path, action):
    path = tmp_path / "x.json"
    os.mkfifo(path)
    with pytest.raises(InputError, match=f"cannot {action} .*x.json: it is a device, a pipe or a socket; name an ordi"):
        files.read_json(path) if action == "read" else files.write_json(path, {})
    assert names(tmp_path) == ["x.json"]


def test_a_result_never_takes_the_place_of_a_device():
    for path in (Path("/dev/null"), Path("/dev/stdout")):
        with pytest.raises(InputError, match="name an ordinary file"):
            files.check_writable(path)
    assert Path("/dev/null").is_char_device()
