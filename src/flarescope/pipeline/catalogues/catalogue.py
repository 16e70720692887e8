"""How do a labels file and the AR lists become the tables and the catalogue, and summaries the list of regions?"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flarescope.catalog.boucheron import assign_splits, read_labels
from flarescope.catalog.noaa_regions import region_days
from flarescope.catalog.published import write_region_days
from flarescope.catalog.region_lists import read_region_list
from flarescope.catalog.table_event import agreed_event
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.catalogues.listing import write_split
from flarescope.pipeline.catalogues.selecting import read_regions
from flarescope.progress import Reporter, WarningReporter


def build_catalogue(
    *,
    labels: str | Path,
    test_regions: str | Path,
    validation_regions: str | Path,
    out: str | Path,
    event: EventDefinition | None = None,
) -> pd.DataFrame:
    """Make the published tables and the catalogue as they were made: by region, in neither list is train.

    Args:
        labels: a labels file of the set (`basename,label`, no header).
        test_regions: the list of test regions.
        validation_regions: the list of validation regions.
        out: folder for `Train_...csv`, `Validation_...csv`, `Test_...csv` and `catalogue.parquet`.
        event: that the labels are of, where neither notes nor the published name of the file say it.

    Returns:
        The catalogue.

    Raises:
        InputError: whatever is wrong with one of the files, in one line.

    Example:
        >>> catalogue = flarescope.build_catalogue(
        ...     labels="C1.0_24hr_224_png_Labels.txt",
        ...     test_regions="List_of_AR_in_Test_Data_by_AR.csv",
        ...     validation_regions="List_of_AR_in_Validation_data_by_AR.csv",
        ...     out="tables",
        ... )
    """
    out = Path(out)
    catalogue = assign_splits(
        read_labels(Path(labels)),
        test=read_region_list(Path(test_regions)),
        validation=read_region_list(Path(validation_regions)),
    )
    known = agreed_event(labels, event)
    write_split(catalogue, out, () if known is None else (known,))
    return catalogue


def list_regions(
    summaries: Sequence[str | Path], *, first: dt.date, last: dt.date, out: str | Path, reporter: Reporter | None = None
) -> pd.DataFrame:
    """List the regions with spots in a period by NOAA's summaries, in the form of the published `ARList.txt`.

    Args:
        summaries: files, folders, tar archives of Solar Region Summaries.
        first: first day of the period, included.
        last: last day of the period, included.
        out: the file.
        reporter: hears which files were not used.

    Returns:
        `noaa_ar`, `first_day`, `days`.

    Raises:
        InputError: no summary could be read, or the period ends before it begins.
    """
    if last < first:
        raise InputError(f"the period ends on {last}, before it begins on {first}")
    table = region_days(read_regions(summaries, reporter or WarningReporter()), first=first, last=last)
    write_region_days(table, Path(out))
    return table
