"""On which flux scale are classes, by the GOES satellite that measured them?

Of GOES 1 to 15 there are operational fluxes, scaled down, and science-quality ones, which are not: a satellite alone
does not tell. SWPC's event reports are operational; another list that names such a satellite has to say its scale.
"""

from typing import Final

import pandas as pd

from flarescope.events import FluxScale

FIRST_UNSCALED: Final = 16
"""The first GOES satellite whose operational fluxes are not scaled down (NOAA's User's Guide for GOES-R XRS L2
products, Machol et al.)."""
LAST_NUMBER: Final = 40


def scale_of_satellite(satellite: object) -> FluxScale | None:
    """Give the scale of a satellite's operational fluxes, written `G15`, `GOES-15` or `15`; None where it is none."""
    text = satellite.upper() if isinstance(satellite, str) else ""
    digits = text.removeprefix("GOES").removeprefix("G").strip(" -_").removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 2 and 1 <= int(digits) <= LAST_NUMBER):
        return None
    return "science" if int(digits) >= FIRST_UNSCALED else "operational"


def scales_of(satellites: "pd.Series[str]", *, operational: bool) -> tuple[FluxScale | None, ...]:
    """Give the scales of a list's satellites, sorted.

    Args:
        satellites: of each flare, or null.
        operational: whether the list is SWPC's own; else satellites before GOES-16 leave the scale open.

    Returns:
        `(None,)` where no flare tells its scale, nothing where there are no flares.
    """
    if satellites.empty:
        return ()
    found = {scale_of_satellite(satellite) for satellite in satellites.dropna().unique()}
    told = {scale for scale in found if scale == "science" or (scale and operational)}
    open_ones = {None} if "operational" in found - told else set()
    return tuple(sorted(told | open_ones, key=str)) or (None,)
