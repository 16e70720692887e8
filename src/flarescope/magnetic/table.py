"""How do the magnetic-complexity features of many images become a table, and the published file, and back?"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from flarescope.errors import InputError
from flarescope.files import atomic_path, translate_os_errors
from flarescope.images import workers as pool
from flarescope.images.workers import Failure
from flarescope.magnetic.features import FEATURE_NAMES, features_of_file

COLUMNS = (*FEATURE_NAMES, "class", "flare", "filename")
"""The 32 columns of the published file, which has no header: `class` 0/1, `flare` the size of the flare or 0,
`filename` without a folder."""


@dataclass(frozen=True)
class FeatureSet:
    """The features of the images that could be read.

    Attributes:
        filenames: N names, in the order in which they were asked for.
        features: `(N, 29)` float64, columns as `FEATURE_NAMES`.
        failures: the images that are left out.
    """

    filenames: tuple[str, ...]
    features: np.ndarray
    failures: tuple[Failure, ...]


def _features(path: str, nan: str, instrument_ok: bool) -> list[float]:
    return features_of_file(Path(path), nan=nan, instrument_ok=instrument_ok).tolist()  # type: ignore[no-any-return]


def compute_features(
    root: Path,
    filenames: Sequence[str],
    *,
    nan: str = "error",
    instrument_ok: bool = False,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> FeatureSet:
    """Compute the features of many images, a process a core.

    Args:
        root: the image root.
        filenames: names relative to it, `/` separators.
        nan: what NaN pixels of a FITS file do: `error` leaves the image out, `zero` makes them zero field.
        instrument_ok: whether other magnetographs than HMI are taken.
        workers: processes; 1 works in this process; None takes a process a core.
        progress: called with 1 for each image that is finished or failed.

    Returns:
        The features, and the images that could not be read with the reason.
    """
    rows: list[list[float] | None] = [None] * len(filenames)
    reasons: dict[int, str] = {}
    tasks = [(str(root / name), nan, instrument_ok) for name in filenames]
    for number, row, reason in pool.run(_features, tasks, workers=workers):
        rows[number] = row
        if reason is not None:
            reasons[number] = reason
        if progress:
            progress(1)
    good = [number for number, row in enumerate(rows) if row is not None]
    features = np.array([rows[number] for number in good], dtype=np.float64).reshape(-1, len(FEATURE_NAMES))
    failures = tuple(Failure(filenames[number], reasons[number]) for number in sorted(reasons))
    return FeatureSet(tuple(filenames[number] for number in good), features, failures)


def write_features_csv(table: pd.DataFrame, path: Path) -> None:
    """Write features in the published form: no header, 29 features, class, flare size or 0, base name.

    Args:
        table: columns `FEATURE_NAMES`, `label` (0/1), `flare` (a GOES class or null), `filename`. Numbers are written
            with as many digits as it takes to read the same ones back.
        path: the file, written whole or not at all.
    """
    ending = {
        "class": table["label"],
        "flare": table["flare"].astype(object).where(table["flare"].notna(), "0"),
        "filename": table["filename"].str.rsplit("/", n=1).str[-1],
    }
    columns = table[list(FEATURE_NAMES)].assign(**ending)[list(COLUMNS)]
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with atomic_path(path) as temporary:
        try:
            with temporary.open("wb") as stream:
                pyarrow.csv.write_csv(pa.Table.from_pandas(columns, preserve_index=False), stream, options)
        except pa.ArrowInvalid as error:  # a name with a comma or a quote in it, which the published form cannot say
            raise InputError(f"cannot write {path}: {' '.join(str(error).split())[:200]}") from error


def read_features_csv(path: Path) -> pd.DataFrame:
    """Read a features file in the published form.

    Returns:
        Columns `FEATURE_NAMES` (float64), `label` (Int8), `flare` (the size as it is written, null for 0) and
        `filename` (base name).

    Raises:
        InputError: not 32 columns, a feature that is not a finite number, a class other than 0 and 1, no file name.
    """
    with translate_os_errors(path, "read"):
        content = path.read_bytes()
    if not content.strip():
        raise InputError(f"{path}: the file is empty; expected 32 columns without a header")
    try:
        table = _parse(content, pa.float64())
    except pa.ArrowInvalid:
        table = _parse_texts(path, content)
    bad = ~np.isfinite(table[list(FEATURE_NAMES)].to_numpy())
    if bad.any():
        row, column = np.argwhere(bad)[0]
        value = table[FEATURE_NAMES[column]].iloc[row]
        raise InputError(f"{path}: row {row + 1}: column {column + 1} ({FEATURE_NAMES[column]}) is {value}")
    text = {name: table[name].str.strip() for name in COLUMNS[len(FEATURE_NAMES) :]}
    _refuse(~text["class"].isin(["0", "1"]), text["class"], path, "class is {!r}; expected 0 or 1")
    _refuse(text["filename"] == "", text["filename"], path, "no file name at the end")
    return table[list(FEATURE_NAMES)].assign(
        label=pd.to_numeric(text["class"]).astype("Int8"),
        flare=text["flare"].where(~text["flare"].isin(["0", "0.0", ""])).astype("str"),
        filename=text["filename"].astype("str"),
    )


def _parse(content: bytes, number: pa.DataType, *, use_threads: bool = True) -> pd.DataFrame:
    types = {name: number if name in FEATURE_NAMES else pa.string() for name in COLUMNS}
    table = pyarrow.csv.read_csv(
        pa.py_buffer(content),
        read_options=pyarrow.csv.ReadOptions(column_names=COLUMNS, use_threads=use_threads),
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )
    return table.to_pandas()  # type: ignore[no-any-return]


def _parse_texts(path: Path, content: bytes) -> pd.DataFrame:
    """Read every column as text, to say which row and column is no number."""
    try:
        texts = _parse(content, pa.string(), use_threads=False)  # with threads Arrow does not name the row
    except pa.ArrowInvalid as error:
        found = re.search(r"Row #(\d+)", str(error))
        row = f"row {found[1]}: " if found else ""
        reason = "expected 32 columns" if "columns" in str(error) else "cannot be read as CSV in UTF-8"
        raise InputError(f"{path}: {row}{reason}: 29 features, class, flare size, file name; no header") from error
    for number, name in enumerate(FEATURE_NAMES, start=1):
        values = pd.to_numeric(texts[name], errors="coerce")
        _refuse(values.isna(), texts[name], path, f"column {number} ({name}) is {{!r}}; expected a finite number")
        texts[name] = values
    return texts


def _refuse(bad: "pd.Series[bool]", values: "pd.Series[str]", path: Path, message: str) -> None:
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise InputError(f"{path}: row {row + 1}: {message.format(values.iloc[row])}")
