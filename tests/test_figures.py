"""Do the figures show the numbers they are given, with labels and units, whatever the page's colours?"""

import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import rgb2lab

from flarescope.events import EventDefinition
from flarescope.figures import (
    data_uri,
    field_bar_figure,
    field_png,
    gallery_figure,
    history_figure,
    inline_svg,
    interval_figure,
    performance_figure,
    reliability_figure,
    roc_figure,
    save_figures,
    threshold_figure,
    timeline_figure,
    value_figure,
)
from flarescope.figures.field import FIELD_MAP, FIELD_NORM, MISSING, field_indices, shrink
from flarescope.figures.style import INK, THEMED, new_figure
from flarescope.figures.timeline import time_axis
from report_data import HISTORY, synthetic_field, synthetic_forecasts, synthetic_gallery

BINS = pd.DataFrame(
    {
        "low": [0.0, 0.2, 0.4],
        "high": [0.2, 0.4, 0.6],
        "n": [900, 0, 25],
        "mean_probability": [0.1, np.nan, 0.5],
        "event_rate": [0.02, np.nan, 0.4],
    }
)


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_forecasts(600, 6)


def line(axes, label):
    found = [item for item in axes.get_lines() if item.get_label() == label]
    assert len(found) == 1, [item.get_label() for item in axes.get_lines()]
    return np.asarray(found[0].get_xdata(), dtype=float), np.asarray(found[0].get_ydata(), dtype=float)


def region(times, probability, labels):
    return pd.DataFrame(
        {"time": pd.to_datetime(times, utc=True), "probability": probability, "label": pd.array(labels, dtype="Int8")}
    )


def test_roc_draws_the_points_given():
    fpr, tpr = np.array([0, 0.1, 0.4, 1.0]), np.array([0, 0.5, 0.9, 1.0])
    axes = roc_figure(fpr, tpr, area=0.812, points={"argmax": (0.1, 0.5)}).axes[0]
    x, y = line(axes, "area 0.812")
    np.testing.assert_array_equal(x, fpr)
    np.testing.assert_array_equal(y, tpr)
    assert [v.item() for v in line(axes, "argmax")] == [0.1, 0.5]
    assert axes.get_xlabel() == "False alarm rate, FP / (FP + TN)"
    assert axes.get_ylabel() == "Hit rate, TP / (TP + FN)"


@pytest.mark.parametrize("most", [1, 7, 25, 900, 40_000])
def test_reliability_writes_its_counts_as_plain_numbers_however_few(most):
    figure = reliability_figure(BINS.assign(n=[most, 0, 1]), event_rate=0.3)
    figure.canvas.draw()
    bottom = figure.axes[1]
    labels = [text.get_text() for text in bottom.get_yticklabels(which="both") if text.get_text()]
    assert len(set(labels)) == len(labels) >= 2
    assert all(re.fullmatch(r"[\d,]+", label) for label in labels)
    assert bottom.get_ylim()[1] > most


def test_reliability_leaves_empty_bins_out_and_counts_the_others():
    figure = reliability_figure(BINS, event_rate=0.3, calibrated=BINS.assign(event_rate=[0.1, np.nan, 0.5]))
    top, bottom = figure.axes
    x, y = line(top, "forecast")
    assert x.tolist() == [0.1, 0.5]
    assert y.tolist() == [0.02, 0.4]
    assert line(top, "calibrated")[1].tolist() == [0.1, 0.5]
    assert line(top, "share of events 0.300")[1].tolist() == [0.3, 0.3]
    assert sorted(patch.get_height() for patch in bottom.patches) == [25, 25, 900, 900]
    assert bottom.get_yscale() == "log"
    assert bottom.get_ylabel() == "Images"
    assert bottom.get_xlabel() == "Forecast probability of an event"


def test_thresholds_are_drawn_with_their_marks():
    at, tss, hss = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.6, np.nan]), np.array([0.0, -0.2, 0.0])
    axes = threshold_figure(at, tss, hss, marks={"argmax": 0.5}).axes[0]
    np.testing.assert_array_equal(line(axes, "TSS")[1], tss)
    np.testing.assert_array_equal(line(axes, "HSS")[1], hss)
    assert line(axes, "argmax: 0.50")[0].tolist() == [0.5, 0.5]
    assert axes.get_ylim()[0] < -0.2


def test_history_has_a_panel_a_number_and_says_which_line_is_which():
    figure = history_figure(HISTORY)
    assert [axes.get_ylabel() for axes in figure.axes] == ["Loss (nats)", "TSS", "HSS"]
    x, y = line(figure.axes[1], "validation")
    assert x.tolist() == [1, 2, 3, 4, 5]
    assert y.tolist() == [row["validation"]["tss"] for row in HISTORY]
    assert figure.axes[-1].get_xlabel() == "Epoch"


def test_history_without_validation_draws_what_there_is():
    figure = history_figure([{"epoch": 1, "train": {"loss": 0.5}, "validation": None}])
    assert [item.get_label() for item in figure.axes[0].get_lines()] == ["training"]


def test_intervals_are_drawn_from_low_to_high():
    table = pd.DataFrame(
        [("TSS", "A", 0.5, 0.4, 0.6), ("TSS", "B", 0.3, None, None)],
        columns=["score", "series", "value", "low", "high"],
    )
    axes = interval_figure(table).axes[0]
    (start, end) = axes.collections[0].get_segments()[0]
    assert (start[0], end[0]) == (0.4, 0.6)
    assert line(axes, "B")[0].item() == 0.3
    assert axes.get_xlabel() == "Score with its 95 % interval"


def test_time_line_breaks_at_gaps_and_shades_the_events():
    times = ["2011-02-13 00:00", "2011-02-13 01:00", "2011-02-13 02:00", "2011-02-13 20:00", "2011-02-13 21:00"]
    rows = region(times, [0.1, 0.2, 0.3, 0.8, 0.9], [0, 1, 1, 0, None])
    flares = pd.DataFrame(
        {"time": pd.to_datetime(["2011-02-13 17:38", "2011-02-20 00:00"], utc=True), "flare": ["M6.6", "X9.9"]}
    )
    figure = timeline_figure(rows.sample(frac=1, random_state=0), threshold=0.5, flares=flares)
    axes = figure.axes[0]
    y = line(axes, "forecast")[1]
    np.testing.assert_array_equal(y, [0.1, 0.2, 0.3, np.nan, 0.8, 0.9])
    (shade,) = axes.patches
    start, end = (
        mpl.dates.num2date(x).replace(tzinfo=None) for x in (shade.get_x(), shade.get_x() + shade.get_width())
    )
    assert str(start) == "2011-02-13 01:00:00"
    assert str(end) == "2011-02-13 03:00:00"  # one step after the last image that has the event ahead
    assert [text.get_text() for text in axes.texts] == ["M6.6"]  # the X flare is days after the last image
    assert axes.get_xlabel() == "Time (UTC), 2011"
    assert axes.get_ylabel() == "Forecast probability"


def test_no_event_is_shaded_where_there_was_no_image():
    """Events at 0, 1, 20 and 21 h, none at 22 h: nothing is known of the hours from 2 to 20."""
    times = pd.Timestamp("2011-02-13", tz="UTC") + pd.to_timedelta([0, 1, 20, 21, 22], unit="h")
    axes = timeline_figure(region(times, [0.5] * 5, [1, 1, 1, 1, 0]), threshold=0.5).axes[0]
    hours = [
        ((shade.get_x() % 1) * 24, (shade.get_x() + shade.get_width() - shade.get_x() // 1) * 24)
        for shade in axes.patches
    ]
    assert np.array(hours) == pytest.approx(np.array([[0, 2], [20, 22]]), abs=1e-6)
    assert sum(text.startswith("followed") for text in axes.get_legend_handles_labels()[1]) == 1


@pytest.mark.parametrize(("count", "hours"), [(1, 1), (2, 0.2), (30, 2), (300, 1), (4000, 0.2), (50, 200)])
def test_time_line_of_any_length_has_readable_ticks(count, hours):
    times = pd.Timestamp("2011-12-30", tz="UTC") + pd.to_timedelta(hours * np.arange(count), unit="h")
    figure = timeline_figure(region(times, np.full(count, 0.5), [0] * count), threshold=0.5)
    inline_svg(figure, "x", "")
    axes = figure.axes[0]
    assert len(axes.get_xticks()) <= 7
    assert len(line(axes, "forecast")[1]) <= 500


MARKED = [
    (None, "flare", "followed by an event", []),
    (EventDefinition(), "flare >= C1.0", "followed by a flare >= C1.0 within 24 h", [6, 19]),
    (EventDefinition(window_hours=6), "flare >= C1.0", "followed by a flare >= C1.0 within 6 h", [6]),
    (
        EventDefinition(threshold="M1.0", window_hours=12, latency_hours=6, scope="disk"),
        "flare >= M1.0",
        "followed by a flare >= M1.0 anywhere 6 to 18 h later",
        [6],
    ),
    (EventDefinition(window_hours=48), "flare >= C1.0", "followed by a flare >= C1.0 within 48 h", [6, 19, 40]),
]


@pytest.mark.parametrize(("event", "flare", "followed", "after"), MARKED)
def test_flares_are_marked_to_the_end_of_the_last_window_and_the_legend_names_the_event(event, flare, followed, after):
    last = pd.Timestamp("2011-02-13 03:00", tz="UTC")
    rows = region([last - pd.Timedelta(hours=3), last], [0.2, 0.8], [1, 1])
    hours = [-4, -1, 6, 19, 40, 60]
    flares = pd.DataFrame({"time": [last + pd.Timedelta(hours=hour) for hour in hours], "flare": "M2.0"})
    figure = timeline_figure(rows, threshold=0.5, event=event, flares=flares)
    figure.draw_without_rendering()
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1
    axes = figure.axes[0]
    legend = axes.get_legend_handles_labels()[1]
    assert [flare in legend, followed in legend] == [True, True]
    marked = mpl.dates.num2date(mpl.dates.date2num(line(axes, flare)[0]))
    assert [round((time - last).total_seconds() / 3600) for time in marked] == [-1, *after]


def test_field_colours_are_symmetrical_in_lightness_and_warm_is_negative():
    gauss = np.array([100, 250, 400, 650, 900, 1200, 1500])
    light = {sign: rgb2lab(FIELD_MAP(FIELD_NORM(sign * gauss))[:, :3])[:, 0] for sign in (-1, 1)}
    assert np.abs(light[-1] - light[1]).max() < 6
    assert (np.diff(light[1]) < 0).all()
    red, _, blue = FIELD_MAP(FIELD_NORM(-1000.0))[:3]
    assert red > blue
    red, _, blue = FIELD_MAP(FIELD_NORM(1000.0))[:3]
    assert blue > red
    assert np.ptp(FIELD_MAP(FIELD_NORM(0.0))[:3]) < 0.01  # grey


def test_field_indices_clip_and_mark_what_is_missing():
    field = np.array([[-3000, -1500, 0], [1500, 3000, np.nan]])
    assert field_indices(field).tolist() == [[0, 0, 127], [254, 254, 255]]


def test_field_png_holds_the_map(tmp_path):
    field = np.array([[-1500.0, 0.0], [1500.0, np.nan]])
    (tmp_path / "field.png").write_bytes(field_png(field))
    with Image.open(tmp_path / "field.png") as image:
        pixels = np.asarray(image.convert("RGB")) / 255
    np.testing.assert_allclose(pixels[0, 0], FIELD_MAP(0.0)[:3], atol=1 / 255)
    np.testing.assert_allclose(pixels[1, 0], FIELD_MAP(1.0)[:3], atol=1 / 255)
    np.testing.assert_allclose(pixels[1, 1], to_rgb(MISSING), atol=1 / 255)
    assert data_uri(b"\x00").startswith("data:image/png;base64,")


def test_shrinking_averages_and_keeps_the_shape():
    field = np.arange(600 * 300, dtype=float).reshape(600, 300)
    small = shrink(field)
    assert small.shape == (224, 112)
    assert small.mean() == pytest.approx(field.mean(), rel=1e-3)
    assert shrink(np.ones((10, 20))).shape == (10, 20)


def test_gallery_has_a_gauss_bar_and_the_fields(synthetic):
    groups = synthetic_gallery(synthetic)
    figure = gallery_figure([*groups, ("Nothing", [])])
    bar = figure.axes[-1]
    assert bar.get_xlabel() == field_bar_figure().axes[0].get_xlabel() == "Field along the line of sight (gauss)"
    assert (bar.get_xticks()[0], bar.get_xticks()[-1]) == (-1500, 1500)
    np.testing.assert_array_equal(figure.subfigs[0].axes[0].images[0].get_array(), groups[0][1][0].field_gauss)


def test_inline_svg_follows_the_page_and_refers_to_nothing():
    text = inline_svg(roc_figure(np.array([0, 1]), np.array([0, 1]), area=0.5), "roc", 'alt "quoted" <b>')
    assert "http" not in text
    assert 'aria-label="alt &quot;quoted&quot; &lt;b&gt;"' in text
    for color in THEMED:
        assert color not in text
    assert "var(--ink)" in text
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert all(name.startswith("roc-") for name in ids)
    referred = re.findall(r'(?:url\(|href=")#([^)"]*)', text)
    assert referred
    assert set(referred) <= set(ids)
    assert "Hit rate, TP / (TP + FN)" in text  # text stays text


def test_the_same_figure_gives_the_same_bytes():
    texts = {inline_svg(history_figure(HISTORY), "history", "") for _ in range(2)}
    assert len(texts) == 1


def test_a_dollar_sign_in_a_name_is_no_formula():
    points = {"$x^{": (0.1, 0.2), "<b>&": (0.2, 0.3)}
    text = inline_svg(roc_figure(np.array([0, 1]), np.array([0, 1]), area=0.5, points=points), "roc", "")
    assert "$x^{" in text
    assert "&lt;b&gt;&amp;" in text


def test_drawing_leaves_the_settings_of_others_alone():
    with mpl.rc_context({"font.size": 31.0, "text.color": "red"}):
        figure = history_figure(HISTORY)
        assert figure.axes[0].yaxis.label.get_size() == 12
        assert figure.axes[0].yaxis.label.get_color() == INK
        assert mpl.rcParams["font.size"] == 31.0


def test_figures_are_saved_as_png_and_svg(tmp_path):
    paths = save_figures({"history": history_figure(HISTORY), "bar": field_bar_figure()}, tmp_path / "figures")
    assert sorted(path.name for path in paths) == ["bar.png", "bar.svg", "history.png", "history.svg"]
    assert sorted(paths) == sorted((tmp_path / "figures").iterdir())
    assert (tmp_path / "figures/history.svg").read_text().startswith("<?xml")
    with Image.open(tmp_path / "figures/history.png") as image:
        assert image.size[0] == 832  # 5.2 inches at 160 dots each


def test_synthetic_field_is_made(synthetic):
    assert np.array_equal(synthetic_field(1), synthetic_field(1))
    assert (synthetic["noaa_ar"] >= 19_001).all()


def test_intervals_are_drawn_where_there_are_some():
    band = pd.DataFrame({"fpr": [0.0, 0.5, 1.0], "low": [0.0, np.nan, 1.0], "high": [0.2, 0.9, 1.0]})
    axes = roc_figure(np.array([0.0, 1.0]), np.array([0.0, 1.0]), area=0.5, band=band).axes[0]
    assert len(axes.collections) == 1
    assert axes.collections[0].get_paths()[0].vertices[:, 0].max() == 1
    bins = BINS.assign(rate_low=0.0, rate_high=0.5, bar_low=0.05, bar_high=0.15)
    top = reliability_figure(bins, event_rate=0.1).axes[0]
    assert len(top.collections) == 1 + 2  # the intervals, and a bar for each bin with rows
    assert len(reliability_figure(BINS, event_rate=0.1).axes[0].collections) == 0
    at = np.array([0.0, 1.0])
    bands = {name: pd.DataFrame({"low": [0.0, 0.1], "high": [0.2, 0.3]}) for name in ("tss", "hss")}
    assert len(threshold_figure(at, at, at, bands=bands).axes[0].collections) == 2


def test_the_performance_diagram_has_its_lines_and_points():
    figure = performance_figure(np.array([0.9, 0.4]), np.array([0.2, 1.0]), points={"chosen": (0.5, 0.8)})
    x, y = line(figure.axes[0], "chosen")
    assert (x.tolist(), y.tolist()) == ([0.5], [0.8])
    assert {"bias 1", "0.5"} <= {text.get_text() for text in figure.axes[0].texts}


def test_the_value_is_drawn_over_cost_and_loss():
    at = np.array([0.01, 0.1, 0.5])
    curve = pd.DataFrame({"value": [0.1, 0.5, -0.2], "low": [0.0, 0.3, np.nan], "high": [0.2, 0.6, np.nan]})
    axes = value_figure(at, {"these": curve}, event_rate=0.1).axes[0]
    assert line(axes, "these")[1].tolist() == [0.1, 0.5, -0.2]
    assert axes.get_xscale() == "log"


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ("2011-01-20", "2018-03-31", ["Jan 2012", "Jan 2014", "Jan 2016", "Jan 2018"]),
        ("2013-03-10", "2014-02-02", ["Apr 2013", "Jul 2013", "Oct 2013", "Jan 2014"]),
        ("2013-03-10", "2013-03-31", ["12 Mar", "16 Mar", "20 Mar", "24 Mar", "28 Mar"]),
    ],
)
def test_a_long_time_axis_names_months_with_their_years(first, last, names):
    axes = new_figure(2).add_subplot()
    time_axis(axes, *(pd.Timestamp(time).timestamp() / 86_400 for time in (first, last)))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == names


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        ("2014-08-05 06:23", "2014-08-05 21:23", "Time (UTC), 5 Aug 2014"),
        ("2014-08-05 06:23", "2014-08-05 06:35", "Time (UTC), 5 Aug 2014"),
        ("2014-08-05 06:23", "2014-08-06 01:23", "Time (UTC), 2014"),  # midnight is a tick of its own: 6 Aug
        ("2013-12-30", "2014-01-07", "Time (UTC), 2013 to 2014"),
    ],
)
def test_a_time_axis_always_says_the_day(first, last, label):
    axes = new_figure(2).add_subplot()
    time_axis(axes, *(pd.Timestamp(time).timestamp() / 86_400 for time in (first, last)))
    assert axes.get_xlabel() == label


def test_epochs_are_whole_numbers_of_one_epoch_too():
    scores = {"loss": 0.5, "tss": 0.2, "hss": 0.1}
    axes = history_figure([{"epoch": 1, "train": scores, "validation": scores}]).axes[-1]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
