"""How do a labels file and the AR lists become the three tables and the catalogue?"""

from pathlib import Path

import pandas as pd

from flarescope.catalog.boucheron import (
    assign_splits,
    published_csv_name,
    read_labels,
    read_region_list,
    write_published_csv,
)
from flarescope.tables import SPLITS, write_parquet


def build_catalogue(
    *, labels: str | Path, test_regions: str | Path, validation_regions: str | Path, out: str | Path
) -> pd.DataFrame:
    """Make the published tables and the catalogue as they were made: by region, in neither list is train.

    Args:
        labels: a labels file of the set (`basename,label`, no header).
        test_regions: the list of test regions.
        validation_regions: the list of validation regions.
        out: folder for `Train_...csv`, `Validation_...csv`, `Test_...csv` and `catalogue.parquet`.

    Returns:
        The catalogue.

    Raises:
        InputError: whatever is wrong with one of the files, in one line.
    """
    out = Path(out)
    catalogue = assign_splits(
        read_labels(Path(labels)),
        test=read_region_list(Path(test_regions)),
        validation=read_region_list(Path(validation_regions)),
    )
    for split in SPLITS:
        rows = catalogue[catalogue["split"] == split]
        if len(rows):
            write_published_csv(rows, out / published_csv_name(split, rows))
    write_parquet(catalogue, out / "catalogue.parquet")
    return catalogue
