"""Do batches keep their order on the way through a device, in bounded memory, and does an end leave nothing running?

No GPU is needed and none is tested: `fake_cuda` runs every operation on the CPU and looks for races in the order of
the calls.
"""

from contextlib import closing, nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from fake_cuda import FakeCuda, FakeEvent
from flarescope.engines.cuda.cuda_calls import exact_fp32
from flarescope.engines.cuda.lane_cuda import CudaLane
from flarescope.engines.cuda.lanes import EagerLane, padded_size, pipelined

# ---- the order of the calls, with a lane that only takes notes ----


class NotingLane:
    """Notes every call; each slot is a list that holds one batch."""

    def __init__(self, slots, fails=None):
        self.slots = slots
        self.fails = fails
        self.calls = []
        self.under_way = self.most = 0

    def allocate(self):
        return []

    def note(self, what, slot):
        self.calls.append(what)
        if self.fails == (what, self.calls.count(what)):
            raise RuntimeError(f"{what} failed")

    def copy_in(self, slot, pixels):
        assert not slot, "a slot was given out before its batch was taken"
        slot.append(pixels)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.note("copy_in", slot)

    def run(self, slot):
        self.note("run", slot)

    def copy_out(self, slot):
        self.note("copy_out", slot)

    def wait(self, slot):
        self.note("wait", slot)
        self.under_way -= 1
        return slot.pop()

    def drain(self):
        self.calls.append("drain")


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("batches", [0, 1, 2, 3, 7])
def test_batches_come_back_in_order_and_no_more_are_under_way_than_slots(slots, batches):
    lane = NotingLane(slots)
    assert list(pipelined(lane, range(batches))) == list(range(batches))
    assert lane.most == min(slots, batches)
    assert lane.calls[-1] == "drain"
    assert lane.calls.count("drain") == 1


def test_the_next_batch_is_asked_for_while_others_are_under_way():
    lane, under_way = NotingLane(3), []

    def batches():
        for number in range(6):
            under_way.append(lane.under_way)
            yield number

    list(pipelined(lane, batches()))
    assert under_way == [0, 1, 2, 2, 2, 2]


def test_one_slot_gives_each_batch_before_it_asks_for_the_next():
    taken = []

    def batches():
        for number in range(3):
            assert taken == list(range(number))
            yield number

    for number in pipelined(NotingLane(1), batches()):
        taken.append(number)


@pytest.mark.parametrize("call", ["copy_in", "run", "copy_out", "wait"])
def test_an_error_of_the_lane_ends_the_stream_and_leaves_nothing_under_way(call):
    lane = NotingLane(3, fails=(call, 2))
    with pytest.raises(RuntimeError, match=f"{call} failed"):
        list(pipelined(lane, range(9)))
    assert lane.calls[-1] == "drain"


def test_an_error_of_the_batches_passes_through_and_leaves_nothing_under_way():
    def batches():
        yield from range(4)
        raise ValueError("b.png: not an image")

    lane = NotingLane(3)
    with pytest.raises(ValueError, match=r"b\.png"):
        list(pipelined(lane, batches()))
    assert lane.calls[-1] == "drain"


def test_a_stream_closed_early_leaves_nothing_under_way():
    lane = NotingLane(3)
    with closing(pipelined(lane, range(9))) as stream:
        assert next(stream) == 0
    assert lane.calls[-1] == "drain"


# ---- the CUDA lane, against races ----

SIDE = 8


def network(pixels):
    """A small network of whole numbers: fp32 holds every sum, so that any order of adding gives the same bits."""
    x = pixels.float().expand(-1, 3, -1, -1)
    kernel = torch.arange(2 * 3 * 9).reshape(2, 3, 3, 3).remainder(5).float() - 2
    x = F.relu(F.max_pool2d(F.conv2d(x, kernel, padding=1), 2), inplace=True)
    matrix = torch.arange(6 * 32).reshape(6, 32).remainder(7).float() - 3
    return F.linear(x.flatten(1), matrix)


def some_batches(sizes, channels=1, dtype=np.float32, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 256, (size, channels, SIDE, SIDE)).astype(dtype) for size in sizes]


def plain(batches):
    return [network(torch.from_numpy(batch)).numpy() for batch in batches]


def through_cuda(batches, *, batch=4, graphs=True, cuda=None):
    with cuda or FakeCuda() as fake:
        results = list(pipelined(CudaLane(network, batch, graphs=graphs, cuda=fake), batches))
    return results, fake


def lanes(kind, batch):
    """Give a lane and the context to use it in."""
    if kind == "eager":
        return EagerLane(network, torch.device("cpu")), nullcontext()
    fake = FakeCuda()
    return CudaLane(network, batch, graphs=kind == "graphs", cuda=fake), fake


@given(
    sizes=st.lists(st.integers(0, 6), max_size=9),
    batch=st.integers(1, 6),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([np.uint8, np.float32]),
    kind=st.sampled_from(["eager", "graphs", "kernels"]),
)
@settings(max_examples=30)
def test_any_sequence_of_batches_gives_the_features_of_one_plain_pass(sizes, batch, channels, dtype, kind):
    batches = some_batches(sizes, channels, dtype)
    lane, context = lanes(kind, batch)
    with context:
        results = list(pipelined(lane, batches))
    assert [len(one) for one in results] == sizes
    if sizes:
        together = network(torch.from_numpy(np.concatenate(batches))).numpy()
        assert np.array_equal(np.concatenate(results), together)
    assert kind == "eager" or context.races == []


def test_kinds_of_pixels_may_follow_each_other():
    batches = [*some_batches([4, 4]), *some_batches([3, 4], 3), *some_batches([4, 2, 4, 4], 1, np.uint8)]
    results, fake = through_cuda(batches)
    assert all(np.array_equal(one, other) for one, other in zip(results, plain(batches), strict=True))
    assert fake.races == []


@pytest.mark.parametrize("kind", ["eager", "graphs", "kernels"])
def test_streams_may_share_a_lane(kind):
    some = [some_batches([4, 4, 2, 4, 4, 3, 1, 4]), some_batches([4, 1, 4, 4, 4, 4, 4, 2], 1, np.uint8)]
    lane, context = lanes(kind, 4)
    with context:
        together = list(zip(*(pipelined(lane, batches) for batches in some), strict=True))
    for found, batches in zip(zip(*together, strict=True), some, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(found, plain(batches), strict=True))
    assert kind == "eager" or context.races == []


def test_the_pixels_may_change_as_soon_as_the_next_ones_are_asked_for():
    one = some_batches([4])[0]
    wanted = [network(torch.from_numpy(one + number)).numpy() for number in range(6)]

    def same_memory():
        for number in range(6):
            memory[...] = one + number
            yield memory

    memory = np.empty_like(one)
    results, fake = through_cuda(same_memory())
    assert all(np.array_equal(one, other) for one, other in zip(results, wanted, strict=True))
    assert fake.races == []


def test_pinned_memory_is_bounded_and_used_again():
    results, fake = through_cuda(some_batches([4] * 20))
    assert len(results) == 20
    assert fake.pinned_made == 2 * CudaLane.slots  # pixels in, features out


@pytest.mark.parametrize("forgotten", ["wait", "synchronize"])
def test_the_look_for_races_sees_a_forgotten_event(monkeypatch, forgotten):
    monkeypatch.setattr(FakeEvent, forgotten, lambda self, stream=None: None)
    assert through_cuda(some_batches([4] * 6))[1].races


def test_the_first_batch_of_a_size_runs_by_kernels_and_the_others_as_a_graph():
    assert through_cuda(some_batches([4, 4, 4, 3, 2, 2, 2]))[1].replays == (3 + 1 - 1) + (3 - 1)  # 3 images in 4 rows
    assert through_cuda(some_batches([4, 4, 4]), graphs=False)[1].replays == 0


def test_a_recording_that_fails_leaves_the_network_as_it_is():
    batches = some_batches([4, 4, 4])
    with FakeCuda(recording_fails=True) as fake:
        lane = CudaLane(network, 4, cuda=fake)
        results = list(pipelined(lane, batches))
    assert all(np.array_equal(one, other) for one, other in zip(results, plain(batches), strict=True))
    assert lane.network.failure == ("recording failed: CUDA error: operation not permitted when stream is capturing")


def test_graphs_give_their_memory_back_before_a_batch_is_refused():
    """The last batch has another size, and the graphs' memory is not free for it."""
    held = []

    def hungry(pixels):
        if len(pixels) == 2 and held and lane.network.failure is None:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        held.append(len(pixels))
        return network(pixels)

    batches = some_batches([4, 4, 4, 2])
    with FakeCuda() as fake:
        lane = CudaLane(hungry, 4, cuda=fake)
        results = list(pipelined(lane, batches))
    assert np.array_equal(results[-1], plain(batches)[-1])
    assert lane.network.failure == "their memory was needed"
    with FakeCuda() as fake:
        lane = CudaLane(hungry, 4, cuda=fake)
        with pytest.raises(torch.OutOfMemoryError):
            list(pipelined(lane, batches[-1:]))  # no graph that could give way


def test_a_stream_of_the_cuda_lane_left_early_can_be_followed_by_another():
    batches = some_batches([4] * 6)
    with FakeCuda() as fake:
        lane = CudaLane(network, 4, cuda=fake)
        with closing(pipelined(lane, batches)) as stream:
            first = next(stream)
        settled = dict(fake.host.clock)
        assert all(settled[stream.name] == stream.clock[stream.name] for stream in fake.streams)
        results = list(pipelined(lane, batches))
    assert np.array_equal(first, results[0])
    assert all(np.array_equal(one, other) for one, other in zip(results, plain(batches), strict=True))
    assert fake.races == []


def test_the_rows_of_a_batch_are_few_sizes_and_hold_it():
    assert [padded_size(images, 256) for images in (0, 1, 2, 3, 5, 129, 200, 256)] == [1, 1, 2, 4, 8, 256, 256, 256]
    assert [padded_size(images, 48) for images in (3, 31, 33, 48, 50)] == [4, 32, 48, 48, 50]


# ---- what is switched for the GPU alone ----


def switches():
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    newer = (cudnn.conv.fp32_precision, matmul.fp32_precision) if hasattr(cudnn, "conv") else ()
    return cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32, torch.get_float32_matmul_precision(), *newer


def fails_inside(seen):
    with exact_fp32():
        seen.append(torch.backends.cudnn.benchmark)
        if hasattr(torch.backends.cudnn, "conv"):
            seen += [torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision]
        raise ValueError("inside")


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_fp32_means_fp32_inside_and_everything_is_as_before_outside(precision):
    torch.set_float32_matmul_precision(precision)
    try:
        before, seen = switches(), []
        with pytest.raises(ValueError, match="inside"):
            fails_inside(seen)
        assert seen[:1] == [True]
        assert set(seen[1:]) <= {"ieee"}
        assert switches() == before
    finally:
        torch.set_float32_matmul_precision("highest")
