"""What belongs to the definition of a score, and which books are most of them from?"""

from dataclasses import dataclass
from typing import Final

WILKS: Final = "Wilks 2019, Statistical Methods in the Atmospheric Sciences, 4th ed., ch. 9"
JOLLIFFE: Final = "Jolliffe & Stephenson 2012, Forecast Verification, 2nd ed., ch. 3"
BLOOMFIELD: Final = "Bloomfield et al. 2012, ApJL 747, L41"
BARNES: Final = "Barnes et al. 2016, ApJ 829, 89"
INFINITY: Final = float("inf")


@dataclass(frozen=True)
class Score:
    """The definition of one score.

    Attributes:
        title: its usual name or abbreviation.
        question: the plain question that it answers.
        formula: in TP (hits), FN (misses), FP (false alarms), TN (correct rejections), or in words.
        lowest: smallest possible value, or the limit that it does not reach.
        highest: largest possible value, likewise.
        perfect: value of a perfect forecast.
        undefined: when it has no value; it is NaN in memory and null in JSON then.
        reference: where it is defined.
        no_skill: value of a forecast without skill, where there is one value for that.
        synonyms: other names in use.
        library: the method of `scores.categorical.BasicContingencyManager` that computes it; None if it has none.
    """

    title: str
    question: str
    formula: str
    lowest: float
    highest: float
    perfect: float
    undefined: str
    reference: str
    no_skill: float | None = None
    synonyms: tuple[str, ...] = ()
    library: str | None = None
