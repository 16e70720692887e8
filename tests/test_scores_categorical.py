import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scores.categorical import BasicContingencyManager
from sklearn import metrics
from xarray import DataArray

from flarescope.scores.categorical import categorical_scores, four_scores
from flarescope.scores.contingency import ContingencyTable, count
from flarescope.scores.definitions import CATEGORICAL, PROBABILISTIC

PUBLISHED = ContingencyTable(tp=15822, fn=5720, fp=14787, tn=58428)
"""Boucheron et al. 2023, the test set of the published run (epoch 2)."""

counts = st.integers(0, 10_000)


def scores(tp, fn, fp, tn):
    return ContingencyTable(tp=tp, fn=fn, fp=fp, tn=tn).all_scores()


def same(a, b):
    return (math.isnan(a) and math.isnan(b)) or a == pytest.approx(b, rel=1e-9, abs=1e-9)


def plain_scores(tp, fn, fp, tn):
    """The formulas as the definitions print them, in Python numbers; a second implementation."""
    n = tp + fn + fp + tn
    hits, false = tp / (tp + fn), fp / (fp + tn)
    chance = (tp + fn) * (tp + fp) / n
    ln = math.log
    return {
        "tpr": tp / (tp + fn),
        "tnr": tn / (tn + fp),
        "far": fp / (tp + fp),
        "precision": tp / (tp + fp),
        "accuracy": (tp + tn) / n,
        "bias": (tp + fp) / (tp + fn),
        "csi": tp / (tp + fn + fp),
        "ets": (tp - chance) / (tp + fn + fp - chance),
        "tss": tp / (tp + fn) + tn / (tn + fp) - 1,
        "hss": 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn)),
        "mcc": (tp * tn - fn * fp) / math.sqrt((tp + fn) * (tp + fp) * (tn + fn) * (tn + fp)),
        "f1": 2 * tp / (2 * tp + fn + fp),
        "sedi": (ln(false) - ln(hits) - ln(1 - false) + ln(1 - hits))
        / (ln(false) + ln(hits) + ln(1 - false) + ln(1 - hits)),
        "appleman": 1 - (fn + fp) / min(tp + fn, fp + tn),
    }


def test_published_counts_give_the_published_scores():
    found = PUBLISHED.all_scores()
    assert found["tnr"] == pytest.approx(58428 / (58428 + 14787), rel=1e-12)
    published = {"tpr": 0.73447, "tnr": 0.79803, "tss": 0.53251, "hss": 0.46364}
    assert {name: round(found[name], 5) for name in published} == published
    # To six digits, by hand from the counts: 15822/21542, 58428/73215, their sum - 1, and the HSS fraction.
    exact = {"tpr": 0.734472, "tnr": 0.798033, "tss": 0.532505, "hss": 0.463641}
    assert {name: round(found[name], 6) for name in exact} == exact


def test_the_recipes_four_agree_with_the_library():
    found = PUBLISHED.all_scores()
    assert all(found[name] == pytest.approx(value, rel=1e-12) for name, value in PUBLISHED.scores().items())
    assert list(PUBLISHED.scores()) == ["tpr", "tnr", "tss", "hss"]


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (400,)])
def test_the_library_gives_the_same_bits_when_it_is_used_as_it_says(shape):
    """With its arrays in xarray, which costs it 12 ms a time."""
    tables = np.random.default_rng(0).integers(0, 3 if shape != (400,) else 100_000, (4, *shape)).astype(float)
    tp, fn, fp, tn = tables
    given = {"tp_count": tp, "fn_count": fn, "fp_count": fp, "tn_count": tn, "total_count": tp + fn + fp + tn}
    found = categorical_scores(*tables)
    with np.errstate(divide="ignore", invalid="ignore"):
        manager = BasicContingencyManager({name: DataArray(value) for name, value in given.items()})
        theirs = {name: getattr(manager, one.library)() for name, one in CATEGORICAL.items() if one.library}
    assert len(theirs) == 11
    for name, value in theirs.items():
        expected = np.where(np.isfinite(value.values), value.values, np.nan)
        assert found[name].shape == shape
        assert found[name].tobytes() == expected.tobytes()


def test_every_defined_score_is_computed_and_documented():
    assert list(PUBLISHED.all_scores()) == list(CATEGORICAL)
    for score in (CATEGORICAL | PROBABILISTIC).values():
        assert score.question.rstrip(".)").count("?") == 1 or score.question.endswith("?"), score.title
        assert score.formula
        assert score.undefined
        assert score.reference
        assert score.lowest <= score.perfect <= score.highest


@given(tp=counts, fn=counts, fp=counts, tn=counts)
def test_scores_follow_the_printed_formulas(tp, fn, fp, tn):
    found = scores(tp, fn, fp, tn)
    try:
        expected = plain_scores(tp, fn, fp, tn)
    except (ZeroDivisionError, ValueError):
        return  # the undefined ones have their own test
    assert all(same(found[name], expected[name]) for name in CATEGORICAL)


@given(tp=counts, fn=counts, fp=counts, tn=counts)
def test_scores_stay_in_their_range(tp, fn, fp, tn):
    for name, value in scores(tp, fn, fp, tn).items():
        assert math.isnan(value) or CATEGORICAL[name].lowest - 1e-12 <= value <= CATEGORICAL[name].highest + 1e-12


SWAPPED = {"tpr": "tnr", "tnr": "tpr"} | {
    name: name for name in ("accuracy", "ets", "tss", "hss", "mcc", "sedi", "appleman")
}
"""Which score a score becomes when events and non-events change names. (ETS is HSS / (2 - HSS).)"""


@pytest.mark.parametrize("number", range(1, 200))
def test_one_class_and_one_answer_leave_the_scores_of_both_undefined(number):
    """0/0 stays so whatever the rounding: 49 and 103 once gave a Heidke skill of 1."""
    for found in (scores(0, 0, 0, number), scores(number, 0, 0, 0)):
        assert all(math.isnan(found[name]) for name in ("tss", "hss", "ets", "mcc"))


@given(tp=counts, fn=counts, fp=counts, tn=counts)
def test_swapping_the_classes(tp, fn, fp, tn):
    found, swapped = scores(tp, fn, fp, tn), scores(tn, fp, fn, tp)
    assert all(same(found[name], swapped[other]) for name, other in SWAPPED.items())
    assert same(found["ets"], found["hss"] / (2 - found["hss"]))


@pytest.mark.parametrize("name", sorted(set(CATEGORICAL) - set(SWAPPED)))
def test_the_other_scores_change_when_the_classes_swap(name):
    assert not same(scores(30, 10, 20, 140)[name], scores(140, 20, 10, 30)[name])


@given(tp=counts, fn=counts, fp=counts, tn=counts, factor=st.integers(2, 50))
def test_scaling_all_counts_changes_nothing(tp, fn, fp, tn, factor):
    found, scaled = scores(tp, fn, fp, tn), scores(tp * factor, fn * factor, fp * factor, tn * factor)
    assert all(same(found[name], scaled[name]) for name in CATEGORICAL)


def test_a_perfect_forecast():
    found = scores(40, 0, 0, 160)
    assert math.isnan(found.pop("sedi"))  # ln 0: its perfect value is a limit
    assert found == {name: CATEGORICAL[name].perfect for name in found}
    assert scores(400_000, 1, 1, 1_600_000)["sedi"] == pytest.approx(CATEGORICAL["sedi"].perfect, abs=1e-3)


def test_a_random_forecast_has_no_skill():
    # 200 images, 40 events; "yes" said of a quarter of the events and a quarter of the others.
    found = scores(10, 30, 40, 120)
    for name in ("ets", "tss", "hss", "mcc", "sedi"):
        assert found[name] == pytest.approx(CATEGORICAL[name].no_skill, abs=1e-12), name
    assert found["precision"] == 40 / 200
    assert found["bias"] == 50 / 40


def test_always_no():
    found = scores(0, 40, 0, 160)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {"far", "precision", "mcc", "sedi"}
    assert found["accuracy"] == 160 / 200
    zero = ("tpr", "bias", "csi", "ets", "tss", "hss", "f1", "appleman")
    assert {name: found[name] for name in zero} == dict.fromkeys(zero, 0)


def test_always_yes():
    found = scores(40, 0, 160, 0)
    assert {name for name, value in found.items() if math.isnan(value)} == {"mcc", "sedi"}
    assert (found["tpr"], found["tnr"], found["bias"], found["far"]) == (1, 0, 200 / 40, 160 / 200)
    assert found["tss"] == found["hss"] == found["ets"] == 0
    assert found["appleman"] == 1 - 160 / 40


def test_without_events_or_without_anything():
    # Bias is 10 / 0 here: it has no value, rather than an infinite one that JSON could not hold.
    found = scores(0, 0, 10, 20)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {"tpr", "bias", "tss", "mcc", "sedi", "appleman"}
    assert all(math.isnan(value) for value in scores(0, 0, 0, 0).values())


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=60))
def test_scikit_learn_agrees(pairs):
    labels, yes = (np.array(column) for column in zip(*pairs, strict=True))
    found = count(labels, yes).all_scores()
    if labels.all() or not labels.any() or yes.all() or not yes.any():
        return  # scikit-learn gives 0 where the score is undefined
    expected = {
        "tss": metrics.balanced_accuracy_score(labels, yes, adjusted=True),
        "hss": metrics.cohen_kappa_score(labels, yes),
        "mcc": metrics.matthews_corrcoef(labels, yes),
        "f1": metrics.f1_score(labels, yes),
        "csi": metrics.jaccard_score(labels, yes),
        "accuracy": metrics.accuracy_score(labels, yes),
        "tpr": metrics.recall_score(labels, yes),
        "tnr": metrics.recall_score(~labels, ~yes),
        "precision": metrics.precision_score(labels, yes),
    }
    assert all(same(found[name], value) for name, value in expected.items())


def test_many_tables_at_once_are_each_as_one():
    tables = np.random.default_rng(0).integers(0, 30, (4, 3, 5))
    found = categorical_scores(*tables)
    assert found["tss"].shape == (3, 5)
    for i, j in np.ndindex(3, 5):
        one = scores(*(int(value) for value in tables[:, i, j]))
        assert all(same(float(found[name][i, j]), one[name]) for name in CATEGORICAL)


def test_four_scores_are_those_of_all():
    counts = np.random.default_rng(0).integers(0, 4, (4, 500)).astype(float)
    some, every = four_scores(*counts), categorical_scores(*counts)
    for name, values in some.items():
        assert np.allclose(values, every[name], equal_nan=True)
