"""Is what happened told right, and the skill to date that of the plain formula?"""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from flarescope import InputError
from flarescope.archive import keep
from flarescope.catalog.noaa_flares import FLARE_DTYPES, FlareList
from flarescope.catalog.swpc_probabilities import read_probabilities
from flarescope.cli import main
from flarescope.html_report.archive_page import _day_row
from flarescope.pipeline.archiving.outcomes import with_outcomes
from flarescope.pipeline.archiving.verifying import verify_archive
from flarescope.progress import Reporter
from flarescope.scores.cases import Sampling
from made_archive import made_forecast, made_rows

DAYS = 90
QUIET = {"sampling": Sampling(replicates=50), "reporter": Reporter()}


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def flare_list(*rows, scale=None):
    table = pd.DataFrame(rows, columns=["time", "flare", "noaa_ar"]).reindex(columns=list(FLARE_DTYPES))
    table["time"] = pd.to_datetime(table["time"], utc=True, format="ISO8601")
    return FlareList(table.astype(FLARE_DTYPES), ((utc("2011-02-01"), utc("2011-02-10")),), scales=(scale,))


def one_row(**more):
    row = {"issued": utc("2011-02-05T00:30"), "noaa_ar": 11158, "event": "M1.0", "window_h": 24.0, "latency_h": 0.0}
    row |= {"probability": 0.5, "model": "regions"} | more
    return pd.DataFrame([row]).astype({"noaa_ar": "Int32", "issued": "datetime64[us, UTC]"})


@pytest.mark.parametrize(
    ("flare", "row", "label", "before"),
    [
        (("2011-02-05T00:30", "M1.0", 11158), {}, 0, 1),  # at the issue time: no longer to be forecast
        (("2011-02-05T00:31", "M1.0", 11158), {}, 1, 0),
        (("2011-02-06T00:30", "M1.0", 11158), {}, 1, 0),  # the end belongs to the window
        (("2011-02-06T00:31", "M1.0", 11158), {}, 0, 0),
        (("2011-02-05T12:00", "C9.9", 11158), {}, 0, 0),
        (("2011-02-05T12:00", "X1.0", 11161), {}, 0, 0),  # of another region
        (("2011-02-05T12:00", "X1.0", None), {"noaa_ar": None}, 1, 0),
        (("2011-02-05T12:00", "M1.0", 11158), {"latency_h": 24.0}, 0, 0),
        (("2011-02-06T12:00", "M1.0", 11158), {"latency_h": 24.0}, 1, 0),
        (("2011-02-04T12:00", "M1.0", 11158), {"latency_h": 24.0}, 0, 1),
        (("2011-02-05T12:00", "M1.0", 11158), {"issued": utc("2011-02-09T12:00")}, None, 0),  # not covered
        (("2011-02-05T12:00", "M1.0", 11158), {"issued": utc("2011-02-01T12:00")}, 0, None),
    ],
)
def test_an_event_is_a_flare_after_the_issue_time_within_the_window(flare, row, label, before):
    found = with_outcomes(one_row(**row), flare_list(flare), list_scale=None).iloc[0]
    assert [None if pd.isna(value) else value for value in (found["label"], found["before"])] == [label, before]


@pytest.mark.parametrize(
    ("of_event", "of_list", "flare", "label"),
    [
        ("operational", "operational", "M1.0", 1),
        ("operational", "science", "M1.4", 0),  # 1.4 x 0.7 is 0.98
        ("operational", "science", "M1.5", 1),
        ("science", "operational", "C7.0", 1),
        ("science", "operational", "C6.9", 0),
        (None, "science", "M1.0", 1),
    ],
)
def test_classes_are_compared_on_one_flux_scale(of_event, of_list, flare, label):
    listed = flare_list(("2011-02-05T12:00", flare, 11158))
    rows = one_row(flux_scale=of_event)
    assert with_outcomes(rows, listed, list_scale=of_list)["label"].iloc[0] == label


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Ninety days of made forecasts, and flares on two of three days in 11158."""
    folder = tmp_path_factory.mktemp("season")
    rng = np.random.default_rng(1)
    lines, forecasts = [], []
    first = utc("2011-01-01T00:30")
    for day in range(DAYS):
        issued = first + pd.Timedelta(days=day)
        probability = round(float(rng.uniform(0.05, 0.9)), 3)
        rows = [made_rows(probability), made_rows(0.3, model="climatology"), made_rows(0.4, model="mcintosh")]
        one = replace(
            made_forecast(),
            issued=issued,
            rows=pd.concat(rows, ignore_index=True),
            models=(*made_forecast().models, replace(made_forecast().models[1], name="climatology")),
            stored=issued + pd.Timedelta(minutes=9),
        )
        keep(folder / "archive", one)
        forecasts.append(probability)
        if rng.uniform() < probability:
            lines.append(f"{issued + pd.Timedelta(hours=6):%Y-%m-%dT%H:%M},{'M2.0' if day % 3 == 0 else 'C3.0'},11158")
    edges = ["2010-12-01T00:00,C1.0,11000", "2011-05-01T00:00,C1.0,11300"]
    (folder / "flares.csv").write_text("\n".join(["time,flare,noaa_ar", *sorted([*lines, *edges])]) + "\n")
    swpc = [
        {"date": f"{first + pd.Timedelta(days=day):%Y-%m-%d}T00:00:00", "c_class_1_day": 40, "M_Class_1_Day": "10"}
        for day in range(30)
    ]
    (folder / "swpc.json").write_text(json.dumps(swpc))
    return folder, np.array(forecasts), lines


def test_the_skill_is_that_of_the_plain_formula(season):
    folder, probability, lines = season
    found = verify_archive(folder / "archive", flares=[folder / "flares.csv"], swpc=folder / "swpc.json", **QUIET)
    days = {line[:10] for line in lines}
    happened = np.array([f"{utc('2011-01-01') + pd.Timedelta(days=day):%Y-%m-%d}" in days for day in range(DAYS)])
    one = found["disk"]["C1.0/24"]
    assert (one["n"], one["events"], one["unknown"]) == (DAYS, happened.sum(), 0)
    brier, reference = np.mean((probability - happened) ** 2), np.mean((0.3 - happened) ** 2)
    assert one["scores"]["regions"]["brier"]["value"] == pytest.approx(brier)
    assert one["scores"]["regions"]["bss_climatology"]["value"] == pytest.approx(1 - brier / reference)
    assert one["scores"]["persistence"]["brier"]["value"] == pytest.approx(
        np.mean(happened != np.concatenate([[False], happened[:-1]]))
    )
    assert set(one["scores"]) == {"regions", "climatology", "mcintosh", "persistence"}
    assert one["groups"] == 4  # blocks of 27 days from 1970 on that 90 days touch
    swpc = one["beside"]["swpc"]
    assert swpc["n"] == 30
    assert swpc["scores"]["swpc"]["brier"]["value"] == pytest.approx(np.mean((0.4 - happened[:30]) ** 2))
    assert any("neither was checked" in text for text in found["notes"])


def test_a_region_without_events_is_counted_and_few_events_are_not_scored(season):
    folder, *_ = season
    found = verify_archive(folder / "archive", flares=[folder / "flares.csv"], **QUIET)
    assert found["region"]["C1.0/24"]["n"] == 2 * DAYS
    assert found["disk"]["M1.0/24"]["events"] >= 10
    short = pd.read_csv(folder / "flares.csv").query("time < '2011-01-09'")
    (folder / "short.csv").write_text(short.to_csv(index=False))
    early = verify_archive(folder / "archive", flares=[folder / "short.csv"], **QUIET)
    one = early["disk"]["C1.0/24"]
    assert one["few"]
    assert one["scores"] == {}
    assert one["unknown"] == DAYS - one["n"] > 80


def test_the_page_stands_alone_and_tells_each_of_the_last_days(season, tmp_path, capsys):
    folder, probability, lines = season
    arguments = ["--flares", str(folder / "flares.csv"), "--swpc", str(folder / "swpc.json"), "--replicates", "50"]
    assert main(["archive", "verify", str(folder / "archive"), *arguments, "--out", str(tmp_path / "page")]) == 0
    said = capsys.readouterr()
    assert "swpc" in said.out
    assert "Brier skill" in said.out
    page = (tmp_path / "page/index.html").read_text()
    assert re.findall(r"2011-0\d-\d\d 00:30", page)[0] == "2011-03-31 00:30"
    assert "NO TEST" not in page
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page)
    days = json.loads((tmp_path / "page/scores.json").read_text())["days"]
    assert len(days) == 30
    assert days[-1]["events"]["C1.0"]["probability"] == probability[-1]
    came = {line[:10] for line in lines}
    assert [day["events"]["C1.0"]["happened"] for day in days] == [day["issued"][:10] in came for day in days]
    largest = {line[:10]: line.split(",")[1] for line in lines}
    assert [day["largest"] for day in days] == [largest.get(day["issued"][:10]) for day in days]


def test_show_says_what_an_archive_holds(season, capsys):
    folder, *_ = season
    assert main(["archive", "show", str(folder / "archive")]) == 0
    said = capsys.readouterr().out
    assert f"{DAYS} forecasts of 1,620 rows, issued 2011-01-01T00:30 to 2011-03-31T00:30 UTC" in said
    assert "1996-08-09" in said


def test_no_probability_is_written_as_certain():
    """0.9951 is not 100 percent, nor 0.003 none."""
    day = {"issued": "2014-10-25T00:30", "flares": 1, "largest": "C2.0"}
    told = {"C1.0": {"probability": 0.9951, "happened": True}, "X1.0": {"probability": 0.003, "happened": False}}
    assert _day_row(day | {"events": told}, ["C1.0", "X1.0"])[1:3] == [">99%", "<1%"]


def test_forecasts_that_were_kept_afterwards_are_told(season, tmp_path):
    folder, *_ = season
    keep(tmp_path, made_forecast(1))
    keep(tmp_path, made_forecast(2, stored_day=20))
    found = verify_archive(tmp_path, flares=[folder / "flares.csv"], **QUIET)
    assert any("12 of 24 rows were kept after the end of their window" in text for text in found["notes"])


def test_a_model_that_learned_from_the_time_of_its_forecasts_is_told(season, tmp_path):
    folder, *_ = season
    model = replace(made_forecast().models[0], last="2011-01-31T00:30")
    others = made_forecast().models[1:]
    keep(tmp_path, replace(made_forecast(1), models=(model, *others)))
    found = verify_archive(tmp_path, flares=[folder / "flares.csv"], **QUIET)
    assert found["notes"][0].startswith("NO TEST: the model regions learned from 1996-08-09 to 2011-01-31")
    assert "the model mcintosh does not say what it learned from" in found["notes"][1]


def test_what_cannot_be_verified_is_one_line(season, tmp_path, capsys):
    folder, *_ = season
    flares = ["--flares", str(folder / "flares.csv")]
    assert main(["archive", "verify", str(tmp_path), *flares]) == 2
    assert "no archive there" in capsys.readouterr().err
    keep(tmp_path, replace(made_forecast(), issued=utc("2015-01-01")))
    assert main(["archive", "verify", str(tmp_path), *flares]) == 2
    assert "covers the window of no forecast: it ends on 2011-05-01" in capsys.readouterr().err
    assert main(["archive", "verify", str(folder / "archive"), *flares, "--model", "vgg16"]) == 2
    assert "no forecast of the model 'vgg16'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "a list of objects"),
        ("[]", "a list of objects"),
        ("[1]", "a list of objects"),
        ('[{"date": "soon", "c_class_1_day": 1}]', "date 'soon'"),
        ('[{"c_class_1_day": 1}]', "date"),
        ('[{"date": "2026-02-01", "m_class_1_day": 101}]', "percent from 0 to 100"),
        ('[{"date": "2026-02-01", "m_class_1_day": "many"}]', "percent from 0 to 100"),
        ('[{"date": "2026-02-01", "m_class_1_day": [1]}]', "percent from 0 to 100"),
        ('[{"date": "2026-02-01"}]', "no probability in it"),
        ("[", "not JSON"),
    ],
)
def test_what_is_no_list_of_probabilities_is_one_line(tmp_path, text, words):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(InputError, match=words):
        read_probabilities(tmp_path / "p.json")


def test_swpcs_probabilities_are_read_by_day_and_class(tmp_path):
    rows = [
        {"date": "2026-02-02T00:00:00Z", "c_class_1_day": 99, "m_class_1_day": "35", "x_class_3_day": 1},
        {"date": "2026-02-01T00:00:00", "C_Class_2_day": 50, "10mev_protons_1_day": 1, "m_class_1_day": None},
    ]
    (tmp_path / "p.json").write_text(json.dumps(rows))
    found = read_probabilities(tmp_path / "p.json")
    assert found[["event", "latency_h", "probability"]].to_numpy().tolist() == [
        ["C1.0", 24.0, 0.5],
        ["C1.0", 0.0, 0.99],
        ["M1.0", 0.0, 0.35],
        ["X1.0", 48.0, 0.01],
    ]
    assert found["date"].dt.day.tolist() == [1, 2, 2, 2]
