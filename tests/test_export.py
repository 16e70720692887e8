"""Is an exported file the model it came from, in other programs and for any number of images, and does it say so?"""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from safetensors import safe_open

import flarescope
from fakes import use_fake_network
from flarescope.backbones import efficientnet_lite_torch, efficientnet_lite_weights, vgg16, vgg16_torch
from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.weights import random_weights
from flarescope.cli import main
from flarescope.explaining.sanity import randomised
from flarescope.exporting.calibrated import Calibrated
from flarescope.exporting.module import FromGauss, FromPixels, forecast_module
from flarescope.forecaster.as_torch import LogOdds
from flarescope.forecaster.classifier import Classifier, Description
from flarescope.forecaster.event_models import EventModels
from flarescope.heads.boosting import Boosted
from flarescope.heads.head import Head
from flarescope.heads.mlp import Mlp
from flarescope.images.render import PixelForm, Rendering, render, render_disk, render_field
from flarescope.pipeline.exporting import stage
from flarescope.pipeline.exporting.made_images import made_fields, made_pixels
from flarescope.pipeline.model_parts import ModelParts
from flarescope.scores.calibration import Isotonic, Platt, Temperature
from flarescope.scores.decision import Decision
from flarescope.several_events import event_of_code, implications, ordered

pytestmark = pytest.mark.xdist_group("exporting")
ISOTONIC = Isotonic((0.01, 0.2, 0.2, 0.7, 0.95), (0.0, 0.1, 0.15, 0.4, 1.0))
CALIBRATIONS = [None, Temperature(2.5), Platt(0.7, -1.2), ISOTONIC]


@pytest.fixture
def run(fake_run, monkeypatch):
    """A run by the fake network, whose features are pixels."""
    place, data = fake_run
    use_fake_network(monkeypatch)
    return place / "runs/r", sorted(data["images"].glob("1141/*.png"))


def onnx_of(path):
    """Open a file; give what forecasts a batch."""
    session = onnxruntime.InferenceSession(str(path))
    return lambda batch: session.run(["probability"], {"pixels": batch})[0]


def openvino_of(path):
    """Open a file; give what forecasts a batch."""
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: np.array(compiled({"pixels": batch})["probability"])


# ---- calibration and order in a graph ----


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_a_graph_calibrates_as_the_model_does(calibration):
    decision = Decision(0.5, calibration)
    module = Calibrated([decision], np.ones((1, 1), bool))
    log_odds = np.concatenate([np.linspace(-60, 60, 241), np.random.default_rng(0).normal(0, 2, 300)]).astype("f4")
    found = module(torch.from_numpy(log_odds)[:, None]).numpy()[:, 0]
    raw = 1 / (1 + np.exp(-log_odds.astype(float)))
    jump = np.abs(raw - 0.2) < 1e-6  # two points at one probability: either value stands there
    np.testing.assert_allclose(found[~jump], decision.probability(raw)[~jump], atol=1e-7)


def test_a_graph_keeps_several_events_in_order():
    implies = implications([event_of_code(code) for code in ("C1.0/24", "M1.0/24", "M1.0/48", "X1.0/24")])
    log_odds = np.random.default_rng(1).normal(0, 2, (200, 4)).astype(np.float32)
    found = Calibrated([Decision(0.5, CALIBRATIONS[place]) for place in range(4)], implies)(torch.from_numpy(log_odds))
    raw = 1 / (1 + np.exp(-log_odds.astype(float)))
    each = [Decision(0.5, one).probability(raw[:, place]) for place, one in enumerate(CALIBRATIONS)]
    np.testing.assert_allclose(found.numpy(), ordered(np.stack(each, 1), implies), atol=1e-6)
    assert (found[:, 3] <= found[:, 1] + 1e-7).all()


# ---- gauss within ----


class Few(torch.nn.Module):
    """Sixteen means of the pixels."""

    def forward(self, pixels):
        return torch.nn.functional.adaptive_avg_pool2d(pixels.mean(1, keepdim=True), 4).flatten(1) / 255


def few(calibration=None, *, rendering="reference-fits", event=None, seed=0) -> Classifier:
    """A model of sixteen means with a random head, whose probabilities are neither 0 nor 1."""
    backbone = flarescope.Backbone(Few(), name="few", size=32)
    generator = np.random.default_rng(seed)
    head = Head(generator.normal(0, 1, (16, 2)).astype("f4"), np.zeros(2, np.float32))
    said = None if calibration is None else calibration.to_json()
    described = Description("module:few", "module:few", backbone.digest, rendering, calibration=said, event=event)
    return Classifier(head, described, backbone)


@pytest.mark.parametrize("shape", [(40, 60), (32, 32), (25, 90)])
@pytest.mark.parametrize("name", ["reference-fits-32", "disk-fits-32", "reference-fits-32+nan-zero"])
def test_fields_are_rendered_within_as_images_are(shape, name):
    model, rendering = few(rendering=name), Rendering.from_id(name)
    module = forecast_module([model], np.ones((1, 1), bool), shape=shape)
    fields = np.random.default_rng(0).normal(0, 300, (3, *shape)).astype(np.float32)
    render = render_disk if rendering.of_disk else render_field
    pixels = np.stack([render(field.astype(float), 32) for field in fields])
    with torch.inference_mode():
        features = model.weights.backbone.build({})(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(
        module(torch.from_numpy(fields)).numpy()[:, 0], model.head.probability(features), atol=1e-6
    )


def test_a_field_that_could_not_be_forecast_gives_nan_and_the_others_do_not():
    fields = made_fields((40, 60))[:4].copy()
    fields[1, 3, 4], fields[2, 0, 0], fields[3, 1, 1] = np.nan, 2e4, -np.inf
    strict = forecast_module([few(rendering="reference-fits-32")], np.ones((1, 1), bool), shape=(40, 60))
    zero = forecast_module([few(rendering="reference-fits-32+nan-zero")], np.ones((1, 1), bool), shape=(40, 60))
    assert np.isnan(strict(torch.from_numpy(fields)).numpy()[:, 0]).tolist() == [False, True, True, True]
    assert np.isnan(zero(torch.from_numpy(fields)).numpy()[:, 0]).tolist() == [False, False, True, True]


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_nan_passes_through_other_programs(to, tmp_path):
    found = ModelParts((few(rendering="reference-fits-32"),), tmp_path / "m")
    module = forecast_module(found.parts, found.implies, shape=(40, 60))
    path = tmp_path / f"m{stage.ENDINGS[to][0]}"
    said = {"flarescope": "0", "events": [{"code": "event"}]}
    made = stage._graph(to, found, module, made_fields((40, 60)), path, source="field_gauss", said=said)
    assert made.difference < 1e-6
    fields = made_fields((40, 60))[:2].copy()
    fields[0, 5, 5] = np.nan
    run = stage.run_onnx if to == "onnx" else stage.run_openvino
    values = run(path, fields)[:, 0]
    assert np.isnan(values[0])
    assert values[1] == pytest.approx(module(torch.from_numpy(fields))[1, 0].item(), abs=1e-6)


# ---- files ----


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_a_run_goes_out_and_forecasts_the_same(to, run, tmp_path):
    folder, images = run
    path = tmp_path / f"model{stage.ENDINGS[to][0]}"
    made = flarescope.export(folder, to=to, out=path)
    assert made.difference < 1e-6
    assert sorted(tmp_path.iterdir()) == sorted(made.files)
    rendered = [render(image, Rendering.for_file(image.name, form=PixelForm())).pixels for image in images[:3]]
    pixels = np.stack(rendered).astype(np.float32)
    expected = flarescope.predict(folder, images[:3]).forecasts["probability"].to_numpy()
    forecast = (onnx_of if to == "onnx" else openvino_of)(path)
    for number in (1, 3):
        values = forecast(pixels[:number])
        assert values.shape == (number, 1)
        np.testing.assert_allclose(values[:, 0], expected[:number], atol=1e-5)


def test_a_file_says_what_it_is(run, tmp_path):
    folder, _ = run
    flarescope.export(folder, to="onnx", out=tmp_path / "model.onnx")
    flarescope.export(folder, to="openvino", out=tmp_path / "model.xml")
    flarescope.export(folder, to="state-dict", out=tmp_path / "model.safetensors")
    model = flarescope.load(folder).classifier
    props = {one.key: one.value for one in onnx.load(tmp_path / "model.onnx").metadata_props}
    in_onnx = json.loads(props["flarescope"])
    in_openvino = json.loads(openvino.Core().read_model(tmp_path / "model.xml").get_rt_info("flarescope").value)
    with safe_open(tmp_path / "model.safetensors", framework="np") as file:
        in_arrays = json.loads(file.metadata()["flarescope"])
        kernel, bias = model.head.kernel, model.head.bias
        np.testing.assert_array_equal(file.get_tensor("head.weight")[0], kernel[:, 1] - kernel[:, 0])
        np.testing.assert_array_equal(file.get_tensor("head.bias"), bias[1:] - bias[:1])
    assert in_onnx.pop("opset") == 17
    assert in_onnx == in_openvino == in_arrays
    assert in_onnx["events"][0]["head_digest"] == model.head.digest
    assert in_onnx["backbone"]["digest"] == model.weights.digest
    assert in_onnx["training"]["regions"] == model.description.regions
    assert in_onnx["training"]["recipe"]["epochs"] == 3
    assert in_onnx["input"]["shape"] == ["N", 1, 224, 224]


def test_all_events_calibrated_come_out_of_one_file(tmp_path):
    events = [event_of_code(code) for code in ("C1.0/24", "M1.0/24")]
    parts = tuple(few(Platt(0.8, -place), event=event, seed=place) for place, event in enumerate(events))
    found = ModelParts(parts, tmp_path / "m", None, EventModels(parts))
    module = forecast_module(parts, found.implies)
    said = {"flarescope": "0", "events": [{"code": event.code} for event in events]}
    made = stage._graph("onnx", found, module, made_pixels(32), tmp_path / "m.onnx", source="pixels", said=said)
    assert made.difference < 1e-6
    values = onnx_of(tmp_path / "m.onnx")(made_pixels(32))
    assert values.shape == (12, 2)
    assert (values[:, 1] <= values[:, 0] + 1e-7).all()


def test_a_file_that_forecasts_otherwise_is_not_written(tmp_path):
    found = ModelParts((few(),), tmp_path / "m")
    other = ModelParts((few(seed=5),), tmp_path / "m")
    module = forecast_module(other.parts, other.implies)
    said = {"flarescope": "0", "events": [{"code": "event"}]}
    with pytest.raises(flarescope.FlarescopeError, match="not written: its probabilities differ"):
        stage._graph("onnx", found, module, made_pixels(32), tmp_path / "m.onnx", source="pixels", said=said)
    assert list(tmp_path.iterdir()) == []


def assert_graphs_agree(backbone: torch.nn.Module, size: int, features: int, tmp_path, calibration=None):
    """Compare ONNX and OpenVINO with torch on batches of one and three, with probabilities about 1/2."""
    with torch.inference_mode():
        seen = backbone(torch.from_numpy(made_pixels(size)[:3]))
    kernel = np.random.default_rng(0).normal(0, 1, features) / float(4 * seen.std(0).norm())
    bias = -float(seen.mean(0) @ torch.from_numpy(kernel).float())
    head = Head(np.stack([0 * kernel, kernel], 1).astype("f4"), np.array([0, bias], np.float32))
    module = FromPixels(LogOdds(backbone, [head]), Calibrated([Decision(0.5, calibration)], np.ones((1, 1), bool)))
    batch = made_pixels(size)[:3]
    both = {"onnx": (stage.write_onnx, onnx_of), "openvino": (stage.write_openvino, openvino_of)}
    for to, (write, opened) in both.items():
        path = tmp_path / f"m{stage.ENDINGS[to][0]}"
        said = {"flarescope": "0", "events": [{"code": "event"}]}
        write(module, torch.from_numpy(batch[:2]), path, source="pixels", said=said)
        forecast = opened(path)
        for number in (1, 3):
            with torch.inference_mode():
                expected = module(torch.from_numpy(batch[:number])).numpy()
            assert (expected > 0.001).all()
            assert (expected < 0.999).all()
            np.testing.assert_allclose(forecast(batch[:number]), expected, atol=1e-5)


def test_efficientnet_lite(tmp_path):
    arrays = efficientnet_lite_weights.random_weights("efficientnet-lite0", 1).load()
    assert_graphs_agree(efficientnet_lite_torch.build(arrays), 224, 1280, tmp_path, Platt(0.7, -0.5))


def test_vgg16_with_an_eighth_of_its_channels(tmp_path, monkeypatch):
    """Its 138 million numbers make a graph slow, and no other one."""
    before = 3
    for name, shape in list(vgg16.LAYER_SHAPES.items()):
        outputs = shape[0] if name == "fc2" else shape[0] // 8
        inputs = before * 49 if name == "fc1" else before
        monkeypatch.setitem(vgg16.LAYER_SHAPES, name, (outputs, inputs, *shape[2:]))
        before = outputs
    arrays = random_weights.__wrapped__(1).load()
    assert_graphs_agree(vgg16_torch.build(arrays), 224, 4096, tmp_path)


@pytest.mark.parametrize("kind", ["dinov2_with_registers", pytest.param("convnext", marks=pytest.mark.slow)])
def test_networks_of_transformers(kind, tmp_path):
    from flarescope.backbones.registry import find
    from test_hf import MADE, make, save

    found = find(f"hf:{save(make(kind), tmp_path / kind, own=None)}")
    assert_graphs_agree(found.backbone.build(found.load()), found.backbone.pixels.size, MADE[kind][2], tmp_path)


def test_keras_is_what_train_full_writes(run, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(Classifier, "save", lambda model, path, *, full: written.append((path, full)))
    flarescope.export(run[0], to="keras", out=tmp_path / "m.hdf5")
    assert written == [(tmp_path / "m.hdf5", True)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "onnx", "--out", "m.xml"], "expected a name that ends in .onnx"),
        (["--to", "keras", "--out", "m.h5", "--from", "gauss"], "holds no rendering"),
        (["--to", "onnx", "--out", "m.onnx", "--from", "gauss", "--shape", "600"], "as 600x600"),
        (["--to", "onnx", "--out", "m.onnx", "--from", "gauss", "--shape", "600x99999"], "sides of 2 to 4096"),
    ],
)
def test_bad_options_in_one_line(run, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(run[0]), *words]) in (1, 2)
    last = capsys.readouterr().err.splitlines()[-1]
    assert said in last
    assert len(last) < 300


def test_a_model_of_jpegs_has_no_gauss_and_other_networks_no_keras(tmp_path):
    with pytest.raises(flarescope.InputError, match="scale in gauss is not known"):
        forecast_module([few(rendering="helioviewer-jpeg-32")], np.ones((1, 1), bool), shape=(64, 64))
    with pytest.raises(flarescope.InputError, match="the Keras form is VGG16's"):
        stage._keras(ModelParts((few(),), tmp_path / "m"), tmp_path / "m.h5", flarescope.Reporter())
    vgg = Weights("fake", "sha256:0", dict, VGG16)
    two = replace(few(), weights=vgg)
    with pytest.raises(flarescope.InputError, match="one event"):
        stage._keras(ModelParts((two, two), tmp_path / "m"), tmp_path / "m.h5", flarescope.Reporter())
    trees = replace(two, head=Boosted(*(np.zeros(1) for _ in range(6))))
    with pytest.raises(flarescope.InputError, match="of kind boosting: take --to folder"):
        stage._keras(ModelParts((trees,), tmp_path / "m"), tmp_path / "m.h5", flarescope.Reporter())
    assert isinstance(forecast_module([few()], np.ones((1, 1), bool), shape=(64, 64)), FromGauss)


@pytest.mark.parametrize("name", ["m.onnx", "m.xml", "m.h5", "m.safetensors"])
def test_a_model_that_looks_back_goes_out_as_a_folder(monkeypatch, tmp_path, name):
    back = few()
    back = replace(
        back, description=replace(back.description, history={"hours": [6.0], "tolerance_hours": 1.0, "form": "stack"})
    )
    monkeypatch.setattr(stage, "load_parts", lambda *_, **__: ModelParts((back,), tmp_path / "m"))
    monkeypatch.setattr(stage, "announce", lambda *_, **__: None)
    to = next(to for to, endings in stage.ENDINGS.items() if name.endswith(endings))
    with pytest.raises(flarescope.InputError, match=f"--to {to}: the model looks back .*take --to folder"):
        flarescope.export(tmp_path, to=to, out=tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_head_with_a_hidden_layer_goes_out_and_trees_do_not():
    generator = np.random.default_rng(0)
    shapes = {"mean": 16, "inverse": 16, "kernel": (16, 8), "bias": 8, "output": 8, "constant": 1}
    mlp = Mlp(**{name: generator.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()})
    module = forecast_module([replace(few(), head=mlp), few(seed=3)], np.eye(2, dtype=bool))
    pixels = torch.from_numpy(made_pixels(32))
    with torch.inference_mode():
        features = module.log_odds.backbone(pixels).numpy()
        found = module(pixels).numpy()
    np.testing.assert_allclose(found[:, 0], mlp.probability(features), atol=1e-6)
    np.testing.assert_allclose(found[:, 1], few(seed=3).head.probability(features), atol=1e-6)
    drawn = randomised(module.log_odds, "head", 0).head
    assert not torch.equal(drawn.events[0].kernel, module.log_odds.head.events[0].kernel)
    assert torch.equal(drawn.events[0].mean, module.log_odds.head.events[0].mean)
    trees = Boosted(*(np.zeros(1) for _ in range(6)))
    with pytest.raises(flarescope.InputError, match=r"head of kind boosting; this takes a linear one .* or --head mlp"):
        forecast_module([replace(few(), head=trees)], np.ones((1, 1), bool))


class Sorted(torch.nn.Module):
    """Features by an operation that ONNX has no word for."""

    def forward(self, pixels):
        return torch.special.bessel_j0(pixels.flatten(1)[:, :16])


def test_a_network_that_onnx_has_no_words_for(tmp_path):
    backbone = flarescope.Backbone(Sorted(), name="bessel", size=8)
    part = Classifier(few().head, Description("module:bessel", "module:bessel", backbone.digest), backbone)
    module = forecast_module([part], np.ones((1, 1), bool))
    with pytest.raises(flarescope.InputError, match="cannot be written as ONNX opset 17") as told:
        stage.write_onnx(module, torch.zeros(2, 1, 8, 8), tmp_path / "m.onnx", source="pixels", said={})
    assert len(str(told.value)) < 300
