"""How do features that were made elsewhere take the place of a network?

They come as one table of all images that are trained on, validated and tested: a Parquet file with `filename` and a
column of numbers a feature, or a NumPy file `(N, F)` with the names, a line each, in `<name>.txt` beside it, or a CSV
of the 29 magnetic features in the published form (`magnetic.table`), whose names are base names.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from flarescope.backbones.base import Arrays, Network, Weights
from flarescope.errors import InputError
from flarescope.files import sha256_of, translate_os_errors
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.magnetic.table import read_features_csv
from flarescope.parquet_tables import read_arrow
from flarescope.parsing import refusing_damage

PREFIX: Final = "table:"
FAMILY: Final = "table"
ADVICE: Final = "make the file again"


class FeatureTable(Weights):
    """Features of images by name, with a network's manners: it can be trained on, but forecasts no new image.

    Attributes:
        path: of the file.
        names: `(N,)` file names, each once.
        matrix: `(N, F)` float32, finite.
        base_names: whether the names have no folder.
    """

    path: Path
    names: pa.Array
    matrix: np.ndarray
    base_names: bool

    def __init__(self, path: Path) -> None:
        """Read a table.

        Raises:
            InputError: no such file, no names, names twice, numbers that are missing or not finite.
        """
        if not path.is_file():
            raise InputError(f"{PREFIX}{path}: no such file; expected Parquet, .csv, or .npy with names beside it")
        names, matrix = READERS.get(path.suffix, _read_parquet)(path)
        if len(names.unique()) != len(names) or names.null_count:
            raise InputError(f"{path}: a file name that is missing or stands there twice; expected each image once")
        if not matrix.shape[1]:
            raise InputError(f"{path}: no column of numbers beside filename; expected a column a feature")
        bad = ~np.isfinite(matrix).all(axis=1)
        if bad.any():
            first = names[int(bad.argmax())].as_py()
            raise InputError(f"{path}: features that are missing or not finite, the first of {first}; {ADVICE}")
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "base_names", path.suffix == ".csv")
        object.__setattr__(self, "matrix", matrix)
        network = Network(FAMILY, matrix.shape[1], lambda _: self.refuse(), engines=("torch",), precisions=("fp32",))
        super().__init__(f"{FAMILY}:{path.name}", f"sha256:{sha256_of(path)}", self.refuse, network)

    def refuse(self) -> Arrays:
        """Say that there is no network.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"{self.path}: these features were made elsewhere, so that new images cannot be forecast; `flarescope "
            "evaluate` takes images that it holds"
        )


def _read_parquet(path: Path) -> tuple[pa.Array, np.ndarray]:
    table = read_arrow(path)
    if "filename" not in table.column_names:
        raise InputError(f"{path}: no column filename; expected it and a column of numbers a feature")
    columns = [name for name in table.column_names if name != "filename" and not name.startswith("__index_level_")]
    for name in columns:
        kind = table[name].type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            raise InputError(f"{path}: column {name[:40]!r} is {kind}; expected numbers beside filename")
    with refusing_damage(path, ADVICE):
        names = pa.chunked_array(table["filename"]).cast(pa.large_string()).combine_chunks()
        numbers = [table[name].cast(pa.float32(), safe=False).to_numpy() for name in columns]
    matrix = np.stack(numbers, axis=1) if numbers else np.empty((len(table), 0), np.float32)
    return names, np.ascontiguousarray(matrix, np.float32)


def _read_npy(path: Path) -> tuple[pa.Array, np.ndarray]:
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        raise InputError(f"{path}: no {beside.name} beside it; expected the file names in it, a line each")
    with translate_os_errors(beside, "read"), refusing_damage(beside, ADVICE):
        names = pa.array(beside.read_text("utf-8").splitlines(), pa.large_string())
    with translate_os_errors(path, "read"), refusing_damage(path, ADVICE):
        matrix = np.load(path, allow_pickle=False)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or len(matrix) != len(names):
        raise InputError(
            f"{path}: {matrix.dtype} of shape {matrix.shape}, {len(names):,} names beside it; expected numbers (N, F) "
            "and N names"
        )
    return names, np.ascontiguousarray(matrix, np.float32)


def _read_magnetic(path: Path) -> tuple[pa.Array, np.ndarray]:
    table = read_features_csv(path)
    names = pa.array(table["filename"].str.rsplit("/", n=1).str[-1], pa.large_string())
    return names, np.ascontiguousarray(table[list(FEATURE_NAMES)].to_numpy(), np.float32)


READERS: Final = {".npy": _read_npy, ".csv": _read_magnetic}
"""What reads files of other endings than Parquet's."""


def lasting(spec: str) -> str:
    """Give a spec that means the same from every folder: of a table with its whole path, any other as it is."""
    return f"{PREFIX}{Path(spec.removeprefix(PREFIX)).resolve()}" if spec.startswith(PREFIX) else spec
