import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.region_lists import read_region_lists
from flarescope.catalog.split_remarks import left_out_by_time, split_warnings
from flarescope.catalog.splits import (
    count_splits,
    folds_by_region,
    shared_regions,
    split_by_fold,
    split_by_lists,
    split_by_region,
    split_by_time,
)
from flarescope.errors import InputError
from flarescope.tables import SPLITS
from real_data import REAL_DATA, needs_real_data


def catalogue(regions, flaring=(), hours=1):
    """One image an hour of each region, `hours` of them; those of flaring regions are labelled 1."""
    rows = [(f"{ar}/{hour}.png", ar, hour, int(ar in flaring)) for ar in regions for hour in range(hours)]
    table = pd.DataFrame(rows, columns=["filename", "noaa_ar", "hour", "label"])
    time = pd.Timestamp("2012-01-01", tz="UTC") + pd.to_timedelta(table.pop("hour"), unit="h")
    table["label"] = table["label"].astype("Int8")
    return table.assign(time=time, noaa_ar=table["noaa_ar"].astype("Int32"))


def tables(split):
    return {name: split[split["split"] == name] for name in SPLITS}


def region_counts(split):
    return {name: table["noaa_ar"].nunique() for name, table in tables(split).items()}


@needs_real_data
def test_the_official_lists_split_all_1570_regions():
    lists = read_region_lists(REAL_DATA / "boucheron2023")
    assert {name: len(regions) for name, regions in lists.items()} == {"train": 1256, "validation": 157, "test": 157}
    everything = catalogue([ar for regions in lists.values() for ar in regions] + [13000])
    split = split_by_lists(everything, lists)
    assert region_counts(split) == {"train": 1256, "validation": 157, "test": 157}
    assert split["split"].isna().sum() == 1  # a region of another year is in no list
    without_train = split_by_lists(everything, {name: lists[name] for name in ("validation", "test")})
    assert region_counts(without_train) == {"train": 1257, "validation": 157, "test": 157}


def test_official_lists_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no List_of_AR_in_Validation_Data_by_AR.csv in it"):
        read_region_lists(tmp_path)
    (tmp_path / "List_of_AR_in_Test_data_by_AR.csv").write_text("1121\n")
    (tmp_path / "List_of_AR_in_Validation_Data_by_AR.csv").write_text("1121\n")
    with pytest.raises(
        InputError, match="1 region in both validation and test: 11121; let each region stand in one list"
    ):
        split_by_lists(catalogue([11121]), read_region_lists(tmp_path))


def test_a_random_split_keeps_the_proportions_of_flaring_and_quiet_regions():
    flaring = range(11000, 11400)
    split = split_by_region(catalogue(range(11000, 12570), flaring), seed=3)
    assert region_counts(split) == {"train": 1256, "validation": 157, "test": 157}  # 0.8, 0.1, 0.1 of 1,570
    counts = split[split["label"] == 1].groupby("split")["noaa_ar"].nunique().to_dict()
    assert counts == {"train": 320, "validation": 40, "test": 40}


def test_a_split_by_region_depends_on_the_seed_not_on_the_order_of_rows():
    table = catalogue(range(11000, 11050), range(11000, 11020), hours=3)
    split = split_by_region(table, seed=7)
    shuffled = split_by_region(table.sample(frac=1, random_state=1), seed=7)
    assert (shuffled["split"].sort_index() == split["split"]).all()
    assert (split_by_region(table, seed=8)["split"] != split["split"]).any()


@given(
    regions=st.integers(3, 60),
    flaring=st.integers(0, 60),
    seed=st.integers(0, 2**32),
    fractions=st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.5, 0.0, 0.5)]),
)
def test_no_region_stands_on_both_sides_and_every_row_is_placed(regions, flaring, seed, fractions):
    table = catalogue(range(11000, 11000 + regions), range(11000, 11000 + flaring), hours=2)
    try:
        split = split_by_region(table, fractions=fractions, seed=seed)
    except InputError as error:
        assert "too few" in str(error)  # noqa: PT017
        return
    assert shared_regions(tables(split)) == {}
    assert split["split"].isin(SPLITS).all()
    for name, fraction in zip(SPLITS, fractions, strict=True):
        assert abs(region_counts(split)[name] - fraction * regions) < 1.5


@given(regions=st.integers(5, 60), folds=st.integers(2, 5), seed=st.integers(0, 1000))
def test_folds_are_of_equal_size_and_each_region_is_in_one(regions, folds, seed):
    table = catalogue(range(11000, 11000 + regions), range(11000, 11000 + regions // 3), hours=2)
    fold = folds_by_region(table, folds=folds, seed=seed)
    assert fold.groupby(table["noaa_ar"]).nunique().eq(1).all()
    sizes = table.groupby(fold)["noaa_ar"].nunique()
    assert sizes.max() - sizes.min() <= 1
    flaring = table[table["label"] == 1].groupby(fold)["noaa_ar"].nunique().reindex(range(folds), fill_value=0)
    assert flaring.max() - flaring.min() <= 1


def test_over_all_folds_each_region_tests_once():
    table = catalogue(range(11000, 11020))
    fold = folds_by_region(table, folds=5)
    tested = [split_by_fold(table, fold, test=number) for number in range(5)]
    assert sorted(ar for split in tested for ar in split["noaa_ar"][split["split"] == "test"]) == list(
        range(11000, 11020)
    )
    assert region_counts(tested[4]) == {"train": 12, "validation": 4, "test": 4}
    assert (tested[4]["split"][fold == 0] == "validation").all()


def test_a_split_by_time_leaves_the_gap_out():
    table = catalogue([11000], hours=100)
    start = pd.Timestamp("2012-01-01")
    split = split_by_time(
        table,
        validation_from=start + pd.Timedelta(hours=50),
        test_from=start + pd.Timedelta(hours=80),
        gap_hours=24,
        keep_straddling=True,
    )
    hours = {
        name: rows["time"].dt.tz_localize(None).sub(start) / pd.Timedelta(hours=1)
        for name, rows in tables(split).items()
    }
    assert hours["train"].tolist() == list(range(0, 27))  # hour 26 + 24 h = hour 50
    assert hours["validation"].tolist() == list(range(50, 57))
    assert hours["test"].tolist() == list(range(80, 100))
    assert count_splits(split)["images"].to_dict() == {"train": 27, "validation": 7, "test": 20, "left out": 46}
    of_two = count_splits(split.assign(**{"label_C1.0_24h": 1, "label_M1.0_24h": 0, "label_of_mine": 1}))
    assert of_two.loc["train"].to_dict() == {
        "images": 27,
        "flaring": split["label"][split["split"] == "train"].sum(),
        "flaring C1.0_24h": 27,
        "flaring M1.0_24h": 0,
        "regions": 1,
    }


def test_images_left_out_by_time_are_counted_by_rule():
    times = pd.to_datetime(
        ["2012-01-01", "2012-01-09", "2012-01-10", "2012-01-01", "2012-01-11", "2012-01-20"], utc=True
    )
    regions = [11000, 11001, 11001, 11002, 11002, 11003]  # 11002 crosses the boundary of 10 January
    table = pd.DataFrame({"filename": list("abcdef"), "noaa_ar": regions, "time": times, "label": [1, 0, 1, 0, 1, 1]})
    when = pd.Timestamp("2012-01-10", tz="UTC")
    rules = {"validation_from": when, "test_from": when, "gap_hours": 30}
    placed = split_by_time(table, **rules)
    assert placed["split"].fillna("-").tolist() == ["train", "-", "test", "train", "-", "test"]
    assert left_out_by_time(placed, **rules) == {
        "less than 30 h before a boundary": 1,
        "after a boundary that their region crosses": 1,
    }
    assert split_warnings(placed) == [
        "no image is in the validation set",
        "none of the 2 images of the test set is no event: no skill can be computed of it",
    ]
    quiet = placed.assign(label=0)
    assert (
        split_warnings(quiet)[0] == "none of the 2 images of the training set is an event: nothing is learned from it"
    )


def test_a_region_across_a_boundary_stays_on_its_first_side():
    early, late = catalogue([11000, 11001], hours=100), catalogue([11002], hours=20)
    late["time"] += pd.Timedelta(hours=85)
    table = pd.concat([early, late], ignore_index=True)
    when = pd.Timestamp("2012-01-01") + pd.Timedelta(hours=80)
    split = split_by_time(table, validation_from=when, test_from=when, gap_hours=24)
    assert shared_regions(tables(split)) == {}
    assert region_counts(split) == {"train": 2, "validation": 0, "test": 1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: split_by_region(t, fractions=(0.5, 0.5)), "fractions 0.5, 0.5; expected three"),
        (lambda t: split_by_region(t, fractions=(0.9, 0.2, -0.1)), "expected three from 0 to 1 with the sum 1"),
        (lambda t: split_by_region(t, fractions=(np.nan, 0.5, 0.5)), "expected three from 0 to 1 with the sum 1"),
        (lambda t: split_by_region(t, seed=-1), "seed -1"),
        (lambda t: split_by_region(t.head(1)), "1 region is too few: none is left for validation at 0.1"),
        (lambda t: split_by_region(t.assign(noaa_ar=None)), "carries no region number"),
        (lambda t: folds_by_region(t, folds=1), "1 fold; expected 2 to 100"),
        (lambda t: folds_by_region(t, folds=7), "7 folds of 3 regions"),
        (lambda t: split_by_fold(t, pd.Series([0, 1, 2]), test=3), "test fold 3"),
        (lambda t: split_by_fold(t, pd.Series([0, 1, 2]), test=1, validation=1), "expected two different ones"),
        (
            lambda t: split_by_time(
                t, validation_from=pd.Timestamp("2013-01-01"), test_from=pd.Timestamp("2012-01-01"), gap_hours=24
            ),
            "expected rising times",
        ),
        (
            lambda t: split_by_time(
                t, validation_from=pd.Timestamp("2013-01-01"), test_from=pd.Timestamp("2014-01-01"), gap_hours=24
            ),
            "no image is left for validation",
        ),
    ],
)
def test_a_split_that_cannot_be_made_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message):
        call(catalogue([11000, 11001, 11002]))
