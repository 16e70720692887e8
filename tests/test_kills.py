"""Does a command that was killed, wherever it stood, end in the same bytes when it is run again, and leave nothing?"""

import hashlib
import os
import random

import pytest

from http_server import Page, serve
from killing import Killer

BODY = random.Random(1).randbytes(200_000)


@pytest.fixture(scope="module")
def killer():
    made = Killer()
    yield made
    made.close()


@pytest.mark.parametrize("job", ["calibrate", "label", "label-csv"])
def test_a_kill_at_any_step_leaves_nothing_that_differs(killer, tmp_path, job):
    found = killer.kills(job, tmp_path)
    assert found["killed"] == list(range(1, found["steps"] + 1))
    assert found["steps"] >= 4
    assert found["differences"] == {}


@pytest.mark.slow  # minutes: each kill is a run, and so is what follows it
@pytest.mark.parametrize(
    ("job", "every"),
    [
        *(("train", 31), ("train-best", 47), ("sweep", 67), ("evaluate", 7), ("features", 8), ("magnetic", 2)),
        *(("split", 11), ("report", 36), ("select", 3), ("predict", 3), ("train-magnetic", 5)),
    ],
)
def test_a_kill_at_many_steps_leaves_nothing_that_differs(killer, tmp_path, job, every):
    """With FLARESCOPE_EVERY_KILL in the environment at every step, which takes a quarter of an hour."""
    every = 1 if "FLARESCOPE_EVERY_KILL" in os.environ else every
    found = killer.kills(job, tmp_path, every=every)
    assert len(found["killed"]) == len(range(1, found["steps"] + 1, every)) >= 3
    assert found["differences"] == {}


@pytest.mark.slow  # as above
@pytest.mark.parametrize("job", ["train", "calibrate", "evaluate", "predict", "split"])
def test_a_kill_at_any_moment_leaves_nothing_that_differs(killer, tmp_path, job):
    """Where the moments fall depends on the machine; what must come of them does not."""
    found = killer.kills(job, tmp_path, every=0, moments=60 if "FLARESCOPE_EVERY_KILL" in os.environ else 2)
    assert found["differences"] == {}


@pytest.mark.parametrize("known", [True, False])
def test_a_download_killed_at_any_step_leaves_the_file_alone(killer, tmp_path, known):
    digest = "sha256:" + hashlib.sha256(BODY).hexdigest() if known else ""
    with serve() as server:
        url = server.put("/f", Page(BODY))
        found = killer.kills("fetch", tmp_path, arguments=[url, str(len(BODY)), digest])
    assert found["killed"] == list(range(1, found["steps"] + 1))
    assert found["differences"] == {}
    assert (tmp_path / "work" / "data.bin").read_bytes() == BODY
