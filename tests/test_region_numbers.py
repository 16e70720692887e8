"""Is a region one region, however a table writes its number?"""

import datetime as dt
import shutil

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.boucheron import read_image_list, read_table
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.published import read_region_days
from flarescope.catalog.region_lists import read_region_list
from flarescope.catalog.splits import check_disjoint
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.region_numbers import full_region_number, full_region_numbers
from flarescope.tables import read_forecasts
from real_data import REAL_DATA, needs_real_data

CASE = REAL_DATA / "cases" / "region_numbers"
NUMBERS = pd.array([1158, 11158, 0, -5, -2147483648, None, 9997, 5], "Int32")


def written(path, text):
    path.write_text(text)
    return path


def test_each_row_is_completed_by_its_own_day():
    times = pd.Series(["2011-02-14", "2011-02-14", *[None] * 4, "2002-06-24", "2002-06-24"])
    full = full_region_numbers(pd.Series(NUMBERS), pd.to_datetime(times, utc=True), "t")
    assert full.fillna(0).tolist() == [11158, 11158, 0, 0, 0, 0, 9997, 10005]
    assert full.dtype == "Int32"


@pytest.mark.parametrize(
    ("time", "full"), [("1999-02-14", 8458), ("2002-06-01", 8458), ("2012-02-14", 8458), (None, 8458)]
)
def test_a_number_that_was_given_in_1999_is_taken_for_that_region(time, full):
    found = full_region_numbers(pd.Series([8458], dtype="Int32"), pd.to_datetime(pd.Series([time]), utc=True), "t")
    assert found.tolist() == [full]


@given(
    day=st.dates(dt.date(2003, 6, 1), dt.date(2030, 1, 1)),
    number=st.integers(10_300, 14_900),
)
def test_a_region_of_hmis_time_is_the_same_with_four_digits_and_with_five(day, number):
    assert full_region_number(number % 10_000, day) == number == full_region_number(number, day)


def test_a_number_of_six_digits_is_refused():
    with pytest.raises(InputError, match=r"t: row 2: noaa_ar is 111210; expected NOAA's number of a region, as 11121"):
        full_region_numbers(
            pd.Series([1, 111210], dtype="Int32"), pd.to_datetime(pd.Series([None, None]), utc=True), "t"
        )


TABLES = {
    "catalogue": lambda path, number: read_table(
        written(path, f"filename,class,noaa_ar,time\na.fits,0,{number},2011-02-14T02:00\n")
    )["noaa_ar"],
    "catalogue without times": lambda path, number: read_table(
        written(path, f"filename,class,noaa_ar\na.fits,0,{number}\n")
    )["noaa_ar"],
    "images": lambda path, number: read_image_list(written(path, f"filename,noaa_ar\na.fits,{number}\n"))["noaa_ar"],
    "forecasts": lambda path, number: read_forecasts(
        written(path, f"noaa_ar,time,probability\n{number},2011-02-14T02:00,0.5\n")
    )["noaa_ar"],
    "flares": lambda path, number: read_flares(
        written(path, f"time,flare,noaa_ar\n2011-02-14T02:00,C1.0,{number}\n")
    ).table["noaa_ar"],
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("number", ["1158", "11158", "11158.0", "1158.0", " 1158"])
def test_1158_and_11158_are_one_region_in_every_table(tmp_path, kind, number):
    assert TABLES[kind](tmp_path / "t.csv", number).tolist() == [11158]


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("number", ["0", "0000", "-1", "-2147483648", "", "   ", "NaN", "0.0"])
def test_0_and_less_and_a_blank_are_no_region_in_every_table(tmp_path, kind, number):
    assert TABLES[kind](tmp_path / "t.csv", number).isna().all()


def test_a_parquet_table_is_read_so_too(tmp_path):
    frame = pd.DataFrame({"filename": list("abcdefgh"), "label": 0, "probability": 0.5, "noaa_ar": NUMBERS})
    frame.to_parquet(tmp_path / "t.parquet")
    expected = [11158, 11158, 0, 0, 0, 0, 9997, 10005]
    assert read_table(tmp_path / "t.parquet")["noaa_ar"].fillna(0).tolist() == expected
    assert read_forecasts(tmp_path / "t.parquet")["noaa_ar"].fillna(0).tolist() == expected


def test_lists_of_regions_mean_the_published_sets_four_digits_and_days_decide_where_there_are_some(tmp_path):
    assert read_region_list(written(tmp_path / "l.csv", "1158\n11159\n")) == [11158, 11159]
    days = read_region_days(written(tmp_path / "ARList.txt", "1158,20110211,3\n9990,20020614,3\n11159,20110211,3\n"))
    assert [region for region, _, _ in days] == [11158, 9990, 11159]


def test_the_same_region_written_in_two_ways_is_on_both_sides(tmp_path):
    train = read_table(written(tmp_path / "a.csv", "filename,class,noaa_ar\na.png,0,1158\n"))
    test = read_table(written(tmp_path / "b.csv", "filename,class,noaa_ar\nb.png,0,11158\n"))
    with pytest.raises(InputError, match="1 region in both train and test: 11158"):
        check_disjoint({"train": train, "test": test})


def test_no_region_is_not_one_region(tmp_path):
    train = read_table(written(tmp_path / "a.csv", "filename,class,noaa_ar\na.png,0,0\n"))
    check_disjoint({"train": train, "test": train})


@needs_real_data
def test_the_case_of_region_numbers(tmp_path, capsys):
    shutil.copytree(CASE, tmp_path / "case")
    arguments = ["catalog", "label", tmp_path / "case/t.csv", "--flares", tmp_path / "case/fl.csv"]
    assert main([str(each) for each in [*arguments, "--out", tmp_path / "c.parquet"]]) == 0
    made = pd.read_parquet(tmp_path / "c.parquet")
    assert made[["filename", "noaa_ar", "flare", "label"]].to_numpy().tolist() == [["a.fits", 11158, "X2.2", 1]]
    told = " ".join(capsys.readouterr().out.split())
    assert "without region or time, left out" in told
    assert "2" in told.split("without region or time, left out")[1][:12]
