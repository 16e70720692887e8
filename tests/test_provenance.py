"""Do forecasts say where they come from, and is what does not belong together refused with what to run?"""

import hashlib
import html
import json
import re
import shlex
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from fakes import draw_blank, use_fake_network
from flarescope.cli import main
from flarescope.errors import FlarescopeWarning, InputError
from flarescope.files import write_json
from flarescope.forecaster.classifier import describe_again, load_classifier
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import Recipe
from flarescope.notes import read_notes
from flarescope.parquet_tables import read_parquet, write_parquet
from flarescope.pipeline import identity
from flarescope.pipeline.calibrating import calibrate
from flarescope.pipeline.identity import describe_recipe, table_digest
from flarescope.pipeline.origin import Origin, origin_from_json, regions_in_two_splits
from flarescope.pipeline.provenance import Rows, rows_to_run, used_choices
from flarescope.scores.calibration import prior_shift
from flarescope.tables import read_forecasts


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture
def made(fake_run, tmp_path, monkeypatch, capsys):
    """A run of its own, at the same set."""
    place, data = fake_run
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)  # pages are about what they say
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    shutil.copytree(place / "runs", tmp_path / "runs")
    capsys.readouterr()
    return RunFolder(tmp_path / "runs/r"), data


def evaluate(made, *more, split="test", table=None):
    folder, data = made
    where = ["--table", data[table or split], "--images", data["images"], "--split", split]
    assert run("evaluate", folder.path, *where, "--quiet", *more) == 0


def refused(capsys, *arguments):
    """Run what must be refused in one line, and give the command that the line offers."""
    capsys.readouterr()
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error, re.search(r"run `flarescope ([^`]+)`$", error.strip())


def other_epoch(folder):
    best = folder.model_path()
    return next(row["epoch"] for row in folder.history() if row["model"] != best.name)


# ---- what stands beside forecasts ----


def test_training_says_which_model_and_rows_its_validation_forecasts_are_of(made):
    folder, _ = made
    notes = read_notes(folder.forecasts("validation"))
    best = folder.model_path()
    assert notes["model"] == best.name
    assert notes["model_digest"] == load_classifier(best).head.digest
    assert folder.model_path(notes["epoch"]) == best
    assert notes["table_digest"] == folder.read()["data"]["validation"]["digest"]
    assert (notes["split"], notes["limit"], notes["allow_overlap"], notes["date"]) == ("validation", None, False, None)


def test_an_evaluation_says_the_same_in_forecasts_and_scores(made):
    folder, data = made
    epoch = other_epoch(folder)
    evaluate(made, "--limit", 6, "--allow-overlap", "--epoch", epoch)
    notes, scores = read_notes(folder.forecasts("test")), json.loads(folder.scores("test").read_text())
    said = {name: notes[name] for name in ("epoch", "table", "split", "limit", "allow_overlap", "date")}
    assert said == {
        "epoch": epoch,
        "table": str(data["test"]),
        "split": "test",
        "limit": 6,
        "allow_overlap": True,
        "date": "2023-11-14T22:13:20Z",  # 1,700,000,000 s after 1970
    }
    assert notes["model_digest"] == load_classifier(folder.model_path(epoch)).head.digest
    assert {name: scores[name] for name in said} == said
    assert scores["model_digest"] == notes["model_digest"]


def test_an_evaluation_with_a_set_date_has_the_same_bytes(made):
    folder, _ = made
    evaluate(made)
    first = [path.read_bytes() for path in (folder.forecasts("test"), folder.scores("test"))]
    evaluate(made)
    assert [path.read_bytes() for path in (folder.forecasts("test"), folder.scores("test"))] == first


@pytest.mark.parametrize(
    "change",
    [{"epoch": "2"}, {"model": 3}, {"model": "../../other"}, {"limit": 2.5}, {"allow_overlap": None}, {"options": [3]}],
)
def test_damaged_notes_are_one_line(change):
    origin = Origin("m.hdf5", "sha256:0", 1, None, "sha256:1", "test", None, False, options=("--nan", "zero"))
    good = origin.to_json()
    assert origin_from_json(good, "here") == origin
    assert origin_from_json({"event": None}, "here") is None
    with pytest.raises(InputError, match="here: its notes on where it comes from are damaged"):
        origin_from_json(good | change, "here")


@pytest.mark.parametrize("tables", [[], {"train": 3}, {"limit": "all"}])
def test_a_run_whose_tables_cannot_be_is_one_line(made, capsys, tables):
    folder, _ = made
    write_json(folder.run_json, folder.read() | {"tables": tables})
    assert "tables is" in refused(capsys, "calibrate", folder.path)[0]


def test_a_model_that_miscounts_its_rows_is_one_line(made, capsys):
    folder, _ = made
    path = folder.model_path()
    describe_again(path, replace(load_classifier(path).description, fitted_on={"events": "many"}))
    assert "fitted_on does not count" in refused(capsys, "calibrate", folder.path)[0]


# ---- calibrate ----


REPLACED = {
    "a test table": lambda made: evaluate(made, split="validation", table="test"),
    "a limit": lambda made: evaluate(made, "--limit", 6, split="validation"),
    "another epoch": lambda made: evaluate(made, "--epoch", other_epoch(made[0]), split="validation"),
}


@pytest.mark.parametrize("how", REPLACED)
def test_only_all_validation_rows_by_the_best_model_are_calibrated_on(made, capsys, monkeypatch, how):
    folder, _ = made
    base = folder.path.parents[2]  # of the run and of the set: a message has room for paths from here
    monkeypatch.chdir(base)
    before = folder.model_path().read_bytes()
    assert run("calibrate", folder.path, "--quiet") == 0
    expected = load_classifier(folder.model_path()).description
    folder.model_path().write_bytes(before)

    REPLACED[how](made)
    error, offered = refused(capsys, "calibrate", folder.path.relative_to(base))
    assert "the validation forecasts" in error
    assert folder.model_path().read_bytes() == before
    assert run(*shlex.split(offered.group(1)), "--quiet") == 0
    assert run("calibrate", folder.path, "--quiet") == 0
    again = load_classifier(folder.model_path()).description
    assert again.fitted_on == expected.fitted_on
    assert again.threshold == pytest.approx(expected.threshold)


def test_evaluate_says_where_calibrate_will_ask_for_other_rows(made, capsys):
    evaluate(made, "--limit", 6, split="validation")
    assert "not the rows that the run was validated on" in capsys.readouterr().err
    evaluate(made, split="validation")
    assert "validated on" not in capsys.readouterr().err


def test_the_model_keeps_what_it_was_calibrated_on(made):
    folder, _ = made
    assert run("calibrate", folder.path, "--quiet") == 0
    rows = read_forecasts(folder.forecasts("validation"))
    kept = load_classifier(folder.model_path()).description.fitted_on
    assert kept == {
        "digest": folder.read()["data"]["validation"]["digest"],
        "images": len(rows),
        "events": int(rows["label"].sum()),
        "regions": 3,
        "event_regions": rows.loc[rows["label"] == 1, "noaa_ar"].nunique(),
    }


def test_few_regions_are_warned_of_and_calibrated_all_the_same(made, capsys):
    assert run("calibrate", made[0].path, "--quiet") == 0
    error = capsys.readouterr().err
    assert re.search(r"WARNING: fitted on \d+ images with an event, of [23] regions \(fewer than 40\)", error)


def without_notes(path):
    write_parquet(read_parquet(path), path)


def test_a_run_of_an_older_version_is_calibrated_where_its_rows_and_counts_are_right(made, capsys):
    folder, _ = made
    without_notes(folder.forecasts("validation"))
    assert run("calibrate", folder.path) == 0
    assert "does not say which model made it" in capsys.readouterr().err


def test_a_run_of_an_older_version_whose_rows_or_counts_differ_is_refused(made, capsys):
    folder, _ = made
    path = folder.forecasts("validation")
    rows = read_parquet(path)
    write_parquet(rows.assign(probability=1 - rows["probability"]), path)
    error, _ = refused(capsys, "calibrate", folder.path)
    assert "do not say their model, and do not give the counts of epoch" in error
    write_parquet(rows.iloc[1:], path)
    error, _ = refused(capsys, "calibrate", folder.path)
    assert "that are not all" in error
    assert "flarescope evaluate" in error


# ---- prior shift ----


def test_a_shift_of_the_prior_is_told_with_its_factor():
    # Odds 0.5 / 0.5 = 1 and 0.2 / 0.8 = 1/4: four times.
    assert "4.0 times too high" in prior_shift(0.5, 0.2)
    assert "4.0 times too low" in prior_shift(0.2, 0.5)
    assert prior_shift(19_791 / 95_933, 21_542 / 94_757) is None  # validation and test rows of the published set


def test_evaluate_warns_of_rows_with_another_event_rate(made, capsys, tmp_path):
    folder, data = made
    assert run("calibrate", folder.path, "--quiet") == 0
    table = pd.read_csv(data["test"])
    events = table[table["class"] == 1].iloc[:2]
    rare = pd.concat([table[table["class"] == 0], events])
    rare.to_csv(tmp_path / "rare.csv", index=False)
    capsys.readouterr()
    assert run("evaluate", folder.path, "--table", tmp_path / "rare.csv", "--images", data["images"], "--quiet") == 0
    assert re.search(r"WARNING: An event followed [\d.]+% of these images.*times too high", capsys.readouterr().err)
    notes = json.loads(folder.scores("test").read_text())["verification"]["notes"]
    assert "calibration and threshold were fitted on" in notes[0]


# ---- report and card ----


def page_and_card(folder):
    return page_of(folder), (folder.path / "README.md").read_text()


def page_of(folder, split=""):
    """Give the page as it is read: with marks of quotation instead of their names in HTML, and whole names."""
    return html.unescape((folder.path / f"report{split}.html").read_text().replace("<wbr>", ""))


def test_page_and_card_say_model_calibration_tables_and_date(made):
    folder, _ = made
    assert run("calibrate", folder.path, "--quiet") == 0
    evaluate(made)
    assert run("report", folder.path, "--quiet") == 0
    data = folder.read()["data"]
    for text in page_and_card(folder):
        text = text.replace("\\", "")
        assert folder.model_path().name in text
        assert load_classifier(folder.model_path()).head.digest in text
        assert "2023-11-14T22:13:20Z" in text
        assert "platt" in text
        assert data["validation"]["digest"] in text
        assert read_notes(folder.forecasts("test"))["table_digest"] in text
    assert "No active region is in two splits." in page_and_card(folder)[1]


def test_a_report_of_validation_rows_touches_no_file_of_the_test_report(made):
    folder, _ = made
    evaluate(made)
    assert run("report", folder.path, "--quiet") == 0
    evaluate(made, split="validation")
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    assert run("report", folder.path, "--split", "validation", "--quiet") == 0
    assert {path: path.read_bytes() for path in before} == before
    new = {
        str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file() and path not in before
    }
    assert {name.split("/")[0] for name in new} == {
        "report.validation.html",
        "report.validation.tables",
        "figures.validation",
    }
    assert "VALIDATION ROWS" in page_of(folder, ".validation")


def test_rows_are_what_they_are_and_not_what_they_are_called(made):
    folder, _ = made
    evaluate(made, "--allow-overlap", table="validation")
    assert run("report", folder.path, "--quiet") == 0
    for text in page_and_card(folder):
        assert "VALIDATION ROWS: they chose the model's epoch: the scores flatter it." in text
    evaluate(made, split="validation", table="test")
    assert run("report", folder.path, "--split", "validation", "--quiet") == 0
    page = page_of(folder, ".validation")
    assert "VALIDATION ROWS" not in page
    rows = "not those that the run was trained or validated on; of their 3 regions, 0 trained on and 0 validated on"
    assert f"CALLED VALIDATION: the rows scored are {rows}." in page


def test_validation_rows_chose_what_was_chosen_on_them(made, capsys):
    folder, _ = made
    assert run("calibrate", folder.path, "--method", "none", "--quiet") == 0
    evaluate(made, split="validation")
    assert run("report", folder.path, "--split", "validation", "--quiet") == 0
    page = page_of(folder, ".validation")
    assert "they chose the model's epoch and its threshold: the scores flatter it" in page
    assert "(chosen on validation)" in page
    capsys.readouterr()
    assert run("calibrate", folder.path, "--method", "none", "--threshold", "0.25") == 0
    told = capsys.readouterr()
    assert re.search(r"\(as stated; TSS -?[01]\.\d{4} on validation\)", told.out)
    assert "fitted on" not in told.err  # nothing was
    assert run("calibrate", folder.path, "--threshold", "0.25") == 0
    assert capsys.readouterr().err.strip().endswith("other regions could give another calibration")
    assert run("calibrate", folder.path, "--method", "none", "--threshold", "0.25") == 0
    evaluate(made, split="validation")
    assert run("report", folder.path, "--split", "validation", "--quiet") == 0
    page = page_of(folder, ".validation")
    assert "they chose the model's epoch: the scores flatter it" in page
    assert "yes from a probability of 0.25 (as stated)" in page
    assert run("calibrate", folder.path, "--quiet") == 0
    evaluate(made, split="validation")
    assert run("report", folder.path, "--split", "validation", "--quiet") == 0
    page = page_of(folder, ".validation")
    assert "they chose the model's epoch, its calibration and its threshold" in page
    evaluate(made, "--epoch", other_epoch(folder), split="validation")
    assert run("report", folder.path, "--split", "validation", "--quiet") == 0
    assert "VALIDATION ROWS, which chose nothing" in page_of(folder, ".validation")


def test_some_of_the_validation_rows_are_known_by_their_regions():
    rows = pd.DataFrame(
        {"filename": list("abc"), "label": [0, 1, 0], "noaa_ar": pd.array([11121, 11131, 11131], "Int32")}
    )
    known = {name: {"digest": table_digest(rows), "regions": [region]} for name, region in (("train", 11121),)}
    other = {"validation": {"digest": "sha256:0", "regions": [11131, 11132]}}
    assert rows_to_run({"data": known | other}, rows) == Rows("train", "those that the run was trained on")
    some = rows_to_run({"data": known | other}, rows.iloc[1:])
    words = "not those that the run was trained or validated on; of their 1 region, 0 trained on and 1 validated on"
    assert some == Rows(None, words)
    nameless = rows.assign(filename=[None, "b", "c"])
    assert rows_to_run({"data": known | other}, nameless) == Rows(None, "not known: some have no name or no label")


def test_without_a_test_report_validation_writes_no_card(made, capsys):
    folder, _ = made
    evaluate(made, split="validation")
    capsys.readouterr()
    assert run("report", folder.path, "--split", "validation", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["card"] is None
    assert not (folder.path / "README.md").exists()
    assert said["page"].endswith("report.validation.html")


def test_the_card_claims_no_shared_region_only_where_there_is_none(made):
    folder, _ = made
    evaluate(made, "--allow-overlap", table="train")
    assert run("report", folder.path, "--quiet") == 0
    page, card = page_and_card(folder)
    assert "4 active regions are in two splits" in card
    assert "REGIONS IN TWO SPLITS: 4" in page
    assert "No active region" not in card


def test_regions_in_two_splits_are_those_of_the_rows_scored():
    described = {"data": {"train": {"regions": [11121, 11122]}, "validation": {"regions": [11122, 11131]}}}
    rows = pd.DataFrame({"noaa_ar": pd.array([11131, 11141], "Int32")})
    assert regions_in_two_splits(described, rows) == 2  # 11122 in training and validation, 11131 in validation and test
    assert regions_in_two_splits(described, rows.iloc[1:]) == 1
    assert regions_in_two_splits(described, rows.assign(noaa_ar=pd.array([None, 11141], "Int32"))) is None
    assert regions_in_two_splits({"data": {"train": {"regions": [1]}}}, rows) is None
    # A test patch of 11141 and 11121, the latter in training; one of 11141 and 11142 adds nothing.
    for others, shared in (("11141,11121", 2), ("11141,11142", 1)):
        patch = rows.iloc[1:].assign(noaa_ars=pd.array([others], "str"))
        assert regions_in_two_splits(described, patch) == shared


def test_a_report_of_another_epoch_and_of_a_sample_says_so(made):
    folder, _ = made
    epoch = other_epoch(folder)
    evaluate(made, "--epoch", epoch, "--limit", 8)
    assert run("report", folder.path, "--quiet") == 0
    page, card = page_and_card(folder)
    for text in (page, card):
        assert f"EPOCH {epoch}: the model that stands for the run" in text
        assert "A SAMPLE: at most 8 rows of the table" in text
    assert f"some.fits --epoch {epoch}" in card


def test_a_model_calibrated_after_its_evaluation_has_no_report_until_it_is_evaluated_again(made, capsys):
    folder, _ = made
    evaluate(made)
    assert run("calibrate", folder.path, "--quiet") == 0
    error, _ = refused(capsys, "report", folder.path)
    assert "was calibrated after it was evaluated on test; run `flarescope evaluate" in error
    evaluate(made)
    assert run("report", folder.path, "--quiet") == 0


def swapped_scores(folder):
    scores = json.loads(folder.scores("test").read_text())
    write_json(folder.scores("test"), scores | {"date": "2020-01-01T00:00:00Z"})


def other_rows(folder):
    path = folder.forecasts("test")
    write_parquet(read_parquet(path).iloc[1:], path, read_notes(path))


def another_split(folder):
    shutil.copy(folder.forecasts("validation"), folder.forecasts("test"))


def another_model(folder):
    path = folder.model_path()
    shutil.copy(folder.model_path(other_epoch(folder)), path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (swapped_scores, "scores and forecasts are of two evaluations"),
        (other_rows, "scores and forecasts are of other rows"),
        (another_split, "the forecasts are of validation, not of test"),
        (another_model, "is another model than the one that made the forecasts"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(made, capsys, change, why):
    folder, _ = made
    evaluate(made)
    change(folder)
    error, _ = refused(capsys, "report", folder.path)
    assert why in error
    assert "flarescope evaluate" in error
    assert not (folder.path / "README.md").exists()


def test_an_evaluation_of_an_older_version_is_reported_with_what_is_not_recorded(made):
    folder, _ = made
    evaluate(made)
    without_notes(folder.forecasts("test"))
    scores = json.loads(folder.scores("test").read_text())
    for name in ("model_digest", "epoch", "limit", "allow_overlap", "date"):
        del scores[name]
    write_json(folder.scores("test"), scores)
    assert run("report", folder.path, "--quiet") == 0
    page, card = page_and_card(folder)
    assert "not recorded: evaluated by an older version" in page
    assert "It was not checked whether a region is in two splits." in card  # further regions of patches were not kept


def test_a_magnetic_run_says_where_its_forecasts_come_from(made, tmp_path, capsys):
    _, data = made
    everything = pd.concat([pd.read_csv(data[name]) for name in ("train", "validation", "test")])
    everything.to_csv(tmp_path / "all.csv", index=False)
    features = tmp_path / "features.csv"
    where = ["--images", data["images"], "--out", features, "--workers", 1, "--quiet"]
    assert run("features", tmp_path / "all.csv", "--magnetic", *where) == 0
    out = tmp_path / "svm"
    tables = ["--train", data["train"], "--validation", data["validation"], "--features", features]
    assert run("train-magnetic", *tables, "--out", out, "--images", data["images"], "--quiet") == 0
    assert run("evaluate-magnetic", out, "--table", data["test"], "--features", features, "--quiet") == 0
    folder = RunFolder(out)
    for split in ("validation", "test"):
        assert read_notes(folder.forecasts(split))["model"] == folder.model_path().name
    assert run("report", out, "--quiet") == 0
    assert folder.model_path().name in page_and_card(folder)[1].replace("\\", "")
    model = json.loads(folder.model_path().read_text())
    write_json(
        folder.model_path(), {name: value for name, value in model.items() if name != "content"} | {"slope": 2.0}
    )
    error, _ = refused(capsys, "report", out)
    assert "is another model than the one that made the forecasts; run `flarescope evaluate-magnetic" in error


def test_a_recipe_shows_what_was_used_of_it():
    recipe = describe_recipe(Recipe())
    assert {"l2", "hidden", "head"}.isdisjoint(used_choices(recipe))
    assert used_choices(recipe)["learning_rate"] == 0.001
    smallest = used_choices(describe_recipe(Recipe(solver="lbfgs", l2=0.01)))
    assert set(smallest) == {"solver", "l2", "class_weight"}
    assert set(used_choices(describe_recipe(Recipe(head="ordinal")))) == {"head", "l2"}
    assert used_choices({"kind": "svm", "C": 1.0}) == {"kind": "svm", "C": 1.0}
    assert used_choices({"start": "last:1", "seed": 0, "rank": 8, "alpha": 16.0}) == {"start": "last:1", "seed": 0}
    assert used_choices({"start": "lora", "rank": 8}) == {"start": "lora", "rank": 8}


def test_few_regions_reach_python_as_a_warning(made):
    with pytest.warns(FlarescopeWarning, match="fewer than 40"):
        calibrate(made[0].path)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_a_tables_digest_is_that_of_its_names_and_labels_in_one_text(monkeypatch, count):
    monkeypatch.setattr(identity, "_AT_ONCE", 3)
    names, labels = [f"\u00e4{number}.png" for number in range(count)], [number % 2 for number in range(count)]
    table = pd.DataFrame({"filename": pd.Series(names, dtype="str"), "label": pd.Series(labels, dtype="Int8")})
    expected = hashlib.sha256("\n".join(names).encode() + bytes(labels)).hexdigest()
    assert table_digest(table) == f"sha256:{expected}"
