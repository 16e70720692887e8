"""Do two processes of half the batch train as one does, and what happens where one of them ends?

Two processes on this machine, by gloo; nothing here is about several machines, nccl or Slurm.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import child_environment
from flarescope.errors import InputError
from flarescope.finetuning.processes import joined
from waiting import LIMIT_S

pytestmark = [
    pytest.mark.slow,  # a process that imports torch, and the nine that it forks
    pytest.mark.xdist_group("finetuning_processes"),
]
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""A process whose OpenMP has started threads cannot be forked: its children wait for them for ever."""


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """What `finetuning_by_processes` found."""
    program = Path(__file__).with_name("finetuning_by_processes.py")
    command = [sys.executable, str(program), str(tmp_path_factory.mktemp("processes"))]
    done = subprocess.run(
        command, env=child_environment() | ONE_THREAD, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return json.loads(done.stdout)


def losses(attempt):
    return [row[split]["loss"] for row in attempt["history"] for split in ("train", "validation")]


def test_two_processes_of_half_the_batch_have_the_losses_of_one_with_an_unequal_last_batch_too(tried):
    assert tried["one"]["codes"] == [0]
    assert tried["two"]["codes"] == [0, 0]
    assert losses(tried["two"]) == pytest.approx(losses(tried["one"]), abs=1e-5)
    assert len(losses(tried["two"])) == 4


def test_a_killed_process_ends_the_other_with_one_line(tried):
    assert tried["killed"]["codes"] == [1, -9]
    (line, _) = tried["killed"]["said"]
    assert line.startswith("process 0: another process of this training ended")
    assert "run the same command again" in line
    assert "state.safetensors" in tried["killed"]["files"]


def test_a_full_disk_of_one_is_said_by_it_and_ends_both(tried):
    assert tried["full"]["codes"] == [1, 1]
    first, second = tried["full"]["said"]
    assert first.startswith("disk full while writing")
    assert second.startswith("process 1: another process of this training ended")
    assert not [name for name in tried["full"]["files"] if ".part" in name and not name.endswith("lock")]


def test_after_both_it_goes_on_to_the_same_losses(tried):
    assert tried["again"]["codes"] == [0, 0]
    assert losses(tried["again"]) == losses(tried["two"])
    assert tried["again"]["files"] == tried["two"]["files"]


def test_words_of_torchrun_that_are_no_numbers_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(InputError, match="WORLD_SIZE is 'two'; expected a number"), joined("cpu"):
        pass
