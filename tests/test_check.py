from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.check import PUBLISHED_COUNTS, claimed_split, find_problems
from flarescope.catalog.labels import label_by
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.catalog.noaa_regions import REGION_DTYPES, read_summaries
from flarescope.catalog.region_lists import read_region_lists
from flarescope.catalog.splits import split_by_lists, split_by_region, split_by_time
from flarescope.events import EventDefinition
from flarescope.tables import check_catalogue
from flarescope.times import tai_to_utc
from real_data import REAL_DATA, needs_real_data

RULE = EventDefinition()


def flare_list(regions):
    """Each third region flares on its third day between 05:30 and 05:57 UTC, each at a minute of its own."""
    first = pd.Timestamp("2012-03-03T05:30", tz="UTC")
    rows = [
        {"noaa_ar": ar, "time": first + pd.Timedelta(minutes=ar % 30), "flare": "M1.0"} for ar in regions if ar % 3 == 0
    ]
    edges = (pd.Timestamp("2012-03-01", tz="UTC"), pd.Timestamp("2012-05-01", tz="UTC"))
    return FlareList(flare_frame(rows), (edges,))


def published_name(ar, stamp):
    short = ar - 10000
    return f"{short}/{short}_hmi.M_720s.{stamp:%Y%m%d_%H%M%S}_TAI.1.magnetogram_224.png"


def clean(regions=range(11400, 11430), hours=72, seed=1):
    """Images every six hours for some days, named as in the published set, labelled, split by region."""
    stamps = pd.date_range("2012-03-01 00:12", periods=hours // 6, freq="6h")
    rows = [{"filename": published_name(ar, stamp), "noaa_ar": ar, "time": stamp} for ar in regions for stamp in stamps]
    table = pd.DataFrame(rows)
    table["time"] = tai_to_utc(pd.DatetimeIndex(table["time"]))
    labels = label_by(table, flare_list(regions).table, RULE)
    return split_by_region(check_catalogue(table.join(labels), "made"), seed=seed)


def problems(table, **more):
    return find_problems(table, rule=RULE, flares=flare_list(range(11400, 11430)), **more)


def test_a_clean_split_has_no_finding():
    assert problems(clean()) == []


@given(seed=st.integers(0, 10_000))
def test_no_split_by_region_has_a_finding(seed):
    assert problems(split_by_region(CLEAN, seed=seed)) == []


CLEAN = clean()


def one_of(table, split, flaring=None):
    rows = table[table["split"] == split]
    return rows if flaring is None else rows[rows["label"] == int(flaring)]


def test_a_region_on_both_sides_is_found_with_its_near_copies():
    table = clean()
    region = one_of(table, "test", flaring=False)["noaa_ar"].iloc[0]
    rows = table.index[table["noaa_ar"] == region]
    table.loc[rows[:3], "split"] = "train"
    found = problems(table)
    assert found[0].severity == "error"
    assert found[0].what == "1 region stands in both train and test"
    assert found[0].where == str(region)


def test_images_of_one_region_dealt_at_random_are_near_copies():
    table = clean(hours=72)
    more = table.copy()  # the same regions twelve minutes later
    more["time"] += pd.Timedelta(minutes=12)
    more["filename"] = more["filename"].str.replace("12000_TAI", "13200_TAI").str.replace("1200_TAI", "2400_TAI")
    both = pd.concat([table.assign(split="train"), more.assign(split="test")], ignore_index=True)
    what = [finding.what for finding in problems(both)]
    assert "360 images of test have an image of the same region within an hour in train: near copies" in what


def test_a_flare_on_both_sides_is_found():
    table = clean()
    flaring = one_of(table, "train", flaring=True)
    table.loc[flaring.index[0], "split"] = "validation"
    [finding] = [each for each in problems(table) if "flare labels" in each.what]
    assert finding.what == "1 flare labels images of both train and validation"
    assert finding.where == f"M1.0 of {flaring['noaa_ar'].iloc[0]} at 2012-03-03 05:33"


def test_windows_across_a_split_by_time_are_found_and_a_gap_mends_them():
    table = pd.concat([clean(range(11400, 11410)), clean(range(11410, 11420))], ignore_index=True)
    late = table["noaa_ar"] >= 11410
    shift = pd.Timedelta(days=4)
    table.loc[late, "time"] += shift
    for day in range(3, 0, -1):
        old, new = f".2012030{day}_", f".2012030{day + 4}_"
        table.loc[late, "filename"] = table.loc[late, "filename"].str.replace(old, new, regex=False)
    table["label"] = 0
    table["flare"] = None
    boundary = table["time"][late].min()
    lax = split_by_time(table, validation_from=boundary, test_from=boundary, gap_hours=0)
    strict = split_by_time(table, validation_from=boundary, test_from=boundary, gap_hours=48)
    long_rule = EventDefinition(window_hours=48)
    [finding] = find_problems(lax, rule=long_rule)
    # the last early images are of 03-03 18:12, the boundary is 03-05 00:12: 06:12, 12:12 and 18:12 look beyond it
    assert finding.what == "the label windows of 30 images of train run into the time of test"
    assert finding.advice == "leave a gap of 48 hours between the splits"
    assert find_problems(strict, rule=long_rule) == []


def test_windows_into_the_other_side_of_the_same_region_are_found():
    table = clean()
    region = one_of(table, "train")["noaa_ar"].iloc[0]
    rows = table.index[table["noaa_ar"] == region]
    table.loc[rows[6:], "split"] = "test"
    found = [each for each in problems(table) if "label windows" in each.what]
    # every six hours: from 18, 24 and 30 hours, not from 12, the image at 36 hours is less than 24 h ahead
    assert [each.count for each in found] == [3]


def test_neighbours_on_both_sides_are_a_warning():
    table = clean()
    train, test = one_of(table, "train")["noaa_ar"].iloc[0], one_of(table, "test")["noaa_ar"].iloc[0]
    frame = pd.DataFrame(
        [("2012-03-02", "I", train, 10.0, 5.0), ("2012-03-02", "I", test, 12.0, 9.0)],
        columns=["day", "section", "noaa_ar", "latitude_deg", "longitude_deg"],
    )
    frame["day"] = pd.to_datetime(frame["day"], utc=True)
    summaries = frame.reindex(columns=list(REGION_DTYPES)).astype(REGION_DTYPES)
    [finding] = problems(table, regions=summaries)
    assert finding.severity == "warning"
    assert finding.what.startswith("1 pair of regions in different splits lies within 6 degrees")
    far = summaries.assign(longitude_deg=[5.0, 29.0])
    assert problems(table, regions=far) == []


@needs_real_data
def test_the_published_split_has_neighbours_on_both_sides():
    lists = read_region_lists(REAL_DATA / "boucheron2023")
    summaries, _ = read_summaries([REAL_DATA / "noaa" / "srs_2010_2013.tar.xz"])
    seen = summaries[summaries["section"].isin(["I", "IA"]) & (summaries["longitude_deg"].abs() < 60)]
    listed = seen[seen["noaa_ar"].isin([ar for regions in lists.values() for ar in regions])]
    table = pd.DataFrame(
        {"noaa_ar": listed["noaa_ar"], "time": listed["day"] + pd.Timedelta(hours=6), "label": 0, "flare": None}
    )
    table["filename"] = [f"{number}.png" for number in range(len(table))]
    [finding] = find_problems(split_by_lists(check_catalogue(table, "made"), lists), rule=RULE, regions=summaries)
    assert (finding.severity, finding.count) == ("warning", 27)
    assert finding.what.startswith("11 pairs of regions")


def test_the_same_content_on_both_sides_is_an_error_and_on_one_a_warning():
    table = clean()
    digests = pd.DataFrame({"filename": table["filename"], "digest": [f"{row:04d}" for row in range(len(table))]})
    assert problems(table, digests=digests) == []
    a, b = one_of(table, "train").index[0], one_of(table, "test").index[0]
    digests.loc[b, "digest"] = digests.loc[a, "digest"]
    c, d = one_of(table, "train").index[1:3]
    digests.loc[d, "digest"] = digests.loc[c, "digest"]
    found = problems(table, digests=digests)
    assert [(each.severity, each.count) for each in found] == [("error", 2), ("warning", 2)]
    assert table["filename"][a] in found[0].where
    assert table["filename"][b] in found[0].where


def test_duplicates_are_found():
    table = clean()
    again = pd.concat([table, table.iloc[[0]]], ignore_index=True)
    assert [each.what for each in problems(again)] == ["1 image is named more than once"]
    other = table.iloc[[0]].assign(filename=table["filename"].iloc[0].replace("_224", ""))
    found = problems(pd.concat([table, other], ignore_index=True))
    assert [each.what for each in found] == ["1 image shows a region at a time that another one shows"]


def test_rows_that_no_check_can_place_and_names_that_contradict_their_row_are_found():
    table = clean()
    table.loc[0, "noaa_ar"] = None
    [finding] = problems(table)
    assert (finding.severity, finding.count) == ("warning", 1)
    table = clean()
    table["noaa_ar"] = table["noaa_ar"] + 1000
    found = find_problems(table, rule=RULE)
    assert [each.what for each in found] == [
        "360 images have another region in the file name than in the column noaa_ar"
    ]
    table = clean()
    table["time"] += pd.Timedelta(seconds=34)  # TAI taken for UTC
    found = find_problems(table, rule=RULE)
    assert [each.what for each in found] == ["360 images have another time in the file name than in the column time"]


def test_labels_that_contradict_their_flare_or_the_list_are_found():
    table = clean()
    row = one_of(table, "train", flaring=True).index[0]
    wrong = table.copy()
    wrong.loc[row, "label"] = 0
    assert [each.count for each in find_problems(wrong, rule=RULE)] == [1]
    assert len(problems(wrong)) == 2  # and it does not follow from the list
    higher = find_problems(table, rule=EventDefinition(threshold="X1.0"))
    assert [each.count for each in higher] == [int(table["label"].sum())]
    without = table.assign(flare=None)  # a published CSV has no flare column
    assert find_problems(without, rule=RULE) == []
    unnamed = table.copy()
    unnamed.loc[row, "flare"] = None
    assert [each.count for each in find_problems(unnamed, rule=RULE)] == [1]


def test_counts_other_than_the_published_ones_are_found_only_where_the_table_claims_them():
    table = clean()
    assert problems(table) == []
    what = [each.what for each in problems(table, published=True)]
    assert "test has 36 images; the published set has 94,757" in what
    assert len(what) == 9
    assert all("the published set has" in each for each in what)


def test_the_published_counts_add_up_to_those_of_the_paper():
    images, flaring, regions = (sum(counts) for counts in zip(*PUBLISHED_COUNTS.values(), strict=True))
    assert (images, flaring, regions) == (950_047, 190_582, 1_570)


def test_a_table_claims_to_be_published_by_its_name():
    assert claimed_split(Path("in/Validation_Data_by_AR_png_224.csv")) == "validation"
    assert claimed_split(Path("in/own.csv")) is None
    assert claimed_split(Path("in/Test_Data_by_AR.csv")) is None  # the FITS set: other counts, not at hand


def test_rows_without_a_split_are_not_compared():
    table = clean()
    region = one_of(table, "test", flaring=False)["noaa_ar"].iloc[0]
    rows = table.index[table["noaa_ar"] == region]
    table.loc[rows[:6], "split"] = None
    assert problems(table) == []
    assert problems(table.assign(split=None)) == []


def test_errors_come_before_warnings():
    table = clean()
    table.loc[0, "noaa_ar"] = None
    again = pd.concat([table, table.iloc[[5]]], ignore_index=True)
    assert [each.severity for each in problems(again)] == ["error", "warning"]


@pytest.mark.slow
def test_200_000_images_are_checked():
    stamps = pd.date_range("2012-01-01 00:12", periods=125, freq="12min")
    regions = range(11000, 12600)
    table = pd.DataFrame({"noaa_ar": [ar for ar in regions for _ in stamps], "time": list(stamps) * len(regions)})
    table["filename"] = table["noaa_ar"].astype("str") + "/" + table["time"].dt.strftime("%Y%m%d%H%M").astype("str")
    table["time"] = table["time"].dt.tz_localize("UTC")
    table = split_by_region(check_catalogue(table.assign(label=0), "made"))
    assert find_problems(table, rule=RULE) == []
