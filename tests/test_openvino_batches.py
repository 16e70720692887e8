"""Are the parts of a cut network kept busy, and what becomes of batches where one of them fails?"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from flarescope.engines.base import EngineChoice
from flarescope.engines.openvino import OpenVinoEngine, _let_end, _Network, _oldest
from flarescope.engines.openvino_graphs import _keep
from flarescope.errors import FlarescopeError
from flarescope.locks import locked


class Request:
    """A part of a network that ends once `wanted` of its kind were begun; `broken` as OpenVINO says it."""

    def __init__(self, begun, wanted=1, *, broken=False):
        self.model_outputs, self.begun, self.wanted, self.broken, self.waited = [None], begun, wanted, broken, False

    def start_async(self, *_):
        self.begun.append(self)

    def wait_for(self, _):
        return len(self.begun) >= self.wanted

    def wait(self):
        self.waited = True
        if self.broken:
            raise RuntimeError("inference failed")
        if not self.wait_for(0):
            pytest.fail("waited for a part while nothing else is begun that could end")

    def set_input_tensor(self, *_):
        pass

    def get_output_tensor(self, _):
        return openvino.Tensor(np.float32([[len(self.begun)]]))


def begin(network, number):
    return deque(network.begin(np.zeros((1, 1))) for _ in range(number))


def test_the_last_parts_of_several_batches_are_begun_before_one_is_waited_for():
    """Three streams are of no use to a last part that one batch after the other has to itself."""
    firsts, lasts = [], []
    network = _Network([], np.float32, 6, deque([Request(firsts), Request(lasts, wanted=3)] for _ in range(3)))
    running = begin(network, 3)
    assert [_oldest(running)[0, 0] for _ in range(3)] == [3, 3, 3]
    assert (len(firsts), len(lasts), len(network.idle), len(running)) == (3, 3, 3, 0)


def test_a_slow_first_part_does_not_hold_up_the_batches_before_it():
    firsts, lasts = [], []
    slow = Request(firsts, wanted=9)
    network = _Network([], np.float32, 2, deque([[slow, Request(lasts)], [Request(firsts), Request(lasts)]]))
    running = begin(network, 2)
    assert _oldest(running)[0, 0] == 1
    assert running[0].requests[0] is slow


def test_where_one_fails_the_others_are_waited_for():
    requests = [Request([], broken=broken) for broken in (True, False, True)]
    network = _Network([], np.float32, 3, deque([one] for one in requests))
    _let_end(begin(network, 3))
    assert all(one.waited for one in requests)
    assert not network.idle  # what may be broken is not used again


def tiny_graph():
    """A mean of pixels that is taken twice, so that there is something in the file of weights too."""
    pixels = ops.parameter([-1, 1, 4, 4], np.float32, name="pixels")
    means = ops.reduce_mean(pixels, ops.constant(np.array([2, 3])), keep_dims=False)
    return openvino.Model([ops.matmul(means, ops.constant(np.float32([[1, 2]])), False, False)], [pixels], "tiny")


def test_an_engine_goes_on_after_a_batch_that_it_cannot_take():
    engine = OpenVinoEngine(lambda channels: (tiny_graph(),), EngineChoice("openvino", "cpu", "fp32", 2))
    good = np.arange(32, dtype=np.float32).reshape(2, 1, 4, 4)
    expected = good.mean((2, 3)) * [1, 2]
    stream = engine.stream([good, good, good[:, :, :3]])
    with pytest.raises(RuntimeError):
        list(stream)
    stream = engine.stream([good] * 9)
    assert next(stream) == pytest.approx(expected)
    stream.close()  # with batches under way
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda some: list(engine.stream(some)), [[good, good[1:]]] * 4):
            assert found[0] == pytest.approx(expected)
            assert found[1] == pytest.approx(expected[1:])


def test_a_graph_that_another_process_kept_meanwhile_stays_and_a_damaged_one_goes(tmp_path):
    folder = tmp_path / "cache" / "net"
    _keep(tiny_graph(), folder)
    theirs = folder / "bf16-0.json"
    theirs.write_text("{}")
    _keep(tiny_graph(), folder)
    assert theirs.exists()
    (folder / "graph.xml").write_text("<net")
    _keep(tiny_graph(), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["graph.bin", "graph.xml"]
    with locked(folder.with_name("net.graph")), pytest.raises(FlarescopeError, match="another process"):
        _keep(tiny_graph(), folder)
    assert [path.name for path in folder.parent.iterdir()] == ["net"]
