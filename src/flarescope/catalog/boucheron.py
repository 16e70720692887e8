"""How do the published data set's files (Boucheron et al. 2023, Sci. Data 10, 825) become a catalogue, and back?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from flarescope.catalog.file_names import region_and_time
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import GOES_CLASS, PUBLISHED, EventDefinition, difference
from flarescope.files import atomic_path, is_parquet
from flarescope.notes import read_event
from flarescope.parquet_tables import read_parquet
from flarescope.several_events import rows_of_event
from flarescope.tables import PATCH_DTYPES, SPLITS, check_catalogue, check_labels, nulls_for_missing
from flarescope.text_tables import first_line, read_text_table

CSV_NAMES: Final = {
    split: (f"{split.capitalize()}_Data_by_AR_png_224.csv", f"{split.capitalize()}_Data_by_AR.csv") for split in SPLITS
}
"""Names of the published tables of the PNG set and of the FITS set."""


def read_labels(path: Path, *, repeated: bool = False) -> pd.DataFrame:
    """Read a labels file of the set: no header, `basename,label`, the label a GOES class such as `C4.7`, or `0`.

    Classes are from the threshold of the event on that the file's notes name, else from C1.0 on.

    Args:
        path: the file.
        repeated: whether an image may have several rows.

    Returns:
        Catalogue columns; `filename` is `<four-digit region>/<basename>` as the images lie, `split` is null.

    Raises:
        InputError: a row without two fields, a label that is neither `0` nor a class, a name without a region.
    """
    frame = read_text_table(path, header=False)
    if frame.shape[1] != 2:
        raise InputError(f"{path}: {counted(frame.shape[1], 'column')}; expected two without a header, basename,label")
    frame.columns = pd.Index(["basename", "flare"])
    _check_classes(path, frame["flare"])
    region = frame["basename"].str.extract(r"^(\d{4,5})_", expand=False)
    if region.isna().any():
        row = int(region.isna().to_numpy().argmax())
        name = frame["basename"].iloc[row]
        raise InputError(f"{path}: row {row + 1}: {name!r} does not begin with a region number")
    flare = frame["flare"].where(frame["flare"] != "0")
    table = pd.DataFrame(
        {"filename": region + "/" + frame["basename"], "flare": flare, "label": flare.notna().astype("int8")}
    )
    return check_catalogue(table.join(region_and_time(table["filename"])), str(path), repeated=repeated)


def _check_classes(path: Path, labels: "pd.Series[str]") -> None:
    """Refuse labels that are no class, or one below the event of the file's notes; without notes, below C1.0."""
    event = read_event(path) or PUBLISHED
    bad = ~labels.str.fullmatch(rf"0|{GOES_CLASS.pattern}")
    if not bad.any():
        bad.loc[labels != "0"] = ~event.counts(labels[labels != "0"])
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise InputError(
            f"{path}: row {row + 1}: label {labels.iloc[row][:40]!r}; expected 0, or a class from {event.threshold} on "
            "such as C4.7"
        )


def assign_splits(catalogue: pd.DataFrame, *, test: list[int], validation: list[int]) -> pd.DataFrame:
    """Give each row its split as the published tables were made: regions in neither list are train.

    Raises:
        InputError: a region that stands in both lists.
    """
    both = sorted(set(test) & set(validation))
    if both:
        raise InputError(f"region {', '.join(map(str, both[:5]))} stands in both the test and the validation list")
    split = pd.Series("train", index=catalogue.index, dtype="str")
    split[catalogue["noaa_ar"].isin(test)] = "test"
    split[catalogue["noaa_ar"].isin(validation)] = "validation"
    return catalogue.assign(split=split)


def write_published_csv(catalogue: pd.DataFrame, path: Path) -> None:
    """Write rows of a catalogue in the form of the published tables, `filename,class`.

    What readers would not find again stands in columns behind: `noaa_ar` and `time` where the file names do not say
    them, and all regions of patches (`tables.PATCH_DTYPES`).
    """
    columns = ["filename", "label", *_unsaid(catalogue)]
    with atomic_path(path) as temporary:
        catalogue[columns].rename(columns={"label": "class"}).to_csv(temporary, index=False)


def _unsaid(catalogue: pd.DataFrame) -> list[str]:
    """Name the columns that hold more than the file names say."""
    patches = [name for name in PATCH_DTYPES if name in catalogue and catalogue[name].notna().any()]
    named = region_and_time(catalogue["filename"])
    lost = {name: (catalogue[name].notna() & named[name].isna()).any() for name in ("noaa_ar", "time")}
    return [name for name, is_lost in lost.items() if is_lost or (patches and name == "noaa_ar")] + patches


def published_csv_name(split: str, catalogue: pd.DataFrame, event: EventDefinition | None = PUBLISHED) -> str:
    """Name the table that these rows belong in as the published ones are named, the PNG set's or the FITS set's.

    A published name means the published event: a table of another one has class and window in its name.
    """
    is_png = catalogue["filename"].iloc[0].endswith(".png")
    name = CSV_NAMES[split][0 if is_png else 1]
    if event is not None and difference(event, PUBLISHED) is None:
        return name
    if event is not None and event.scope == "disk":
        return f"{split.capitalize()}_Data_whole_disk_{_coded(event)}.csv"
    code = "own_labels" if event is None else _coded(event)
    return name.replace("_Data_by_AR", f"_Data_by_AR_{code}")


def _coded(event: EventDefinition) -> str:
    return event.code.replace("/", "_").replace("+", "hr_after_") + "hr"


def _read_with_header(path: Path) -> pd.DataFrame:
    frame = read_text_table(path)
    if {"class", "label"} <= set(frame):
        raise InputError(f"{path}: two columns say the same (class and label); keep one")
    if "class" in frame and "label" not in frame:
        frame = frame.rename(columns={"class": "label"})
    missing = [name for name in ("filename", "label") if name not in frame]
    if missing:
        wanted = ["class" if name == "label" else name for name in missing]
        raise InputError(f"{path}: no column {', '.join(wanted)}; expected the header filename,class")
    labels = pd.to_numeric(frame["label"], errors="coerce")
    check_labels(labels.where(labels.notna(), frame["label"]), str(path), column="class")
    return nulls_for_missing(frame.drop(columns="label")).assign(label=labels)


def read_table(
    path: str | Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    repeated: bool = False,
    event: EventDefinition | None = None,
) -> pd.DataFrame:
    """Read a table of labelled images: a catalogue, a published CSV, or a labels file of the set.

    Args:
        path: Parquet with the catalogue's columns; CSV with the header `filename,class`, or with catalogue columns;
            or a labels file without a header.
        split: rows to take where the table has a `split` column that is filled; ignored by tables without one.
        limit: take only so many rows, drawn at random but the same ones every time, for a first try; None takes all.
            (The first rows of a published table are of a few regions, and may be of one class.)
        repeated: whether an image may have several rows, for those who count them.
        event: of a table of several events, whose labels and flares are taken; without it they are those of the first,
            with those of each in columns of their own (`flarescope.several_events`).

    Returns:
        A checked catalogue (see `flarescope.tables`), region and time filled from the file names where the table
        itself does not give them.

    Raises:
        InputError: whatever is wrong with the table, in one line.

    Example:
        >>> table = flarescope.read_table("train.csv")
        >>> table.columns.tolist()
        ['filename', 'noaa_ar', 'time', 'flare', 'label', 'split']
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a table of images (CSV or Parquet)")
    if is_parquet(path):
        frame = read_parquet(path)
    elif not (line := first_line(path)):
        raise InputError(f"{path}: the file is empty; expected a table such as filename,class")
    elif "filename" in line or "class" in line:
        frame = _read_with_header(path)
    elif line.count(",") == 1 and "_hmi." in line:
        frame = read_labels(path, repeated=repeated)
    else:
        raise InputError(f"{path}: no header filename,class; expected a published table, a labels file or a catalogue")
    table = _completed(path, check_catalogue(frame, str(path), repeated=repeated))
    if split is not None and table["split"].notna().any():
        table = table[table["split"] == split]
        if table.empty:
            raise InputError(f"{path}: no row of split {split!r}; the column split decides which rows are taken")
    if limit is not None and limit < 1:
        raise InputError(f"--limit {limit}: expected at least 1")
    if limit is not None and limit < len(table):
        table = table.iloc[np.sort(np.random.default_rng(0).choice(len(table), limit, replace=False))]
    table = table if event is None else rows_of_event(table, event)
    pa.default_memory_pool().release_unused()  # Arrow keeps what reading took: 60 MB of a table of 700,000 rows
    return table.reset_index(drop=True)


def _completed(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Fill region and time from the file names where the table does not give them.

    Raises:
        InputError: a region that contradicts the file name: the check for leaks rests on it.
    """
    named = region_and_time(table["filename"])
    given = table["noaa_ar"]
    wrong = given.ne(named["noaa_ar"]).fillna(False) & named["noaa_ar"].notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(
            f"{path}: row {row + 1}: noaa_ar is {given.iloc[row]}, and the name {table['filename'].iloc[row]!r} says "
            f"{named['noaa_ar'].iloc[row]}; give the full NOAA number, such as 11121"
        )
    return table.assign(noaa_ar=given.fillna(named["noaa_ar"]), time=table["time"].fillna(named["time"]))


def read_image_list(path: Path) -> pd.DataFrame:
    """Read which images a table names; the labels in it, of whatever form, are passed over.

    Args:
        path: Parquet or CSV with a column `filename`, or a labels file without a header.

    Returns:
        Catalogue columns without `flare` and `label`; region and time filled from the file names where the table does
        not give them.

    Raises:
        InputError: whatever is wrong with the table, in one line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a table of images (CSV or Parquet) or a folder of them")
    if is_parquet(path):
        frame = read_parquet(path)
    elif "filename" in first_line(path):
        frame = nulls_for_missing(read_text_table(path))
    else:
        frame = read_labels(path)
    table = check_catalogue(frame.assign(flare=None, label=0), str(path)).drop(columns=["flare", "label"])
    return _completed(path, table)


def require_regions(tables: Mapping[str, pd.DataFrame]) -> None:
    """Refuse tables with rows of unknown region: a split by region could not be checked.

    Raises:
        InputError: naming the first such file.
    """
    for name, table in tables.items():
        unknown = table["noaa_ar"].isna()
        if unknown.any():
            raise InputError(
                f"{name}: {table['filename'][unknown].iloc[0]!r} carries no region number (as in 1121/1121_hmi...); "
                "rename it, or give a catalogue with a column noaa_ar; of the whole disk label with --scope disk"
            )
