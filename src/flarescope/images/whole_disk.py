"""What does a file of the whole disk hold: a field, and all that its header says of place and time?"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flarescope.errors import InputError
from flarescope.images.fits.cards import Value
from flarescope.images.header import header_values
from flarescope.images.line_of_sight import HMI_ONLY, Accept
from flarescope.images.magnetogram import Magnetogram, is_fits, read_bytes, read_fits, unzipped

_PICTURES: Final = (".jpg", ".jpeg", ".png", ".gif", ".jp2", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class WholeDisk:
    """An image of the whole disk.

    Attributes:
        magnetogram: its field, time and QUALITY.
        header: keyword -> value, those of `header.header_values`.
        time: of the observation, UTC: T_REC, else DATE-OBS.
    """

    magnetogram: Magnetogram
    header: Mapping[str, Value]
    time: dt.datetime


def read_whole_disk(path: Path, *, accept: Accept = HMI_ONLY) -> WholeDisk:
    """Read a FITS file of the whole disk; that it is one is for `disk.view.view_of` to tell.

    Raises:
        InputError: a picture, a file without a time, or what `read_fits` refuses.
    """
    if path.name.lower().endswith(_PICTURES):
        raise InputError(
            f"{path}: a picture, without values in gauss and coordinates; expected the FITS file of the disk, as "
            "JSOC's hmi.M_720s"
        )
    if path.is_dir() or (path.exists() and not is_fits(path)):
        raise InputError(f"{path}: expected one FITS file of the whole disk, .fits, .fit, .fts or .fits.gz")
    content = unzipped(path, read_bytes(path))
    magnetogram = read_fits(path, content, accept=accept)
    header = header_values(content)
    time = magnetogram.time or _date_obs(header)
    if time is None:
        raise InputError(f"{path}: no time in its header; expected T_REC, or DATE-OBS, by which regions are turned")
    return WholeDisk(magnetogram, header, time)


def _date_obs(header: Mapping[str, Value]) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(str(header.get("DATE-OBS", "")).strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
