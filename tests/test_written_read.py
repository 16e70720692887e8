"""Can the program read every table that it writes, and does it read what it wrote?"""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import use_fake_network, write_png
from flarescope.catalog.boucheron import read_table
from flarescope.catalog.noaa_flares import read_event_list
from flarescope.catalog.published import (
    read_region_days,
    write_ar_list,
    write_event_list,
    write_labels,
    write_region_list,
)
from flarescope.catalog.region_lists import read_region_list
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.region_numbers import short_region
from flarescope.tables import check_catalogue

# Short numbers are completed by the day: in 2012 a region is one of 6,5xx to 16,4xx.
REGIONS = st.one_of(st.integers(10_001, 16_000), st.sampled_from([10_001, 10_064, 10_999, 11_000, 12_925]))
CLASSES = st.builds(lambda letter, number: f"{letter}{number / 10}", st.sampled_from("ABCMX"), st.integers(10, 99))


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize(("number", "text"), [(10064, "0064"), (11121, "1121"), (19999, "9999"), (20001, "20001")])
def test_a_region_is_written_with_four_digits_less_10000(number, text):
    assert short_region(number) == text


@given(regions=st.lists(REGIONS, min_size=1, max_size=5, unique=True))
def test_lists_of_regions(tmp_path_factory, regions):
    folder = tmp_path_factory.getbasetemp()
    write_region_list(regions, folder / "regions.csv")
    assert read_region_list(folder / "regions.csv") == regions
    times = pd.Series(pd.date_range("2012-03-01", periods=len(regions), freq="D", tz="UTC"))
    table = pd.DataFrame({"noaa_ar": pd.Series(regions, dtype="Int32"), "time": times})
    write_ar_list(table, folder / "ARList.txt")
    assert sorted(read_region_days(folder / "ARList.txt")) == sorted(
        (region, time.date(), 1) for region, time in zip(regions, times, strict=True)
    )


@given(flares=st.lists(st.tuples(REGIONS, CLASSES, st.integers(0, 50_000)), min_size=1, max_size=5))
def test_event_lists(tmp_path_factory, flares):
    path = tmp_path_factory.getbasetemp() / "eventList.txt"
    start = pd.Timestamp("2012-03-01", tz="UTC")
    rows = [
        {"noaa_ar": region, "time": start + pd.Timedelta(minutes=at), "flare": flare} for region, flare, at in flares
    ]
    write_event_list(pd.DataFrame(rows), path)
    back = read_event_list(path).table
    key = ["time", "noaa_ar", "flare"]
    expected = pd.DataFrame(rows)[key].sort_values(key).to_numpy().tolist()
    assert back[key].sort_values(key).to_numpy().tolist() == expected


def catalogue(*rows):
    table = pd.DataFrame(rows, columns=["filename", "noaa_ar", "flare", "label"])
    time = pd.Series([pd.NaT] * len(table), dtype="datetime64[us, UTC]")
    return table.assign(time=time, split=None).astype({"flare": "str", "noaa_ar": "Int32", "label": "Int8"})


NAME = "{0}/{0}_hmi.M_720s.20120301_0{1}3600_TAI.1.magnetogram_224.png"


@pytest.mark.parametrize("threshold", ["A2.0", "B1.0", "C1.0", "M5.0"])
@pytest.mark.parametrize("form", ["x.txt", "x.csv", "x.parquet"])
def test_labels_of_every_class_and_region_64(tmp_path, threshold, form):
    event = EventDefinition(threshold=threshold)
    table = catalogue(
        (NAME.format("0064", 1), 10064, "X1.5", 1),
        (NAME.format("0064", 2), 10064, None, 0),
        (NAME.format("11121", 3), 11121, threshold, 1),
    )
    write_catalogue(table, tmp_path / form, event)
    back = read_table(tmp_path / form)
    assert back["filename"].tolist() == table["filename"].tolist()
    assert back["label"].tolist() == [1, 0, 1]
    assert back["noaa_ar"].tolist() == [10064, 10064, 11121]
    if form != "x.csv":
        assert back["flare"].dropna().tolist() == ["X1.5", threshold]


def test_a_flare_below_the_event_is_no_event_in_a_labels_file(tmp_path):
    table = catalogue((NAME.format(1121, 1), 11121, "C1.5", 0), (NAME.format(1121, 2), 11121, "M1.0", 1))
    write_catalogue(table, tmp_path / "x.txt", EventDefinition(threshold="M1.0"))
    assert read_table(tmp_path / "x.txt")["label"].tolist() == [0, 1]


def test_a_class_below_the_event_of_the_notes_is_refused(tmp_path):
    write_catalogue(catalogue((NAME.format(1121, 1), 11121, "M1.0", 1)), tmp_path / "x.txt", EventDefinition())
    (tmp_path / "x.txt").write_text(f"{NAME.format(1121, 1).split('/')[1]},B9.9\n")
    with pytest.raises(InputError, match=r"label 'B9\.9'; expected 0, or a class from C1\.0 on"):
        read_table(tmp_path / "x.txt")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((NAME.format(1121, 1), 11121, None, 1), "the class of its flare is unknown"),
        (("x.fits", 11121, "C1.0", 1), "its name is not as 1121/1121_hmi"),
        (("a/1121_x.fits", 11121, None, 0), "its name is not as 1121/1121_hmi"),
        (("1121/1121_x,y.fits", 11121, None, 0), "its name is not as 1121/1121_hmi"),
    ],
)
def test_what_a_labels_file_cannot_say_is_refused(tmp_path, row, reason):
    with pytest.raises(InputError, match=rf"{reason}.*; a labels file cannot say that, a \.parquet can"):
        write_labels(catalogue(row), tmp_path / "x.txt")
    assert not (tmp_path / "x.txt").exists()


def test_a_csv_keeps_what_the_names_do_not_say(tmp_path):
    table = catalogue(("x.png", 11121, None, 0), (NAME.format(1121, 2), 11121, "M1.0", 1))
    write_catalogue(table, tmp_path / "x.csv", EventDefinition())
    assert (
        tmp_path / "x.csv"
    ).read_text() == f"filename,class,noaa_ar\nx.png,0,11121\n{NAME.format(1121, 2)},1,11121\n"
    when = pd.Timestamp("2012-03-06T14:23:26.5", tz="UTC")
    timed = check_catalogue(table.assign(time=[when, None], noaa_ar=[None, None]), "made")
    write_catalogue(timed, tmp_path / "t.csv", EventDefinition())
    read = read_table(tmp_path / "t.csv")
    assert read["time"][0] == when
    assert read["noaa_ar"].fillna(0).tolist() == [0, 11121]
    assert list(pd.read_csv(tmp_path / "t.csv")) == ["filename", "class", "time"]


@pytest.mark.parametrize("alone", [None, 1])
def test_the_regions_of_patches_are_kept_or_refused(tmp_path, alone):
    table = catalogue((NAME.format(1429, 1), 11429, None, 0), ("x.fits", 11430, "M1.0", 1))
    table = table.assign(noaa_ars=["11429,11430", None], principal_only=pd.array([alone, None], "Int8"))
    table = check_catalogue(table if alone else table.drop(columns="principal_only"), "made")
    write_catalogue(table, tmp_path / "x.csv", EventDefinition())
    write_catalogue(table, tmp_path / "x.parquet", EventDefinition())
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "x.csv").drop(columns="flare"), read_table(tmp_path / "x.parquet").drop(columns="flare")
    )
    with pytest.raises(InputError, match=r"shows several regions; a labels file cannot say that, a \.parquet can"):
        write_catalogue(table.iloc[:1], tmp_path / "x.txt", EventDefinition())
    single = check_catalogue(table.iloc[:1].assign(noaa_ars=None), "made")
    write_catalogue(single, tmp_path / "x.txt", EventDefinition())
    assert read_table(tmp_path / "x.txt")["noaa_ar"].tolist() == [11429]


def test_labels_from_b1_on_are_trained_on(tmp_path, monkeypatch, capsys):
    use_fake_network(monkeypatch)
    flares = []
    for region in (64, 65, 66, 1121):
        for hour in range(8):
            write_png(tmp_path / "images" / NAME.format(f"{region:04d}", hour), 10 * region + hour)
        flares.append(f"2012 03 01,0400,{region:04d},B{region % 9 + 1}.0,")
    flares.append("2012 03 03,0000,1199,B1.0,")
    (tmp_path / "eventList.txt").write_text("\n".join(flares) + "\n")
    label = ["catalog", "label", tmp_path / "images", "--flares", tmp_path / "eventList.txt", "--threshold", "B1.0"]
    assert run(*label, "--out", tmp_path / "x.txt", "--quiet") == 0, capsys.readouterr().err
    assert read_table(tmp_path / "x.txt")["noaa_ar"].unique().tolist() == [10064, 10065, 10066, 11121]
    tables = ["--train", tmp_path / "x.txt", "--validation", tmp_path / "x.txt", "--images", tmp_path / "images"]
    train = ["train", *tables, "--out", tmp_path / "r", "--backbone", "random", "--allow-overlap", "--workers", "0"]
    assert run(*train, "--quiet") == 0, capsys.readouterr().err
