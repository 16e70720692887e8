"""Which of several images of the whole disk is forecast, and what do models that look back see of the others?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.disk.places import GRACE_S
from flarescope.disk.view import view_of
from flarescope.errors import InputError
from flarescope.files import sha256_of
from flarescope.images.line_of_sight import Accept
from flarescope.images.paths import expand
from flarescope.images.whole_disk import WholeDisk, read_whole_disk
from flarescope.pipeline.cutting import CutDisk, cut_read_disk
from flarescope.progress import Reporter

EARLIER: Final = "earlier"
"""Below the folder of the patches a folder an image, of those that models look back to."""


@dataclass(frozen=True)
class Disks:
    """Images of the whole disk.

    Attributes:
        image: the file that is forecast.
        disk: what it holds.
        earlier: the files before it, the newest first.
    """

    image: Path
    disk: WholeDisk
    earlier: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Past:
    """Patches of images of the disk before the one that is forecast, and what is told of those images."""

    patches: tuple[Path, ...] = ()
    told: tuple[dict[str, str], ...] = ()


def read_image(image: Path, *, instrument_ok: bool = False) -> WholeDisk:
    """Read an image of the whole disk.

    Raises:
        InputError: it cannot be read, or is no image of the whole disk, as that of a region.
    """
    disk = read_whole_disk(image, accept=Accept(instrument_ok=instrument_ok))
    try:
        view_of(disk.header, disk.time, disk.magnetogram.field_gauss.shape)
    except InputError as error:
        raise InputError(f"{image}: {error}") from error
    return disk


def read_images(
    images: Sequence[Path], issued: pd.Timestamp | None, *, instrument_ok: bool = False, reporter: Reporter
) -> Disks:
    """Read images of the whole disk and take the newest that is not later than the forecast.

    Args:
        images: files, and folders of them; one that cannot be read is named and left out.
        issued: when the forecast is issued; None takes the newest.
        instrument_ok: whether other magnetographs are taken.
        reporter: hears of what is left out.

    Raises:
        InputError: none can be read; all are later, or two are of one time.
    """
    files = expand(images, reporter, whole_disk=True)
    if len(files) == 1:
        return Disks(files[0], read_image(files[0], instrument_ok=instrument_ok))
    best: tuple[Path, WholeDisk] | None = None
    times: dict[pd.Timestamp, Path] = {}
    for file in files:
        try:
            disk = read_image(file, instrument_ok=instrument_ok)
        except InputError as error:
            reporter.warn(f"left out: {error}")
            continue
        time = pd.Timestamp(disk.time)
        if time in times:
            raise InputError(f"{file} and {times[time].name} are of one time, {time:%Y-%m-%d %H:%M} UTC; give one")
        times[time] = file
        in_time = issued is None or time <= issued + pd.Timedelta(seconds=GRACE_S)
        if in_time and (best is None or disk.time > best[1].time):
            best = file, disk
    if best is None:
        what = "is one of the whole disk that can be read" if not times else "was taken by the time of the forecast"
        raise InputError(f"none of the {len(files):,} images {what}; see --image and --issue")
    earlier = [times[time] for time in sorted(times, reverse=True) if time < pd.Timestamp(best[1].time)]
    return Disks(*best, tuple(earlier))


def cut_past(
    earlier: Sequence[Path],
    folder: Path,
    *,
    needed: bool,
    regions: pd.DataFrame,
    instrument_ok: bool,
    reporter: Reporter,
) -> Past:
    """Cut the regions out of earlier images, one image after the other; one that cannot be used is named.

    Args:
        earlier: the images.
        folder: of the patches of the newest, below which theirs come.
        needed: whether a model looks back to them; else nothing is cut.
        regions: summaries, none later than the forecast.
        instrument_ok: whether other magnetographs are taken.
        reporter: hears of what is not used.
    """
    if earlier and not needed:
        reporter.warn("no model looks back: of the images of the disk the newest alone is used")
    patches, told = list[Path](), list[dict[str, str]]()
    for path in earlier if needed else ():
        try:
            disk = read_image(path, instrument_ok=instrument_ok)
            out = folder / EARLIER / f"{disk.time:%Y%m%d_%H%M%S}"
            cut = cut_read_disk(disk, path, regions=regions, out=out, instrument_ok=instrument_ok, reporter=Reporter())
        except InputError as error:
            reporter.warn(f"not looked back to: {error}")
            continue
        patches += patches_of(cut)
        told.append(image_told(path, cut))
    return Past(tuple(patches), tuple(told))


def patches_of(cut: CutDisk) -> list[Path]:
    """List the files of the patches of a disk."""
    return [cut.folder / str(name) for name in cut.table["filename"].dropna()]


def image_told(image: Path, cut: CutDisk) -> dict[str, str]:
    """Say which image of the disk was used, for the forecast's `data`."""
    return {"name": image.name, "sha256": sha256_of(image), "time": f"{cut.view.time:%Y-%m-%dT%H:%M:%SZ}"}
