"""Stands in for CUDA's streams and events on a machine without a GPU, and looks for races.

Every tensor operation runs at once, on the CPU: what a GPU computes, or how fast, cannot be seen here. What can be seen
is whether the program orders its calls so that a GPU, which may run streams in any order that the events leave open,
could never read too early or overwrite too soon. Each operation is set on its timeline (the host's, or the current
stream's), the events join timelines by vector clocks (Lamport 1978; Mattern 1989), and two accesses to one memory, of
which one writes, must be in order.
"""

from contextlib import contextmanager, nullcontext

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def merge(clock, other):
    for name, tick in other.items():
        clock[name] = max(clock.get(name, 0), tick)


class FakeStream:
    def __init__(self, name):
        self.name = name
        self.clock = {}


class FakeEvent:
    def __init__(self, cuda):
        self.cuda = cuda
        self.clock = {}

    def record(self, stream):
        self.clock = dict(stream.clock)

    def wait(self, stream):
        merge(stream.clock, self.clock)

    def synchronize(self):
        merge(self.cuda.host.clock, self.clock)


class FakeCuda(TorchDispatchMode):
    """The calls of `CudaCalls`; a context, inside which every operation is looked at.

    Attributes:
        races: a line for each pair of accesses that nothing orders.
        pinned_made: buffers of pinned memory that were asked for.
        replays: launches of a recorded graph.
    """

    def __init__(self, *, recording_fails=False, fail=None):
        super().__init__()
        self.host = FakeStream("host")
        self.streams = []
        self.current = None
        self.on_device, self.is_pinned = set(), set()
        self.writes, self.reads = {}, {}
        self.kept = []  # so that no memory is given out twice and taken for the same
        self.races = []
        self.pinned_made = self.replays = 0
        self.recording = False
        self.recording_fails = recording_fails
        self.fail = fail or (lambda name: None)

    # ---- CudaCalls ----

    def stream(self):
        self.streams.append(FakeStream(f"stream {len(self.streams)}"))
        return self.streams[-1]

    def event(self):
        return FakeEvent(self)

    @contextmanager
    def on(self, stream):
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    def exact(self):
        return nullcontext()

    def pinned(self, shape, dtype):
        self.fail("pinned")
        self.pinned_made += 1
        tensor = torch.zeros(shape, dtype=dtype)
        self.is_pinned.add(place(tensor))
        return tensor

    def empty(self, shape, dtype):
        self.fail("empty")
        tensor = torch.full(shape, 255, dtype=dtype)
        self.on_device.add(place(tensor))
        return tensor

    def record(self, function, stream):
        assert self.current is stream
        if self.recording_fails:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore lines")
        self.recording = True
        filled = function().clone().fill_(float("nan"))  # a recording computes nothing
        self.recording = False

        def replay():
            self.fail("replay")
            self.replays += 1
            filled.copy_(function())

        return replay, filled

    def settle(self, stream):
        merge(self.host.clock, stream.clock)

    # ---- what is looked at ----

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.kept += [tensor.untyped_storage() for tensor in inputs + outputs]
        device = any(place(tensor) in self.on_device for tensor in inputs)
        if device:
            self.on_device.update(place(one) for one in outputs if place(one) not in self.is_pinned)
        if not (func.is_view or self.recording):
            written = [args[i] for i, a in enumerate(func._schema.arguments) if a.alias_info and a.alias_info.is_write]
            self.note(func.name(), device, inputs, [*written, *outputs])
        return result

    def note(self, name, device, inputs, outputs):
        timeline = self.host
        if device:
            if self.current is None:
                self.races.append(f"{name}: work of the GPU outside every stream")
                return
            timeline = self.current
            merge(timeline.clock, self.host.clock)  # it starts after what the host did before
        timeline.clock[timeline.name] = timeline.clock.get(timeline.name, 0) + 1
        written = {place(tensor) for tensor in outputs}
        for memory in {place(tensor) for tensor in inputs} | written:
            earlier = [self.writes[memory]] if memory in self.writes else []
            if memory in written:
                earlier += self.reads.get(memory, [])
            for other, tick, what in earlier:
                if timeline.clock.get(other, 0) < tick:
                    self.races.append(f"{name} on {timeline.name} against {what} on {other}")
            entry = (timeline.name, timeline.clock[timeline.name], name)
            if memory in written:
                self.writes[memory], self.reads[memory] = entry, []
            else:
                self.reads.setdefault(memory, []).append(entry)


def place(tensor):
    return tensor.untyped_storage().data_ptr()
