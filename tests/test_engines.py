"""Do the engines compute the same network, in order, and is the right one chosen?

The true VGG16, with random filters, on a few images.
"""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import MEAN_BGR, VGG16
from flarescope.backbones.weights import digest_of
from flarescope.engines import choose as engines
from flarescope.engines.base import EngineChoice
from flarescope.engines.choose import choose
from flarescope.engines.openvino import OpenVinoEngine
from flarescope.engines.start import start
from flarescope.engines.torch import TorchEngine
from flarescope.engines.winograd.engine import WinogradEngine
from flarescope.errors import InputError

FP32 = {name: EngineChoice(name, "cpu", "fp32", batch=2) for name in ("torch", "openvino", "winograd")}
AVX2 = {"avx2", "fma"}
AVX512_BF16 = AVX2 | {"avx512f", "avx512bw", "avx512vl", "avx512bf16"}
AMX = AVX512_BF16 | {"amx-bf16"}

needs_winograd = pytest.mark.skipif(
    engines.target_for("fp32", engines._processor_features()) is None, reason="this processor lacks AVX2"
)
ON_CPU = ["openvino", pytest.param("winograd", marks=needs_winograd)]


pytestmark = pytest.mark.xdist_group("network")


@pytest.fixture(scope="module")
def weights(random_network):
    return random_network


@pytest.fixture(scope="module")
def batches():
    """Five images in batches of uneven size; the last is in colour."""
    generator = np.random.default_rng(3)
    shapes = [(1, 1, 224, 224), (2, 1, 224, 224), (1, 1, 224, 224), (1, 3, 224, 224)]
    return [(generator.random(shape) * 255).astype(np.float32) for shape in shapes]


@pytest.fixture(scope="module")
def by_torch(weights, batches):
    return list(start(FP32["torch"], weights).stream(batches))


@pytest.fixture(scope="module")
def engine(weights, request):
    return start(FP32[request.param], weights)


@pytest.fixture(scope="module")
def by_engine(engine, batches):
    return list(engine.stream(batches))


def relative_error(features, reference):
    return np.linalg.norm(features - reference) / np.linalg.norm(reference)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ON_CPU, indirect=True)
def test_the_engines_agree_in_fp32_and_keep_the_order(by_torch, by_engine):
    assert [len(features) for features in by_engine] == [1, 2, 1, 1]
    for ours, reference in zip(by_engine, by_torch, strict=True):
        assert ours.shape == reference.shape
        assert ours.dtype == reference.dtype == np.float32
        for one, other in zip(ours, reference, strict=True):
            assert relative_error(one, other) < 1e-5
        assert ours.min() == 0
        assert reference.min() == 0
    every = np.concatenate(by_torch)
    distances = [relative_error(one, other) for i, one in enumerate(every) for other in every[:i]]
    assert min(distances) > 1e-2  # the images differ by far more than the engines do


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("openvino", 0.01), ("winograd", 0.012)])  # noise is the worst of images
def test_bf16_is_near_fp32_where_the_processor_has_it(weights, batches, by_torch, name, most):
    by_winograd = engines.target_for("bf16", engines._processor_features())
    if not (by_winograd if name == "winograd" else engines._openvino_has_bf16()):
        pytest.skip("this processor does not compute in bf16")
    choice = EngineChoice(name, "cpu", "bf16", batch=2)
    for ours, reference in zip(start(choice, weights).stream(batches), by_torch, strict=True):
        assert ours.dtype == np.float32
        for one, other in zip(ours, reference, strict=True):
            assert 1e-5 < relative_error(one, other) < most


@pytest.mark.slow
def test_one_channel_means_three_equal_ones(weights, batches, by_torch):
    """Also that the order of channels matters: RGB goes in, and the filters see BGR."""
    grey = batches[0]
    colour = batches[3]
    stream = start(FP32["torch"], weights).stream([np.repeat(grey, 3, axis=1), colour[:, ::-1].copy()])
    assert relative_error(next(stream), by_torch[0]) < 1e-6
    assert relative_error(next(stream), by_torch[3]) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("engine", ON_CPU, indirect=True)
def test_a_stream_left_early_can_be_followed_by_another(weights, batches, engine, by_engine):
    stream = engine.stream(batches[:3])
    assert np.array_equal(next(stream), by_engine[0])
    stream.close()
    assert np.array_equal(next(engine.stream(batches[:1])), by_engine[0])
    assert list(engine.stream([])) == []
    assert digest_of(weights.load()) == weights.digest  # an engine may share their memory, and leaves it as it was


@pytest.mark.slow
@pytest.mark.parametrize("engine", [ON_CPU[1]], indirect=True)
def test_a_batch_may_be_larger_than_the_engine_was_made_for(batches, engine, by_engine):
    every = np.concatenate(batches[:3])
    assert np.array_equal(next(engine.stream([every])), np.concatenate(by_engine[:3]))


@pytest.mark.slow
@pytest.mark.parametrize("engine", [ON_CPU[1]], indirect=True)
def test_an_error_in_a_batch_reaches_the_reader_and_the_engine_goes_on(batches, engine, by_engine):
    stream = engine.stream([batches[0], np.zeros((1, 2, 5, 5), np.float32)])
    assert np.array_equal(next(stream), by_engine[0])
    with pytest.raises(ValueError, match="shape"):
        next(stream)
    assert np.array_equal(next(engine.stream(batches[1:2])), by_engine[1])


def test_the_means_are_in_the_order_of_the_filters():
    assert MEAN_BGR == (103.939, 116.779, 123.68)


# ---- the choice ----


class FakeOpenVino:
    """Stands in for the module: a processor with or without bf16."""

    def __init__(self, capabilities):
        self.capabilities = capabilities

    def Core(self):
        return SimpleNamespace(get_property=lambda device, name: self.capabilities)


@pytest.fixture
def machine(monkeypatch):
    """Pretend a machine: its device for torch; OpenVINO with bf16, without it, or not installed; its processor."""

    def pretend(device="cpu", openvino="bf16", features=frozenset()):
        monkeypatch.setattr(engines, "_processor_features", lambda: set(features))
        monkeypatch.setattr(engines, "_torch_device", lambda: device.partition(" ")[0])
        monkeypatch.setattr(engines, "_cuda_has_bf16", lambda: device == "cuda")
        monkeypatch.setattr(engines, "find_spec", lambda name: object() if openvino else None)
        if openvino:
            capabilities = ["FP32", "BF16", "INT8"] if openvino == "bf16" else ["FP32", "INT8"]
            monkeypatch.setitem(sys.modules, "openvino", FakeOpenVino(capabilities))

    return pretend


@pytest.mark.parametrize(
    ("device", "openvino", "asked", "chosen"),
    [
        ("cpu", "bf16", ("auto", "auto"), "openvino-cpu-bf16"),
        ("cpu", "fp32", ("auto", "auto"), "openvino-cpu-fp32"),
        ("cpu", "bf16", ("auto", "fp32"), "openvino-cpu-fp32"),
        ("cpu", None, ("auto", "auto"), "torch-cpu-fp32"),
        ("cpu", "bf16", ("torch", "auto"), "torch-cpu-fp32"),
        ("cuda", "bf16", ("auto", "auto"), "torch-cuda-bf16"),
        ("cuda before Ampere", "bf16", ("auto", "auto"), "torch-cuda-fp32"),
        ("cuda", "bf16", ("auto", "fp32"), "torch-cuda-fp32"),
        ("cuda", "bf16", ("openvino", "auto"), "openvino-cpu-bf16"),
        ("mps", "bf16", ("auto", "auto"), "torch-mps-fp32"),
        ("mps", None, ("torch", "bf16"), "torch-mps-bf16"),
    ],
)
def test_the_choice_without_winograd(machine, device, openvino, asked, chosen):
    machine(device, openvino)
    choice = choose(*asked)
    assert choice.id == chosen
    assert choice.batch == (256 if device.startswith("cuda") and choice.engine == "torch" else 16)


@pytest.mark.parametrize(
    ("device", "openvino", "features", "asked", "chosen"),
    [
        ("cpu", "bf16", AMX, ("auto", "auto"), "openvino-cpu-bf16"),
        ("cpu", "bf16", AMX, ("auto", "fp32"), "winograd-cpu-fp32"),
        ("cpu", "bf16", AMX, ("winograd", "auto"), "winograd-cpu-bf16"),
        ("cpu", None, AMX, ("auto", "auto"), "winograd-cpu-bf16"),
        ("cpu", "bf16", AVX512_BF16, ("auto", "auto"), "winograd-cpu-bf16"),
        ("cpu", "bf16", AVX512_BF16, ("auto", "fp32"), "winograd-cpu-fp32"),
        ("cpu", "bf16", AVX512_BF16, ("openvino", "auto"), "openvino-cpu-bf16"),
        ("cpu", "bf16", AVX512_BF16, ("torch", "auto"), "torch-cpu-fp32"),
        ("cpu", "fp32", AVX2, ("auto", "auto"), "winograd-cpu-fp32"),
        ("cpu", "fp32", AVX2, ("auto", "bf16"), "openvino-cpu-bf16"),
        ("cpu", None, AVX2, ("auto", "bf16"), "torch-cpu-bf16"),
        ("cuda", "bf16", AMX, ("auto", "auto"), "torch-cuda-bf16"),
        ("cuda", "bf16", AVX2, ("winograd", "auto"), "winograd-cpu-fp32"),
    ],
)
def test_the_choice_by_the_processor(machine, device, openvino, features, asked, chosen):
    machine(device, openvino, features)
    assert choose(*asked).id == chosen


SPARING = {"runs": ("openvino", "torch"), "precisions": ("fp32",)}
"""What a network says of itself that does not bear bf16 as a whole."""


def test_a_network_that_does_not_bear_bf16_has_layers_of_it_by_openvino_alone(machine):
    machine("cpu", "bf16", AMX)
    assert choose("auto", "auto", **SPARING).id == "openvino-cpu-fp32"
    assert choose("auto", "bf16", **SPARING).id == choose("openvino", "bf16", **SPARING).id == "openvino-cpu-bf16-mixed"
    of_ones_own = SPARING | {"runs": ("torch", "openvino")}
    assert choose("auto", "bf16", **of_ones_own).id == "openvino-cpu-bf16-mixed"
    machine("cuda", "bf16", AMX)
    assert choose("openvino", "bf16", **SPARING).id == "openvino-cpu-bf16-mixed"


@pytest.mark.parametrize(
    ("device", "openvino", "engine", "help_"),
    [
        ("cpu", "bf16", "torch", "take --precision fp32$"),
        ("cpu", "fp32", "auto", "take --precision fp32$"),
        ("cpu", "fp32", "openvino", "take --precision fp32$"),
        ("cpu", None, "auto", "take --precision fp32$"),
        ("cuda", "bf16", "auto", "take --precision fp32, or --engine openvino$"),
        ("mps", "bf16", "torch", "take --precision fp32$"),
    ],
)
def test_elsewhere_its_bf16_is_refused_in_one_line(machine, device, openvino, engine, help_):
    machine(device, openvino)
    with pytest.raises(InputError, match=f"--precision bf16: it can change this network's .* {help_}") as caught:
        choose(engine, "bf16", **SPARING)
    assert len(str(caught.value)) < 300
    assert choose(engine, "auto", **SPARING).precision == "fp32"


def test_winograd_that_cannot_be_had_is_said(machine):
    machine("cpu", "bf16", AVX2)
    with pytest.raises(InputError, match="--engine winograd: expected an x86-64 processor with AVX512-BF16"):
        choose("winograd", "bf16")


def test_an_unknown_engine_or_precision_is_refused():
    with pytest.raises(InputError, match="--engine tpu: expected one of auto, torch, openvino, winograd"):
        choose("tpu")
    with pytest.raises(InputError, match="--precision fp64: expected one of auto, fp32, bf16"):
        choose("torch", "fp64")


def test_openvino_that_is_not_installed_is_said(machine):
    machine("cpu", None)
    with pytest.raises(InputError, match="--engine openvino: OpenVINO is not installed; pip install openvino, or --en"):
        choose("openvino")


def test_a_linux_machine_without_a_driver_does_not_import_torch(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(engines, "GPU_NODES", (str(tmp_path / "nvidiactl"),))
    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it would fail
    assert engines._torch_device() == "cpu"


@pytest.mark.parametrize(
    ("name", "kind"), [("torch", TorchEngine), ("openvino", OpenVinoEngine), ("winograd", WinogradEngine)]
)
def test_a_choice_starts_its_engine_with_the_weights(monkeypatch, name, kind):
    started = []
    monkeypatch.setattr(kind, "__init__", lambda self, network, choice, **more: started.append(choice))
    arrays = {"fake": np.zeros(1, np.float32)}
    choice = EngineChoice(name, "cpu", "fp32", 16)
    assert isinstance(start(choice, Weights("fake", "sha256:0", lambda: arrays, VGG16)), kind)
    assert started == [choice]
