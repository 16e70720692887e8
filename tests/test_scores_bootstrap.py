import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from flarescope.errors import InputError
from flarescope.scores import bootstrap
from flarescope.scores.bootstrap import (
    CategoricalScorer,
    image_level_intervals,
    percentile_interval,
    region_codes,
    region_weights,
    resample,
)
from flarescope.scores.contingency import count
from flarescope.scores.probability import ProbabilityScorer


def small_sample(seed=0, rows=300, regions=12):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, regions, rows)
    activity = rng.normal(size=regions)[codes]
    labels = (activity + rng.normal(size=rows) > 0.5).astype(int)
    probability = np.round(1 / (1 + np.exp(-activity - rng.normal(size=rows))), 2)  # rounded: ties
    return labels, probability, codes


def plain_replicates(labels, probability, codes, weights):
    """The slow way: for each replicate, put the rows of the drawn regions together and score them as a table."""
    for row in weights:
        drawn = np.concatenate(
            [np.flatnonzero(codes == region) for region in np.repeat(np.arange(len(row)), row.astype(int))]
        )
        yield labels[drawn], probability[drawn]


def test_the_fast_bootstrap_is_the_plain_one():
    labels, p, codes = small_sample()
    weights = np.concatenate(list(region_weights(12, 40, seed=3)))
    scorers = {
        "yes": CategoricalScorer.of_rows(labels, p >= 0.5, codes),
        "p": ProbabilityScorer(labels, p, codes, climatology=0.3),
    }
    fast = resample(scorers, 12, replicates=40, seed=3)
    for index, (y, q) in enumerate(plain_replicates(labels, p, codes, weights)):
        for name, value in count(y, q >= 0.5).all_scores().items():
            assert fast["yes"][name][index] == pytest.approx(value, nan_ok=True), name
        brier, reference = np.mean((q - y) ** 2), np.mean((0.3 - y) ** 2)
        plain = {
            "brier": brier,
            "bss_climatology": 1 - brier / reference,
            "bss_sample": 1 - brier / np.var(y),
            "log_loss": metrics.log_loss(y, np.clip(q, 1e-7, 1 - 1e-7)),
            "roc_area": metrics.roc_auc_score(y, q),
            "pr_area": metrics.average_precision_score(y, q),
        }
        assert {name: fast["p"][name][index] for name in plain} == pytest.approx(plain)


def test_intervals_are_the_plain_percentiles():
    labels, p, codes = small_sample()
    weights = np.concatenate(list(region_weights(12, 200, seed=5)))
    tss = [count(y, q >= 0.5).tss for y, q in plain_replicates(labels, p, codes, weights)]
    fast = resample({"yes": CategoricalScorer.of_rows(labels, p >= 0.5, codes)}, 12, replicates=200, seed=5)["yes"][
        "tss"
    ]
    interval = percentile_interval(fast, 0.95)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.percentile(tss, [2.5, 97.5])))


def test_with_every_weight_one_it_is_the_score_itself():
    labels, p, codes = small_sample()
    value = CategoricalScorer.of_rows(labels, p >= 0.5, codes)(np.ones((1, 12)))
    assert {name: row[0] for name, row in value.items()} == pytest.approx(count(labels, p >= 0.5).all_scores())


def test_the_same_seed_gives_the_same_weights_in_pieces_of_any_size(monkeypatch):
    whole = np.concatenate(list(region_weights(7, 50, seed=1)))
    monkeypatch.setattr(bootstrap, "_CELLS", 30)
    pieces = list(region_weights(7, 50, seed=1))
    assert max(len(piece) for piece in pieces) == 30 // 7
    assert np.array_equal(np.concatenate(pieces), whole)
    assert set(whole.sum(axis=1)) == {7}
    assert not np.array_equal(whole, np.concatenate(list(region_weights(7, 50, seed=2))))


def test_replicates_without_a_value_are_counted_and_left_out():
    # Two regions, one without events: a replicate of that one alone (probability 1/4) has no TPR.
    scorer = CategoricalScorer.of_rows(
        np.array([1, 1, 0, 0]), np.array([True, False, False, True]), np.array([0, 0, 1, 1])
    )
    tpr = resample({"s": scorer}, 2, replicates=1000, seed=0)["s"]["tpr"]
    interval = percentile_interval(tpr)
    assert interval.undefined == np.isnan(tpr).sum()
    assert 200 < interval.undefined < 300
    assert (interval.low, interval.high) == (0.5, 0.5)
    nothing = percentile_interval(np.full(5, np.nan))
    assert np.isnan(nothing.low)
    assert nothing.undefined == 5


def test_regions_are_needed():
    with pytest.raises(InputError, match="2 of 2 rows have no region"):
        region_codes(pd.Series([None, None], dtype="Int32"))
    with pytest.raises(InputError, match="1 of 2 rows has no region"):
        region_codes(pd.Series([11121, None], dtype="Int32"))
    with pytest.raises(InputError, match="one region only"):
        region_codes(pd.Series([11121, 11121], dtype="Int32"))


def simulated_counts(rng, regions=150):
    """Counts of regions whose images agree with one another more than chance would have it.

    Each region has its own activity, its own difficulty and 50 to 600 images; given these, its images are independent.
    """
    images = rng.integers(50, 600, regions)
    events = rng.binomial(images, rng.beta(0.4, 1.6, regions))
    # Beta(a, b) has mean a / (a + b): TPR 3 / 4, TNR 8 / 10 in the population, whatever the number of images.
    tp = rng.binomial(events, rng.beta(1.5, 0.5, regions))
    tn = rng.binomial(images - events, rng.beta(3.2, 0.8, regions))
    return np.stack([tp, events - tp, images - events - tn, tn], axis=1)


TRUE_TSS = 1.5 / 2 + 3.2 / 4 - 1


@pytest.mark.slow
def test_coverage_by_regions_and_by_images():
    rng = np.random.default_rng(20230826)
    by_regions, by_images = 0, 0
    for trial in range(300):
        counts = simulated_counts(rng)
        drawn = resample({"s": CategoricalScorer(counts)}, len(counts), replicates=1000, seed=trial)["s"]
        tss = percentile_interval(drawn["tss"])
        image = image_level_intervals(counts.sum(axis=0), replicates=1000, seed=trial)["tss"]
        by_regions += tss.low <= TRUE_TSS <= tss.high
        by_images += image.low <= TRUE_TSS <= image.high
    assert 0.90 <= by_regions / 300 <= 0.98
    assert by_images / 300 < 0.40


def test_image_level_intervals_are_binomial():
    # TPR of 100 independent events with 80 hits: standard error sqrt(0.8 * 0.2 / 100) = 0.04.
    interval = image_level_intervals(np.array([80, 20, 0, 1000]), replicates=4000)["tpr"]
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.04, rel=0.1)
