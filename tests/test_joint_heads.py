"""Do the ordinal head and the regression on flux have the likelihood that they say, and is the CRPS what it is?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression

from flarescope.errors import InputError
from flarescope.heads import flux, ordinal
from flarescope.heads.flux import fit_flux
from flarescope.heads.ordinal import fit_ordinal
from flarescope.scores.flux import crps_censored_logistic, crps_of_sample

GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(3, 2, (3000, 4)).astype(np.float32)
SUM = X @ np.array([0.8, -0.5, 0.0, 0.3]) - 1.5


def logistic_noise(size):
    p = GENERATOR.uniform(size=size)
    return np.log(p / (1 - p))


LATENT = SUM + logistic_noise(3000)
LEVELS = [(LATENT > cut).astype(int) for cut in (0.0, 1.5, 3.0)]
DECADES = 0.4 * LATENT  # scale 0.4 decades, location 0.4 * SUM above the limit
FLUX = np.where(DECADES >= 0, 1e-6 * 10.0**DECADES, np.nan)


def test_derivatives_of_the_ordinal_loss_are_those_by_differences():
    level, sums = np.array([0, 1, 2, 3, 1]), np.array([0.3, -2.0, 1.0, 4.0, 0.1])
    others = np.array([0.5, -0.2, 0.4])
    _, by_sum, by_others = ordinal.losses(sums, level, others)
    np.testing.assert_allclose(
        by_sum, approx_fprime(sums, lambda s: ordinal.losses(s, level, others)[0], 1e-7), rtol=1e-5
    )
    np.testing.assert_allclose(
        by_others, approx_fprime(others, lambda o: ordinal.losses(sums, level, o)[0], 1e-7), rtol=1e-5
    )


def test_the_ordinal_loss_is_of_the_probability_of_each_level():
    others = np.array([0.5, -0.2, 0.4])
    b = ordinal.biases_of(others)
    assert (np.diff(b) < 0).all()
    above = [1.0, *(1 / (1 + np.exp(-(0.7 + b)))), 0.0]
    for level in range(4):
        loss, _, _ = ordinal.losses(np.array([0.7]), np.array([level]), others)
        assert loss == pytest.approx(-np.log(above[level] - above[level + 1]))


def test_the_ordinal_head_finds_what_the_rows_were_made_of():
    fit = fit_ordinal(X, LEVELS, l2=1e-6)
    assert fit.converged
    kernel = fit.heads[0].kernel[:, 1] - fit.heads[0].kernel[:, 0]
    np.testing.assert_allclose(kernel, [0.8, -0.5, 0.0, 0.3], atol=0.06)
    biases = [float(head.bias[1] - head.bias[0]) for head in fit.heads]
    np.testing.assert_allclose(biases, [-1.5, -3.0, -4.5], atol=0.35)
    p = np.stack([head.probability(X) for head in fit.heads])
    assert (np.diff(p, axis=0) <= 0).all()  # a stronger class is never more probable


def test_an_ordinal_head_of_one_class_is_the_logistic_regression():
    fit = fit_ordinal(X, LEVELS[:1], l2=1e-9)
    theirs = LogisticRegression(C=1e9, tol=1e-10, max_iter=10000).fit(X.astype(float), LEVELS[0])
    np.testing.assert_allclose(fit.heads[0].probability(X), theirs.predict_proba(X)[:, 1], atol=2e-4)


def test_labels_that_are_no_levels_are_refused():
    with pytest.raises(InputError, match="a stronger class came where a weaker one did not"):
        fit_ordinal(X, LEVELS[::-1], l2=1e-4)
    with pytest.raises(InputError, match="needs rows of each class"):
        fit_ordinal(X, [LEVELS[0], LEVELS[0]], l2=1e-4)


def test_derivatives_of_the_flux_loss_are_those_by_differences():
    decades, sums, others = np.array([np.nan, 0.0, 0.4, 1.9]), np.array([0.3, -2.0, 1.0, 4.0]), np.array([0.2, 0.7])
    _, by_sum, by_others = flux.losses(sums, decades, others)
    np.testing.assert_allclose(
        by_sum, approx_fprime(sums, lambda s: flux.losses(s, decades, others)[0], 1e-7), rtol=1e-5
    )
    np.testing.assert_allclose(
        by_others, approx_fprime(others, lambda o: flux.losses(sums, decades, o)[0], 1e-7), rtol=1e-5
    )


def test_the_regression_finds_location_and_scale_and_exceedance_follows():
    fit = fit_flux(X, FLUX, limit_w_m2=1e-6, thresholds_w_m2=(1e-6, 1e-5, 1e-4), l2=1e-6)
    assert fit.converged
    assert fit.scale == pytest.approx(0.4, rel=0.05)
    first = fit.heads[0]
    location = fit.scale * first.log_odds(X)  # decades above the limit
    np.testing.assert_allclose(location, 0.4 * SUM, atol=0.12)
    for decade, head in enumerate(fit.heads):
        expected = 1 / (1 + np.exp(-(location - decade) / fit.scale))
        np.testing.assert_allclose(head.probability(X), expected, atol=1e-5)
    assert fit.heads[1].probability(X).mean() == pytest.approx((DECADES >= 1).mean(), abs=0.02)


def test_flares_of_one_strength_make_no_regression():
    with pytest.raises(InputError, match="flares of several strengths"):
        fit_flux(X, np.where(DECADES > 0, 1e-6, np.nan), limit_w_m2=1e-6, thresholds_w_m2=(1e-6,), l2=1e-4)


@settings(max_examples=25)
@given(st.floats(-9, -3), st.floats(0.05, 1.5), st.floats(-6, -3.5))
def test_the_crps_is_the_integral_that_it_stands_for(location, scale, observed):
    def cdf(t):
        return 0.0 if t < -6 else 1 / (1 + np.exp(-(t - location) / scale))

    below = quad(lambda t: cdf(t) ** 2, -6, observed)[0]
    end = max(observed, location) + 60 * scale
    above = quad(lambda t: (1 - cdf(t)) ** 2, observed, end, limit=200)[0]
    ours = crps_censored_logistic(np.array([location]), scale, np.array([observed]), -6.0)[0]
    assert ours == pytest.approx(below + above, abs=1e-6)


def test_no_flare_counts_as_the_limit():
    pair = crps_censored_logistic(np.array([-6.2, -6.2]), 0.3, np.array([np.nan, -6.0]), -6.0)
    assert pair[0] == pair[1]


def test_the_crps_of_a_sample_is_the_mean_over_its_pairs():
    sample, y = np.array([-6.0, -6.0, -5.2, -4.1]), np.array([-6.0, -5.0, -3.0])
    pairs = np.abs(sample[:, None] - sample).mean() / 2
    np.testing.assert_allclose(crps_of_sample(sample, y), np.abs(sample[:, None] - y).mean(axis=0) - pairs)
