"""Does each form of a forecast say what the forecast says, and is it read back?"""

import dataclasses
import json
from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flarescope
from flarescope.errors import InputError
from flarescope.pipeline.featuring import announce
from flarescope.pipeline.forecasting.forms import location, rows_of, to_json, wide_table, write_csv, write_rows
from flarescope.pipeline.forecasting.hearing import Heard, Named
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.forecasting.page import forecast_page
from flarescope.pipeline.forecasting.scoreboard import (
    Entry,
    Message,
    file_name,
    message_of,
    to_text,
    to_xml,
    write_scoreboard,
)
from flarescope.pipeline.forecasting.scoreboard_reading import read_scoreboard
from flarescope.pipeline.forecasting.stage import write_forecast
from flarescope.progress import Reporter
from test_forecast_issue import ISSUED, a_region, flares, summaries
from test_report_browser import needs_chromium, on_a_phone


@pytest.fixture(scope="module")
def made():
    data = {"regions": [{"name": "<b>20141022SRS.txt</b>", "sha256": "ab"}], "flares": []}
    lost = a_region("2014-10-22", 12194, None, None)
    model = flarescope.region_model()
    found = issue_forecast(summaries(lost), flares(), ISSUED, model=model, model_sha256="00ff", data=data)
    rows = found.probabilities.iloc[:1].assign(event="C1.0", probability=0.25, model="runs <png>", latency_h=6.0)
    return found.with_images(rows, data={"image": [{"name": "disk.fits"}]}, notes=["a <note>"], unseen=[12193])


def test_the_json_is_read_back_whole(made, tmp_path):
    write_forecast(made, tmp_path)
    back = flarescope.read_forecast(tmp_path / "forecast.json")
    keys = ["model", "noaa_ar", "event", "window_h"]
    one, two = (each.probabilities.sort_values(keys, ignore_index=True) for each in (made, back))
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(made.regions, back.regions)
    assert to_json(back) == to_json(made)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"forecast.json", "forecast.csv", "forecasts.parquet", "forecast.html", "disk.png", "disk.svg"} < names


def test_the_json_says_who_is_official(made):
    values = to_json(made)
    assert "no official forecast" in values["notice"]
    assert any("swpc.noaa.gov" in one["url"] for one in values["official"])
    assert values["regions"][1]["flags"] == ["limb", "new", "no-patch"]
    assert values["disk"]["probabilities"]["regions"]["M1.0/24"] == made.probability("M1.0", 24)
    assert values["regions"][0]["probabilities"]["runs <png>"] == {"C1.0/24+6": 0.25}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"form": "x"}, "expected a forecast.json"),
        ({"regions": 3}, "cannot be read"),
        ({"issued": "soon"}, "cannot be read"),
        ({"disk": {"probabilities": {"m": {"Z/24": 0.5}}}}, "cannot be read"),
        ({"disk": {"probabilities": {"m": {"C1.0/24": 1.5}}}}, "outside 0 to 1"),
        ({"disk": {"probabilities": {"m": {"C1.0/9999999999999": 0.5}}}}, "cannot be read"),
        ({"flux_scale": ["science"]}, "cannot be read"),
        ({"model": {"name": 3, "sha256": None}}, "without a name"),
        ({"notes": [1]}, "no texts"),
        ({"regions": [{"noaa_ar": 12192, "probabilities": {}}] * 300}, "301 regions"),
        ({"data": {"regions": 7}}, "cannot be read"),
    ],
)
def test_other_json_is_refused_in_one_line(made, tmp_path, change, words):
    path = tmp_path / "forecast.json"
    path.write_text(json.dumps(to_json(made) | change))
    with pytest.raises(InputError, match=words):
        flarescope.read_forecast(path)


def test_the_rows_have_the_columns_that_verification_takes(made, tmp_path):
    write_rows(made, tmp_path / "forecasts.parquet")
    table = pd.read_parquet(tmp_path / "forecasts.parquet")
    assert list(table)[:6] == ["issued", "noaa_ar", "event", "window_h", "probability", "model"]
    assert table["noaa_ar"].isna().sum() == 9
    assert (table["issued"] == ISSUED).all()
    pd.testing.assert_frame_equal(table, rows_of(made))


def test_the_csv_has_a_row_a_region_below_the_disk(made, tmp_path):
    table = wide_table(made)
    assert table["location"].fillna("").tolist() == ["disk", "S13E13", "S13W71", ""]
    assert table["C1.0/24"].iloc[1] == made.probability("C1.0", 24, noaa_ar=12192)
    assert table["runs <png> C1.0/24+6"].tolist()[1] == 0.25
    write_csv(made, tmp_path / "x.csv")
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 5


def test_the_page_escapes_what_it_did_not_write_and_fetches_nothing(made, tmp_path):
    write_forecast(made, tmp_path)
    text = (tmp_path / "forecast.html").read_text()
    assert "a &lt;note&gt;" in text
    assert "<b>2014" not in text
    links = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attributes):
            links.extend((tag, name, value) for name, value in attributes if name in ("src", "href", "xlink:href"))

    Links().feed(text)
    outside = {tag for tag, _, value in links if value.startswith("http")}
    assert outside == {"a"}
    assert "default-src 'none'" in text
    assert "Research software: this is no official forecast." in text


@needs_chromium
def test_a_browser_opens_the_page_at_the_width_of_a_phone(made, tmp_path):
    write_forecast(made, tmp_path)
    width, window, letters, _, drawings, complaints = on_a_phone(tmp_path / "forecast.html", "dark")
    assert complaints == []
    assert width <= window <= 400
    assert letters >= 9.5
    assert drawings == 1


def test_a_page_without_regions_or_notes_is_made(made):
    import dataclasses

    from matplotlib.figure import Figure

    disk = made.probabilities[made.probabilities["noaa_ar"].isna()]
    page = forecast_page(dataclasses.replace(made, regions=made.regions[:0], probabilities=disk, notes=()), Figure())
    assert page.sections[0].cards[0].title == "C1.0 or more"


def test_models_of_made_data_and_random_filters_are_shouted_on_the_page(made):
    import dataclasses

    from matplotlib.figure import Figure

    heard = Heard(Reporter())
    announce(SimpleNamespace(is_random=True, family="vgg16-random-0"), Named(heard, "run"), synthetic=True)
    page = forecast_page(dataclasses.replace(made, notes=(*made.notes, *heard.notes)), Figure())
    assert len(heard.notes) == 2
    assert page.warnings[1:] == heard.notes


def test_the_scoreboards_forms_are_read_back(made, tmp_path):
    message = message_of(made)
    assert message.entries[0] == Entry(None, None, message.entries[0].probabilities)
    assert [entry.noaa_ar for entry in message.entries] == [None, 12192, 12193, 12194]
    assert message.entries[1].probabilities["M1.0"] == round(made.probability("M1.0", 24, noaa_ar=12192), 6)
    xml, text = write_scoreboard(made, tmp_path)
    assert text.name == "Flare_Forecast_flarescope-regions_20141022_0030.txt"
    assert "2192" in text.read_text()
    assert '<id scheme="NOAA_AR_numbering_scheme">2192</id>' in xml.read_text()
    assert read_scoreboard(xml) == read_scoreboard(text) == message


def test_the_scoreboards_input_data_are_those_of_its_numbers(made, tmp_path):
    """The message has the region model's numbers; the image and its models stand beside them in forecast.json alone."""
    given = {"regions": [{"name": "a SRS.txt"}], "flares": [{"name": "b.csv"}], "image": [{"name": "c.fits"}]}
    seen = dataclasses.replace(made, data={**given, "models": [{"name": "d"}]})
    assert "\nInput data: a SRS.txt, b.csv\n" in write_scoreboard(seen, tmp_path)[1].read_text()


def test_another_window_of_the_scoreboard(made):
    message = message_of(made, 48.0)
    assert message.end - message.start == pd.Timedelta(hours=48)
    assert message.entries[0].probabilities["C1.0"] >= message_of(made).entries[0].probabilities["C1.0"]
    with pytest.raises(InputError, match="36 h"):
        message_of(made, 36.0)


share = st.floats(0, 1).map(lambda value: round(value, 6))
shares = st.dictionaries(st.sampled_from(["C1.0", "M1.0", "X1.0"]), share, min_size=1)
times = st.datetimes(pd.Timestamp("2010-01-01"), pd.Timestamp("2026-01-01")).map(
    lambda time: pd.Timestamp(time, tz="UTC").floor("min")
)


@given(
    issued=times,
    disk=shares,
    regions=st.dictionaries(
        st.integers(11050, 14900), st.tuples(st.sampled_from([None, "N05W10", "S00E90"]), shares), max_size=4
    ),
)
def test_any_message_is_read_back(issued, disk, regions, tmp_path_factory):
    entries = [Entry(None, None, disk), *(Entry(number, *said) for number, said in regions.items())]
    message = Message("a method", issued, issued, issued + pd.Timedelta(hours=24), tuple(entries))
    folder = tmp_path_factory.mktemp("board")
    for ending, text in (("xml", to_xml(message, issued)), ("txt", to_text(message, "a, b"))):
        path = folder / file_name(message, ending)
        path.write_text(text)
        assert read_scoreboard(path) == message


@pytest.mark.parametrize(
    "text",
    ["", "<message/>", "<!DOCTYPE x><message/>", "<message><forecast/></message>", "Forecasting method: a\n", "\0"],
)
def test_what_is_no_message_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_scoreboard(path)
    assert "\n" not in str(caught.value)


def test_places_are_written_as_noaa_does():
    assert location(13.0, -63.0) == "N13E63"
    assert location(-8.0, 0.0) == "S08W00"
    assert location(None, 3.0) is None
