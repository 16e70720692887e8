"""How do the published set and NOAA's daily files come onto this computer, whole and only what is asked for?"""

import datetime as dt
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from flarescope.errors import AbsentError, FlarescopeError, InputError
from flarescope.fetch import Source, fetch, forget
from flarescope.files import make_folder, replace_durably
from flarescope.sources.addresses import ADDRESSES, Addresses
from flarescope.sources.repositories import ARCHIVES, published_files
from flarescope.sources.unpack import archive_stem, unpack_tar

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done (a file's name), the bytes or files so far, and their total or None."""

NOAA_PRODUCTS: Final = {
    "summaries": ("solar_region_summaries", "SRS.txt"),
    "events": ("solar_event_reports", "events.txt"),
}
"""NOAA's daily products: the folder in the archive, and how the files' names end after eight digits of the day."""

SETTLED_AFTER: Final = dt.timedelta(days=4)
"""SWPC rewrites the event lists of the last three days; a file that is fetched later than this does not change."""

_FAILURES_IN_A_ROW: Final = 3


@dataclass(frozen=True)
class DownloadReport:
    """What a download brought.

    Attributes:
        files: everything that is here now, fetched or there already.
        unverified: of these, the files for which the service states no digest that can be checked.
        unpacked: folders of unpacked archives.
    """

    files: tuple[Path, ...]
    unverified: tuple[Path, ...]
    unpacked: tuple[Path, ...]


def download_part(
    part: str,
    folder: Path,
    *,
    only: Sequence[str] = (),
    unpack: bool = True,
    progress: Progress | None = None,
    addresses: Addresses = ADDRESSES,
    backoff_s: float = 1.0,
) -> DownloadReport:
    """Fetch a part of the published set; run again, it continues where it stopped.

    Args:
        part: a name of `published.PARTS`: tables, features, png, fits-tables, fits, extra.
        folder: where the files go; an archive `x.tar.gz` is unpacked into the folder `x` beside it.
        only: patterns of file names; nothing takes the whole part.
        unpack: unpack tar archives after they are verified.
        progress: see `Progress`.
        addresses: of the services.
        backoff_s: first wait before another attempt.

    Raises:
        InputError: no such part, a pattern that fits no file, a folder that cannot be written.
        FlarescopeError: too little space (said before the first file), no network, a file that is not the right one.
    """
    sources = _chosen(part, published_files(part, addresses=addresses, backoff_s=backoff_s), only)
    make_folder(folder)
    check_room(sources, folder, unpack=unpack)
    paths = [_fetch(source, folder / source.name, progress, backoff_s) for source in sources]
    unpacked = []
    for path in paths if unpack else []:
        if is_archive(path.name):
            report = None if progress is None else _named(progress, f"unpacking {path.name}")
            unpacked.append(unpack_tar(path, folder / archive_stem(path.name), progress=report))
    unverified = [path for path, source in zip(paths, sources, strict=True) if source.digest is None]
    return DownloadReport(tuple(paths), tuple(unverified), tuple(unpacked))


def _chosen(part: str, sources: list[Source], only: Sequence[str]) -> list[Source]:
    for pattern in only:
        if not any(fnmatch(source.name, pattern) for source in sources):
            names = ", ".join(source.name for source in sources[:8]) + (" ..." if len(sources) > 8 else "")
            raise InputError(f"no file of part {part!r} fits {pattern!r}; it has {names}")
    return [source for source in sources if not only or any(fnmatch(source.name, pattern) for pattern in only)]


def _named(progress: Progress, name: str) -> Callable[[int, int | None], None]:
    return lambda done, total: progress(name, done, total)


def _fetch(source: Source, path: Path, progress: Progress | None, backoff_s: float) -> Path:
    report = None if progress is None else _named(progress, source.name)
    return fetch(source, path, progress=report, backoff_s=backoff_s)


def is_archive(name: str) -> bool:
    """Whether a file is a tar archive, by its name."""
    return any(fnmatch(name.lower(), pattern) for pattern in ARCHIVES)


def check_room(sources: Sequence[Source], folder: Path, *, unpack: bool) -> None:
    """Refuse to begin what the disk has no room for.

    What is there already, whole or in part, is not counted again. An unpacked archive is counted with the archive's
    own size: the images in it are compressed already (that each ends on a disk block of its own is not counted).

    Raises:
        FlarescopeError: with what is needed and what is free.
    """
    needed = 0
    for source in sources:
        path = folder / source.name
        partial = path.with_name(f"{path.name}.part") / "data"
        have = next((place.stat().st_size for place in (path, partial) if place.is_file()), 0)
        needed += max((source.size or 0) - have, 0)
        if unpack and is_archive(source.name) and not (folder / archive_stem(source.name)).exists():
            needed += source.size or 0
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FlarescopeError(
            f"{needed / 1e9:.2f} GB are needed at {folder} and {free / 1e9:.2f} GB are free; free some space, "
            "choose another folder, ask for fewer files, or leave archives packed"
        )


@dataclass(frozen=True)
class DailyReport:
    """What a download of daily files brought.

    Attributes:
        files: the files that are here now, by day.
        missing: days for which the archive has no file (2012-01-01 has no summary).
        failed: days that could not be fetched, and why.
    """

    files: tuple[Path, ...]
    missing: tuple[dt.date, ...]
    failed: tuple[tuple[dt.date, str], ...]


def download_noaa(
    product: str,
    first: dt.date,
    last: dt.date,
    folder: Path,
    *,
    progress: Progress | None = None,
    addresses: Addresses = ADDRESSES,
    backoff_s: float = 1.0,
) -> DailyReport:
    """Fetch NOAA's daily files of a period, one request at a time; files that are there and settled are kept.

    Args:
        product: `summaries` (Solar Region Summaries) or `events` (SWPC event reports).
        first: first day, UTC.
        last: last day, included.
        folder: where the files go, such as `20120306SRS.txt`.
        progress: see `Progress`; counts days.
        addresses: of the services.
        backoff_s: first wait before another attempt.

    Raises:
        InputError: no such product, or a period that ends before it begins.
        FlarescopeError: three days in a row could not be fetched, so the service or the network is away.
    """
    if product not in NOAA_PRODUCTS:
        raise InputError(f"product {product!r} is not known; expected {' or '.join(NOAA_PRODUCTS)}")
    if last < first:
        raise InputError(f"the period ends on {last}, before it begins on {first}")
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    make_folder(folder)
    files: list[Path] = []
    missing: list[dt.date] = []
    failed: list[tuple[dt.date, str]] = []
    in_a_row = 0
    for number, day in enumerate(days, start=1):
        try:
            files.append(_daily(product, day, folder, addresses, backoff_s))
            in_a_row = 0
        except InputError:
            raise
        except AbsentError:
            missing.append(day)
            _forget(product, day, folder)
            in_a_row = 0
        except FlarescopeError as error:
            failed.append((day, str(error)))
            in_a_row += 1
        if in_a_row == _FAILURES_IN_A_ROW:
            raise FlarescopeError(f"{_FAILURES_IN_A_ROW} days in a row failed, the last with: {failed[-1][1]}")
        if progress:
            progress(product, number, len(days))
    return DailyReport(tuple(files), tuple(missing), tuple(failed))


def _daily(product: str, day: dt.date, folder: Path, addresses: Addresses, backoff_s: float) -> Path:
    archive_folder, ending = NOAA_PRODUCTS[product]
    name = f"{day:%Y%m%d}{ending}"
    path = folder / name
    source = Source(name, addresses.noaa_daily(archive_folder, f"{day:%Y%m%d}", ending), None, None)
    if path.is_file() and not _is_settled(path, day):  # NOAA may have rewritten it since
        return fetch_again(source, path, backoff_s=backoff_s)
    return fetch(source, path, backoff_s=backoff_s)


def fetch_again(source: Source, path: Path, *, attempts: int = 5, backoff_s: float = 1.0) -> Path:
    """Fetch a file that changes at its address; where that fails, the one that is there stays."""
    newer = path.with_name(f".{path.name}.newer")
    forget(newer)  # of a killed process, which may be days ago
    try:
        make_folder(path.parent)
        replace_durably(fetch(source, newer, attempts=attempts, backoff_s=backoff_s), path)
    finally:
        forget(newer)
    return path


def _forget(product: str, day: dt.date, folder: Path) -> None:
    """Remove the folder in which `fetch` would continue a file that does not exist."""
    shutil.rmtree(folder / f"{day:%Y%m%d}{NOAA_PRODUCTS[product][1]}.part", ignore_errors=True)


def _is_settled(path: Path, day: dt.date) -> bool:
    fetched = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    return fetched - dt.datetime.combine(day, dt.time(), dt.UTC) > SETTLED_AFTER
