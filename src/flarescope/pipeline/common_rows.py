"""Which rows do all of several tables of forecasts have?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from flarescope.brief import brief
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.tables import forecast_key


@dataclass(frozen=True)
class CommonRows:
    """The rows that all tables have, of each table in the same order.

    Attributes:
        tables: name -> its rows, `(N,)` in each.
        left_out: name -> how many of its labelled rows another table has not.
        notes: what has to be said.
    """

    tables: Mapping[str, pd.DataFrame]
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()

    __repr__ = brief


def common_rows(tables: Mapping[str, pd.DataFrame]) -> CommonRows:
    """Find the rows that all tables have; they are told by `filename` if every row has one, else by region and time.

    Rows without a label are left out.

    Raises:
        InputError: no common row, or one that stands twice in a table.
    """
    unlabelled = {name: int(rows["label"].isna().sum()) for name, rows in tables.items()}
    notes = [
        f"{name}: {counted(number, 'row')} without a label left out." for name, number in unlabelled.items() if number
    ]
    tables = {name: rows[rows["label"].notna()].reset_index(drop=True) for name, rows in tables.items()}
    keys = {tuple(forecast_key(rows, name)) for name, rows in tables.items()}
    key = list(keys.pop()) if len(keys) == 1 else ["noaa_ar", "time"]
    indices = {name: pd.MultiIndex.from_frame(rows[key]) for name, rows in tables.items()}
    for name, index in indices.items():
        if index.has_duplicates:
            raise InputError(f"{name}: a row stands twice in it (by {' and '.join(key)}); give each once")
    first, *others = indices.values()
    common = first
    for index in others:
        common = common[common.isin(index)]
    if common.empty:
        raise InputError(
            f"no row stands in each of {', '.join(tables)} (by {' and '.join(key)}); compare forecasts of the same rows"
        )
    left_out = {name: len(index) - len(common) for name, index in indices.items()}
    if any(left_out.values()):
        said = ", ".join(f"{number:,} of {name}" for name, number in left_out.items() if number)
        notes.append(f"Compared are the {counted(len(common), 'row')} that all have; left out are {said}.")
    kept = {
        name: tables[name].iloc[index.get_indexer(common)].reset_index(drop=True) for name, index in indices.items()
    }
    return CommonRows(kept, left_out, tuple(notes))


def short_names(paths: Sequence[str | Path]) -> list[str]:
    """Call files and runs by their shortest names that tell them apart: `vgg`, or `2014/vgg` where that is not enough.

    Raises:
        InputError: one path given twice.
    """
    texts = [str(path) for path in paths]
    twice = sorted({text for text in texts if texts.count(text) > 1})
    if twice:
        raise InputError(f"{twice[0]} is given twice")
    parts = [_parts(Path(path)) for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-depth:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return texts


def _parts(path: Path) -> tuple[str, ...]:
    suffix, mark, model = path.suffix.partition("#")
    plain = path.with_suffix("") if suffix.lower() in (".csv", ".parquet", ".txt", ".json") else path
    return (*plain.parts[:-1], plain.name + mark + model)
