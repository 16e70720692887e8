"""Which images lie in a storage, of which regions and times: by their names, else by the first kilobytes of each?"""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.file_names import region_and_time
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.images.line_of_sight import Accept, check_header
from flarescope.images.magnetogram import is_fits, is_jpeg, regions_named
from flarescope.images.region import read_region_png
from flarescope.images.remote import RemoteImages
from flarescope.images.stored import image_names
from flarescope.progress import Reporter
from flarescope.region_numbers import complete_regions, regions_text
from flarescope.times import parse_t_rec

THREADS: Final = 16
"""That ask for headers: each waits for the storage nearly all its time."""

Described = tuple[tuple[int, ...], dt.datetime | None, str | None]
"""Regions of an image, its time in UTC, and why it is none (None where it is one)."""


def list_storage(images: RemoteImages, accept: Accept, reporter: Reporter) -> pd.DataFrame:
    """List the images below an address with their regions and times, as `listing.list_images` does a folder's.

    Of a FITS file whose name does not say both, the headers are read, by ranges; its pixels are not, so that a file
    that is damaged behind them is listed. A PNG is read whole.

    Args:
        images: where.
        accept: what may be read beside HMI's line-of-sight field.
        reporter: hears how many files are left out, and how many were asked for their header.

    Raises:
        InputError: no such place, or no image in it.
    """
    images.check()
    names = pd.Series(image_names(images, reporter, whole_disk=accept.whole_disk), dtype="str")
    table = pd.DataFrame({"filename": names, **region_and_time(names)})
    unknown = table["time"].isna() | (table["noaa_ar"].isna() & (not accept.whole_disk))
    if unknown.any():
        with ThreadPoolExecutor(THREADS, thread_name_prefix="flarescope-header") as pool:
            said = list(pool.map(partial(_described, images, accept), names[unknown]))
        table = _with(table, unknown, said)
        reporter.say(f"{counted(len(said), 'header')} read from {images.url}")
        reasons = [reason for _, _, reason in said if reason]
        if len(reasons) == len(table):
            raise InputError(f"{images.url}: no magnetogram below it: {reasons[0]}")
        if reasons:
            reporter.warn(f"{counted(len(reasons), 'image')} left out, the first: {reasons[0]}")
            table = table[table["filename"].isin(_kept(names, unknown, said))].reset_index(drop=True)
    return complete_regions(table, images.url)


def _described(images: RemoteImages, accept: Accept, name: str) -> Described:
    path = Path(name)
    try:
        if is_fits(path):
            header = images.header(name)
            if not header:
                raise InputError(f"{images.url}/{name}: no header of an image at its beginning; fetch the file again")
            check_header(path, header, accept)
            t_rec = header.get("T_REC")
            return regions_named(header), parse_t_rec(t_rec) if isinstance(t_rec, str) else None, None
        if is_jpeg(path):
            return (), None, None
        image = read_region_png(path, images.bytes_of(name), accept=accept)
        return image.noaa_ars, image.time, None
    except InputError as error:
        return (), None, str(error)


def _with(table: pd.DataFrame, unknown: "pd.Series[bool]", said: list[Described]) -> pd.DataFrame:
    """Fill in what headers said."""
    rows = table.index[unknown]
    principal = pd.Series([ars[0] if ars else None for ars, _, _ in said], index=rows, dtype="Int32")
    times = pd.Series([time for _, time, _ in said], index=rows, dtype=table["time"].dtype)
    listed = pd.Series([regions_text(ars) for ars, _, _ in said], index=rows, dtype="str")
    table = table.assign(noaa_ar=table["noaa_ar"].fillna(principal), time=table["time"].fillna(times))
    return table.assign(noaa_ars=listed.reindex(table.index)) if listed.notna().any() else table


def _kept(names: "pd.Series[str]", unknown: "pd.Series[bool]", said: list[Described]) -> list[str]:
    bad = {name for name, (_, _, reason) in zip(names[unknown], said, strict=True) if reason}
    return [name for name in names if name not in bad]
