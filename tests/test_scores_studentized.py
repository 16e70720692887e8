"""Is the bootstrap-t interval of HSS the one of the book?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.scores.bootstrap import region_weights
from flarescope.scores.contingency import ContingencyTable
from flarescope.scores.studentized import yes_no_intervals

COUNTS = np.array(
    [[9, 3, 4, 20], [0, 1, 2, 30], [12, 2, 5, 3], [3, 3, 0, 9], [0, 0, 1, 14], [5, 0, 3, 8], [1, 2, 2, 22]]
)


def hss(counts):
    tp, fn, fp, tn = counts
    return 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn))


def plain_error(counts, weights):
    """Give the standard error by differences: how HSS moves with a little more of each region."""
    step = 1e-6
    total = weights @ counts
    moved = [(hss(total + step * one) - hss(total - step * one)) / (2 * step) for one in counts]
    return np.sqrt(len(counts) / (len(counts) - 1) * np.sum(weights * np.square(moved)))


def test_it_is_the_slow_plain_one():
    counts, whole = COUNTS.astype(float), np.ones(len(COUNTS))
    value, error = hss(whole @ counts), plain_error(counts, whole)
    drawn = [
        (hss(one @ counts) - value) / plain_error(counts, one)
        for weights in region_weights(len(counts), 200, 3)
        for one in weights
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = yes_no_intervals([COUNTS], replicates=200, seed=3)[0]["hss"]
    assert (found.low, found.high) == pytest.approx((value - high * error, value - low * error), rel=1e-5)


@given(st.lists(st.tuples(*[st.integers(1, 30)] * 4), min_size=3, max_size=12))
def test_an_interval_holds_its_value_within_the_range(rows):
    counts = np.array(rows)
    found = yes_no_intervals([counts, counts], replicates=60)
    assert found[0].keys() == found[1].keys()
    if "hss" in found[0]:
        value = ContingencyTable(*map(int, counts.sum(axis=0))).hss
        assert -1 <= found[0]["hss"].low <= value + 1e-9
        assert value - 1e-9 <= found[0]["hss"].high <= 1


def test_there_is_none_where_hss_hangs_on_one_region_and_no_width_where_no_region_changes_it():
    alone = np.array([[3, 2, 0, 0], [0, 0, 0, 7], [0, 0, 0, 9]])  # without the first there is one class, one answer
    assert "hss" not in yes_no_intervals([alone])[0]
    alike = np.array([[3, 1, 2, 4]] * 5)
    found = yes_no_intervals([alike])[0]["hss"]
    assert (found.low, found.high) == pytest.approx((hss(alike[0]), hss(alike[0])))
    perfect = np.array([[3, 0, 0, 4], [3, 0, 0, 9], [2, 0, 0, 5], [3, 0, 0, 6]])
    found = yes_no_intervals([perfect])[0]["hss"]
    assert (found.low, found.high) == (1, 1)


def test_of_regions_worth_fewer_than_three_the_jackknifes_interval_stays():
    few = COUNTS.copy()
    few[2, 0] = 200  # one region has nearly all the events
    assert yes_no_intervals([few])[0].keys() == yes_no_intervals([COUNTS])[0].keys() - {"hss"}
