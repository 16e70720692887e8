"""How do somebody's columns become ours: other names, times inside paths, percent?"""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from flarescope.catalog.file_names import region_and_time
from flarescope.counted import counted, of_them
from flarescope.errors import InputError
from flarescope.tables import FORECAST_DTYPES, OPTIONAL_FORECAST_DTYPES
from flarescope.text_tables import missing_to_null

OURS: Final = (*FORECAST_DTYPES, *OPTIONAL_FORECAST_DTYPES)
"""Columns that can be named."""
_IN_NAME: Final = (
    r"(?P<year>(?:19|20)\d{2})[-_.]?(?P<month>[01]\d)[-_.]?(?P<day>[0-3]\d)"
    r"[-_.T ]+(?P<hour>[0-2]\d)[-_.:]?(?P<minute>[0-5]\d)(?:[-_.:]?(?P<second>[0-5]\d))?(?!\d)"
)
"""A date and a time of day in the last part of a path."""
_ZONE: Final = r"(?:Z|UTC|[+-]\d{2}:?\d{2})$"


def parse_columns(text: str | None) -> dict[str, str]:
    """Read `probability=flare_prob,label=target`: our name -> the table's; an empty one (`label=`) leaves ours out.

    Raises:
        InputError: not in that form, a name that is none of ours, or one given twice.
    """
    found: dict[str, str] = {}
    for part in (text or "").split(",") if text else ():
        ours, sign, theirs = (one.strip() for one in part.partition("="))
        if not sign or ours not in OURS:
            raise InputError(
                f"--columns {part.strip()[:40]!r}: expected OURS=THEIRS with commas between, as "
                f"probability=flare_prob,time=timestamp; ours are {', '.join(OURS)}"
            )
        if ours in found:
            raise InputError(f"--columns: {ours} is given twice")
        found[ours] = theirs
    return found


def with_our_names(table: pd.DataFrame, columns: Mapping[str, str], source: str) -> pd.DataFrame:
    """Give the columns our names; one of ours that is not named and another takes the place of is left out.

    Raises:
        InputError: the table has no such column.
    """
    for ours, theirs in columns.items():
        if theirs and theirs not in table:
            known = ", ".join(map(str, table.columns))[:150]
            raise InputError(f"{source}: no column {theirs!r} for {ours} (--columns); it has {known}")
    kept = table.drop(columns=[ours for ours in columns if ours in table and ours not in columns.values()])
    picked = {ours: table[theirs] for ours, theirs in columns.items() if theirs}
    return kept.drop(columns=[theirs for theirs in columns.values() if theirs in kept]).assign(**picked)


def with_times(table: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    """Turn a column `time` that holds paths, or names of files, into times; regions come from such names too.

    Names of HMI's and of the published form are read as everywhere (their TAI is turned into UTC); of other names the
    first date with a time of day counts, as UTC.

    Returns:
        The table, and what has to be said.

    Raises:
        InputError: naming the first time that is none.
    """
    if "time" not in table or not (
        pd.api.types.is_string_dtype(table["time"]) or pd.api.types.is_object_dtype(table["time"])
    ):
        return table, []
    text = missing_to_null(table["time"].astype("str").where(table["time"].notna()))
    plain = pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce")
    zoned = text.str.strip().str.contains(_ZONE, regex=True).fillna(False)
    bare = int((plain.notna() & ~zoned).sum())
    notes = [f"Times without a zone are taken as UTC ({of_them(bare, len(table), 'row')})."] if bare else []
    odd = text.notna() & plain.isna()
    if not odd.any():
        return table.assign(time=plain), notes
    named = region_and_time(text[odd])
    read = named["time"].astype("datetime64[us, UTC]").fillna(_times_in_names(text[odd]))
    if read.isna().any():
        bad = str(text[odd][read.isna()].iloc[0])
        raise InputError(
            f"{source}: time {bad[-60:]!r}; expected one such as 2012-03-07T00:24:00Z, or a path with one in its name"
        )
    other = int(named["time"].isna().sum())
    how = f" ({other:,} of them by the first date and time in the name, taken as UTC)" if other else ""
    notes.append(f"The time of {counted(int(odd.sum()), 'row')} is read from a path{how}.")
    time = plain.astype("datetime64[us, UTC]")
    time[odd] = read
    region = table["noaa_ar"] if "noaa_ar" in table else named["noaa_ar"].reindex(table.index)
    return table.assign(time=time, noaa_ar=region), notes


def _times_in_names(paths: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    parts = paths.str.rsplit("/", n=1).str[-1].str.extract(_IN_NAME)
    parts["second"] = parts["second"].fillna("00")
    joined = parts["year"] + "-" + parts["month"] + "-" + parts["day"]
    joined = joined + "T" + parts["hour"] + ":" + parts["minute"] + ":" + parts["second"]
    return pd.to_datetime(joined, utc=True, errors="coerce").astype("datetime64[us, UTC]")


def as_shares(table: pd.DataFrame, *, percent: bool, source: str) -> tuple[pd.DataFrame, list[str]]:
    """Give probabilities as shares: percent divided by 100 where that was said, refused where it was not.

    Raises:
        InputError: values above 1 without --percent, or none above 1 with it.
    """
    if "probability" not in table:
        return table, []
    value = pd.to_numeric(table["probability"], errors="coerce")
    largest = value.max()
    if not percent:
        if 1 < largest <= 100 and value.min() >= 0:
            raise InputError(
                f"{source}: probability is {largest}; expected a number from 0 to 1: if it is percent, "
                "say so (--percent)"
            )
        return table, []
    if pd.isna(largest) or largest > 100 or value.isna().any():
        bad = table["probability"][value.isna() | (value > 100)].iloc[0]
        raise InputError(f"{source}: probability is {str(bad)[:20]}; expected percent from 0 to 100 (--percent)")
    if largest <= 1 and (value % 1 != 0).any():
        raise InputError(f"{source}: no probability above {largest:g}: that is no percent; leave out --percent")
    said = [f"Every probability is at most {largest:g} %."] if largest <= 1 else []
    return table.assign(probability=value / 100), said
