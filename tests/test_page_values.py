"""Do the values of the pages say what the forecasts say, and do labels keep out of each other's way?"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import use_fake_network
from flarescope.figures.field import FIELD_MAP
from flarescope.serving.kept import Kept
from flarescope.serving.models import SYNTHETIC, load_models
from flarescope.serving.page_disk import EDGE, LABEL, disk_drawing, field_stops, place_labels
from flarescope.serving.page_life import BOTTOM, FLARES_BOTTOM, FLARES_TOP, LEFT, RIGHT, TOP, changes_rows, life_chart
from flarescope.serving.page_scores import across, score_view, shorten
from flarescope.serving.page_values import (
    around,
    came,
    cell,
    change,
    choices,
    day_runs,
    forecast_rows,
    greek,
    level,
    plain,
    points,
)
from flarescope.serving.page_views import hindsight
from flarescope.serving.shelf import Read
from made_archive import made_forecast

DAYS = st.lists(st.dates(), unique=True, max_size=30).map(lambda days: [day.isoformat() for day in sorted(days)])


def events(*codes):
    """Events as a forecast's document has them: `M1.0/24`, with a latency `M1.0/24+6`."""
    found = []
    for code in codes:
        name, _, rest = code.partition("/")
        hours, _, late = rest.partition("+")
        found.append({"code": code, "event": name, "window_h": float(hours), "latency_h": float(late or 0)})
    return found


def test_choices_are_classes_and_hours_and_lead_to_each_event():
    found = choices(events("C1.0/24", "C1.0/48", "M1.0/24", "M1.0/24+6"))
    assert [one["name"] for one in found["classes"]] == ["C1.0 or more", "M1.0 or more", "M1.0 or more, from 6 h on"]
    assert found["hours"] == ["24", "48"]
    assert found["codes"] == {
        "C1.0": {"24": "C1.0/24", "48": "C1.0/48"},
        "M1.0": {"24": "M1.0/24"},
        "M1.0+6": {"24": "M1.0/24+6"},
    }
    assert (found["first"], found["key"], found["window"]) == ("M1.0/24", "M1.0", "24")


def test_another_model_s_first_event_is_chosen_where_there_is_no_usual_one():
    found = choices(events("C5.0/12", "C5.0/36"))
    assert (found["first"], found["key"], found["window"]) == ("C5.0/12", "C5.0", "12")
    assert choices([])["first"] is None


def test_a_cell_is_written_as_the_terminal_writes_it():
    assert cell({"C1.0/24": 0.996, "M1.0/24": 0.3141, "X1.0/24": 0.0004}) == {
        "C1.0/24": [">99 %", 99.6, 4],
        "M1.0/24": ["31 %", 31.41, 3],
        "X1.0/24": ["<1 %", 0.04, 0],
    }


@pytest.mark.parametrize(("share", "colour"), [(0, 0), (0.0099, 0), (0.01, 1), (0.1, 2), (0.3, 3), (0.6, 4), (1, 4)])
def test_colours_change_where_the_legend_says(share, colour):
    assert level(share) == colour


def test_changes_are_points_of_percent():
    assert points(0.42, 0.3) == "+12"
    assert points(0.3, 0.42) == "−12"  # a true minus
    assert points(0.301, 0.299) == "±0"
    assert points(0.3, None) == "new"
    assert change({"M1.0/24": 0.5, "X1.0/24": 0.1}, {"M1.0/24": 0.25}) == {"M1.0/24": "+25", "X1.0/24": "new"}


def test_a_row_says_what_changed_since_the_day_before():
    now = {"regions": [{"noaa_ar": 1, "shown": {"M1.0/24": 0.2}}, {"noaa_ar": 2, "shown": {"M1.0/24": 0.1}}]}
    before = {"regions": [{"noaa_ar": 2, "shown": {"M1.0/24": 0.4}}]}
    assert [row["change"]["M1.0/24"] for row in forecast_rows(now, before)] == ["new", "−30"]
    assert [row["change"] for row in forecast_rows(now, None)] == [None, None]


def test_days_are_written_as_runs():
    days = ["2014-02-27", "2014-02-28", "2014-03-01", "2014-03-03"]
    assert day_runs(days) == "2014-02-27+3 2014-03-03+1"
    assert day_runs([]) == ""
    assert around(days, "2014-03-01") == {"before": "2014-02-28", "after": "2014-03-03"}
    assert around(days, "2014-02-27") == {"before": None, "after": "2014-02-28"}


@given(DAYS)
def test_runs_count_every_day_once(days):
    runs = [run.split("+") for run in day_runs(days).split()]
    assert sum(int(count) for _, count in runs) == len(days)
    assert all(first in days for first, _ in runs)


def test_what_came_is_said_only_where_it_is_known():
    days = [{"issued": "a", "flares": 3, "largest": "M1.2"}, {"issued": "b", "flares": None, "largest": None}]
    assert came({"days": days}, "a") == days[0]
    assert came({"days": days}, "b") is came({"days": days}, "c") is came(None, "a") is None


def test_words_of_a_summary():
    assert greek("Beta-Gamma-Delta") == "βγδ"
    assert greek("unknown") == "unknown"
    assert [plain(None), plain(""), plain(120.0), plain(3), plain("Dkc")] == ["–", "–", "120", "3", "Dkc"]


def ring(x, y, r=57.0):
    return (x, y, r)


def box(label):
    """Give the box of a label, as large as it gets."""
    width, height = LABEL
    left = label["tx"] - {"start": 0, "middle": width / 2, "end": width}[label["anchor"]]
    return left, label["ty"] - height / 2, left + width, label["ty"] + height / 2


def shared(one, other):
    return max(min(one[2], other[2]) - max(one[0], other[0]), 0) * max(min(one[3], other[3]) - max(one[1], other[1]), 0)


def test_a_label_stands_beside_its_ring_and_at_the_west_limb_to_its_left():
    alone, limb = place_labels([ring(0, 0)]), place_labels([ring(980, 0)])
    assert alone == [{"tx": 81, "ty": 0, "anchor": "start", "leader": None}]  # 57 + 24
    assert limb[0]["anchor"] == "end"


def test_labels_of_a_crowded_disk_cover_neither_each_other_nor_a_ring():
    crowd = [ring(x, y) for x in (-500, -340, -180, 500, 660) for y in (-300, 250)] + [ring(0, 700, 155)]
    labels = [box(one) for one in place_labels(crowd)]
    rings = [(x - r, y - r, x + r, y + r) for x, y, r in crowd]
    for number, one in enumerate(labels):
        assert -EDGE <= one[0]
        assert one[2] <= EDGE
        assert sum(shared(one, other) for other in [*rings, *labels[:number], *labels[number + 1 :]]) < 200


def region(number, x, y, state="visible", area=100):
    return {"noaa_ar": number, "area_msh": area, "place": {"x": x, "y": y, "state": state}}


def test_west_is_right_and_north_is_up():
    drawn = disk_drawing([region(1, 0.5, 0.25), region(2, 0.9, 0, "no longer visible")], tilt_deg=5.0)
    mark = drawn["marks"][0]
    assert (mark["noaa_ar"], mark["x"], mark["y"]) == (1, 500, -250)
    assert drawn["unseen"] == [{"noaa_ar": 2, "state": "no longer visible"}]
    assert drawn["equator"].startswith("M-")  # from the east limb
    assert drawn["grid"].count("M") >= 10  # six meridians on this side, four parallels


def test_a_forecast_without_places_draws_no_mark():
    nowhere = {"noaa_ar": 3, "area_msh": None, "place": None}
    drawn = disk_drawing([nowhere], tilt_deg=0.0)
    assert drawn["marks"] == []
    assert drawn["unseen"] == [{"noaa_ar": 3, "state": "place not kept"}]


def test_the_bar_of_the_field_has_the_map_s_colours():
    stops = field_stops()
    assert (stops[0]["offset"], stops[-1]["offset"]) == (0.0, 100.0)
    middle = stops[len(stops) // 2]["color"]
    assert middle == "#" + "".join(f"{round(255 * part):02x}" for part in FIELD_MAP(0.5)[:3])


def life(*forecasts, flares=None):
    return {"forecasts": [{"issued": time, "shown": shown} for time, shown in forecasts], "flares": flares}


def test_the_chart_of_a_life_has_its_probabilities_and_flares_in_place():
    flares = [
        {"time": "2014-10-22T12:00:00+00:00", "flare": "X1.0"},
        {"time": "2014-10-22T18:00:00+00:00", "flare": "B9.9"},
        {"time": "2014-10-23T12:00:00+00:00", "flare": "C1.0"},
        {"time": "2014-11-09T12:00:00+00:00", "flare": "M1.0"},
    ]
    first, second = ("2014-10-22T00:00:00+00:00", {"M1.0/24": 1.0}), ("2014-10-23T00:00:00+00:00", {"M1.0/24": 0.0})
    chart = life_chart(life(first, second, flares=flares), 1)
    middle = (LEFT + RIGHT) / 2  # the axis ends a day after the last forecast
    assert chart["at"] == middle
    assert chart["lines"]["M1.0/24"]["path"] == f"M{float(LEFT)} {float(TOP)}L{middle} {float(BOTTOM)}"
    assert [one["flare"] for one in chart["flares"]] == ["X1.0", "C1.0"]
    strong, weak = chart["flares"]
    assert strong["y"] == round(FLARES_BOTTOM - 2 / 3 * (FLARES_BOTTOM - FLARES_TOP), 1)
    assert (weak["y"], weak["named"], strong["named"]) == (FLARES_BOTTOM, False, True)
    assert [one["day"] for one in chart["days"]] == ["22 Oct", "23 Oct", "24 Oct"]


def test_a_line_is_broken_where_days_are_missing():
    times = ["2014-10-22T00:30:00+00:00", "2014-10-23T00:30:00+00:00", "2014-10-26T00:30:00+00:00"]
    chart = life_chart(life(*((time, {"M1.0/24": 0.5}) for time in times)), 0)
    path = chart["lines"]["M1.0/24"]["path"]
    assert (path.count("M"), path.count("L")) == (2, 1)
    assert chart["flares"] == []


def test_what_reads_the_same_is_no_change():
    changed = {
        "what": [
            {"name": "mcintosh", "before": "Dao", "now": "Dkc"},
            {"name": "M1.0/24", "before": 0.10, "now": 0.22},
            {"name": "X1.0/24", "before": 0.001, "now": 0.002},
            {"name": "C1.0/24", "before": None, "now": 0.5},
        ]
    }
    assert changes_rows(changed) == [
        ["McIntosh class", "Dao", "Dkc", ""],
        ["P(M1.0/24 h)", "10 %", "22 %", "+12"],
        ["P(C1.0/24 h)", "–", "50 %", "new"],
    ]
    assert changes_rows(None) == []


def scored(value, low=None, high=None):
    row = {"value": value, "low": low, "high": high}
    return {"bss_climatology": row, "bss_sample": row, "roc_area": {"value": 0.9, "low": 0.8, "high": 1.0}}


def test_the_score_names_everybody_and_says_aloud_what_is_no_test():
    one = {
        "n": 60,
        "events": 20,
        "few": False,
        "scores": {"regions": scored(0.25, 0.1, 0.4), "climatology": scored(0.0), "persistence": scored(-2.0)},
        "beside": {"swpc": {"n": 30, "events": 9, "scores": {"regions": scored(0.3), "swpc": scored(0.2)}}},
    }
    found = score_view(
        {
            "model": "regions",
            "forecasts": 60,
            "first": "2014-08-26T00:30:00+00:00",
            "last": "2014-10-24T00:30:00+00:00",
            "notes": ["NO TEST: the model learned from these days", "Intervals are wide."],
            "disk": {"M1.0/24": one},
            "region": {},
        }
    )
    assert found["warnings"] == ["NO TEST: the model learned from these days"]
    assert found["notes"] == ["Intervals are wide."]
    whole, beside = found["tables"]
    assert whole["header"] == ["event", "forecasts", "events", "regions", "persistence", "ROC area"]
    assert whole["rows"][0][:4] == ["M1.0/24", "60", "20", "0.250 (0.100 to 0.400)"]
    assert beside["rows"] == [["M1.0/24", "NOAA (SWPC)", "30", "9", "0.300 (–)", "0.200 (–)"]]
    (drawing,) = found["drawings"]
    own, persistence, swpc, again = drawing["groups"][0]["rows"]
    assert (own["name"], own["x"], own["low"], own["own"]) == ("regions", across(0.25), across(0.1), True)
    assert persistence["off"]  # worse than the axis shows
    assert (swpc["name"], swpc["x"]) == ("NOAA (SWPC), on 30", across(0.2))
    assert (again["name"], again["x"], again["own"]) == ("regions, same 30", across(0.3), True)
    assert score_view(None) is None
    assert shorten("a-run-with-a-name-of-its-own", 10) == "a-run-wit…"


def kept(day, stored_day, learned=("1996-08-09T00:30", "2010-12-28T00:30")):
    """A made forecast of February 2011, kept on a day of it."""
    forecast = made_forecast(day, stored_day=stored_day)
    own = replace(forecast.models[0], first=learned[0], last=learned[1])
    issued = replace(forecast, models=(own, *forecast.models[1:]))
    return Kept("0", issued.issued, issued.stored, issued.models, (), "", lambda: Read(issued))


def test_a_forecast_that_was_made_afterwards_is_called_so():
    assert hindsight(kept(1, None)) == []
    late = hindsight(kept(1, 3))  # its 24 hours ended on the second
    assert late == ["made afterwards: it was kept on 3 Feb 2011, 00:00 UTC, when its windows were over"]
    (seen,) = hindsight(kept(1, None, ("1996-08-09T00:30", "2015-12-28T00:30")))
    assert seen == (
        "no test of the model regions, which learned from 1996-08-09 to 2015-12-28, the time of this forecast"
    )
    assert hindsight(kept(1, None, ("", ""))) == []  # who says nothing is not blamed


def test_a_run_that_says_itself_that_its_data_were_made_is_shouted(fake_run, tmp_path, monkeypatch):
    """Models of older runs say nothing of it; their runs do."""
    use_fake_network(monkeypatch)
    run = Path(shutil.copytree(fake_run[0] / "runs/r", tmp_path / "r"))
    assert load_models([run])["r"].warnings == ()
    described = json.loads((run / "run.json").read_text()) | {"synthetic": True}
    (run / "run.json").write_text(json.dumps(described))
    assert load_models([run])["r"].warnings == (SYNTHETIC,)
