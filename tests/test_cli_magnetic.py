"""Do the commands of the magnetic baseline write what the network's write, so that everything after them works?"""

import json

import numpy as np
import pandas as pd
import pytest

from fakes import draw_blank, use_fake_network
from flarescope.cli import main
from flarescope.images.png import read_png
from flarescope.magnetic.baseline import MagneticModel
from flarescope.magnetic.features import magnetic_features
from flarescope.magnetic.table import read_features_csv
from flarescope.pipeline import magnetic
from flarescope.pipeline.demo import DemoSize, make_synthetic_set
from flarescope.scores.contingency import count

pytestmark = pytest.mark.xdist_group("magnetic")  # one worker makes the set
IMAGES = "Lat60_Lon60_Nans0_png_224"


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """A synthetic set with its catalogue and its magnetic features."""
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic_set(folder, size=DemoSize(regions=18, images=3, fits_every=3))
    lists = ["--test", folder / "List_of_AR_in_Test_Data_by_AR.csv"]
    lists += ["--validation", folder / "List_of_AR_in_Validation_data_by_AR.csv"]
    labels = folder / "C1.0_24hr_224_png_Labels.txt"
    assert run("catalog", "build", labels, *lists, "--out", folder / "tables", "--quiet") == 0
    made = ["--images", folder / IMAGES, "--magnetic", "--out", folder / "features.csv", "--quiet"]
    assert run("features", folder / "tables/catalogue.parquet", *made) == 0
    return folder


def train(folder, out, *more):
    table = folder / "tables/catalogue.parquet"
    tables = ["--train", table, "--validation", table, "--features", folder / "features.csv"]
    return run("train-magnetic", *tables, "--out", out, *more)


def evaluate(folder, run_folder, *more):
    table = ["--table", folder / "tables/catalogue.parquet", "--features", folder / "features.csv"]
    return run("evaluate-magnetic", run_folder, *table, "--replicates", 20, *more)


@pytest.fixture(scope="module")
def trained(synthetic):
    for kind in ("svm", "logistic"):
        assert train(synthetic, synthetic / "runs" / kind, "--kind", kind, "--quiet") == 0
        assert evaluate(synthetic, synthetic / "runs" / kind, "--quiet") == 0
    return synthetic / "runs"


def test_features_have_the_published_form_and_the_library_s_numbers(synthetic):
    path = synthetic / "features.csv"
    assert {len(line.split(",")) for line in path.read_text().splitlines()} == {32}
    table = read_features_csv(path)
    catalogue = pd.read_parquet(synthetic / "tables/catalogue.parquet")
    assert table["filename"].tolist() == catalogue["filename"].str.rsplit("/", n=1).str[-1].tolist()
    assert table["label"].tolist() == catalogue["label"].tolist()
    field = read_png(synthetic / IMAGES / catalogue["filename"][5]).astype(float) - 128
    np.testing.assert_array_equal(table.iloc[5, :29].to_numpy(float), magnetic_features(field))


def test_a_baseline_on_made_images_is_called_so_without_the_images(synthetic, trained, capsys):
    """The table of features says it, in the notes beside it."""
    told = "WARNING: trained on synthetic data, made magnetograms and flares: what it forecasts is no result"
    assert json.loads((trained / "svm/run.json").read_text())["synthetic"] is True
    assert evaluate(synthetic, trained / "svm", "--quiet") == 0
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_the_run_folder_is_as_the_network_s(trained, kind):
    folder = trained / kind
    described = json.loads((folder / "run.json").read_text())
    assert (described["kind"], described["recipe"]["kind"], described["finished"]) == ("magnetic", kind, True)
    (row,) = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    model = MagneticModel.from_json(json.loads((folder / row["model"]).read_text()))
    assert model.kind == kind
    for split in ("validation", "test"):
        forecasts = pd.read_parquet(folder / f"forecasts/{split}.parquet")
        assert {"filename", "noaa_ar", "time", "split", "label", "probability"} <= set(forecasts)
    counted = count(forecasts["label"].to_numpy(), forecasts["probability"].to_numpy() >= 0.5)
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["counts"] == counted.counts()
    assert scores["scores"]["tss"] == counted.tss
    assert scores["verification"]["sample"]["n"] == len(forecasts)


def test_report_and_comparison_take_it(trained, capsys, monkeypatch):
    draw_blank(monkeypatch)
    arguments = ["--compare", trained / "logistic", "--images", trained.parent / IMAGES, "--replicates", 20]
    assert run("report", trained / "svm", *arguments) == 0
    page = (trained / "svm/report.html").read_text()
    assert page.count("<svg") >= 10
    assert "logistic" in page
    assert run("compare", trained / "svm", trained / "logistic", "--replicates", 20, "--json") == 0


def test_evaluate_and_predict_say_which_command_it_wants(trained, capsys):
    image = next((trained.parent / IMAGES).rglob("*.png"))
    assert run("predict", trained / "svm", image, "--quiet") == 2
    assert "evaluate-magnetic" in capsys.readouterr().err


def test_a_run_is_not_overwritten(synthetic, trained, capsys):
    before = (trained / "svm/run.json").read_bytes()
    assert train(synthetic, trained / "svm", "--quiet") == 2
    assert "holds a run already" in capsys.readouterr().err
    assert (trained / "svm/run.json").read_bytes() == before


def test_a_second_training_gives_the_same_bytes(synthetic, trained, tmp_path):
    assert train(synthetic, tmp_path / "again", "--quiet") == 0
    for name in [path.name for path in (tmp_path / "again").glob("model*")] + ["history.jsonl"]:
        assert (tmp_path / "again" / name).read_bytes() == (trained / "svm" / name).read_bytes()


def test_regions_of_the_training_set_are_refused(synthetic, trained, capsys):
    table = pd.read_parquet(synthetic / "tables/catalogue.parquet")
    table.assign(split="test").to_parquet(synthetic / "all.parquet")
    arguments = ["--table", synthetic / "all.parquet", "--features", synthetic / "features.csv", "--replicates", 0]
    arguments += ["--out", synthetic / "other"]
    assert run("evaluate-magnetic", trained / "svm", *arguments, "--quiet") == 2
    assert "regions in both the training set of the model and the test table" in capsys.readouterr().err
    assert run("evaluate-magnetic", trained / "svm", *arguments, "--allow-overlap", "--quiet") == 0


def test_images_that_cannot_be_read_are_named_and_left_out(synthetic, tmp_path, capsys):
    table = pd.read_parquet(synthetic / "tables/catalogue.parquet").head(3)
    table.loc[1, "filename"] = "3001/none.png"
    table.to_parquet(tmp_path / "t.parquet")
    arguments = ["--images", synthetic / IMAGES, "--magnetic", "--out", tmp_path / "f.csv", "--workers", 1]
    assert run("features", tmp_path / "t.parquet", *arguments, "--quiet") == 1
    assert "none.png" in capsys.readouterr().err
    assert len(read_features_csv(tmp_path / "f.csv")) == 2


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (["--kind", "forest"], "'forest' is not one of 'svm', 'logistic'"),
        (["--features", "missing.csv"], "missing.csv"),
        (["--train", "missing.parquet"], "missing.parquet"),
    ],
)
def test_bad_training_input_is_one_line(synthetic, tmp_path, capsys, change, text):
    assert train(synthetic, tmp_path / "run", "--quiet", *change) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run/run.json").exists()


def test_a_training_that_fails_leaves_room_for_the_corrected_one(synthetic, trained, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(magnetic, "write_parquet", fail)  # at the forecasts, after model and history
        assert train(synthetic, tmp_path / "run", "--kind", "logistic", "--quiet") == 130
    assert (tmp_path / "run/history.jsonl").is_file()
    assert train(synthetic, tmp_path / "run", "--quiet") == 0
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    again = ["--table", synthetic / "tables/catalogue.parquet", "--features", synthetic / "features.csv"]
    assert run("evaluate-magnetic", tmp_path / "run", *again, "--replicates", 0, "--quiet") == 0
    assert len([name for name in names if name.startswith("model.")]) == 1
    for name in names:
        if (trained / "svm" / name).is_file() and name != "scores.json":
            assert (tmp_path / "run" / name).read_bytes() == (trained / "svm" / name).read_bytes()


def test_without_magnetic_the_store_is_filled_that_train_uses(synthetic, tmp_path, monkeypatch, capsys):
    engine = use_fake_network(monkeypatch)
    monkeypatch.setattr(
        "flarescope.pipeline.featuring.find", __import__("flarescope.backbones.registry", fromlist=["find"]).find
    )
    table, images = synthetic / "tables/catalogue.parquet", synthetic / IMAGES
    assert run("features", table, "--images", images, "--out", tmp_path / "features", "--backbone", "fake") == 0
    assert engine.images == 54
    tables = ["--train", table, "--validation", table, "--images", images, "--backbone", "fake"]
    assert run("train", *tables, "--out", tmp_path / "run", "--quiet") == 0
    assert engine.images == 54  # nothing was computed again
