from datetime import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.boucheron import (
    CSV_NAMES,
    assign_splits,
    published_csv_name,
    read_labels,
    read_table,
    region_and_time,
    require_regions,
    write_published_csv,
)
from flarescope.catalog.published import write_ar_list, write_event_list, write_labels, write_region_list
from flarescope.catalog.region_lists import read_region_list
from flarescope.catalog.splits import check_disjoint, count_splits, shared_regions
from flarescope.catalog.table_event import event_of_name
from flarescope.errors import InputError
from flarescope.events import PUBLISHED, EventDefinition
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.catalogues.catalogue import build_catalogue
from flarescope.tables import SPLITS
from flarescope.times import tai_to_utc
from real_data import REAL_DATA, needs_real_data

PNG = "1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png"
FITS = "1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram.fits"


def written(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", [PNG, FITS, PNG.split("/")[1], PNG.replace("1121", "11121")])
def test_region_and_time_of_a_published_name(name):
    row = region_and_time(pd.Series([name])).iloc[0]
    assert row["noaa_ar"] == 11121
    assert row["time"] == pd.Timestamp("2010-11-10T05:35:26Z")  # 05:36:00 TAI, 34 s before it in UTC


@pytest.mark.parametrize("name", ["image.png", "121/12_hmi.png", "1121_hmi/other.png", "x_20101399_053600_TAI.png"])
def test_a_name_that_does_not_carry_them(name):
    row = region_and_time(pd.Series([name])).iloc[0]
    assert row.isna().all()


def test_a_patch_of_hmi_carries_the_time_only():
    row = region_and_time(pd.Series(["x/hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"])).iloc[0]
    assert pd.isna(row["noaa_ar"])
    assert row["time"] == pd.Timestamp("2011-02-13T04:59:26Z")


def test_five_digits_after_region_9999():
    assert region_and_time(pd.Series(["3000/3000_hmi.a.png", "13664_hmi.b.png"]))["noaa_ar"].tolist() == [13000, 13664]


@needs_real_data
def test_all_official_names_carry_region_and_time():
    names = pd.read_csv(REAL_DATA / "boucheron2023" / "official_labels_sample.csv")["filename"]
    found = region_and_time(names)
    assert found.notna().all().all()
    train = set(read_region_list(REAL_DATA / "boucheron2023" / "List_of_AR_in_Train_Data_by_AR.csv"))
    assert set(found["noaa_ar"]) <= train


@needs_real_data
def test_official_region_lists():
    lists = {
        name: read_region_list(REAL_DATA / "boucheron2023" / f"List_of_AR_in_{name}_by_AR.csv")
        for name in ("Train_Data", "Validation_data", "Test_Data")
    }
    assert {name: len(regions) for name, regions in lists.items()} == {
        "Train_Data": 1256,
        "Validation_data": 157,
        "Test_Data": 157,
    }
    tables = {name: pd.DataFrame({"noaa_ar": regions}) for name, regions in lists.items()}
    check_disjoint(tables)
    assert all(11063 < region < 12735 for regions in lists.values() for region in regions)


def test_published_csv_round_trip(tmp_path):
    path = written(tmp_path / "t.csv", f"filename,class\n{PNG},1\n{PNG.replace('0536', '0548')},0\n")
    table = read_table(path)
    assert table["label"].tolist() == [1, 0]
    write_published_csv(table, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text() == path.read_text()


def test_catalogue_as_csv_and_as_parquet_read_the_same(tmp_path):
    table = read_table(written(tmp_path / "t.csv", f"filename,class\n{PNG},1\n"))
    table = table.assign(split="test", flare="C1.1")
    write_parquet(table, tmp_path / "c.parquet")
    table.to_csv(tmp_path / "c.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "c.parquet"), table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "c.csv"), table)


def test_split_and_limit(tmp_path):
    names = [f"1121/1121_hmi.M_720s.20101110_05{minute}00_TAI.png" for minute in (12, 24, 36, 48)]
    table = pd.DataFrame({"filename": names, "label": [0, 1, 0, 1], "split": ["train", "test", "train", "train"]})
    write_parquet(table, tmp_path / "c.parquet")
    some = read_table(tmp_path / "c.parquet", split="train", limit=2)["filename"].tolist()
    assert len(some) == 2
    assert some == [name for name in (names[0], names[2], names[3]) if name in some]  # train rows, in their order
    assert read_table(tmp_path / "c.parquet", split="train", limit=2)["filename"].tolist() == some
    with pytest.raises(InputError, match="no row of split 'validation'"):
        read_table(tmp_path / "c.parquet", split="validation")
    with pytest.raises(InputError, match="--limit 0"):
        read_table(tmp_path / "c.parquet", limit=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("filename,class\n", "no rows"),
        ("filename,label2\na.png,1\n", "no column class"),
        ("name,class\na.png,1\n", "no column filename"),
        ("filename,class\na.png,2\n", "row 1: class is 2"),
        ("filename,class\na.png,yes\n", "row 1: class is yes"),
        ("filename,class\na.png,\n", "row 1: class is"),
        ("filename,class\na.png,1\na.png,0\n", "more than once"),
        ("filename,class\n/data/a.png,1\n", "absolute"),
        ("filename,class\n../a.png,1\n", "leaves the image root"),
        ("filename,class\na.png,1,2\nb.png,1\n", "its header names 2 columns and its rows have 3 fields"),
        ("just some words\n", "no header filename,class"),
        ("PK\x03\x04\x00\n", "no header filename,class"),
    ],
)
def test_bad_tables_are_told_in_one_line(tmp_path, text, message):
    path = written(tmp_path / "bad.csv", text)
    with pytest.raises(InputError) as error:
        read_table(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_table(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_rows_without_a_region_cannot_be_split(tmp_path):
    table = read_table(written(tmp_path / "t.csv", "filename,class\nimage.png,1\n"))
    with pytest.raises(InputError, match=r"t\.csv: 'image\.png' carries no region number"):
        require_regions({"t.csv": table})


def test_labels_file(tmp_path):
    path = written(tmp_path / "l.txt", f"{PNG.split('/')[1]},C4.7\n{FITS.split('/')[1]},0\n")
    table = read_labels(path)
    assert table["filename"].tolist() == [PNG, FITS]
    assert table["label"].tolist() == [1, 0]
    assert table["flare"].iloc[0] == "C4.7"
    assert pd.isna(table["flare"].iloc[1])
    pd.testing.assert_frame_equal(read_table(path), table)
    write_labels(table, tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text() == path.read_text()


@pytest.mark.parametrize(
    ("line", "message"), [("a.png,C4", "does not begin"), ("1121_hmi.png,Z", "label 'Z'"), ("a", "1 col")]
)
def test_bad_labels_file(tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        read_labels(written(tmp_path / "l.txt", f"{line}\n"))


@pytest.mark.parametrize(("text", "message"), [("", "no region"), ("1121\nabc\n", "line 2: 'abc'"), ("99\n", "line 1")])
def test_bad_region_list(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_region_list(written(tmp_path / "r.csv", text))


def test_build_as_the_published_tables_were_made(tmp_path):
    names = [f"{ar}_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png" for ar in (1121, 1122, 1123, 1124)]
    labels = written(
        tmp_path / "C1.0_24hr_224_png_Labels.txt",
        "".join(f"{n},{c}\n" for n, c in zip(names, "0 C1.0 M2.5 0".split(), strict=True)),
    )
    test, validation = written(tmp_path / "t.csv", "1122\n"), written(tmp_path / "v.csv", "1123\n")
    catalogue = build_catalogue(labels=labels, test_regions=test, validation_regions=validation, out=tmp_path / "out")
    assert (tmp_path / "out" / "Test_Data_by_AR_png_224.csv").read_text() == f"filename,class\n1122/{names[1]},1\n"
    assert read_table(tmp_path / "out" / "Train_Data_by_AR_png_224.csv")["noaa_ar"].tolist() == [11121, 11124]
    assert catalogue["split"].tolist() == ["train", "test", "validation", "train"]
    assert count_splits(catalogue)["images"].tolist() == [2, 1, 1, 0]  # train, validation, test, left out
    pd.testing.assert_frame_equal(read_table(tmp_path / "out" / "catalogue.parquet"), catalogue)


def test_the_fits_set_has_its_own_names(tmp_path):
    table = read_table(written(tmp_path / "t.csv", f"filename,class\n{FITS},1\n"))
    assert published_csv_name("validation", table) == "Validation_Data_by_AR.csv"


def test_a_published_name_means_the_published_event(tmp_path):
    table = read_table(written(tmp_path / "t.csv", f"filename,class\n{PNG},1\n"))
    later = EventDefinition(threshold="M1.0", window_hours=12, latency_hours=6)
    assert published_csv_name("test", table, later) == "Test_Data_by_AR_M1.0_12hr_after_6hr_png_224.csv"
    assert published_csv_name("test", table, None) == "Test_Data_by_AR_own_labels_png_224.csv"
    for event in (later, None):
        assert event_of_name(published_csv_name("test", table, event)) is None
    for split, names in CSV_NAMES.items():
        assert published_csv_name(split, table, PUBLISHED) in names
        assert {event_of_name(name) for name in names} == {PUBLISHED}
    assert event_of_name("C1.0_24hr_224_png_Labels.txt") == PUBLISHED
    assert event_of_name("Lat60_Lon60_Nans0_C1.0_24hr_png_224_features.csv") == PUBLISHED
    assert event_of_name("M1.0_12hr_Labels.txt").code == "M1.0/12"
    assert event_of_name("labels.txt") is None


def test_a_region_in_both_lists(tmp_path):
    table = read_table(written(tmp_path / "t.csv", f"filename,class\n{PNG},1\n"))
    with pytest.raises(InputError, match="11121 stands in both"):
        assign_splits(table, test=[11121], validation=[11121])


def test_small_files_in_the_published_form(tmp_path):
    flares = pd.DataFrame(
        {
            "noaa_ar": [11121, 11067],
            "time": pd.to_datetime(["2010-11-11T05:24Z", "2010-05-01T01:39Z"]),
            "flare": ["C1.1", "C5.7"],
        }
    )
    write_event_list(flares, tmp_path / "eventList.txt")
    assert (tmp_path / "eventList.txt").read_text() == "2010 05 01,0139,1067,C5.7\n2010 11 11,0524,1121,C1.1\n"
    write_region_list([11121], tmp_path / "list.csv")
    assert read_region_list(tmp_path / "list.csv") == [11121]
    table = pd.DataFrame({"noaa_ar": [11064] * 2, "time": pd.to_datetime(["2010-05-01T23:00Z", "2010-05-03T01:00Z"])})
    write_ar_list(table, tmp_path / "ARList.txt")
    assert (tmp_path / "ARList.txt").read_text() == "1064,20100501,2\n"


def test_shared_regions_are_named():
    tables = {"train": pd.DataFrame({"noaa_ar": [1, 2, 3]}), "test": pd.DataFrame({"noaa_ar": [3, 4, None]})}
    assert shared_regions(tables) == {("train", "test"): [3]}
    with pytest.raises(InputError, match=r"1 region in both train and test: 3; .*--allow-overlap"):
        check_disjoint(tables)


@given(st.lists(st.integers(11000, 11030), min_size=1, max_size=60), st.sets(st.integers(11000, 11030)), st.data())
def test_no_region_on_both_sides_of_a_split(regions, held_out, data):
    test = sorted(data.draw(st.sets(st.sampled_from(sorted(held_out)))) if held_out else set())
    validation = sorted(set(held_out) - set(test))
    table = assign_splits(pd.DataFrame({"noaa_ar": regions}), test=test, validation=validation)
    parts = {split: table[table["split"] == split] for split in SPLITS}
    assert shared_regions(parts) == {}
    assert sum(len(part) for part in parts.values()) == len(regions)
    assert set(parts["train"]["noaa_ar"]).isdisjoint(held_out)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9999),
            st.integers(0, 13),
            st.integers(0, 32),
            st.integers(0, 25),
            st.integers(0, 61),
            st.integers(0, 61),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_times_in_names_are_those_of_the_calendar_and_null_where_there_is_no_such_time(stamps):
    names = pd.Series([f"1121_hmi.{y:04d}{m:02d}{d:02d}_{h:02d}{n:02d}{s:02d}_TAI.fits" for y, m, d, h, n, s in stamps])
    expected = []
    for stamp in stamps:
        try:
            expected.append(datetime(*stamp))
        except ValueError:
            expected.append(None)
    plain = tai_to_utc(pd.DatetimeIndex(pd.Series(expected, dtype="datetime64[us]")))
    pd.testing.assert_index_equal(pd.DatetimeIndex(region_and_time(names)["time"]), plain, check_names=False)
