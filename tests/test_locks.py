"""Does one process at a time make a file, and is it said where that cannot be seen to?"""

import errno
import fcntl
import os
import subprocess
import sys
import tempfile

import pytest

from fakes import child_environment
from flarescope import cli, locks
from flarescope.errors import FlarescopeError, FlarescopeWarning


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder))
    return folder


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def without_locks(monkeypatch, number, folder):
    """Let the file system of one folder have no locks."""
    real = fcntl.flock

    def flock(stream, operation):
        if os.path.samestat(os.stat(os.path.dirname(stream.name)), folder.stat()):  # noqa: PTH116, PTH120
            raise OSError(number, os.strerror(number))
        real(stream, operation)

    monkeypatch.setattr(fcntl, "flock", flock)


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "weights.h5"
    with locks.locked(path):
        with pytest.raises(FlarescopeError, match=r"another process is making .*weights\.h5"), locks.locked(path):
            pass
        child = f"from pathlib import Path; from flarescope import locks\nwith locks.locked(Path({str(path)!r})): pass"
        command = [sys.executable, "-c", child]
        done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
        assert "another process is making" in done.stderr
    with locks.locked(path):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_without_locks_in_the_file_system_this_machine_still_keeps_apart_and_it_is_said(tmp_path, monkeypatch, number):
    without_locks(monkeypatch, number, tmp_path)
    path = tmp_path / "run"
    said = "its file system has no locks; processes of this machine keep apart"

    def both(second):
        with locks.locked(path), locks.locked(second):
            pass

    with pytest.warns(FlarescopeWarning, match=said), pytest.raises(FlarescopeError, match="another process is making"):
        both(path)
    with pytest.warns(FlarescopeWarning, match=said):
        both(tmp_path / "other")
    assert names(tmp_path) == []


def test_a_second_process_is_kept_out_without_locks_in_the_file_system(tmp_path, monkeypatch, own_temporary_folder):
    without_locks(monkeypatch, errno.ENOLCK, tmp_path)
    child = (
        "import errno, fcntl, os; from pathlib import Path; from flarescope import locks; real = fcntl.flock\n"
        "def flock(stream, operation):\n"
        f"    if stream.name.startswith({str(tmp_path)!r}): raise OSError(errno.ENOLCK, 'no locks')\n"
        "    real(stream, operation)\n"
        f"fcntl.flock = flock\nwith locks.locked(Path({str(tmp_path / 'run')!r})): pass"
    )
    environment = child_environment() | {"TMPDIR": str(own_temporary_folder)}
    with pytest.warns(FlarescopeWarning), locks.locked(tmp_path / "run"):
        done = subprocess.run([sys.executable, "-c", child], env=environment, capture_output=True, text=True)
    assert "another process is making" in done.stderr


def test_where_nothing_can_be_locked_that_is_said(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(FlarescopeWarning, match="run one process at a time on it"), locks.locked(tmp_path / "a"):
        pass
    assert names(tmp_path) == []


def test_the_lock_file_of_a_killed_process_goes_and_that_of_another_stays(tmp_path):
    path = tmp_path / "store"
    locks.lock_file(path).write_text("")
    locks.remove_abandoned_lock(path)
    assert names(tmp_path) == []
    with locks.locked(path):
        locks.remove_abandoned_lock(path)
        assert names(tmp_path) == ["store.part.lock"]


def test_a_command_says_it_in_one_line(tmp_path, monkeypatch, capsys):
    without_locks(monkeypatch, errno.ENOLCK, tmp_path)

    def work(_):
        with locks.locked(tmp_path / "run"):
            return 0

    monkeypatch.setattr(cli, "_run", work)
    assert cli.main([]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"WARNING: {tmp_path / 'run'}: its file system has no locks; processes of this machine")
