"""Does `train-regions` train, verify on what it did not learn from, and write what other commands take?"""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flarescope import InputError, region_model, verify_table
from flarescope.cli import main
from flarescope.pipeline.region_card import card
from flarescope.pipeline.region_skill import skill
from flarescope.pipeline.region_training import train_regions
from flarescope.pipeline.verifying import Verifying
from flarescope.progress import Reporter
from flarescope.regions import training
from flarescope.regions.model_file import read_model
from flarescope.regions.shipped import FOLDER
from flarescope.regions.trees import CHOICES
from flarescope.scores.cases import Sampling
from flarescope.wording import number
from made_regions import write_made_regions

ROOT = Path(__file__).parents[1]
QUICK = Sampling(replicates=20)
pytestmark = pytest.mark.xdist_group("made_regions")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHOICES, "max_iter", 12)  # for 150: fewer trees, of the same make
        patch.setattr(training, "FOLDS", 2)  # for 5, each of which is fitted as often
        yield write_made_regions(tmp_path_factory.mktemp("made"))


def trained(made, out, **more):
    settings = {"model": "mcintosh", "sampling": QUICK, "reporter": Reporter()} | more
    return train_regions(regions=[made[0]], flares=made[1], out=out, **settings)


@pytest.fixture(scope="module")
def run(made, tmp_path_factory):
    return trained(made, tmp_path_factory.mktemp("runs") / "r", model="regions", until="2001-12-31")


def test_the_folder_holds_the_model_its_forecasts_and_its_skill(run):
    names = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    tables = {
        f"forecasts/{scope}_{name}_24h.parquet" for scope in ("region", "disk") for name in ("C1.0", "M1.0", "X1.0")
    }
    assert names == {"README.md", "run.json", "scores.json", "model.json", "forecasts.parquet"} | tables
    assert repr(region_model(run.folder)) == repr(run.model)
    described = json.loads((run.folder / "run.json").read_text())
    assert (described["kind"], described["finished"]) == ("regions", True)
    assert described["model"]["digest"].startswith("sha256:")
    assert described["trained"]["regions_files"][0]["name"] == "region_days.csv"
    text = (run.folder / "README.md").read_text()
    assert re.search("not official", text)
    # Whose the files are, and the model's licence, are not for the program to say.
    assert "Region summaries and flare lists: whose they are was not said.\n" in text
    assert "BSD" not in text
    assert "resampled, or where few have events each left out once (jackknife, Student's t). The numbers" in text


def test_a_card_without_intervals_speaks_of_none(run):
    scores = json.loads((run.folder / "scores.json").read_text())
    for found in (one for scope in ("region", "disk") for one in scores[scope].values()):
        found["interval_method"] = None
    text = card((json.loads((run.folder / "run.json").read_text()), scores))
    assert "the event rate of the rows trained on. The numbers of events are of the rows scored." in text


@pytest.mark.parametrize("name", ["regions", "mcintosh"])
def test_the_cards_that_ship_say_how_intervals_are_made(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert "resampled, or where few have events each left out once (jackknife, Student's t). The numbers" in text
    assert "NOAA SWPC (public domain), as transcribed by" in text


def test_what_is_verified_was_not_learned_from(run):
    rows = pd.read_parquet(run.folder / "forecasts.parquet")
    regions = rows[rows["noaa_ar"].notna()]
    assert regions["issued"].min() >= pd.Timestamp("2002-01-01", tz="UTC")
    learned = json.loads((run.folder / "run.json").read_text())["data"]["train"]
    assert learned["last"] < "2002"
    first_seen = 9000 + (pd.Timestamp("2001-12-31") - pd.Timestamp("2001-01-01")).days // 6
    assert regions["noaa_ar"].min() > first_seen  # region 9060 began on 2001-12-27
    scores = run.scores["region"]["C1.0/24"]
    assert set(scores["scores"]) == {
        *("regions", "climatology", "mcintosh", "mcevol", "class", "history", "summary", "persistence")
    }
    assert scores["scores"]["regions"]["roc_area"]["value"] > 0.6
    assert set(run.scores["disk"]["C1.0/24"]["scores"]) == {"regions", "climatology", "persistence"}


def test_its_tables_are_verified_and_compared_as_anybodys(run, made, tmp_path, capsys):
    table = run.folder / "forecasts/region_C1.0_24h.parquet"
    found = verify_table(table, verifying=Verifying(replicates=20))
    assert found["settings"]["event"]["threshold"] == "C1.0"
    value = found["probability"]["scores"]["brier"]["value"]
    assert value == pytest.approx(run.scores["region"]["C1.0/24"]["scores"]["regions"]["brier"]["value"])
    other = trained(made, tmp_path / "mcintosh", until="2001-12-31")
    theirs = other.folder / "forecasts/region_C1.0_24h.parquet"
    assert main(["compare", str(table), str(theirs), "--replicates", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == found["sample"]["n"]
    assert main(["evaluate", str(run.folder / "forecasts/disk_C1.0_24h.parquet"), "--replicates", "0"]) == 0


def test_without_a_day_all_are_verified_by_cross_validation(made, tmp_path, capsys):
    arguments = ["--regions", str(made[0]), "--flares", str(made[1]), "--model", "mcevol", "--replicates", "20"]
    assert main(["train-regions", *arguments, "--out", str(tmp_path / "r")]) == 0
    said = capsys.readouterr()
    assert "cross-validation" in said.out
    assert "mcevol" in said.out
    assert main(["train-regions", *arguments, "--out", str(tmp_path / "r")]) == 2
    assert "holds a run already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"model": "forest"}, "model 'forest' is not known"),
        ({"until": "2003-06-30"}, "region-days after 2003-06-30"),
        ({"until": "2001-02-01"}, "to train on"),
        ({"until": "next year"}, "expected a day"),
    ],
)
def test_what_cannot_be_trained_is_refused(made, tmp_path, more, words):
    with pytest.raises(InputError, match=words):
        trained(made, tmp_path / "r", **more)
    assert not (tmp_path / "r").exists()


def test_the_same_seed_makes_the_same_model(run, made, tmp_path):
    again = trained(made, tmp_path / "again", model="regions", until="2001-12-31")
    assert (again.folder / "model.json").read_bytes() == (run.folder / "model.json").read_bytes()


def test_skill_is_the_plain_formula():
    labels = np.array([True, False, False, True])
    found = skill(
        labels,
        {"a": np.array([0.8, 0.1, 0.3, 0.6]), "b": np.full(4, 0.5)},
        pd.Series([1, 2, 3, 4]),
        climatology=0.4,
        against="a",
        sampling=Sampling(replicates=0),
    )
    brier, reference = (0.04 + 0.01 + 0.09 + 0.16) / 4, (0.36 + 0.16 + 0.16 + 0.36) / 4
    assert found["scores"]["a"]["bss_climatology"]["value"] == pytest.approx(1 - brier / reference)
    assert found["gained"]["b"]["brier"]["value"] == pytest.approx(brier - 0.25)
    assert skill(labels[:1], {"a": np.ones(1)}, pd.Series([1]), climatology=0.4)["scores"] == {}


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_card_of_a_model_trained_on_all_days_has_the_skill_of_the_one_before(run, made, tmp_path, monkeypatch):
    again = trained(made, tmp_path / "all", model="regions")
    ship = benchmark("ship_region_model")
    monkeypatch.setattr(ship, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["ship", str(run.folder), str(again.folder)])
    ship.main()
    text = (tmp_path / "regions.md").read_text()
    assert read_model(tmp_path / "regions.json").trained["region_days"] > run.model.trained["region_days"]
    assert "## Skill on 2002-01-0" in text
    assert text.count("### The whole disk, 24 hours") == 2
    assert "cross-validation by region inside blocks of time" in text
    value = run.scores["region"]["C1.0/24"]["scores"]["regions"]["bss_climatology"]["value"]
    assert number(value) in text


def test_the_pictures_are_of_the_scores(run):
    pictures = benchmark("region_pictures")
    scores = run.scores["region"]
    axes = pictures.reliability_figure(scores, "made").axes[0]
    rows = [row for row in scores["C1.0/24"]["reliability"] if row["n"] >= 20]
    assert axes.lines[1].get_xdata().tolist() == pytest.approx([row["forecast"] for row in rows])
    assert len(pictures.parts_figure(scores, "made").axes) == 2
    assert len(pictures.years_figure(scores, "made").axes[0].containers) == 2
