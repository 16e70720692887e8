"""Which regions and images of a test set teach a reader most?"""

from typing import Final

import numpy as np
import pandas as pd

GALLERY: Final = {
    "hits": "Most confident hits",
    "misses": "Most confident misses",
    "false_alarms": "Most confident false alarms",
}
"""Group -> heading, in the order of the page."""

PER_GROUP: Final = 4


def gallery_rows(forecasts: pd.DataFrame, threshold: float, *, per_group: int = PER_GROUP) -> dict[str, pd.DataFrame]:
    """Choose the most confident hits, misses and false alarms, at most one image of a region in each group.

    Args:
        forecasts: `filename`, `noaa_ar`, `label`, `probability`; rows without a label are left out, and rows without
            a region count as one region.
        threshold: an event is forecast where probability >= threshold.
        per_group: images in a group.

    Returns:
        Group of `GALLERY` -> the chosen rows, most confident first; equal ones in the order of their file names.
    """
    rows = forecasts.dropna(subset=["label"])
    event, yes = (rows["label"] == 1).to_numpy(bool), (rows["probability"] >= threshold).to_numpy(bool)
    groups = {"hits": (event & yes, False), "misses": (event & ~yes, True), "false_alarms": (~event & yes, False)}
    chosen = {}
    for name, (mask, rising) in groups.items():
        found = rows[mask].sort_values(["probability", "filename"], ascending=[rising, True], kind="stable")
        chosen[name] = found.drop_duplicates("noaa_ar").head(per_group)
    return chosen


def instructive_regions(forecasts: pd.DataFrame, threshold: float) -> dict[int, str]:
    """Choose up to three regions whose course is worth seeing, each with the reason.

    They are the region with most images of its rarer kind (of those that had events and quiet spells, the most evenly
    divided of the long ones), the one with most misses, and the one with most false alarms.

    Args:
        forecasts: `noaa_ar`, `time`, `label`, `probability`.
        threshold: an event is forecast where probability >= threshold.

    Returns:
        Region -> reason, in that order; the lowest number where several are equal. Empty without regions or times.
    """
    rows = forecasts.dropna(subset=["noaa_ar", "time", "label"])
    if rows.empty:
        return {}
    event, yes = (rows["label"] == 1).to_numpy(bool), (rows["probability"] >= threshold).to_numpy(bool)
    cells = pd.DataFrame({"event": event, "quiet": ~event, "misses": event & ~yes, "false_alarms": ~event & yes})
    counts = cells.groupby(rows["noaa_ar"].to_numpy(np.int64)).sum()
    names = counts.index.to_numpy(np.int64)
    rarer = counts[["event", "quiet"]].min(axis=1).to_numpy()
    reasons: dict[int, str] = {}
    if rarer.max() > 0:
        reasons[int(names[rarer.argmax()])] = "both events and quiet spells"
    for column, reason in (("misses", "most misses"), ("false_alarms", "most false alarms")):
        count = counts[column].to_numpy()
        region = int(names[count.argmax()])
        if count.max() > 0:
            reasons[region] = f"{reasons[region]}, {reason}" if region in reasons else reason
    return reasons or {int(names[counts.sum(axis=1).to_numpy().argmax()]): "most images"}
