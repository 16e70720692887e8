"""How is an archive's SQLite file opened, so that a forecast in it is whole or absent, whoever else writes to it?"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flarescope.errors import FlarescopeError, InputError, one_line
from flarescope.files import make_folder, refuse_special, translate_os_errors

NAME: Final = "archive.sqlite"
APPLICATION: Final = 0x464C5343
"""SQLite's application id of these files, `FLSC`."""
FORM: Final = 1
WAIT_S: Final = 60.0
"""So long one process waits for another to finish its forecast."""
ADVICE: Final = "restore it from a copy, or move it away and begin another"

TABLES: Final = {
    "forecast": "CREATE TABLE forecast (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, stored TEXT NOT NULL, "
    "issued TEXT NOT NULL, header TEXT NOT NULL)",
    "forecast_row": "CREATE TABLE forecast_row (forecast INTEGER NOT NULL REFERENCES forecast, noaa_ar INTEGER, "
    "event TEXT NOT NULL, window_h REAL NOT NULL, latency_h REAL NOT NULL, probability REAL NOT NULL, "
    "model TEXT NOT NULL)",
    "forecast_row_of": "CREATE INDEX forecast_row_of ON forecast_row (forecast)",
}
"""Name -> the statement that makes it. `header` is JSON: `records.IssuedForecast.header`."""


@contextlib.contextmanager
def opened(folder: Path, *, write: bool = False, wait_s: float = WAIT_S) -> Iterator[sqlite3.Connection]:
    """Open the archive of a folder; SQLite itself undoes what a killed process left half-done.

    Args:
        folder: of the archive.
        write: begin a transaction that no other process writes beside, and make folder and file where they are not
            there. It is committed where the block ends well, else undone.
        wait_s: so long another process that writes is waited for.

    Raises:
        InputError: no archive there, a file of another kind, a damaged one, or no permission.
        FlarescopeError: another process is writing for more than `wait_s`, or the disk is full.
    """
    path = Path(folder) / NAME
    if write:
        make_folder(path.parent)
    elif not path.is_file():
        raise InputError(f"{folder}: no archive there ({NAME}); `flarescope forecast --archive` begins one")
    with translate_os_errors(path, "write" if write else "read"):
        refuse_special(path)
    with translated(path), contextlib.closing(_connect(path, write=write, wait_s=wait_s)) as connection:
        if not write:
            _check_form(connection, path)
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not _names(connection):
                _begin(connection)
            _check_form(connection, path)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def is_whole(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds an archive's tables; False of one that was just made.

    Raises:
        InputError: it is damaged.
    """
    told = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if told != "ok":
        raise InputError(f"{path}: damaged ({one_line(told, 100)}); {ADVICE}")
    return bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def _connect(path: Path, *, write: bool, wait_s: float) -> sqlite3.Connection:
    # "rw" for readers too: only who may write can undo what a killed process left.
    mode = "rwc" if write else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=wait_s, isolation_level=None
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA synchronous = EXTRA")  # a power cut loses no forecast either
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _begin(connection: sqlite3.Connection) -> None:
    for statement in TABLES.values():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORM}")


def _names(connection: sqlite3.Connection) -> dict[str, str]:
    """Give what the file holds, name -> statement; what SQLite makes of itself has none."""
    found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {str(name): str(sql) for name, sql in found}


def _check_form(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that holds anything but the tables of this form: no view or trigger of it is ever run."""
    names = _names(connection)
    marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if names and (names != TABLES or marks != [APPLICATION, FORM]):
        raise InputError(f"{path}: not an archive of flarescope in form {FORM}; {ADVICE}")


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors in a `with` block into one line that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise FlarescopeError(f"another process is writing to {path}; run the same command again") from error
        if code == sqlite3.SQLITE_FULL:
            raise FlarescopeError(
                f"disk full while writing {path}: free some space and run the same command again"
            ) from error
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            raise InputError(f"cannot write {path}: permission denied, or no such folder; choose another") from error
        raise InputError(f"{path}: damaged, or no SQLite file ({error}); {ADVICE}") from error
    except UnicodeDecodeError as error:  # SQLite's own message quotes what is no text
        raise InputError(f"{path}: damaged (names that are no text); {ADVICE}") from error
