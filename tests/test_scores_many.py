"""Which of many forecasts are better than which, and does the correction for their number hold?"""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope import Choosing, Comparing, InputError, Verifying, compare_many
from flarescope.cli import main
from flarescope.pipeline.common_rows import common_rows, short_names
from flarescope.pipeline.comparing import choosing_of_each
from flarescope.scores.compare import compare as compare_two
from flarescope.scores.jackknife import JACKKNIFE, PERCENTILE
from flarescope.scores.many import compare_many as many
from flarescope.scores.many import holm, p_value

NAMES = ["a", "b", "c"]


def plain_holm(p):
    """Adjust p-values as Holm's paper says it: step down, and stop being smaller than the one before."""
    adjusted, last = [None] * len(p), 0.0
    for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        last = max(last, (len(p) - step) * p[place])
        adjusted[place] = min(last, 1.0)
    return adjusted


def test_holm_of_a_worked_example():
    # four hypotheses: .005 x 4, .01 x 3, .03 x 2, then .04 x 1, which is not below the one before
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_the_plain_one_and_orders_as_p_does(p):
    adjusted = holm(np.array(p))
    assert adjusted.tolist() == pytest.approx(plain_holm(p))
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_a_comparison_that_could_not_be_made_does_not_count():
    assert holm(np.array([0.01, np.nan, 0.02])).tolist() == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)


def test_p_values_are_counted_or_come_from_students_t():
    drawn = np.array([-1.0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert p_value(3.0, drawn, PERCENTILE, None) == 2 * (1 + 1) / 10
    assert p_value(0.0, np.zeros(9), PERCENTILE, None) == 1
    assert p_value(1.0, np.full(9, 2.0), PERCENTILE, None) == 2 / 10
    assert np.isnan(p_value(1.0, drawn, None, None))
    # t = 1: standard error sqrt((n - 1) var) = value; of one degree of freedom the two tails are 1 / 2
    without = np.array([0.0, 1.0, 2.0])
    assert p_value(float(np.sqrt(2 * without.var())), without, JACKKNIFE, 1.0) == pytest.approx(0.5)
    assert p_value(0.0, np.zeros(3), JACKKNIFE, 5.0) == 1


def tables(regions=50, seed=0):
    """Made forecasts of regions: A sees the chance through little noise, B as A does, C through much."""
    rng = np.random.default_rng(seed)
    region = np.repeat(np.arange(11_000, 11_000 + regions), 6)
    chance = rng.normal(0, 1.5, regions)[region - 11_000]
    rows = pd.DataFrame(
        {
            "noaa_ar": pd.array(region, "Int32"),
            "time": pd.Timestamp("2012-01-01", tz="UTC") + pd.to_timedelta(np.arange(len(region)), unit="h"),
            "label": (rng.uniform(size=len(region)) < 1 / (1 + np.exp(-chance))).astype(int),
        }
    ).astype({"time": "datetime64[us, UTC]"})
    noise = {"a": 0.3, "b": 0.3, "c": 6.0}
    return {
        name: rows.assign(probability=1 / (1 + np.exp(-chance - rng.normal(0, one, len(region)))))
        for name, one in noise.items()
    }


@pytest.fixture(scope="module", params=[50, 120], ids=["jackknife", "resampled"])
def found(request):
    made = tables(request.param)
    found = many(made, thresholds=dict.fromkeys(NAMES, 0.5), replicates=300)
    assert found["settings"]["interval_method"] == (JACKKNIFE if request.param == 50 else PERCENTILE)
    return found | {"made": made}


def test_each_pair_is_compared_as_two_are(found):
    made = found["made"]
    for pair in found["pairs"]:
        two = compare_two(made[pair["a"]], made[pair["b"]], replicates=300)
        for part in ("decision", "probability"):
            for name, row in two[part].items():
                other = pair[part][name]
                assert (row["difference"], row.get("low"), row["better"]) == (
                    other["difference"], other.get("low"), other["better"],
                )  # fmt: skip
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == list(itertools.combinations(NAMES, 2))


def test_the_p_value_agrees_with_the_interval_and_holm_with_all_pairs(found):
    for name in ("tss", "hss"):
        p = [pair["decision"][name]["p"] for pair in found["pairs"]]
        assert [pair["decision"][name]["p_holm"] for pair in found["pairs"]] == pytest.approx(plain_holm(p))
        for pair in found["pairs"]:
            row = pair["decision"][name]
            assert (row["better"] is not None) == (row["p"] < 0.05)
    assert found["pairs"][1]["decision"]["tss"]["better"] == "a"  # much noise is worse


def test_too_few_resamplings_for_so_many_pairs_are_told():
    made = {f"t{number}": table for number, table in enumerate([*tables(120).values()] * 2)}
    few = many(made, thresholds=dict.fromkeys(made, 0.5), replicates=100)
    assert any(
        "of 15 pairs none can be told apart at 0.05 after Holm's correction: take 600" in n for n in few["notes"]
    )


def test_labels_that_differ_are_told_with_the_names():
    made = tables()
    made["b"] = made["b"].assign(label=1 - made["b"]["label"])
    with pytest.raises(InputError, match="a and b: 300 labels differ"):
        many(made, thresholds=dict.fromkeys(NAMES, 0.5), replicates=0)


def test_the_rows_that_all_have_are_compared_and_each_ones_own_beside(tmp_path, capsys):
    made = tables()
    paths = []
    for number, (name, table) in enumerate(made.items()):
        paths.append(tmp_path / f"{name}.csv")
        table.iloc[number * 20 :].sample(frac=1, random_state=1).to_csv(paths[-1], index=False)
    assert main(["compare", *map(str, paths), "--replicates", "100", "--json", "--threshold", "0.4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 260
    assert {name: one["n"] for name, one in found["own"].items()} == {"a": 300, "b": 280}
    assert found["settings"]["thresholds"] == dict.fromkeys(NAMES, 0.4)
    common = {name: table.iloc[40:] for name, table in made.items()}
    plain = many(common, thresholds=dict.fromkeys(NAMES, 0.4), replicates=100)
    assert found["tables"]["c"]["decision"]["tss"]["value"] == plain["tables"]["c"]["decision"]["tss"]["value"]
    assert main(["compare", *map(str, paths), "--replicates", "0", "--score", "hss"]) == 0
    shown = capsys.readouterr()
    assert "260 forecasts that all have" in shown.out
    assert "each on all rows of its own" in shown.out
    assert "differences in HSS, row minus column" in shown.out
    assert "left out are 40 of a, 20 of b" in shown.err


def test_thresholds_of_each_are_chosen_on_rows_of_its_own(tmp_path):
    first, second = tables(seed=1), tables(seed=2)
    for name in NAMES:
        first[name].to_csv(tmp_path / f"{name}_before.csv", index=False)
        later = second[name].assign(time=second[name]["time"] + pd.Timedelta(days=400))
        later.to_csv(tmp_path / f"{name}.csv", index=False)
    found = compare_many(
        [tmp_path / f"{name}.csv" for name in NAMES],
        how=Comparing(
            choosing=Choosing("tss", "platt"),
            choose_on=tuple(str(tmp_path / f"{name}_before.csv") for name in NAMES),
            verifying=Verifying(replicates=0),
        ),
    )
    assert found["settings"]["calibrated"] == dict.fromkeys(NAMES, True)
    assert len(set(found["settings"]["thresholds"].values())) == 3
    with pytest.raises(InputError, match="--choose-on is given 2 times for 3 forecasts"):
        choosing_of_each(NAMES, Choosing("tss"), ["x.csv", "y.csv"])


def test_names_are_as_short_as_they_can_be():
    assert short_names(["x/vgg.csv", "y/runs/png", "f.parquet#mcintosh"]) == ["vgg", "png", "f#mcintosh"]
    assert short_names(["2014/vgg.csv", "2015/vgg.csv"]) == ["2014/vgg", "2015/vgg"]
    with pytest.raises(InputError, match=r"a\.csv is given twice"):
        short_names(["a.csv", "a.csv"])


def test_tables_without_a_common_row_are_refused():
    made = tables()
    other = made["b"].assign(noaa_ar=made["b"]["noaa_ar"] + 1000)
    columns = {"filename": None, "split": None}
    with pytest.raises(InputError, match="no row stands in each of a, b"):
        common_rows({"a": made["a"].assign(**columns), "b": other.assign(**columns)})
