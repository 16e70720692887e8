import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.scores.contingency import ContingencyTable, count
from flarescope.scores.loss import cross_entropy, cross_entropy_of_log_odds

PUBLISHED = ContingencyTable(tp=15_822, fn=5_720, fp=14_787, tn=58_428)
COUNTS = st.integers(0, 10_000)


def test_the_published_test_table_gives_its_published_scores():
    assert PUBLISHED.tpr == 15822 / (15822 + 5720)
    assert PUBLISHED.tnr == 58428 / (58428 + 14787)
    assert round(PUBLISHED.tpr, 5) == 0.73447
    assert round(PUBLISHED.tnr, 5) == 0.79803
    assert round(PUBLISHED.tss, 5) == 0.53251
    assert round(PUBLISHED.hss, 5) == 0.46364


def test_to_six_digits_by_exact_fractions():
    from fractions import Fraction

    tp, fn, fp, tn = (Fraction(n) for n in (15822, 5720, 14787, 58428))
    tss = tp / (tp + fn) + tn / (tn + fp) - 1
    hss = 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn))
    assert f"{PUBLISHED.tss:.6f}" == f"{float(tss):.6f}" == "0.532505"
    assert f"{PUBLISHED.hss:.6f}" == f"{float(hss):.6f}" == "0.463641"


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_tss_does_not_depend_on_the_share_of_events_and_both_are_bounded(tp, fn, fp, tn):
    table = ContingencyTable(tp, fn, fp, tn)
    if tp + fn and fp + tn:
        assert table.tss == pytest.approx(ContingencyTable(10 * tp, 10 * fn, fp, tn).tss)
        assert -1 <= table.tss <= 1
        assert -1 <= table.hss <= 1
    else:
        assert math.isnan(table.tss)


def test_perfect_constant_and_empty():
    assert ContingencyTable(5, 0, 0, 7).scores() == {"tpr": 1, "tnr": 1, "tss": 1, "hss": 1}
    assert ContingencyTable(5, 0, 7, 0).scores() == {"tpr": 1, "tnr": 0, "tss": 0, "hss": 0}
    assert all(math.isnan(value) for value in ContingencyTable(0, 0, 0, 0).scores().values())
    assert math.isnan(ContingencyTable(0, 0, 3, 4).tpr)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=50))
def test_counting_against_a_plain_loop(rows):
    labels, yes = (np.array([row[i] for row in rows], dtype=bool) for i in (0, 1))
    table = count(labels.astype(int), yes)
    assert table.tp == sum(a and b for a, b in rows)
    assert table.fn == sum(a and not b for a, b in rows)
    assert table.fp == sum(b and not a for a, b in rows)
    assert table.tn == sum(not a and not b for a, b in rows)


def test_cross_entropy_by_hand():
    labels, probability = np.array([1, 0]), np.array([0.8, 0.4])
    expected = -(math.log(0.8) + math.log(0.6)) / 2
    assert cross_entropy(labels, probability) == pytest.approx(expected)
    odds = np.log(probability / (1 - probability))
    assert cross_entropy_of_log_odds(labels, odds) == pytest.approx(expected)


def test_the_clip_bounds_a_certain_miss():
    assert cross_entropy_of_log_odds(np.array([1]), np.array([-50.0])) == pytest.approx(50)
    assert cross_entropy_of_log_odds(np.array([1]), np.array([-50.0]), clip=1e-7) == pytest.approx(-math.log(1e-7))
    assert cross_entropy(np.array([1]), np.array([0.0])) == pytest.approx(-math.log(1e-7))
    assert math.isnan(cross_entropy(np.array([]), np.array([])))
