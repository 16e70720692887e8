"""Are an MLP, boosted trees, an ordinal head and a regression on flux trained, kept and used as the linear head is?"""

import json
import shutil
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from fakes import Heard, use_fake_network
from flarescope.backbones.registry import find
from flarescope.catalog.boucheron import read_table
from flarescope.cli import main
from flarescope.errors import InputError
from flarescope.features.history import History
from flarescope.forecaster.classifier import load_classifier, read_description
from flarescope.forecaster.event_models import load_event_models
from flarescope.forecaster.event_runs import EventRuns
from flarescope.heads.boosting import Boosted, fit_boosted
from flarescope.heads.head import HEADS, Recipe
from flarescope.heads.mlp import MlpState, first_state, parts_of, train_mlps
from flarescope.heads.stored import arrays_of, head_of, kind_of
from flarescope.magnetic.features import FEATURE_NAMES
from flarescope.magnetic.table import write_features_csv
from flarescope.pipeline.catalogues.listing import write_catalogue
from flarescope.pipeline.evaluating_events import evaluate_events
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.models import load
from flarescope.pipeline.predicted import Row, events_table
from flarescope.pipeline.sweep_grid import Grid
from flarescope.pipeline.training import train
from flarescope.pipeline.training_data import _tell_unscaled
from flarescope.pipeline.verifying import Verifying
from flarescope.regions.trees import CHOICES
from flarescope.several_events import label_column
from made_events import EVENTS, write_events_set

COMPUTE = Compute(engine="torch", precision="fp32", workers=0)
FEW = Verifying(replicates=0)
GENERATOR = np.random.default_rng(2)
X = GENERATOR.normal(1, 2, (400, 6)).astype(np.float32)
LABELS = (X[:, 0] * X[:, 1] > 2).astype(int)  # no linear head can tell
MLP = Recipe(head="mlp", hidden=8, batch=32, learning_rate=0.01, class_weight=(1.0, 2.0), seed=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_events_set(tmp_path_factory.mktemp("events"))


@pytest.fixture
def engine(monkeypatch):
    return use_fake_network(monkeypatch)


def trained(data, out, recipe, table=None, **options):
    table = table or data["table"]
    given = {"recipe": recipe, "backbone": "fake", "compute": COMPUTE} | options
    return train(train=table, validation=table, images=data["images"], out=out, **given)


def in_torch(state, x):
    kernel, bias, output, constant = (torch.tensor(part.copy()) for part in parts_of(state.theta, x.shape[1]))
    scaled = (torch.tensor(x) - torch.tensor(state.mean)) * torch.tensor(state.inverse)
    leaves = [one.requires_grad_() for one in (kernel, bias, output, constant)]
    return torch.relu(scaled @ kernel + bias) @ output + constant, leaves


def test_the_mlp_takes_the_steps_that_torch_takes():
    """Adam as Keras has it differs from torch's in where epsilon stands: what is compared is one step's gradient."""
    state = first_state(X, MLP)
    (after, _), *_ = train_mlps([state], X[:32], [LABELS[:32]], [MLP])
    logits, leaves = in_torch(state, X[:32])
    weights = torch.tensor(np.where(LABELS[:32] == 1, 2.0, 1.0))
    loss = (weights * torch.nn.functional.softplus(torch.tensor(1 - 2 * LABELS[:32]) * logits)).sum() / 32
    loss.backward()
    gradient = np.concatenate([leaf.grad.numpy().ravel() for leaf in leaves])
    np.testing.assert_allclose(after.first, gradient * (1 - MLP.beta_1), rtol=2e-3, atol=1e-6)


def test_the_mlp_learns_what_no_linear_head_can():
    state = first_state(X, MLP)
    for _ in range(60):
        ((state, result),) = train_mlps([state], X, [LABELS], [MLP])
    assert result.table.tss > 0.8
    assert ((state.head.probability(X) >= 0.5) == LABELS).mean() > 0.9


def test_mlps_that_are_trained_together_have_the_bytes_of_those_alone():
    other = (X[:, 2] > 0).astype(int)
    states = [first_state(X, MLP)] * 2
    together = train_mlps(states, X, [LABELS, other], [MLP, MLP])
    for (state, _), labels in zip(together, (LABELS, other), strict=True):
        ((alone, _),) = train_mlps(states[:1], X, [labels], [MLP])
        assert state.theta.tobytes() == alone.theta.tobytes()


def test_boosted_trees_are_those_of_scikit_learn():
    recipe = Recipe(head="boosting", seed=1, class_weight=(1.0, 2.0))
    x = np.round(8 * X) / 8  # so few values that weights do not matter to scikit-learn's bins
    assert max(len(np.unique(x[:, column])) for column in range(x.shape[1])) <= CHOICES["max_bins"]
    ours = fit_boosted(x, LABELS, recipe)
    leaf = max(5, min(CHOICES["min_samples_leaf"], len(LABELS) // 100))
    choices = CHOICES | {"min_samples_leaf": leaf, "early_stopping": False, "random_state": 1}
    theirs = HistGradientBoostingClassifier(**choices).fit(x.astype(float), LABELS, np.where(LABELS, 2.0, 1.0))
    np.testing.assert_allclose(ours.probability(x), theirs.predict_proba(x.astype(float))[:, 1], atol=1e-12)
    ours = fit_boosted(X, LABELS, Recipe(head="boosting", seed=1, class_weight=(1.0, 1.0)))
    theirs = HistGradientBoostingClassifier(**choices).fit(X.astype(float), LABELS)
    np.testing.assert_allclose(ours.probability(X), theirs.predict_proba(X.astype(float))[:, 1], atol=1e-12)
    with pytest.raises(InputError, match=r"--head boosting holds all features at once, 15 GiB .* at most 8 GiB"):
        fit_boosted(np.broadcast_to(np.zeros((1, 4000), np.float32), (500_000, 4000)), LABELS, recipe)


@pytest.mark.parametrize("kind", ["mlp", "boosting"])
def test_a_head_lies_in_a_file_as_plain_arrays_and_comes_back(kind):
    head = first_state(X, MLP).head if kind == "mlp" else fit_boosted(X, LABELS, Recipe(head="boosting"))
    again = head_of(kind, {name: array.astype(float) for name, array in arrays_of(head).items()})
    assert kind_of(again) == kind
    assert again.digest == head.digest
    np.testing.assert_array_equal(again.log_odds(X), head.log_odds(X))


def test_trees_that_lead_nowhere_are_refused():
    head = fit_boosted(X, LABELS, Recipe(head="boosting"))
    loop = head.upper.copy()
    split = int(np.flatnonzero(head.feature >= 0)[0])
    loop[split] = split  # a walk that never ends
    for changed in ({"upper": loop}, {"feature": head.feature + 100}, {"roots": head.roots + 1e9}):
        with pytest.raises(ValueError, match="trees that lead nowhere"):
            Boosted(**arrays_of(head) | changed).check()


@pytest.mark.parametrize("head", ["mlp", "boosting"])
def test_a_run_with_another_head_is_a_run(data, engine, tmp_path, head):
    recipe = {
        "mlp": Recipe(head="mlp", hidden=4, epochs=3, batch=8),
        "boosting": Recipe(head="boosting", seed=1),
    }[head]
    run = trained(data, tmp_path / "r", recipe, data["M1.0_24h"])
    assert run.read()["recipe"]["head"] == head
    assert len(run.history()) == recipe.last_epoch
    assert read_description(run.model_path()).head["kind"] == head
    again = trained(data, tmp_path / "again", recipe, data["M1.0_24h"])
    assert again.model_path().read_bytes() == run.model_path().read_bytes()
    assert trained(data, tmp_path / "r", recipe, data["M1.0_24h"]).history() == run.history()  # nothing is left to do
    words = ["--table", data["M1.0_24h"], "--images", data["images"], "--engine", "torch", "--precision", "fp32"]
    assert main(["evaluate", str(run.path), *map(str, words), "--replicates", "0", "--quiet"]) == 0
    assert main(["export", str(run.path), "--out", str(tmp_path / "x.onnx")]) == 2
    with h5py.File(run.model_path(), "r+") as file:
        name = "head/output" if head == "mlp" else "head/cut"
        file[name][0] += 1e-9 if head == "boosting" else 1.0
    with pytest.raises(InputError, match="damaged"):
        load_classifier(run.model_path(), backbone="fake")


def test_a_killed_run_of_an_mlp_goes_on_to_the_same_bytes(data, engine, tmp_path):
    recipe = Recipe(head="mlp", hidden=4, epochs=3, batch=8)
    whole = trained(data, tmp_path / "whole", recipe, data["M1.0_24h"])
    short = trained(data, tmp_path / "r", Recipe(head="mlp", hidden=4, epochs=1, batch=8), data["M1.0_24h"])
    assert isinstance(short.read_state(), MlpState)
    more = trained(data, tmp_path / "r", recipe, data["M1.0_24h"])
    assert more.model_path().read_bytes() == whole.model_path().read_bytes()
    shutil.copy(
        trained(data, tmp_path / "l", Recipe(epochs=1, batch=8), data["M1.0_24h"]).path / "state.npz", more.path
    )
    with pytest.raises(InputError, match=r"state\.npz is not of a head of this kind"):
        trained(data, tmp_path / "r", Recipe(head="mlp", hidden=4, epochs=4, batch=8), data["M1.0_24h"])


@pytest.mark.parametrize("head", ["ordinal", "regression"])
def test_a_joint_head_gives_each_event_a_linear_one_in_order(data, engine, tmp_path, head):
    several = EventRuns.open(trained(data, tmp_path / "r", Recipe(head=head, l2=10.0)).path)
    models = load_event_models(several.model, backbone="fake")
    kernels = {event.code: part.head.kernel for event, part in zip(models.events, models.parts, strict=True)}
    np.testing.assert_array_equal(kernels["C1.0/24"], kernels["M1.0/24"])  # one window, one head
    assert not np.array_equal(kernels["C1.0/24"], kernels["C1.0/48"])
    rows = GENERATOR.normal(0, 100, (50, 4096)).astype(np.float32)
    c24, m24 = (part.head.probability(rows) for part in models.parts[:2])
    assert (m24 <= c24).all()
    told = [part.description.distribution for part in models.parts]
    if head == "ordinal":
        assert told == [None, None, None]
        return
    assert told[0] == told[1]
    assert told[0]["limit_w_m2"] == pytest.approx(1e-6)
    # A decade of flux costs 1 / scale in the log odds.
    drop = models.parts[0].head.log_odds(rows) - models.parts[1].head.log_odds(rows)
    np.testing.assert_allclose(drop, 1 / told[0]["scale"], rtol=1e-3)
    assert json.loads((several.run(EVENTS[0]).path / "history.jsonl").read_text().splitlines()[0])["converged"] in (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "ordinal", "class_weight": (1.0, 2.0)}, "--class-weight: without meaning for --head ordinal"),
        ({"head": "boosting", "hidden": 8}, "--hidden: without meaning for --head boosting"),
        ({"head": "mlp", "l2": 0.1}, "--l2: without meaning for --head mlp"),
        ({"head": "mlp", "solver": "lbfgs"}, "--solver: without meaning for --head mlp"),
        ({"hidden": 8}, "--hidden: without meaning for --solver adam"),
        ({"head": "forest"}, "head forest is out of range"),
    ],
)
def test_choices_without_meaning_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        Recipe(**options)


def test_a_regression_needs_the_classes_of_the_flares(data, engine, tmp_path):
    table = read_table(data["C1.0_24h"]).assign(flare=None)
    write_catalogue(table, tmp_path / "t.parquet", EVENTS[0])
    with pytest.raises(InputError, match="flares of several strengths"):
        trained(data, tmp_path / "r", Recipe(head="regression"), tmp_path / "t.parquet")


def test_the_regression_is_scored_by_the_crps_of_its_distribution(data, engine, tmp_path):
    several = EventRuns.open(trained(data, tmp_path / "r", Recipe(head="regression", l2=10.0)).path)
    found = evaluate_events(several.path, table=data["table"], images=data["images"], compute=COMPUTE, verifying=FEW)
    flux = found.evaluations["C1.0/24"].to_json()["flux"]
    assert flux["rows"] == 16
    assert flux["skill"] == pytest.approx(1 - flux["crps"] / flux["crps_sample"])
    assert "flux" not in found.evaluations["M1.0/24"].to_json()  # its labels leave weaker flares out
    table = load(several.path).forecast(next((data["images"] / "1141").iterdir()), compute=COMPUTE)
    part = load_event_models(several.model, backbone="fake").parts[0]
    raw = table["raw_C1.0_24h"].iloc[0]
    median = 1e-6 * 10 ** (part.description.distribution["scale"] * np.log(raw / (1 - raw)))
    shown = table["median_flare_24h"].iloc[0]
    assert np.isnan(shown) if median < 1e-6 else shown == pytest.approx(median, rel=1e-4)


def test_a_median_is_where_it_is_of_a_forecast_that_rounds_to_one_too():
    events, told = EVENTS[:2], {"scale": 0.05, "limit_w_m2": 1e-6}
    described = [SimpleNamespace(event=one, distribution=told, calibration=None, threshold=0.5) for one in events]
    parts = [SimpleNamespace(description=one) for one in described]
    model = SimpleNamespace(events=events, parts=parts, probability=lambda raw: raw)
    places = pd.DataFrame({"filename": ["a.png"], "noaa_ar": pd.Series([11121], dtype="Int32")})
    places["time"] = pd.to_datetime(["2010-11-10T05:36"], utc=True).astype("datetime64[us, UTC]")
    row = Row((11121,), None, [60.0, 3.0], ())  # probabilities 1 - 9e-27 and .95
    table = events_table(model, places, [row], Heard())
    assert table["raw_C1.0_24h"].iloc[0] == 1.0
    assert table["median_flare_24h"].iloc[0] == pytest.approx(1e-6 * 10 ** (0.05 * 60.0))


def test_every_head_takes_the_29_magnetic_features(data, tmp_path):
    names = read_table(data["M1.0_24h"])["filename"]
    labels = read_table(data["M1.0_24h"])["label"].to_numpy()
    numbers = GENERATOR.normal(1e6, 2e5, (len(names), len(FEATURE_NAMES)))
    numbers[:, 3] += 3e5 * labels
    listed = pd.DataFrame(numbers, columns=list(FEATURE_NAMES)).assign(label=labels, flare=None, filename=names)
    write_features_csv(listed, tmp_path / "features.csv")
    table = data["M1.0_24h"]
    words = ["sweep", "--train", table, "--validation", table, "--images", data["images"], "--out", tmp_path / "sweep"]
    words += ["--backbone", f"table:{tmp_path / 'features.csv'}", "--epochs", "4", "--batch", "8", "--quiet"]
    heads = ["--head", "mlp", "--head", "boosting", "--head", "linear", "--solver", "lbfgs", "--hidden", "4"]
    assert main([*map(str, words), *heads]) == 0
    found = json.loads((tmp_path / "sweep/sweep.json").read_text())
    assert {one["solver"] for one in found["combinations"]} == {"mlp 4", "boosting", "lbfgs"}
    assert found["best"]["solver"] in {"mlp 4", "boosting", "lbfgs"}
    assert all(one["failure"] is None for one in found["runs"])
    run = next(path for path in (tmp_path / "sweep").iterdir() if path.name.startswith("boosting"))
    given = ["--table", table, "--images", data["images"], "--replicates", "0", "--quiet"]
    assert main(["evaluate", str(run), *map(str, given)]) == 0
    assert main(["predict", str(run), str(next((data["images"] / "1141").iterdir()))]) == 2  # features made elsewhere


@pytest.mark.parametrize(
    ("size", "recipe", "warned"),
    [
        (1e5, Recipe(), True),
        (1.0, Recipe(), False),
        (1e5, Recipe(learning_rate=1e-5), False),
        (1e5, Recipe(solver="lbfgs"), False),
        (1e5, Recipe(head="mlp"), False),
    ],
)
def test_large_features_that_adam_would_take_as_they_are_are_told(tmp_path, size, recipe, warned):
    np.save(tmp_path / "f.npy", np.full((3, 2), size))
    (tmp_path / "f.txt").write_text("a\nb\nc\n")
    heard = Heard()
    _tell_unscaled(find(f"table:{tmp_path / 'f.npy'}"), [recipe], heard)
    assert any("moves the log odds by some 200" in text for text in heard.warnings) == warned


@pytest.fixture
def numbers_table(data, tmp_path):
    """Made numbers in the place of features, of which two tell C1.0 and M1.0 within 24 h: `--backbone` names them."""
    listed = read_table(data["table"])
    numbers = GENERATOR.normal(0, 1, (len(listed), len(FEATURE_NAMES)))
    for place, event in enumerate(EVENTS[:2]):
        numbers[:, place] += 2 * listed[label_column(event)]
    made = pd.DataFrame(numbers, columns=list(FEATURE_NAMES)).assign(label=0, flare=None, filename=listed["filename"])
    write_features_csv(made, tmp_path / "features.csv")
    return f"table:{tmp_path / 'features.csv'}"


@pytest.mark.slow
def test_a_sweep_compares_all_heads_with_and_without_a_past_on_several_events(data, numbers_table, tmp_path, capsys):
    given = ["--train", data["table"], "--validation", data["table"], "--images", data["images"]]
    given += ["--features", tmp_path / "stores", "--backbone", numbers_table]
    given += [word for event in EVENTS[:2] for word in ("--event", event.code)]
    small = ["--epochs", 2, "--batch", 8, "--hidden", 3]
    heads = [word for head in HEADS for word in ("--head", head)]
    past = ["--history", "none", "--history", "2,4", "--tolerance", 0.5]
    words = ["sweep", *given, *small, *heads, *past, "--history-form", "stack", "--history-form", "difference"]
    assert main([*map(str, [*words, "--out", tmp_path / "sweep"])]) == 0
    shown = capsys.readouterr()
    assert "* best by mean validation TSS over seeds, and over the 2 events" in shown.out
    assert [line.split(":")[0] for line in shown.err.splitlines() if line.startswith("best of")] == [
        f"best of {event.code} alone" for event in EVENTS[:2]
    ]
    found = json.loads((tmp_path / "sweep/sweep.json").read_text())
    heads_of = {
        past: {one["solver"].split()[0] for one in found["combinations"] if one["history"] == past}
        for past in (None, "2,4", "2,4 difference")
    }
    plain = {"adam", "ordinal", "regression", "mlp", "boosting"}
    assert heads_of == {None: plain, "2,4": plain | {"gru", "attention"}, "2,4 difference": plain}
    assert all(one["failure"] is None for one in found["runs"])
    for row in found["runs"]:
        assert row["tss"] == pytest.approx(np.mean([one["tss"] for one in row["events"].values()]))
    assert max(one["tss"]["mean"] for one in found["combinations"]) == next(
        one["tss"]["mean"]
        for one in found["combinations"]
        if {name: one[name] for name in found["best"]} == found["best"]
    )
    alone = {"ordinal_l2-0.0001": ["--head", "ordinal"]}
    alone["h2-4_gru3_lr0.001_wref_seed0"] = ["--head", "gru", "--hidden", 3]
    for name, own in alone.items():
        learning = ["--history", "2,4", "--tolerance", 0.5, "--epochs", 2, "--batch", 8] if "gru" in name else []
        assert main([*map(str, ["train", *given, *own, *learning, "--out", tmp_path / name, "--quiet"])]) == 0
        assert (tmp_path / name / "model.hdf5").read_bytes() == (tmp_path / "sweep" / name / "model.hdf5").read_bytes()


def test_what_a_sweep_cannot_do_is_told():
    with pytest.raises(InputError, match="--head forest: expected one of linear, ordinal"):
        Grid(heads=("forest",))
    with pytest.raises(InputError, match="--hidden: without meaning without --head mlp"):
        Grid(hidden=(8, 16))
    with pytest.raises(InputError, match="--class-weight: without meaning without --solver adam"):
        Grid(heads=("ordinal",), class_weights=((1.0, 2.0),))
    with pytest.raises(InputError, match="--head gru looks at earlier images too: give --history"):
        Grid(heads=("gru",), histories=(None, History((6,), 1, "difference")))
    assert len(Grid(heads=("linear", "mlp"), hidden=(8, 16), seeds=(0, 1)).recipes(Recipe())) == 2 + 4
