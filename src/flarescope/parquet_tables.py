"""How is a table read from Parquet and written as Parquet, whoever wrote it, with what it says of itself?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flarescope.files import atomic_path, translate_os_errors
from flarescope.notes import with_notes
from flarescope.parsing import refusing_damage
from flarescope.text_tables import refuse_twice

MOST_ROWS: Final = 20_000_000
"""Of a Parquet table that is read; the published set has 0.95 million images."""
_NO_PARQUET: Final = "cannot be read as Parquet"
_PARQUET_ADVICE: Final = "make or copy it again"
_NAMELESS_INDEX: Final = "__index_level_"  # so pandas calls an index without a name
_NULLABLE: Final = {
    **{
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
    },
    **{pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(), pa.uint32(): pd.UInt32Dtype()},
    **{pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()},
}


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet table, or say in one line why it cannot be read.

    What pandas noted in it of its own types and index is not looked at: an index with a name is a column like the
    others. Whole numbers with gaps come as pandas' nullable ones.
    """
    table = read_arrow(path)
    with refusing_damage(path, _PARQUET_ADVICE, what=_NO_PARQUET):
        table = table.drop_columns([name for name in table.column_names if name.startswith(_NAMELESS_INDEX)])
        gaps = {column.type for column in table.columns if column.null_count}
        nullable = {kind: dtype for kind, dtype in _NULLABLE.items() if kind in gaps}
        frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(types_mapper=nullable.get)
        return frame


def read_arrow(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read columns of a Parquet table as Arrow keeps them, every value looked at.

    Raises:
        InputError: it cannot be read, or is no table of plain columns.
    """
    with refusing_damage(path, _PARQUET_ADVICE, what=_NO_PARQUET):
        # Opened here: Arrow takes no path whose bytes are no UTF-8.
        with translate_os_errors(path, "read"), path.open("rb") as stream, pq.ParquetFile(stream) as file:
            refuse_twice(file.schema_arrow.names, str(path))
            _check_flat(file.metadata, file.schema_arrow)
            table = file.read(columns)
        table.validate(full=True)
        missing = set(columns or ()) - set(table.column_names)
        if missing:
            raise ValueError(f"no column {', '.join(sorted(missing))}")
    return table


def _check_flat(metadata: pq.FileMetaData, schema: pa.Schema) -> None:
    """Refuse tables of another form than ours, before their numbers are read.

    Raises:
        ValueError: columns of lists, or more rows than a catalogue can have.
    """
    names = schema.names
    if metadata.num_columns != len(names) or any(pa.types.is_nested(kind) for kind in schema.types):
        raise ValueError("it has columns of lists or of records")
    if metadata.num_rows > MOST_ROWS:
        raise ValueError(f"{metadata.num_rows:,} rows; expected at most {MOST_ROWS:,}")


def write_parquet(frame: pd.DataFrame, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write a table as Parquet, whole or not at all, with what it says of itself (see `flarescope.notes`)."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with atomic_path(path) as temporary:
        write_arrow(with_notes(table, notes) if notes else table, temporary)


def write_arrow(table: pa.Table, path: Path) -> None:
    """Write an Arrow table as Parquet to a file that nobody reads yet."""
    with path.open("wb") as stream:  # opened here: Arrow takes no path whose bytes are no UTF-8
        pq.write_table(table, stream, compression="snappy")
