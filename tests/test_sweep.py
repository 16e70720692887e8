"""Is each run of a sweep the run that `train` makes alone, and are the runs compared on validation rows?"""

import csv
import json
import statistics
from pathlib import Path

import pytest

from fakes import use_fake_network, write_set
from flarescope.cli import main
from flarescope.errors import FlarescopeError, FlarescopeWarning, InputError
from flarescope.features.gather import FeatureRows
from flarescope.forecaster.runs import RunFolder, best_epoch
from flarescope.heads.head import Recipe
from flarescope.pipeline import fitting
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.jobs import Running
from flarescope.pipeline.sweep_grid import Combination, Grid, run_name
from flarescope.pipeline.sweep_scores import Swept, compare
from flarescope.pipeline.sweeping import sweep
from flarescope.pipeline.training import train

COMPUTE = Compute(engine="torch", precision="fp32", workers=0)
BASE = Recipe(epochs=3, batch=16)
GRID = Grid(
    learning_rates=(0.001, 0.01),
    class_weights=(None, (1.0, 3.0)),
    seeds=(0, 1),
    solvers=("adam", "lbfgs"),
    l2=(1e-2,),
)
NAMES = [f"lr{rate}_w{weight}_seed{seed}" for weight in (1, 3) for rate in (0.001, 0.01) for seed in (0, 1)]
LBFGS = ["lbfgs_l2-0.01_w1", "lbfgs_l2-0.01_w3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    regions = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132]}
    return write_set(tmp_path_factory.mktemp("set"), regions=regions)


@pytest.fixture
def engine(monkeypatch):
    return use_fake_network(monkeypatch)


@pytest.fixture
def given(data, engine):
    return {**data, "backbone": "fake", "compute": COMPUTE}


def bytes_of(folder):
    """Everything that a run holds; of `run.json` what does not name folders."""
    whole = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    described = json.loads(whole.pop("run.json"))
    del described["features"], whole["state.npz"]  # a zip has the time in it
    state = RunFolder(folder).read_state()
    return whole, described, (state.theta.tobytes(), state.first.tobytes(), state.second.tobytes(), state.step)


def test_each_run_has_the_bytes_of_a_run_trained_alone(given, tmp_path):
    sweep(**given, out=tmp_path / "sweep", grid=GRID, recipe=BASE)
    folders = sorted(path.name for path in (tmp_path / "sweep").iterdir() if path.is_dir())
    assert folders == sorted(NAMES + LBFGS)
    for recipe in GRID.recipes(BASE):
        known = recipe if recipe.class_weight else Recipe(**{**vars(recipe), "class_weight": (1.0, 1.0)})
        alone = train(**given, out=tmp_path / "alone" / run_name(known), recipe=recipe)
        assert bytes_of(alone.path) == bytes_of(tmp_path / "sweep" / alone.path.name)


def test_the_comparison_is_of_the_best_epochs_on_validation_rows(given, tmp_path):
    found = sweep(**given, out=tmp_path / "sweep", grid=GRID, recipe=BASE)
    assert found == json.loads((tmp_path / "sweep/sweep.json").read_text())
    for row in found["runs"]:
        best = best_epoch(RunFolder(tmp_path / "sweep" / row["run"]).history())
        assert row["epoch"] == best["epoch"]
        assert {name: row[name] for name in ("tss", "hss", "loss")} == {
            name: best["validation"][name] for name in ("tss", "hss", "loss")
        }
    assert len(found["combinations"]) == 4 + 2
    first = found["combinations"][0]
    scores = [row["tss"] for row in found["runs"][:2]]
    assert (first["learning_rate"], first["class_weight"], first["seeds"]) == (0.001, [1.0, 1.0], 2)
    assert first["tss"] == {"mean": statistics.fmean(scores), "spread": statistics.stdev(scores)}
    assert found["combinations"][-1]["tss"]["spread"] is None
    highest = max(one["tss"]["mean"] for one in found["combinations"])
    assert highest == next(
        one["tss"]["mean"]
        for one in found["combinations"]
        if all(one[name] == value for name, value in found["best"].items())
    )
    with (tmp_path / "sweep/sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == [row["run"] for row in found["runs"]]
    assert float(rows[3]["tss"]) == found["runs"][3]["tss"]


def test_runs_of_one_seed_read_each_row_once_an_epoch(given, tmp_path, monkeypatch):
    read = []
    real = FeatureRows.__getitem__
    monkeypatch.setattr(FeatureRows, "__getitem__", lambda self, index: read.append(len(index)) or real(self, index))
    grid = Grid(learning_rates=(0.001, 0.003, 0.01), seeds=(0, 1))
    sweep(**given, out=tmp_path / "sweep", grid=grid, recipe=BASE)
    epochs = 2 * 3 * (32 + 16)  # seeds, epochs, training and validation rows; not six runs
    forecasts = 6 * 16
    assert sum(read) == epochs + forecasts


class Stop(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("call", [1, 7, 20])
def test_a_stopped_sweep_ends_in_the_same_bytes(given, tmp_path, monkeypatch, call):
    sweep(**given, out=tmp_path / "whole", grid=GRID, recipe=BASE)
    real, calls = fitting.discard, []

    def stopping(*arguments):
        calls.append(1)
        if len(calls) == len(NAMES + LBFGS) + call:
            raise Stop
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "discard", stopping)
        with pytest.raises(Stop):
            sweep(**given, out=tmp_path / "stopped", grid=GRID, recipe=BASE)
    sweep(**given, out=tmp_path / "stopped", grid=GRID, recipe=BASE)
    for name in NAMES + LBFGS:
        assert bytes_of(tmp_path / "whole" / name) == bytes_of(tmp_path / "stopped" / name)
    assert (tmp_path / "whole/sweep.json").read_bytes() == (tmp_path / "stopped/sweep.json").read_bytes()


def test_a_run_that_diverges_does_not_end_the_others(given, tmp_path):
    recipe = Recipe(epochs=20, batch=1)
    with pytest.warns(FlarescopeWarning, match="training diverged in epoch"):
        found = sweep(**given, out=tmp_path / "sweep", grid=Grid(learning_rates=(0.001, 1e38)), recipe=recipe)
    good, bad = found["runs"]
    assert good["failure"] is None
    assert good["tss"] is not None
    assert "training diverged in epoch" in bad["failure"]
    assert bad["tss"] is None
    assert found["best"]["learning_rate"] == 0.001
    with pytest.raises(FlarescopeError, match="training diverged"):
        train(**given, out=tmp_path / "alone", recipe=Recipe(epochs=20, batch=1, learning_rate=1e38))


def test_a_sweep_that_fails_on_an_image_leaves_room_for_another(given, data, tmp_path):
    image = sorted(data["images"].rglob("*.png"))[0]
    whole = image.read_bytes()
    image.write_bytes(b"no PNG")
    try:
        with pytest.raises(InputError, match="not a PNG"):
            sweep(**given, out=tmp_path / "sweep", grid=GRID, recipe=BASE)
    finally:
        image.write_bytes(whole)
    assert not any((tmp_path / "sweep").iterdir())
    found = sweep(**given, out=tmp_path / "sweep", grid=GRID, recipe=Recipe(epochs=2, batch=8))
    assert len(found["runs"]) == len(NAMES + LBFGS)


def test_what_cannot_be_swept_is_told(given, tmp_path):
    with pytest.raises(InputError, match=r"lr0\.001_w2_seed0; give values that differ by more"):
        sweep(**given, out=tmp_path / "sweep", grid=Grid(class_weights=((1.0, 2.0), (1.0, 2.0001))))
    with pytest.raises(InputError, match="--l2: without meaning without --solver lbfgs"):
        Grid(l2=(1.0,))
    with pytest.raises(InputError, match="--learning-rate: without meaning without --solver adam"):
        Grid(solvers=("lbfgs",), learning_rates=(1.0,))
    with pytest.raises(InputError, match="solver newton is out of range"):
        sweep(**given, out=tmp_path / "sweep", grid=Grid(solvers=("newton",)))


def test_the_command_prints_a_table_and_json(data, engine, tmp_path, capsys):
    command = ["sweep", "--train", data["train"], "--validation", data["validation"], "--images", data["images"]]
    command += ["--out", tmp_path / "sweep", "--backbone", "fake", "--epochs", 2, "--seed", 0, "--seed", 1]
    command += ["--class-weight", "none", "--class-weight", "1,4", "--solver", "adam", "--solver", "lbfgs", "--quiet"]
    assert main([str(part) for part in command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [
        "solver",
        "rate",
        "or",
        "l2",
        "weights",
        "runs",
        "val",
        "tss",
        "val",
        "hss",
        "val",
        "loss",
    ]
    assert len(lines) == 2 + 4
    assert sum("*" in line for line in lines[2:]) == 1
    assert main([*[str(part) for part in command], "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 6


def test_the_best_is_not_a_combination_whose_other_seeds_failed():
    def one(rate, seed, tss):
        history = [{"epoch": 1, "validation": {"tss": tss, "hss": tss, "loss": 1.0}}]
        failure = FlarescopeError("diverged") if tss is None else None
        recipe = Recipe(learning_rate=rate, seed=seed, class_weight=(1.0, 2.0))
        run = Running(RunFolder(Path(f"{rate}-{seed}")), recipe, None, None, history, failure)
        return Swept(Combination(recipe), [run])

    runs = [one(0.3, 0, 0.9), one(0.3, 1, None), one(0.001, 0, 0.5), one(0.001, 1, 0.6)]
    found = compare(runs)
    assert found["best"]["learning_rate"] == 0.001
    assert [(row["seeds"], row["failed"]) for row in found["combinations"]] == [(1, 1), (2, 0)]
    assert compare(runs[:2])["best"]["learning_rate"] == 0.3  # where each has failures, the fewest


def test_what_only_adam_knows_is_refused_where_it_takes_no_part():
    with pytest.raises(InputError, match="--epochs: without meaning without --solver adam; leave it out, or add"):
        Grid(solvers=("lbfgs",)).recipes(Recipe(epochs=20))
    assert [recipe.epochs for recipe in Grid(solvers=("lbfgs", "adam")).recipes(Recipe(epochs=20))] == [5, 20]
