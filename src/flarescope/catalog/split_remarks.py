"""What has to be said of a split: why images were left out of it, and which part of it cannot be scored?"""

import pandas as pd

from flarescope.counted import counted
from flarescope.tables import SPLITS


def left_out_by_time(
    placed: pd.DataFrame, *, validation_from: pd.Timestamp, test_from: pd.Timestamp, gap_hours: float
) -> dict[str, int]:
    """Count the images that `splits.split_by_time` left out, by its two rules; a rule that took none out is not there.

    Args:
        placed: what it gave.
        validation_from: what it was given, in UTC.
        test_from: likewise.
        gap_hours: likewise.
    """
    time, gap, nowhere = placed["time"], pd.Timedelta(hours=gap_hours), placed["split"].isna()
    near = pd.Series(False, index=placed.index)
    for boundary in (validation_from, test_from):
        near |= (time < boundary) & (time + gap > boundary)
    counts = {
        f"less than {gap_hours:g} h before a boundary": int((nowhere & near).sum()),
        "after a boundary that their region crosses": int((nowhere & ~near).sum()),
    }
    return {rule: count for rule, count in counts.items() if count}


def split_warnings(placed: pd.DataFrame) -> list[str]:
    """Say which splits are empty, or hold images of one class only.

    Args:
        placed: `split` and `label` 0/1.
    """
    said = []
    for name in SPLITS:
        labels, called = placed["label"][placed["split"] == name], "training" if name == "train" else name
        if labels.empty:
            said.append(f"no image is in the {called} set")
        elif labels.nunique() == 1:
            which = "is an event" if labels.iloc[0] == 0 else "is no event"
            what = "nothing is learned from it" if name == "train" else "no skill can be computed of it"
            said.append(f"none of the {counted(len(labels), 'image')} of the {called} set {which}: {what}")
    return said
