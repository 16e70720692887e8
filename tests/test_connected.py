"""Does a patch of several regions have the flares of all of them, and do all of them stay on one side of a split?"""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fakes import use_fake_network, write_set
from flarescope.catalog.boucheron import read_table
from flarescope.catalog.check import find_problems
from flarescope.catalog.labels import label_by, label_catalogue
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.catalog.splits import (
    check_disjoint,
    count_splits,
    folds_by_region,
    shared_regions,
    split_by_fold,
    split_by_lists,
    split_by_region,
    split_by_time,
)
from flarescope.cli import main
from flarescope.connected import all_regions, connected_regions, region_groups, shown_regions
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.images.scan import scan_file
from flarescope.region_numbers import complete_regions, regions_text
from flarescope.tables import SPLITS, check_catalogue
from real_data import REAL_DATA, needs_real_data

PATCHES = REAL_DATA / "hmi" / "march2012_11harps_6hourly"
RULE = EventDefinition()


def run(*arguments):
    return main([str(argument) for argument in arguments])


def table(*rows, **more):
    """Images of `(noaa_ar, noaa_ars, time, label)`, in order."""
    frame = pd.DataFrame(rows, columns=["noaa_ar", "noaa_ars", "time", "label"])
    names = [f"{number}.png" for number in range(len(frame))]
    return check_catalogue(frame.assign(filename=names, **more), "made")


def listed(*flares):
    rows = [{"noaa_ar": region, "time": pd.Timestamp(peak, tz="UTC"), "flare": flare} for region, peak, flare in flares]
    return FlareList(flare_frame(rows), ((pd.Timestamp("2012-01-01", tz="UTC"), pd.Timestamp("2013-01-01", tz="UTC")),))


PATCH = table(
    (11429, "11429,11430", "2012-03-06T14:24", 0),
    (11430, "11429,11430", "2012-03-06T14:24", 0),
    (11429, None, "2012-03-06T14:24", 0),
    (11428, "", "2012-03-06T14:24", 0),
    (None, "11431,11432", "2012-03-06T14:24", 0),
    (0, "0", "2012-03-06T14:24", 0),
)


def test_the_regions_of_a_patch_have_full_numbers_and_the_principal_one_first():
    assert PATCH["noaa_ar"].fillna(0).tolist() == [11429, 11430, 11429, 11428, 11431, 0]
    assert PATCH["noaa_ars"].fillna("-").tolist() == ["11429,11430", "11430,11429", "-", "-", "11431,11432", "-"]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("11429,11430", "11429,11430"),
        ("1429 1430", "11429,11430"),
        ("11430, 11429", "11429,11430"),
        ("11430.0", "11429,11430"),
        ("11429", "-"),
        ("0", "-"),
        (" ", "-"),
        ("11429,-2147", "-"),
        (",11430,", "11429,11430"),
    ],
)
def test_a_list_of_regions_is_read_in_any_form(text, whole):
    assert table((11429, text, "2012-03-06T14:24", 0))["noaa_ars"].fillna("-").tolist() == [whole]


def test_a_list_of_regions_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"made: row 2: noaa_ars is 'none, AR7'; expected region numbers with commas"):
        table((11429, None, None, 0), (11429, "none, AR7", None, 0))


def test_tables_of_text_keep_the_regions_of_a_patch(tmp_path):
    (tmp_path / "t.csv").write_text('filename,class,noaa_ar,noaa_ars\na.fits,0,1429,"11429,11430"\nb.fits,0,11431,\n')
    assert read_table(tmp_path / "t.csv")["noaa_ars"].fillna("-").tolist() == ["11429,11430", "-"]


FLARES = listed(
    (11430, "2012-03-06T15:00", "X1.0"),
    (11429, "2012-03-06T16:00", "M2.0"),
    (11429, "2012-03-07T16:00", "X5.4"),
    (11432, "2012-03-06T20:00", "C3.0"),
)


def test_a_patch_is_labelled_by_the_largest_flare_of_all_its_regions():
    labels = label_by(PATCH, FLARES.table, RULE)
    assert labels["flare"].fillna("-").tolist() == ["X1.0", "X1.0", "M2.0", "-", "C3.0", "-"]
    assert labels["label"].tolist() == [1, 1, 1, 0, 1, 0]


def test_a_patch_is_labelled_by_its_principal_region_where_that_is_asked_for():
    labelled = label_catalogue(PATCH, FLARES, RULE, regions="principal")
    assert labelled.table["flare"].fillna("-").tolist() == ["M2.0", "X1.0", "M2.0", "-", "-"]
    assert labelled.table["principal_only"].tolist() == [1, 1, 0, 0, 1]
    assert labelled.table["noaa_ars"].fillna("-").tolist() == ["11429,11430", "11430,11429", "-", "-", "11431,11432"]
    assert labelled.account["of several regions, labelled by the principal one"] == 3
    pd.testing.assert_series_equal(label_by(labelled.table, FLARES.table, RULE)["label"], labelled.table["label"])
    again = label_catalogue(labelled.table, FLARES, RULE)
    assert again.table["flare"].fillna("-").tolist() == ["X1.0", "X1.0", "M2.0", "-", "C3.0"]
    assert "principal_only" not in again.table
    with pytest.raises(InputError, match="--regions both: expected all or principal"):
        label_catalogue(PATCH, FLARES, RULE, regions="both")


def test_regions_are_connected_by_chains_of_patches():
    images = table(
        (11000, "11000,11001", None, 0),
        (11002, "11002,11001", None, 0),
        (11005, "11005,11004,11003", None, 0),
        (11009, None, None, 0),
        (11001, None, None, 0),
        (None, None, None, 0),
    )
    first, second = dict.fromkeys([11000, 11001, 11002], 11000), dict.fromkeys([11003, 11004, 11005], 11003)
    assert connected_regions([images]) == first | second
    assert region_groups(images).fillna(0).tolist() == [11000, 11000, 11003, 11009, 11000, 0]
    assert all_regions(images) == [11000, 11001, 11002, 11003, 11004, 11005, 11009]


GRAPHS = st.lists(st.lists(st.integers(11000, 11012), min_size=1, max_size=3, unique=True), min_size=1, max_size=12)


@given(patches=GRAPHS)
def test_connected_regions_are_those_of_a_plain_search(patches):
    images = table(*[(patch[0], regions_text(patch), None, 0) for patch in patches])
    groups = {region: {region} for patch in patches for region in patch}
    for _ in patches:
        for patch in patches:
            joined = set().union(*(groups[region] for region in patch))
            groups.update({region: joined for region in joined})
    found = connected_regions([images])
    assert {region: found.get(region, region) for region in groups} == {
        region: min(members) for region, members in groups.items()
    }


def sides_of(placed):
    """What is on each side: regions that some image there shows."""
    sides = {name: set() for name in SPLITS}
    for principal, text, split in placed[["noaa_ar", "noaa_ars", "split"]].astype(object).itertuples(index=False):
        if split in sides:
            sides[split] |= {int(principal), *(map(int, text.split(",")) if isinstance(text, str) else ())}
    return sides


def assert_no_group_is_parted(placed):
    groups = region_groups(placed)
    known = placed["split"].notna()
    assert placed[known].groupby(groups[known])["split"].nunique().max() <= 1
    held = sides_of(placed)
    for first, second in combinations(SPLITS, 2):
        assert not held[first] & held[second]


def many(patches, labels=None):
    start = pd.Timestamp("2012-03-01", tz="UTC")
    days = [start + pd.Timedelta(days=day) for day in range(len(patches))]
    chosen = [int(bool(labels) and labels[day % len(labels)]) for day in range(len(patches))]
    rows = [(patch[0], regions_text(patch)) for patch in patches]
    return table(*((*row, day, label) for row, day, label in zip(rows, days, chosen, strict=True)))


@given(patches=GRAPHS, seed=st.integers(0, 99), labels=st.lists(st.booleans(), min_size=1, max_size=5))
def test_no_way_of_splitting_parts_connected_regions(patches, seed, labels):
    plain = [[region] for region in range(11020, 11030)]  # so that there are enough for every split
    images = many([*patches, *plain, *reversed(patches)], labels)
    assert_no_group_is_parted(split_by_region(images, fractions=(0.5, 0.25, 0.25), seed=seed))
    fold = folds_by_region(images, folds=4, seed=seed)
    assert_no_group_is_parted(split_by_fold(images, fold, test=seed % 4))
    lists = {"test": [11000, 11004, 11021], "validation": [11001, 11005, 11022]}
    assert_no_group_is_parted(split_by_lists(images, lists))
    assert_no_group_is_parted(split_by_lists(images, {**lists, "train": [11002, 11003, 11020]}))
    times = images["time"].sort_values()
    early, late = times.iloc[len(times) // 3], times.iloc[2 * len(times) // 3]
    try:
        placed = split_by_time(images, validation_from=early, test_from=late, gap_hours=0)
    except InputError:
        return  # so much crosses the boundaries that a split is empty
    assert_no_group_is_parted(placed)


def test_the_split_of_single_regions_is_what_it_was(tmp_path):
    images = many([[region] for region in range(11000, 11040)], [True, False, False])
    with_column = split_by_region(images, seed=3)
    without = split_by_region(images.drop(columns="noaa_ars"), seed=3)
    assert with_column["split"].tolist() == without["split"].tolist()
    # as the version before connected regions dealt them
    assert "".join(split[1] for split in without["split"][:12]) == "rererrararrr"


def test_connected_regions_count_as_many_as_they_are():
    pairs = [[region, region + 1] for region in range(11000, 11100, 2)]
    counts = count_splits(split_by_region(many(pairs), fractions=(0.6, 0.2, 0.2)))["images"]
    assert counts.tolist() == [30, 10, 10, 0]


def test_images_of_regions_that_the_lists_part_are_left_out():
    images = many([[11429, 11430], [11429], [11430], [11431], [11432, 11433], [11434]])
    placed = split_by_lists(images, {"train": [11429, 11432], "validation": [11434], "test": [11430, 11431]})
    assert placed["split"].fillna("-").tolist() == ["-", "-", "-", "test", "train", "validation"]


def test_a_further_region_on_the_other_side_is_a_leak():
    train = table((11429, "11429,11430", None, 0))
    test = table((11430, None, None, 0), (11431, None, None, 0))
    assert shared_regions({"train": train, "test": test}) == {("train", "test"): [11430]}
    with pytest.raises(InputError, match="1 region in both train and test: 11430; split by region"):
        check_disjoint({"train": train, "test": test})
    # of a run only the list of its regions is known
    with pytest.raises(InputError, match="1 region in both the run and test: 11430"):
        check_disjoint({"the run": pd.DataFrame({"noaa_ar": all_regions(train)}), "test": test})


def test_regions_that_a_third_table_joins_are_a_leak():
    tables = {"train": table((11429, None, None, 0)), "test": table((11430, None, None, 0))}
    check_disjoint(tables)
    tables["validation"] = table((11429, "11429,11430", None, 0))
    assert shared_regions(tables) == {
        ("train", "test"): [11429, 11430],
        ("train", "validation"): [11429],
        ("test", "validation"): [11430],
    }
    with pytest.raises(InputError, match=r"2 regions .*: 11429, 11430 \(one image shows two of them\)"):
        check_disjoint(tables)


def test_the_check_finds_a_patch_that_shows_a_region_of_the_other_side():
    images = table(
        (11429, "11429,11430", "2012-03-06T14:24", 1),
        (11430, None, "2012-03-06T14:36", 1),
        split=["train", "test"],
    )
    found = find_problems(images, rule=RULE, flares=listed((11430, "2012-03-06T15:00", "X1.0")))
    what = [each.what for each in found]
    assert what[0] == "1 region stands in both train and test"
    assert "1 image of test has an image of the same region within an hour in train: near copies" in what
    assert "1 flare labels images of both train and test" in what
    assert not any("do not follow" in each for each in what)


def test_one_flare_under_two_regions_on_both_sides_is_found():
    images = table(
        (11429, None, "2012-03-06T14:24", 1),
        (11999, None, "2012-03-06T14:36", 1),
        (11998, None, "2012-03-06T14:36", 0),
        split=["train", "test", "test"],
    )
    flares = listed((11429, "2012-03-06T15:00", "X1.0"), (11999, "2012-03-06T15:01", "X1.1"))
    [finding] = [each for each in find_problems(images, rule=RULE, flares=flares) if "under two" in each.what]
    assert finding.what == "1 flare is listed under two regions and labels images of both train and test"
    assert finding.where == "X1.0 of 11429 and 11999 at 2012-03-06 15:00"
    assert (finding.severity, finding.count) == ("error", 1)
    for apart in ((11429, "2012-03-06T15:00", "X1.0"), (11999, "2012-03-06T15:03", "X1.0")), flares.table.iloc[:1]:
        other = listed(*apart) if isinstance(apart, tuple) else FlareList(apart, flares.covered)
        found = find_problems(images, rule=RULE, flares=other)
        assert not any("under two" in each.what for each in found)
    together = images.assign(split=["train", "train", "test"])
    assert not any("under two" in each.what for each in find_problems(together, rule=RULE, flares=flares))


def test_a_png_says_which_regions_it_shows(tmp_path):
    texts = PngImagePlugin.PngInfo()
    for key, value in {"NOAA_AR": "11427", "NOAA_ARS": "11424,11427", "T_REC": "2012.03.06_20:24:00_TAI"}.items():
        texts.add_text(key, value)
    pixels = np.random.default_rng(0).normal(128, 30, (64, 64)).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", pnginfo=texts)
    found = scan_file(str(tmp_path / "a.png"))
    assert (found["noaa_ar"], found["noaa_ars"]) == (11427, "11427,11424")


def test_200_000_images_are_grouped():
    numbers = np.repeat(np.arange(11000, 12000), 200)
    images = pd.DataFrame({"noaa_ar": pd.array(numbers, "Int32"), "noaa_ars": None, "time": pd.NaT})
    images["noaa_ars"] = images["noaa_ars"].astype("str")
    images.loc[::7, "noaa_ars"] = [f"{number},{number + 1}" for number in numbers[::7]]
    images["time"] = pd.to_datetime(images["time"], utc=True)
    completed = complete_regions(images, "made")
    assert region_groups(completed).eq(11000).all()
    assert len(shown_regions(completed)[0]) == 200_000 + len(numbers[::7])


# The commands


@needs_real_data
@pytest.mark.parametrize("regions", ["all", "principal"])
def test_real_patches_are_labelled_by_all_their_regions_or_by_the_principal_one(tmp_path, capsys, regions):
    flares = tmp_path / "f.csv"
    flares.write_text(
        "time,flare,noaa_ar,satellite\n2012-03-06T00:10,B1.0,11429,G15\n2012-03-06T15:00,M1.0,11430,G15\n"
        "2012-03-06T21:00,C1.0,11424,G15\n2012-03-09T00:00,B1.0,11429,G15\n"
    )
    out = tmp_path / "out" / "c.parquet"
    label = ["catalog", "label", PATCHES, "--flares", flares, "--out", out, "--workers", 1, "--regions", regions]
    assert run(*label) == 0
    made = pd.read_parquet(out)
    first = made[made["time"].dt.strftime("%d%H") == "0614"]
    told = first.set_index("noaa_ar").loc[11429]
    assert told["noaa_ars"] == "11429,11430"
    assert told["flare"] == ("M1.0" if regions == "all" else None) or (
        regions == "principal" and pd.isna(told["flare"])
    )
    other = made.set_index("noaa_ar").loc[11427]
    assert other["noaa_ars"] == "11427,11424"
    assert other["label"] == int(regions == "all")
    assert "11428" not in made["noaa_ars"].fillna("").str.cat()
    assert ("principal_only" in made) == (regions == "principal")
    capsys.readouterr()
    assert run(*label[:-2]) == 0  # the scan beside the catalogue serves again
    assert "0 images read, 32 known" in capsys.readouterr().err


def patch_set(tmp_path, monkeypatch, further):
    """Write a set of four regions whose images show `further` regions too, and train on it."""
    use_fake_network(monkeypatch)
    data = write_set(tmp_path / "set", regions={"train": [1121, 1122], "validation": [1131], "test": [1141]})
    tables = {}
    for split in SPLITS:
        rows = read_table(data[split])
        rows["noaa_ars"] = rows["noaa_ar"].map(lambda region: regions_text([region, *further.get(region, ())]))
        rows.to_parquet(tmp_path / f"{split}.parquet")
        tables[split] = tmp_path / f"{split}.parquet"
    train = ["train", "--train", tables["train"], "--validation", tables["validation"], "--images", data["images"]]
    return (
        tables,
        data,
        [*train, "--out", tmp_path / "run", "--backbone", "random", "--batch", 8, "--epochs", 1, "--quiet"],
    )


def test_training_refuses_regions_that_a_patch_joins(tmp_path, monkeypatch, capsys):
    _, _, train = patch_set(tmp_path, monkeypatch, {11131: [11122]})
    assert run(*train) == 2
    assert "1 region in both train and validation: 11122" in capsys.readouterr().err


def test_a_run_knows_every_region_that_its_images_showed(tmp_path, monkeypatch, capsys):
    tables, data, train = patch_set(tmp_path, monkeypatch, {11121: [11199], 11141: [11199], 11131: [11132]})
    assert run(*train) == 0
    assert json.loads((tmp_path / "run/run.json").read_text())["data"]["train"]["regions"] == [11121, 11122, 11199]
    evaluate = ["evaluate", tmp_path / "run", "--table", tables["test"], "--images", data["images"], "--quiet"]
    assert run(*evaluate) == 2
    assert "1 region in both the training set of the model and the test table: 11199" in capsys.readouterr().err
