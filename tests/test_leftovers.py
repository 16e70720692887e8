"""Is what killed processes left removed, and nothing that somebody may still be writing?"""

import os
import subprocess
import sys
import time

import pytest

from flarescope import files, leftovers


@pytest.fixture(autouse=True)
def looked_nowhere(monkeypatch):
    monkeypatch.setattr(leftovers, "_tidied", set())


def ended_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def leave(folder, process, machine=None, name="table.csv"):
    path = folder / f".{name}.{process}-{machine or leftovers.machine()}0123abcd.part.csv"
    path.write_text("half")
    return path


def test_what_a_killed_process_left_goes_with_the_next_write_of_any_file(tmp_path):
    left = leave(tmp_path, ended_process())
    files.write_text(tmp_path / "other.txt", "whole")
    assert not left.exists()


def test_what_may_still_be_written_stays(tmp_path):
    running = [leave(tmp_path, os.getppid()), leave(tmp_path, 1), leave(tmp_path, ended_process(), "00ffee")]
    with files.atomic_path(tmp_path / "mine.csv") as mine:
        mine.write_text("half")
        leftovers._tidied.clear()
        files.write_text(tmp_path / "other.csv", "whole")
        assert mine.exists()
    assert all(path.exists() for path in running)


def test_a_number_that_this_process_has_now_was_an_earlier_one_s(tmp_path):
    left = leave(tmp_path, os.getpid())
    files.write_text(tmp_path / "other.csv", "whole")
    assert not left.exists()


def test_another_machine_s_goes_after_a_week(tmp_path):
    left = leave(tmp_path, 1, "00ffee")
    week_ago = time.time() - 7.01 * 86_400
    os.utime(left, (week_ago, week_ago))
    files.write_text(tmp_path / "other.csv", "whole")
    assert not left.exists()


def test_other_hidden_files_stay(tmp_path):
    kept = [tmp_path / ".x.part.csv", tmp_path / ".table.csv.part", tmp_path / "data.12-00ffee0123abcd.part.csv.bak"]
    for path in kept:
        path.write_text("mine")
    files.write_text(tmp_path / "other.csv", "whole")
    assert all(path.exists() for path in kept)
