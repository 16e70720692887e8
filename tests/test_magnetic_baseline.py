"""Do the SVM and the logistic regression on magnetic features train, keep, forecast and score as they say?"""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from flarescope.errors import FlarescopeError, InputError
from flarescope.magnetic import baseline as magnetic_baseline
from flarescope.magnetic.baseline import (
    KINDS,
    MagneticModel,
    match_features,
    sigmoid_slope,
    train_magnetic,
)
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.scores.contingency import count


def data(seed=0, count=400, shift=1.0):
    """Features of very unlike sizes, as the real ones; one in five an event, told apart by the first few."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.2).astype(int)
    features = rng.normal(0, 1, (count, 29))
    features[:, :5] += shift * labels[:, np.newaxis]
    return features * 10.0 ** np.arange(-3, 26) + 7.0, labels


@pytest.mark.parametrize("kind", KINDS)
def test_it_equals_scikit_learn_on_features_scaled_by_hand(kind):
    features, labels = data()
    scaled = (features - features.min(axis=0)) / (features.max(axis=0) - features.min(axis=0))
    if kind == "svm":
        other = LinearSVC(class_weight="balanced", dual=False, random_state=0, max_iter=10_000).fit(scaled, labels)
    else:
        other = LogisticRegression(class_weight="balanced", random_state=0, max_iter=10_000).fit(scaled, labels)
    model = train_magnetic(features, labels, kind=kind)
    np.testing.assert_allclose(model.decision(features), other.decision_function(scaled), atol=1e-9)
    if kind == "logistic":
        np.testing.assert_allclose(model.probability(features), other.predict_proba(scaled)[:, 1], atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_half_is_where_the_model_decides(kind):
    features, labels = data()
    model = train_magnetic(features, labels, kind=kind)
    probability = model.probability(features)
    assert ((probability >= 0.5) == (model.decision(features) >= 0)).all()
    assert count(labels, probability >= 0.5).tss > 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_training_set_is_scaled_by(kind):
    features, labels = data()
    model = train_magnetic(features, labels, kind=kind)
    np.testing.assert_array_equal(model.minimum, features.min(axis=0))
    np.testing.assert_array_equal(model.span, features.max(axis=0) - features.min(axis=0))
    far = features * 1000
    assert ((model.probability(far) >= 0) & (model.probability(far) <= 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_plain_numbers_and_back(kind):
    features, labels = data()
    model = train_magnetic(features, labels, kind=kind)
    again = MagneticModel.from_json(json.loads(json.dumps(model.to_json(), allow_nan=False)))
    np.testing.assert_array_equal(again.probability(features), model.probability(features))
    assert again.to_json() == model.to_json()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_numbers(kind):
    features, labels = data()
    first, second = (train_magnetic(features, labels, kind=kind, seed=3).to_json() for _ in range(2))
    assert first == second


def test_a_feature_that_does_not_vary_is_ignored():
    features, labels = data()
    features[:, 28] = 5.0
    model = train_magnetic(features, labels)
    changed = features.copy()
    assert model.span[28] == 1
    np.testing.assert_array_equal(model.probability(changed), model.probability(features))


def changed(**changes):
    features, labels = data(count=60)
    return train_magnetic(features, labels).to_json() | changes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "not a model of magnetic features"),
        (changed(form=2), "not a model"),
        (changed(kind="forest"), "not a model"),
        (changed(features=list(reversed(FEATURE_NAMES))), "other features"),
        (changed(weights=[1.0] * 28), "damaged"),
        (changed(weights=None), "damaged"),
        (changed(weights=["x"] * 29), "damaged"),
        (changed(span=[0.0] * 29), "damaged"),
        (changed(minimum=[float("nan")] * 29), "damaged"),
        (changed(slope=float("inf")), "damaged"),
        (changed(intercept="x"), "damaged"),
        ({key: value for key, value in changed().items() if key != "slope"}, "damaged"),
    ],
)
def test_damaged_models_are_refused(value, text):
    with pytest.raises(InputError, match=rf"m\.json: .*{text}.*train it again"):
        MagneticModel.from_json(value, "m.json")


@pytest.mark.parametrize(
    ("features", "labels", "kind", "text"),
    [
        (np.zeros((4, 28)), [0, 1, 0, 1], "svm", r"expected \(N, 29\)"),
        (np.zeros(29), [0], "svm", r"expected \(N, 29\)"),
        (np.full((4, 29), np.nan), [0, 1, 0, 1], "svm", "4 of 4 images have features that are not finite"),
        (np.zeros((4, 29)), [0, 1, 0], "svm", "expected 4 of 0 or 1"),
        (np.zeros((4, 29)), [0, 1, 2, 1], "svm", "expected 4 of 0 or 1"),
        (np.zeros((4, 29)), [0, 0, 0, 0], "svm", "one class only"),
        (np.zeros((4, 29)), [1, 1, 1, 1], "svm", "one class only"),
        (np.zeros((4, 29)), [0, 1, 0, 1], "forest", "expected svm or logistic"),
    ],
)
def test_what_cannot_be_trained_on(features, labels, kind, text):
    with pytest.raises(InputError, match=text):
        train_magnetic(features, np.array(labels), kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_solver_that_does_not_converge_says_so(monkeypatch, kind):
    monkeypatch.setattr(magnetic_baseline, "_ITERATIONS", 1)
    with pytest.raises(FlarescopeError, match="does not converge in 1 steps"):
        train_magnetic(*data(), kind=kind)


def test_the_slope_is_that_of_true_log_odds():
    rng = np.random.default_rng(1)
    decision = rng.normal(0, 1, 200_000)
    labels = (rng.random(200_000) < 1 / (1 + np.exp(-2.5 * decision))).astype(int)
    assert sigmoid_slope(decision, labels) == pytest.approx(2.5, rel=0.02)


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.01, 100))
def test_the_slope_is_positive_and_finite(seed, shift, scale):
    rng = np.random.default_rng(seed)
    labels = np.array([0, 1, *rng.integers(0, 2, 40)])
    slope = sigmoid_slope(scale * (rng.normal(0, 1, 42) + shift * labels), labels)
    assert 0.01 <= slope <= 100


def catalogue(count=400):
    names = [
        f"1121/1121_hmi.M_720s.20101110_{i // 60:02d}{i % 60:02d}00_TAI.1.magnetogram_224.png" for i in range(count)
    ]
    return pd.DataFrame({"filename": names, "noaa_ar": 11121, "label": data(count=count)[1], "split": "test"})


def test_features_are_found_by_base_name():
    features = data()[0]
    images = catalogue()
    table = pd.DataFrame(features, columns=FEATURE_NAMES).assign(filename=images["filename"].str.split("/").str[1])
    order = np.random.default_rng(0).permutation(400)
    np.testing.assert_array_equal(match_features(table.iloc[order], images, "f.csv"), features)
    with pytest.raises(InputError, match=r"f\.csv: no features for 1 of 400 images, first '1121/1121_hmi.*000000_TAI"):
        match_features(table.iloc[1:], images, "f.csv")
    with pytest.raises(InputError, match="more than once"):
        match_features(pd.concat([table, table.iloc[:1]]), images, "f.csv")
