"""How does an image of the whole disk become patches of its regions, in the layout of the published set?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope.brief import brief
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.counted import counted, listed
from flarescope.disk.overview import overview
from flarescope.disk.patch_files import patch_cards, patch_name, write_patch
from flarescope.disk.patches import Patch, cut_patch, regions_within
from flarescope.disk.places import nearest_day, place_regions
from flarescope.disk.view import View, check_scale, view_of
from flarescope.errors import InputError
from flarescope.figures.svg import save_figures
from flarescope.files import atomic_path
from flarescope.images.flags import flags_of
from flarescope.images.line_of_sight import Accept
from flarescope.images.look import look_of
from flarescope.images.whole_disk import WholeDisk, read_whole_disk
from flarescope.pipeline.catalogues.labelling import tell_refused
from flarescope.pipeline.disk_drawing import draw_regions
from flarescope.progress import Reporter, WarningReporter
from flarescope.region_numbers import regions_text

PATCHES: Final = "patches.csv"
"""The table of the patches, beside them: an image list, as `catalog label` takes it."""

REGIONS: Final = "regions.csv"
"""The table of all regions of the summary, with a patch or without."""


@dataclass(frozen=True)
class CutDisk:
    """What was cut out of a disk.

    Attributes:
        table: one row a region of the summary: `filename` of its patch below the folder (null where none was cut),
            `noaa_ar`, `time` (UTC), `noaa_ars` (all whose place is in the patch; null where it is alone), `section`,
            `mcintosh`, `hale`, `area_msh`, `state` (of `disk.places.STATES`), `lon_deg`, `lat_deg`, `column`, `row` (of
            the whole image, the first pixel's centre at 0), `nan_pixels`, `off_disk`, `missing_on_disk`, `flags`.
        folder: of the patches.
        view: how the image shows the disk.
        upright_gauss: the disk in few pixels with north up (`disk.overview`), for `disk_drawing.draw_regions`.
    """

    table: pd.DataFrame
    folder: Path
    view: View
    upright_gauss: np.ndarray = field(repr=False)

    __repr__ = brief


def cut_disk(
    image: str | Path,
    *,
    regions: Sequence[str | Path],
    out: str | Path,
    plages: bool = False,
    draw: bool = False,
    instrument_ok: bool = False,
    reporter: Reporter | None = None,
) -> CutDisk:
    """Cut the regions of a Solar Region Summary out of an image of the whole disk.

    Each patch has 600x600 pixels as the camera lies, its middle within half a pixel of the region's place: NOAA's
    position turned from 24:00 UTC of the summary's day to the image's time. What has no value stays NaN.

    Args:
        image: a FITS file of HMI's whole disk (JSOC's hmi.M_720s, or near-real-time).
        regions: summaries: files, folders, tar archives; the last one before the image counts, else the next one.
        out: folder of the patches, as `1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram.fits`, of `patches.csv`
            (a table of them, that `label` takes) and `regions.csv` (of all regions).
        plages: whether regions without spots (section IA) get a patch too.
        draw: whether `disk.png` and `disk.svg`, the disk with its regions, are written beside them.
        instrument_ok: whether other magnetographs, or pixels of another width, are taken; the patches then show as much
            of the Sun with fewer or more pixels.
        reporter: hears notes.

    Raises:
        InputError: no image of a whole disk with coordinates, summaries of other days, or what cannot be read.

    Example:
        >>> cut = flarescope.cut_disk(
        ...     "hmi.M_720s.20160707_010000_TAI.fits", regions=["20160707SRS.txt"], out="patches"
        ... )
    """
    disk = read_whole_disk(Path(image), accept=Accept(instrument_ok=instrument_ok))
    return cut_read_disk(
        disk,
        Path(image),
        regions=regions,
        out=Path(out),
        plages=plages,
        draw=draw,
        instrument_ok=instrument_ok,
        reporter=reporter or WarningReporter(),
    )


def cut_read_disk(
    disk: WholeDisk,
    image: Path,
    *,
    regions: Sequence[str | Path] | pd.DataFrame,
    out: Path,
    plages: bool = False,
    draw: bool = False,
    instrument_ok: bool = False,
    reporter: Reporter,
) -> CutDisk:
    """Do what `cut_disk` does with an image that was read, and with summaries that may be read already."""
    try:
        view = view_of(disk.header, disk.time, disk.magnetogram.field_gauss.shape)
        check_scale(view, instrument_ok=instrument_ok)
        summary = _summary_of(regions, disk, reporter)
    except InputError as error:
        raise InputError(f"{image}: {error}") from error
    places = place_regions(summary, view).drop_duplicates("noaa_ar", ignore_index=True)
    seen = places[places["state"] == "visible"]
    wanted = seen[seen["section"].isin(["I", "IA"] if plages else ["I"])]
    rows: dict[int, dict[str, Any]] = {}
    for index, region in zip(wanted.index, wanted.to_dict("records"), strict=True):
        patch = cut_patch(disk.magnetogram.field_gauss, view, region["column"], region["row"], view.patch_pixels)
        rows[int(index)] = _write(out, disk, image.name, patch, region, regions_within(patch, seen, region["noaa_ar"]))
    table = _table(places, pd.DataFrame.from_dict(rows, orient="index", columns=list(_CUT_DTYPES)), disk)
    for name, rows_of_it in ((PATCHES, table[table["filename"].notna()]), (REGIONS, table)):
        with atomic_path(out / name) as temporary:
            rows_of_it.to_csv(temporary, index=False)
    upright = overview(disk.magnetogram.field_gauss, view)
    if draw:
        save_figures({"disk": draw_regions(places, view=view, upright_gauss=upright)}, out)
    _tell(table, reporter)
    return CutDisk(table, out, view, upright)


_CUT_DTYPES = {
    "filename": "str",
    "noaa_ars": "str",
    "nan_pixels": "Int64",
    "off_disk": "Int64",
    "missing_on_disk": "Int64",
    "flags": "str",
}


def _summary_of(summaries: Sequence[str | Path] | pd.DataFrame, disk: WholeDisk, reporter: Reporter) -> pd.DataFrame:
    """Give the one summary whose positions are nearest to the image."""
    if isinstance(summaries, pd.DataFrame):
        regions = summaries
    else:
        regions, refused = read_summaries(Path(path) for path in summaries)
        tell_refused(refused, reporter)
    day = nearest_day(list(regions["day"].drop_duplicates()), disk.time)
    hours = (disk.time - day.to_pydatetime()).total_seconds() / 3600
    reporter.say(
        f"positions of {day:%Y-%m-%d %H:%M} UTC, turned by {hours:+.1f} h to {disk.time:%Y-%m-%d %H:%M:%S} UTC"
    )
    if hours < -0.1:
        reporter.warn("the summary was issued after the image was taken: a forecast by such patches is none")
    return regions[regions["day"] == day]


def _write(
    out: Path, disk: WholeDisk, source: str, patch: Patch, region: Mapping[Any, Any], noaa_ars: tuple[int, ...]
) -> dict[str, Any]:
    """Write a patch and give what the table says of it."""
    name = patch_name(region["noaa_ar"], disk.time, source, disk.header)
    cards = patch_cards(disk.header, patch, region, noaa_ars, source)
    write_patch(out / name, patch, cards)
    plain = {key: value for key, (value, _) in cards.items()}
    flags = (*flags_of(plain, look_of(plain, patch.field_gauss.shape), named=True), *patch.flags)
    return {
        "filename": name,
        "noaa_ars": regions_text(noaa_ars),
        "nan_pixels": patch.nan_pixels,
        "off_disk": patch.off_disk,
        "missing_on_disk": patch.missing,
        "flags": ",".join(flags),
    }


def _table(places: pd.DataFrame, cut: pd.DataFrame, disk: WholeDisk) -> pd.DataFrame:
    table = places.join(cut.astype(_CUT_DTYPES)).assign(time=pd.Timestamp(disk.time).tz_convert("UTC"))
    said = ["filename", "noaa_ar", "time", "noaa_ars", "section", "mcintosh", "hale", "area_msh", "state"]
    rounded = {"lon_deg": 3, "lat_deg": 3, "column": 2, "row": 2}  # NOAA gives whole degrees
    return table[[*said, *rounded, "nan_pixels", "off_disk", "missing_on_disk", "flags"]].round(rounded)


def _tell(table: pd.DataFrame, reporter: Reporter) -> None:
    """Say of which regions there is no patch, and which patches are not all Sun."""
    if table["filename"].notna().sum() == 0:
        reporter.warn("no region with spots is visible: no patch was cut")
    bad = table[table["nan_pixels"].gt(0).fillna(False)]
    if len(bad):
        regions = listed([str(number) for number in bad["noaa_ar"]])
        reporter.warn(
            f"{counted(len(bad), 'patch has', 'patches have')} pixels without a value (NOAA {regions}): they stay NaN; "
            "predict leaves such patches out, or takes the pixels for zero field with --nan zero"
        )
