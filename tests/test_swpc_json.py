"""Are SWPC's JSON files read as the summaries and reports that have the same rows?"""

import json

import pandas as pd
import pytest

from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.errors import InputError
from swpc_texts import EDITED, FLARE, REGION, SRS, write


def test_a_row_is_one_of_the_summary_issued_after_its_date(tmp_path):
    table, refused = read_summaries([write(tmp_path, "solar_regions.json", [REGION])])
    row = table.iloc[0]
    assert (refused, len(table)) == ([], 1)
    assert row["day"] == pd.Timestamp("2026-09-07", tz="UTC")
    assert (row["noaa_ar"], row["latitude_deg"], row["longitude_deg"]) == (14529, 13.0, -63.0)
    assert (row["carrington_deg"], row["area_msh"], row["mcintosh"], row["hale"]) == (188, 70, "Hsx", "Alpha")


def test_positions_are_those_of_the_end_of_the_date():
    from flarescope.disk.sun import sunpy_at_work

    with sunpy_at_work():
        from sunpy.coordinates.sun import L0

        for midnight, carrington, west in (("2026-09-07", 188, -63), ("2024-05-14", 348, 87)):
            assert float(L0(midnight).to_value("deg")) == pytest.approx(carrington - west, abs=1)


def test_degrees_east_stand_in_for_a_missing_location(tmp_path):
    west = {**REGION, "location": None, "latitude": -19, "longitude": -87, "mag_class": "BGD"}
    row = read_summaries([write(tmp_path, "x.json", [west])])[0].iloc[0]
    assert (row["latitude_deg"], row["longitude_deg"], row["hale"]) == (-19.0, 87.0, "Beta-Gamma-Delta")


def test_longitudes_that_contradict_each_other_are_said(tmp_path):
    table, refused = read_summaries([write(tmp_path, "x.json", [{**REGION, "longitude": -63}])])
    assert table["longitude_deg"].tolist() == [-63.0]
    assert "east positive" in refused[0].reason


def test_without_spots_it_is_a_plage_and_numbers_wrap(tmp_path):
    plage = {**REGION, "region": 4502, "number_spots": 0, "spot_class": None, "area": 0, "mag_class": None}
    old = {**REGION, "observed_date": "2002-06-14", "region": 1}
    table, _ = read_summaries([write(tmp_path, "x.json", [REGION, plage, old])])
    assert dict(zip(table["noaa_ar"], table["section"], strict=True)) == {10001: "I", 14529: "I", 14502: "IA"}


def test_the_final_row_of_a_region_and_day_counts(tmp_path):
    rows = [{**REGION, "status": "d", "area": 10}, REGION]
    assert read_summaries([write(tmp_path, "x.json", rows)])[0]["area_msh"].tolist() == [70]


def test_a_row_without_a_date_costs_that_row(tmp_path):
    rows = [REGION, {**REGION, "observed_date": None, "region": 4530}, {**REGION, "region": "new"}]
    table, refused = read_summaries([write(tmp_path, "x.json", rows)])
    assert len(table) == 1
    assert len(refused) == 2


def test_a_summary_and_the_json_of_its_day_are_compared(tmp_path):
    paths = [write(tmp_path, "20260907SRS.txt", SRS), write(tmp_path, "x.json", [{**REGION, "area": 60}])]
    table, refused = read_summaries(paths)
    assert table["noaa_ar"].dropna().tolist() == [14529, 14530]
    assert table["area_msh"].tolist()[:2] == [70, 120]
    assert refused[0].reason.endswith("; regions not there: 14530; rows that differ: 14529")
    assert len(refused[0].reason) < 300 + 2 * len(str(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([REGION])[:-40],
        "[]",
        "{}",
        '[{"flux": 1}]',
        "[1, 2]",
        json.dumps([{**REGION, "observed_date": "soon"}]),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read_summaries([write(tmp_path, "x.json", text)])
    assert "\n" not in str(caught.value)
    good, refused = read_summaries([write(tmp_path, "y.json", [REGION]), tmp_path / "x.json"])
    assert len(good) == 1
    assert len(refused) == 1


def test_detected_flares_have_a_class_a_scale_and_no_region(tmp_path):
    lasting = {**FLARE, "begin_time": "2026-09-06T17:00:00Z", "max_time": "2026-09-06T17:10:00Z", "end_time": None}
    found = read_flares(write(tmp_path, "f.json", [FLARE, {**lasting, "max_class": "M1.0"}]))
    assert found.table["flare"].tolist() == ["C1.1", "M1.0"]
    assert found.table["noaa_ar"].isna().all()
    assert found.table["quality"].fillna("").tolist() == ["", "in progress"]
    assert found.scales == ("science",)
    first, last = found.covered[0]
    assert (str(first), str(last)) == ("2026-09-06 13:15:00+00:00", "2026-09-06 17:10:00+00:00")


def test_edited_events_have_a_region(tmp_path):
    other = {**EDITED, "type": "RBR", "particulars1": "120"}
    found = read_flares(write(tmp_path, "e.json", [EDITED, other]))
    row = found.table.iloc[0]
    assert (len(found.table), row["noaa_ar"], row["flare"], row["satellite"]) == (1, 13697, "C4.1", "G16")
    assert row["time"] == pd.Timestamp("2024-05-28T06:43", tz="UTC")


def test_a_bad_row_is_named_and_a_cut_file_refused(tmp_path):
    found = read_flares(write(tmp_path, "f.json", [FLARE, {**FLARE, "max_class": "Z9"}]))
    assert (len(found.table), len(found.refused)) == (1, 1)
    with pytest.raises(InputError, match="fetch it again"):
        read_flares(write(tmp_path, "g.json", json.dumps([FLARE])[:-10]))
    with pytest.raises(InputError, match="max_class"):
        read_flares(write(tmp_path, "h.json", [REGION]))


def test_no_flares_in_seven_days_is_a_list_too(tmp_path):
    found = read_flares(write(tmp_path, "f.json", "[]"))
    assert (len(found.table), found.covered) == (0, ())
