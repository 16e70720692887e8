"""What does each score ask, how is it computed, and what is a good value of it?

The definitions are data, so that the report, the command line and the tests read the same ones.
"""

from dataclasses import dataclass
from typing import Final

_WILKS = "Wilks 2019, Statistical Methods in the Atmospheric Sciences, 4th ed., ch. 9"
_JOLLIFFE = "Jolliffe & Stephenson 2012, Forecast Verification, 2nd ed., ch. 3"
_BLOOMFIELD = "Bloomfield et al. 2012, ApJL 747, L41"


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


INFINITY: Final = float("inf")

CATEGORICAL: Final[dict[str, Score]] = {
    "tpr": Score(
        title="TPR",
        question="Of the events, how many were forecast?",
        formula="TP / (TP + FN)",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no events",
        reference=_JOLLIFFE,
        synonyms=("probability of detection", "POD", "hit rate", "recall", "sensitivity"),
        library="true_positive_rate",
    ),
    "tnr": Score(
        title="TNR",
        question="Of the non-events, how many were forecast as such?",
        formula="TN / (TN + FP)",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no non-events",
        reference=_JOLLIFFE,
        synonyms=("specificity", "1 - probability of false detection", "1 - false alarm rate"),
        library="true_negative_rate",
    ),
    "far": Score(
        title="FAR",
        question="Of the forecast events, how many did not come?",
        formula="FP / (TP + FP)",
        lowest=0,
        highest=1,
        perfect=0,
        undefined="no event was forecast",
        reference=_JOLLIFFE,
        # The false alarm *rate*, FP / (FP + TN), is another quantity: 1 - TNR.
        synonyms=("false alarm ratio", "false discovery rate"),
        library="false_alarm_ratio",
    ),
    "precision": Score(
        title="Precision",
        question="Of the forecast events, how many came?",
        formula="TP / (TP + FP)",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no event was forecast",
        reference=_JOLLIFFE,
        synonyms=("success ratio", "positive predictive value", "1 - FAR"),
        library="precision",
    ),
    "accuracy": Score(
        title="Accuracy",
        question="How many forecasts were right? (Rare events make it high for a forecast of never.)",
        formula="(TP + TN) / (TP + FN + FP + TN)",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no forecasts",
        reference=_WILKS,
        synonyms=("proportion correct", "fraction correct", "rate correct"),
        library="accuracy",
    ),
    "bias": Score(
        title="Bias",
        question="Are events forecast as often as they come? Above 1 too often, below 1 too seldom.",
        formula="(TP + FP) / (TP + FN)",
        lowest=0,
        highest=INFINITY,
        perfect=1,
        undefined="no events",
        reference=_JOLLIFFE,
        synonyms=("frequency bias",),
        library="frequency_bias",
    ),
    "csi": Score(
        title="CSI",
        question="Of the events that were forecast or came, how many did both?",
        formula="TP / (TP + FN + FP)",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no event forecast and none came",
        reference=_JOLLIFFE,
        synonyms=("critical success index", "threat score", "Jaccard index", "Gilbert score"),
        library="critical_success_index",
    ),
    "ets": Score(
        title="ETS",
        question="As CSI, without the hits that chance gives?",
        formula="(TP - R) / (TP + FN + FP - R), R = (TP + FN)(TP + FP) / N",
        lowest=-1 / 3,
        highest=1,
        perfect=1,
        undefined="no event forecast and none came, or always forecast and always came",
        reference=_JOLLIFFE,
        no_skill=0,
        synonyms=("equitable threat score", "Gilbert skill score"),
        library="equitable_threat_score",
    ),
    "tss": Score(
        title="TSS",
        question="How well are events told from non-events, however rare they are?",
        formula="TPR + TNR - 1",
        lowest=-1,
        highest=1,
        perfect=1,
        undefined="no events, or no non-events",
        reference=_BLOOMFIELD,
        no_skill=0,
        synonyms=("true skill statistic", "Peirce skill score", "Hanssen-Kuipers discriminant", "Youden's J"),
        library="peirce_skill_score",
    ),
    "hss": Score(
        title="HSS",
        question="How much better than chance is the share of right forecasts?",
        formula="2 (TP TN - FN FP) / ((TP + FN)(FN + TN) + (TP + FP)(FP + TN))",
        lowest=-1,
        highest=1,
        perfect=1,
        undefined="forecasts and events are always yes, or both are always no",
        reference=_BLOOMFIELD,
        no_skill=0,
        synonyms=("Heidke skill score", "HSS2 of the solar literature", "Cohen's kappa"),
    ),
    "mcc": Score(
        title="MCC",
        question="How strongly do forecasts and events correlate?",
        formula="(TP TN - FN FP) / sqrt((TP + FN)(TP + FP)(TN + FN)(TN + FP))",
        lowest=-1,
        highest=1,
        perfect=1,
        undefined="the forecasts, or the events, are all the same",
        reference="Matthews 1975, Biochim. Biophys. Acta 405, 442",
        no_skill=0,
        synonyms=("Matthews correlation coefficient", "phi coefficient", "Doolittle's association"),
    ),
    "f1": Score(
        title="F1",
        question="Are precision and recall both high?",
        formula="2 TP / (2 TP + FN + FP)",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no event forecast and none came",
        reference="van Rijsbergen 1979, Information Retrieval, 2nd ed., ch. 7",
        synonyms=("Dice coefficient", "harmonic mean of precision and recall"),
        library="f1_score",
    ),
    "sedi": Score(
        title="SEDI",
        question="How well are very rare events told apart? (It does not fade to 0 as they get rarer.)",
        formula="(ln F - ln H - ln(1 - F) + ln(1 - H)) / (ln F + ln H + ln(1 - F) + ln(1 - H)), H = TPR, F = 1 - TNR",
        lowest=-1,
        highest=1,
        perfect=1,
        undefined="TPR or TNR is 0, 1 or undefined; so a perfect forecast reaches 1 only as a limit",
        reference="Ferro & Stephenson 2011, Weather and Forecasting 26, 699",
        no_skill=0,
        synonyms=("symmetric extremal dependence index",),
        library="symmetric_extremal_dependence_index",
    ),
    "appleman": Score(
        title="Appleman",
        question="How much better than always forecasting the commoner class?",
        formula="1 - (FN + FP) / min(TP + FN, FP + TN)",
        lowest=-INFINITY,
        highest=1,
        perfect=1,
        undefined="no events, or no non-events",
        reference="Appleman 1960, Bull. Amer. Meteor. Soc. 41, 64; Barnes et al. 2016, ApJ 829, 89",
        no_skill=0,
        synonyms=("ApSS", "HSS1 of the solar literature where events are the rarer class"),
    ),
}
"""Scores of yes/no forecasts by name."""

PROBABILISTIC: Final[dict[str, Score]] = {
    "brier": Score(
        title="Brier",
        question="How large is the squared error of the probability?",
        formula="mean of (probability - label)^2",
        lowest=0,
        highest=1,
        perfect=0,
        undefined="no forecasts",
        reference="Brier 1950, Mon. Wea. Rev. 78, 1",
        synonyms=("Brier score", "mean square error of the probability"),
    ),
    "bss_climatology": Score(
        title="BSS (training)",
        question="How much smaller is the Brier score than that of the training set's event rate, known beforehand?",
        formula="1 - Brier / Brier of the constant training event rate",
        lowest=-INFINITY,
        highest=1,
        perfect=1,
        undefined="no training event rate is given, or it is 0 or 1 and always right",
        reference=_WILKS,
        no_skill=0,
        synonyms=("Brier skill score",),
    ),
    "bss_sample": Score(
        title="BSS (sample)",
        question="How much smaller is the Brier score than that of the verified sample's own event rate?",
        formula="1 - Brier / (s (1 - s)), s = share of events in the sample",
        lowest=-INFINITY,
        highest=1,
        perfect=1,
        undefined="no events, or no non-events",
        reference=_WILKS,
        no_skill=0,
        synonyms=("Brier skill score", "MSE skill score"),
    ),
    "log_loss": Score(
        title="Log loss",
        question="How surprised is the forecast by what happens?",
        formula="mean of -ln(probability of what happened), kept within 1e-7 .. 1 - 1e-7",
        lowest=0,
        highest=INFINITY,
        perfect=0,
        undefined="no forecasts",
        reference="Good 1952, J. R. Stat. Soc. B 14, 107",
        synonyms=("cross-entropy", "ignorance (in nats)", "logarithmic score"),
    ),
    "roc_area": Score(
        title="ROC area",
        question="How often has an event a higher probability than a non-event?",
        formula="share of (event, non-event) pairs in the right order, ties one half",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no events, or no non-events",
        reference="Mason & Graham 2002, Q. J. R. Meteorol. Soc. 128, 2145",
        no_skill=0.5,
        synonyms=("AUC", "area under the curve", "concordance", "Mann-Whitney U / (events x non-events)"),
    ),
    "pr_area": Score(
        title="PR area",
        question="What precision does one get, averaged over the recall?",
        formula="sum of (recall step x precision) over the thresholds; no skill = share of events",
        lowest=0,
        highest=1,
        perfect=1,
        undefined="no events",
        reference="Saito & Rehmsmeier 2015, PLoS ONE 10, e0118432",
        synonyms=("average precision", "area under the precision-recall curve"),
    ),
    "ece": Score(
        title="ECE",
        question="How far from the observed frequencies are the probabilities?",
        formula="sum over 10 equal bins of (share of forecasts) x |mean probability - share of events|",
        lowest=0,
        highest=1,
        perfect=0,
        undefined="no forecasts",
        reference="Naeini et al. 2015, Proc. AAAI 29, 2901",
        synonyms=("expected calibration error",),
    ),
}
"""Scores of probabilities by name."""

DEFINITIONS: Final[dict[str, Score]] = CATEGORICAL | PROBABILISTIC
"""Every score by name."""
