"""How far does the Sun turn a place in some hours, as seen from Earth?

Howard, Harvey & Forgach 1990 (Solar Physics 130, 295) give for magnetic features, against the stars, 2.894 - 0.428
sin^2(latitude) - 0.370 sin^4(latitude) microradians a second: the law that `disk.places` has sunpy use. From Earth the
Sun turns slower by the Earth's own way round it, here by its mean: what that neglects is below 0.04 degrees a day.
"""

from typing import Final

import numpy as np

SIDEREAL_URAD_S: Final = (2.894, -0.428, -0.370)
"""Of 1, sin^2 and sin^4 of the latitude."""
EARTH_DEG_DAY: Final = 360 / 365.25636
"""Mean motion of the Earth in a sidereal year (days: IERS Numerical Standards)."""


def synodic_deg_day(latitude_deg: np.ndarray) -> np.ndarray:
    """Give the degrees a day that places turn westward, as seen from Earth: 13.3 at the equator.

    Args:
        latitude_deg: `(N,)` degrees.
    """
    sine = np.sin(np.radians(np.asarray(latitude_deg, np.float64))) ** 2
    a, b, c = SIDEREAL_URAD_S
    return np.asarray(np.degrees((a + b * sine + c * sine**2) * 1e-6) * 86_400 - EARTH_DEG_DAY)


def turned_west(longitude_deg: np.ndarray, latitude_deg: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Turn places by so many days.

    Args:
        longitude_deg: `(N,)` degrees west of the central meridian.
        latitude_deg: `(N,)` degrees.
        days: `(N,)`; below 0 turns back.

    Returns:
        `(N,)` degrees west of the central meridian then, -180 to 180; NaN where something is not known.
    """
    west = np.asarray(longitude_deg, np.float64) + synodic_deg_day(latitude_deg) * np.asarray(days, np.float64)
    return np.asarray((west + 180) % 360 - 180)
