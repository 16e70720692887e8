"""Is the real day that the demo ends with a true forecast, and did that come which it says?"""

import pytest

import flarescope
from flarescope.cli.demo import show_real_day
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.real_day import ISSUED, real_day
from real_data import flares_since_1996, needs_real_data, reads_since_1996, region_days_since_1996


def test_region_12192_stands_out_and_an_x_flare_came(capsys):
    """X3.1 peaked at 21:41 UTC on 2014-10-24 (NOAA SWPC)."""
    day = real_day()
    assert day.largest == {0: "X3.1", 12192: "X3.1"}
    m = {number: day.forecast.probability("M1.0", 24, noaa_ar=number) for number in day.forecast.regions["noaa_ar"]}
    assert max(m, key=m.get) == 12192
    assert m[12192] > 0.5 > 10 * max(value for number, value in m.items() if number != 12192)
    assert day.forecast.notes == ()
    show_real_day()
    text = capsys.readouterr().out
    assert "NOAA 12192" in text
    assert "this day among them: it shows what a forecast is and tests nothing" in text


@needs_real_data
@reads_since_1996
def test_the_rows_that_ship_give_the_forecast_of_all_rows():
    whole = issue_forecast(region_days_since_1996()[0], flares_since_1996(), ISSUED, model=flarescope.region_model())
    ours = real_day().forecast
    assert ours.probabilities["probability"].tolist() == pytest.approx(
        whole.probabilities["probability"].tolist(), abs=1e-9
    )
    assert ours.probabilities["noaa_ar"].tolist() == whole.probabilities["noaa_ar"].tolist()
