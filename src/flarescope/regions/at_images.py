"""What do NOAA's summaries and a flare list say of a region at the moment of an image, and of nothing later?"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from flarescope.regions.description import (
    OF_SUMMARY,
    Description,
    Interval,
    as_far_as_known,
    describe,
)
from flarescope.regions.history import disk_activity, region_history

MOST_HOURS: Final = 36.0
"""From the moment that a summary's positions hold for to the image; an older summary says nothing of it."""


def last_summary(images: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """Find for each image the last summary of its region that was issued before it, or at that moment.

    Args:
        images: `(N,)` `noaa_ar` and `time` (UTC), none null.
        regions: `noaa_ar`, `day` and `issued`, one row a region and day.

    Returns:
        `(N,)` int64 rows of `regions`, -1 where there is none or it is older than `MOST_HOURS`.
    """
    own = pd.DataFrame(
        {
            "noaa_ar": images["noaa_ar"].to_numpy(np.int64),
            "time": images["time"].to_numpy("datetime64[us]"),
            "image": np.arange(len(images)),
        }
    ).sort_values("time", kind="stable")
    summaries = pd.DataFrame(
        {
            "noaa_ar": regions["noaa_ar"].to_numpy(np.int64),
            "time": regions["issued"].to_numpy("datetime64[us]"),
            "day": regions["day"].to_numpy("datetime64[us]"),
            "row": np.arange(len(regions)),
        }
    ).sort_values("time", kind="stable")
    joined = pd.merge_asof(own, summaries, on="time", by="noaa_ar").sort_values("image")
    hours = (joined["time"] - joined["day"]).dt.total_seconds() / 3600
    return joined["row"].where(hours <= MOST_HOURS, -1).fillna(-1).to_numpy(np.int64)


def describe_at(
    images: pd.DataFrame, regions: pd.DataFrame, flares: pd.DataFrame, covered: Sequence[Interval]
) -> Description:
    """Describe the regions of images as `description.describe` does, each at the moment of its image.

    What a summary says is that of the last one before the image, of the day and its changes; flares are counted to the
    moment of the image itself.

    Args:
        images: `(N,)` `noaa_ar` and `time` (UTC), none null; several a day may be of one region.
        regions: `catalog.noaa_regions.REGION_DTYPES` and `issued`, one row a region and day.
        flares: `catalog.noaa_flares.FLARE_DTYPES` on the flux scale of the model.
        covered: when `flares` is complete.

    Returns:
        N rows; without a summary its numbers are NaN and the McIntosh class is empty.
    """
    daily = describe(regions, flares, covered)
    row = last_summary(images, regions)
    known, place = row >= 0, np.maximum(row, 0)
    numbers = daily.numbers.iloc[place].reset_index(drop=True).where(pd.Series(known), np.nan)
    time = images["time"].reset_index(drop=True)
    own = region_history(time, images["noaa_ar"].reset_index(drop=True), flares)
    numbers = numbers.assign(**{str(name): part[name] for part in (own, disk_activity(time, flares)) for name in part})
    summary = {*daily.parts["appearance"], *daily.parts["changes"], *OF_SUMMARY}
    near, far, numbers = as_far_as_known(numbers, time, covered, summary)
    mcintosh, before = (np.where(known, text[place], "") for text in (daily.mcintosh, daily.before))
    return Description(numbers, daily.parts, mcintosh, before, near, far)
