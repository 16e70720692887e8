"""How are probabilities made to mean what they say, from validation rows?

The reference recipe weighs events up in training, so that its raw probabilities are too high. Temperature only
stretches them about 1/2 and cannot mend that; Platt's two numbers can; isotonic regression bends them in any rising
way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from flarescope.counted import counted, listed
from flarescope.errors import InputError
from flarescope.log_odds import logit, sigmoid
from flarescope.scores.rows import fitting_rows

METHODS: Final = ("temperature", "platt", "isotonic")

SMALLEST: Final = 1e-15
"""Probabilities are kept this far from 0 and 1 before the logit; about the spacing of float64 at 1."""


SHIFT: Final = 1.5
"""From such a ratio of the odds of an event on, rows are said to differ from those of the calibration: a calibrated
20 % should be 14 % or 27 % then. Of the published set the ratio of test and validation rows is 1.13."""


class Calibration(Protocol):
    """A rising function of the probability, fitted on validation rows, made of plain numbers."""

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """Give the calibrated probabilities, `(N,)` in 0..1."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Give the calibration as plain values, for the model file."""
        ...


@dataclass(frozen=True)
class Temperature:
    """The logit divided by a temperature (Guo et al. 2017, Proc. ICML 70, 1321); above 1 it softens."""

    temperature: float

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """Give the calibrated probabilities, `(N,)` in 0..1."""
        return sigmoid(log_odds_of(probability) / self.temperature)

    def to_json(self) -> dict[str, Any]:
        """Give the calibration as plain values."""
        return {"method": "temperature", "temperature": self.temperature}


@dataclass(frozen=True)
class Platt:
    """The logit times a slope plus an intercept (Platt 1999, Advances in Large Margin Classifiers, 61).

    It is fitted to Platt's targets instead of 0 and 1 (see `platt_targets`).
    """

    slope: float
    intercept: float

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """Give the calibrated probabilities, `(N,)` in 0..1."""
        return sigmoid(self.slope * log_odds_of(probability) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Give the calibration as plain values."""
        return {"method": "platt", "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between the points of an isotonic regression (Zadrozny & Elkan 2002, Proc. KDD, 694).

    Its ends may be 0 or 1, which no forecast should be sure of where validation rows are few: look at the log loss.

    Attributes:
        raw: rising raw probabilities.
        calibrated: the calibrated probability at each of them; beyond the ends it stays as it is there.
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]

    def apply(self, probability: np.ndarray) -> np.ndarray:
        """Give the calibrated probabilities, `(N,)` in 0..1."""
        return np.interp(np.asarray(probability, np.float64), self.raw, self.calibrated)

    def to_json(self) -> dict[str, Any]:
        """Give the calibration as plain values."""
        return {"method": "isotonic", "raw": list(self.raw), "calibrated": list(self.calibrated)}


def fit_calibration(forecasts: pd.DataFrame, *, method: str = "platt") -> Temperature | Platt | Isotonic:
    """Fit a calibration on validation rows.

    Args:
        forecasts: validation rows with `label` and raw `probability`.
        method: one of `METHODS`.

    Raises:
        InputError: unknown method, rows that `fitting_rows` refuses, or probabilities that fall where events get more
            frequent: turning them round is no calibration.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    if method not in METHODS:
        raise InputError(f"calibration method is {method!r}; expected {', '.join(METHODS)}")
    labels, probability = fitting_rows(forecasts, "the calibration")
    if method == "isotonic":
        isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probability, labels.astype(float))
        return Isotonic(tuple(isotonic.X_thresholds_.tolist()), tuple(isotonic.y_thresholds_.tolist()))
    logit = log_odds_of(probability)[:, np.newaxis]
    # One over the temperature is the slope of a logistic regression on the logit without an intercept. C is large:
    # a penalty too weak to see, that keeps the slope finite where the classes part (a few rows, a demo).
    regression = LogisticRegression(C=1e6, fit_intercept=method == "platt", solver="newton-cholesky", tol=1e-8)
    if method == "platt":
        targets = platt_targets(labels)  # a row with target t is an event of weight t and a non-event of weight 1 - t
        twice, classes = np.concatenate([logit, logit]), np.repeat([1, 0], len(labels))
        regression.fit(twice, classes, sample_weight=np.concatenate([targets, 1 - targets]))
    else:
        regression.fit(logit, labels)
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        raise InputError(
            f"{method} calibration: on these rows events are rarer where the probability is higher "
            f"(slope {slope:.3g}); check that the probabilities are those of an event"
        )
    return Temperature(1 / slope) if method == "temperature" else Platt(slope, float(regression.intercept_[0]))


def platt_targets(labels: np.ndarray) -> np.ndarray:
    """Give what Platt (1999) fits to instead of 0 and 1, so that few rows make no certain forecast.

    An event's target is (N+ + 1) / (N+ + 2), a non-event's 1 / (N- + 2): Laplace's rule of succession for the rows of
    each class. Rows of one region are nearly copies, so that of few regions even this is too certain.

    Args:
        labels: `(N,)` bool, N+ of them true and N- false.

    Returns:
        `(N,)` float64.
    """
    events = int(labels.sum())
    others = len(labels) - events
    return np.where(labels, (events + 1) / (events + 2), 1 / (others + 2))


def certain_words(probability: np.ndarray, labels: np.ndarray | None = None) -> str | None:
    """Say how many calibrated probabilities are exactly 0 or 1, as isotonic regression can give them; None for none.

    Args:
        probability: `(N,)` calibrated, in 0..1.
        labels: `(N,)` bool, what happened, where that is known.
    """
    never, always = probability == 0, probability == 1
    if not (never.any() or always.any()):
        return None
    ends = [f"{counted(which.sum(), 'is', 'are')} exactly {end}" for end, which in enumerate((never, always))]
    kept = listed([words for words, which in zip(ends, (never, always), strict=True) if which.any()])
    said = f"Of {counted(len(probability), 'calibrated probability', 'calibrated probabilities')} {kept}"
    if labels is not None:
        wrong = int(labels[never].sum() + (~labels[always]).sum())
        said += f"; {wrong:,} of them {'was' if wrong == 1 else 'were'} wrong"
    return (
        f"{said}: where such a forecast is wrong its log score is infinite (log loss is shown with probabilities kept "
        "within 1e-7 to 1 - 1e-7); --method platt is seldom so sure."
    )


def calibration_from_json(values: Mapping[str, Any]) -> Temperature | Platt | Isotonic:
    """Read what `to_json` of a calibration gave.

    Raises:
        InputError: an unknown method, or numbers that are missing or cannot be.
    """
    try:
        match values["method"]:
            case "temperature":
                temperature = float(values["temperature"])
                _demand(temperature > 0, "the temperature is above 0")
                return Temperature(temperature)
            case "platt":
                slope = float(values["slope"])
                _demand(slope > 0, "the slope is above 0")
                intercept = float(values["intercept"])
                _demand(math.isfinite(intercept), "the intercept is finite")
                return Platt(slope, intercept)
            case "isotonic":
                raw, calibrated = np.asarray(values["raw"], float), np.asarray(values["calibrated"], float)
                _demand(len(raw) == len(calibrated) > 0, "as many calibrated as raw probabilities, one at least")
                _demand(bool((np.diff(raw) >= 0).all() and (np.diff(calibrated) >= 0).all()), "both rise")
                _demand(bool(((calibrated >= 0) & (calibrated <= 1)).all()), "they lie in 0..1")
                return Isotonic(tuple(raw.tolist()), tuple(calibrated.tolist()))
            case other:
                raise ValueError(f"method {other!r} is none of {', '.join(METHODS)}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"stored calibration cannot be read: {error}; fit it again") from error


def _demand(true: bool, expected: str) -> None:
    if not true:
        raise ValueError(f"expected that {expected}")


def log_odds_of(probability: np.ndarray) -> np.ndarray:
    """Give ln(p / (1 - p)), of probabilities kept `SMALLEST` from 0 and 1."""
    return logit(probability, smallest=SMALLEST)


def prior_shift(fitted: float, rate: float) -> str | None:
    """Say where rows have another event rate than those that a calibration was fitted on; None where it is much alike.

    If nothing but the rate differs, a calibrated probability's odds are wrong by the ratio of the two rates' odds
    (Saerens, Latinne & Decaestecker 2002, Neural Computation 14, 21).

    Args:
        fitted: event rate of the rows that the calibration was fitted on, between 0 and 1.
        rate: event rate of the rows that were forecast, between 0 and 1.
    """
    ratio = fitted / (1 - fitted) / (rate / (1 - rate))
    if 1 / SHIFT < ratio < SHIFT:
        return None
    way = "high" if ratio > 1 else "low"
    return (
        f"An event followed {rate:.1%} of these images, and {fitted:.1%} of those that calibration and threshold were "
        f"fitted on: if only that differs, the odds of calibrated probabilities are {max(ratio, 1 / ratio):.1f} times "
        f"too {way} here."
    )
