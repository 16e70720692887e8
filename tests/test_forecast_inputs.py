"""Are the summaries and flares of several sources joined so that each flare and day counts once, and told?"""

import json

import pandas as pd
import pytest

from fakes import Heard
from flarescope.errors import InputError
from flarescope.pipeline.catalogues.labelling import label
from flarescope.pipeline.forecasting.inputs import read_inputs
from swpc_texts import EDITED, FLARE, REGION, SRS, write

REPORT = """\
:Product: 20260906events.txt
:Created: 2026 Sep 07 0402 UT
:Date: 2026 09 06
#Event    Begin    Max       End  Obs  Q  Type  Loc/Frq   Particulars       Reg#
4080 +     1315   1334      1351  G18  5   XRA  1-8A      C1.1    1.9E-03   4529
4090       1900   1910      1920  G18  5   XRA  1-8A      C2.0    1.9E-03
"""


def test_a_flare_of_two_lists_counts_once_with_its_region(tmp_path):
    more = {**FLARE, "begin_time": "2026-09-07T00:01:00Z", "max_time": "2026-09-07T00:10:00Z", "max_class": "M1.0"}
    paths = [write(tmp_path, "f.json", [FLARE, {**more, "end_time": None}]), write(tmp_path, "e.txt", REPORT)]
    summary = write(tmp_path, "20260907SRS.txt", SRS)
    for order in (paths, paths[::-1]):
        heard = Heard()
        found = read_inputs([summary], order, reporter=heard)
        rows = found.flares.table.sort_values("time")
        assert rows["flare"].tolist() == ["C1.1", "C2.0", "M1.0"]
        assert rows["noaa_ar"].fillna(0).tolist() == [14529, 0, 0]
        assert found.flares.scales == ("science",)
        day = pd.Timestamp("2026-09-06", tz="UTC"), pd.Timestamp("2026-09-07", tz="UTC")
        assert found.flares.covered == (day,)
        assert heard.warnings == ["in progress, with the largest class so far: M1.0"]


def test_a_list_without_regions_covers_no_history_and_labels_nothing(tmp_path):
    path = write(tmp_path, "f.json", [FLARE])
    found = read_inputs([write(tmp_path, "20260907SRS.txt", SRS)], [path])
    assert found.flares.covered == ()
    assert "names regions" in found.notes[0]
    with pytest.raises(InputError, match="names no regions"):
        label(tmp_path, flares=[path], out=tmp_path / "c.csv")


def test_edited_events_name_regions(tmp_path):
    found = read_inputs([write(tmp_path, "20260907SRS.txt", SRS)], [write(tmp_path, "e.json", [EDITED])])
    assert found.flares.table["noaa_ar"].tolist() == [13697]
    assert len(found.flares.covered) == 1


def test_files_are_described_by_their_digests(tmp_path):
    folder = tmp_path / "srs"
    folder.mkdir()
    write(folder, "20260907SRS.txt", SRS)
    path = write(tmp_path, "solar_regions.json", [REGION])
    one = read_inputs([folder, path]).data["regions"]
    assert [each["name"] for each in one] == ["srs", "solar_regions.json"]
    assert one[0]["files"] == 1
    write(folder, "20260907SRS.txt", SRS.replace("0120 Dai", "0130 Dai"))
    two = read_inputs([folder, path]).data["regions"]
    assert one[0]["sha256"] != two[0]["sha256"]
    assert one[1] == two[1]


def test_two_summaries_of_a_day_are_told_without_the_place_of_the_files(tmp_path):
    other = SRS.replace("0120 Dai", "0130 Dai")
    found = read_inputs([write(tmp_path, "a.txt", SRS), write(tmp_path, "b.txt", other)])
    assert found.notes == ("not used: b.txt: another summary of 2026-09-07; a.txt is used; rows that differ: 14530",)


def test_a_bad_file_is_named_and_costs_no_other(tmp_path):
    bad = write(tmp_path, "bad.json", json.dumps([REGION])[:-9])
    found = read_inputs([bad, write(tmp_path, "20260907SRS.txt", SRS)])
    assert len(found.regions) == 2
    assert "bad.json" in found.notes[0]
