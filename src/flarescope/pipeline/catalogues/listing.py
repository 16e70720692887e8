"""Which images do a table or a folder name, and in which form is a catalogue written?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.boucheron import published_csv_name, read_image_list, read_table, write_published_csv
from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.published import write_labels
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import is_parquet, utf8
from flarescope.images.line_of_sight import Accept
from flarescope.images.paths import expand
from flarescope.images.remote import RemoteImages
from flarescope.notes import event_notes, events_notes, write_notes_beside
from flarescope.parquet_tables import read_parquet, write_parquet
from flarescope.pipeline.catalogues.listing_storage import list_storage
from flarescope.pipeline.catalogues.scanning import scan_images
from flarescope.progress import Reporter, WarningReporter
from flarescope.region_numbers import complete_regions
from flarescope.storage.systems import is_url
from flarescope.tables import SPLITS

FORMS: Final = (".parquet", ".csv", ".txt")


def scan_beside(path: Path) -> Path:
    """Name the Parquet that keeps the scan of a catalogue's images: `x.parquet` -> `x.scan.parquet`."""
    return path.with_name(f"{path.stem}.scan.parquet")


def list_images(
    source: Path | str,
    kept: Path,
    *,
    instrument_ok: bool = False,
    whole_disk: bool = False,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> pd.DataFrame:
    """List images with their regions and times, from a table or from the files below a folder.

    In a folder, an image whose name does not carry both is opened, and its header asked. What is no line-of-sight
    magnetogram, by its name or as it is read, or cannot be read at all, is left out and counted.

    Args:
        source: a catalogue, a published CSV, a labels file, or a folder; or an address, as `s3://bucket/folder`.
        kept: Parquet of the scan, where files have to be opened.
        instrument_ok: whether other magnetographs than HMI are taken.
        whole_disk: whether the images show the whole disk: FITS and JPEG files are listed, and no region is asked for.
        workers: processes of the scan.
        reporter: hears of the scan.

    Raises:
        InputError: whatever is wrong with the table; no image in the folder.
    """
    if is_url(source):
        images = RemoteImages(source.rstrip("/"))
        return list_storage(images, Accept(instrument_ok, whole_disk), reporter or WarningReporter())
    source = Path(source)
    if not source.is_dir():
        return read_image_list(source)
    names = pd.Series(_names_below(source, reporter or WarningReporter(), whole_disk), dtype="str")
    table = pd.DataFrame({"filename": names, **region_and_time(names)})
    unknown = table["time"].isna() | (table["noaa_ar"].isna() & (not whole_disk))
    if unknown.any():
        found = scan_images(
            source,
            names[unknown].tolist(),
            kept,
            instrument_ok=instrument_ok,
            whole_disk=whole_disk,
            workers=workers,
            reporter=reporter,
        )
        for column in ("noaa_ar", "time"):
            said = pd.Series(found[column].array, index=table.index[unknown])
            table[column] = table[column].fillna(said)
        if found["noaa_ars"].notna().any():
            said = pd.Series(found["noaa_ars"].array, index=table.index[unknown])
            table["noaa_ars"] = said.reindex(table.index)
        bad = found.loc[found["reason"].notna(), "filename"]
        if len(bad) == len(table):
            raise InputError(f"{source}: no magnetogram in it: {found['reason'].iloc[0]}")
        table = table[~table["filename"].isin(bad)].reset_index(drop=True)
    return complete_regions(table, str(source))


def _names_below(source: Path, reporter: Reporter, whole_disk: bool) -> list[str]:
    """List the images below a folder by names that a table can hold: a table's names have to find the files again."""
    files = [file.relative_to(source).as_posix() for file in expand([source], reporter, whole_disk=whole_disk)]
    odd = [name for name in files if utf8(name) != name]
    if odd:
        left = counted(len(odd), "image whose name is no UTF-8 is", "images whose names are no UTF-8 are")
        reporter.warn(f"{left} left out; rename the first: {utf8(odd[0])}")
    if len(odd) == len(files):
        raise InputError(f"{source}: no image with a name in UTF-8, as tables hold it; rename the files")
    return [name for name in files if utf8(name) == name]


def read_catalogue(path: Path, *, repeated: bool = False) -> pd.DataFrame:
    """Read a labelled table as `catalog.boucheron.read_table` does, and keep further columns of a Parquet one."""
    table = read_table(path, repeated=repeated)
    if not is_parquet(path):
        return table
    more = read_parquet(path).drop(columns=list(table.columns), errors="ignore").reset_index(drop=True)
    return table.join(more)


def check_form(out: Path) -> None:
    """Refuse, before the work, a file name whose ending names no form.

    Raises:
        InputError: neither `.parquet`, `.csv` nor `.txt`.
    """
    if out.suffix.lower() not in FORMS:
        raise InputError(f"--out {out}: expected .parquet (catalogue), .csv (filename,class) or .txt (labels)")


def write_catalogue(table: pd.DataFrame, out: Path, event: EventDefinition | Sequence[EventDefinition] | None) -> None:
    """Write a catalogue in the form that the file name's ending names, with what its labels are of.

    `.parquet` holds every column; `.csv` is the published table, `filename,class`, with columns for what of regions and
    times the file names do not say; `.txt` the published labels file, `basename,label`, whose readers take both from
    the names. The latter two have their event in a file beside them, and hold that of the first of several events.

    Raises:
        InputError: what a labels file cannot say (see `catalog.published.write_labels`).
    """
    check_form(out)
    events = () if event is None else (event,) if isinstance(event, EventDefinition) else tuple(event)
    event = events[0] if events else None
    if out.suffix.lower() == ".parquet":
        write_parquet(table, out, events_notes(events))
    elif out.suffix.lower() == ".csv":
        _write_table(table, out, event)
    else:
        write_labels(table, out)
        write_notes_beside(out, event_notes(event))


def _write_table(table: pd.DataFrame, out: Path, event: EventDefinition | None) -> None:
    write_published_csv(table, out)
    write_notes_beside(out, event_notes(event))


def write_split(table: pd.DataFrame, out: Path, events: Sequence[EventDefinition]) -> None:
    """Write a catalogue with splits: one Parquet, or a folder with it and three tables in the published form.

    Of several events those three are of the first; the Parquet has all.

    Raises:
        InputError: an ending other than `.parquet`.
    """
    if out.suffix.lower() == ".parquet":
        write_parquet(table, out, events_notes(events))
        return
    event = events[0] if events else None
    if out.suffix:
        raise InputError(f"--out {out}: expected a .parquet file, or a folder for it and the three published tables")
    for split in SPLITS:
        rows = table[table["split"] == split]
        if len(rows):
            _write_table(rows, out / published_csv_name(split, rows, event), event)
    write_parquet(table, out / "catalogue.parquet", events_notes(events))
