"""Where, when and for which flares are the forecasts good or bad, as tables?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flarescope.html_report.view import Table
from flarescope.wording import NOTHING, interval, number

_CAPTIONS: Final = {
    "flare_class": "Hit rate by class of the largest flare in the window",
    "lead": "Hit rate by hours to the first peak",
    "history": "First flares: rows before the first event of their region, and from it on",
    "year": "By year",
    "position": "By angle from the centre of the disk",
    "most_misses": "Regions with most misses",
    "most_false_alarms": "Regions with most false alarms",
    "region": "By active region",
    "month": "By month",
}
_FIRST: Final = {
    "flare_class": "Class",
    "lead": "To the peak",
    "history": "First event",
    "year": "Year",
    "position": "Angle",
    "month": "Month",
}
_COLUMNS: Final = (
    ("n", "Images"),
    ("events", "Events"),
    ("regions", "Regions"),
    ("tp", "Hits"),
    ("fn", "Misses"),
    ("fp", "False alarms"),
    ("tn", "Correct rejections"),
    ("tpr", "TPR"),
    ("tnr", "TNR"),
    ("tss", "TSS"),
    ("hss", "HSS"),
    ("brier", "Brier"),
)
_NO_REGION_COLUMN: Final = ("region", "most_misses", "most_false_alarms")


def slice_tables(slices: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Table]:
    """Give a table a slicing, those that are short and telling first.

    Args:
        slices: what `scores.slices.slices` gives; slices with too few events have a note and no scores.
    """
    return [_table(name, slices[name]) for name in _CAPTIONS if slices.get(name)]


def _without_regions(found: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether no slice knows its regions, as those of the whole disk."""
    return all(row["regions"] is None for row in found)


def _cell(row: Mapping[str, Any], key: str) -> str:
    low, high = row.get("intervals", {}).get(key, (None, None))
    ends = interval(low, high)
    return number(row[key]) + ("" if ends == NOTHING else f"\n{ends}")


def _table(name: str, found: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        (key, title)
        for key, title in _COLUMNS
        if key in found[0] and not (key == "regions" and (name in _NO_REGION_COLUMN or _without_regions(found)))
    ]
    rows = [
        (
            f"NOAA\N{NO-BREAK SPACE}{row['slice']}" if name in _NO_REGION_COLUMN else str(row["slice"]),
            *(_cell(row, key) for key, _ in columns),
            row["note"] or "",
        )
        for row in found
    ]
    headings = (_FIRST.get(name, "Region"), *(title for _, title in columns), "Note")
    noted = any(row["note"] for row in found)
    if not noted:
        headings, rows = headings[:-1], [row[:-1] for row in rows]
    return Table(_CAPTIONS[name], headings, rows, frozenset({len(headings) - 1}) if noted else frozenset())
