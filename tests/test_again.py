"""Does the command that a message offers do what the message says, as it is printed?"""

import re
import shlex
import shutil

import pandas as pd
import pytest

from fakes import draw_blank, train_three_epochs, use_fake_network
from flarescope.cli import main
from flarescope.errors import MOST_CHARACTERS, InputError
from flarescope.forecaster.runs import RunFolder
from flarescope.notes import read_notes
from flarescope.pipeline.again import options_of
from flarescope.pipeline.belonging import check_validation_rows
from flarescope.pipeline.evaluated import read_evaluated
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.verifying import Verifying
from flarescope.tables import SPLITS, read_forecasts


def run(*arguments):
    return main([str(argument) for argument in arguments])


def with_words(made, *more, split="test", table=None, images=None):
    folder, data = made
    where = ["--table", table or data[split], "--images", images or data["images"], "--split", split]
    assert run("evaluate", folder.path, *where, "--quiet", *more) == 0


def refused(capsys, *arguments):
    """Run what must be refused in one line; give the line."""
    capsys.readouterr()
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error.strip()


def offered(line):
    """Give the words of the command that ends a line."""
    return shlex.split(re.search(r"run `flarescope ([^`]+)`$", line).group(1))


@pytest.fixture
def made(fake_run, tmp_path, monkeypatch):
    """A run of its own in `runs/r` of the working folder, at the same set; what is evaluated is of one date."""
    place, data = fake_run
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    shutil.copytree(place / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return RunFolder(tmp_path / "runs/r"), data


# ---- what was evaluated before is evaluated again as it was ----


def elsewhere(data, folder):
    """Copy the test images and their table to another place, where the run does not look for them."""
    shutil.copytree(data["images"], folder / "images")
    return shutil.copy(data["test"], folder / "rows of mine.csv"), folder / "images"


def other_epoch(folder):
    best = folder.model_path()
    return next(row["epoch"] for row in folder.history() if row["model"] != best.name)


STATES = {
    "as usual": lambda made, here: with_words(made),
    "other images": lambda made, here: with_words(
        made, **dict(zip(("table", "images"), elsewhere(made[1], here / "b"), strict=True))
    ),
    "another epoch": lambda made, here: with_words(made, "--epoch", other_epoch(made[0])),
    "shared regions": lambda made, here: with_words(made, "--allow-overlap", table=made[1]["train"]),
    "a sample": lambda made, here: with_words(made, "--limit", 12),
    "a stated event": lambda made, here: with_words(made, "--event", "M1.0", "--window", 12, "--latency", 6),
    "few replicates": lambda made, here: with_words(made, "--replicates", 0, "--instrument-ok", "--nan", "zero"),
}


@pytest.mark.parametrize("state", STATES)
def test_the_command_gives_the_bytes_that_were_scored(made, tmp_path, monkeypatch, capsys, state):
    folder, _ = made
    (tmp_path / "b").mkdir()
    STATES[state](made, tmp_path)
    files = folder.forecasts("test"), folder.scores("test")
    before = [path.read_bytes() for path in files]
    folder.scores("test").unlink()
    monkeypatch.chdir(tmp_path / "b")  # paths that were given from another folder must hold here
    line = refused(capsys, "report", folder.path)
    assert f"{folder.path}: not evaluated on test yet; run `" in line
    folder.forecasts("test").write_bytes(before[0])
    assert run(*offered(line), "--quiet") == 0
    assert [path.read_bytes() for path in files] == before
    assert run("report", folder.path, "--quiet") == 0


def test_a_table_given_from_its_own_folder_is_found_from_any_other(made, tmp_path, monkeypatch, capsys):
    _, data = made
    monkeypatch.chdir(data["test"].parent)
    with_words(made, table="test.csv", images="images")
    monkeypatch.chdir(tmp_path)
    assert run("calibrate", "runs/r", "--quiet") == 0
    line = refused(capsys, "report", "runs/r")
    assert "was calibrated after it was evaluated on test" in line
    assert run(*offered(line), "--quiet") == 0
    assert run("report", "runs/r", "--quiet") == 0


def test_options_are_those_that_change_something():
    assert options_of() == ()
    assert options_of(compute=Compute(workers=3), verifying=Verifying(seed=0)) == ()
    compute = Compute(engine="torch", precision="fp32", nan="zero", batch=4, store="float16", instrument_ok=True)
    words = "--backbone random:3 --engine torch --precision fp32 --engine-batch 4 --nan zero --store float16"
    assert options_of(compute=compute, backbone="random:3") == (*words.split(), "--instrument-ok")
    assert options_of(verifying=Verifying(replicates=50)) == ("--replicates", "50")
    assert options_of(verifying=Verifying(flux_scale="science")) == ("--flux-scale", "science")


# ---- what was not evaluated yet ----


@pytest.mark.parametrize("split", ["validation", "train"])
def test_a_report_of_rows_of_the_run_offers_their_own_table(made, capsys, split):
    line = refused(capsys, "report", "runs/r", "--split", split)
    assert f"runs/r: not evaluated on {split} yet" in line
    assert run(*offered(line), "--quiet") == 0
    assert run("report", "runs/r", "--split", split, "--quiet") == 0
    page = (made[0].path / f"report.{split}.html").read_text()
    assert {"validation": "VALIDATION ROWS", "train": "TRAINING ROWS"}[split] in page


def test_a_report_of_test_rows_says_what_nobody_recorded(made, capsys):
    line = refused(capsys, "report", "runs/r")
    assert "not evaluated on test yet (TABLE stands for the table of the test rows); run `" in line
    words = [str(made[1]["test"]) if word == "TABLE" else word for word in offered(line)]
    assert run(*words, "--quiet") == 0
    assert run("report", "runs/r", "--quiet") == 0


def test_test_rows_of_the_catalogue_of_a_run_are_offered(made, tmp_path, capsys):
    _, data = made
    parts = [pd.read_csv(data[split]).assign(split=split) for split in SPLITS]
    pd.concat(parts).to_csv(tmp_path / "catalogue.csv", index=False)
    train_three_epochs(data, tmp_path / "runs/one", train="catalogue.csv", validation="catalogue.csv")
    assert run(*offered(refused(capsys, "report", "runs/one")), "--quiet") == 0
    assert run("report", "runs/one", "--quiet") == 0


def test_another_word_for_a_split_is_refused_with_those_there_are(made, capsys):
    assert "holdout" in refused(capsys, "report", "runs/r", "--split", "holdout")
    with pytest.raises(InputError, match="--split holdout: expected one of train, validation, test"):
        read_evaluated(made[0], "holdout")


def test_calibrate_without_validation_forecasts_offers_them(made, capsys):
    folder, _ = made
    before = folder.forecasts("validation").read_bytes()
    folder.forecasts("validation").unlink()
    line = refused(capsys, "calibrate", "runs/r")
    assert "no validation forecasts; run `flarescope evaluate runs/r --split validation" in line
    assert run(*offered(line), "--quiet") == 0
    assert run("calibrate", "runs/r", "--quiet") == 0
    assert read_notes(folder.forecasts("validation"))["options"] == []
    folder.forecasts("validation").write_bytes(before)
    assert run("calibrate", "runs/r", "--quiet") == 0


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ({"finished": False}, "the training has not ended; give its `flarescope train` again, as it was"),
        ({"finished": False, "failure": "diverged"}, "the training failed; train again with other choices"),
    ],
)
def test_calibrate_of_a_run_that_did_not_end_speaks_of_its_training(made, capsys, said, advice):
    folder, _ = made
    folder.forecasts("validation").unlink()
    folder.write(folder.read() | said)
    assert advice in refused(capsys, "calibrate", "runs/r")


def test_a_run_that_was_trained_with_choices_is_evaluated_with_them(made, tmp_path, capsys):
    _, data = made
    chosen = ["--event", "M1.0", "--window", 12, "--instrument-ok", "--limit", 20, "--allow-overlap"]
    folder = train_three_epochs(data, tmp_path / "runs/m", *chosen)
    folder.forecasts("validation").unlink()
    words = offered(refused(capsys, "calibrate", "runs/m"))
    rest = "--limit 20 --allow-overlap --event M1.0 --window 12 --instrument-ok"
    assert " ".join(words).endswith(rest)
    assert run(*words, "--quiet") == 0
    assert run("calibrate", "runs/m", "--quiet") == 0


def test_a_table_that_has_other_rows_now_is_not_offered_as_it_was(made, tmp_path, capsys):
    _, data = made
    table = shutil.copy(data["validation"], tmp_path / "mine.csv")
    folder = train_three_epochs(data, tmp_path / "runs/t", validation=table)
    folder.forecasts("validation").unlink()
    pd.read_csv(table).iloc[1:].to_csv(table, index=False)
    line = refused(capsys, "calibrate", "runs/t")
    assert "(TABLE stands for the table of the validation rows, which mine.csv is no longer); run `" in line
    words = [str(data["validation"]) if word == "TABLE" else word for word in offered(line)]
    assert run(*words, "--quiet") == 0
    assert run("calibrate", "runs/t", "--quiet") == 0
    table.unlink()
    folder.scores("validation").unlink()
    folder.forecasts("validation").unlink()
    line = refused(capsys, "report", "runs/t", "--split", "validation")
    assert "(TABLE stands for the table of the validation rows); run `" in line
    folder.write(folder.read() | {"images": str(tmp_path / "gone")})
    line = refused(capsys, "report", "runs/t", "--split", "train")
    assert "(IMAGES stands for their folder); run `flarescope evaluate runs/t --split train --table " in line


def test_a_magnetic_run_offers_the_command_of_its_own(made, tmp_path, capsys):
    _, data = made
    pd.concat([pd.read_csv(data[name]) for name in SPLITS]).to_csv(tmp_path / "all.csv", index=False)
    where = ["--images", data["images"], "--out", "features.csv", "--workers", 1, "--quiet"]
    assert run("features", tmp_path / "all.csv", "--magnetic", *where) == 0
    tables = ["--train", data["train"], "--validation", data["validation"], "--features", "features.csv"]
    assert run("train-magnetic", *tables, "--out", "runs/svm", "--quiet") == 0
    line = refused(capsys, "report", "runs/svm", "--split", "validation")
    assert run(*offered(line), "--quiet") == 0
    assert run("report", "runs/svm", "--split", "validation", "--quiet") == 0
    page = (tmp_path / "runs/svm/report.validation.html").read_text()
    assert "VALIDATION ROWS, which chose nothing of the model." in page  # there is one epoch, and no threshold
    assert "TABLE stands for the table of the test rows" in refused(capsys, "report", "runs/svm")


def test_a_command_is_never_shortened(made, tmp_path, monkeypatch, capsys):
    deep = tmp_path / ("a folder with a long name " * 8).strip() / "and another one"
    shutil.copytree(tmp_path / "runs", deep / "runs")
    monkeypatch.chdir("/")
    line = refused(capsys, "report", deep / "runs/r", "--split", "validation")
    assert len(line) > MOST_CHARACTERS
    assert run(*offered(line), "--quiet") == 0
    assert run("report", deep / "runs/r", "--split", "validation", "--quiet") == 0


# ---- what is not known does not count as the same ----


def test_rows_without_names_are_never_those_of_a_run(made):
    folder, _ = made
    rows = read_forecasts(folder.forecasts("validation"))
    described = folder.read()
    origin_digest = read_notes(folder.forecasts("validation"))["model_digest"]
    assert check_validation_rows(folder, described, rows, None, origin_digest) > 0
    nameless = rows.assign(filename=None)
    for recorded in (described, described | {"data": {}}):  # no digest on either side is not the same digest
        with pytest.raises(InputError, match="do not give each row a name and a label; run `flarescope evaluate"):
            check_validation_rows(folder, recorded, nameless, None, origin_digest)


def test_forecasts_of_a_model_that_the_run_has_not_are_refused(made, tmp_path, capsys):
    folder, _ = made
    shutil.copy(folder.model_path(), tmp_path / "mine.hdf5")
    with_words((RunFolder(tmp_path / "mine.hdf5"), made[1]), "--out", folder.path, "--allow-overlap")
    line = refused(capsys, "report", "runs/r")
    assert "the forecasts were made by mine.hdf5, which is no model of this run; run `" in line
    assert run(*offered(line), "--quiet") == 0
    assert run("report", "runs/r", "--quiet") == 0
