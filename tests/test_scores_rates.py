import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flarescope.scores.bootstrap import CategoricalScorer
from flarescope.scores.categorical import categorical_scores
from flarescope.scores.jackknife import effective_number, without_each
from flarescope.scores.rates import RATES, rate, rate_intervals

tables = st.lists(st.tuples(*[st.integers(0, 30)] * 4), min_size=3, max_size=12).map(np.array)


def test_images_that_are_regions_of_their_own_give_wilsons_interval():
    # 40 regions of one image, 30 of them counted: the jackknife of a mean has p (1 - p) / (n - 1) as its variance.
    counted = np.repeat([1, 0], [30, 10])
    found = rate(counted, np.ones(40))
    theirs = stats.binomtest(30, 40).proportion_ci(0.95, method="wilson")
    assert found.value == 0.75
    # Student's t is a little wider than the normal, and so is n - 1 in place of n.
    assert theirs.low - 0.012 < found.interval.low < theirs.low
    assert theirs.high < found.interval.high < theirs.high + 0.012


def test_the_interval_by_hand():
    # Four regions of ten images each: 2, 4, 6, 8 counted. p = 0.5, without each 18/30, 16/30, 14/30, 12/30: squared
    # deviations from 0.5 sum to 2 (0.1^2 + (1/30)^2), times 3/4 is the variance 1/60; 0.25 / (1/60) = 15 images.
    # t with 3 degrees of freedom is 3.18245; t^2 / 15 = 0.675196.
    found = rate(np.array([2, 4, 6, 8]), np.full(4, 10))
    share = 3.182446**2 / 15
    half = np.sqrt(0.25 * share + share**2 / 4) / (1 + share)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_copies_within_a_region_change_nothing():
    once = rate(np.array([2, 4, 6, 8]), np.full(4, 10))
    many = rate(np.array([2, 4, 6, 8]) * 50, np.full(4, 500))
    assert (once.interval.low, once.interval.high) == pytest.approx((many.interval.low, many.interval.high))


def test_all_or_none_is_as_sure_as_its_regions_are_many():
    all_right = rate(np.array([5, 7, 9]), np.array([5, 7, 9]))
    worth = effective_number(np.array([5, 7, 9]))
    t = stats.t.ppf(0.975, worth - 1)
    assert (all_right.interval.low, all_right.interval.high) == pytest.approx((worth / (worth + t**2), 1))


def test_a_rate_that_hangs_on_one_region_has_no_interval():
    found = rate(np.array([0, 3, 0]), np.array([0, 5, 0]))
    assert np.isnan(found.interval.low)
    assert found.interval.undefined == 1


@pytest.mark.parametrize("yes", [True, False])
def test_forecasts_that_are_all_the_same_have_no_uncertain_rates(yes):
    events, others = np.array([3, 5, 2]), np.array([7, 1, 9])
    none = np.zeros(3, int)
    counts = [events, none, others, none] if yes else [none, events, none, others]
    assert rate_intervals(np.stack(counts, axis=1)) == {}


@given(tables)
def test_intervals_hold_their_values_within_the_range(counts):
    values = categorical_scores(*counts.sum(axis=0))
    for name, interval in rate_intervals(counts).items():
        if np.isfinite(interval.low):
            lowest = -1 if name == "tss" else 0
            assert lowest - 1e-9 <= interval.low <= values[name] + 1e-9, name
            assert values[name] - 1e-9 <= interval.high <= 1 + 1e-9, name


@given(tables)
def test_each_rate_is_the_score_of_its_name(counts):
    values = categorical_scores(*counts.sum(axis=0))
    without = without_each({"yes": CategoricalScorer(counts)}, len(counts))["yes"]
    for name, (counted, of) in RATES.items():
        found = rate(counts[:, list(counted)].sum(axis=1), counts[:, list(of)].sum(axis=1))
        assert found.value == pytest.approx(float(values[name]), nan_ok=True), name
        assert found.without_one == pytest.approx(without[name], nan_ok=True), name


def test_rates_that_fall_together_widen_the_interval_of_tss():
    events, others = np.full(6, 10), np.full(6, 10)
    hits = np.array([9, 8, 7, 6, 5, 4])

    def width(rejections):
        counts = np.stack([hits, events - hits, others - rejections, rejections], axis=1)
        found = rate_intervals(counts)["tss"]
        return found.high - found.low

    together, apart, never = width(hits), width(hits[::-1]), width(hits[[2, 0, 5, 3, 1, 4]])
    assert apart < never < together
    one = rate(hits, events).interval
    assert together == pytest.approx(2 * (one.high - one.low))
    # of six regions -1 is taken for -5 / 6, so that the width is sqrt(1 + 1 - 2 x 5 / 6) times that of one rate
    assert apart == pytest.approx(np.sqrt(1 / 3) * (one.high - one.low), rel=0.1)
