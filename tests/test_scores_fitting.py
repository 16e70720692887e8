import json

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import _SigmoidCalibration

from flarescope.errors import InputError
from flarescope.scores.calibration import (
    METHODS,
    Isotonic,
    Platt,
    Temperature,
    calibration_from_json,
    fit_calibration,
    platt_targets,
)
from flarescope.scores.contingency import count
from flarescope.scores.threshold import Threshold, choose_threshold
from unweighted import probability_scores

LABELS = np.array([0, 0, 1, 0, 1, 1])
P = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.9])


def table(labels=LABELS, probability=P, split="validation"):
    return pd.DataFrame({"label": labels, "probability": probability, "split": split})


def over_forecast(rows=20_000, seed=0, slope=1.0, intercept=1.4):
    """Labels drawn with a probability whose logit the forecast raises: what class weights do to the raw output."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1.5, 1.5, rows)
    labels = rng.random(rows) < 1 / (1 + np.exp(-logit))
    return table(labels.astype(int), 1 / (1 + np.exp(-(logit - -intercept) / slope)))


def test_threshold_of_the_largest_tss():
    # >= 0.4: TPR 3/3, TNR 2/3; >= 0.7: TPR 2/3, TNR 3/3. Both reach 2/3: the higher one, midway between 0.6 and 0.7.
    choice = choose_threshold(table(), rule="tss")
    assert choice.threshold == pytest.approx((0.6 + 0.7) / 2)
    assert choice.value == pytest.approx(2 / 3)
    assert count(LABELS, choice.threshold <= P).tss == pytest.approx(choice.value)


@pytest.mark.parametrize("rule", ["tss", "hss"])
def test_no_other_threshold_is_better(rule):
    frame = over_forecast(rows=300)
    choice = choose_threshold(frame, rule=rule)
    tried = [count(frame["label"], frame["probability"] >= t).scores()[rule] for t in np.linspace(0, 1, 1001)]
    assert choice.value >= max(tried) - 1e-12


def test_threshold_by_cost():
    # A miss costs 5 false alarms: >= 0.4 costs one false alarm, 1/6 a forecast; >= 0.7 one miss, 5/6.
    dear = choose_threshold(table(), rule="cost", cost_ratio=5)
    assert dear.threshold == pytest.approx((0.2 + 0.4) / 2)
    assert dear.value == pytest.approx(1 / 6)
    cheap = choose_threshold(table(), rule="cost", cost_ratio=0.2)
    assert cheap.threshold == pytest.approx((0.6 + 0.7) / 2)
    assert cheap.value == pytest.approx(0.2 / 6)


def test_of_calibrated_probabilities_the_cheapest_threshold_is_that_of_theory():
    rng = np.random.default_rng(1)
    p = rng.random(200_000)
    choice = choose_threshold(table((rng.random(200_000) < p).astype(int), p), rule="cost", cost_ratio=3)
    assert choice.threshold == pytest.approx(1 / (1 + 3), abs=0.02)


def test_always_and_never():
    always = choose_threshold(table(), rule="cost", cost_ratio=1000)
    assert count(LABELS, always.threshold <= P).fn == 0
    never = choose_threshold(table(np.array([1, 0]), np.array([0.2, 0.8])), rule="cost", cost_ratio=0.001)
    assert never.threshold == pytest.approx((0.8 + 1) / 2)
    # A probability of 1 says yes at every threshold up to 1: "never" cannot be chosen, and is not.
    certain = choose_threshold(table(np.array([1, 0]), np.array([0.2, 1.0])), rule="cost", cost_ratio=0.001)
    assert (certain.threshold, certain.value) == (0, pytest.approx(1 / 2))


def test_neighbouring_numbers_stay_apart():
    below, above = 0.3, np.nextafter(0.3, 1)
    choice = choose_threshold(table(np.array([0, 1]), np.array([below, above])))
    assert below < choice.threshold <= above


def test_threshold_round_trip():
    choice = choose_threshold(table(), rule="cost", cost_ratio=5)
    assert Threshold.from_json(json.loads(json.dumps(choice.to_json()))) == choice
    with pytest.raises(InputError, match=r"threshold is 1\.5; expected a probability from 0 to 1"):
        Threshold.from_json({"threshold": 1.5, "rule": "tss", "value": 0.5})
    with pytest.raises(InputError, match="cannot be read"):
        Threshold.from_json({"rule": "tss"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "auc"}, "threshold rule is 'auc'; expected tss, hss, cost"),
        ({"rule": "cost"}, "a cost ratio goes with the rule 'cost'"),
        ({"rule": "tss", "cost_ratio": 2.0}, "a cost ratio goes with the rule 'cost'"),
        ({"rule": "cost", "cost_ratio": 0.0}, "cost ratio is 0.0; expected"),
    ],
)
def test_threshold_options(options, message):
    with pytest.raises(InputError, match=message):
        choose_threshold(table(), **options)


def fit_threshold(frame):
    return choose_threshold(frame)


@pytest.mark.parametrize("fit", [fit_threshold, fit_calibration])
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (table(split="test"), "fitted on validation rows only, but there are rows of test"),
        (table(split=["validation"] * 4 + ["test", "train"]), "but there are rows of test, train"),
        (table(labels=np.ones(6)), "needs both classes; each of the 6 labels is 1"),
        (table(labels=np.array([0, 1, 2, 0, 0, 0])), "needs labels 0 or 1; 1 of 6 rows"),
        (table(labels=[0, 1, None, 0, 0, 0]), "needs labels 0 or 1; 1 of 6 rows"),
        (table(probability=P + 0.5), "needs probabilities from 0 to 1"),
        (table(probability=np.append(P[:5], np.nan)), "needs probabilities from 0 to 1; a row has nan"),
        (table().iloc[:0], "has no rows"),
    ],
)
def test_rows_that_must_not_be_fitted_on(fit, frame, message):
    with pytest.raises(InputError, match=message):
        fit(frame)


def test_platt_finds_the_line_that_was_drawn():
    fitted = fit_calibration(over_forecast(slope=0.5), method="platt")
    # The forecast's logit is (logit + 1.4) / 0.5, so that logit = 0.5 x - 1.4.
    assert fitted == Platt(pytest.approx(0.5, abs=0.02), pytest.approx(-1.4, abs=0.05))


def test_platts_targets_are_his():
    # Platt 1999: of N+ = 3 events and N- = 3 others, (3 + 1) / (3 + 2) for the events and 1 / (3 + 2) for the others.
    assert platt_targets(LABELS == 1) == pytest.approx([1 / 5, 1 / 5, 4 / 5, 1 / 5, 4 / 5, 4 / 5])
    assert platt_targets(np.array([True, False, False])) == pytest.approx([2 / 3, 1 / 4, 1 / 4])


@pytest.mark.parametrize("rows", [20, 40, 3000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_platt_is_scikit_learns(rows, seed):
    frame = over_forecast(rows=rows, seed=seed, slope=0.5)
    frame.loc[:2, "label"] = [0, 1, 1]
    frame.loc[:2, "probability"] = [0.1, 0.8, 0.9]
    p = frame["probability"].to_numpy(float)
    reference = _SigmoidCalibration().fit(np.log(p / (1 - p)), frame["label"].to_numpy())  # 1 / (1 + exp(a x + b))
    fitted = fit_calibration(frame, method="platt")
    assert (fitted.slope, fitted.intercept) == (
        pytest.approx(-reference.a_, rel=1e-3),
        pytest.approx(-reference.b_, rel=1e-3, abs=1e-3),
    )
    assert fitted.apply(p) == pytest.approx(reference.predict(np.log(p / (1 - p))), abs=2e-4)


def test_platt_is_never_certain_where_the_classes_part():
    fitted = fit_calibration(table(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.7, 0.9])), method="platt")
    # Events of a class of two have the target 3/4, the others 1/4: at their mean logits the fit gives about these.
    assert fitted.apply(np.array([0.1, 0.2, 0.7, 0.9])) == pytest.approx([0.22, 0.29, 0.7, 0.81], abs=0.06)


def test_temperature_finds_the_one_that_was_drawn():
    fitted = fit_calibration(over_forecast(slope=0.5, intercept=0), method="temperature")
    assert fitted == Temperature(pytest.approx(2, abs=0.05))
    # The logit of 0.9 is ln 9; half of it is ln 3, the logit of 3 / (3 + 1).
    assert Temperature(2).apply(np.array([0.5, 0.9])) == pytest.approx([0.5, 3 / (3 + 1)])


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_calibration_mends_over_forecasting_on_other_rows(method):
    fitted, other = fit_calibration(over_forecast(), method=method), over_forecast(seed=1)
    raw, calibrated = other["probability"].to_numpy(), fitted.apply(other["probability"].to_numpy())
    before, after = probability_scores(other["label"], raw), probability_scores(other["label"], calibrated)
    assert before["ece"] > 0.1
    assert after["ece"] < 0.02
    assert after["brier"] < before["brier"]
    assert calibrated.mean() == pytest.approx(other["label"].mean(), abs=0.01)


def test_temperature_cannot_mend_over_forecasting():
    frame = over_forecast()
    fitted = fit_calibration(frame, method="temperature")
    assert fitted.apply(frame["probability"].to_numpy()).mean() > frame["label"].mean() + 0.1


@pytest.mark.parametrize("method", METHODS)
def test_calibrations_rise_stay_in_range_and_survive_json(method):
    fitted = fit_calibration(over_forecast(rows=500), method=method)
    p = np.concatenate([[0, 1e-300], np.linspace(0, 1, 101), [1 - 1e-16, 1]])
    calibrated = fitted.apply(np.sort(p))
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    stored = json.loads(json.dumps(fitted.to_json(), allow_nan=False))
    assert calibration_from_json(stored) == fitted


@pytest.mark.parametrize("method", METHODS)
def test_a_few_rows_whose_classes_part(method):
    fitted = fit_calibration(table(np.array([0, 0, 1, 1]), np.array([0.0, 0.2, 0.7, 1.0])), method=method)
    assert np.isfinite(fitted.apply(np.array([0.0, 0.5, 1.0]))).all()


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_forecasts_that_run_against_the_labels(method):
    with pytest.raises(InputError, match="events are rarer where the probability is higher"):
        fit_calibration(table(1 - LABELS), method=method)


def test_test_rows_have_no_part_in_the_fit():
    # The same validation rows beside different test rows: what is fitted on the validation rows is the same.
    validation = over_forecast(rows=500)
    for seed in (1, 2):
        everything = pd.concat([validation, over_forecast(rows=500, seed=seed).assign(split="test")])
        rows = everything[everything["split"] == "validation"]
        assert fit_calibration(rows) == fit_calibration(validation)
        with pytest.raises(InputError, match="rows of test"):
            fit_calibration(everything)


@pytest.mark.parametrize(
    "stored",
    [
        {"method": "spline"},
        {},
        {"method": "temperature", "temperature": 0},
        {"method": "temperature", "temperature": float("nan")},
        {"method": "platt", "slope": -1, "intercept": 0},
        {"method": "platt", "slope": 1, "intercept": float("inf")},
        {"method": "isotonic", "raw": [0, 1], "calibrated": [0.5]},
        {"method": "isotonic", "raw": [], "calibrated": []},
        {"method": "isotonic", "raw": [0.5, 0.1], "calibrated": [0, 1]},
        {"method": "isotonic", "raw": [0, 1], "calibrated": [0, 2]},
        {"method": "isotonic", "raw": "ab", "calibrated": [0, 2]},
    ],
)
def test_a_stored_calibration_that_cannot_be(stored):
    with pytest.raises(InputError, match="stored calibration cannot be read"):
        calibration_from_json(stored)


def test_unknown_method():
    with pytest.raises(InputError, match="calibration method is 'beta'; expected temperature, platt, isotonic"):
        fit_calibration(table(), method="beta")


def test_isotonic_stays_level_beyond_its_ends():
    assert Isotonic((0.2, 0.8), (0.1, 0.6)).apply(np.array([0, 0.5, 1])) == pytest.approx([0.1, 0.35, 0.6])
