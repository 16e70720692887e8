"""Do curves, bins and slices carry the intervals that whole clusters of rows give?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from flarescope.blocks import REGION
from flarescope.scores.bands import roc_band, skill_bands
from flarescope.scores.bootstrap import CategoricalScorer, percentile_interval, resample
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.cases import Sampling
from flarescope.scores.curves import reliability, threshold_counts
from flarescope.scores.jackknife import JACKKNIFE, PERCENTILE
from flarescope.scores.questions.definitions import QUESTIONS
from flarescope.scores.reliability_bins import (
    bins_of,
    brier_parts,
    consistency_bars,
    equal_count_edges,
    equal_width_edges,
    reliability_bins,
)
from flarescope.scores.slices import Drawn, slices
from flarescope.scores.threshold_sums import threshold_sums

FAST = Sampling(replicates=200)


def sample(clusters=120, rows=20, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(clusters), rows)
    activity = rng.normal(-1, 1.5, clusters)[codes]
    labels = rng.random(len(codes)) < 1 / (1 + np.exp(-activity))
    probability = 1 / (1 + np.exp(-activity - rng.normal(0, 1, len(codes))))
    return labels, np.round(probability, 3), pd.Series(codes, dtype="Int64")


def by_of(data, sampling=FAST):
    labels, _, codes = data
    return ByCluster.of(labels, codes, sampling)


def test_threshold_sums_are_the_counts_at_each_threshold():
    labels, p, codes = sample(8, 30)
    thresholds = np.array([0.0, 0.1, 0.35, 0.5, 1.0])
    sums = threshold_sums(labels, p, codes.to_numpy(), thresholds, 8)
    for cluster in range(8):
        mine = codes == cluster
        for i, at in enumerate(thresholds):
            assert sums.tp[cluster, i] == np.sum(labels[mine] & (p[mine] >= at))
            assert sums.fp[cluster, i] == np.sum(~labels[mine] & (p[mine] >= at))
    tp, fn, fp, tn = sums.counts(np.ones((1, 8)))
    at = threshold_counts(labels, p).at(thresholds)
    assert tp[0].tolist() == at.tp.tolist()
    assert (tp + fn + fp + tn == len(labels)).all()
    assert fp[0].tolist() == at.fp.tolist()


def test_a_score_alone_has_the_interval_that_it_has_among_others():
    labels, p, _ = data = sample()
    by = by_of(data)
    assert by.method == PERCENTILE
    scorer = CategoricalScorer.of_rows(labels, p >= 0.5, by.codes)
    expected = percentile_interval(resample({"x": scorer}, by.count, replicates=200)["x"]["tss"])
    row = by.decision(labels, p >= 0.5)["tss"]
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))


def test_the_skill_over_the_threshold_is_that_of_the_decision_there():
    for size in (120, 12):  # percentiles, and the jackknife
        labels, p, _ = data = sample(size)
        by = by_of(data)
        bands = skill_bands(labels, p, by, np.array([0.2, 0.5]))
        row = by.decision(labels, p >= 0.5)["hss"]
        found = [bands["hss"][name][1] for name in ("value", "low", "high")]
        assert found == pytest.approx([row[name] for name in ("value", "low", "high")])
    assert by.method == JACKKNIFE


def test_the_roc_band_holds_its_curve_and_begins_and_ends_in_the_corners():
    labels, p, _ = data = sample()
    band = roc_band(labels, p, by_of(data))
    inner = slice(1, -1)
    assert (band["low"][inner] <= band["tpr"][inner] + 1e-12).all()
    assert (band["tpr"][inner] <= band["high"][inner] + 1e-12).all()
    assert (band["fpr"][0], band["fpr"][-1], band["tpr"][-1]) == (0, 1, 1)
    assert (np.diff(band["tpr"]) >= 0).all()
    perfect = roc_band(labels, labels.astype(float), by_of(data))
    assert perfect["tpr"].tolist() == [1.0] * 101
    nothing = roc_band(labels, p, ByCluster.of(labels, data[2], Sampling(0)))
    assert np.isnan(nothing["low"]).all()
    assert nothing["tpr"].tolist() == band["tpr"].tolist()


def test_bins_of_equal_width_are_those_of_the_curve_and_of_equal_count_are_even():
    labels, p, _ = data = sample()
    by = by_of(data)
    same, found = reliability(labels, p), reliability_bins(labels, p, equal_width_edges(), by)
    for name, values in same.items():
        assert np.allclose(found[name], values, equal_nan=True)
    even = reliability_bins(labels, p, equal_count_edges(p), by)
    assert even["n"].sum() == len(p)
    assert even["n"].max() - even["n"].min() <= 30  # equal probabilities stay together
    assert (even["rate_low"] <= even["event_rate"]).all()
    assert (even["event_rate"] <= even["rate_high"]).all()
    lumped = equal_count_edges(np.array([0.0] * 90 + [0.5] * 10))
    assert lumped.tolist() == [0.0, 0.5, 1.0]
    assert bins_of(np.array([0.0, 0.5, 1.0]), lumped).tolist() == [0, 1, 1]


def test_few_clusters_give_wilsons_interval_of_a_bin_and_one_gives_none():
    labels, p, _ = data = sample(12)
    found = reliability_bins(labels, p, equal_width_edges(), by_of(data))
    known = np.isfinite(found["rate_low"])
    assert known.any()
    assert (found["rate_low"][known] >= 0).all()
    lone = reliability_bins(labels, np.where(data[2] == 0, 0.95, 0.2), equal_width_edges(), by_of(data))
    assert lone["n"][9] > 0
    assert np.isnan(lone["rate_low"][9])


def plain_bars(probability, edges, replicates, rng):
    """Bröcker and Smith as they say it: draw forecasts, let events come, bin again."""
    shares = [[] for _ in edges[1:]]
    for _ in range(replicates):
        drawn = rng.choice(probability, len(probability))
        came = rng.random(len(drawn)) < drawn
        index = bins_of(drawn, edges)
        for k in np.unique(index):
            shares[k].append(came[index == k].mean())
    return np.array([np.quantile(one, [0.05, 0.95]) if one else [np.nan, np.nan] for one in shares]).T


def test_consistency_bars_are_those_of_the_slow_way():
    _, p, _ = sample(40, 15)
    edges = equal_width_edges()
    index = bins_of(p, edges)
    n = np.bincount(index, minlength=10)
    mean = np.bincount(index, p, minlength=10) / np.maximum(n, 1)
    fast, slow = consistency_bars(mean, n, replicates=4000), plain_bars(p, edges, 1500, np.random.default_rng(1))
    many = n >= 20
    assert np.abs(np.array(fast)[:, many] - slow[:, many]).max() < 0.03
    assert np.isnan(consistency_bars(np.array([np.nan, 0.5]), np.array([0, 10]))[0]).tolist() == [True, False]


@settings(max_examples=30)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_the_parts_of_the_brier_score_add_up_for_any_bins(bins, seed):
    labels, p, _ = data = sample(10, 9, seed)
    parts = brier_parts(labels, p, np.linspace(0, 1, bins + 1), by_of(data, Sampling(0)))
    value = {name: row["value"] for name, row in parts.items()}
    total = value["reliability"] - value["resolution"] + value["uncertainty"]
    assert total == pytest.approx(brier_score_loss(labels, p))
    assert value["uncertainty"] == pytest.approx(labels.mean() * (1 - labels.mean()))
    assert value["sharpness"] == pytest.approx(np.var(p))


def test_no_interval_of_a_part_of_the_brier_score_holds_what_cannot_be():
    """Three regions with events and three without: s (1 - s) and the variance are at most 0.25, and are that here."""
    labels = np.repeat([True, False], 12)
    data = labels, labels.astype(float), pd.Series(np.repeat(np.arange(6), [8, 3, 1, 4, 4, 4]), dtype="Int64")
    found = brier_parts(labels, data[1], equal_width_edges(), by_of(data))
    for name in ("uncertainty", "sharpness"):
        assert found[name]["low"] < found[name]["value"] == found[name]["high"] == QUESTIONS[name].highest == 0.25
    assert found["reliability"]["low"] == 0


def test_slices_have_intervals_or_say_why_not():
    labels, p, codes = sample(40, 30)
    time = pd.Series(pd.date_range("2012-12-26", periods=len(labels), freq="15min", tz="UTC"))
    rows = pd.DataFrame({"label": labels.astype(int), "probability": p, "noaa_ar": codes + 11_000, "time": time})
    rows["flare"] = np.where(labels, np.where(p > 0.6, "M1.0", "C3.0"), None)
    found = slices(rows, p >= 0.5, drawn=Drawn(codes, REGION, FAST))
    for row in found["year"]:
        low, high = row["intervals"]["tss"]
        assert low <= row["tss"] <= high
    assert all("intervals" in row and not row["intervals"] for row in found["region"])
    low, high = found["flare_class"][0]["intervals"]["tpr"]
    assert 0 <= low <= found["flare_class"][0]["tpr"] <= high <= 1
    one = pd.Series(np.where(np.arange(len(p)) < len(p) // 2, 1, 2), dtype="Int64")
    few = slices(rows, p >= 0.5, drawn=Drawn(one, REGION, FAST))
    assert {row["note"] for row in few["year"]} == {"too few regions for an interval"}
    assert all("intervals" in row for row in slices(rows, p >= 0.5)["year"])
