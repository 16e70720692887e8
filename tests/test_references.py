"""Do forecasts beat the usual references, and is a report of tables made without any run?"""

import json
import re

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank
from flarescope import Comparing, EventDefinition, Reading, Verifying, report_tables, verify_table
from flarescope.blocks import REGION
from flarescope.cli import main
from flarescope.events import event_from_json
from flarescope.html_report.references import lead
from flarescope.html_report.view import Drawing, Page, Section, Table
from flarescope.html_report.words import in_words
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.references import references_of
from flarescope.regions.shipped import region_model
from flarescope.scores.cases import Sampling
from flarescope.scores.reference_skill import Reference, rate_by_state, skill_against
from real_data import REAL_DATA, needs_real_data
from test_scores_many import tables

NONE = Sampling(0)


def test_skill_against_a_reference_is_one_minus_the_ratio_of_brier_scores():
    labels = np.array([True, False, True, False])
    p, q = np.array([0.9, 0.2, 0.6, 0.1]), np.array([1.0, 1.0, 0.0, np.nan])
    groups = pd.Series([1, 1, 2, 2], dtype="Int64")
    found = skill_against(labels, p, 0.5, Reference("r", q, 0.5, ""), groups=groups, unit=REGION, sampling=NONE)
    brier, other = (0.01 + 0.04 + 0.16) / 3, (0 + 1 + 1) / 3  # the row that the reference has not is left out
    assert found["brier_skill"]["value"] == pytest.approx(1 - brier / other)
    assert found["n"] == 3
    assert (found["tss"], found["tss_reference"]) == (1.0, 1 / 2 - 1)
    assert found["tss_gained"] == {"value": 1.5, "verdict": None}


@pytest.mark.parametrize("regions", [50, 120])
def test_the_interval_of_the_skill_is_that_of_a_plain_resampling(regions):
    made = tables(regions)
    labels = made["a"]["label"].to_numpy() == 1
    groups = made["a"]["noaa_ar"].astype("Int64")
    p, q = (made[name]["probability"].to_numpy() for name in "ac")
    found = skill_against(
        labels, p, 0.5, Reference("c", q, 0.5, ""), groups=groups, unit=REGION, sampling=Sampling(500, 1)
    )
    rng, codes = np.random.default_rng(3), (groups - groups.min()).to_numpy(int)
    own = np.bincount(codes, (p - labels) ** 2)
    other = np.bincount(codes, (q - labels) ** 2)
    drawn = rng.integers(0, regions, (4000, regions))
    plain = np.quantile(1 - own[drawn].sum(axis=1) / other[drawn].sum(axis=1), [0.025, 0.975])
    row = found["brier_skill"]
    assert row["value"] == pytest.approx(1 - own.sum() / other.sum())
    assert (row["low"], row["high"]) == pytest.approx(plain, abs=0.08)
    assert row["verdict"] == "beats"


def test_the_rate_by_state_never_counts_the_rows_own_group():
    labels = np.array([1, 0, 1, 1, 0, 0], bool)
    state = np.array([1, 0, 1, 0, 0, np.nan])
    groups = np.array([0, 0, 1, 1, 2, 2])
    # after an event: of the other group's one row; after none: 1 of (1, 0), 0 of (0, 0), 1 of (0, 1)
    assert rate_by_state(labels, state, groups) == pytest.approx([1, 0.5, 1, 0, 0.5, np.nan], nan_ok=True)


def test_references_of_a_table_and_what_each_is():
    made = tables()["a"]
    event = EventDefinition(threshold="M1.0", window_hours=2)
    found, said = references_of(made, event=event, climatology=None, flares=None)
    assert [one.name for one in found] == ["climatology", "persistence", "state before"]
    assert found[0].threshold == made["label"].mean()
    assert "which nobody knew before" in found[0].said
    label = made["label"].to_numpy(float)
    within = np.isfinite(found[1].probability)
    assert within.sum() == 50 * 4  # the first two hours of each region have none before them
    assert (found[1].probability[within] == np.roll(label, 2)[within]).all()
    assert said == []


def test_a_state_that_tells_nothing_is_no_worse_than_nothing():
    """No row had an event in the two hours before. Without its own region the rate is 4 / 76 for the rows of the five
    regions that have one of the 5 events, and 5 / 76 for the others: by one threshold TSS would be near -1."""
    hours = pd.Timestamp("2012-01-01", tz="UTC") + pd.to_timedelta(np.tile(np.arange(6), 20), "h")
    rows = pd.DataFrame({"noaa_ar": np.repeat(np.arange(11_000, 11_020), 6), "time": hours, "probability": 0.5})
    rows["label"] = ((np.arange(120) % 6 == 5) & (np.arange(120) < 30)).astype(int)
    rows["filename"] = [f"{i}.png" for i in range(len(rows))]
    event = EventDefinition(threshold="M1.0", window_hours=2)
    state = references_of(rows, event=event, climatology=None, flares=None)[0][2]
    known = np.isfinite(state.probability)
    assert sorted(set(state.probability[known])) == [4 / 76, 5 / 76]
    labels, groups = rows["label"].to_numpy() == 1, rows["noaa_ar"].astype("Int64")
    found = skill_against(labels, np.full(120, 0.5), 0.4, state, groups=groups, unit=REGION, sampling=Sampling(0))
    assert (found["n"], found["tss_reference"], found["threshold"]) == (80, 0, None)


def row(verdict, warning=""):
    return {"brier_skill": {"verdict": verdict}, "tss_gained": None, "warning": warning}


def test_the_first_sentence_says_whether_references_are_beaten():
    found = {"climatology": row("beats"), "persistence": row("beats"), "shipped region model": row("worse", "seen")}
    assert lead(found, 0.5) == (
        "By the Brier score these forecasts beat climatology and persistence and do worse than the shipped region "
        "model (which learned from these rows' time)."
    )
    assert lead({"climatology": row(None)}, 0.5).endswith("cannot be told: no score has an interval here.")
    both = {"persistence": row("not told apart") | {"tss_gained": {"verdict": "beats"}}}
    assert lead(both, 0.3).endswith(
        "cannot be told apart from persistence; by TSS, with yes from 0.3, they beat persistence."
    )


def test_a_page_speaks_of_its_rows_by_their_name():
    table = Table("Images of an image", ["Images"], [["This run", "image.png"]])
    section = Section(
        "images", "An image", ["images"], tables=[table], drawings=[Drawing("image", "<svg>image", "One image")]
    )
    page = in_words(Page("t", "image", "", "", (), [section]), "region day", "NET")
    assert page.summary == "region day"
    assert page.sections[0].paragraphs == ["region days"]
    assert page.sections[0].heading == "A region day"
    assert page.sections[0].tables[0].caption == "Region days of a region day"
    assert page.sections[0].tables[0].rows == [["NET", "image.png"]]
    assert page.sections[0].drawings[0].svg == "<svg>image"
    assert page.sections[0].name == "images"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    for name, table in tables().items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<svg.*?</svg>|<style.*?</style>", "", page)))


def test_a_report_of_tables_needs_no_run(three, capsys, monkeypatch):
    draw_blank(monkeypatch)
    arguments = [str(three / f"{name}.csv") for name in "abc"]
    options = ["--replicates", "100", "--event", "M1.0", "--window", "2", "--threshold", "0.4", "--json"]
    assert main(["report", *arguments, *options]) == 0
    written = json.loads(capsys.readouterr().out)
    assert written["page"] == str(three / "a.verified/report.html")
    assert written["card"] is None
    page = text_of((three / "a.verified/report.html").read_text())
    assert "Flare forecasts of a, b and c" in page
    assert "By the Brier score the forecasts of a " in page
    assert "All 3 pairs, on the 300 rows that all have" in page
    assert "Holm" in page
    assert "0.4 (as stated)" in page
    assert not re.search(r"\bimages?\b|this run|\(chosen on validation", page, re.IGNORECASE)
    assert main(["report", *arguments, "--images", str(three)]) == 2
    assert "is no run with images: leave out --images" in capsys.readouterr().err


def test_a_run_of_region_models_is_reported_in_words_of_region_days(tmp_path, capsys, monkeypatch):
    draw_blank(monkeypatch)
    made = tables(12)["a"].rename(columns={"time": "issued"})
    rows = [
        made.assign(
            event=name, window_h=24.0, latency_h=0.0, model="regions", noaa_ar=made["noaa_ar"] if region else pd.NA
        )
        for name in ("C1.0", "M1.0")
        for region in (True, False)
    ]
    run = tmp_path / "run"
    run.mkdir()
    write_parquet(pd.concat(rows).astype({"noaa_ar": "Int32"}), run / "forecasts.parquet", {"kind": "regions"})
    (run / "run.json").write_text(json.dumps({"kind": "regions", "until": "2010-01-01", "seed": 3}))
    assert main(["report", str(run), "--replicates", "0"]) == 0
    page = text_of((run / "report.html").read_text())
    assert "for 72 region days of 12 active regions" in page
    assert "a flare of class C1.0 or above within 24 hours" in page
    assert "of the time after 2010-01-01: no row was learned from" in page
    assert not re.search(r"\bimages?\b", page, re.IGNORECASE)
    assert "--event and --window say which others" in capsys.readouterr().err
    disk = report_tables(
        [run],
        how=Comparing(event=EventDefinition(threshold="M1.0", scope="disk"), verifying=Verifying(replicates=0)),
        out=tmp_path / "d.html",
    )
    assert "72 forecasts of the whole disk" in text_of(disk.page.read_text())


@needs_real_data
def test_the_shipped_region_models_forecast_the_rows_of_a_foreign_table(tmp_path):
    noaa = REAL_DATA / "noaa_1996_2015"
    days = pd.read_csv(noaa / "region_days.csv", parse_dates=["issued"])
    march = days[days["issued"].astype(str).str.startswith("2012-03")]
    march.to_csv(tmp_path / "days.csv", index=False)
    rows = march[["noaa_ar", "issued"]].rename(columns={"issued": "time"}).drop_duplicates()
    rows = rows.assign(time=pd.to_datetime(rows["time"], utc=True) + pd.Timedelta(hours=5), probability=0.1)
    rows.to_csv(tmp_path / "t.csv", index=False)
    event = EventDefinition(threshold="M1.0", flux_scale="operational")
    found = verify_table(
        tmp_path / "t.csv",
        event=event,
        reading=Reading(flares=noaa / "flares.csv"),
        verifying=Verifying(replicates=0, regions=(tmp_path / "days.csv",)),
    )
    model = found["references"]["shipped region model"]
    assert model["n"] > 0.9 * found["sample"]["n"]
    assert model["warning"].startswith("no test of it: it learned from 1996-08-09 to 2015-12-28")
    assert found["references"]["McIntosh rates"]["brier_skill"]["value"] < 0.1
    assert event_from_json(found["settings"]["event"], "").threshold == "M1.0"
    assert region_model().name == "regions"
