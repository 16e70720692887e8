"""A list says on which flux scale its classes are, or is asked; two scales in one are told with their factor."""

import pandas as pd
import pytest

from flarescope.catalog.flux_scales import list_scale, on_two_scales, scale_remarks, with_stated_scale
from flarescope.catalog.goes_satellites import scale_of_satellite, scales_of
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_flares import flare_frame, join_lists, read_event_list
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.pipeline.catalogues.labelling import join_flares
from real_data import REAL_DATA, needs_real_data


@pytest.mark.parametrize(
    ("satellite", "scale"),
    [("G15", "operational"), ("GOES-16", "science"), ("18", "science"), ("g08", "operational"), ("8.0", "operational")],
)
def test_a_satellite_says_the_scale(satellite, scale):
    assert scale_of_satellite(satellite) == scale


@pytest.mark.parametrize("satellite", [None, "", "HOL", "G", "G99", "G0", "G1x", 15.0, pd.NA])
def test_what_is_no_goes_says_none(satellite):
    assert scale_of_satellite(satellite) is None


def test_scales_of_a_list():
    def scales(*satellites, operational=True):
        return scales_of(pd.Series(satellites, dtype="str"), operational=operational)

    assert scales() == ()
    assert scales(None, None) == (None,)
    assert scales("G15", None, "G14") == ("operational",)
    assert scales("G15", "G16") == ("operational", "science")
    # Of GOES 15 there are science-quality fluxes too: a list that is not SWPC's own leaves its scale open.
    assert scales("G15", operational=False) == (None,)
    assert scales("G15", "G16", operational=False) == (None, "science")
    assert scales("G16", None, operational=False) == ("science",)


def flares(*rows):
    return flare_frame({"noaa_ar": ar, "time": pd.Timestamp(time, tz="UTC"), "flare": name} for ar, time, name in rows)


def test_a_flare_on_both_scales_is_found_and_neighbours_are_not():
    table = flares(
        (11158, "2011-02-15T01:56", "X2.2"),
        (11158, "2011-02-15T01:56", "X3.1"),  # 2.2 / 3.1 = 0.71
        (11158, "2011-02-16T01:32", "M1.0"),
        (11158, "2011-02-16T01:32", "M1.1"),  # another judgement of one flare, not another scale
        (11158, "2011-02-16T07:44", "M1.0"),
        (11158, "2011-02-16T09:44", "M1.4"),  # two flares
        (11159, "2011-02-16T07:44", "M1.4"),  # of another region
    )
    found = on_two_scales(table)
    assert found[["flare", "other"]].to_numpy().tolist() == [["X2.2", "X3.1"]]


def write_list(path, goes_class, satellite):
    path.write_text(f"time,flare,noaa_ar,satellite\n2015-03-01T09:56,{goes_class},12290,{satellite}\n")
    return read_flares(path)


def test_joining_two_scales_is_said_with_the_factor(tmp_path):
    one, other = write_list(tmp_path / "a.csv", "C2.0", "G15"), write_list(tmp_path / "b.csv", "M5.0", "G16")
    one = with_stated_scale(one, "operational")
    assert (list_scale(one), list_scale(other), list_scale(join_lists([one, other]))) == (
        "operational",
        "science",
        None,
    )
    assert scale_remarks(one, "M1.0") == []
    (said,) = scale_remarks(join_lists([one, other]), "M1.0")
    assert "0.7" in said
    assert "M1.0 on the former is M1.4 on the latter" in said


def test_a_list_that_is_silent_is_asked_and_can_be_told(tmp_path):
    silent = write_list(tmp_path / "a.csv", "C2.0", "")
    (said,) = scale_remarks(silent, "C1.0")
    assert "--flux-scale" in said
    told = with_stated_scale(silent, "science")
    assert (list_scale(told), scale_remarks(told, "C1.0")) == ("science", [])
    assert with_stated_scale(write_list(tmp_path / "b.csv", "C2.0", "G15"), "science").scales == ("science",)
    assert with_stated_scale(write_list(tmp_path / "b.csv", "C2.0", "G16"), "operational").scales == ("science",)
    with pytest.raises(InputError, match="every list says its own scale, science; leave it out"):
        join_flares([tmp_path / "b.csv"], flux_scale="operational")
    with pytest.raises(InputError, match="expected operational or science"):
        with_stated_scale(silent, "new")


@needs_real_data
def test_the_published_list_and_reports_say_theirs():
    assert list_scale(read_event_list(REAL_DATA / "boucheron2023/eventList.txt")) == "operational"
    assert list_scale(read_flares(REAL_DATA / "noaa/20150301events_excerpt.txt")) == "operational"


@needs_real_data
def test_the_case_of_one_flare_on_two_scales_is_said_aloud(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("filename,class,noaa_ar,time\na.fits,0,12290,2015-03-01T02:00\n")
    lists = [
        argument
        for name in ("operational", "science")
        for argument in ("--flares", f"{REAL_DATA}/cases/goes/{name}.csv")
    ]
    assert main(["catalog", "label", str(table), *lists, "--out", str(tmp_path / "o.parquet"), "--quiet"]) == 0
    told = capsys.readouterr().err
    assert "on two flux scales" in told
    assert "0.7" in told
    assert "B1.0 and B1.4 of 12290" in told
