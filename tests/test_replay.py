"""Does a replay forecast each day of the past as it would have been forecast, from nothing later?"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank
from flarescope import InputError, region_model, verify_table
from flarescope.cli import main
from flarescope.events import EventDefinition
from flarescope.pipeline.archiving.outcomes import with_outcomes
from flarescope.pipeline.archiving.replay import replay_days
from flarescope.pipeline.archiving.replaying import replay, usual_models
from flarescope.pipeline.forecasting.beside import CLIMATOLOGY
from flarescope.pipeline.forecasting.inputs import read_inputs
from flarescope.pipeline.forecasting.issue import issue_forecast
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter
from flarescope.regions.description import on_operational_scale
from flarescope.regions.grid import DAY, THRESHOLDS_W_M2
from flarescope.regions.model import SCALE
from flarescope.scores.cases import Sampling
from flarescope.several_events import implications
from made_regions import write_made_regions

pytestmark = pytest.mark.xdist_group("replay")
FIRST, LAST = pd.Timestamp("2001-03-05", tz="UTC"), pd.Timestamp("2001-03-09", tz="UTC")


class Heard(Reporter):
    """Keeps what it is warned of."""

    def __init__(self):
        self.texts = []

    def warn(self, text):
        self.texts.append(text)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_made_regions(tmp_path_factory.mktemp("made"), regions=22)


@pytest.fixture(scope="module")
def inputs(paths):
    return read_inputs([paths[0]], [paths[1]])


@pytest.fixture(scope="module")
def models():
    return [region_model()]


def replayed(inputs, models, *, regions=None, flares=None, **more):
    settings = {"first": FIRST, "last": LAST, "reporter": Reporter()} | more
    return replay_days(
        inputs.regions if regions is None else regions,
        inputs.flares if flares is None else flares,
        models=models,
        **settings,
    )


def own(table):
    return table[table["model"] != CLIMATOLOGY].reset_index(drop=True)


def in_order(table):
    return table.sort_values(["issued", "model", "event", "window_h", "noaa_ar"], ignore_index=True)


def test_each_day_is_forecast_as_forecast_would_have_done(inputs):
    models = [region_model(name) for name in usual_models()]
    assert len(models) == 2
    found = in_order(own(replayed(inputs, models).table))
    days = pd.date_range(FIRST, LAST)
    single = [
        issue_forecast(inputs.regions, inputs.flares, day + pd.Timedelta(minutes=30), model=model).probabilities
        for day in days
        for model in models
    ]
    pd.testing.assert_frame_equal(found, in_order(pd.concat(single, ignore_index=True)), rtol=1e-12)
    assert found["noaa_ar"].isna().sum() == len(days) * 9 * 2


@pytest.mark.parametrize("hour", [0, 0.5, 17.5])
def test_a_tampered_future_changes_nothing(inputs, models, hour):
    cut = FIRST + pd.Timedelta(days=2)
    moment = cut + pd.Timedelta(hours=hour)
    later = inputs.regions["day"] > cut
    regions = inputs.regions.copy()
    regions.loc[later, ["mcintosh", "area_msh", "spots"]] = ["FKC", 3000, 99]
    again = regions[regions["day"] < cut - pd.Timedelta(days=10)].tail(40)  # old numbers come back
    regions = pd.concat([regions, again.assign(day=cut + pd.Timedelta(days=1))], ignore_index=True)
    table = inputs.flares.table
    strong = table[table["time"] > moment].assign(flare="X9.0")
    more = strong.assign(time=strong["time"] + pd.Timedelta(minutes=7), noaa_ar=9011)
    kept = table[table["time"] <= moment]
    flares = replace(inputs.flares, table=pd.concat([kept, strong, more], ignore_index=True))
    honest = replayed(inputs, models, issue_hour=hour).table
    tampered = replayed(inputs, models, regions=regions, flares=flares, issue_hour=hour).table
    before = [in_order(one[one["issued"] <= moment]) for one in (honest, tampered)]
    pd.testing.assert_frame_equal(*before)
    assert before[0]["issued"].nunique() == 3
    after = [in_order(one[one["issued"] > moment]) for one in (honest, tampered)]
    assert not np.allclose(after[0]["probability"].head(50), after[1]["probability"].head(50))


def test_a_day_without_a_summary_is_forecast_from_the_one_before_or_has_no_region(inputs, models):
    gap = FIRST + pd.Timedelta(days=1)
    regions = inputs.regions[inputs.regions["day"] != gap]
    heard = Heard()
    found = replayed(inputs, models, regions=regions, reporter=heard)
    moment = gap + pd.Timedelta(minutes=30)
    single = issue_forecast(regions, inputs.flares, moment, model=models[0]).probabilities
    rows = own(found.table[found.table["issued"] == moment])
    pd.testing.assert_frame_equal(in_order(rows), in_order(single))
    assert any("1 of 5 days has no summary, the first 2001-03-06" in text for text in heard.texts)
    quiet = replayed(inputs, models, regions=regions, quiet_days=True)
    rows = own(quiet.table[quiet.table["issued"] == moment])
    assert rows["noaa_ar"].isna().all()
    assert len(rows) == 9
    assert any("taken to have had no region" in text for text in quiet.notes)


def test_where_no_summary_is_near_nothing_is_forecast_and_that_is_said(inputs, models):
    regions = inputs.regions[inputs.regions["day"] < FIRST - pd.Timedelta(days=1)]
    found = replayed(inputs, models, regions=regions)
    assert [f"{day:%m-%d}" for day in found.missing] == ["03-06", "03-07", "03-08", "03-09"]
    assert any("nothing is forecast for 4 days" in text for text in found.notes)
    with pytest.raises(InputError, match="no summary of 2001-03-05"):
        replayed(inputs, models, regions=inputs.regions[inputs.regions["day"] < "2001-01-15"])


def test_days_that_a_model_learned_from_are_no_test_of_it(inputs, models):
    heard = Heard()
    found = replayed(inputs, models, reporter=heard)
    assert any(
        text.startswith("NO TEST: the model regions learned from 1996-08-09 to 2015-12-28") for text in found.notes
    )
    assert all(len(text) < 300 for text in heard.texts)


def test_climatology_is_the_share_of_events_among_the_rows_trained_on(inputs, models):
    table = replayed(inputs, models).table
    rows = table[(table["model"] == CLIMATOLOGY) & (table["event"] == "M1.0") & (table["window_h"] == 24)]
    trained = models[0].trained
    place = THRESHOLDS_W_M2.index(1e-5)
    assert rows[rows["noaa_ar"].notna()]["probability"].unique() == pytest.approx([1184 / 31948])
    assert trained["events_of_a_day"][place] == 1184
    assert rows[rows["noaa_ar"].isna()]["probability"].unique() == pytest.approx([trained["disk_rates"][place][DAY]])
    assert len(table[table["model"] == CLIMATOLOGY]) == len(own(table))


def test_a_list_of_the_science_scale_gives_what_its_flares_on_the_operational_one_give(inputs, models):
    """Classes of today are 1 / 0.7 of those that the model knows: its C0.7 is their C1.0, for climatology too."""
    events = [EventDefinition(threshold=name, scope=scope) for name in ("C1.0", "M1.0") for scope in ("region", "disk")]
    less = [replace(event, threshold={"C1.0": "B7.0", "M1.0": "C7.0"}[event.threshold]) for event in events]
    told = replace(inputs.flares, scales=("science",))
    operational = replace(inputs.flares, scales=("operational",), table=on_operational_scale(told.table))
    expected = replayed(inputs, models, flares=operational, events=less).table
    for flares, stated in ((told, None), (told, "science"), (replace(told, scales=(None,)), "science")):
        found = replayed(inputs, models, flares=flares, events=events, flux_scale=stated)
        assert found.flux_scale == "science"
        assert in_order(found.table)["probability"].to_numpy() == pytest.approx(in_order(expected)["probability"])
    # A stated scale is that of the events; the list keeps its own.
    mixed = replayed(inputs, models, flares=told, events=less, flux_scale="operational")
    assert in_order(mixed.table)["probability"].to_numpy() == pytest.approx(in_order(expected)["probability"])
    rows = with_outcomes(mixed.rows(), mixed.flares, list_scale=SCALE)
    assert rows["label"].tolist() == with_outcomes(expected, operational, list_scale=SCALE)["label"].tolist()


def test_climatology_is_in_order_for_windows_that_the_grid_has_not(inputs, models):
    windows = [(start, end - start) for start in range(0, 49, 7) for end in range(start + 12, 73, 9)]
    events = [
        EventDefinition(threshold=name, window_hours=hours, latency_hours=start, scope="disk")
        for name in ("C1.0", "C3.0", "M1.0")
        for start, hours in windows
    ]
    table = replayed(inputs, models, events=events, last=FIRST).table
    rates = table[table["model"] == CLIMATOLOGY]["probability"].to_numpy()
    assert len(rates) == len(events)
    assert (rates[:, None] <= rates[None] + 1e-12)[implications(events)].all()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"first": LAST, "last": FIRST}, "the earlier day first"),
        ({"issue_hour": 24}, "issue hour 24"),
        ({"issue_hour": -1}, "issue hour -1"),
    ],
)
def test_what_cannot_be_replayed_is_refused(inputs, models, more, words):
    with pytest.raises(InputError, match=words):
        replayed(inputs, models, **more)


@pytest.mark.parametrize("number", [0, 2])
def test_each_model_has_a_name_of_its_own(inputs, models, number):
    with pytest.raises(InputError, match="each name once"):
        replayed(inputs, models * number)


@pytest.fixture(scope="module")
def folder(paths, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "replay"
    replay(
        regions=[paths[0]],
        flares=[paths[1]],
        first="2001-02-01",
        last="2001-04-10",
        out=out,
        issue_hour=12,
        sampling=Sampling(replicates=20),
        reporter=Reporter(),
    )
    return out


def test_the_labels_are_those_of_a_plain_loop(folder, inputs):
    table = pd.read_parquet(folder / "forecasts.parquet")
    assert list(table.columns) == [
        *("issued", "noaa_ar", "event", "window_h", "latency_h", "probability", "model", "label")
    ]
    assert table["issued"].dt.hour.unique().tolist() == [12]
    letters = {"C": 1, "M": 10, "X": 100}
    peaks = [
        (time, number, letters[name[0]] * float(name[1:]))
        for time, number, name in zip(*(inputs.flares.table[c] for c in ("time", "noaa_ar", "flare")), strict=True)
    ]
    for row in table[table["model"] == "regions"].sample(200, random_state=1).itertuples():
        end = row.issued + pd.Timedelta(hours=row.window_h)
        least = letters[row.event[0]] * float(row.event[1:])
        came = any(
            row.issued < time <= end and strength >= least and (pd.isna(row.noaa_ar) or row.noaa_ar == number)
            for time, number, strength in peaks
        )
        assert row.label == came


def test_its_tables_are_evaluated_and_compared(folder, capsys, monkeypatch):
    draw_blank(monkeypatch)
    tables = [folder / "forecasts" / name / "region_C1.0_24h.parquet" for name in ("", "mcintosh", "climatology")]
    found = verify_table(tables[0], verifying=Verifying(replicates=20))
    assert found["settings"]["event"]["scope"] == "region"
    scores = json.loads((folder / "scores.json").read_text())["region"]["C1.0/24"]
    assert found["probability"]["scores"]["brier"]["value"] == pytest.approx(
        scores["scores"]["regions"]["brier"]["value"]
    )
    assert main(["compare", *map(str, tables[:2]), "--replicates", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == found["sample"]["n"]
    said = "NO TEST: the model {} learned from 1996-08-09 to 2015-12-28, the time of forecasts here"
    assert found["notes"][0].startswith(said.format("regions"))
    assert not any(note.startswith("NO TEST") for note in verify_table(tables[2])["notes"])  # climatology's rates
    assert main(["evaluate", str(folder / "forecasts/mcintosh/disk_M1.0_48h.parquet"), "--replicates", "0"]) == 0
    assert said.format("mcintosh") in capsys.readouterr().err
    page = folder / "page.html"
    assert main(["report", *map(str, tables[:2]), "--out", str(page), "--replicates", "0"]) == 0
    top = page.read_text().partition("<h2")[0]
    assert all(said.format(name) in top for name in ("regions", "mcintosh"))


def test_the_table_of_all_events_is_evaluated_and_compared_by_event_scope_and_model(folder, capsys):
    table, event = str(folder / "forecasts.parquet"), ["--event", "C1.0", "--window", "24"]
    alone = verify_table(folder / "forecasts/region_C1.0_24h.parquet", verifying=Verifying(replicates=0))
    assert main(["evaluate", table, *event, "--replicates", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["probability"] == alone["probability"]
    assert sum(note.startswith("NO TEST: the model regions") for note in found["notes"]) == 1
    assert found["settings"]["event"]["flux_scale"] == "operational"
    assert main(["compare", table, f"{table}#mcintosh", *event, "--replicates", "0", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["probability"]["brier"]["a"] == found["probability"]["scores"]["brier"]["value"]
    assert both["probability"]["brier"]["b"] != both["probability"]["brier"]["a"]
    assert (
        main(["compare", table, f"{table}#climatology", *event, "--scope", "disk", "--replicates", "0", "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["settings"]["event"]["scope"] == "disk"


@pytest.mark.parametrize(
    ("which", "options", "words"),
    [
        ("", [], "several events; state one of C1.0/24"),
        ("", ["--event", "M3.0", "--window", "24"], "no forecast of flares >= M3.0 within 24 h"),
        ("#vgg16", ["--event", "C1.0", "--window", "24"], "no forecast of the model 'vgg16'"),
    ],
)
def test_what_the_table_of_all_events_does_not_have_is_one_line(folder, capsys, which, options, words):
    assert main(["evaluate", f"{folder / 'forecasts.parquet'}{which}", *options]) == 2
    assert words in capsys.readouterr().err


def test_forecast_replays_a_period(paths, tmp_path, capsys, monkeypatch):
    draw_blank(monkeypatch)
    files = ["--regions", str(paths[0]), "--flares", str(paths[1])]
    period = ["--replay", "2001-02-20..2001-03-10", "--issue-hour", "0"]
    assert main(["forecast", *files, *period, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "regions: 19 issue times, 2001-02-20 to 2001-03-10" in said.out
    assert "NO TEST" in said.err
    table = pd.read_parquet(tmp_path / "out/forecasts.parquet")
    assert table["issued"].dt.hour.unique().tolist() == [0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--replay", "2001", "--out", "o"], "expected two days"),
        (["--replay", "2001-02-30..2001-03-10", "--out", "o"], "day '2001-02-30'"),
        (["--replay", "2001-03-10..2001-02-20", "--out", "o"], "the earlier day first"),
        (["--replay", "2001-02-20..2001-03-10"], "give their folder"),
        (["--replay", "2001-02-20..2001-03-10", "--out", "o", "--archive", "a"], "takes no --image"),
        (["--issue-hour", "3"], "belongs to --replay"),
    ],
)
def test_a_replay_that_cannot_be_is_one_line(paths, capsys, more, words):
    assert main(["forecast", "--regions", str(paths[0]), "--flares", str(paths[1]), *more]) == 2
    assert words in capsys.readouterr().err


def test_it_verifies_beside_climatology_mcstat_and_persistence(folder):
    found = json.loads((folder / "scores.json").read_text())
    scores = found["disk"]["C1.0/24"]["scores"]
    assert set(scores) == {"regions", "climatology", "mcintosh", "persistence"}
    assert scores["climatology"]["bss_climatology"]["value"] == pytest.approx(0)
    assert found["region"]["X1.0/24"]["few"]
    assert len(found["days"]) == 30
    page = (folder / "index.html").read_text()
    assert 'class="warning"' in page
    assert "NO TEST" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
