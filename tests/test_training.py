"""Does a labelled set become the same run, byte by byte, however often it is interrupted, and never a mixture of two?

The network is fake (see `fakes`) but in the tests of the frozen backbone.
"""

import json
import math
import re
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fakes import Heard, fake_features, use_fake_network, write_set
from flarescope.backbones import registry
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.weights import digest_of
from flarescope.cli.screen import settings
from flarescope.cli.train import show_history
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.batching import stack
from flarescope.forecaster.classifier import load_classifier
from flarescope.forecaster.runs import RunFolder, best_epoch, chosen_epoch, model_name
from flarescope.heads.adam import State
from flarescope.heads.head import Recipe, glorot_head, validate
from flarescope.heads.result import EpochResult
from flarescope.heads.together import train_epoch
from flarescope.images.reading import read_image
from flarescope.images.render import Rendering
from flarescope.pipeline import fitting, solving, training_data
from flarescope.pipeline.evaluating import evaluate
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.fitting import Saving
from flarescope.pipeline.training import train
from flarescope.progress import Reporter
from flarescope.scores.contingency import ContingencyTable
from forking import Forker

COMPUTE = Compute(engine="torch", precision="fp32", workers=0)
RECIPE = Recipe(epochs=4, batch=16, learning_rate=0.003, seed=1)
REGIONS = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132], "test": [1141, 1142]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), regions=REGIONS)


@pytest.fixture
def engine(monkeypatch):
    return use_fake_network(monkeypatch)


@pytest.fixture
def fit(data, tmp_path, engine):
    """Train on the tiny set with the fake network; options replace the defaults."""

    def run(name="run", **options):
        given = {"train": data["train"], "validation": data["validation"], "images": data["images"]}
        given |= {"backbone": "fake", "recipe": RECIPE, "compute": COMPUTE, "out": tmp_path / name}
        return train(**{**given, **options})

    return run


def files(run):
    return sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file())


def content(run):
    """The bytes of everything in a run; `run.json` names the folders of this test and is compared apart from them."""
    whole = {name: (run.path / name).read_bytes() for name in files(run) if name not in ("run.json", "state.npz")}
    described = run.read()
    del described["features"]
    state = run.read_state()
    arrays = (state.theta.tobytes(), state.first.tobytes(), state.second.tobytes(), state.step, state.epoch)
    return whole, described, arrays


def models(run):
    return sorted(path.name for path in run.path.glob("model.*"))


class Stop(BaseException):
    """Stands for a kill, within the process: nothing catches it."""


# ---- what a run holds ----


def test_a_run_holds_a_model_an_epoch_and_its_history(fit):
    run = fit()
    rows = run.history()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert models(run) == [row["model"] for row in rows]
    for row in rows:
        assert list(row) == ["epoch", "train", "validation", "model"]
        assert row["model"] == f"model.{row['epoch']:02d}_{row['validation']['tss']:.2f}.hdf5"
        assert re.fullmatch(r"model\.0[1-4]_-?\d\.\d\d\.hdf5", row["model"])
        for split, size in (("train", 32), ("validation", 16)):
            result = row[split]
            assert list(result) == ["loss", "tp", "tn", "fp", "fn", "tpr", "tnr", "tss", "hss"]
            assert result["tp"] + result["fn"] == result["tn"] + result["fp"] == size / 2
            assert result["tpr"] == result["tp"] / (result["tp"] + result["fn"])
            assert result["tnr"] == result["tn"] / (result["tn"] + result["fp"])
            assert result["tss"] == result["tpr"] + result["tnr"] - 1
            assert result["loss"] > 0
    expected = ["forecasts/validation.parquet", "history.jsonl", *models(run), "run.json", "state.npz"]
    assert files(run) == sorted(expected)
    assert len(run.history_jsonl.read_text().splitlines()) == 4


def test_history_and_models_are_those_of_the_head_trained_by_hand(fit, data):
    """The same numbers without store, files and resumption: features in memory, the epochs one after another."""
    run = fit()
    tables = {name: pd.read_csv(data[name]) for name in ("train", "validation")}
    rows = {name: features_of(data["images"], table["filename"]) for name, table in tables.items()}
    labels = {name: table["class"].to_numpy() for name, table in tables.items()}
    state = State.start(glorot_head(4096, RECIPE.seed))
    for epoch, line in enumerate(run.history(), start=1):
        state, trained = train_epoch(state, rows["train"], labels["train"], RECIPE)
        validated = validate(state.head, rows["validation"], labels["validation"], clip=0)
        assert line["train"]["loss"] == trained.loss
        assert line["validation"]["loss"] == validated.loss
        assert {name: line["validation"][name] for name in ("tp", "tn", "fp", "fn")} == validated.table.counts()
        head = load_classifier(run.model_path(epoch)).head
        assert np.array_equal(head.kernel, state.head.kernel)
        assert np.array_equal(head.bias, state.head.bias)


def features_of(images, filenames):
    return np.concatenate(
        [fake_features(stack([read_image(images / n, Rendering("reference-png"))])) for n in filenames]
    )


def test_run_json_says_what_was_done(fit, data, tmp_path):
    described = fit().read()
    assert described["finished"] is True
    assert described["recipe"] == {
        "learning_rate": 0.003,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "batch": 16,
        "epochs": 4,
        "shuffle": True,
        "seed": 1,
        "class_weight": [1.0, 16 / 16],
        "clip": 0.0,
        "patience": None,
        "solver": "adam",
        "l2": 1e-4,
    }
    assert described["backbone"] == "fake"
    assert described["store"] == {
        "family": "fake",
        "digest": "sha256:" + b"fake".hex().ljust(64, "0"),
        "rendering": "reference-png",
        "engine": COMPUTE.choose(VGG16).id,
        "batch": COMPUTE.choose(VGG16).batch,
        "streams": COMPUTE.choose(VGG16).streams,
        "dtype": "float32",
        "network": "vgg16",
        "features": 4096,
    }
    train_data = described["data"]["train"]
    assert (train_data["images"], train_data["events"]) == (32, 16)
    assert train_data["regions"] == [11121, 11122, 11123, 11124]
    assert train_data["digest"].startswith("sha256:")
    assert described["data"]["validation"]["regions"] == [11131, 11132]
    assert described["save"] == {"which": "each", "full": False}
    assert described["images"] == str(data["images"])
    assert described["features"] == str(tmp_path / "features")
    assert described["versions"]["python"] == sys.version.split()[0]
    assert described["versions"]["numpy"] == np.__version__


def test_validation_forecasts_are_those_of_the_best_model(fit):
    run = fit()
    forecasts = pd.read_parquet(run.forecasts("validation"))
    best = best_epoch(run.history())
    yes = forecasts["probability"] >= 0.5
    counts = {"tp": int((yes & (forecasts["label"] == 1)).sum()), "fp": int((yes & (forecasts["label"] == 0)).sum())}
    assert counts == {name: best["validation"][name] for name in counts}
    assert set(forecasts["split"]) == {"validation"}
    assert set(forecasts["noaa_ar"]) == {11131, 11132}
    assert len(forecasts) == 16


def test_it_learns_and_the_test_set_is_scored(fit, data):
    run = fit(recipe=Recipe(epochs=15, batch=8, learning_rate=0.003))
    assert best_epoch(run.history())["validation"]["tss"] > 0.5
    evaluation = evaluate(run.path, table=data["test"], images=data["images"], compute=COMPUTE)
    assert evaluation.table.tss > 0.3
    assert json.loads((run.path / "scores.json").read_text())["counts"] == evaluation.table.counts()


def test_a_model_is_never_scored_on_regions_that_it_was_trained_on(fit, data):
    run = fit()
    with pytest.raises(InputError, match="4 regions in both the training set of the model and the test table: 11121"):
        evaluate(run.path, table=data["train"], images=data["images"], compute=COMPUTE)


def test_features_are_shared_by_runs_side_by_side(fit, engine):
    fit("one")
    assert engine.images == 32 + 16
    fit("two", recipe=Recipe(seed=9))
    assert engine.images == 32 + 16


def test_limit_takes_the_first_rows(fit):
    run = fit(limit=10)
    assert [run.read()["data"][split]["images"] for split in ("train", "validation")] == [10, 10]


def test_random_filters_are_said_aloud(monkeypatch, fit):
    weights = Weights("random:0", "sha256:" + "00" * 32, lambda: {}, VGG16)
    monkeypatch.setattr(training_data, "find", lambda spec: weights)
    monkeypatch.setattr(registry, "find", lambda spec: weights)

    heard = Heard()
    fit(backbone="random", reporter=heard)
    assert any("filters are random" in text for text in heard.warnings)
    assert any(text.startswith("engine: torch-") for text in heard.notes)
    assert sum(text.startswith("epoch ") for text in heard.notes) == 4


# ---- the same bytes ----


@pytest.fixture
def uninterrupted(fit):
    return content(fit("uninterrupted"))


def test_the_same_seed_gives_the_same_bytes(fit, uninterrupted):
    assert content(fit("again", features=None)) == uninterrupted


def test_other_reading_threads_and_features_computed_anew_give_the_same_bytes(fit, tmp_path, uninterrupted):
    compute = Compute(engine="torch", precision="fp32", workers=3)
    assert content(fit("again", compute=compute, features=tmp_path / "elsewhere")) == uninterrupted


def test_another_seed_gives_another_run(fit, uninterrupted):
    other = fit("again", recipe=Recipe(epochs=4, batch=16, learning_rate=0.003, seed=2))
    assert other.history_jsonl.read_bytes() != uninterrupted[0]["history.jsonl"]


def test_a_finished_run_asked_for_again_changes_nothing(fit, engine):
    run = fit()
    before, images = content(run), engine.images
    assert content(fit()) == before
    assert engine.images == images


@pytest.mark.parametrize(
    ("which", "function", "call"),
    [
        ("each", "train_together", 1),
        ("each", "load_classifier", 1),
        ("best", "validate_together", 2),
        ("best", "discard", 3),
        ("best", "discard", 5),
        ("last", "discard", 5),
        ("last", "write_parquet", 1),
    ],
)
def test_a_stop_at_any_step_ends_in_the_same_run(fit, monkeypatch, which, function, call):
    whole = content(fit("whole", saving=Saving(which)))
    place = solving if function == "train_together" else fitting
    real, calls = getattr(place, function), []

    def stopping(*arguments, **options):
        calls.append(function)
        if len(calls) == call:
            raise Stop
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(place, function, stopping)
        with pytest.raises(Stop):
            fit("stopped", saving=Saving(which))
    assert content(fit("stopped", saving=Saving(which))) == whole


@pytest.fixture(scope="module")
def forker():
    made = Forker("fakes", "h5py", "flarescope.pipeline.training", "flarescope.pipeline.fitting")
    yield made
    made.close()


CHILD = """
import json, sys
from pathlib import Path
from fakes import die_at, use_fake_network
from flarescope.heads.head import Recipe
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.training import train
options = json.loads(sys.argv[1])
use_fake_network(as_module=False)
die_at(Path, "replace", options["call"], after=options["after"])
train(train=options["train"], validation=options["validation"], images=options["images"], out=options["out"],
      features=options["features"], backbone="fake", recipe=Recipe(**options["recipe"]),
      compute=Compute(engine="torch", precision="fp32", workers=2))
"""


# Features made, a run writes by rename: 1 run.json, then for each epoch 2 model, 3 history, 4 state, and so on;
# 14 the validation forecasts, 15 run.json.
@pytest.mark.parametrize(("call", "after"), [(1, False), (2, False), (3, False), (4, False), (10, True), (14, False)])
def test_a_kill_at_any_moment_ends_in_the_same_bytes(fit, data, tmp_path, uninterrupted, forker, call, after):
    recipe = {"epochs": 4, "batch": 16, "learning_rate": 0.003, "seed": 1}
    options = {"out": tmp_path / "killed", "features": tmp_path / "features", "recipe": recipe, **data}
    options |= {"call": call, "after": after}
    child = forker.start(CHILD, json.dumps(options, default=str))
    _, errors = child.wait()
    assert child.returncode == -signal.SIGKILL, errors.decode()
    whole, described, state = content(fit("killed"))
    visible = {name: value for name, value in whole.items() if not Path(name).name.startswith(".")}
    assert (visible, described, state) == uninterrupted


def test_more_epochs_later_go_on(fit, uninterrupted):
    fit(recipe=Recipe(epochs=2, batch=16, learning_rate=0.003, seed=1))
    run = fit()
    assert content(run) == uninterrupted
    assert run.read()["recipe"]["epochs"] == 4


# ---- another run in the same folder ----


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"recipe": Recipe(epochs=4, batch=16, learning_rate=0.003, seed=2)}, "recipe"),
        ({"recipe": Recipe(epochs=4, batch=16, learning_rate=0.003, seed=1, class_weight=(1.0, 3.0))}, "recipe"),
        ({"backbone": "other"}, "backbone, store"),
        ({"limit": 8}, "data"),
        ({"saving": Saving("best")}, "save"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(fit, change, named):
    before = content(fit())
    with pytest.raises(InputError, match=rf"holds another run \(differs in {named}\); choose another --out"):
        fit(**change)
    assert content(fit()) == before


def test_other_labels_make_another_run(fit, data, tmp_path):
    fit()
    table = pd.read_csv(data["train"])
    table.loc[0, "class"] = 1 - table.loc[0, "class"]
    table.to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(InputError, match="holds another run"):
        fit(train=tmp_path / "train.csv")


BETTER = {"recipe": Recipe(epochs=4, batch=8, learning_rate=0.003, seed=3)}


def damage(images):
    """Make one image of the training set a broken one; give how to mend it."""
    path = sorted(images.rglob("*.png"))[3]
    whole = path.read_bytes()
    path.write_bytes(b"no PNG")
    return lambda: path.write_bytes(whole)


def test_a_training_that_fails_on_an_image_leaves_no_folder_and_takes_another_recipe(data, fit, tmp_path):
    mend = damage(data["images"])
    try:
        with pytest.raises(InputError, match="not a PNG"):
            fit("run")
    finally:
        mend()
    assert not (tmp_path / "run").exists()
    assert content(fit("run", **BETTER)) == content(fit("fresh", **BETTER))


def test_a_training_that_fails_on_an_image_leaves_a_folder_of_the_user_as_it_was(data, fit, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes.txt").write_text("mine")
    mend = damage(data["images"])
    try:
        with pytest.raises(InputError, match="not a PNG"):
            fit("run")
    finally:
        mend()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["notes.txt"]


@pytest.mark.parametrize("call", [2, 3])
def test_a_kill_before_the_first_epoch_is_whole_leaves_room_for_another_recipe(fit, data, tmp_path, forker, call):
    options = {"out": tmp_path / "killed", "features": tmp_path / "features", **data, "call": call, "after": False}
    options["recipe"] = {"epochs": 4, "batch": 16, "learning_rate": 0.5, "seed": 1}
    child = forker.start(CHILD, json.dumps(options, default=str))
    _, errors = child.wait()
    assert child.returncode == -signal.SIGKILL, errors.decode()
    assert (tmp_path / "killed/run.json").is_file()
    assert content(fit("killed", **BETTER)) == content(fit("fresh", **BETTER))


def test_features_that_failed_do_not_bind_the_next_try_to_their_batch(data, fit):
    mend = damage(data["images"])
    try:
        with pytest.raises(InputError, match="not a PNG"):
            fit("run", compute=replace(COMPUTE, batch=12))
    finally:
        mend()
    run = fit("run", compute=replace(COMPUTE, batch=6))
    assert run.read()["store"]["batch"] == 6
    with pytest.raises(InputError, match="were begun with batches of 6"):
        fit("other", compute=replace(COMPUTE, batch=12))


def diverging(monkeypatch, epoch):
    """Let training diverge in an epoch."""
    real = fitting.check_converging

    def check(state, result):
        if state.epoch == epoch:
            raise FlarescopeError(f"training diverged in epoch {epoch}: the loss is nan; lower --learning-rate")
        real(state, result)

    monkeypatch.setattr(fitting, "check_converging", check)


def test_a_training_that_diverges_at_once_leaves_no_folder(fit, tmp_path, monkeypatch):
    diverging(monkeypatch, 1)
    with pytest.raises(FlarescopeError, match="diverged in epoch 1"):
        fit("run")
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_later_is_set_aside_by_the_corrected_one(fit, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        diverging(patch, 3)
        with pytest.raises(FlarescopeError, match="diverged in epoch 3"):
            fit("run")
        kept = models(RunFolder(tmp_path / "run"))
        assert len(kept) == 2
        assert "diverged in epoch 3" in RunFolder(tmp_path / "run").read()["failure"]
        diverging(patch, 2)
        with pytest.raises(FlarescopeError, match="diverged in epoch 2"):
            fit("run", recipe=Recipe(epochs=4, batch=8, learning_rate=0.1, seed=1))
    run = fit("run", **BETTER)
    assert models(RunFolder(run.path / "failed-1")) == kept
    assert len(RunFolder(run.path / "failed-2").history()) == 1
    shutil.rmtree(run.path / "failed-1")
    shutil.rmtree(run.path / "failed-2")
    assert content(run) == content(fit("fresh", **BETTER))
    assert "failure" not in run.read()


def test_a_finished_run_that_diverges_when_it_goes_on_is_not_set_aside(fit, monkeypatch):
    before = fit("run")
    diverging(monkeypatch, 5)
    with pytest.raises(FlarescopeError, match="diverged in epoch 5"):
        fit("run", recipe=replace(RECIPE, epochs=6))
    with pytest.raises(InputError, match="holds another run"):
        fit("run", **BETTER)
    assert len(models(before)) == 4


def test_models_without_a_run_json_are_not_overwritten(fit):
    run = fit()
    run.run_json.unlink()
    with pytest.raises(InputError, match=r"holds models but no run\.json; choose another --out"):
        fit()


@pytest.mark.parametrize("damage", [b"", b"not a zip", b"\x80\x04K\x01."], ids=["empty", "text", "a pickle"])
def test_a_damaged_state_is_one_line_and_not_unpickled(fit, damage):
    run = fit(recipe=Recipe(epochs=2, batch=16, learning_rate=0.003, seed=1))
    (run.path / "state.npz").write_bytes(damage)
    with pytest.raises(FlarescopeError, match=r"state\.npz") as caught:
        fit()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ['{"epoch": 1', "[]\n", "5\n"])
def test_a_damaged_history_is_one_line(fit, damage):
    run = fit()
    run.history_jsonl.write_text(damage)
    with pytest.raises(FlarescopeError, match=r"history\.jsonl") as caught:
        run.history()
    assert "\n" not in str(caught.value)


# ---- which models are kept, and when to stop ----


@pytest.fixture
def scripted(monkeypatch):
    """Let the validation give these TSS, epoch by epoch (hits of 100 events, no false alarm of 100)."""

    def script(*hits):
        hits = list(hits)

        def validated(heads, rows, labels, *, clip):
            tp = hits.pop(0)
            if tp is None:
                return [EpochResult(0.5, ContingencyTable(tp=0, fn=0, fp=3, tn=4))]  # TSS is 0/0
            return [EpochResult(0.5, ContingencyTable(tp=tp, fn=100 - tp, fp=0, tn=100))]

        monkeypatch.setattr(fitting, "validate_together", validated)

    return script


def test_each_epoch_is_kept_by_default(fit, scripted):
    scripted(40, 48, 39, 48)
    run = fit()
    assert models(run) == [model_name(1, 0.4), model_name(2, 0.48), model_name(3, 0.39), model_name(4, 0.48)]
    assert models(run)[0] == "model.01_0.40.hdf5"
    assert run.model_path().name == "model.02_0.48.hdf5"  # the earliest of equals
    assert run.model_path(3).name == "model.03_0.39.hdf5"
    with pytest.raises(InputError, match="no model of epoch 9; there are models of epoch 1, 2, 3, 4"):
        run.model_path(9)


def test_only_the_best_is_kept(fit, scripted):
    scripted(40, 48, 39, 48)
    run = fit(saving=Saving("best"))
    assert models(run) == ["model.02_0.48.hdf5"]
    assert len(run.history()) == 4
    with pytest.raises(InputError, match="no model of epoch 1; there are models of epoch 2"):
        run.model_path(1)


def test_only_the_last_is_kept(fit, scripted):
    scripted(40, 48, 39, 47)
    run = fit(saving=Saving("last"))
    assert models(run) == ["model.04_0.47.hdf5"]
    assert run.model_path().name == "model.04_0.47.hdf5"


def test_an_unknown_way_of_saving_is_refused():
    with pytest.raises(InputError, match="--save all: expected one of each, best, last"):
        Saving("all")


def test_early_stopping_waits_for_so_many_epochs_without_a_better_one(fit, scripted):
    scripted(40, 48, 47, 48, 60, 60)
    run = fit(recipe=Recipe(epochs=6, patience=2, seed=1))
    assert [row["epoch"] for row in run.history()] == [1, 2, 3, 4]  # the best is 2; 3 and 4 are no better
    assert run.read()["finished"]


def test_early_stopping_holds_after_a_kill_and_gives_way_to_more_patience(fit, scripted):
    scripted(40, 48, 47, 46, 60, 45)
    assert len(fit(recipe=Recipe(epochs=6, patience=2, seed=1)).history()) == 4
    assert len(fit(recipe=Recipe(epochs=6, patience=2, seed=1)).history()) == 4
    assert len(fit(recipe=Recipe(epochs=6, patience=3, seed=1)).history()) == 6


def test_an_undefined_score_is_null_in_the_history_and_below_any_other(fit, scripted):
    scripted(None, 0, None, None)
    run = fit()
    rows = run.history()
    assert rows[0]["validation"]["tss"] is None
    assert rows[0]["validation"]["tpr"] is None
    assert rows[0]["model"] == "model.01_nan.hdf5"
    assert best_epoch(rows)["epoch"] == chosen_epoch(rows)["epoch"] == 2
    assert math.isnan(ContingencyTable(tp=0, fn=0, fp=3, tn=4).tss)


def one_class(data, folder, split, label):
    table = pd.read_csv(data[split])
    table[table["class"] == label].to_csv(folder / "one.csv", index=False)
    return folder / "one.csv"


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("which", ["each", "best", "last"])
def test_validation_rows_of_one_class_are_warned_of_and_no_epoch_is_the_best(fit, data, tmp_path, label, which):
    heard, table = Heard(), one_class(data, tmp_path, "validation", label)
    recipe = replace(RECIPE, patience=1)
    run = fit(validation=table, saving=Saving(which), recipe=recipe, reporter=heard)
    is_what = "an event" if label else "no event"
    assert f"each of the 8 validation rows is {is_what}: TSS is 0/0, no epoch is the best" in heard.warnings[0]
    assert len(run.history()) == 4  # patience waits for a TSS that is never there
    assert best_epoch(run.history()) is None
    assert run.model_path().name == "model.04_nan.hdf5"
    assert any("TSS 0/0" in text for text in heard.notes)
    assert not any("nan" in text for text in heard.notes)


def test_no_star_where_none_is_the_best(fit, data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(settings, "as_json", False)  # another test of this process may have asked for JSON
    run = fit(validation=one_class(data, tmp_path, "validation", 1), reporter=Reporter())
    show_history(run.history(), run.path)
    shown = capsys.readouterr().out
    assert "none is the best: the validation TSS is 0/0" in shown
    assert "*" not in shown
    assert "0/0" in shown


def test_training_rows_of_one_class_are_warned_of_where_weights_are_given(fit, data, tmp_path):
    heard = Heard()
    recipe = replace(RECIPE, class_weight=(1.0, 1.0))
    fit(train=one_class(data, tmp_path, "train", 0), recipe=recipe, reporter=heard)
    assert any("each of the 16 train rows is no event" in text for text in heard.warnings)


# ---- bad input ----


def test_regions_in_both_tables_are_named(fit, data, tmp_path):
    both = tmp_path / "both.csv"
    lines = data["validation"].read_text().splitlines()
    extra = [line for line in data["train"].read_text().splitlines() if line.startswith(("1122/", "1124/"))]
    both.write_text("\n".join([*lines, *extra]) + "\n")
    with pytest.raises(InputError, match=r"2 regions in both train and validation: 11122, 11124; .*--allow-overlap"):
        fit(validation=both)
    assert fit(validation=both, allow_overlap=True).read()["data"]["validation"]["images"] == 16 + 16


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only_is_told_before_anything_is_computed(fit, data, tmp_path, engine, label):
    table = pd.read_csv(data["train"])
    table[table["class"] == label].to_csv(tmp_path / "one.csv", index=False)
    with pytest.raises(InputError, match=r"one class only in the training set: each of its images \(16\)"):
        fit(train=tmp_path / "one.csv")
    assert engine.images == 0
    assert not (tmp_path / "run").exists()


def test_a_missing_image_folder_and_a_missing_image(fit, data, tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder; expected the image root \(--images\)"):
        fit(images=tmp_path / "nowhere")
    shutil.copytree(data["images"], tmp_path / "images")
    (tmp_path / "images" / pd.read_csv(data["train"])["filename"][3]).unlink()
    with pytest.raises(InputError, match=r"_033600_TAI.*\.png: no such image; check --images"):
        fit("other", images=tmp_path / "images")


def test_an_out_that_is_a_file(fit, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"):
        fit()


# ---- the frozen backbone ----


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_the_bytes_of_the_frozen_backbone_are_the_same_after_training(random_network_everywhere, tmp_path):
    """The true VGG16, with random filters."""
    data = write_set(tmp_path, regions={"train": [1121], "validation": [1131]}, images_a_region=2)
    arrays, before = random_network_everywhere.load(), random_network_everywhere.digest
    for engine_name in ("openvino", "torch"):
        run = train(
            train=data["train"],
            validation=data["validation"],
            images=data["images"],
            out=tmp_path / engine_name,
            backbone="random",
            recipe=Recipe(epochs=2),
            compute=Compute(engine=engine_name, precision="fp32", workers=0),
            reporter=Reporter(),
        )
        assert run.read()["store"]["engine"].startswith(engine_name)
        assert digest_of(arrays) == before == run.read()["store"]["digest"]
    assert load_classifier(run.model_path()).description.digest == before
