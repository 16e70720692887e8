import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flarescope.scores import jackknife
from flarescope.scores.bootstrap import CategoricalScorer
from flarescope.scores.cases import Case, Sampling, ScoredCases
from flarescope.scores.compare import compare
from flarescope.scores.contingency import count
from flarescope.scores.definitions import CATEGORICAL
from flarescope.scores.jackknife import (
    effective_number,
    interval_method,
    jackknife_interval,
    standard_error,
    without_each,
)
from flarescope.scores.probability import ProbabilityScorer
from flarescope.scores.verify import verify
from flarescope.tables import check_forecasts
from flarescope.wording import interval_words
from unweighted import probability_scores

COVERAGE = Path(__file__).parents[1] / "benchmarks" / "interval_coverage.py"


def sample(regions, *, rows_each=20, seed=0):
    """Every region has events and images without."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(regions), rows_each)
    activity = rng.normal(size=regions)[codes]
    labels = (activity + rng.normal(size=len(codes)) > 0).astype(int)
    labels[::rows_each], labels[1::rows_each] = 0, 1
    frame = pd.DataFrame(
        {
            "filename": [f"{index}.png" for index in range(len(codes))],
            "noaa_ar": 11100 + codes,
            "label": labels,
            "probability": 1 / (1 + np.exp(-activity - rng.normal(size=len(codes)))),
        }
    )
    return check_forecasts(frame, "here")


def test_the_standard_error_of_a_mean_is_the_textbooks():
    # Of the numbers 1, 2, 6: mean 3, sample variance (4 + 1 + 9) / 2 = 7, standard error of the mean sqrt(7 / 3).
    without_one = np.array([(2 + 6) / 2, (1 + 6) / 2, (1 + 2) / 2])
    assert standard_error(without_one) == pytest.approx(np.sqrt(7 / 3))
    found = jackknife_interval(3.0, without_one, freedom=2, bounds=(-np.inf, np.inf))
    # t with 2 degrees of freedom at 97.5 % is 4.303 (any table of Student's t).
    assert (found.low, found.high) == pytest.approx((3 - 4.303 * np.sqrt(7 / 3), 3 + 4.303 * np.sqrt(7 / 3)), abs=1e-3)
    assert (found.low, found.high) == pytest.approx(stats.ttest_1samp([1, 2, 6], 0).confidence_interval(0.95))


def test_leaving_out_by_weights_is_leaving_out_rows(monkeypatch):
    frame = sample(6)
    labels, p = frame["label"].to_numpy(int), frame["probability"].to_numpy()
    codes = frame["noaa_ar"].to_numpy(int) - 11100
    monkeypatch.setattr("flarescope.scores.bootstrap._CELLS", 13)  # pieces of two rows
    scorers = {
        "yes": CategoricalScorer.of_rows(labels, p >= 0.5, codes),
        "p": ProbabilityScorer(labels, p, codes, climatology=0.4),
    }
    found = without_each(scorers, 6)
    for region in range(6):
        kept = codes != region
        plain = count(labels[kept], p[kept] >= 0.5).all_scores()
        assert {name: found["yes"][name][region] for name in plain} == pytest.approx(plain, nan_ok=True)
        plain = probability_scores(labels[kept], p[kept], climatology=0.4)
        assert {name: found["p"][name][region] for name in plain} == pytest.approx(plain, nan_ok=True)


@pytest.mark.parametrize(
    ("regions", "effective", "method"),
    [
        (1, 1, None),
        (2, 2, None),
        (3, 1.1, "jackknife-t"),
        (39, 39, "jackknife-t"),
        (40, 40, "percentile"),
        (157, 39.9, "jackknife-t"),
        (157, 60, "percentile"),
    ],
)
def test_the_method_goes_by_the_number_of_event_regions_and_by_what_they_are_worth(regions, effective, method):
    assert interval_method(regions, effective) == method


@pytest.mark.parametrize(
    ("images", "worth"),
    [([5, 5, 5, 5], 4), ([7], 1), ([0, 3, 3, 0], 2), ([9, 3], 144 / 90), ([100, 1, 1], 102**2 / 10_002)],
)
def test_regions_with_most_of_the_images_are_worth_fewer(images, worth):
    assert effective_number(np.array(images)) == pytest.approx(worth)


def test_few_event_regions_take_the_jackknife_and_say_so():
    found = verify(sample(12), climatology=0.3)
    settings = found["settings"]
    events = sample(12)["label"].astype(int).groupby(sample(12)["noaa_ar"]).sum()
    worth = events.sum() ** 2 / (events**2).sum()
    assert settings["interval_method"] == "jackknife-t"
    assert settings["degrees_of_freedom"] == pytest.approx(worth - 1)
    row = found["decisions"]["argmax"]["scores"]["mcc"]
    middle = (row["low"] + row["high"]) / 2
    assert row["value"] == pytest.approx(middle)
    assert row["undefined"] == 0
    said = " ".join(found["notes"])
    assert f"Only 12 regions have events, worth {worth:.1f} of equal weight, too few to resample" in said
    assert "resampled" not in said
    assert interval_words(settings) == (
        f"by the jackknife over regions, Student's t with {worth - 1:.1f} degrees of freedom"
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_seed_changes_nothing_of_a_jackknife_but_hss_which_is_drawn():
    frame = sample(12)
    first, second = (verify(frame, seed=seed)["decisions"]["argmax"]["scores"] for seed in (0, 1))
    assert {name for name in first if first[name] != second[name]} == {"hss"}


def test_where_events_are_worth_fewer_than_three_regions_hss_has_no_bootstrap_t_and_none_is_told():
    frame = sample(6)
    said = [note for note in verify(frame, replicates=60)["notes"] if "Student's t" in note]
    assert ["HSS one by the bootstrap-t" in note for note in said] == [True]
    first = frame["noaa_ar"] == frame["noaa_ar"].iloc[0]
    rare = (frame.groupby("noaa_ar").cumcount() == 1) & (frame["noaa_ar"] < frame["noaa_ar"].iloc[0] + 3)
    few = verify(frame.assign(label=(first | rare).astype(int)), replicates=60)  # 20, 1 and 1 events: worth 1.2
    said = [note for note in few["notes"] if "Student's t" in note]
    assert ["HSS and the other scores one that is cut" in note for note in said] == [True]


def test_many_event_regions_take_the_percentiles():
    settings = verify(sample(80), replicates=60)["settings"]
    assert (settings["interval_method"], settings["degrees_of_freedom"]) == ("percentile", None)
    assert interval_words(settings) == "from 60 resamplings of whole regions"


@pytest.mark.parametrize(("regions", "said"), [(1, "Only 1 region has events"), (2, "Only 2 regions have events")])
def test_one_or_two_event_regions_give_no_interval_and_say_so(regions, said):
    frame = sample(5)
    frame.loc[frame["noaa_ar"] >= 11100 + regions, "label"] = 0
    found = verify(frame)
    assert found["settings"]["interval_method"] is None
    assert list(found["decisions"]["argmax"]["scores"]["tss"]) == ["value"]
    assert found["decisions"]["argmax"]["image_level"] == {}
    assert found["notes"][-1] == (
        f"{said}: no interval can be made from fewer than 3, and a score without one says little."
    )
    assert interval_words(found["settings"]) == ""
    pair = compare(frame, frame.assign(probability=frame["probability"] ** 2))
    assert pair["settings"]["interval_method"] is None
    assert "low" not in pair["decision"]["tss"]


def test_few_regions_without_events_count_like_few_with():
    frame = sample(50)
    frame.loc[frame["noaa_ar"] >= 11110, "label"] = 1
    found = verify(frame)
    others = (1 - frame["label"].astype(int)).groupby(frame["noaa_ar"]).sum()
    worth = others.sum() ** 2 / (others**2).sum()
    assert found["settings"]["degrees_of_freedom"] == pytest.approx(worth - 1)
    assert worth < 10
    assert "Only 10 regions have rows without an event" in " ".join(found["notes"])


def test_a_score_that_hangs_on_one_region_has_no_interval():
    frame = sample(6)
    frame["probability"] = np.where(frame["noaa_ar"] == 11100, 0.9, 0.1)  # yes is forecast for one region only
    found = verify(frame)
    row = found["decisions"]["argmax"]["scores"]["precision"]
    assert row["value"] is not None
    assert (row["low"], row["high"], row["undefined"]) == (None, None, 1)
    assert "Scores of 'argmax' that hang on a single region and have no interval: far, precision" in " ".join(
        found["notes"]
    )


def test_an_interval_without_width_is_told_of():
    frame = sample(6)
    frame["probability"] = frame["label"] * 0.8 + 0.1
    found = verify(frame)
    scores = found["decisions"]["argmax"]["scores"]
    assert scores["hss"]["low"] == 1
    assert any("that no region changes: " in note and "hss" in note for note in found["notes"])
    # Rates and their difference have a width all the same: six regions that were all right may not be all.
    assert not any("tss" in note or "tpr" in note for note in found["notes"])
    assert 0.2 < scores["tss"]["low"] < scores["tpr"]["low"] < 0.8
    assert scores["tss"]["high"] == 1
    assert any(note.startswith("TPR is 1 and TNR is 1 of 'argmax' in every region: how") for note in found["notes"])
    frame["probability"] = np.linspace(0.1, 0.4, len(frame))  # always no, whatever regions there are
    assert not any("how far off that may be" in note for note in verify(frame)["notes"])
    frame.loc[frame["label"] == 0, "probability"] = np.resize([0.1, 0.6], (frame["label"] == 0).sum())
    assert any(note.startswith("TPR is 0 of 'argmax' in every region") for note in verify(frame)["notes"])


def test_ends_stay_within_the_range_of_a_score_and_of_a_difference():
    frame = sample(3, rows_each=6)
    other = frame.assign(probability=1 - frame["probability"])
    found = verify(frame)["decisions"]["argmax"]["scores"]
    for name, row in found.items():
        if row["low"] is not None:
            assert CATEGORICAL[name].lowest <= row["low"] <= row["high"] <= CATEGORICAL[name].highest, name
    difference = compare(frame, other)["decision"]["tss"]
    assert -2 <= difference["low"] <= difference["high"] <= 2
    assert difference["high"] > 1  # cut at the range of the difference, not at that of the score


def test_a_paired_difference_leaves_out_the_same_region_of_both():
    frame = sample(8)
    labels, codes = frame["label"].to_numpy(int) == 1, frame["noaa_ar"].to_numpy(int) - 11100
    a, b = frame["probability"].to_numpy(), frame["probability"].to_numpy() ** 2
    scored = ScoredCases(
        labels,
        {"a": Case(a, {"d": 0.5}), "b": Case(b, {"d": 0.5})},
        regions=frame["noaa_ar"],
        climatology=None,
        sampling=Sampling(),
    )
    row = scored.differences(("a", "d"), ("b", "d"))["tss"]

    def gap(kept):
        return count(labels[kept], a[kept] >= 0.5).tss - count(labels[kept], b[kept] >= 0.5).tss

    left = np.array([gap(codes != region) for region in range(8)])
    half = stats.t.ppf(0.975, scored.effective_regions - 1) * np.sqrt(7 / 8 * ((left - left.mean()) ** 2).sum())
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - half, row["value"] + half))


def test_what_is_gained_over_a_forecast_without_uncertainty_is_as_uncertain_as_the_forecast():
    found = verify(sample(8), climatology=0.3)
    scores = found["decisions"]["argmax"]["scores"]
    for baseline, tpr in (("always_no", 0), ("climatology", 0)):
        row = found["baselines"][baseline]["decision"]["scores"]
        assert (row["tpr"]["low"], row["tpr"]["high"], row["tss"]["high"]) == (tpr, tpr, 0)
        gained = found["baselines"][baseline]["difference"]["argmax"]
        for name in ("tss", "hss", "tpr"):
            assert (gained[name]["low"], gained[name]["high"]) == (scores[name]["low"], scores[name]["high"]), name
        assert gained["tnr"]["high"] == pytest.approx(scores["tnr"]["high"] - 1)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=30), st.floats(-1, 1))
def test_an_interval_holds_its_value(without_one, value):
    found = jackknife_interval(value, np.array(without_one), freedom=len(without_one) - 1, bounds=(-1, 1))
    assert -1 <= found.low <= value <= found.high <= 1


@pytest.fixture(scope="module")
def coverage():
    spec = importlib.util.spec_from_file_location("interval_coverage", COVERAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_benchmarks_skill_score_is_the_programs(coverage):
    rows = coverage.draw("alike", np.random.default_rng(0), 12)
    weights = np.random.default_rng(1).integers(0, 4, (5, 12)).astype(float)
    ours = ProbabilityScorer(rows.labels, rows.probability, rows.codes, climatology=None)(weights)["bss_sample"]
    assert coverage.SkillScorer.of_rows(rows)(weights)["bss_sample"] == pytest.approx(ours)


@pytest.mark.slow  # 200 samples, each resampled 300 times
def test_the_jackknife_covers_more_than_percentiles_where_few_regions_have_events(coverage):
    found = coverage.coverage("alike", 10, trials=200, replicates=300)
    for score in ("tss", "hss", "bss_sample"):
        assert found[f"percentile {score}"] < found[f"few regions {score}"]
        assert found[f"few regions {score}"] > 0.88  # 0.93 to 0.96 of 1,000 trials
    assert jackknife.FEW_REGIONS == 40
