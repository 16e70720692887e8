"""Does OpenVINO compute what the PyTorch module does that it was converted from?"""

import numpy as np
import openvino
import pytest
import torch

from flarescope.backbones import efficientnet_lite_torch, efficientnet_lite_weights
from flarescope.backbones.efficientnet_lite import NETWORKS
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
