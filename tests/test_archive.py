"""Is a kept forecast there whole, once, and as it was, whoever else writes and whatever ends the process?"""

import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fakes import child_environment
from flarescope import FlarescopeError, InputError
from flarescope.archive import ModelUsed, database, keep, read_archive
from flarescope.archive.database import NAME
from made_archive import made_forecast, made_rows


def test_what_is_kept_comes_back_to_the_last_bit(tmp_path):
    forecast = made_forecast(probability=0.1 + 0.2)
    assert keep(tmp_path, forecast)
    (back,) = read_archive(tmp_path).forecasts
    pd.testing.assert_frame_equal(back.rows, forecast.rows)
    assert back.digest() == forecast.digest()
    assert (back.issued, back.stored, back.models, back.inputs, back.notes, back.version, back.flux_scale) == (
        *(forecast.issued, forecast.stored, forecast.models, forecast.inputs, forecast.notes),
        *(forecast.version, forecast.flux_scale),
    )


def test_the_same_forecast_is_kept_once_and_of_two_with_one_issue_time_the_first_counts(tmp_path):
    assert keep(tmp_path, made_forecast())
    assert not keep(tmp_path, made_forecast(stored_day=5))
    assert keep(tmp_path, made_forecast(probability=0.9, stored_day=6))
    found = read_archive(tmp_path)
    assert len(found.forecasts) == 2
    table = found.table()
    assert len(table) == len(made_forecast().rows)
    assert table["probability"].max() == 0.25
    assert table["stored"].eq(pd.Timestamp("2011-02-01T00:40", tz="UTC")).all()


def test_an_empty_archive_has_a_table_without_rows(tmp_path):
    with database.opened(tmp_path, write=True):
        pass
    assert read_archive(tmp_path).table().empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": made_rows().assign(probability=1.5)}, "no number from 0 to 1"),
        ({"rows": made_rows().assign(event="Z1")}, "GOES class"),
        ({"rows": made_rows().assign(window_h=0.0)}, "window of 0"),
        ({"rows": pd.concat([made_rows(), made_rows()])}, "twice"),
        ({"rows": made_rows(model="other")}, "rows of other"),
        ({"rows": made_rows()[:0]}, "no rows"),
        ({"rows": made_rows().drop(columns="event")}, "no event"),
        ({"issued": pd.Timestamp("2011-02-01")}, "with its zone"),
        ({"stored": None}, "the time at which it is kept"),
        ({"flux_scale": "new"}, "flux scale"),
        ({"notes": (1,)}, "no text"),
        ({"models": (ModelUsed("regions", last=3), ModelUsed("mcintosh"))}, "no text"),
    ],
)
def test_what_makes_no_sense_is_not_kept(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        keep(tmp_path, replace(made_forecast(), **change))
    assert not (tmp_path / NAME).exists()


def test_a_forecast_that_was_changed_is_named_and_does_not_cost_the_others(tmp_path):
    for day in (1, 2, 3):
        keep(tmp_path, made_forecast(day))
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("UPDATE forecast_row SET probability = 0.99 WHERE forecast = 2 AND event = 'M1.0'")
        connection.execute("UPDATE forecast SET header = '{}' WHERE id = 3")
    connection.close()
    found = read_archive(tmp_path)
    assert [one.issued.day for one in found.forecasts] == [1]
    assert len(found.refused) == 2
    assert "its digest differs" in found.refused[0]
    assert all(len(text) < 300 for text in found.refused)


@pytest.mark.parametrize("damage", ["cut", "zeros", "text", "letters", "view", "folder", "pipe"])
def test_a_damaged_archive_is_one_line_and_stays_as_it_was(tmp_path, damage):
    path = tmp_path / NAME
    for day in range(1, 20):
        keep(tmp_path, made_forecast(day))
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "zeros":
        path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    elif damage == "text":
        path.write_text("issued,probability\n" * 99)
    elif damage == "letters":
        assert b"CREATE TABLE" in content
        path.write_bytes(content.replace(b"CREATE TABLE", b"CREATE T\xffBLE", 1))
    elif damage == "view":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TRIGGER t AFTER INSERT ON forecast BEGIN DELETE FROM forecast_row; END")
        connection.close()
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(InputError) as error:
        read_archive(tmp_path)
    assert NAME in str(error.value)
    assert len(str(error.value)) < 300
    if damage != "zeros":  # pages that nothing reads before it writes are as SQLite takes them
        with pytest.raises(InputError):
            keep(tmp_path, made_forecast(25))
        assert (path.read_bytes() if path.is_file() else b"") == before


def test_no_archive_is_one_line_with_the_command_that_begins_one(tmp_path):
    with pytest.raises(InputError, match="--archive"):
        read_archive(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_two_processes_at_once_keep_all_of_theirs(tmp_path):
    days = range(1, 25)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda day: keep(tmp_path, made_forecast(day)), days))
    assert sorted(one.issued.day for one in read_archive(tmp_path).forecasts) == list(days)


def test_who_waits_too_long_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setitem(database.opened.__wrapped__.__kwdefaults__, "wait_s", 0.01)  # not a minute
    keep(tmp_path, made_forecast(1))
    with database.opened(tmp_path, write=True), pytest.raises(FlarescopeError, match="another process is writing"):
        keep(tmp_path, made_forecast(2))
    assert keep(tmp_path, made_forecast(2))


def test_a_kill_at_any_step_loses_no_forecast_and_leaves_none_in_part(tmp_path):
    command = [sys.executable, str(Path(__file__).parent / "archive_kills.py"), str(tmp_path)]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    *killed, last = found["steps"]
    assert len(killed) > 5
    assert all(was and held == 1 and again for was, held, again in killed)  # what was kept before stays, no more
    assert last == [False, 2, False]
    for _, held, again, after in found["moments"]:
        assert again == (held == 0)
        assert after == 1
