"""Which names of images can a table have, and how are rows named in a message?"""

from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flarescope.errors import InputError

_UNSAFE: Final = r"^/|^\\|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)"
_AT_ONCE: Final = 65_536
_UNTIDY: Final = r"^\./|/\./|//|[\x00-\x1f\x7f]"


def rows_of(mask: "pd.Series[bool]") -> str:
    """Name the first rows of a mask `(N,)`, counted from 1 as an editor counts the lines under the header."""
    where = mask.to_numpy().nonzero()[0]
    shown = ", ".join(str(row + 1) for row in where[:3])
    return f"row{'s' if len(where) > 1 else ''} {shown}" + (f" and {len(where) - 3} more" if len(where) > 3 else "")


def check_filenames(filenames: "pd.Series[str]", source: str, *, repeated: bool = False) -> None:
    """Refuse names that are missing, given twice, absolute, or that leave the image root.

    Args:
        filenames: names relative to an image root.
        source: what to call the table in a message.
        repeated: whether a name may be given twice.

    Raises:
        InputError: on the first kind of defect found, with the rows.
    """
    missing = filenames.isna() | (filenames == "")
    if missing.any():
        raise InputError(f"{source}: {rows_of(missing)}: no file name; every row names one image")
    names = pa.array(filenames, type=pa.large_string())
    if pc.any(pc.match_substring_regex(names, f"{_UNSAFE}|{_UNTIDY}")).as_py():  # one pass over a million good names
        _refuse_names(filenames, names, source)
    if not repeated and _has_twice(names):
        twice = filenames.duplicated()
        name = filenames[twice].iloc[0]
        raise InputError(f"{source}: {rows_of(twice)}: {name!r} stands there more than once; an image has one row")


def _has_twice(names: pa.Array) -> bool:
    """Tell whether a name stands there again; a million of them are put in order in 8 MB, where a set takes 200."""
    order = pc.sort_indices(names)
    for start in range(0, len(names), _AT_ONCE):
        some = names.take(order[start : start + _AT_ONCE + 1])
        if pc.any(pc.equal(some[1:], some[:-1])).as_py():
            return True
    return False


def _refuse_names(filenames: "pd.Series[str]", names: pa.Array, source: str) -> None:
    unsafe = pc.match_substring_regex(names, _UNSAFE).to_pandas()
    if unsafe.any():
        name = filenames[unsafe.to_numpy()].iloc[0]
        raise InputError(
            f"{source}: {rows_of(unsafe)}: {name!r} is absolute or leaves the image root; names are relative to "
            "--images"
        )
    untidy = pc.match_substring_regex(names, _UNTIDY).to_pandas()
    name = filenames[untidy.to_numpy()].iloc[0][:200]
    raise InputError(
        f"{source}: {rows_of(untidy)}: {name!r} is not in plain form; write it without //, ./ and the like"
    )
