"""Is a value of a JSON file, which anybody may have edited, of the kind that is expected; how do tables become such?"""

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

MOST_COUNTED: Final = 2**53
LONGEST_NAME: Final = 255
"""Bytes of a file's name, on every system's usual file systems."""


def is_text(value: object) -> bool:
    """Whether a value is text of a length that a name or a path has."""
    return isinstance(value, str) and len(value) <= 4096


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNTED


def is_number(value: object) -> bool:
    """Whether a value is a number; None, as of a score that is 0/0, counts."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300)


def is_path(value: object) -> bool:
    """Whether a value is a path that a system can look for: asking it for another is an error, and not a no."""
    if not is_text(value):
        return False
    try:
        names = os.fsencode(str(value)).replace(b"\\", b"/").split(b"/")
    except UnicodeEncodeError:  # half of a pair, which JSON can say
        return False
    return all(len(name) <= LONGEST_NAME and b"\0" not in name for name in names)


def is_plain_name(value: object) -> bool:
    """Whether a value is the name of a file in the folder itself."""
    text = str(value)
    return is_path(value) and text not in ("", ".", "..") and not any(letter in text for letter in "/\\")


def are_texts(value: object) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(is_text(one) for one in value)


def frame_records(frame: "pd.DataFrame") -> list[Mapping[str, Any]]:
    """Give the rows of a table as plain values: times in ISO 8601, missing values None."""
    records: list[Mapping[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return records
