"""Does any active region stand on both sides of a split?

Images of one region are nearly copies of one another: a region on both sides makes a score look better than it is.
"""

from collections.abc import Mapping

import pandas as pd

from flarescope.errors import InputError


def shared_regions(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], list[int]]:
    """Find the regions that stand in more than one table.

    Args:
        tables: name of a split -> rows with `noaa_ar`; null regions are passed over.

    Returns:
        `(first, second)` -> the sorted NOAA numbers in both; pairs that share none are left out.
    """
    regions = {name: set(table["noaa_ar"].dropna().astype(int)) for name, table in tables.items()}
    names = list(regions)
    pairs = ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    return {(a, b): sorted(regions[a] & regions[b]) for a, b in pairs if regions[a] & regions[b]}


def check_disjoint(tables: Mapping[str, pd.DataFrame]) -> None:
    """Refuse splits that share a region.

    Raises:
        InputError: names the splits and the regions.
    """
    for (first, second), regions in shared_regions(tables).items():
        shown = ", ".join(map(str, regions[:8])) + (f" and {len(regions) - 8} more" if len(regions) > 8 else "")
        raise InputError(
            f"{len(regions)} region{'s' if len(regions) > 1 else ''} in both {first} and {second}: {shown}; "
            "split by region, or go on with --allow-overlap"
        )
