"""Is a network of transformers fine-tuned on the command line, and does it forecast afterwards?"""

from importlib.util import find_spec

import pandas as pd
import pytest

from fakes import write_set
from flarescope.cli import main
from flarescope.forecaster.runs import RunFolder
from test_hf import make, save
from tiny_tuned import REGIONS

pytestmark = [
    pytest.mark.xdist_group("hf"),
    pytest.mark.slow,  # transformers is imported and four commands run
    pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed (flarescope[hf])"),
]


def run(*words):
    assert main([str(word) for word in words]) == 0


def test_a_network_of_transformers_is_fine_tuned_and_forecasts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    data, network = write_set(tmp_path / "set", regions=REGIONS), save(make("vit"), tmp_path / "vit")
    tables = ["--train", data["train"], "--validation", data["validation"], "--images", data["images"]]
    run(
        "train",
        *tables,
        "--out",
        "runs/frozen",
        "--backbone",
        f"hf:{network}",
        "--engine",
        "torch",
        "--epochs",
        2,
        "-q",
    )
    tuning = ["--from", "last:1", "--epochs", 2, "--batch", 8, "--stop-on", "loss", "--augment", "north-south,noise"]
    run("finetune", "runs/frozen", "--out", "runs/tuned", *tuning, "-q")
    assert "best by validation loss" in capsys.readouterr().out
    tuned = RunFolder(tmp_path / "runs/tuned")
    assert tuned.read()["finetuned"] == {"from": "last:1", "begun_with": f"frozen/{begun(tmp_path)}"}
    run("evaluate", "runs/tuned", "--table", data["test"], "--images", data["images"], "--engine", "torch", "-q")
    run("predict", tuned.model_path(), data["images"], "--engine", "torch", "--csv", "forecasts.csv", "-q")
    predicted = pd.read_csv("forecasts.csv").set_index("filename")["probability"]
    evaluated = pd.read_parquet(tuned.forecasts("test")).set_index("filename")["probability"]
    evaluated.index = [str(data["images"] / name) for name in evaluated.index]
    assert (predicted.loc[evaluated.index] - evaluated).abs().max() < 1e-6
    stores = {path.name.partition("_")[0] for path in (tmp_path / "runs/features").iterdir()}
    assert len(stores) == 2
    assert main(["finetune", "runs/frozen", "--from", "layers.7", "--out", "runs/other", "-q"]) == 2
    assert "did you mean layers." in capsys.readouterr().err


def begun(folder):
    return RunFolder(folder / "runs/frozen").model_path().name
