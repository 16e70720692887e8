"""On which flux scale are the classes of a flare list, and which flares does it hold on both?

SWPC's operational 0.1-0.8 nm fluxes before GOES-16 were the science-quality ones times 0.7; those of GOES-16 and later
are not scaled (`flarescope.events`). A class alone does not tell: a list says its scale by its satellites, or is asked.
"""

from dataclasses import replace
from typing import Final, get_args

import numpy as np
import pandas as pd

from flarescope.catalog.noaa_flares import FlareList
from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import OPERATIONAL_FACTOR, EventDefinition, FluxScale, flux_w_m2, scales_differ

SAME_FLARE_MINUTES: Final = 1.0
"""Peaks of one region so near are one flare's: GOES is read once a minute, and lists of either scale round alike."""
_TOLERANCE: Final = 0.06  # of the ratio: classes have two digits


def list_scale(listed: FlareList) -> FluxScale | None:
    """Give the one scale that all flares of a list are on; None where it is not known or there are two."""
    return listed.scales[0] if len(listed.scales) == 1 else None


def with_stated_scale(listed: FlareList, stated: str | None) -> FlareList:
    """Give a list the scale that was stated for it, where it does not say its own.

    Raises:
        InputError: an unknown scale.
    """
    if stated is None:
        return listed
    scales = {name: name for name in get_args(FluxScale)}
    if stated not in scales:
        raise InputError(f"--flux-scale {stated}: expected {' or '.join(scales)}")
    told = {scales[stated] if scale is None else scale for scale in listed.scales}
    return replace(listed, scales=tuple(sorted(told)))


def on_two_scales(flares: pd.DataFrame) -> pd.DataFrame:
    """Find flares that stand there twice, once on either scale: one region, one time, classes in the ratio 0.7.

    Args:
        flares: `FLARE_DTYPES`.

    Returns:
        `noaa_ar`, `time`, `flare`, `other` (the larger class), a row a flare.
    """
    known = flares.dropna(subset=["noaa_ar", "time"]).drop_duplicates(["noaa_ar", "time", "flare"])
    known = known.assign(flux=flux_w_m2(known["flare"])).sort_values(["noaa_ar", "time", "flux"], kind="stable")
    first, second = known.iloc[:-1].reset_index(drop=True), known.iloc[1:].reset_index(drop=True)
    apart = (second["time"] - first["time"]).dt.total_seconds().abs() / 60
    a, b = first["flux"].to_numpy(float), second["flux"].to_numpy(float)
    alike = np.abs(np.minimum(a, b) / np.maximum(a, b) / OPERATIONAL_FACTOR - 1) <= _TOLERANCE
    both = (first["noaa_ar"] == second["noaa_ar"]) & (apart <= SAME_FLARE_MINUTES) & alike
    found: pd.DataFrame = first.assign(other=second["flare"]).loc[both.to_numpy(dtype=bool)]
    return found[["noaa_ar", "time", "flare", "other"]].reset_index(drop=True)


def scale_against(listed: FlareList, event: EventDefinition) -> str | None:
    """Say with the factor that a list is on another scale than labels of an event are; None where it is not."""
    other = {scale for scale in listed.scales if scale} - {event.flux_scale}
    return scales_differ(event.threshold) if event.flux_scale and other else None


def scale_remarks(listed: FlareList, threshold: str) -> list[str]:
    """Say what a user must know of the scale of a list that labels are made by, or several joined into one.

    Args:
        listed: the flares.
        threshold: the class that counts, for the factor.
    """
    said = []
    twice = on_two_scales(listed.table)
    if len(twice):
        one = twice.iloc[0]
        example = f"{one['flare']} and {one['other']} of {one['noaa_ar']} at {one['time']:%Y-%m-%d %H:%M}"
        flares = counted(len(twice), "flare stands", "flares stand")
        said.append(f"{flares} in the list on {scales_differ(threshold)}; the first: {example}")
    elif len({scale for scale in listed.scales if scale}) > 1:
        said.append(f"the list joins {scales_differ(threshold)}")
    if None in listed.scales:
        said.append(
            "a flare list does not say on which flux scale its classes are: --flux-scale operational or science"
        )
    return said
