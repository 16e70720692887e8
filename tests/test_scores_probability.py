import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from flarescope.scores.contingency import count
from flarescope.scores.curves import reliability, thin_curve, threshold_counts
from flarescope.scores.definitions import PROBABILISTIC
from flarescope.scores.loss import cross_entropy
from unweighted import probability_scores

LABELS = np.array([1, 0, 1, 0, 0])
P = np.array([0.9, 0.9, 0.4, 0.4, 0.1])


def rows_with_both_classes(least=2):
    # Hundredths, so that ties are frequent.
    row = st.tuples(st.booleans(), st.integers(0, 100).map(lambda value: value / 100))
    tables = st.lists(row, min_size=least, max_size=60).map(lambda rows: tuple(map(np.array, zip(*rows, strict=True))))
    return tables.filter(lambda table: table[0].any() and not table[0].all())


def test_scores_by_hand():
    found = probability_scores(LABELS, P, climatology=0.2)
    brier = (0.1**2 + 0.9**2 + 0.6**2 + 0.4**2 + 0.1**2) / 5
    assert list(found) == list(PROBABILISTIC)
    assert found["brier"] == pytest.approx(brier)
    assert found["bss_climatology"] == pytest.approx(1 - brier / ((2 * 0.8**2 + 3 * 0.2**2) / 5))
    assert found["bss_sample"] == pytest.approx(1 - brier / (2 / 5 * 3 / 5))
    assert found["log_loss"] == pytest.approx(-(math.log(0.9 * 0.1 * 0.4 * 0.6 * 0.9)) / 5)
    # Pairs (event, non-event): 0.9 beats 0.4 and 0.1 and ties 0.9; 0.4 beats 0.1, ties 0.4, loses to 0.9.
    assert found["roc_area"] == pytest.approx((2 + 0.5 + 1 + 0.5) / 6)
    # Recall rises by one half at 0.9 (precision 1 / 2) and by one half at 0.4 (precision 2 / 4).
    assert found["pr_area"] == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 4)
    # Bins: 0.1 (n 1, gap 0.1), 0.4 (n 2, gap 0.4 - 1/2), 0.9 (n 2, gap 0.9 - 1/2).
    assert found["ece"] == pytest.approx(1 / 5 * 0.1 + 2 / 5 * 0.1 + 2 / 5 * 0.4)


@given(rows_with_both_classes())
def test_scikit_learn_agrees(table):
    labels, p = table
    found = probability_scores(labels, p)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(labels, p))
    assert found["roc_area"] == pytest.approx(metrics.roc_auc_score(labels, p))
    assert found["pr_area"] == pytest.approx(metrics.average_precision_score(labels, p))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(labels, np.clip(p, 1e-7, 1 - 1e-7)))
    assert found["log_loss"] == pytest.approx(cross_entropy(labels, p))
    assert found["bss_sample"] == pytest.approx(metrics.d2_brier_score(labels, p))


def test_a_perfect_forecast_reaches_the_perfect_values():
    found = probability_scores(LABELS, LABELS.astype(float), climatology=0.2)
    assert found == pytest.approx({name: PROBABILISTIC[name].perfect for name in found}, abs=1e-6)


def test_a_constant_forecast_of_the_sample_rate_has_no_skill():
    found = probability_scores(LABELS, np.full(5, 0.4), climatology=0.4)
    assert found["bss_sample"] == pytest.approx(0)
    assert found["bss_climatology"] == pytest.approx(0)
    assert found["roc_area"] == 0.5
    assert found["pr_area"] == 2 / 5
    assert found["ece"] == pytest.approx(0)


def test_what_is_undefined_is_nan():
    one_class = probability_scores(np.zeros(3), np.array([0.1, 0.2, 0.3]))
    assert {name for name, value in one_class.items() if math.isnan(value)} == {
        "bss_climatology",
        "bss_sample",
        "roc_area",
        "pr_area",
    }
    only_events = probability_scores(np.ones(3), np.array([0.1, 0.2, 0.3]), climatology=1.0)
    assert math.isnan(only_events["roc_area"])
    assert math.isnan(only_events["bss_climatology"])  # the climatology was right for certain
    assert only_events["pr_area"] == 1


@given(rows_with_both_classes())
def test_counts_at_every_threshold_are_those_of_counting(table):
    labels, p = table
    counts = threshold_counts(labels, p)
    assert list(counts.threshold[1:]) == sorted(set(p), reverse=True)
    assert (counts.tp[0], counts.fp[0]) == (0, 0)
    for threshold, tp, fp in zip(counts.threshold, counts.tp, counts.fp, strict=True):
        expected = count(labels, p >= threshold)
        assert (tp, fp) == (expected.tp, expected.fp)
    grid = np.linspace(0, 1, 13)
    at = counts.at(grid)
    assert list(at.tp) == [count(labels, p >= threshold).tp for threshold in grid]
    assert list(at.fp) == [count(labels, p >= threshold).fp for threshold in grid]


def test_scores_by_threshold():
    tss = threshold_counts(LABELS, P).scores()["tss"]
    # never; >= 0.9: TP 1 of 2, FP 1 of 3; >= 0.4: TP 2, FP 2; always
    assert tss == pytest.approx([0, 1 / 2 - 1 / 3, 1 - 2 / 3, 0])


def test_reliability_counts_each_bin():
    table = reliability(np.array([0, 1, 1, 0]), np.array([0.05, 0.0999, 1.0, 0.95]))
    assert list(table["n"]) == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert list(table["events"]) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert table["mean_probability"][9] == pytest.approx((1 + 0.95) / 2)
    assert table["event_rate"][0] == 1 / 2
    assert np.isnan(table["event_rate"][4])


def test_a_thinned_curve_keeps_its_ends_and_its_shape():
    x = np.linspace(0, 1, 10_001)
    kept = thin_curve(x, np.sqrt(x), points=100)
    assert len(kept) <= 101
    assert (kept[0], kept[-1]) == (0, 10_000)
    assert np.abs(np.interp(x, x[kept], np.sqrt(x)[kept]) - np.sqrt(x)).max() < 0.02
    assert list(thin_curve(x[:5], x[:5])) == [0, 1, 2, 3, 4]
