"""Do the catalogue commands make the published labels and lists, and find each planted leak?"""

import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from flarescope.catalog.boucheron import read_table
from flarescope.catalog.noaa_flares import FlareList, flare_frame, join_lists
from flarescope.cli import main
from flarescope.errors import FlarescopeWarning
from flarescope.events import PUBLISHED, EventDefinition
from flarescope.images.scan import scan_file
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.pipeline.catalogues.scanning import scan_images
from flarescope.progress import Reporter
from real_data import REAL_DATA, needs_real_data
from test_check import clean, flare_list, one_of, published_name

OFFICIAL = REAL_DATA / "boucheron2023"
SUMMARIES = REAL_DATA / "noaa" / "srs_2010_2013.tar.xz"


def run(*arguments):
    return main([str(argument) for argument in arguments])


def told(capsys):
    return json.loads(capsys.readouterr().out)


@needs_real_data
def test_the_official_labels_come_out_row_by_row(tmp_path, capsys):
    source, out = OFFICIAL / "official_labels_sample.csv", tmp_path / "c.parquet"
    assert run("catalog", "label", source, "--flares", OFFICIAL / "eventList.txt", "--rules", "ar-flares",
               "--out", out, "--json") == 0  # fmt: skip
    account = told(capsys)
    assert (account["images"], account["labelled"], account["flares without region"]) == (9223, 9223, 2)
    official = pd.read_csv(source, dtype=str)
    made = pd.read_parquet(out)
    assert made["filename"].tolist() == official["filename"].tolist()
    assert (made["flare"].str[0].fillna("0").to_numpy() == official["class"].to_numpy()).all()


@needs_real_data
def test_ar_list_is_rebuilt_from_the_summaries(tmp_path, capsys):
    arguments = ["--summaries", SUMMARIES, "--first", "2010-05-01", "--last", "2018-12-31"]
    assert run("catalog", "regions", *arguments, "--out", tmp_path / "ARList.txt", "--json") == 0
    assert told(capsys)["regions"] == 875
    rebuilt = (tmp_path / "ARList.txt").read_text().split()
    published = (OFFICIAL / "ARList.txt").read_text().split()
    # Four regions of December 2013 live on in 2014, of which no summary is at hand.
    unfinished = ("1934,", "1936,", "1937,", "1938,")
    assert [row for row in rebuilt if not row.startswith(unfinished)] == [
        row for row in published if row.split(",")[1] <= "20131231" and not row.startswith(unfinished)
    ]


@needs_real_data
def test_headers_give_region_and_time_where_names_do_not(tmp_path, capsys):
    out = tmp_path / "patches.parquet"
    folder = REAL_DATA / "hmi" / "harp377_noaa11158_201102_hourly"
    arguments = ["--flares", OFFICIAL / "eventList.txt", "--rules", "ar-flares", "--out", out, "--workers", 1]
    assert run("catalog", "label", folder, *arguments, "--json") == 0
    assert told(capsys)["labelled"] == 50
    derived = pd.read_csv(REAL_DATA / "hmi" / "labels_derived.csv")
    derived["filename"] = derived["file"].str.rsplit("/", n=1).str[-1]
    both = pd.read_parquet(out).merge(derived, on="filename")
    assert len(both) == 50
    assert (both["flare"] == both["max_flare_24h_eventList"]).all()
    capsys.readouterr()
    again = folder, *arguments
    assert run("catalog", "label", *again) == 0
    assert "0 images read, 50 known" in capsys.readouterr().err


@needs_real_data
def test_the_official_lists_and_the_position_limit(tmp_path, capsys):
    label = ["--flares", OFFICIAL / "eventList.txt", "--rules", "ar-flares", "--out", tmp_path / "c.parquet"]
    assert run("catalog", "label", OFFICIAL / "official_labels_sample.csv", *label, "--quiet") == 0
    capsys.readouterr()
    select = ["--summaries", SUMMARIES, "--max-degrees", 60, "--rules", "ar-flares", "--unknown", "keep"]
    select += ["--last", "2013-12-31", "--cadence", 60, "--out", tmp_path / "s.parquet", "--json"]
    assert run("catalog", "select", tmp_path / "c.parquet", *select) == 0
    account = told(capsys)
    assert account["removed: 60 degrees or more"] == 0  # as published
    assert account["removed: not before 2014-01-01 00:00"] == 4631
    assert account["images"] - sum(count for name, count in account.items() if "removed" in name) == account["taken"]
    split = ["--how", "lists", "--lists", OFFICIAL, "--out", tmp_path / "tables", "--json"]
    assert run("catalog", "split", tmp_path / "s.parquet", *split) == 0
    counts = {row["split"]: row["images"] for row in told(capsys)}
    assert counts["train"] == account["taken"]  # the sample is of training regions
    assert (tmp_path / "tables" / "Train_Data_by_AR_png_224.csv").read_text().startswith("filename,class\n")


def labelled(tmp_path, table=None):
    """Write a made catalogue and the flares that its labels come from."""
    listed = flare_list(range(11400, 11430)).table
    ends = [
        listed.tail(1).assign(noaa_ar=11999, time=pd.Timestamp(day, tz="UTC")) for day in ("2012-03-01", "2012-05-01")
    ]
    listed = pd.concat([listed, *ends])
    listed[["time", "flare", "noaa_ar"]].to_csv(tmp_path / "flares.csv", index=False)
    path = tmp_path / "catalogue.parquet"
    (clean() if table is None else table).to_parquet(path)
    return path


def check(tmp_path, table, *more):
    path = labelled(tmp_path, table)
    return run("catalog", "check", path, "--flares", tmp_path / "flares.csv", "--json", "--quiet", *more)


def test_a_clean_catalogue_has_no_finding(tmp_path, capsys):
    assert check(tmp_path, clean()) == 0
    assert told(capsys) == []
    assert run("catalog", "check", tmp_path / "catalogue.parquet") == 0
    assert capsys.readouterr().out == "nothing found\n"


def region_on_both_sides(table):
    region = one_of(table, "test", flaring=False)["noaa_ar"].iloc[0]
    table.loc[table.index[table["noaa_ar"] == region][:3], "split"] = "train"


def flare_on_both_sides(table):
    table.loc[one_of(table, "train", flaring=True).index[0], "split"] = "validation"


def window_across(table):
    region = one_of(table, "train")["noaa_ar"].iloc[0]
    table.loc[table.index[table["noaa_ar"] == region][6:], "split"] = "test"


def wrong_label(table):
    table.loc[one_of(table, "train", flaring=True).index[0], "label"] = 0


def same_region_and_time(table):
    table.loc[len(table)] = table.iloc[0]
    table.loc[len(table) - 1, "filename"] = table["filename"].iloc[0].replace("_224", "")


def wrong_time(table):
    table["time"] += pd.Timedelta(seconds=34)


PLANTED = {
    "region stands in both": region_on_both_sides,
    "flare labels images of both": flare_on_both_sides,
    "label windows": window_across,
    "contradict the flare beside them": wrong_label,
    "shows a region at a time that another one shows": same_region_and_time,
    "another time in the file name": wrong_time,
}


@pytest.mark.parametrize("words", PLANTED)
def test_each_planted_leak_is_found(tmp_path, capsys, words):
    table = clean()
    PLANTED[words](table)
    assert check(tmp_path, table) == 1
    found = told(capsys)
    assert any(words in finding["what"] and finding["severity"] == "error" for finding in found)


def test_wrong_counts_are_found_where_a_table_claims_to_be_published(tmp_path, capsys):
    for split, name in (("train", "Train_Data_by_AR_png_224.csv"), ("test", "Test_Data_by_AR_png_224.csv")):
        rows = one_of(clean(), split).rename(columns={"label": "class"})
        rows[["filename", "class"]].to_csv(tmp_path / name, index=False)
    tables = tmp_path / "Train_Data_by_AR_png_224.csv", tmp_path / "Test_Data_by_AR_png_224.csv"
    assert run("catalog", "check", *tables, "--json") == 1
    what = [finding["what"] for finding in told(capsys)]
    assert len(what) == 6
    assert "test has 36 images; the published set has 94,757" in what


@pytest.mark.parametrize("form", ["parquet", "csv", "txt"])
def test_images_named_twice_are_a_finding_of_the_check_and_refused_elsewhere(tmp_path, capsys, form):
    table = one_of(clean(), "train")
    again = pd.concat([table, table.iloc[[4, 4, 7]]], ignore_index=True)
    path = tmp_path / f"train.{form}"
    write_catalogue(again, path, PUBLISHED)
    assert run("catalog", "check", path, "--json") == 1
    [finding] = told(capsys)
    names = table["filename"]
    assert (finding["severity"], finding["count"]) == ("error", 3)
    assert finding["what"] == "3 images are named more than once"
    assert finding["where"].split("/")[-1] == (f"{names.iloc[4]}, {names.iloc[4]}, {names.iloc[7]}").split("/")[-1]
    assert run("catalog", "split", path, "--how", "region", "--out", tmp_path / "o.parquet") == 2
    assert "more than once" in capsys.readouterr().err


def test_only_warnings_end_with_0(tmp_path, capsys):
    table = clean()
    table["filename"] = [f"{row:04d}.png" for row in range(len(table))]
    table.loc[0, "noaa_ar"] = None
    table.loc[0, "split"] = None
    assert check(tmp_path, table) == 0
    assert [finding["severity"] for finding in told(capsys)] == ["warning"]


def write_fits(path, field, **header):
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu = fits.ImageHDU(field.astype(np.float32))
    hdu.header.update({"BUNIT": "Gauss", **header})
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


@pytest.fixture
def made_images(tmp_path):
    """A made catalogue of six small made FITS files: one with a NaN, one with QUALITY set, two alike, one damaged."""
    rng = np.random.default_rng(0)
    stamps = pd.date_range("2012-03-01 00:12", periods=6, freq="1h")
    names = [published_name(11400 + number, stamp)[:-8] + ".fits" for number, stamp in enumerate(stamps)]
    fields = rng.normal(0, 100, (6, 40, 40))
    fields[0, 3, 3] = np.nan
    fields[3] = fields[2]
    for number, name in enumerate(names):
        write_fits(tmp_path / "images" / name, fields[number], QUALITY=65536 if number == 1 else 0, TESTNR=number)
    (tmp_path / "images" / names[5]).write_bytes(b"SIMPLE  = damaged")
    splits = ["train", "train", "train", "test", "test", "test"]
    table = pd.DataFrame({"filename": names, "label": 0, "split": splits, "window_known": True})
    table.to_parquet(tmp_path / "made.parquet")
    return tmp_path


def test_nan_and_quality_are_read_once(made_images, capsys):
    arguments = ["catalog", "select", made_images / "made.parquet", "--images", made_images / "images"]
    arguments += ["--max-nan", 0, "--quality-mask", "0xFFFFFFFF", "--out", made_images / "s.parquet", "--workers", 1]
    assert run(*arguments, "--json") == 0
    shown = capsys.readouterr()
    account = json.loads(shown.out)
    assert account["removed: not known whether more than 0 NaN pixels"] == 1
    assert account["removed: more than 0 NaN pixels"] == 1
    assert account["removed: a QUALITY bit of 0xffffffff set"] == 1
    assert account["taken"] == 3
    assert "1 image cannot be read" in shown.err
    assert "window_known" in pd.read_parquet(made_images / "s.parquet")
    assert run(*arguments) == 0
    assert "0 images read, 6 known" in capsys.readouterr().err
    assert run(*arguments, "--unknown", "keep", "--json") == 0
    assert told(capsys)["taken"] == 4


def test_the_same_picture_on_both_sides_is_found_by_its_pixels(made_images, capsys):
    arguments = ["catalog", "check", made_images / "made.parquet", "--images", made_images / "images"]
    assert run(*arguments, "--json", "--workers", 2) == 1
    what = [finding["what"] for finding in told(capsys)]
    assert "2 images with the same content stand in more than one split" in what


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (["region", "--fractions", "0.6,0.2,0.2"], {"train": 18, "validation": 6, "test": 6}),
        (["folds", "--folds", "3", "--fold", "2"], {"train": 10, "validation": 10, "test": 10}),
        (["time", "--test-from", "2012-03-03", "--gap-hours", "24"], None),
    ],
)
def test_splits(tmp_path, capsys, how, expected):
    table = clean()
    late = table["noaa_ar"] >= 11420
    table["time"] += pd.to_timedelta(late * 5, unit="D")
    table["filename"] = [f"{row}.png" for row in range(len(table))]
    path = labelled(tmp_path, table)
    assert run("catalog", "split", path, "--how", *how, "--out", tmp_path / "out.parquet", "--json") == 0
    counts = {row["split"]: row["regions"] for row in told(capsys)}
    if expected:
        assert counts == expected | {"left out": 0}
    else:
        assert (counts["train"], counts["validation"], counts["test"]) == (20, 0, 10)
    assert run("catalog", "check", tmp_path / "out.parquet") == 0


def test_labels_in_every_form(tmp_path, capsys):
    path = labelled(tmp_path)
    for suffix in ("parquet", "csv", "txt"):
        out = tmp_path / f"again.{suffix}"
        assert run("catalog", "label", path, "--flares", tmp_path / "flares.csv", "--out", out, "--quiet") == 0
        again = read_table(out)
        assert again["label"].tolist() == clean()["label"].tolist()
    assert run("catalog", "label", path, "--flares", tmp_path / "flares.csv", "--threshold", "X1.0", "--out", out) == 0
    assert read_table(out)["label"].sum() == 0


def test_windows_beyond_the_list_are_left_out_unless_asked_for(tmp_path, capsys):
    path = labelled(tmp_path)
    flares = tmp_path / "short.csv"
    flares.write_text("time,flare,noaa_ar\n2012-03-01T00:01,C1.0,11400\n2012-03-02T00:00,C1.0,11401\n")
    arguments = ["catalog", "label", path, "--flares", flares, "--window", 6, "--out", tmp_path / "o.parquet", "--json"]
    assert run(*arguments) == 0
    # Images at 00:12, 06:12 and 12:12 (TAI, 34 s later than UTC) have six hours before midnight; 18:12 has not.
    account = told(capsys)
    assert account["labelled"] == 3 * 30
    assert account["event"] == EventDefinition(window_hours=6).to_json()
    assert run(*arguments, "--keep-uncovered") == 0
    assert told(capsys)["labelled"] == 360
    kept = pd.read_parquet(tmp_path / "o.parquet")
    assert kept["window_known"].sum() == 90


def test_several_lists_are_joined(tmp_path, capsys):
    path = labelled(tmp_path)
    for name, rows in {
        "a.csv": "2012-03-01T12:00,C1.0,11400\n2012-03-02T12:00,C2.0,11401\n",
        "b.csv": "2012-03-02T06:00,C3.0,11402\n2012-03-05T06:00,C3.0,11402\n",
    }.items():
        (tmp_path / name).write_text("peak utc,flare,noaa_ar\n" + rows)
    arguments = ["catalog", "label", path, "--flares", tmp_path / "a.csv", "--flares", tmp_path / "b.csv"]
    arguments += ["--column", "time=peak utc", "--out", tmp_path / "o.parquet", "--json"]
    assert run(*arguments) == 0
    account = told(capsys)
    assert account["flares usable"] == 4
    assert account["labelled"] == 360  # the first list ends on the day on which the second one begins


BAD = {
    "threshold": (["label", "IN", "--flares", "F", "--threshold", "Q1", "--out", "o.parquet"], "GOES class 'Q1'"),
    "rules": (["label", "IN", "--flares", "F", "--rules", "tai", "--out", "o.parquet"], "one of 'utc', 'ar-flares'"),
    "form": (["label", "IN", "--flares", "F", "--out", "o.xlsx"], "expected .parquet"),
    "no flares": (["label", "IN", "--flares", "none.txt", "--out", "o.parquet"], "none.txt"),
    "no images": (["label", "none", "--flares", "F", "--out", "o.parquet"], "none: no such file"),
    "column": (["label", "IN", "--flares", "F", "--column", "x", "--out", "o.parquet"], "--column x"),
    "needs summaries": (["select", "IN", "--max-degrees", "60", "--out", "o.parquet"], "needs the Solar Region"),
    "needs a scan": (["select", "IN", "--max-nan", "0", "--out", "o.parquet"], "needs a scan"),
    "mask": (["select", "IN", "--quality-mask", "all", "--out", "o.parquet"], "--quality-mask all"),
    "unknown": (["select", "IN", "--unknown", "maybe", "--out", "o.parquet"], "not one of 'drop', 'keep'"),
    "nothing left": (["select", "IN", "--first", "2020-01-01", "--out", "o.parquet"], "no image is left of 360"),
    "date": (["select", "IN", "--first", "yesterday", "--out", "o.parquet"], "yesterday"),
    "how": (["split", "IN", "--how", "luck", "--out", "t"], "not one of 'lists', 'region', 'time', 'folds'"),
    "lists": (["split", "IN", "--how", "lists", "--out", "t"], "--lists"),
    "fractions": (["split", "IN", "--how", "region", "--fractions", "1,2", "--out", "t"], "--fractions 1,2"),
    "fold": (["split", "IN", "--how", "folds", "--fold", "7", "--out", "t"], "test fold 7"),
    "time": (["split", "IN", "--how", "time", "--out", "t"], "--test-from"),
    "split form": (["split", "IN", "--how", "region", "--out", "t.csv"], "t.csv"),
    "scan": (["check", "IN", "--images", ".", "--scan", "F"], "not the Parquet of a scan"),
    "period": (["regions", "--summaries", "F", "--first", "2012-02-01", "--last", "2012-01-01", "--out", "l"],
               "before it begins"),
    "not summaries": (["regions", "--summaries", "F", "--first", "2012-02-01", "--last", "2012-03-01", "--out", "l"],
                      "no Solar Region Summary"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_line_and_code_2(tmp_path, monkeypatch, capsys, kind):
    labelled(tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments, message = BAD[kind]
    words = {"IN": "catalogue.parquet", "F": "flares.csv"}
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run("catalog", *[words.get(word, word) for word in arguments], "--quiet") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_interrupted_scan_keeps_what_it_read(made_images):
    names = pd.read_parquet(made_images / "made.parquet")["filename"].tolist()

    class Impatient(Reporter):
        def advance(self, label, done, total):
            if done == 4:
                raise KeyboardInterrupt

    kept = made_images / "scan.parquet"
    with pytest.raises(KeyboardInterrupt):
        scan_images(made_images / "images", names, kept, workers=1, reporter=Impatient())
    assert pd.read_parquet(kept)["filename"].tolist() == names[:4]
    with pytest.warns(FlarescopeWarning, match="1 image cannot be read"):
        table = scan_images(made_images / "images", names, kept, workers=1)
    assert table["filename"].tolist() == names
    assert table["nan_pixels"].tolist()[:5] == [1, 0, 0, 0, 0]
    assert table["reason"].notna().tolist() == [False] * 5 + [True]


def test_joined_lists_cover_what_any_of_them_covers():
    days = [pd.Timestamp(f"2012-03-{day:02d}", tz="UTC") for day in range(1, 9)]
    flare = {"noaa_ar": 11400, "time": days[0], "flare": "C1.0"}
    spans = [(4, 6), (0, 1), (5, 5), (1, 3)]
    lists = [FlareList(flare_frame([flare]), ((days[first], days[last]),)) for first, last in spans]
    joined = join_lists(lists)
    assert joined.covered == ((days[0], days[3]), (days[4], days[6]))
    assert len(joined.table) == 4


def test_a_reduced_png_says_what_its_fits_said(made_images, tmp_path):
    source = made_images / "images"
    assert run("images", "reduce", source, tmp_path / "png", "--nan", "zero", "--workers", 1, "--quiet") == 1
    name = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.fits"))[1]
    found = scan_file(str(tmp_path / "png" / name.replace(".fits", "_224.png")))
    assert (found["nan_pixels"], found["quality"]) == (0, 65536)


@pytest.mark.parametrize(("threshold", "warned"), [("C1.0", True), ("C5.5", True), ("M1.0", False), ("X1.0", False)])
def test_a_list_without_flares_as_weak_as_those_that_count_is_warned_of(tmp_path, capsys, threshold, warned):
    (tmp_path / "t.csv").write_text("filename,noaa_ar,time\na.fits,11158,2011-02-14T02:00\n")
    (tmp_path / "f.csv").write_text("time,flare,ar\n2011-02-14T03:00,M1.5,1158\n2011-02-19T03:00,X2.0,1158\n")
    label = ["catalog", "label", tmp_path / "t.csv", "--flares", tmp_path / "f.csv", "--threshold", threshold]
    assert run(*label, "--out", tmp_path / "c.parquet") == 0
    assert ("no flare below M1.0 is listed" in capsys.readouterr().err) == warned


@needs_real_data
def test_the_case_of_a_list_from_m1_on(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("filename,noaa_ar,time\na.fits,11158,2011-02-14T02:00\n")
    label = ["catalog", "label", tmp_path / "t.csv", "--flares", REAL_DATA / "cases" / "goes" / "m_only.csv"]
    assert run(*label, "--out", tmp_path / "c.parquet") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "no flare below M1.0 is listed: if the list leaves them out, labels from C1.0 on miss every event" in told
    assert run(*label, "--out", tmp_path / "c.parquet", "--threshold", "M1.0") == 0
    assert "no flare below" not in capsys.readouterr().err
