"""Is it said where a calibration is sure, or where images are of another form than those of the training?"""

import json
from dataclasses import replace

import numpy as np
import pytest

from fakes import Heard, use_fake_network, write_set
from flarescope.cli import main
from flarescope.errors import FlarescopeWarning
from flarescope.forecaster.classifier import describe_again, load_classifier
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.models import load
from flarescope.pipeline.other_images import tell_other_form
from flarescope.scores.calibration import certain_words, fit_calibration
from flarescope.tables import read_forecasts

REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132, 1133], "test": [1141, 1142, 1143]}
SURE = "where such a forecast is wrong its log score is infinite"


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_probabilities_of_exactly_0_and_1_are_counted_and_those_that_were_wrong():
    probability = np.array([0, 0, 0, 1e-9, 0.5, 1])
    assert certain_words(probability[3:5]) is None
    assert certain_words(probability).startswith("Of 6 calibrated probabilities 3 are exactly 0 and 1 is exactly 1: ")
    wrong = np.array([True, False, False, True, True, True])
    assert "3 are exactly 0 and 1 is exactly 1; 1 of them was wrong: " in certain_words(probability, wrong)
    assert "; 3 of them were wrong: " in certain_words(probability, np.array([True, True, False, True, True, False]))
    assert certain_words(np.ones(1), np.ones(1, bool)).startswith(
        "Of 1 calibrated probability 1 is exactly 1; 0 of them were wrong: "
    )


@pytest.fixture
def made(tmp_path, monkeypatch, capsys):
    """A run with an isotonic calibration that is sure at both ends, and its set."""
    use_fake_network(monkeypatch)
    data = write_set(tmp_path / "set", regions=REGIONS)
    tables = ["--train", data["train"], "--validation", data["validation"], "--images", data["images"]]
    learning = ["--backbone", "random", "--batch", 8, "--epochs", 3, "--learning-rate", 0.003, "--quiet"]
    assert run("train", *tables, "--out", tmp_path / "r", *learning) == 0
    capsys.readouterr()
    return RunFolder(tmp_path / "r"), data


def test_an_isotonic_calibration_is_warned_of_by_calibrate_evaluate_and_predict(made, capsys):
    folder, data = made
    assert run("calibrate", folder.path, "--method", "isotonic", "--quiet") == 0
    validation = read_forecasts(folder.forecasts("validation"))
    fitted = fit_calibration(validation, method="isotonic")
    assert SURE in certain_words(fitted.apply(validation["probability"].to_numpy()))  # or nothing is tested here
    told = capsys.readouterr().err
    assert f"WARNING: {certain_words(fitted.apply(validation['probability'].to_numpy()))}\n" in told

    assert run("evaluate", folder.path, "--table", data["test"], "--images", data["images"], "--quiet") == 0
    test = read_forecasts(folder.forecasts("test"))
    said = certain_words(fitted.apply(test["probability"].to_numpy()), (test["label"] == 1).to_numpy())
    assert f"WARNING: {said}\n" in capsys.readouterr().err
    assert said in json.loads(folder.scores("test").read_text())["verification"]["notes"]

    with pytest.warns(FlarescopeWarning, match=SURE):
        forecasts = load(folder.path).forecast(data["images"])
    certain = forecasts["probability"].isin([0, 1]).sum()
    assert certain == sum(fitted.apply(np.array(forecasts["probability_raw"])) % 1 == 0) > 0

    assert run("calibrate", folder.path, "--quiet") == 0
    assert run("evaluate", folder.path, "--table", data["test"], "--images", data["images"], "--quiet") == 0
    assert SURE not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("trained", "images", "which"),
    [
        (
            "reference-png",
            ["reference-fits"],
            "the model was trained on PNG, and these images are fields in gauss (FITS): ",
        ),
        (
            "reference-png",
            ["reference-fits+nan-zero", "reference-png"],
            "PNG, and some of these images are fields in gauss (FITS): ",
        ),
        (
            "reference-fits+nan-zero",
            ["reference-png"],
            "the model was trained on fields in gauss (FITS), and these images are PNG: ",
        ),
        ("reference-fits", ["reference-fits+nan-zero"], None),
        ("reference-png", [], None),
        (None, ["reference-fits"], None),
    ],
)
def test_the_other_form_of_an_image_is_warned_of(trained, images, which):
    heard = Heard()
    tell_other_form(trained, images, heard)
    assert heard.notes == []
    assert len(heard.warnings) == (which is not None)
    for text in heard.warnings:
        assert which in text
        assert "forecasts of the two forms of one image differ, by " in text


def test_evaluate_and_predict_say_that_the_model_knows_the_other_form(made, capsys):
    folder, data = made
    path = folder.model_path()
    describe_again(path, replace(load_classifier(path).description, rendering="reference-fits"))
    where = ["--table", data["test"], "--images", data["images"], "--quiet"]
    told = "WARNING: the model was trained on fields in gauss (FITS), and these images are PNG"
    assert run("evaluate", folder.path, *where) == 0
    assert told in capsys.readouterr().err
    assert run("predict", folder.path, data["images"] / "1141", "--quiet") == 0
    assert told in capsys.readouterr().err


def test_of_an_image_that_is_not_forecast_no_form_is_told(made, tmp_path, capsys):
    folder, data = made
    cut = tmp_path / "cut.fits"
    cut.write_bytes(b"SIMPLE  =                    T")
    assert run("predict", folder.path, data["images"] / "1141", cut, "--quiet") == 1
    told = capsys.readouterr().err
    assert "not forecast: " in told
    assert "the model was trained on" not in told
