"""Does what changes the meaning of a result reach a Python program as a warning of its own line, once?

The network is fake, and its filters are called random.
"""

import linecache
import warnings
from dataclasses import replace

import pandas as pd
import pytest

import flarescope
from fakes import draw_blank, fake_weights, use_fake_network, write_set
from flarescope.pipeline import training_data
from flarescope.progress import WarningReporter, warn_user
from noaa_texts import SUMMARY

RANDOM = "the backbone's filters are random"
VERIFYING = flarescope.Verifying(replicates=20)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    digest = "sha256:" + "0" * 64
    found = replace(fake_weights(digest), family="random:0")
    monkeypatch.setattr(training_data, "find", lambda spec: found)
    monkeypatch.setattr("flarescope.backbones.registry.find", lambda spec: found)
    return write_set(
        tmp_path, regions={"train": [1121, 1122], "validation": [1123], "test": [1124, 1125]}, images_a_region=4
    )


@pytest.fixture
def run(paths, tmp_path):
    said = {"reporter": flarescope.Reporter(), "event": flarescope.EventDefinition()}
    folder = flarescope.train(
        train=paths["train"], validation=paths["validation"], images=paths["images"], out=tmp_path / "run", **said
    )
    common = {"table": paths["test"], "images": paths["images"], "verifying": VERIFYING}
    flarescope.evaluate(folder.path, reporter=flarescope.Reporter(), **common)
    return folder.path


def heard(found, call):
    """Give the texts of the warnings, each of which shows the line of this file that has the call, and none twice."""
    assert all(one.category is flarescope.FlarescopeWarning for one in found)
    for one in found:
        assert one.filename == __file__, f"{one.filename}:{one.lineno}: {one.message}"
        assert call in linecache.getline(one.filename, one.lineno)
    texts = [str(one.message) for one in found]
    assert len(set(texts)) == len(texts)
    return texts


@pytest.fixture
def found():
    with warnings.catch_warnings(record=True) as listed:
        warnings.simplefilter("always")
        yield listed


def test_train_and_sweep_warn_of_random_filters_and_of_validation_rows_of_one_class(paths, tmp_path, found):
    table = pd.read_csv(paths["validation"]).assign(**{"class": 0})
    table.to_csv(paths["validation"], index=False)
    options = {"train": paths["train"], "validation": paths["validation"], "images": paths["images"]}
    flarescope.train(**options, out=tmp_path / "run")
    trained = heard(found, "flarescope.train(")
    found.clear()
    flarescope.sweep(**options, out=tmp_path / "sweep")
    assert heard(found, "flarescope.sweep(") == trained
    assert [text.split(":")[0] for text in trained] == [
        "each of the 4 validation rows is no event",
        RANDOM + " (random",
    ]


def test_evaluate_warns_of_random_filters_and_of_a_table_without_an_event(run, paths, found):
    flarescope.evaluate(run, table=paths["test"], images=paths["images"], verifying=VERIFYING)
    told = heard(found, "flarescope.evaluate(")
    assert [text for text in told if text.startswith(RANDOM)]
    assert [text for text in told if "does not say what an event is" in text]


def test_forecasts_warn_of_random_filters_and_of_links_to_folders(run, paths, tmp_path, found):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "link").symlink_to(paths["images"])
    (folder / "some.png").write_bytes(next(paths["images"].glob("1124/*.png")).read_bytes())
    flarescope.predict(run, folder)
    told = heard(found, "flarescope.predict(")
    assert [text for text in told if text.startswith(RANDOM)]
    assert [text for text in told if "a link to a folder is not followed" in text]
    found.clear()
    model = flarescope.load(run)
    model.forecast(folder)
    assert heard(found, "model.forecast(") == told


def test_a_model_trained_on_made_data_says_so_on_other_images_too(paths, tmp_path, found):
    made = paths["images"].parent / "synthetic.json"
    made.write_text("{}")
    options = {"train": paths["train"], "validation": paths["validation"], "images": paths["images"]}
    trained = flarescope.train(**options, out=tmp_path / "run", event=flarescope.EventDefinition())
    made.unlink()
    found.clear()
    flarescope.predict(trained.path, paths["images"] / "1124")
    assert [text for text in heard(found, "flarescope.predict(") if text.startswith("trained on synthetic data")]
    found.clear()
    flarescope.evaluate(trained.path, table=paths["test"], images=paths["images"], verifying=VERIFYING)
    assert [text for text in heard(found, "flarescope.evaluate(") if text.startswith("trained on synthetic data")]


def test_calibrate_warns_of_few_regions(run, found):
    flarescope.calibrate(run)
    (text,) = heard(found, "flarescope.calibrate(")
    assert text.startswith("fitted on 2 images with an event, of 1 region")


def test_compare_and_report_warn_of_forecasts_without_an_event(run, tmp_path, found):
    other = tmp_path / "other.csv"
    pd.read_parquet(run / "forecasts/test.parquet").to_csv(other, index=False)
    flarescope.compare(run, other, how=flarescope.Comparing(verifying=VERIFYING))
    told = heard(found, "flarescope.compare(")
    assert [text for text in told if f"{other} does not say what an event is" in text]
    found.clear()
    flarescope.report(run, compared=[other], verifying=VERIFYING)
    assert heard(found, "flarescope.report(") == told


def test_label_select_and_check_warn(paths, tmp_path, found):
    (paths["images"] / "link").symlink_to(paths["images"] / "1121")
    (tmp_path / "flares.csv").write_text("time,flare,noaa_ar\n2010-11-09T00:00,M1.0,11121\n2010-11-12T00:00,M1.0,11\n")
    out = tmp_path / "catalogue.parquet"
    flarescope.label(paths["images"], flares=[tmp_path / "flares.csv"], out=out)
    told = heard(found, "flarescope.label(")
    assert [text for text in told if "a link to a folder is not followed" in text]
    assert [text for text in told if text.startswith("no flare below M1.0 is listed")]
    found.clear()

    (tmp_path / "srs").mkdir()
    (tmp_path / "srs/20101110SRS.txt").write_text("no summary\n")
    (tmp_path / "srs/20101111SRS.txt").write_text(SUMMARY)
    rules = flarescope.SelectionRules()
    flarescope.select(out, rules=rules, out=tmp_path / "selected.parquet", summaries=[tmp_path / "srs"])
    assert [text for text in heard(found, "flarescope.select(") if text.startswith("not used: ")]
    found.clear()

    flarescope.check([paths["train"]])
    assert [text for text in heard(found, "flarescope.check(") if "no table says which event" in text]


def test_what_is_told_through_a_library_shows_the_line_of_the_program_too(found):
    reporter = WarningReporter()
    pd.Series([1, 2]).map(lambda number: reporter.warn("seen"))  # ours below pandas below this line
    assert heard(found, "reporter.warn(") == ["seen"]
    found.clear()
    warn_user("seen")
    assert heard(found, "warn_user(") == ["seen"]


def test_a_quiet_reporter_hears_nothing_as_a_warning(run, paths, found):
    options = {"verifying": VERIFYING, "reporter": flarescope.Reporter()}
    flarescope.evaluate(run, table=paths["test"], images=paths["images"], **options)
    assert found == []
