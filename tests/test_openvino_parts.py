"""Do the two parts of a network that was cut make the network, wherever it may be cut?"""

import numpy as np
import openvino
import pytest
import torch

from flarescope.engines.openvino_convert import to_openvino
from flarescope.engines.openvino_marks import multiplications_of
from flarescope.engines.openvino_parts import cut, places


class Net(torch.nn.Module):
    """Two branches that meet, a shape that is asked for, and a product at the end."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.branch = torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Conv2d(4, 4, 1)
        self.last = torch.nn.Linear(4, 8)
        self.token = torch.nn.Parameter(torch.randn(1, 1, 4))
        self.requires_grad_(False)
        self.eval()

    def forward(self, pixels):
        x = torch.relu(self.first(pixels))
        x = torch.tanh(self.branch(x)) + x
        tokens = torch.cat([self.token.expand(pixels.shape[0], -1, -1), x.flatten(2).transpose(1, 2)], dim=1)
        return self.last(tokens).mean(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    openvino.save_model(to_openvino(Net(), 6, 1), folder / "graph.xml", compress_to_fp16=False)
    return folder


def graph_in(folder):
    return openvino.Core().read_model(folder / "graph.xml")


def multiplications(folder):
    graph = graph_in(folder)
    graph.reshape([1, 1, 6, 6])
    return multiplications_of(graph)


def compute(graph, values):
    results = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(values)
    return [results[place] for place in range(len(results))]


def test_places_are_told_with_what_is_behind_them(folder):
    """36 places times 9 x 4 and 4 x 4 weights, 37 tokens times 4 x 8."""
    first, branch, last = 36 * 36, 36 * 16, 37 * 32
    found = places(graph_in(folder), multiplications(folder))
    total = first + branch + last
    assert list(found.values()) == [last / total, (last + branch) / total, 1.0]
    # Behind the pixels everything is left; between the convolutions the ReLU comes last; before the product the join.
    names = list(found)
    assert "relu" in names[1].lower()
    assert "cat" in names[0].lower()


def test_the_parts_give_what_the_whole_gives(folder):
    pixels = np.random.default_rng(0).normal(size=(3, 1, 6, 6)).astype(np.float32)
    (whole,) = compute(graph_in(folder), [pixels])
    for place in places(graph_in(folder), multiplications(folder)):
        first, second = cut(graph_in(folder), place)
        over = compute(first, [pixels])
        (features,) = compute(second, over)
        assert features == pytest.approx(whole, abs=1e-5), place
        assert compute(second, [np.zeros_like(value) for value in over])[0] != pytest.approx(whole, abs=1e-2), place


def test_what_goes_over_a_cut_may_be_several_numbers(folder):
    """Within the branch its own numbers and those that pass it by."""
    graph = graph_in(folder)
    within = next(node for node in graph.get_ordered_ops() if node.get_type_name() == "Tanh").get_friendly_name()
    first, second = cut(graph, within)
    assert (len(first.outputs), len(second.inputs)) == (2, 2)
    pixels = np.random.default_rng(0).normal(size=(3, 1, 6, 6)).astype(np.float32)
    (whole,) = compute(graph_in(folder), [pixels])
    assert compute(second, compute(first, [pixels]))[0] == pytest.approx(whole, abs=1e-5)


def test_whole_numbers_do_not_go_over_a_cut(folder):
    """The number of images is known once the pixels are: no place lies between it and its use."""
    graph = graph_in(folder)
    kinds = [node.get_type_name() for node in graph.get_ordered_ops()]
    assert "ShapeOf" in kinds
    names = {node.get_friendly_name() for node in graph.get_ordered_ops() if node.get_type_name() == "ShapeOf"}
    assert not names & set(places(graph, multiplications(folder)))


def test_without_weights_there_is_no_place():
    graph = to_openvino(torch.nn.Flatten(), 6, 1)
    assert places(graph, {}) == {}
