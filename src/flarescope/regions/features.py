"""What is known of a region when a forecast is issued, as numbers that a model can learn from?

| part | why |
|---|---|
| `appearance` | large, complex, compact groups flare (McIntosh 1990; Bloomfield et al. 2012, ApJL 747, L41) |
| `changes` | growing groups flare more than decaying ones of one class (McCloskey et al. 2016, Solar Phys. 291, 1711) |
| `history` | a region that flared goes on, beyond what its class tells (Wheatland 2005, Space Weather 3, S07003) |
| `activity` | the Sun as a whole is quiet or not; at its most active small flares drown in the X-ray background |
| `course` | flaring that grows, flares that last: beside counts, what their strength and length say of the next |
| `returning` | what a region did a rotation ago, when no other history of it is known |
"""

from typing import Final

import numpy as np
import pandas as pd

from flarescope.regions.appearance import appearance
from flarescope.regions.changes import changes
from flarescope.regions.course import flare_course
from flarescope.regions.history import disk_activity, region_history
from flarescope.regions.returning import returning

PARTS: Final = ("appearance", "changes", "history", "activity", "returning", "course")

LIFE: Final = ("flares_c_life", "flares_m_life")


def region_features(regions: pd.DataFrame, flares: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Describe regions by their summaries and flares up to the moment of each forecast.

    Nothing after that moment is used: neither later rows of a region, nor flares that peak later.

    Args:
        regions: `(N,)` rows of `catalog.noaa_regions.REGION_DTYPES`, one a region and day, and `issued` (UTC), when the
            forecast is issued: not before `day`.
        flares: `catalog.noaa_flares.FLARE_DTYPES`; rows without a peak are not used, those without a region only for
            the disk's activity.

    Returns:
        part (of `PARTS`) -> `(N, ...)` float64 on the index of `regions`; NaN where a summary does not say.
    """
    look = appearance(regions)
    issued, number = (regions[name].reset_index(drop=True) for name in ("issued", "noaa_ar"))
    history = region_history(issued, number, flares).set_axis(regions.index)
    activity = disk_activity(issued, flares).set_axis(regions.index)
    days = regions.groupby("day")
    spotted = regions["area_msh"].astype("Float64").fillna(0).to_numpy(float)
    whole = pd.Series(spotted, index=regions.index).groupby(regions["day"]).transform("sum")
    activity["disk_regions"] = days["noaa_ar"].transform("size").astype(float)
    activity["disk_area"] = np.log1p(whole)
    activity["share_of_area"] = look["area"] - np.log1p(whole)
    parts = {
        "appearance": look,
        "changes": changes(regions, look),
        "history": history,
        "activity": activity,
        "returning": returning(regions, look, history, LIFE),
        "course": flare_course(issued, number, flares, history).set_axis(regions.index),
    }
    return {name: parts[name] for name in PARTS}
