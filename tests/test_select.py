import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.file_names import region_and_time
from flarescope.catalog.noaa_regions import REGION_DTYPES, read_summaries
from flarescope.catalog.select import Removal, SelectionRules, positions, select_images, thin
from flarescope.errors import InputError
from flarescope.times import tai_to_utc
from real_data import REAL_DATA, needs_real_data


def catalogue(*rows):
    """Rows of region and TAI time."""
    ars, stamps = zip(*rows, strict=True)
    names = [f"{ar}/{number}.fits" for number, ar in enumerate(ars)]
    return pd.DataFrame({"filename": names, "noaa_ar": ars, "time": tai_to_utc(pd.DatetimeIndex(stamps))})


def regions(*rows):
    frame = pd.DataFrame(rows, columns=["day", "section", "noaa_ar", "latitude_deg", "longitude_deg"])
    frame["day"] = pd.to_datetime(frame["day"], utc=True)
    return frame.reindex(columns=list(REGION_DTYPES)).astype(REGION_DTYPES)


def counts(selection):
    return {each.rule: each.removed for each in selection.account}


SUMMARIES = regions(
    ("2012-01-05", "I", 11000, 20.0, -59.0),
    ("2012-01-06", "I", 11000, 20.0, 60.0),
    ("2012-01-06", "II", 11001, 20.0, None),
    ("2012-01-06", "IA", 11002, -60.0, 10.0),
)


def test_the_position_limit_goes_by_whole_days_and_is_strict():
    images = catalogue(
        (11000, "2012-01-05 01:00"), (11000, "2012-01-06 01:00"), (11001, "2012-01-06"), (11002, "2012-01-06 12:00")
    )
    chosen = select_images(images, SelectionRules(max_degrees=60), regions=SUMMARIES)
    assert chosen.table["filename"].tolist() == ["11000/0.fits"]
    assert counts(chosen) == {"not known whether 60 degrees or more": 1, "60 degrees or more": 2}
    kept = select_images(images, SelectionRules(max_degrees=60, unknown="keep"), regions=SUMMARIES)
    assert kept.table["filename"].tolist() == ["11000/0.fits", "11001/2.fits"]
    assert counts(kept) == {"60 degrees or more": 2}


def test_midnight_belongs_to_the_tai_day_under_the_published_rules():
    images = catalogue((11000, "2012-01-06 00:00:00"))  # 23:59:26 UTC of the day before
    assert positions(images, SUMMARIES, "utc")["longitude_deg"].item() == -59
    assert positions(images, SUMMARIES, "ar-flares")["longitude_deg"].item() == 60


@needs_real_data
def test_the_published_position_limit_removes_no_image_of_the_published_set():
    official = pd.read_csv(REAL_DATA / "boucheron2023" / "official_labels_sample.csv", dtype=str)
    table = official.join(region_and_time(official["filename"]))
    table = table[table["time"] < "2014"].reset_index(drop=True)
    summaries, _ = read_summaries([REAL_DATA / "noaa" / "srs_2010_2013.tar.xz"])
    rules = SelectionRules(max_degrees=60, unknown="keep", rules="ar-flares")
    chosen = select_images(table, rules, regions=summaries)
    assert chosen.images == len(chosen.table) == 4592
    assert positions(table, summaries, "ar-flares")["longitude_deg"].isna().sum() == 5
    nearer = select_images(table, SelectionRules(max_degrees=59, unknown="keep", rules="ar-flares"), regions=summaries)
    assert nearer.account[0].removed > 0


def test_each_image_counts_under_the_first_rule_that_it_breaks():
    images = catalogue(*[(11000, f"2012-01-05 {hour:02d}:00") for hour in range(6)])
    scan = pd.DataFrame(
        {"filename": images["filename"], "nan_pixels": [0, 5, 0, 5, 0, None], "quality": [0, 0, 0x400, 0x400, None, 0]}
    )
    rules = SelectionRules(
        first=pd.Timestamp("2012-01-05T00:30"), max_nan_pixels=0, quality_mask=0xFFFFFFFF, cadence_minutes=60
    )
    chosen = select_images(images, rules, scan=scan)
    assert chosen.account == (
        Removal("before 2012-01-05 00:30", 1),
        Removal("not known whether more than 0 NaN pixels", 1),
        Removal("more than 0 NaN pixels", 2),
        Removal("not known whether a QUALITY bit of 0xffffffff set", 1),
        Removal("a QUALITY bit of 0xffffffff set", 1),
        Removal("less than 60 minutes after another", 0),
    )
    assert chosen.table.empty
    assert chosen.images - sum(each.removed for each in chosen.account) == len(chosen.table)


def test_a_quality_mask_looks_at_its_bits_only():
    images = catalogue((11000, "2012-01-05 01:00"), (11000, "2012-01-05 02:00")).assign(quality=[0x10400, 0x10000])
    assert len(select_images(images, SelectionRules(quality_mask=0x400)).table) == 1
    assert len(select_images(images, SelectionRules(quality_mask=0x10000)).table) == 0
    assert len(select_images(images, SelectionRules(quality_mask=0x80000000)).table) == 2
    negative = images.assign(quality=[-(2**31), 0])  # the header's 32 bits read as a signed number
    assert len(select_images(negative, SelectionRules(quality_mask=0x80000000)).table) == 1


def test_dates_include_the_first_instant_and_not_the_last():
    images = catalogue((11000, "2012-01-05 00:00:34"), (11000, "2012-01-06 00:00:34"), (11000, None))
    rules = SelectionRules(first=pd.Timestamp("2012-01-05"), last=pd.Timestamp("2012-01-06", tz="UTC"))
    assert select_images(images, rules).table["filename"].tolist() == ["11000/0.fits"]


def test_one_an_hour_takes_every_fifth_image_of_each_region():
    stamps = pd.date_range("2012-06-30 12:00", periods=100, freq="12min")  # across the leap second of 2012-06-30
    images = catalogue(*[(ar, stamp) for stamp in stamps for ar in (11000, 11001)])
    kept = select_images(images, SelectionRules(cadence_minutes=60)).table
    assert len(kept) == 2 * 100 / 5
    assert kept["noaa_ar"].tolist() == [11000, 11001] * 20
    assert kept["filename"].tolist() == [
        f"{ar}/{10 * hour + ar - 11000}.fits" for hour in range(20) for ar in (11000, 11001)
    ]


@given(
    minutes=st.lists(st.integers(0, 2000), min_size=1, max_size=60),
    cadence=st.integers(1, 300),
    seed=st.integers(0, 100),
)
def test_thinned_images_are_apart_and_each_other_one_is_near_a_kept_one(minutes, cadence, seed):
    rng = np.random.default_rng(seed)
    stamps = pd.Timestamp("2012-01-01") + pd.to_timedelta(minutes, unit="min")
    images = catalogue(*zip(rng.choice([11000, 11001], len(minutes)), stamps, strict=True))
    images.index = rng.permutation(len(images))
    kept = thin(images, cadence)
    for ar in (11000, 11001):
        mine = (images["noaa_ar"] == ar).to_numpy()
        chosen = images["time"][kept & mine].sort_values()
        assert (chosen.diff().dropna() >= pd.Timedelta(minutes=cadence) - pd.Timedelta(seconds=1)).all()
        for time in images["time"][mine & ~kept]:
            assert ((time - chosen >= pd.Timedelta(0)) & (time - chosen < pd.Timedelta(minutes=cadence))).any()


def test_a_rule_without_its_table_says_which_table():
    images = catalogue((11000, "2012-01-05"))
    with pytest.raises(InputError, match="a position limit needs the Solar Region Summaries"):
        select_images(images, SelectionRules(max_degrees=60))
    with pytest.raises(InputError, match="a limit on nan_pixels needs a scan"):
        select_images(images, SelectionRules(max_nan_pixels=0))
    scan = pd.DataFrame({"filename": ["a.fits", "a.fits"], "nan_pixels": [0, 1], "quality": [0, 0]})
    with pytest.raises(InputError, match=r"'a.fits' stands in the scan twice"):
        select_images(images, SelectionRules(max_nan_pixels=0), scan=scan)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"max_degrees": 0}, "position limit of 0 degrees"),
        ({"max_degrees": float("nan")}, "position limit of nan degrees"),
        ({"max_nan_pixels": -1}, "NaN limit of -1 pixels"),
        ({"quality_mask": -1}, "quality mask -1"),
        ({"cadence_minutes": 0}, "cadence of 0 minutes"),
        (
            {"first": pd.Timestamp("2012-01-02"), "last": pd.Timestamp("2012-01-01")},
            "expected the first before the last",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(choice, message):
    with pytest.raises(InputError, match=message):
        SelectionRules(**choice)
