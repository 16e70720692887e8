"""On which flux scale are the classes that a GOES satellite's operational fluxes give?"""

from typing import Final

import pandas as pd

from flarescope.events import FluxScale

FIRST_UNSCALED: Final = 16
"""The first GOES satellite whose operational fluxes are not scaled down (NOAA's User's Guide for GOES-R XRS L2
products, Machol et al.)."""
LAST_NUMBER: Final = 40


def scale_of_satellite(satellite: object) -> FluxScale | None:
    """Give the scale of a satellite written `G15`, `GOES-15` or `15`; None where it is none of GOES."""
    text = satellite.upper() if isinstance(satellite, str) else ""
    digits = text.removeprefix("GOES").removeprefix("G").strip(" -_").removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 2 and 1 <= int(digits) <= LAST_NUMBER):
        return None
    return "science" if int(digits) >= FIRST_UNSCALED else "operational"


def scales_of(satellites: "pd.Series[str]") -> tuple[FluxScale | None, ...]:
    """Give the scales of a list's satellites, sorted: `(None,)` where no flare names one, nothing without flares."""
    if satellites.empty:
        return ()
    found = {scale_of_satellite(satellite) for satellite in satellites.dropna().unique()}
    return tuple(sorted((scale for scale in found if scale), key=str)) or (None,)
