"""What do NOAA and JSOC have of this day, and what of it could not be fetched?

Every address is untried for real: none of the services could be reached where this was written.
"""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from flarescope.counted import counted
from flarescope.errors import FlarescopeError, InputError
from flarescope.fetch import Source, fetch
from flarescope.sources.addresses import ADDRESSES, Addresses
from flarescope.sources.download import download_noaa, fetch_again

PAST_DAYS: Final = 28
"""Of event reports from NOAA's archive: the disk's activity is counted over a rotation, 27 days."""
ATTEMPTS: Final = 2
"""Of each file: whoever waits for a forecast goes on without it."""
_DISK: Final = re.compile(r"(hmi\.M_720s(?:_nrt)?\.([0-9]{8})_[0-9]{6}_TAI\.fits)")
_STAMP: Final = re.compile(r"([0-9]{4})[-./]?([0-9]{2})[-./]?([0-9]{2})[_T ]([0-9]{2})")
_MOST_POINTER: Final = 4096


@dataclass(frozen=True)
class LiveFile:
    """A current file of SWPC's: its name here, where it is, what it tells, and what it costs to lack it."""

    name: str
    path: str
    kind: Literal["regions", "flares"]
    cost: str


FILES: Final = (
    LiveFile("srs.txt", "text/srs.txt", "regions", "the regions are those of solar_regions.json"),
    LiveFile(
        "solar_regions.json",
        "json/solar_regions.json",
        "regions",
        "how the regions changed, and what stood there a rotation ago, is not known",
    ),
    LiveFile(
        "events_today.txt",
        "text/solar-geophysical-event-reports.txt",
        "flares",
        "today's flares are known by the other lists alone",
    ),
    LiveFile(
        "edited_events.json", "json/edited_events.json", "flares", "flares of these days are known by the reports alone"
    ),
    LiveFile(
        "xray-flares-7-day.json",
        "json/goes/primary/xray-flares-7-day.json",
        "flares",
        "flares that no forecaster has edited yet are not known",
    ),
)
"""The one table of what is asked of SWPC."""


@dataclass(frozen=True)
class Live:
    """What was fetched.

    Attributes:
        regions: files of summaries.
        flares: files and folders of flares.
        image: HMI's newest whole disk.
        missing: what could not be fetched and what that costs, a line each.
    """

    regions: tuple[Path, ...]
    flares: tuple[Path, ...]
    image: Path | None
    missing: tuple[str, ...]


def fetch_live(
    folder: Path,
    now: dt.datetime,
    *,
    history: Path,
    image: bool = True,
    addresses: Addresses = ADDRESSES,
    backoff_s: float = 1.0,
) -> Live:
    """Fetch what a forecast of this moment needs.

    Args:
        folder: of what is current; a file there is replaced.
        now: UTC.
        history: folder of the event reports of the last `PAST_DAYS`, which stay.
        image: whether HMI's newest whole disk is fetched too, some 15 MB.
        addresses: of the services.
        backoff_s: first wait before another attempt.

    Raises:
        FlarescopeError: neither of the two lists of regions could be fetched.
        InputError: a folder cannot be written.
    """
    found: dict[str, list[Path]] = {"regions": [], "flares": []}
    missing: list[str] = []
    for file in FILES:
        source = Source(file.name, addresses.swpc_now(file.path), None, None)
        try:
            found[file.kind].append(fetch_again(source, folder / file.name, attempts=ATTEMPTS, backoff_s=backoff_s))
        except InputError:
            raise
        except FlarescopeError as error:
            missing.append(f"{file.name} could not be fetched: {file.cost} ({_short(error)})")
            if file is FILES[1] and not found["regions"]:
                said = f"no list of regions could be fetched, so nothing is forecast: {_short(error)}"
                raise FlarescopeError(f"{said}; --regions takes files") from error
    past = _past_events(now.date(), history, addresses, backoff_s, missing)
    disk = _newest_disk(folder, addresses, backoff_s, missing) if image else None
    return Live(tuple(found["regions"]), (*found["flares"], *past), disk, tuple(missing))


def _past_events(
    today: dt.date, folder: Path, addresses: Addresses, backoff_s: float, missing: list[str]
) -> tuple[Path, ...]:
    """Bring the event reports of the days before; those that are settled are not asked for again."""
    first, last = today - dt.timedelta(days=PAST_DAYS), today - dt.timedelta(days=1)
    try:
        report = download_noaa("events", first, last, folder, addresses=addresses, backoff_s=backoff_s)
    except InputError:
        raise
    except FlarescopeError as error:
        missing.append(f"past event reports could not be fetched: flares before today may be lacking ({_short(error)})")
        return _kept(folder)
    absent = len(report.missing) + len(report.failed)
    if absent:
        days = counted(absent, "day")
        missing.append(
            f"NOAA's archive gave no event report of {days} of the last {PAST_DAYS}: their flares may be lacking"
        )
    return _kept(folder)


def _kept(folder: Path) -> tuple[Path, ...]:
    return (folder,) if any(folder.glob("*events.txt")) else ()


def _newest_disk(folder: Path, addresses: Addresses, backoff_s: float, missing: list[str]) -> Path | None:
    """Bring HMI's newest whole disk, which a text of JSOC's names."""
    pointer = Source("latest_fits_time", addresses.jsoc_newest(), None, None)
    try:
        text = fetch_again(pointer, folder / pointer.name, attempts=ATTEMPTS, backoff_s=backoff_s)
        name, day = newest_name(text.read_bytes()[:_MOST_POINTER].decode("utf-8", "replace"))
        source = Source(name, addresses.jsoc_disk(name, day), None, None)
        return fetch(source, folder / name, attempts=ATTEMPTS, backoff_s=backoff_s)
    except (FlarescopeError, ValueError) as error:
        missing.append(f"HMI's newest disk could not be fetched: forecast without an image ({_short(error)})")
        return None


def newest_name(text: str) -> tuple[str, str]:
    """Read from JSOC's `latest_fits_time` the name of a file, and its day in eight digits.

    Others read an address in it; a time alone is taken for that of a near-real-time file of that hour.

    Raises:
        ValueError: neither.
    """
    if match := _DISK.search(text):
        return match[1], match[2]
    if match := _STAMP.search(text):
        day = f"{match[1]}{match[2]}{match[3]}"
        return f"hmi.M_720s_nrt.{day}_{match[4]}0000_TAI.fits", day
    raise ValueError(f"latest_fits_time says {text.strip()[:40]!r}; expected the name of a file")


def _short(error: Exception) -> str:
    return str(error).split(";")[0][:160]
