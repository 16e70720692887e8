"""What columns do the catalogue and the forecasts have, and does a given table have them?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from flarescope.errors import InputError
from flarescope.files import is_parquet, translate_os_errors
from flarescope.image_names import check_filenames, rows_of
from flarescope.parquet_tables import read_parquet
from flarescope.parsing import reason
from flarescope.region_numbers import complete_regions
from flarescope.several_events import COLUMN, LABEL
from flarescope.text_tables import missing_to_null, read_text_table

TIME_DTYPE: Final = "datetime64[us, UTC]"
SPLITS: Final = ("train", "validation", "test")

CATALOGUE_DTYPES: Final = {
    "filename": "str",
    "noaa_ar": "Int32",
    "time": TIME_DTYPE,
    "flare": "str",
    "label": "Int8",
    "split": "str",
}
"""Columns of the catalogue, one row an image: `filename` relative to the image root with `/` separators; `noaa_ar` the
full region number (11121; what 1121, and 0 or less, mean: `flarescope.region_numbers`); `time` in UTC; `flare` the
largest GOES class in the window or null; `label` 1 for an event; `split` one of `SPLITS` or null."""

POSITION_DTYPES: Final = {"lon_deg": "float64", "lat_deg": "float64"}
"""Columns that a catalogue, and forecasts, may have besides, for scores by place: where on the disk the region was at
the image's time, heliographic, from the central meridian, west positive, and north positive, in degrees; null where
unknown."""

PATCH_DTYPES: Final = {"noaa_ars": "str", "principal_only": "Int8"}
"""Columns that a catalogue, and forecasts, may have besides, for patches that show several regions: `noaa_ars` all of
them, the principal one first, `11429,11430`, null where there is one or none; `principal_only` 1 where the label is by
the flares of the principal region alone."""

FORECAST_DTYPES: Final = {
    "filename": "str",
    "noaa_ar": "Int32",
    "time": TIME_DTYPE,
    "split": "str",
    "label": "Int8",
    "probability": "float64",
}
"""Columns of the forecasts, one row an image: the catalogue's, and `probability` 0..1 that the image is followed by an
event. `label` is null where it is not known. `filename` or `time` (with the region) names the image."""

OPTIONAL_FORECAST_DTYPES: Final = {"flare": "str", **POSITION_DTYPES, **PATCH_DTYPES}
"""Columns that forecasts may have besides: the largest GOES class in the window and the place, for scores by slice, and
all regions of a patch, for persistence and the intervals."""


def check_labels(labels: "pd.Series[int]", source: str, column: str = "label") -> None:
    """Refuse labels other than 0 and 1.

    Raises:
        InputError: with the first offending rows and their value.
    """
    bad = ~labels.isin([0, 1])
    if bad.any():
        value = labels[bad].iloc[0]
        raise InputError(f"{source}: {rows_of(bad)}: {column} is {value}; expected 0 (no event) or 1 (event)")


def _typed(frame: pd.DataFrame, dtypes: dict[str, str], source: str) -> pd.DataFrame:
    columns = {}
    for name, dtype in dtypes.items():
        if name not in frame:
            columns[name] = pd.Series(None, dtype=dtype, index=frame.index)
            continue
        try:
            column = frame[name]
            if dtype == TIME_DTYPE:
                columns[name] = pd.to_datetime(column, utc=True, format="ISO8601").astype(TIME_DTYPE)
            elif dtype.startswith("Int") and not pd.api.types.is_numeric_dtype(column):
                columns[name] = pd.to_numeric(_zeros_and_ones(column)).astype(dtype)  # type: ignore[call-overload]
            else:
                columns[name] = column.astype(dtype)  # type: ignore[call-overload]
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{source}: column {name!r} cannot be read as {dtype}: {reason(error)}") from error
    return complete_regions(pd.DataFrame(columns), source)


def _zeros_and_ones(column: "pd.Series[str]") -> "pd.Series[str]":
    """Write labels that another program wrote as truth values as 0 and 1."""
    told = column.dropna().astype("str").str.lower().isin(["true", "false"])
    if not (len(told) and told.all()):
        return column
    return column.str.lower().map({"true": "1", "false": "0"})


def _present(dtypes: dict[str, str], frame: pd.DataFrame) -> dict[str, str]:
    return {name: dtype for name, dtype in dtypes.items() if name in frame}


def _of_several(frame: pd.DataFrame) -> dict[str, str]:
    """Give the columns of several events (`several_events`) with their dtypes."""
    names = [str(name) for name in frame if COLUMN.fullmatch(str(name))]
    return {name: "Int8" if name.startswith(LABEL) else "str" for name in names}


def _check_positions(frame: pd.DataFrame, source: str) -> None:
    for name, most in (("lon_deg", 180), ("lat_deg", 90)):
        bad = frame[name].abs() > most if name in frame else pd.Series(dtype=bool)
        if bad.any():
            value = frame[name][bad].iloc[0]
            raise InputError(
                f"{source}: {rows_of(bad)}: {name} is {value:g}; expected degrees from the central meridian or the "
                f"equator, -{most} to {most}"
            )


def check_catalogue(frame: pd.DataFrame, source: str, *, repeated: bool = False) -> pd.DataFrame:
    """Give the catalogue its columns and dtypes, or say what is wrong with it.

    Args:
        frame: at least `filename` and `label`; other columns of `CATALOGUE_DTYPES` may be missing and become null;
            columns that are neither of these nor of `POSITION_DTYPES` and `PATCH_DTYPES`, nor the labels and flares of
            several events, are dropped.
        source: what to call the table in a message, such as its path.
        repeated: whether an image may have several rows.

    Returns:
        A frame with the columns of `CATALOGUE_DTYPES`, those of `POSITION_DTYPES`, `PATCH_DTYPES` and of several events
        that are there, and an index 0..N-1.

    Raises:
        InputError: missing columns, no rows, labels other than 0/1, bad or duplicate names, unknown splits, places that
            are not on the Sun.
    """
    missing = [name for name in ("filename", "label") if name not in frame]
    if missing:
        raise InputError(
            f"{source}: no column {', '.join(missing)}; it has {', '.join(map(str, frame.columns)) or 'none'}; "
            "a catalogue needs filename and label"
        )
    if frame.empty:
        raise InputError(f"{source}: no rows; expected one row an image")
    frame = frame.reset_index(drop=True)
    check_labels(frame["label"], source)
    several = _of_several(frame)
    for name in (one for one, dtype in several.items() if dtype == "Int8"):
        check_labels(frame[name], source, name)
    typed = _typed(frame, CATALOGUE_DTYPES | _present(POSITION_DTYPES | PATCH_DTYPES, frame) | several, source)
    check_filenames(typed["filename"], source, repeated=repeated)
    _check_positions(typed, source)
    unknown = typed["split"].notna() & ~typed["split"].isin(SPLITS)
    if unknown.any():
        value = typed["split"][unknown].iloc[0]
        raise InputError(f"{source}: {rows_of(unknown)}: split is {value!r}; expected {', '.join(SPLITS)} or null")
    return typed


def check_forecasts(frame: pd.DataFrame, source: str, *, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Give the forecasts their columns and dtypes, or say what is wrong with them.

    Args:
        frame: at least `probability`, and `filename` or `time`.
        source: what to call the table in a message.
        keep: further columns that are kept as they are, where they are there, such as one that is resampled by.

    Returns:
        A frame with the columns of `FORECAST_DTYPES`, those of `OPTIONAL_FORECAST_DTYPES` and of `keep` that are
        there, and an index 0..N-1.

    Raises:
        InputError: missing columns, no rows, an image given twice, a probability that is NaN or outside 0..1, labels
            other than 0/1, places that are not on the Sun.
    """
    if "probability" not in frame or not {"filename", "time"} & set(frame.columns):
        raise InputError(
            f"{source}: forecasts need the column probability, and filename or time; "
            f"it has {', '.join(map(str, frame.columns)) or 'none'}"
        )
    if frame.empty:
        raise InputError(f"{source}: no rows; expected one row a forecast")
    dtypes = FORECAST_DTYPES | _present(OPTIONAL_FORECAST_DTYPES, frame)
    typed = _typed(frame.reset_index(drop=True), dtypes, source)
    check_labels(typed["label"].dropna(), source)
    _check_positions(typed, source)
    bad = ~typed["probability"].between(0, 1)
    if bad.any():
        value = typed["probability"][bad].iloc[0]
        raise InputError(f"{source}: {rows_of(bad)}: probability is {value}; expected a number from 0 to 1")
    key = forecast_key(typed, source)
    twice = typed.duplicated(key)
    if twice.any():
        raise InputError(
            f"{source}: {rows_of(twice)}: the same {' and '.join(key)} as a row above; an image has one row"
        )
    further = [name for name in keep if name in frame and name not in typed]
    return typed.assign(**{name: frame[name].to_numpy() for name in further})


def forecast_table(catalogue: pd.DataFrame, split: str | None, probability: np.ndarray) -> pd.DataFrame:
    """Put the probabilities beside the rows that they were forecast for.

    Args:
        catalogue: N rows.
        split: what the forecasts are called, `test` for example.
        probability: `(N,)` 0..1.

    Returns:
        The columns of `FORECAST_DTYPES`, and those of `OPTIONAL_FORECAST_DTYPES` that are known.
    """
    rows = check_forecasts(catalogue.assign(split=split, probability=probability), "the forecasts")
    known = [name for name in OPTIONAL_FORECAST_DTYPES if name in rows and rows[name].notna().any()]
    return rows[[*FORECAST_DTYPES, *known]]


def forecast_key(forecasts: pd.DataFrame, source: str) -> list[str]:
    """Say which columns name the image of a forecast: `filename` if every row has one, else `noaa_ar` and `time`.

    Raises:
        InputError: neither is there for every row.
    """
    if forecasts["filename"].notna().all():
        return ["filename"]
    nameless = forecasts["filename"].isna() & forecasts["time"].isna()
    if nameless.any():
        raise InputError(f"{source}: {rows_of(nameless)}: neither filename nor time; one of them names the image")
    if forecasts["time"].isna().any():
        raise InputError(f"{source}: some rows have only a filename and others only a time; give one for every row")
    return ["noaa_ar", "time"]


def read_forecasts(path: Path, *, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Read forecasts, ours or anybody's: CSV or Parquet with `filename` or `time`, `noaa_ar`, `label`, `probability`.

    Times without a zone are UTC.

    Args:
        path: of the table.
        keep: further columns, as in `check_forecasts`.

    Returns:
        What `check_forecasts` gives.

    Raises:
        InputError: the file cannot be read, or `check_forecasts` refuses it.
    """
    return check_forecasts(read_as_it_is(Path(path)), str(path), keep=keep)


def read_as_it_is(path: Path) -> pd.DataFrame:
    """Read a table, CSV or Parquet, with whatever columns it has; of text with null for what is missing.

    Raises:
        InputError: the file cannot be read.
    """
    with translate_os_errors(path, "read"):
        parquet = is_parquet(path)
    return read_parquet(path) if parquet else nulls_for_missing(read_text_table(path))


def nulls_for_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """Give a table of text with null for what `text_tables.MISSING` lists; of file names for an empty one alone."""
    known = {name: missing_to_null(frame[name]) for name in frame.columns if name != "filename"}
    if "filename" in frame:
        known["filename"] = frame["filename"].where(frame["filename"] != "")
    return frame.assign(**known)
