import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope import image_names
from flarescope.catalog.boucheron import read_table
from flarescope.errors import InputError
from flarescope.image_names import check_filenames
from flarescope.parquet_tables import read_parquet, write_parquet
from flarescope.tables import check_catalogue, check_forecasts


def frame(**columns):
    return pd.DataFrame({"filename": ["a/1.png", "a/2.png"], "label": [0, 1], **columns})


def test_columns_and_dtypes():
    table = check_catalogue(frame(other=[1, 2]), "t")
    assert list(table.columns) == ["filename", "noaa_ar", "time", "flare", "label", "split"]
    assert table["noaa_ar"].isna().all()
    assert str(table["noaa_ar"].dtype) == "Int32"
    assert str(table["time"].dtype) == "datetime64[us, UTC]"
    assert str(table["label"].dtype) == "Int8"


def test_parquet_round_trip(tmp_path):
    table = check_catalogue(
        frame(noaa_ar=[11121, None], time=["2011-01-01T00:00:00Z", None], flare=[None, "C1.0"]), "t"
    )
    write_parquet(table, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(check_catalogue(read_parquet(tmp_path / "t.parquet"), "t"), table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"filename": ["a"]}), "no column label"),
        (pd.DataFrame({"label": [1]}), "no column filename"),
        (pd.DataFrame({"filename": [], "label": []}), "no rows"),
        (frame(label=[0, 2]), "row 2: label is 2; expected 0"),
        (frame(filename=["a.png", "a.png"]), "row 2: 'a.png' stands there more than once"),
        (frame(filename=["a.png", None]), "row 2: no file name"),
        (frame(filename=["/a.png", "b.png"]), "row 1: '/a.png' is absolute"),
        (frame(filename=["a.png", "../b.png"]), "row 2: '../b.png' is absolute or leaves"),
        (frame(filename=["a.png", "x/../../b.png"]), "absolute or leaves"),
        (frame(filename=["a.png", "C:\\b.png"]), "absolute or leaves"),
        (frame(split=["train", "tset"]), "row 2: split is 'tset'"),
        (frame(noaa_ar=["eleven", "12"]), "column 'noaa_ar' cannot be read"),
        (frame(time=["yesterday", "2011"]), "column 'time' cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(table, message):
    with pytest.raises(InputError, match=r"^TABLE: ") as error:
        check_catalogue(table, "TABLE")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_names_with_two_dots_inside_are_fine():
    assert len(check_catalogue(frame(filename=["a..b.png", "c../d.png"]), "t")) == 2


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.1])
def test_probabilities_out_of_range(probability):
    with pytest.raises(InputError, match="row 2: probability is"):
        check_forecasts(pd.DataFrame({"filename": ["a", "b"], "probability": [0.5, probability]}), "f")


def test_forecasts_without_labels():
    table = check_forecasts(pd.DataFrame({"filename": ["a"], "probability": [0.25]}), "f")
    assert table["label"].isna().all()
    assert table["probability"].tolist() == [0.25]


MANY = """
import sys
from pathlib import Path
from flarescope.catalog.boucheron import read_table
from flarescope.catalog.splits import check_disjoint
def peak_kib():
    # Not ru_maxrss: a child takes over its parent's. VmHWM begins with the program.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else ["VmHWM: 0 kB"]
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
read_table(Path(sys.argv[1]))
before = peak_kib()
table = read_table(Path(sys.argv[2]))
check_disjoint({"train": table[table["noaa_ar"] < 11500], "test": table[table["noaa_ar"] >= 11500]})
print(len(table), peak_kib() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_row_takes_so_much_memory(tmp_path, suffix):
    """And so a million of them less than 900 MB."""
    rows = 200_000
    paths = [write_rows(tmp_path / f"{number}.{suffix}", number) for number in (1000, rows)]
    done = subprocess.run([sys.executable, "-c", MANY, *paths], capture_output=True, text=True, check=True)
    read, more_kib = map(int, done.stdout.split())
    assert read == rows
    assert more_kib * 1024 / rows < 750  # 630 were measured; where there is no /proc it is 0 and not checked


def write_rows(path, count):
    """Write a table of so many images, as the published ones are."""
    number = np.arange(count)
    stamps = pd.DatetimeIndex(np.datetime64("2010-05-01", "s") + (number // 1000) * np.timedelta64(720, "s"))
    ar = (1064 + number % 1000).astype(str)
    name = pd.Series(ar) + "/" + ar + "_hmi.M_720s." + stamps.strftime("%Y%m%d_%H%M%S") + "_TAI.1.magnetogram_224.png"
    table = pd.DataFrame({"filename": name, "class": (number % 5 == 0).astype(int)})
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        write_parquet(table.rename(columns={"class": "label"}), path)
    return path


def test_a_catalogue_keeps_the_places_that_it_has(tmp_path):
    table = check_catalogue(
        pd.DataFrame({"filename": ["a.png", "b.png"], "label": 0, "lon_deg": ["-59", None]}), "made"
    )
    assert table["lon_deg"].tolist()[0] == -59
    assert table["lon_deg"].isna().tolist() == [False, True]
    assert "lat_deg" not in table
    text = "filename,class,lon_deg,lat_deg\na.png,1,12.5,-7\nb.png,0,,\n"
    (tmp_path / "c.csv").write_text(text)
    read = read_table(tmp_path / "c.csv")
    assert read[["lon_deg", "lat_deg"]].dropna().to_numpy().tolist() == [[12.5, -7]]


@pytest.mark.parametrize(("name", "value"), [("lon_deg", 305), ("lat_deg", -91), ("lon_deg", float("inf"))])
def test_places_that_are_not_on_the_sun_are_refused(name, value):
    with pytest.raises(InputError, match=rf"made: row 1: {name} is {value}; expected degrees"):
        check_catalogue(pd.DataFrame({"filename": ["a.png"], "label": 0, name: value}), "made")
    forecasts = pd.DataFrame({"filename": ["a.png"], "probability": 0.5, name: value})
    with pytest.raises(InputError, match=rf"made: row 1: {name} is {value}; expected degrees"):
        check_forecasts(forecasts, "made")


@given(st.lists(st.integers(0, 60).map(lambda number: f"{number}\u00e4.png"), max_size=30), st.integers(1, 9))
def test_names_that_stand_there_twice_are_found_in_whatever_pieces(names, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_names, "_AT_ONCE", at_once)
        filenames = pd.Series(names, dtype="str")
        if len(set(names)) == len(names):
            check_filenames(filenames, "a.csv")
        else:
            twice = filenames[filenames.duplicated()].iloc[0]
            with pytest.raises(InputError, match=f"{twice!r} stands there more than once"):
                check_filenames(filenames, "a.csv")
