"""What did SWPC's forecasters say of the whole disk: the probabilities of `solar_probabilities.json`?

Its fields, as others captured them: `date`, and `c_class_1_day`, `m_class_1_day`, `x_class_1_day` and the same of the
second and third day, in percent. Neither the service nor a description of it could be reached where this was written:
that the first day is that of `date`, and that a class means that class or above, is taken so and not checked.
"""

from pathlib import Path
from typing import Any, Final

import pandas as pd

from flarescope.errors import InputError
from flarescope.files import translate_os_errors
from flarescope.parsing import parse_json

CLASSES: Final = ("C", "M", "X")
DAYS: Final = 3
MOST_BYTES: Final = 16 << 20
ASSUMED: Final = (
    "SWPC's probabilities are taken as those of the UTC day that their date names, of the class or above; neither was "
    "checked"
)
"""What must be said beside their scores."""


def read_probabilities(path: Path) -> pd.DataFrame:
    """Read SWPC's forecasts of the whole disk.

    Args:
        path: a file in the form of `solar_probabilities.json`: a list of objects, one a date.

    Returns:
        `date` (UTC, at midnight), `event` (`C1.0`, `M1.0`, `X1.0`), `latency_h` (0, 24, 48: from midnight of the date),
        `probability` 0..1; one row each, by date; of a date that stands there twice the first.

    Raises:
        InputError: no such list, a date or a number that cannot be read.
    """
    path = Path(path)
    with translate_os_errors(path, "read"), path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES:,} bytes; expected SWPC's solar_probabilities.json")
    values = parse_json(content, path, advice="fetch it again")
    if not isinstance(values, list) or not values or not all(isinstance(one, dict) for one in values):
        raise InputError(f"{path}: expected a list of objects with date and m_class_1_day, as SWPC publishes it")
    rows = [row for one in values for row in _rows(one, path)]
    if not rows:
        raise InputError(f"{path}: no probability in it; expected c_class_1_day, m_class_1_day and the like")
    table = pd.DataFrame(rows, columns=["date", "event", "latency_h", "probability"])
    table = table.drop_duplicates(["date", "event", "latency_h"]).sort_values(["date", "latency_h", "event"])
    return table.astype({"date": "datetime64[us, UTC]", "event": "str"}).reset_index(drop=True)


def _rows(one: dict[str, Any], path: Path) -> list[tuple[pd.Timestamp, str, float, float]]:
    named = {key.lower(): value for key, value in one.items()}
    date = _date(named.get("date"), path)
    found = []
    for day in range(1, DAYS + 1):
        for name in CLASSES:
            key = f"{name.lower()}_class_{day}_day"
            if named.get(key) is not None:
                found.append(
                    (date, f"{name}1.0", 24.0 * (day - 1), _share(named[key], f"{path}, {date:%Y-%m-%d}: {key}"))
                )
    return found


def _date(value: object, path: Path) -> pd.Timestamp:
    """Read a day, UTC."""
    try:
        date = pd.Timestamp(str(value)) if isinstance(value, str) and value else pd.NaT
    except ValueError:
        date = pd.NaT
    if not isinstance(date, pd.Timestamp):
        raise InputError(f"{path}: date {str(value)[:30]!r}; expected one such as 2026-02-01T00:00:00")
    return (date.tz_localize("UTC") if date.tzinfo is None else date.tz_convert("UTC")).normalize()


def _share(value: object, what: str) -> float:
    """Read percent, as a number or as text, as a share."""
    try:
        percent = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise InputError(f"{what} is {str(value)[:20]!r}; expected percent from 0 to 100")
    return percent / 100
