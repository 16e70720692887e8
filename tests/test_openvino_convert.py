"""Does OpenVINO compute what the PyTorch module does that it was converted from?"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openvino
import pytest
import torch

from flarescope.backbones import efficientnet_lite_torch, efficientnet_lite_weights
from flarescope.backbones.efficientnet_lite import NETWORKS
from flarescope.engines.base import MIXED, EngineChoice
from flarescope.engines.openvino import OpenVinoEngine
from flarescope.engines.openvino_convert import to_openvino

pytestmark = pytest.mark.xdist_group("openvino_convert")


def assert_alike(module, size, channels):
    """Compare batches of one, two and three images in fp32, to 1e-4 of the largest feature."""
    model = to_openvino(module, size, channels)
    assert model.input("pixels").partial_shape.to_string() == f"[?,{channels},{size},{size}]"
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rng = np.random.default_rng(0)
    for number in (3, 1, 2):
        pixels = rng.uniform(0, 255, (number, channels, size, size)).astype(np.float32)
        got = compiled({"pixels": pixels})["features"]
        with torch.inference_mode():
            expected = module(torch.from_numpy(pixels)).numpy()
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()


def test_openvino_tells_nobody_of_what_it_is_used_for():
    from openvino.tools.ovc import convert_impl, telemetry_utils

    assert telemetry_utils.tm.__name__ == convert_impl.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("efficientnet-lite0", 1),
        pytest.param("efficientnet-lite0", 3, marks=pytest.mark.slow),
        pytest.param("efficientnet-lite2", 1, marks=pytest.mark.slow),  # images of odd sizes inside
    ],
)
def test_efficientnet_lite(name, channels):
    arrays = efficientnet_lite_weights.random_weights(name, 1).load()
    assert_alike(efficientnet_lite_torch.build(arrays), NETWORKS[name].size, channels)


def tiny():
    """A network of 32 x 32 pixels."""
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.AvgPool2d(30), torch.nn.Flatten()
    return torch.nn.Sequential(*layers).eval()


def graphs_of(module, parts):
    """The network as one graph, or as the convolution and what comes behind it."""
    if parts == 1:
        return (to_openvino(module, 32, 1),)
    return to_openvino(module[:1], 32, 1), to_openvino(module[1:], 30, 8)


@pytest.mark.parametrize(("precision", "parts"), [("fp32", 1), ("bf16", 1), ("fp32", 2), (MIXED, 2)])
def test_pixels_may_be_bytes_or_floats(precision, parts):
    """To the last digit, in any order, and the weights are in memory once: floats for both where floats came first."""
    made = []

    def graphs(channels):
        made.append(channels)
        return graphs_of(tiny(), parts)

    engine = OpenVinoEngine(graphs, EngineChoice("openvino", "cpu", precision, batch=3))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, 32, 32), dtype=np.uint8)
    floats = pixels.astype(np.float32)
    first, second = engine.stream([pixels, pixels[1:]])
    assert made == [1]
    assert first.dtype == np.float32
    assert np.array_equal(first[1:], second)
    # Five of each: more than are under way at once.
    every = list(engine.stream([pixels, floats] * 5))
    assert all(np.array_equal(one, first) for one in every)
    assert made == [1, 1]
    assert not np.array_equal(next(engine.stream([floats + 0.25])), first)  # nothing is rounded


@pytest.mark.parametrize("parts", [1, 2])
def test_threads_share_an_engine(parts):
    """Batches of several streams are under way at once, and each gets its own features."""
    module = tiny()
    engine = OpenVinoEngine(lambda channels: graphs_of(module, parts), EngineChoice("openvino", "cpu", "fp32", 3))
    batches = np.random.default_rng(0).integers(0, 256, (2, 9, 3, 1, 32, 32)).astype(np.float32)
    alone = [list(engine.stream(some)) for some in batches]
    with torch.inference_mode():
        assert alone[0][0] == pytest.approx(module(torch.from_numpy(batches[0, 0])).numpy(), rel=1e-4, abs=1e-4)
    together = list(zip(*map(engine.stream, batches), strict=True))
    assert np.array_equal(np.stack(list(zip(*together, strict=True))), np.array(alone))
    with ThreadPoolExecutor(2) as pool:
        assert np.array_equal(list(pool.map(lambda some: list(engine.stream(some)), batches)), alone)
