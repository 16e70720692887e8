"""Is the report one page that opens anywhere, says what was measured, and asks nobody for anything?"""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank
from flarescope.events import EventDefinition
from flarescope.html_report import (
    Compared,
    decided_forecasts,
    gallery_rows,
    instructive_regions,
    render_report,
    report_figures,
    write_report,
)
from flarescope.html_report.drawings import short_name
from flarescope.html_report.render import breakable
from flarescope.html_report.small_lines import region_lines
from flarescope.scores.calibration import fit_calibration
from flarescope.scores.compare import compare
from flarescope.scores.verify import verify
from flarescope.wording import flatten, interval, number, p_value_text, probability_text, with_relation
from report_data import FIRST_REGION, HISTORY, synthetic_forecasts, synthetic_gallery, synthetic_inputs

HOSTILE = '<script>alert("x")</script> & \'"$x^{ <img src=http://example.org/a.png>'


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in {"meta", "link", "img", "br", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "wbr" and self.words:
            self.words[-1] += data  # a place where a name may break, and no space
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def inputs():
    return synthetic_inputs()


@pytest.fixture(scope="module")
def page(inputs):
    return render_report(inputs)


@pytest.fixture(scope="module")
def compared():
    """A run with calibration beside two others, one on other images."""
    forecasts = synthetic_forecasts()
    noisy = forecasts.assign(probability=forecasts["probability"].iloc[::-1].to_numpy())
    calibration = fit_calibration(synthetic_forecasts(seed=5).assign(split="validation"))
    return synthetic_inputs(
        forecasts,
        verification=verify(
            forecasts,
            event=EventDefinition(),
            climatology=0.3,
            threshold=0.4,
            calibration=calibration,
            replicates=50,
        ),
        compared=[
            Compared("reversed.csv", verify(noisy, replicates=50), compare(forecasts, noisy, replicates=50)),
            Compared("elsewhere.csv", verify(synthetic_forecasts(seed=2), replicates=50), note="other images"),
        ],
    )


def shown(value):
    return number(value)


def test_headline_stands_with_its_interval(inputs, page):
    text = Reader(page).text
    for name, title in (("tss", "TSS"), ("hss", "HSS"), ("tpr", "TPR"), ("tnr", "TNR")):
        row = inputs.verification["decisions"]["argmax"]["scores"][name]
        assert f"{title} {shown(row['value'])} {shown(row['low'])} to {shown(row['high'])}" in text
    assert "Intervals: 95%, by the jackknife over regions, Student's t with" in text
    assert "(30 active regions, of which" in text


def test_counts_are_those_of_the_forecasts(inputs, page):
    frame = inputs.forecasts
    hits = int(((frame["label"] == 1) & (frame["probability"] >= 0.5)).sum())
    alarms = int(((frame["label"] == 0) & (frame["probability"] >= 0.5)).sum())
    assert f"Forecast yes {hits:,} hits {alarms:,} false alarms" in Reader(page).text


def test_warnings_come_before_everything(page):
    text = Reader(page).text
    body = text[text.index("SYNTHETIC DATA") :]
    assert body.index("RANDOM FILTERS") < body.index("Synthetic run Forecasts of")
    assert "no official forecast" in body


@pytest.mark.parametrize(
    "words",
    ["All yes/no scores", "Too narrow: images taken as independent", "Persistence", "Training climatology", "Always no",
     "Hit rate by class of the largest flare", "By year", "Regions with most misses", "By active region", "By month",
     "Regions over time", "Most confident hits", "Most confident misses", "Most confident false alarms",
     "Field along the line of sight (gauss)", "weights.digest", "precision", "recipe.learning rate", "Loss (nats)",
     "Observed share of events", "Hit rate, TP / (TP + FN)"],
)  # fmt: skip
def test_page_holds(page, words):
    assert words in Reader(page).text


def test_page_is_closed_in_itself(page):
    reader = Reader(page)
    assert reader.open == []
    assert "script" not in reader.tags
    assert not re.search(r"https?:|//[a-z]|@import", re.sub(r"base64,[A-Za-z0-9+/=]*", "", page))
    for tag, name, value in reader.attributes:
        if name in {"src", "href", "xlink:href"}:
            assert value.startswith(("#", "data:")), (tag, name, value[:80])
        assert not name.startswith("on"), (tag, name)
    targets = {value for _, name, value in reader.attributes if name == "id"}
    links = {value[1:] for _, name, value in reader.attributes if "href" in name and value.startswith("#")}
    assert links <= targets
    policy = next(value for _, name, value in reader.attributes if name == "content" and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_ids_are_used_once_and_pictures_are_described(page):
    attributes = Reader(page).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    described = [value for tag, name, value in attributes if (tag, name) in {("img", "alt"), ("svg", "aria-label")}]
    assert len(described) == Reader(page).tags.count("img") + Reader(page).tags.count("svg")
    assert all(len(words) > 20 for words in described)


def test_hostile_names_stay_names(inputs):
    gallery = [
        (HOSTILE, [dataclasses.replace(image, filename=HOSTILE, time=HOSTILE, flare=HOSTILE) for image in images])
        for _, images in inputs.gallery
    ]
    other = Compared(HOSTILE, inputs.verification, None, note=HOSTILE)
    events = inputs.events.assign(flare=HOSTILE)
    hostile = dataclasses.replace(
        inputs, title=HOSTILE, warnings=(HOSTILE,), gallery=gallery, compared=[other], events=events,
        provenance={HOSTILE: {HOSTILE: HOSTILE}}, footer=HOSTILE, split=HOSTILE,
    )  # fmt: skip
    reader = Reader(render_report(hostile))
    assert "script" not in reader.tags
    assert not any("example.org" in value for _, name, value in reader.attributes if name in {"src", "href"})
    assert '<script>alert("x")</script>' in reader.text


def test_same_inputs_give_the_same_bytes(inputs, page):
    assert render_report(inputs) == page


def test_a_bare_table_has_a_report_too():
    """Another model's forecasts: no history, no flares, no images, no intervals, no regions, no times."""
    frame = synthetic_forecasts(300, 3)[["filename", "label", "probability"]]
    frame = frame.assign(noaa_ar=pd.array([None] * 300, dtype="Int32"), time=pd.Series(pd.NaT, index=frame.index))
    bare = synthetic_inputs(
        frame,
        verification=verify(frame, replicates=0),
        history=(), events=None, gallery=(), warnings=(), provenance={},
    )  # fmt: skip
    text = Reader(render_report(bare)).text
    assert "No intervals were made" in text
    assert "Regions over time" not in text
    assert "Magnetograms" not in text


def test_a_run_with_one_region_speaks_of_one_and_of_no_interval(monkeypatch):
    draw_blank(monkeypatch)
    frame = synthetic_forecasts(30, 1).assign(time=pd.Timestamp("2012-01-03T05:00Z"))
    frame["label"], frame["probability"] = [1, 0] * 15, np.linspace(0.6, 0.3, 30)
    frame.loc[0, "probability"] = 0.3
    inputs = synthetic_inputs(
        frame, verification=verify(frame, climatology=0.25, replicates=0), gallery=(), events=None
    )
    text = " ".join(Reader(render_report(inputs)).text.split())
    assert "for 30 images of 1 active region (test rows, 2012-01-03)" in text
    assert "No intervals were made" in text
    assert "No score has an interval here." in text
    assert "Side by side Forecast" in text
    words = (
        "each with its interval",
        "Interval by region",
        "Too narrow",
        "Overlapping intervals",
        "an interval that holds",
    )
    assert [word for word in words if word in text] == []


@pytest.mark.parametrize(("flipped", "words"), [(1, "1 hit 2 false alarms"), (2, "2 hits 1 false alarm")])
def test_counts_of_one_are_in_the_singular(flipped, words, monkeypatch):
    draw_blank(monkeypatch)
    frame = synthetic_forecasts(30, 1).assign(probability=[0.9] * 3 + [0.1] * 27)
    frame["label"] = [1] * flipped + [0] * (3 - flipped) + [1] * 10 + [0] * 17
    inputs = synthetic_inputs(frame, verification=verify(frame, replicates=0), gallery=(), events=None, history=())
    assert words in " ".join(Reader(render_report(inputs)).text.split()).replace("Forecast yes ", "")


def test_comparison_shows_paired_differences(compared):
    text = Reader(render_report(compared)).text
    row = compared.compared[0].difference["decision"]["tss"]
    assert "B: reversed.csv" in text
    assert f"+{row['difference']:.3f} {shown(row['low'])} to {shown(row['high'])}" in text
    assert "C: other images" in text
    assert "minus C: elsewhere – – – – – –" in text


def test_calibration_is_used_where_the_decision_is_made_on_it(compared):
    forecasts, threshold = decided_forecasts(compared.forecasts, compared.verification)
    assert threshold == 0.4
    mean = compared.verification["calibrated"]["mean_probability"]
    assert forecasts["probability"].mean() == pytest.approx(mean)
    assert forecasts["probability"].mean() != pytest.approx(compared.forecasts["probability"].mean())


def test_figures_by_name(compared):
    names = list(report_figures(compared))
    lines = [name for name in names if name.startswith("timeline-")]
    assert 1 <= len(lines) <= 3
    assert [name for name in names if name not in lines] == [
        "roc", "reliability", "reliability-equal", "thresholds", "performance", "value",
        "comparison", "history", "gallery",
    ]  # fmt: skip


def test_curves_are_those_of_the_verification(inputs):
    figures = report_figures(inputs)
    curve = inputs.verification["curves"]["roc"]
    (drawn,) = [item for item in figures["roc"].axes[0].get_lines() if item.get_label().startswith("area")]
    np.testing.assert_array_equal(drawn.get_xdata(), curve["fpr"])
    np.testing.assert_array_equal(drawn.get_ydata(), curve["tpr"])
    bins = inputs.verification["probability"]["reliability"]
    (drawn,) = [item for item in figures["reliability"].axes[0].get_lines() if item.get_label() == "forecast"]
    assert drawn.get_ydata().tolist() == [rate for rate, n in zip(bins["event_rate"], bins["n"], strict=True) if n]


def test_gallery_takes_the_most_confident_once_a_region():
    frame = pd.DataFrame(
        {
            "filename": list("abcdefg"),
            "noaa_ar": pd.array([1, 1, 2, 2, 3, 3, 4], dtype="Int32"),
            "label": pd.array([1, 1, 1, 1, 0, 0, None], dtype="Int8"),
            "probability": [0.9, 0.8, 0.3, 0.1, 0.7, 0.6, 0.99],
        }
    )
    chosen = gallery_rows(frame, 0.5)
    assert {name: rows["filename"].tolist() for name, rows in chosen.items()} == {
        "hits": ["a"],
        "misses": ["d"],
        "false_alarms": ["e"],
    }


def test_instructive_regions_say_why():
    frame = pd.DataFrame(
        {
            "noaa_ar": pd.array([1] * 4 + [2] * 4 + [3] * 4, dtype="Int32"),
            "time": pd.to_datetime(["2012-01-03"] * 12, utc=True),
            "label": [1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0],
            "probability": [0.9, 0.9, 0.1, 0.1] + [0.1] * 4 + [0.9] * 4,
        }
    )
    assert instructive_regions(frame, 0.5) == {
        1: "both events and quiet spells",
        2: "most misses",
        3: "most false alarms",
    }
    assert instructive_regions(frame.assign(noaa_ar=None), 0.5) == {}
    assert instructive_regions(frame[8:], 0.95) == {3: "most images"}


def test_time_lines_are_of_regions_of_the_table(inputs):
    regions = instructive_regions(inputs.forecasts, 0.5)
    assert all(region >= FIRST_REGION for region in regions)


@pytest.mark.parametrize(
    ("value", "digits", "text", "related"),
    [
        (0.0, 3, "0.000", "= 0.000"),
        (0.0004, 3, "<0.001", "< 0.001"),
        (0.0004, 4, "0.0004", "= 0.0004"),
        (0.0006, 3, "0.001", "= 0.001"),
        (0.9994, 3, "0.999", "= 0.999"),
        (0.9996, 3, ">0.999", "> 0.999"),
        (0.99996, 4, ">0.9999", "> 0.9999"),
        (1.0, 3, "1.000", "= 1.000"),
    ],
)
def test_a_probability_is_0_or_1_only_where_it_is(value, digits, text, related):
    assert probability_text(value, digits) == text
    assert with_relation(text) == related


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.0, "<0.001"), (4e-4, "<0.001"), (0.0126, "0.013"), (1.0, "1.000")],
)
def test_no_difference_is_beyond_chance(value, text):
    assert p_value_text(value) == text


def test_numbers_are_written_for_readers():
    assert [number(value) for value in (0.12345, -0.5, 12345, None, float("nan"))] == [
        "0.123", "−0.500", "12,345", "–", "–",
    ]  # fmt: skip
    assert interval(-0.1, 0.2) == "−0.100 to 0.200"
    assert interval(None, 0.2) == "–"
    assert flatten({"a": {"b_c": 1, "d": None}, "e": [1, 2]}) == [("a.b c", "1"), ("e", "1, 2")]


@pytest.mark.slow
def test_report_of_100_000_forecasts_is_small(tmp_path):
    forecasts = synthetic_forecasts(100_000, 157)
    big = synthetic_inputs(forecasts, gallery=synthetic_gallery(forecasts), history=HISTORY, replicates=20)
    write_report(big, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 5e6


def test_the_questions_of_users_stand_on_the_page(inputs, page):
    for words in ("Relative value", "All-clear: nothing is forecast below", "One forecast a day", "First flares"):
        assert words in page
    npv = inputs.verification["analyses"]["all_clear"]["decision"]["npv"]
    assert f'{npv["value"]:.3f}<span class="ends">{npv["low"]:.3f} to {npv["high"]:.3f}' in page


def test_long_names_break_at_their_separators_and_runs_are_called_by_their_names():
    assert str(breakable("a/b")) == "a/b"
    broken = str(breakable("runs/vgg16_frozen/forecasts-of-test.parquet"))
    assert broken == "runs/<wbr>vgg16_<wbr>frozen/<wbr>forecasts-<wbr>of-<wbr>test.<wbr>parquet"
    assert str(breakable("<script>")) == "&lt;script&gt;"
    assert short_name("runs/png") == "png"
    assert short_name("a/forecasts.parquet#mcintosh") == "forecasts#mcintosh"
    assert len(short_name("x" * 99)) == 24


def test_a_verification_of_an_older_version_has_a_page_too(inputs):
    old = json.loads(json.dumps(inputs.verification))
    del old["analyses"], old["curves"]["roc_band"], old["curves"]["threshold_bands"]
    for name in ("equal_count", "brier_parts"):
        del old["probability"][name]
    for name in ("rate_low", "rate_high", "bar_low", "bar_high"):
        del old["probability"]["reliability"][name]
    for rows in old["slices"]["argmax"].values():
        for row in rows:
            row.pop("intervals", None)
    page = render_report(dataclasses.replace(inputs, verification=old))
    assert "All-clear" not in page
    assert "Reliability" in page


def test_every_region_has_a_small_time_line(inputs):
    lines = region_lines(inputs)
    assert [line.name for line in lines] == [f"line-{region}" for region in sorted(set(inputs.forecasts["noaa_ar"]))]
    one = inputs.forecasts[inputs.forecasts["noaa_ar"] == FIRST_REGION]
    points = re.search(r'd="M([^"]*)h0" fill="none"', lines[0].svg).group(1).split("L")
    assert len(points) == len(one)
    assert points[0] == f"0,{60 * (1 - one['probability'].iloc[0]):.0f}"
    spells = np.diff(np.concatenate([[0], (one["label"] == 1).to_numpy(int), [0]]))
    assert lines[0].svg.count("<rect") == (spells == 1).sum()
    disk = dataclasses.replace(inputs, event=EventDefinition(scope="disk"))
    assert region_lines(disk) == []
    rows = one.iloc[:6].assign(label=[1, 1, 1, 1, 0, 0])
    rows["time"] = rows["time"].iloc[0] + pd.to_timedelta([0, 1, 20, 21, 22, 23], unit="h")
    broken = region_lines(dataclasses.replace(inputs, forecasts=rows))[0].svg
    assert (broken.count("<rect"), re.search(r'd="(M[^"]*h0)"', broken).group(1).count("M")) == (2, 2)  # a gap
