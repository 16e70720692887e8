"""How good are yes/no forecasts? Four counts first, and every score from the counts."""

import math
from dataclasses import dataclass

import numpy as np

from flarescope.scores.categorical import categorical_scores, heidke


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


@dataclass(frozen=True)
class ContingencyTable:
    """The four counts of a yes/no forecast against what happened, and the scores made of them.

    Every score is NaN where its formula is 0/0. References: Woodcock 1976, Mon. Wea. Rev. 104, 1209; Bloomfield et al.
    2012, ApJL 747, L41; Jolliffe & Stephenson 2012, Forecast Verification.

    Attributes:
        tp: hits, forecast yes and flared.
        fn: misses, forecast no and flared.
        fp: false alarms, forecast yes and did not flare.
        tn: correct rejections, forecast no and did not flare.

    Example:
        >>> counts = flarescope.ContingencyTable(tp=15_822, fn=5_720, fp=14_787, tn=58_428)
        >>> round(counts.tss, 5)
        0.53251
    """

    tp: int
    fn: int
    fp: int
    tn: int

    def __add__(self, other: "ContingencyTable") -> "ContingencyTable":
        """Give the counts of both sets of forecasts together."""
        return ContingencyTable(self.tp + other.tp, self.fn + other.fn, self.fp + other.fp, self.tn + other.tn)

    @property
    def tpr(self) -> float:
        """Of the events, how many were forecast? TP / (TP + FN); 0..1, best 1. Also POD, hit rate, recall."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def tnr(self) -> float:
        """Of the non-events, how many were forecast as such? TN / (TN + FP); 0..1, best 1. Also specificity."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def tss(self) -> float:
        """How well are events told from non-events? TPR + TNR - 1; -1..1, best 1, no skill 0.

        Also Peirce skill score, Hanssen-Kuipers discriminant.
        """
        return self.tpr + self.tnr - 1

    @property
    def hss(self) -> float:
        """How much better than chance is the share of correct forecasts? -1..1, best 1, no skill 0. Also Cohen's kappa.

        2 (TP TN - FN FP) / ((TP + FN)(FN + TN) + (TP + FP)(FP + TN)).
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(heidke(*(np.asarray(count, np.float64) for count in (self.tp, self.fn, self.fp, self.tn))))

    def scores(self) -> dict[str, float]:
        """Give the four scores of the reference recipe by name."""
        return {"tpr": self.tpr, "tnr": self.tnr, "tss": self.tss, "hss": self.hss}

    def all_scores(self) -> dict[str, float]:
        """Give every score of `definitions.CATEGORICAL` by name; NaN where it is undefined."""
        counts = (np.asarray(count) for count in (self.tp, self.fn, self.fp, self.tn))
        return {name: float(value) for name, value in categorical_scores(*counts).items()}

    def counts(self) -> dict[str, int]:
        """Give the four counts by name."""
        return {"tp": self.tp, "tn": self.tn, "fp": self.fp, "fn": self.fn}


def count(labels: np.ndarray, yes: np.ndarray) -> ContingencyTable:
    """Count forecasts against labels.

    Args:
        labels: `(N,)` 0/1 or bool, whether an event followed.
        yes: `(N,)` bool, whether an event was forecast.
    """
    event = np.asarray(labels) == 1
    tp = int(np.count_nonzero(event & yes))
    fn = int(np.count_nonzero(event)) - tp
    fp = int(np.count_nonzero(yes)) - tp
    return ContingencyTable(tp=tp, fn=fn, fp=fp, tn=len(event) - tp - fn - fp)
