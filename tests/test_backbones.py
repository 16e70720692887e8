"""Does every network that has a name go the whole way: found, rendered for, cached, trained on, evaluated, forecast?"""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import flarescope
from fakes import draw_blank, write_set
from flarescope.backbones import registry
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.cli import main
from flarescope.engines import openvino_graphs
from flarescope.engines.base import EngineChoice
from flarescope.engines.choose import choose
from flarescope.engines.start import start
from flarescope.errors import InputError
from flarescope.features.shards import write_shard
from flarescope.features.store import VERSION, FeatureStore
from flarescope.features.store_key import StoreKey
from flarescope.files import write_json
from flarescope.forecaster.runs import RunFolder
from flarescope.images.reading import Fingerprint
from flarescope.images.render import PixelForm, Rendering, render_png
from flarescope.images.resize import resize_field
from flarescope.pipeline.models import load

LITE = "efficientnet-lite1:random:3"


@pytest.mark.parametrize(
    ("spec", "name", "family"),
    [
        ("random", "vgg16", "random:0"),
        ("random:7", "vgg16", "random:7"),
        ("vgg16:random", "vgg16", "random:0"),
        ("efficientnet-lite0:random", "efficientnet-lite0", "random:0"),
        ("efficientnet-lite2:random:5", "efficientnet-lite2", "random:5"),
    ],
)
def test_a_name_is_a_network_and_its_filters(spec, name, family, monkeypatch):
    drawn = lambda seed: Weights(f"random:{seed}", "sha256:0", dict, VGG16)  # noqa: E731 - VGG16's take seconds
    monkeypatch.setattr("flarescope.backbones.weights.random_weights", drawn)
    found = registry.find(spec)
    assert (found.backbone.name, found.family, found.is_random) == (name, family, True)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("efficientnet-lite-0", "did you mean efficientnet-lite0"),
        ("VGG19", "did you mean vgg16"),
        ("resnet", "expected one of vgg16, efficientnet-lite0"),
        ("random:x", "the seed is 'x'; expected a number"),
        ("efficientnet-lite0:7", "expected efficientnet-lite0, or efficientnet-lite0:random:SEED"),
    ],
)
def test_a_name_that_is_none_is_refused_in_one_line_with_the_nearest(spec, said):
    with pytest.raises(InputError, match=said) as refused:
        registry.find(spec)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_the_command_lists_every_network_with_what_its_weights_are(capsys):
    assert main(["backbones", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert list(found) == ["vgg16", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]
    assert (found["vgg16"]["features"], found["vgg16"]["weights"]["bytes"]) == (4096, 553_467_096)
    assert (found["efficientnet-lite2"]["pixels"], found["efficientnet-lite2"]["features"]) == (260, 1280)
    assert all(one["weights"]["licence"] and one["weights"]["digest"] and one["paper"] for one in found.values())
    assert not found["vgg16"]["weights"]["at_hand"]  # the tests' cache is empty
    assert main(["backbones"]) == 0
    assert "flarescope weights fetch" in capsys.readouterr().out


def test_an_engine_runs_what_it_can_run_and_a_precision_is_taken_where_the_network_bears_it():
    lite = registry.find(LITE).backbone
    chosen = choose(runs=lite.engines, precisions=lite.precisions)
    assert chosen.engine != "winograd"
    assert chosen.precision == "fp32"
    with pytest.raises(InputError, match="--engine winograd: it does not run this network; expected auto or openvino"):
        choose("winograd", runs=lite.engines)


def test_other_sizes_are_rendered_smoothly_and_the_recipe_by_the_nearest_neighbour():
    png = np.random.default_rng(0).integers(0, 256, (300, 224)).astype(np.uint8)
    ours = render_png(png, PixelForm(240, "smooth"))
    assert ours.shape == (1, 240, 240)
    assert np.allclose(ours[0], resize_field(png.astype(float), 240), atol=1e-4)
    same = np.random.default_rng(0).integers(0, 256, (240, 240)).astype(np.uint8)
    assert (render_png(same, PixelForm(240, "smooth"))[0] == same).all()
    colour = render_png(np.repeat(png[..., None], 3, axis=2), PixelForm(260, "smooth"))
    assert colour.shape == (3, 260, 260)
    assert set(np.unique(render_png(png))) <= set(np.unique(png))  # the nearest neighbour makes no new values


@pytest.mark.parametrize(
    ("file", "form", "said"),
    [
        ("a.png", PixelForm(), "reference-png"),
        ("a.fits", PixelForm(), "reference-fits+nan-zero"),
        ("a.png", PixelForm(240, "smooth"), "smooth-png-240"),
        ("a.fits", PixelForm(260, "smooth"), "reference-fits-260+nan-zero"),
    ],
)
def test_a_renderings_id_tells_its_size_and_is_read_back(file, form, said):
    rendering = Rendering.for_file(file, "zero", form)
    assert rendering.id == said
    again = Rendering.from_id(said)
    assert (again.name, again.size, again.id) == (rendering.name, form.size, said)


@pytest.mark.slow
def test_another_network_goes_the_whole_way(tmp_path, capsys):
    """Trained, evaluated with features from the store, forecast: lite1, whose input and width are not VGG16's."""
    paths = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1123]})
    tables = ["--train", str(paths["train"]), "--validation", str(paths["validation"])]
    common = ["--images", str(paths["images"]), "--engine", "torch", "--quiet"]
    run = tmp_path / "runs" / "lite"
    assert (
        main(["train", *tables, *common, "--out", str(run), "--backbone", LITE, "--epochs", "2", "--batch", "8"]) == 0
    )
    assert "filters are random (random:3)" in capsys.readouterr().err
    described = RunFolder(run).read()
    assert described["store"]["network"] == "efficientnet-lite1"
    assert described["store"]["features"] == 1280
    assert described["store"]["rendering"] == "smooth-png-240"
    (store,) = (tmp_path / "runs" / "features").iterdir()
    assert store.name.startswith("efficientnet-lite1-random-3-")
    model = load(run)
    assert model.classifier.description.network == "efficientnet-lite1"
    assert model.classifier.head.kernel.shape == (1280, 2)
    evaluated = ["evaluate", str(run), "--table", str(paths["validation"]), "--split", "validation", *common]
    assert main([*evaluated, "--out", str(tmp_path / "again")]) == 0
    capsys.readouterr()
    kept = pd.read_parquet(RunFolder(tmp_path / "again").forecasts("validation"))
    assert main(["predict", str(run), str(paths["images"]), "--engine", "torch", "--json", "--quiet"]) == 0
    forecast = pd.DataFrame(json.loads(capsys.readouterr().out))
    name = forecast["filename"].str.split("/").str[-2:].str.join("/")
    probability = kept["filename"].map(dict(zip(name, forecast["probability"], strict=True)))
    assert np.allclose(probability, kept["probability"], atol=1e-6)


def test_a_head_of_another_networks_width_is_refused(tmp_path, monkeypatch):
    paths = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1123]})
    tables = ["--train", str(paths["train"]), "--validation", str(paths["validation"])]
    fake = Weights("fake", "sha256:" + "0" * 64, dict, registry.find(LITE).backbone)
    for module in ("flarescope.pipeline.training_data", "flarescope.backbones.registry"):
        monkeypatch.setattr(f"{module}.find", lambda spec: fake)
    monkeypatch.setattr("flarescope.engines.start.make", lambda choice, weights: _Constant(1280))
    command = ["train", *tables, "--images", str(paths["images"]), "--out", str(tmp_path / "run"), "--quiet"]
    assert main([*command, "--backbone", "x", "--engine", "torch", "--epochs", "1"]) == 0
    monkeypatch.setattr(registry, "find", lambda spec: Weights("fake", fake.digest, dict, VGG16))
    with pytest.raises(InputError, match="its head has 1,280 features; vgg16 gives 4,096"):
        load(tmp_path / "run")


class _Constant:
    """Gives the same features for every image."""

    def __init__(self, width):
        self.width = width

    def stream(self, batches):
        for batch in batches:
            yield np.ones((len(batch), self.width), np.float32)


def test_a_store_of_before_is_vgg16s(tmp_path):
    """Stores that were begun when there was one network do not say its name."""
    key = StoreKey("random:0", "sha256:" + "1" * 64, "reference-png", "torch-cpu-fp32", 4)
    folder = FeatureStore(tmp_path, key).folder
    write_shard(folder, ["a.png"], [Fingerprint(1, 2, 3, "00")], np.ones((1, 4096), np.float32))
    header = {name: value for name, value in asdict(key).items() if name != "network"}
    write_json(folder / "store.json", {"version": VERSION, **header})
    assert len(FeatureStore(tmp_path, key)) == 1
    other = {**header, "network": "efficientnet-lite0", "version": VERSION}
    write_json(folder / "store.json", other)
    with pytest.raises(InputError, match="holds features of another kind"):
        FeatureStore(tmp_path, key)


@pytest.mark.slow
def test_a_converted_graph_is_kept_and_a_damaged_one_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    drawn = registry.find("efficientnet-lite0:random:1")
    weights = Weights("imagenet", drawn.digest, drawn.load, drawn.backbone)  # random ones are not kept
    made = []
    import flarescope.engines.openvino_convert as converting

    real = converting.to_openvino
    monkeypatch.setattr(converting, "to_openvino", lambda *given: made.append(given[1:]) or real(*given))
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 1, 224, 224)).astype(np.float32)
    choice = EngineChoice("openvino", "cpu", "fp32", batch=4)
    first = np.concatenate(list(start(choice, weights).stream([pixels, pixels[:1]])))
    second = np.concatenate(list(start(choice, weights).stream([pixels, pixels[:1]])))
    assert made == [(224, 1)]
    assert (first == second).all()
    torch = np.concatenate(list(start(EngineChoice("torch", "cpu", "fp32", 4), weights).stream([pixels])))
    assert np.linalg.norm(first[:3] - torch) / np.linalg.norm(torch) < 1e-4
    graph = openvino_graphs.cached_graph(weights, 1) / "graph.xml"
    graph.write_text("no graph")
    third = np.concatenate(list(start(choice, weights).stream([pixels, pixels[:1]])))
    assert made == [(224, 1)] * 2
    assert (first == third).all()
    assert [path.name for path in graph.parent.parent.iterdir()] == [graph.parent.name]


def test_a_module_of_ones_own_goes_the_whole_way(tmp_path):
    """Grey images for a module of three channels; its features are the means of 28 x 28 blocks, as NumPy has them."""
    paths = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1123]})
    pooled = torch.nn.Sequential(torch.nn.AvgPool2d(28), torch.nn.Flatten())
    own = flarescope.Backbone(pooled, name="means", preprocess=lambda pixels: pixels / 255)
    assert (own.backbone.features, own.backbone.name) == (192, "module-means")
    common = {"images": paths["images"], "reporter": flarescope.Reporter()}
    run = flarescope.train(
        train=paths["train"], validation=paths["validation"], out=tmp_path / "run", backbone=own, **common
    )
    flarescope.calibrate(run.path, reporter=flarescope.Reporter())
    with pytest.raises(InputError, match=r"module:means is a module of a Python program; from there, give it: load"):
        flarescope.load(run.path).forecast(next(paths["images"].glob("*/*.png")))
    found = flarescope.load(run.path, backbone=own)
    image = next(paths["images"].glob("*/*.png"))
    shown = resize_field(np.asarray(Image.open(image), float), 224)
    block = shown.reshape(8, 28, 8, 28).mean(axis=(1, 3)) / 255
    head = found.classifier.head
    expected = head.probability(np.tile(block.reshape(1, -1), 3).astype(np.float32))
    assert found.forecast(image)["probability_raw"].item() == pytest.approx(expected[0], abs=1e-6)
    flarescope.evaluate(run.path, table=paths["validation"], backbone=own, split="validation", **common)
    with pytest.raises(InputError, match="trained on the backbone module:means"):
        flarescope.load(run.path, backbone=flarescope.Backbone(pooled, name="means", channels=1))


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        (torch.nn.Flatten(), {"name": "a/b"}, "name 'a/b'; expected up to 60 letters"),
        (torch.nn.Flatten(), {"name": "n", "channels": 4}, "channels 4; expected 1 to 4096 pixels, 1 or 3 channels"),
        (torch.nn.AvgPool2d(2), {"name": "n"}, r"it gives \(2, 3, 112, 112\) for 2 images; expected \(2, F\)"),
        (torch.nn.Linear(3, 4), {"name": "n"}, "it fails on images of 224 x 224 pixels"),
    ],
)
def test_a_module_that_cannot_be_a_backbone_is_refused_in_one_line(module, options, said):
    with pytest.raises(InputError, match=said) as refused:
        flarescope.Backbone(module, **options)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_module_is_copied_and_its_weights_tell_it_apart():
    layer = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, 2))
    first = flarescope.Backbone(layer, name="n", size=64)
    pixels = np.ones((1, 1, 64, 64), np.float32)
    engine = start(EngineChoice("torch", "cpu", "fp32", 2), first)
    before = next(iter(engine.stream([pixels])))
    with torch.no_grad():
        layer[2].weight += 1
    assert layer[2].weight.requires_grad
    assert (next(iter(start(EngineChoice("torch", "cpu", "fp32", 2), first).stream([pixels]))) == before).all()
    assert flarescope.Backbone(layer, name="n", size=64).digest != first.digest


def test_a_module_runs_in_openvino_too_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path))
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Flatten())
    own = flarescope.Backbone(layer, name="n", size=32, preprocess=lambda pixels: pixels / 255)
    assert flarescope.Compute().choose(own.backbone).engine == "torch"
    assert flarescope.Compute(engine="openvino").choose(own.backbone).engine == "openvino"
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 1, 32, 32)).astype(np.float32)
    by = {
        name: next(iter(start(EngineChoice(name, "cpu", "fp32", 4), own).stream([pixels])))
        for name in ("torch", "openvino")
    }
    assert by["torch"] == pytest.approx(by["openvino"], abs=1e-5)
    assert not (tmp_path / "openvino").exists()


def test_hf_is_a_name_too(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "hf_weights", lambda name: name)
    assert registry.find("hf:some/folder:x") == "some/folder:x"


@pytest.mark.parametrize("form", ["parquet", "npy"])
def test_features_made_elsewhere_go_the_whole_way(tmp_path, monkeypatch, form):
    """As the fake network's features from its own store, in any order and with other images between."""
    draw_blank(monkeypatch)
    paths = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1123]})
    names = sorted(path.relative_to(paths["images"]).as_posix() for path in paths["images"].glob("*/*.png"))[::-1]
    matrix = np.random.default_rng(0).normal(size=(len(names) + 1, 5)).astype(np.float32)
    file = tmp_path / f"made.{form}"
    if form == "npy":
        np.save(file, matrix)
        file.with_suffix(".txt").write_text("\n".join(["other.png", *names]) + "\n")
    else:
        columns = pd.DataFrame(matrix, columns=[f"f{i}" for i in range(5)])
        columns.assign(filename=["other.png", *names]).to_parquet(file)
    common = {"images": paths["images"], "reporter": flarescope.Reporter()}
    run = flarescope.train(
        train=paths["train"], validation=paths["validation"], out=tmp_path / "run", backbone=f"table:{file}", **common
    )
    assert run.read()["backbone"] == f"table:{file.resolve()}"
    head = flarescope.load(run.path).classifier.head
    found = flarescope.evaluate(run.path, table=paths["validation"], split="validation", **common)
    expected = dict(zip(names, head.probability(matrix[1:]), strict=True))
    assert found.forecasts["probability"].tolist() == pytest.approx(
        [expected[name] for name in found.forecasts["filename"]], abs=1e-9
    )
    assert run.read()["store"]["rendering"] == found.evaluated["store"]["rendering"] == "given"
    flarescope.evaluate(run.path, table=paths["validation"], split="test", allow_overlap=True, **common)
    card = flarescope.report(run.path, reporter=flarescope.Reporter()).card
    assert "flarescope predict" not in card.read_text()  # the command line has not got the network
    with pytest.raises(InputError, match="these features were made elsewhere, so that new images cannot be forecast"):
        flarescope.load(run.path).forecast(paths["images"] / names[0])


def _table(**columns):
    return lambda path: pd.DataFrame(columns).to_parquet(path)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, "no such file; expected Parquet, .csv, or .npy"),
        (lambda path: path.write_text("no"), "cannot be read as Parquet"),
        (_table(name=["a"], x=[1.0]), "no column filename"),
        (_table(filename=["a"]), "no column of numbers beside filename"),
        (_table(filename=["a"], x=["b"]), "column 'x' is .*; expected numbers"),
        (_table(filename=["a", "a"], x=[1.0, 2.0]), "stands there twice"),
        (_table(filename=["a", None], x=[1.0, 2.0]), "a file name that is missing"),
        (_table(filename=["a", "b"], x=[1.0, np.inf]), "not finite, the first of b"),
    ],
)
def test_a_table_of_features_that_is_none_is_refused_in_one_line(tmp_path, write, said):
    path = tmp_path / "t.parquet"
    write(path)
    with pytest.raises(InputError, match=said) as refused:
        registry.find(f"table:{path}")
    assert "\n" not in str(refused.value)


def test_an_image_that_a_table_of_features_lacks_is_named(tmp_path):
    paths = write_set(tmp_path, regions={"train": [1121], "validation": [1123]})
    pd.DataFrame({"filename": ["a.png"], "x": [1.0]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"no features of 1121/.*more\); one table has to hold all images"):
        flarescope.train(
            train=paths["train"],
            validation=paths["validation"],
            images=paths["images"],
            out=tmp_path / "run",
            backbone=f"table:{tmp_path / 't.parquet'}",
            reporter=flarescope.Reporter(),
        )
