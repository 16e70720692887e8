"""Does a model come back from a folder as hubs keep models, whole, for every command, and is a damaged one refused?"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

import flarescope
from fakes import draw_blank, use_fake_network
from flarescope.cli import main
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.event_models import EventModels
from flarescope.forecaster.folder_form import is_model_folder, write_folder
from flarescope.heads.head import Head
from flarescope.several_events import event_of_code

pytestmark = pytest.mark.xdist_group("exporting")


@pytest.fixture
def run(fake_run, monkeypatch):
    place, data = fake_run
    use_fake_network(monkeypatch)
    return place / "runs/r", data


@pytest.fixture
def folder(run, tmp_path):
    flarescope.export(run[0], to="folder", out=tmp_path / "model")
    return tmp_path / "model"


def test_it_holds_what_a_hub_expects(run, folder):
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    model = flarescope.load(run[0]).classifier
    arrays = load_file(folder / "model.safetensors")
    np.testing.assert_array_equal(arrays["00.kernel"], model.head.kernel)
    config = json.loads((folder / "config.json").read_text())
    assert config["library_name"] == "flarescope"
    assert config["models"][0]["digest"] == model.description.digest
    front = (folder / "README.md").read_text().split("---")[1]
    assert yaml.safe_load(front)["library_name"] == "flarescope"
    again = flarescope.load(folder).classifier
    assert again.description == model.description
    assert again.head.digest == model.head.digest


def test_every_command_that_takes_a_model_takes_it(run, folder, tmp_path, capsys, monkeypatch):
    draw_blank(monkeypatch)
    run, data = run
    images = sorted(data["images"].glob("1141/*.png"))[:2]
    expected = flarescope.predict(run, images).forecasts["probability"]
    assert flarescope.predict(folder, images).forecasts["probability"].tolist() == expected.tolist()
    words = ["evaluate", folder, "--table", data["test"], "--images", data["images"], "--replicates", "0"]
    assert main([str(word) for word in [*words, "--out", tmp_path / "evaluated", "--quiet"]]) == 0
    assert (tmp_path / "evaluated" / "scores.json").is_file()
    assert main(["explain", str(folder), str(images[0]), "--out", str(tmp_path / "ex"), "--no-checks", "-q"]) == 0
    told = capsys.readouterr().out
    assert "how faithful they are was not asked" in told
    assert "deletion" not in told
    assert flarescope.export(folder, to="onnx", out=tmp_path / "m.onnx").difference < 1e-6
    flarescope.export(folder, to="folder", out=tmp_path / "copy")
    assert (tmp_path / "copy/config.json").read_bytes() == (folder / "config.json").read_bytes()
    capsys.readouterr()


def test_several_events(run, tmp_path):
    first = flarescope.load(run[0]).classifier
    parts = []
    for code, bias in (("C1.0/24", 0.0), ("M1.0/24", -1.0)):
        described = replace(first.description, event=event_of_code(code))
        head = Head(first.head.kernel, first.head.bias + np.array([0, bias], np.float32))
        parts.append(Classifier(head, described, first.weights))
    EventModels(tuple(parts)).save(tmp_path / "both.hdf5")
    flarescope.export(tmp_path / "both.hdf5", to="folder", out=tmp_path / "both")
    images = sorted(run[1]["images"].glob("1141/*.png"))[:2]
    expected = flarescope.predict(tmp_path / "both.hdf5", images).forecasts
    assert flarescope.predict(tmp_path / "both", images).forecasts.equals(expected)


def test_the_card_of_a_report_goes_with_its_model(run, tmp_path):
    shutil.copytree(run[0], tmp_path / "r")
    (tmp_path / "r" / "README.md").write_text(
        "---\nlicense: bsd-3-clause\n---\n# With scores\nflarescope predict /home/me/my runs/r some.fits\n"
    )
    flarescope.export(tmp_path / "r", to="folder", out=tmp_path / "the best")
    said = (tmp_path / "the best" / "README.md").read_text()
    assert "With scores\nflarescope predict 'the best' some.fits\n" in said
    best = flarescope.load(tmp_path / "r").path
    other = next(number for number in (1, 2, 3) if flarescope.load(tmp_path / "r", epoch=number).path != best)
    flarescope.export(tmp_path / "r", to="folder", out=tmp_path / "other", epoch=other)
    assert "scores are not here" in (tmp_path / "other" / "README.md").read_text()
    (tmp_path / "r" / "README.md").write_text(f"# Of another epoch\nflarescope predict r some.fits --epoch {other}\n")
    flarescope.export(tmp_path / "r", to="folder", out=tmp_path / "again")
    assert "scores are not here" in (tmp_path / "again" / "README.md").read_text()


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["models"][0] |= changes
    (folder / "config.json").write_text(json.dumps(config))


def change_arrays(folder: Path, **arrays: np.ndarray) -> None:
    save_file(load_file(folder / "model.safetensors") | arrays, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: change_config(folder, threshold=0.9), "changed after it was written"),
        (lambda folder: change_config(folder, backbone=7), "backbone"),
        (lambda folder: (folder / "config.json").write_text('{"format": "flarescope-folder-1"}'), "1 to 64 models"),
        (lambda folder: change_arrays(folder, **{"00.bias": np.ones(2, np.float32)}), "changed after it was written"),
        (lambda folder: change_arrays(folder, **{"00.bias": np.full(2, np.nan, np.float32)}), "not finite"),
        (lambda folder: change_arrays(folder, **{"00.kernel": np.zeros((1 << 17, 2), np.float32)}), "too large"),
        (lambda folder: save_file({"a": np.zeros(1)}, folder / "model.safetensors"), "no array 00.kernel"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"junk"), "model.safetensors"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(folder, damage, said):
    damage(folder)
    with pytest.raises(flarescope.InputError, match=said) as told:
        flarescope.load(folder)
    assert len(str(told.value)) < 300


def test_other_folders_are_left_alone(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(flarescope.InputError, match="holds something else"):
        write_folder(tmp_path / "mine", [flarescope.load(run[0]).classifier], "card")
    assert not is_model_folder(run[0])
    flarescope.export(run[0], to="folder", out=tmp_path / "model")
    with pytest.raises(flarescope.InputError, match="--epoch chooses"):
        flarescope.load(tmp_path / "model", epoch=1)
