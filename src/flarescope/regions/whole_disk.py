"""How probable is a flare anywhere on the disk, when each region's probability is known?

A day without an event is one in which no region has it, and nothing outside the numbered regions: spots that NOAA
numbers later, regions behind the limb, flares that nobody could place. P = 1 - (1 - u) x product of (1 - p), and then a
straight line in log odds, fitted by day, for regions that flare together and for what both leave out.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from flarescope.brief import brief
from flarescope.log_odds import sigmoid
from flarescope.regions.description import Description
from flarescope.regions.grid import SHAPE, SMALLEST, log_odds
from flarescope.regions.logistic import Logistic, fit_logistic

COLUMNS: Final = (
    "disk_c_1d",
    "disk_m_1d",
    "unnumbered_1d",
    "disk_c_3d",
    "disk_m_3d",
    "unnumbered_3d",
    "disk_c_27d",
    "disk_m_27d",
    "unnumbered_27d",
    "disk_regions",
    "disk_area",
)
"""What flares outside numbered regions are forecast from: `features.region_features` has them, of a day the same in
each of its regions."""
STEEPEST: Final = (0.2, 5.0)
"""The slope of the calibration stays within."""


@dataclass(frozen=True)
class WholeDisk:
    """How the regions' probabilities become the disk's.

    Attributes:
        unnumbered: what flares outside the numbered regions, from `COLUMNS`.
        slope: `(T, W)` above 0.
        intercept: `(T, W)`.
    """

    unnumbered: Logistic
    slope: np.ndarray
    intercept: np.ndarray

    __repr__ = brief

    def forecast(self, probability: np.ndarray, day: np.ndarray, days: Description) -> np.ndarray:
        """Give the disk's probabilities, `(D, T, W)`.

        Args:
            probability: `(N, T, W)` of the regions.
            day: `(N,)` which of the D days each region is of.
            days: D rows with `COLUMNS`.
        """
        joined = together(probability, day, self.unnumbered.forecast(days))
        return sigmoid(self.slope * log_odds(joined) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "unnumbered": self.unnumbered.to_json(),
            "slope": self.slope.tolist(),
            "intercept": self.intercept.tolist(),
        }


def together(probability: np.ndarray, day: np.ndarray, unnumbered: np.ndarray) -> np.ndarray:
    """Give 1 - (1 - u) x product of (1 - p) over each day's regions, `(D, T, W)`."""
    none = np.log1p(-np.clip(unnumbered, 0, 1 - SMALLEST))
    np.add.at(none, day, np.log1p(-np.clip(probability, 0, 1 - SMALLEST)))
    return np.asarray(-np.expm1(none))


def fit_whole_disk(days: Description, outside: np.ndarray, events: np.ndarray, inside: np.ndarray) -> WholeDisk:
    """Fit both steps.

    Args:
        days: D rows with `COLUMNS`.
        outside: `(D, T, W)` bool, whether a flare outside the numbered regions came.
        events: `(D, T, W)` bool, whether a flare came anywhere.
        inside: `(D, T, W)` probability that any numbered region flares, by models that did not learn from that day.
    """
    unnumbered = fit_logistic(days, outside, COLUMNS)
    joined = -np.expm1(np.log1p(-inside) + np.log1p(-unnumbered.forecast(days)))
    slope, intercept = np.ones(SHAPE), np.zeros(SHAPE)
    for place in np.ndindex(SHAPE):
        slope[place], intercept[place] = straight_line(log_odds(joined[:, *place]), events[:, *place])
    return WholeDisk(unnumbered, slope, intercept)


def straight_line(raw: np.ndarray, happened: np.ndarray) -> tuple[float, float]:
    """Fit slope and intercept of the log odds; 1 and 0 where there is too little to fit on.

    Args:
        raw: `(D,)` log odds.
        happened: `(D,)` bool.
    """
    from sklearn.linear_model import LogisticRegression

    if min(happened.sum(), (~happened).sum()) < 10:  # of so few events nothing is learned
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e4, solver="newton-cholesky").fit(raw[:, None], happened)
    slope = float(np.clip(fitted.coef_[0, 0], *STEEPEST))
    return slope, float(fitted.intercept_[0]) if slope == fitted.coef_[0, 0] else 0.0
