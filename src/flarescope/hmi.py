"""How wide are the Sun, a pixel of HMI's camera and the published cut-outs?"""

from typing import Final

RSUN_MM: Final = 696.0
"""Radius of the Sun, megametres, as HMI takes it (RSUN_REF)."""

NATIVE_ARCSEC: Final = 0.504
"""Width of a pixel of HMI's camera; CDELT1 of the two whole disks at hand is 0.50427 and 0.50434."""

PUBLISHED_PIXELS: Final = 600
"""Width and height of the published set's cut-outs, as the camera lies, with south up (Boucheron et al. 2023)."""
