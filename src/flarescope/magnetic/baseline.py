"""How well do a linear SVM and a logistic regression forecast from 29 magnetic features: the baseline to beat?

As upstream, features are scaled to 0..1 by minimum and range and classes are balanced. Unlike upstream, minimum and
range are those of the training set, not of the whole set with the test images in it.
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from flarescope import sealing
from flarescope.counted import of_them
from flarescope.errors import FlarescopeError, InputError
from flarescope.log_odds import sigmoid
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.parsing import reason

KINDS: Final = ("svm", "logistic")
_ITERATIONS: Final = 10_000
_FORM: Final = 1


@dataclass(frozen=True)
class MagneticModel:
    """A linear model on the 29 features, in plain numbers.

    Attributes:
        kind: `svm` or `logistic`.
        minimum: `(29,)`, of the training set.
        span: `(29,)`, maximum minus minimum of the training set; 1 for a feature that does not vary.
        weights: `(29,)`, of the scaled features.
        intercept: added to the weighted sum.
        slope: turns the decision into log odds; 1 for the logistic regression, fitted for the SVM.
    """

    kind: str
    minimum: np.ndarray
    span: np.ndarray
    weights: np.ndarray
    intercept: float
    slope: float

    @property
    def digest(self) -> str:
        """Give `sha256:<hex>` over all that the model is."""
        return str(self.to_json()[sealing.KEY])

    def decision(self, features: np.ndarray) -> np.ndarray:
        """Give the signed distance from the decision boundary, `(N,)` float64; positive forecasts an event.

        Args:
            features: `(N, 29)`, columns as `FEATURE_NAMES`, as they are computed (not scaled).
        """
        scaled = (_checked(features) - self.minimum) / self.span
        return np.asarray(scaled @ self.weights + self.intercept)

    def log_odds(self, features: np.ndarray) -> np.ndarray:
        """Give the log odds of an event, `(N,)` float64."""
        return np.asarray(self.slope * self.decision(features))

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Give the probability of an event, `(N,)` float64 in 0..1.

        It is the logistic function of slope times decision, so 0.5 is where the model itself decides. Training with
        balanced classes makes it the probability among as many events as non-events: too high for the rarer class
        until it is calibrated, like that of the network's head.
        """
        return sigmoid(self.log_odds(features))

    def to_json(self) -> dict[str, Any]:
        """Give the model as plain numbers; `from_json` reads it back to the last bit."""
        plain = {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(self).items()
        }
        return sealing.sealed({"form": _FORM, "features": list(FEATURE_NAMES), **plain})

    @classmethod
    def from_json(cls, value: Mapping[str, Any], source: str = "the model") -> "MagneticModel":
        """Read a model back.

        Args:
            value: as `to_json` gave it.
            source: what to call it in a message, such as its path.

        Raises:
            InputError: another form, other features, numbers that are missing or not finite.
        """
        if value.get("form") != _FORM or value.get("kind") not in KINDS:
            raise InputError(f"{source}: not a model of magnetic features in form {_FORM}; train it again")
        if value.get("features") != list(FEATURE_NAMES):
            raise InputError(f"{source}: made for other features or another order of them; train it again")
        try:
            arrays = [np.array(value[name], dtype=np.float64) for name in ("minimum", "span", "weights")]
            numbers = [float(value[name]) for name in ("intercept", "slope")]
            sealing.unsealed(value)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{source}: damaged ({reason(error)}); train it again") from error
        shapes = all(array.shape == (len(FEATURE_NAMES),) for array in arrays)
        if not shapes or not np.isfinite([*np.concatenate(arrays), *numbers]).all() or (arrays[1] <= 0).any():
            raise InputError(f"{source}: damaged (numbers missing or not finite); train it again")
        minimum, span, weights = arrays
        return cls(value["kind"], minimum, span, weights, *numbers)


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] != len(FEATURE_NAMES):
        raise InputError(f"features of shape {features.shape}; expected (N, {len(FEATURE_NAMES)})")
    bad = ~np.isfinite(features).all(axis=1)
    if bad.any():
        which = of_them(int(bad.sum()), len(bad), "image", "has", "have")
        raise InputError(f"{which} features that are not finite, the first in row {bad.argmax() + 1}")
    return features


def train_magnetic(features: np.ndarray, labels: np.ndarray, *, kind: str = "svm", seed: int = 0) -> MagneticModel:
    """Train a baseline.

    Args:
        features: `(N, 29)` of the training set, columns as `FEATURE_NAMES`.
        labels: `(N,)` 0/1, whether an event followed.
        kind: `svm` (linear, squared hinge loss, C = 1) or `logistic` (L2, C = 1).
        seed: of the solver; both problems are convex and solved in the primal, so it changes next to nothing.

    Raises:
        InputError: another kind, shapes that do not fit, one class only.
        FlarescopeError: the solver does not converge.
    """
    features, labels = _checked(features), np.asarray(labels)
    if kind not in KINDS:
        raise InputError(f"kind {kind!r} is not known; expected {' or '.join(KINDS)}")
    if labels.shape != (len(features),) or not np.isin(labels, (0, 1)).all():
        raise InputError(f"labels of shape {labels.shape}; expected {len(features)} of 0 or 1")
    if not 0 < labels.sum() < len(labels):
        raise InputError("one class only in the training set; both events and non-events are needed")
    minimum = features.min(axis=0)
    span = features.max(axis=0) - minimum
    span[span == 0] = 1.0
    estimator = _fit((features - minimum) / span, labels.astype(np.int64), kind, seed)
    weights, intercept = np.asarray(estimator.coef_[0], np.float64), float(estimator.intercept_[0])
    model = MagneticModel(kind, minimum, span, weights, intercept, 1.0)
    if kind == "logistic":
        return model
    return MagneticModel(kind, minimum, span, weights, intercept, sigmoid_slope(model.decision(features), labels))


def _fit(scaled: np.ndarray, labels: np.ndarray, kind: str, seed: int) -> Any:  # noqa: ANN401 - sklearn is untyped
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if kind == "svm":
        estimator = LinearSVC(class_weight="balanced", dual=False, random_state=seed, max_iter=_ITERATIONS)
    else:
        estimator = LogisticRegression(class_weight="balanced", random_state=seed, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return estimator.fit(scaled, labels)
        except ConvergenceWarning as error:
            raise FlarescopeError(f"the {kind} does not converge in {_ITERATIONS:,} steps") from error


def sigmoid_slope(decision: np.ndarray, labels: np.ndarray) -> float:
    """Fit the slope that makes decisions log odds: Platt's sigmoid without its intercept, classes balanced.

    Platt 1999 (Advances in Large Margin Classifiers) fits an intercept too, which would move the 0.5 away from where
    the SVM decides. The slope maximises the likelihood of the training set by Newton's method; it stays within
    0.01 .. 100 where the classes can be told apart perfectly, or not at all.

    Args:
        decision: `(N,)`.
        labels: `(N,)` 0/1, both present.
    """
    sign = np.where(labels == 1, 1.0, -1.0)
    weight = np.where(labels == 1, 0.5 / (labels == 1).sum(), 0.5 / (labels == 0).sum())
    margin, slope = sign * decision, 1.0
    for _ in range(100):
        wrong = 0.5 * (1 - np.tanh(0.5 * slope * margin))  # probability of the other class
        gradient = float(weight @ (margin * wrong))
        curvature = float(weight @ (np.square(margin) * wrong * (1 - wrong)))
        step = gradient / curvature if curvature > 0 else np.sign(gradient)
        change = float(np.clip(slope + step, max(slope / 4, 0.01), min(slope * 4, 100.0))) - slope
        slope += change
        if abs(change) <= 1e-12 * slope:
            break
    return slope


def match_features(table: pd.DataFrame, catalogue: pd.DataFrame, source: str) -> np.ndarray:
    """Find the features of a catalogue's images in a features table, by base name.

    Args:
        table: `FEATURE_NAMES` and `filename`, such as `read_features_csv` gives.
        catalogue: N rows with `filename`.
        source: what to call the features table in a message.

    Returns:
        `(N, 29)` float64, in the catalogue's order.

    Raises:
        InputError: images without features, or a name that stands in the table more than once.
    """
    base = table["filename"].str.rsplit("/", n=1).str[-1]
    if base.duplicated().any():
        raise InputError(f"{source}: {base[base.duplicated()].iloc[0]!r} stands there more than once")
    wanted = catalogue["filename"].str.rsplit("/", n=1).str[-1]
    rows = pd.Index(base).get_indexer(pd.Index(wanted))
    if (rows < 0).any():
        name = catalogue["filename"].iloc[int((rows < 0).argmax())]
        which = of_them(int((rows < 0).sum()), len(rows), "image")
        raise InputError(f"{source}: no features for {which}, first {name!r}")
    return table[list(FEATURE_NAMES)].to_numpy(dtype=np.float64)[rows]
