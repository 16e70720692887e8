"""Is a table in text read the same way by every reader, whoever wrote it?"""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flarescope.catalog.boucheron import read_image_list, read_labels, read_table
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import read_event_list
from flarescope.catalog.region_lists import read_region_list
from flarescope.errors import InputError
from flarescope.parquet_tables import read_parquet
from flarescope.tables import read_forecasts
from flarescope.text_tables import first_line, read_text_rows, read_text_table
from real_data import REAL_DATA, needs_real_data

COLUMNS = REAL_DATA / "cases" / "columns"
NAME = "1121/1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png"
OTHER = "1122/1122_hmi.M_720s.20101111_053600_TAI.1.magnetogram_224.png"

TABLES = {
    "catalogue": (read_table, f"filename,class,noaa_ar\n{NAME},1,11121\n{OTHER},0,11122\n"),
    "images": (read_image_list, f"filename,noaa_ar,time\n{NAME},11121,\n{OTHER},11122,\n"),
    "forecasts": (read_forecasts, f"filename,noaa_ar,probability\n{NAME},11121,0.5\n{OTHER},11122,0.25\n"),
    "flares": (
        lambda path: read_flares(path).table,
        "time,flare,noaa_ar\n2010-11-11T05:24,C1.1,11121\n2010-11-12T05:24,M1.1,11122\n",
    ),
}
"""Every reader of a table whose columns have names, and two rows for it."""


def quoted_after_spaces(text):
    return "\n".join(", ".join(f'"{field}"' for field in line.split(",")) for line in text.splitlines()) + "\n"


def with_an_index(text):
    head, *rows = text.splitlines()
    return "\n".join([head, *(f"{number},{row}" for number, row in enumerate(rows))]) + "\n"


FORMS = {
    "comments": lambda text: "# who made this\n#\n" + text,
    "comments and blank lines": lambda text: "\n# made by hand, with care\n\n" + text.replace("\n", "\n\n"),
    "quotes after a space": quoted_after_spaces,
    "an index without a name": with_an_index,
    "an index with an empty name": lambda text: "," + with_an_index(text),
    "a comma at the end of every line": lambda text: text.replace("\n", ",\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "lines of another system": lambda text: text.replace("\n", "\r\n"),
    "lines of an old system": lambda text: text.replace("\n", "\r"),
    "ECSV with commas": lambda text: "# %ECSV 1.0\n# ---\n# delimiter: ','\n" + text,
    "ECSV": lambda text: "# %ECSV 1.0\n# ---\n" + text.replace(",\n", ',""\n').replace(",", " "),
    "ECSV with texts in JSON": lambda text: (
        "# %ECSV 1.0\n# ---\n"
        + text.replace(NAME, f'"""{NAME}"""').replace("C1.1", '"""C1.1"""').replace(",\n", ',""\n').replace(",", " ")
    ),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("form", FORMS)
def test_every_reader_reads_a_table_in_every_form(tmp_path, kind, form):
    read, text = TABLES[kind]
    (tmp_path / "plain.csv").write_text(text)
    (tmp_path / "t.csv").write_bytes(FORMS[form](text).encode())
    pd.testing.assert_frame_equal(read(tmp_path / "t.csv"), read(tmp_path / "plain.csv"))


@pytest.mark.parametrize("kind", TABLES)
def test_two_columns_of_one_name_are_refused_by_every_reader(tmp_path, kind):
    read, text = TABLES[kind]
    twice = text.splitlines()[0].split(",")[-1]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(f"{line},{line.split(',')[-1]}" for line in text.splitlines()))
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value) == f"{path}: two columns say the same ({twice}); keep one"


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(("more", "fields"), [(["5", "9"], 4), (["x", "y"], 4), (["0,0", "1,1"], 5)])
def test_rows_with_a_field_that_has_no_name_are_refused_saying_that(tmp_path, kind, more, fields):
    read, text = TABLES[kind]
    head, *rows = text.splitlines()
    path = tmp_path / "t.csv"
    path.write_text("\n".join([head, *(f"{first},{row}" for first, row in zip(more, rows, strict=True))]))
    names = len(head.split(","))
    with pytest.raises(InputError) as error:
        read(path)
    assert f"{path}: its header names {names} columns and its rows have {names + fields - 3} fields" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_short_row_of_flares_is_refused_and_an_empty_last_field_of_a_catalogue_may_be_missing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"filename,class,noaa_ar\n{NAME},1\n")
    assert read_table(path)["noaa_ar"].tolist() == [11121]
    path.write_text("time,flare,noaa_ar\n2010-11-11T05:24,C1.1\n")
    with pytest.raises(InputError, match=r"t.csv, line 2: 2 fields; expected at least 3, as in the header \(noaa_ar\)"):
        read_flares(path)


@pytest.mark.parametrize("word", ["", "NaN", "nan", "None", "NULL", "<NA>", "N/A", "--", "NaT"])
def test_what_programs_write_for_a_missing_value_is_null(tmp_path, word):
    path = tmp_path / "t.csv"
    path.write_text(f"filename,class,noaa_ar,time,split,flare\na.png,1,{word},{word},{word},{word}\n")
    row = read_table(path).iloc[0]
    assert row[["noaa_ar", "time", "split", "flare"]].isna().all()
    path.write_text(f"filename,probability,label,noaa_ar\na.png,0.5,{word},{word}\n")
    assert read_forecasts(path)[["label", "noaa_ar"]].isna().all(axis=None)
    path.write_text(f"time,flare,noaa_ar\n2010-11-11T05:24,C1.1,{word}\n{word},C1.1,1121\n")
    assert read_flares(path).account()["without region"] == 1
    assert read_flares(path).account()["without peak time"] == 1


def test_labels_that_another_program_wrote_as_truth_values(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("filename,probability,label\na.png,0.5,True\nb.png,0.5,False\nc.png,0.5,\n")
    assert read_forecasts(path)["label"].fillna(7).tolist() == [1, 0, 7]


def test_tables_without_a_header_may_have_comments_above_them(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(f"# labels\n{NAME.split('/')[1]},C1.0\n")
    assert read_labels(path)["flare"].tolist() == ["C1.0"]
    assert read_table(path)["noaa_ar"].tolist() == [11121]
    path.write_text("# regions of the test\n1121\n11122\n")
    assert read_region_list(path) == [11121, 11122]
    path.write_text("# flares\n2010 11 11,0524,1121,C1.1\n")
    assert read_event_list(path).table["flare"].tolist() == ["C1.1"]
    assert read_flares(path).table["flare"].tolist() == ["C1.1"]


def test_a_name_that_begins_as_a_comment_is_an_image(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("filename,class\n#1.png,1\na.png,0\n")
    assert read_table(path)["filename"].tolist() == ["#1.png", "a.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# nothing\n\n", "the file is empty"),
        ("a" * 70_000 + ",b\n", "a line of more than 65,536 characters"),
        ("a,b\n" + "x" * 200_000 + ",1\n", "cannot be read as CSV: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_text_table(path)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 300 + len(str(path))


PLAIN = st.text(st.characters(codec="ascii", exclude_characters=',"\r\n #', exclude_categories=["Cc"]), max_size=8)


@given(rows=st.lists(st.tuples(PLAIN, PLAIN, PLAIN), min_size=1, max_size=8))
def test_rows_and_columns_are_those_of_the_other_way_of_reading(rows, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("a,b,c\n" + "\n".join(",".join(row) for row in rows) + "\n")
    frame = read_text_table(path)
    assert [(line, dict(zip("abc", row, strict=True))) for line, row in enumerate(rows, start=2) if any(row)] == [
        (int(line), row) for line, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    assert [(line, row) for line, row in read_text_rows(path)] == [
        (int(line), row) for line, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]


def test_a_parquet_table_whose_index_has_the_names(tmp_path):
    frame = pd.DataFrame({"label": [1, 0], "probability": [0.5, 0.25]}, index=pd.Index([NAME, OTHER], name="filename"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["filename"].tolist() == [NAME, OTHER]
    assert read_image_list(tmp_path / "t.parquet")["filename"].tolist() == [NAME, OTHER]
    assert read_forecasts(tmp_path / "t.parquet")["filename"].tolist() == [NAME, OTHER]
    frame.reset_index().set_index(["filename", "label"]).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["label"].tolist() == [1, 0]
    frame.reset_index().iloc[[1]].to_parquet(tmp_path / "t.parquet")  # an index without a name says nothing
    assert list(read_parquet(tmp_path / "t.parquet")) == ["filename", "label", "probability"]


def test_a_parquet_table_with_two_columns_of_one_name(tmp_path):
    values = [pa.array([NAME]), pa.array([1]), pa.array([0])]
    pq.write_table(pa.Table.from_arrays(values, names=["filename", "label", "label"]), tmp_path / "t.parquet")
    for read in (read_table, read_image_list, read_forecasts):
        with pytest.raises(InputError, match=r"t.parquet: two columns say the same \(label\); keep one"):
            read(tmp_path / "t.parquet")


# The cases as they were found


@needs_real_data
def test_the_case_of_a_commented_list_and_of_quotes_after_a_space():
    for name in ("commented.csv", "q.csv"):
        flares = read_flares(COLUMNS / name).table
        assert flares[["noaa_ar", "flare"]].to_numpy().tolist() == [[11158, "X2.2"]]
        assert flares["time"].item() == pd.Timestamp("2011-02-15T01:56", tz="UTC")


@needs_real_data
def test_the_case_of_an_ecsv_list():
    flares = read_flares(COLUMNS / "hec_gevloc_20120101-20120103.ecsv").table
    lines = (COLUMNS / "hec_gevloc_20120101-20120103.ecsv").read_text().splitlines()
    assert len(flares) == sum(not line.startswith("#") for line in lines) - 1
    first = flares.iloc[0]
    assert (first["noaa_ar"], first["flare"]) == (11391, "B8.2")
    assert (first["begin"], first["time"], first["end"]) == tuple(
        pd.Timestamp(f"2012-01-02T11:{minute}", tz="UTC") for minute in (11, 18, 26)
    )


@needs_real_data
def test_the_case_of_a_header_one_field_short():
    flares = read_flares(COLUMNS / "final_flare_list_sc24.csv").table
    lines = (COLUMNS / "final_flare_list_sc24.csv").read_text().splitlines()[1:]
    assert len(flares) == len(lines)
    for line, flare in zip(lines, flares.itertuples(), strict=True):
        fields = line.split(",")
        assert flare.time == pd.Timestamp(fields[2], tz="UTC")
        assert flare.flare == fields[5]
        assert (0 if pd.isna(flare.noaa_ar) else flare.noaa_ar) == int(fields[8].strip() or 0)


@needs_real_data
@pytest.mark.parametrize("name", ["two.csv", "swapped.csv"])
@pytest.mark.parametrize("read", [read_forecasts, read_table, read_image_list])
def test_the_case_of_two_columns_of_one_name(name, read):
    with pytest.raises(InputError, match=r"two columns say the same \(probability\); keep one"):
        read(COLUMNS / name)


@needs_real_data
def test_the_case_of_names_in_the_index():
    assert read_table(COLUMNS / "p.parquet")["filename"].tolist() == [NAME]


def test_a_first_line_is_that_below_the_comments(tmp_path):
    (tmp_path / "t").write_text("\n# a\n  # b\n\n x, y \n")
    assert first_line(tmp_path / "t") == "x, y"
