"""Is a forecast of one moment made from what was known then, on one flux scale, and does it say what it lacks?"""

import dataclasses

import pandas as pd
import pytest

import flarescope
from fakes import Heard
from flarescope.catalog.noaa_flares import FlareList, flare_frame
from flarescope.catalog.noaa_regions import REGION_DTYPES
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.pipeline.forecasting.beside import learned_then
from flarescope.pipeline.forecasting.issue import issue_forecast

ISSUED = pd.Timestamp("2014-10-22T00:30", tz="UTC")
WHOLE = ((pd.Timestamp("2014-09-01", tz="UTC"), pd.Timestamp("2014-11-30", tz="UTC")),)


@pytest.fixture(scope="module")
def model():
    return flarescope.region_model()


def a_region(day, number, longitude, mcintosh="Ekc", area=500, section="I"):
    known = section == "I"
    return {
        "day": pd.Timestamp(day, tz="UTC"),
        "section": section,
        "noaa_ar": number,
        "latitude_deg": -13.0,
        "longitude_deg": longitude,
        "carrington_deg": 247,
        "area_msh": area if known else None,
        "mcintosh": mcintosh if known else None,
        "extent_deg": 12 if known else None,
        "spots": 20 if known else None,
        "hale": "Beta-Gamma" if known else None,
    }


def summaries(*more):
    rows = [
        a_region("2014-10-21", 12192, -27.0),
        a_region("2014-10-22", 12192, -13.0),
        a_region("2014-10-22", 12193, 71.0, "Hsx", 80),
        a_region("2014-10-22", 12190, 30.0, section="IA"),
        *more,
    ]
    return pd.DataFrame(rows).astype(REGION_DTYPES).sort_values("day", ignore_index=True)


def flares(*more, satellite="G15", scales=("operational",)):
    rows = [("2014-10-20T16:37", "M4.5", 12192), ("2014-10-21T20:03", "C5.0", 12192), *more]
    found = flare_frame(
        {"time": pd.Timestamp(time, tz="UTC"), "flare": name, "noaa_ar": number, "satellite": satellite}
        for time, name, number in rows
    )
    return FlareList(found, WHOLE, scales=scales)


def test_every_region_with_spots_and_the_disk_have_three_classes_in_three_windows(model):
    found = issue_forecast(summaries(), flares(), ISSUED, model=model)
    assert found.regions["noaa_ar"].tolist() == [12192, 12193]
    assert len(found.probabilities) == 3 * 9
    assert found.valid_to == ISSUED + pd.Timedelta(hours=72)
    shares = [found.probability(name, 24, noaa_ar=12192) for name in ("C1.0", "M1.0", "X1.0")]
    assert shares == sorted(shares, reverse=True)
    assert found.probability("M1.0", 24) > found.probability("M1.0", 24, noaa_ar=12193)
    assert found.probability("M5.0", 24) is None
    assert found.regions["flags"].tolist() == ["", "limb new"]


def test_the_newest_summary_gives_the_moment(model):
    assert issue_forecast(summaries(), flares(), model=model).issued == ISSUED


def test_a_tampered_future_changes_nothing(model):
    before = issue_forecast(summaries(), flares(), ISSUED, model=model)
    later = summaries(a_region("2014-10-23", 12192, 1.0, "Axx", 10), a_region("2014-10-23", 12199, 0.0, "Fkc", 3000))
    more = flares(("2014-10-22T00:31", "X9.9", 12192), ("2014-10-22T14:28", "X1.6", 12193))
    after = issue_forecast(later, more, ISSUED, model=model)
    pd.testing.assert_frame_equal(before.probabilities, after.probabilities)
    pd.testing.assert_frame_equal(before.regions, after.regions)
    assert before.notes == after.notes


def test_what_lies_far_back_is_left_out_and_changes_nothing(model):
    old = [a_region(day, 11900, -40.0 + 13 * n) for n, day in enumerate(pd.date_range("2013-01-01", periods=5))]
    known = flares(("2013-01-02T03:00", "X2.0", 11900))
    found = issue_forecast(summaries(*old), known, ISSUED, model=model)
    whole = model.forecast(summaries(*old), known, ISSUED)
    assert found.probabilities["probability"].tolist() == whole["probability"].tolist()


def test_flares_of_goes_16_give_what_the_same_flares_scaled_down_give(model):
    today = flares(("2014-10-21T22:00", "C1.0", 12192), satellite="G16", scales=("science",))
    heard = Heard()
    found = issue_forecast(summaries(), today, ISSUED, model=model, reporter=heard)
    scaled = flare_frame(
        {"time": pd.Timestamp(time, tz="UTC"), "flare": name, "noaa_ar": 12192}
        for time, name in (("2014-10-20T16:37", "M3.15"), ("2014-10-21T20:03", "C3.5"), ("2014-10-21T22:00", "B7.0"))
    )
    # B7.0 is below C1.0 there, and no flare that counts
    less = [EventDefinition(threshold=name, scope="disk") for name in ("B7.0", "C7.0", "M7.0")]
    same = issue_forecast(summaries(), FlareList(scaled, WHOLE), ISSUED, model=model, events=less)
    assert found.flux_scale == "science"
    for mine, theirs in (("C1.0", "B7.0"), ("M1.0", "C7.0"), ("X1.0", "M7.0")):
        assert found.probability(mine, 24) == pytest.approx(same.probability(theirs, 24), rel=1e-9)
    assert any("0.7" in line for line in heard.notes)


def test_a_list_of_both_scales_is_converted_flare_by_flare(model):
    one = flares()
    table = one.table.assign(satellite=["G15", "G16"], flare=["M4.5", "C5.0"])
    both = dataclasses.replace(one, table=table, scales=("operational", "science"))
    plain = dataclasses.replace(one, table=table.assign(flare=["M4.5", "C3.5"], satellite="G15"))
    found = issue_forecast(summaries(), both, ISSUED, model=model)
    assert found.flux_scale == "science"  # as the newest flare's
    stated = issue_forecast(summaries(), both, ISSUED, model=model, flux_scale="operational")
    expected = issue_forecast(summaries(), plain, ISSUED, model=model)
    assert stated.probabilities.equals(expected.probabilities)


def test_no_flares_is_said_and_costs_the_history(model):
    heard = Heard()
    found = issue_forecast(summaries(), None, ISSUED, model=model, reporter=heard)
    assert found.regions["flags"].tolist() == ["no-history", "limb new no-history"]
    assert found.probability("M1.0", 24) is not None
    assert any("flare history unknown" in line for line in found.notes)
    assert sorted(found.notes) == sorted(heard.notes + heard.warnings)


def test_a_flare_of_a_region_that_the_summary_has_not_is_said(model):
    found = issue_forecast(summaries(), flares(("2014-10-21T12:00", "C2.0", 12188)), ISSUED, model=model)
    assert any("12188" in line for line in found.notes)


def test_a_missing_yesterday_is_said(model):
    regions = summaries()
    found = issue_forecast(regions[regions["day"] == ISSUED.floor("D")], flares(), ISSUED, model=model)
    assert any("no summary of the day before (2014-10-21)" in line for line in found.notes)
    assert "new" not in " ".join(found.regions["flags"])


@pytest.mark.parametrize("issued", ["2014-10-25T00:01", "2014-10-20T23:59"])
def test_a_summary_that_is_too_old_or_later_is_refused_in_one_line(model, issued):
    with pytest.raises(InputError, match="no region summary of the 72 hours before") as caught:
        issue_forecast(summaries(), flares(), pd.Timestamp(issued, tz="UTC"), model=model)
    assert len(str(caught.value)) < 300


def test_a_day_without_regions_forecasts_the_disk(model):
    quiet = pd.DataFrame([{"day": ISSUED.floor("D")}], columns=list(REGION_DTYPES)).astype(REGION_DTYPES)
    found = issue_forecast(quiet, flares(), ISSUED, model=model)
    assert len(found.regions) == 0
    assert 0 < found.probability("C1.0", 24) < 0.9


def test_an_hour_at_which_no_model_was_verified_is_said(model):
    noon = issue_forecast(summaries(), flares(), pd.Timestamp("2014-10-22T12:00", tz="UTC"), model=model)
    assert any("issued 12 h after" in line for line in noon.notes)
    assert not any("h after" in line for line in issue_forecast(summaries(), flares(), model=model).notes)


def test_another_event_and_window(model):
    event = EventDefinition(threshold="M5.0", window_hours=36, latency_hours=6)
    found = issue_forecast(summaries(), flares(), ISSUED, model=model, events=[event])
    assert found.probabilities["noaa_ar"].tolist() == [12192, 12193]
    assert found.valid_to == ISSUED + pd.Timedelta(hours=42)


def test_a_forecast_of_a_day_that_the_model_learned_from_says_so(model):
    """The model that ships learned until 2015-12-28: the last window that it learned from ends three days later."""
    moments = [pd.Timestamp(day, tz="UTC") for day in ("1996-08-01", "2014-10-25T06:00", "2015-12-31", "2016-07-07")]
    said = (
        "the model regions learned from 1996-08-09 to 2015-12-28, and so from what came after this forecast: what it "
        "says here is no test of it"
    )
    assert [learned_then(model, one) for one in moments] == [None, said, said, None]
    assert learned_then(dataclasses.replace(model, trained={}), moments[1]) is None
