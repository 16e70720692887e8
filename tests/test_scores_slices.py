import numpy as np
import pandas as pd
import pytest

from flarescope.scores.slices import disk_angle_deg, slices
from flarescope.tables import check_forecasts


def forecasts():
    """Three regions: 11121 with 12 events of 20 images, 11122 with 3 of 10, 11123 with none of 5."""
    label = [1] * 12 + [0] * 8 + [1] * 3 + [0] * 7 + [0] * 5
    flare = ["C1.0"] * 6 + ["M2.0"] * 4 + ["X1.0"] * 2 + ["0"] * 8 + ["C4.7", "M1.0", None] + ["0"] * 12
    frame = pd.DataFrame(
        {
            "filename": [f"{index}.png" for index in range(35)],
            "noaa_ar": [11121] * 20 + [11122] * 10 + [11123] * 5,
            "time": pd.to_datetime(["2010-12-31"] * 20 + ["2011-01-01"] * 15, utc=True),
            "label": label,
            "probability": [0.9] * 9 + [0.1] * 3 + [0.9] * 2 + [0.1] * 6 + [0.9] + [0.1] * 9 + [0.1] * 5,
            "flare": flare,
            "lon_deg": [0.0] * 20 + [-40.0] * 10 + [np.nan] * 5,
            "lat_deg": 20.0,
        }
    )
    return check_forecasts(frame, "here")


def by_name(rows):
    return {row["slice"]: row for row in rows}


@pytest.fixture
def found():
    frame = forecasts()
    return slices(frame, (frame["probability"] >= 0.5).to_numpy())


def test_counts_and_scores_of_a_region(found):
    row = by_name(found["region"])["11121"]
    assert [row[name] for name in ("n", "events", "tp", "fn", "fp", "tn")] == [20, 12, 9, 3, 2, 6]
    assert (row["tpr"], row["tnr"]) == pytest.approx((9 / 12, 6 / 8))
    assert row["tss"] == pytest.approx(9 / 12 + 6 / 8 - 1)
    assert row["brier"] == pytest.approx(((9 + 6) * 0.1**2 + (3 + 2) * 0.9**2) / 20)
    assert row["event_rate"] == 12 / 20
    assert row["note"] is None


def test_few_events_give_a_note_and_no_score(found):
    row = by_name(found["region"])["11122"]
    assert [row[name] for name in ("n", "events", "tp", "fn", "fp", "tn")] == [10, 3, 1, 2, 0, 7]
    assert {row[name] for name in ("tpr", "tnr", "tss", "hss", "brier")} == {None}
    assert row["note"] == "3 events, fewer than 10: no scores"
    frame = forecasts()
    more = slices(frame, (frame["probability"] >= 0.5).to_numpy(), minimum_events=3)
    assert by_name(more["region"])["11122"]["tpr"] == pytest.approx(1 / 3)


def test_years_and_months_count_their_regions(found):
    years = by_name(found["year"])
    assert (years["2011"]["n"], years["2011"]["regions"], years["2011"]["event_regions"]) == (15, 2, 1)
    assert list(by_name(found["month"])) == ["2010-12", "2011-01"]


def test_hit_rate_by_flare_class(found):
    rows = by_name(found["flare_class"])
    assert list(rows) == ["C", "M", "X", "unknown"]
    assert {name: (row["events"], row["tp"]) for name, row in rows.items()} == {
        "C": (7, 6 + 1),
        "M": (5, 3),
        "X": (2, 0),
        "unknown": (1, 0),
    }
    assert rows["M"]["note"] == "5 events, fewer than 10: no scores"
    assert rows["M"]["regions"] == 2
    assert rows["X"]["tpr"] is None


def test_position_on_the_disk(found):
    rows = by_name(found["position"])
    # cos 40 deg x cos 20 deg = 0.72, 44 degrees from the centre; the third region's longitude is not known.
    assert {name: row["n"] for name, row in rows.items()} == {"0-30 deg": 20, "30-45 deg": 10}
    assert disk_angle_deg(np.array([0.0, 60, -90]), np.array([0.0, 0, 45])) == pytest.approx([0, 60, 90])


def test_the_worst_regions(found):
    assert [(row["slice"], row["fn"]) for row in found["most_misses"]] == [("11121", 3), ("11122", 2)]
    assert [(row["slice"], row["fp"]) for row in found["most_false_alarms"]] == [("11121", 2)]


def test_slices_add_up(found):
    for name in ("region", "year", "month"):
        assert sum(row["n"] for row in found[name]) == 35
        assert sum(row["tp"] + row["fn"] for row in found[name]) == 15


def test_what_is_not_known_is_left_out():
    frame = check_forecasts(forecasts()[["filename", "label", "probability"]], "here")
    found = slices(frame, (frame["probability"] >= 0.5).to_numpy())
    assert found == {"most_misses": [], "most_false_alarms": []}
