"""On which flux scale are the flares before a forecast, and on which its events?

The region models know SWPC's operational fluxes of before GOES-16. Those of GOES-16 and later are not scaled down: a
C1.0 of today is a C0.7 there (`events.OPERATIONAL_FACTOR`).
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from flarescope.catalog.flux_scales import list_scale
from flarescope.catalog.goes_satellites import scale_of_satellite
from flarescope.catalog.noaa_flares import FlareList
from flarescope.events import OPERATIONAL_FACTOR, FluxScale
from flarescope.progress import Reporter
from flarescope.regions.description import on_operational_scale
from flarescope.regions.model import SCALE, UNSCALED_FROM


def on_model_scale(
    listed: FlareList, issued: pd.Timestamp, stated: FluxScale | None, reporter: Reporter
) -> tuple[FlareList, FluxScale]:
    """Turn a list's flares to the scale of the region models, and say on which scale the events are to stand.

    Events stand on the scale of the newest flare before the forecast whose scale is known, for what comes will be
    measured as that was; a stated scale goes before.

    Args:
        listed: flares up to `issued`.
        issued: UTC.
        stated: the scale of what does not say its own, and of the events.
        reporter: hears what was turned, and what nobody says.

    Returns:
        The list on the operational scale, and the scale of the events.
    """
    told = _scale_of_each(listed)
    known = told[told.notna()]
    newest = listed.table["time"].reindex(known.index).sort_values().index[-1:]
    by_list: FluxScale | None = known.loc[newest[0]] if len(newest) else list_scale(listed)
    events = stated or by_list or SCALE
    science = told.fillna(stated or SCALE).eq("science") if len(told) else told.eq("science")
    if events != SCALE:
        reporter.say(
            "classes forecast are those of the science flux scale (GOES-16 on); the models know SWPC's operational one "
            f"of before, {OPERATIONAL_FACTOR:g} times that: flares and events are converted, today's C1.0 is a C0.7"
        )
    elif science.any():
        reporter.say(
            f"flares of GOES-16 on are converted to the operational flux scale of before, {OPERATIONAL_FACTOR:g} times "
            "theirs, on which the classes forecast stand"
        )
    elif issued >= UNSCALED_FROM and not stated and (not len(told) or told.isna().any()):
        reporter.warn(
            "nobody says on which flux scale the classes are: taken as the operational one of before GOES-16, on which "
            "today's C1.4 is a C1.0; --flux-scale states it"
        )
    turned = on_operational_scale(listed.table[science])["flare"]
    classes = listed.table["flare"].mask(science, turned.reindex(listed.table.index))
    table = listed.table.assign(flare=classes.astype("str"))
    return replace(listed, table=table, scales=(SCALE,)), events


def _scale_of_each(listed: FlareList) -> "pd.Series[str]":
    """Give the scale of each flare; null where neither list nor satellite says it."""
    whole = list_scale(listed)
    if whole is not None:
        return pd.Series(whole, index=listed.table.index, dtype="str")
    found = {one: scale_of_satellite(one) for one in listed.table["satellite"].dropna().unique()}
    told = listed.table["satellite"].map(found)
    # Of satellites before GOES-16 there are fluxes of both kinds: only SWPC's own reports are surely operational.
    sure = told.where((told == "science") | ("operational" in listed.scales), np.nan)
    return sure.astype("str")
