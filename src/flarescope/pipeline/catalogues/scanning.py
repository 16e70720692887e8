"""What do many image files hold, each of them read once?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.counted import counted
from flarescope.errors import FlarescopeError, InputError
from flarescope.files import is_parquet
from flarescope.images.instruments import HMI, SYNTHETIC
from flarescope.images.line_of_sight import Accept
from flarescope.images.scan import SCAN_DTYPES, scan_file
from flarescope.images.workers import run
from flarescope.parquet_tables import read_parquet, write_parquet
from flarescope.parsing import refusing_damage
from flarescope.progress import Reporter, WarningReporter, warn_user

KEPT_DTYPES: Final = {"filename": "str", "size": "Int64", "mtime_ns": "Int64", **SCAN_DTYPES, "reason": "str"}
"""Columns of a kept scan, one row a file: what the file was when it was read, what is in it, and why it could not be
read (null where it could)."""

_ADDED: Final = frozenset({"signature", "noaa_ars", "instrument", "other"})
"""Columns that a scan of an older form lacks."""

SAVE_EVERY: Final = 10_000


def scan_images(
    root: Path,
    filenames: Sequence[str],
    kept: Path,
    *,
    instrument_ok: bool = False,
    whole_disk: bool = False,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> pd.DataFrame:
    """Read what the scan of some images lacks, keep it, and give the rows of these images.

    Args:
        root: the image root.
        filenames: N names relative to it.
        kept: Parquet that holds what was read, also of an interrupted run; a file that changed is read again.
        instrument_ok: whether other magnetographs than HMI are taken.
        whole_disk: whether the images show the whole disk.
        workers: processes; None takes one a core.
        reporter: hears the progress, and how many files could not be read.

    Returns:
        Columns of `KEPT_DTYPES`, N rows in the order of `filenames`.

    Raises:
        InputError: no such folder, or `kept` is something else than a scan.
    """
    reporter = reporter or WarningReporter()
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected the image root (--images)")
    rows = {row["filename"]: row for row in _read_kept(kept, reporter)}
    current = {name: _identity(root / name) for name in filenames}
    accept = Accept(instrument_ok, whole_disk)
    waiting = [name for name, identity in current.items() if not _is_current(rows.get(name), identity, accept)]
    try:
        tasks = [(str(root / name), instrument_ok, whole_disk) for name in waiting]
        for done, (number, found, reason) in enumerate(run(scan_file, tasks, workers=workers), start=1):
            name = waiting[number]
            found = found or {}
            rows[name] = {"filename": name, **current[name], **found, "reason": reason or found.get("other")}
            reporter.advance("scanning images", done, len(waiting))
            if done % SAVE_EVERY == 0:
                _keep(rows, kept)
    finally:
        if waiting:
            _keep(rows, kept)
    table = _frame([rows[name] for name in filenames])
    failed, others = table.loc[table["other"].isna(), "reason"].dropna(), table["other"].dropna()
    reporter.say(f"{counted(len(waiting), 'image')} read, {len(filenames) - len(waiting):,} known from {kept}")
    if len(failed):
        reporter.warn(f"{counted(len(failed), 'image')} cannot be read, the first: {failed.iloc[0]}")
    what = "the whole disk" if whole_disk else "a region"
    if len(others):
        reporter.warn(
            f"{counted(len(others), 'image')} left out, no magnetogram of {what}, the first: {others.iloc[0]}"
        )
    return table


def _identity(path: Path) -> dict[str, int | None]:
    try:
        stat = path.stat()
    except OSError:
        return {"size": None, "mtime_ns": None}  # reading it will say why
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _is_current(row: dict[str, Any] | None, identity: dict[str, int | None], accept: Accept) -> bool:
    """Tell whether a kept row is of the file as it is now, and judged by what is taken now."""
    if row is None or identity["size"] is None or any(row[key] != identity[key] for key in identity):
        return False
    if accept.whole_disk:  # a file that is no region may be a disk
        return row["reason"] is None
    return row["reason"] is None if accept.instrument_ok else row["instrument"] in (None, HMI, SYNTHETIC)


def _read_kept(path: Path, reporter: Reporter) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    if not is_parquet(path) or not set(KEPT_DTYPES) - _ADDED <= set((frame := read_parquet(path)).columns):
        raise InputError(f"{path}: not the Parquet of a scan; name another file with --scan")
    missing = set(KEPT_DTYPES) - set(frame.columns)
    if missing:
        reporter.say(f"{path}: of an older form, without {', '.join(sorted(missing))}; the images are read again")
        return []
    with refusing_damage(path, "name another file with --scan", what="not the Parquet of a scan"):
        frame = _typed(frame[list(KEPT_DTYPES)])
    return frame.astype(object).where(frame.notna(), None).to_dict("records")  # type: ignore[return-value]


def _keep(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Write what was read; where that cannot be done a warning says so, and the scan goes on."""
    try:
        write_parquet(_frame(list(rows.values())), path)
    except FlarescopeError as error:
        warn_user(f"{error}; what was read serves now, and is read again next time")


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _typed(pd.DataFrame(rows, columns=list(KEPT_DTYPES), dtype=object))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    time = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    return frame.assign(time=time).astype(KEPT_DTYPES)
