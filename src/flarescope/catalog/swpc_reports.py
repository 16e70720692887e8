"""What did SWPC's forecasters say in their Report of Solar-Geophysical Activity, the daily text?

The report (`20131027RSGA.txt`, issued at 22:00 UTC) has the lines `III.  Event probabilities 28 Oct-30 Oct`, `Class M
60/60/60` and `Class X    20/20/20`: percent for the three UTC days after the day of issue. Its form is that of reports
of 2002, 2012, 2013, 2020 and 2024 as others keep them.
"""

import datetime as dt
import re
from pathlib import Path
from typing import Final

import pandas as pd

from flarescope.catalog.daily_forms import DAILY_DTYPES
from flarescope.catalog.noaa import Refused, each_product, parse_day, products
from flarescope.catalog.swpc_probabilities import ASSUMED as OF_JSON
from flarescope.catalog.swpc_probabilities import read_probabilities
from flarescope.catalog.swpc_regions import is_json
from flarescope.errors import InputError

ASSUMED: Final = (
    "SWPC: the time of a row is 00:00 UTC of the first day that is forecast, some 2 hours after the report was issued, "
    "and M is taken as M1.0 or above; neither was checked with SWPC"
)
HEADS: Final = ("product", "issued")
_ISSUED: Final = re.compile(
    r":Issued:\s+(?P<year>\d{4})\s+(?P<month>[A-Za-z]{3})\w*\s+(?P<day>\d{1,2})\b"
    r"|SDF Number .*Issued at \d{4}Z on (?P<day2>\d{1,2}) (?P<month2>[A-Za-z]{3})\w* (?P<year2>\d{4})"
)
_CLASS: Final = re.compile(r"Class\s+([MX])\s+(\d{1,3}(?:/\d{1,3}){1,3})")
_SHARES: Final = re.compile(r"\s*III\.\s+Event probabilities", re.IGNORECASE)

Row = tuple[dt.datetime, str, float, float]


def read_swpc(path: Path) -> tuple[pd.DataFrame, list[Refused], str]:
    """Read SWPC's forecasts of the whole disk: its daily reports, or `solar_probabilities.json`.

    Args:
        path: a report, several joined, a folder or tar archive of them, or the JSON.

    Returns:
        `daily_forms.DAILY_DTYPES`, each day once; what could not be read; what has to be said of the form.

    Raises:
        InputError: nothing could be read.
    """
    path = Path(path)
    if path.is_file() and is_json(path):
        return read_probabilities(path).rename(columns={"date": "time"})[list(DAILY_DTYPES)], [], OF_JSON
    rows: list[Row] = []
    refused = []
    for source, content in products(path, "RSGA.txt"):
        for found in each_product(source, content, HEADS, _report):
            if isinstance(found, Refused):
                refused.append(found)
            else:
                rows += found
    if not rows:
        why = refused[0].reason if refused else f"{path}: no report in it"
        raise InputError(why)
    table = pd.DataFrame(rows, columns=list(DAILY_DTYPES))
    table = table.assign(time=pd.to_datetime(table["time"], utc=True)).astype(DAILY_DTYPES)
    return table.drop_duplicates(["time", "event", "latency_h"]).reset_index(drop=True), refused, ASSUMED


def _report(lines: list[str], source: str, first: int) -> list[Row]:
    try:
        return _probabilities(lines)
    except ValueError as error:
        raise InputError(f"{source}, from line {first}: {error}") from error


def _probabilities(lines: list[str]) -> list[Row]:
    day: dt.date | None = None
    found: list[Row] = []
    inside = False
    for line in lines:
        if match := _ISSUED.search(line) if day is None else None:
            day = parse_day(*(match[name] or match[f"{name}2"] for name in ("year", "month", "day")))
        inside = inside or bool(_SHARES.match(line))
        if inside and day is not None and (match := _CLASS.match(line.strip())):
            begin = dt.datetime.combine(day, dt.time()) + dt.timedelta(days=1)
            shares = [int(word) for word in match[2].split("/")]
            if max(shares) > 100:
                raise ValueError(f"{line.strip()[:40]!r}; expected percent from 0 to 100")
            found += [(begin, f"{match[1]}1.0", 24.0 * ahead, share / 100) for ahead, share in enumerate(shares)]
    if not found:
        raise ValueError(
            "no event probabilities; expected a Report of Solar-Geophysical Activity with its day of issue, "
            "'III.  Event probabilities' and 'Class M    60/60/60'"
        )
    return found
