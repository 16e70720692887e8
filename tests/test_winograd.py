"""Does Winograd's filtering compute what a convolution does, in every instruction set that this processor has?

The true VGG16 with random filters, against PyTorch in fp32; `test_engines` compares the engine as a whole.
"""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from threadpoolctl import threadpool_info, threadpool_limits

from flarescope.backbones.vgg16 import LAYER_SHAPES
from flarescope.backbones.vgg16_torch import build
from flarescope.engines.base import EngineChoice
from flarescope.engines.winograd import algebra, filters, kernels, packing
from flarescope.engines.winograd import engine as engine_winograd
from flarescope.engines.winograd.filters import prepare
from flarescope.engines.winograd.network import Worker
from flarescope.engines.winograd.target import Target, target_for
from flarescope.errors import FlarescopeError, InputError
from flarescope.native.machine import host_features

pytestmark = pytest.mark.xdist_group("network")

HOST = host_features()
TARGETS = {
    "avx512bf16": target_for("bf16", HOST),
    "avx512": target_for("fp32", HOST),
    "avx2": target_for("fp32", HOST - {"avx512f"}),
}
SMALL = Target("small", "", lanes=4, vectors=2, rows=3, bf16=False)


# ---- the algebra ----


@given(
    hnp.arrays(np.float64, (6, 6), elements=st.floats(-1e3, 1e3)),
    hnp.arrays(np.float64, (3, 3), elements=st.floats(-1e3, 1e3)),
)
def test_a_tile_is_the_convolution(inputs, taps):
    into, out, of_filter = algebra.input_matrix(), algebra.output_matrix(), algebra.filter_matrix()
    outputs = out @ ((of_filter @ taps @ of_filter.T) * (into @ inputs @ into.T)) @ out.T
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (3, 3))
    expected = np.einsum("ijab,ab->ij", windows, taps)
    assert np.allclose(outputs, expected, rtol=1e-9, atol=1e-9 * (1 + np.abs(inputs).max() * np.abs(taps).max()))


def test_turned_filters_are_the_matrices_on_both_sides():
    taps = np.random.default_rng(0).standard_normal((9, 5, 7)).astype(np.float32)
    turned = algebra.turned_filters(taps)
    assert turned.shape == (36, 5, 7)
    matrix = algebra.filter_matrix()
    expected = matrix @ taps[:, 3, 2].reshape(3, 3) @ matrix.T
    assert np.allclose(turned[:, 3, 2].reshape(6, 6), expected, rtol=1e-6)


# ---- how weights lie ----


@given(hnp.arrays(np.float32, (7,), elements=st.floats(-(2.0**120), 2.0**120, width=32)))
def test_bf16_is_rounded_as_torch_does(numbers):
    numbers = np.append(numbers, np.float32([1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8), 0, -0.0, 1e-40]))
    ours = packing.factors(numbers, Target("small", "", lanes=4, vectors=2, rows=3, bf16=True))
    theirs = torch.from_numpy(numbers).bfloat16().view(torch.uint16).numpy()
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("bf16", [False, True])
def test_a_packed_matrix_has_each_weight_in_its_panel(bf16):
    target = Target("small", "", lanes=4, vectors=2, rows=3, bf16=bf16)
    weight = np.arange(16 * 6, dtype=np.float32).reshape(16, 6)  # small integers are exact in bf16
    packed = packing.pack_matrix(weight, target)
    assert packed.ctypes.data % packing.ALIGNMENT == 0
    pairs = 2 if bf16 else 1
    assert packed.shape == (2, 1, 6 // pairs, 8)
    halves = packed.view(np.uint16).reshape(2, 1, 3, 8, 2) if bf16 else packed[..., None]
    numbers = (halves.astype(np.uint32) << 16).view(np.float32) if bf16 else halves
    for output, channel in np.ndindex(*weight.shape):
        place = numbers[output // 8, 0, channel // pairs, output % 8, channel % pairs]
        assert place == weight[output, channel]


def test_packed_filters_are_the_turned_ones_whatever_the_number_of_workers():
    weight = np.random.default_rng(1).standard_normal((16, 6, 3, 3)).astype(np.float32)
    packed = packing.pack_convolution(weight, SMALL, workers=3)
    assert np.array_equal(packed, packing.pack_convolution(weight, SMALL))
    turned = algebra.turned_filters(weight.reshape(16, 6, 9).transpose(2, 0, 1))
    assert np.allclose(packed[1, :, 4, 3], turned[:, 11, 4])


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_numpy_keeps_to_one_thread_while_filters_are_packed_and_has_its_threads_back_after(monkeypatch):
    seen = []
    monkeypatch.setattr(filters, "pack_convolution", lambda weight, target, workers: seen.append(blas_threads()))
    monkeypatch.setattr(filters, "pack_matrix", lambda weight, target, workers=1: seen.append(blas_threads()))
    nothing = np.zeros((), np.float32)
    arrays = {f"{name}.weight": np.broadcast_to(nothing, shape) for name, shape in LAYER_SHAPES.items()}
    arrays |= {f"{name}.bias": np.broadcast_to(nothing, shape[:1]) for name, shape in LAYER_SHAPES.items()}

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        prepare(arrays, SMALL, workers=2)
        assert blas_threads() == before

    assert before
    assert set(before) == {2}
    assert seen == [[1] * len(before)] * 15  # 13 convolutions, 2 dense layers


# ---- which instructions ----


@pytest.mark.parametrize(
    ("precision", "features", "name"),
    [
        ("bf16", {"avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512bf16"}, "avx512bf16"),
        ("bf16", {"avx2", "fma", "avx512f", "avx512bw", "avx512vl"}, None),
        ("fp32", {"avx2", "fma", "avx512f", "avx512vl"}, "avx512"),
        ("fp32", {"avx2", "fma"}, "avx2"),
        ("fp32", {"avx2"}, None),
        ("fp32", set(), None),
    ],
)
def test_the_instructions_by_what_the_processor_has(precision, features, name):
    target = target_for(precision, features)
    assert (target.name if target else None) == name


def test_a_processor_that_cannot_is_said(monkeypatch):
    monkeypatch.setattr(engine_winograd, "host_features", lambda: {"avx2", "fma"})
    with pytest.raises(InputError, match="this processor cannot compute in bf16"):
        engine_winograd.WinogradEngine({}, EngineChoice("winograd", "cpu", "bf16", batch=1))


# ---- the network ----


@pytest.fixture(scope="module")
def arrays(random_network):
    return random_network.load()


@pytest.fixture(scope="module")
def images():
    """Four images: noise, which bf16 suits least; an impulse in each corner; a step up to the border; nothing."""
    generator = np.random.default_rng(5)
    pixels = np.zeros((4, 1, 224, 224), np.float32)
    pixels[0] = generator.random((1, 224, 224)) * 255
    pixels[1, 0, ::223, ::223] = 255
    pixels[2, 0, :, 200:] = 200
    return pixels


@pytest.fixture(scope="module")
def reference(arrays, images):
    return build(arrays)(torch.from_numpy(images)).numpy()


@pytest.fixture(scope="module")
def packed(arrays):
    """The weights as each instruction set wants them, packed once."""
    return functools.cache(lambda target: prepare(arrays, target, 2))


@pytest.fixture(scope="module")
def features(packed, images):
    """Features by each instruction set, computed once; a processor without AVX512 has one name for two."""
    found = {}

    def by(name):
        target = TARGETS[name]
        if target is None:
            pytest.skip(f"this processor lacks {name}")
        if target not in found:
            worker = Worker(packed(target), kernels.compiled(target), 4)
            found[target] = worker.run(images), worker
        return found[target]

    return by


def errors(features, reference):
    return np.linalg.norm(features - reference, axis=1) / np.linalg.norm(reference, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "largest"), [("avx2", 1e-5), ("avx512", 1e-5), ("avx512bf16", 1.2e-2)])
def test_features_are_those_of_torch_borders_included(features, reference, name, largest):
    ours, _ = features(name)
    assert ours.shape == reference.shape
    assert ours.dtype == np.float32
    assert ours.min() == 0
    assert errors(ours, reference).max() < largest


@pytest.mark.slow
def test_every_width_of_vectors_gives_the_same_bits(features):
    assert np.array_equal(features("avx2")[0], features("avx512")[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["avx2", "avx512bf16"])
def test_a_feature_depends_on_its_image_alone(features, images, name):
    """Also that a worker leaves nothing behind: an image after another gives what it gave before."""
    whole, worker = features(name)
    alone = np.concatenate([worker.run(images[number : number + 1]) for number in (3, 0, 2, 1)])
    assert np.array_equal(alone, whole[[3, 0, 2, 1]])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["avx2", "avx512", "avx512bf16"])
def test_what_is_not_finite_stays_so(features, images, name):
    """A feature store refuses such features; a ReLU that made zeros of them would hide a fault."""
    _, worker = features(name)
    pixels = images[:1].copy()
    pixels[0, 0, 100, 100] = np.nan
    assert np.isnan(worker.run(pixels)).any()
    assert np.isfinite(worker.run(images[:1])).all()


@pytest.fixture
def engine_packed(packed, monkeypatch):
    """Let an engine take the weights that are packed already."""
    monkeypatch.setattr(engine_winograd, "prepare", lambda arrays, target, workers: packed(target))


@pytest.mark.slow
@pytest.mark.usefixtures("engine_packed")
def test_an_engine_makes_room_for_what_comes(arrays, images, reference):
    if TARGETS["avx2"] is None:
        pytest.skip("this processor lacks avx2")
    engine = engine_winograd.WinogradEngine(arrays, EngineChoice("winograd", "cpu", "fp32", batch=3, streams=1))
    few, more, every = engine.stream([images[:1], images[:2], images])
    assert np.array_equal(few, more[:1])
    assert np.array_equal(more, every[:2])
    assert errors(every, reference).max() < 1e-5
    whole = images[:2].astype(np.uint8)
    bytes_, floats = engine.stream([whole, whole.astype(np.float32)])
    assert np.array_equal(bytes_, floats)


@pytest.mark.slow
@pytest.mark.usefixtures("engine_packed")
def test_too_little_memory_is_said(arrays, images, monkeypatch):
    def no_room(*_):
        raise MemoryError

    if TARGETS["avx2"] is None:
        pytest.skip("this processor lacks avx2")
    engine = engine_winograd.WinogradEngine(arrays, EngineChoice("winograd", "cpu", "fp32", batch=3, streams=1))
    monkeypatch.setattr(engine_winograd, "Worker", no_room)
    with pytest.raises(FlarescopeError, match="not enough memory for batches of 3 images"):
        list(engine.stream([images]))


@pytest.mark.slow
def test_the_channels_are_read_as_rgb(features, images, arrays):
    _, worker = features("avx2")
    colour = np.random.default_rng(8).random((1, 3, 224, 224)).astype(np.float32) * 255
    expected = build(arrays)(torch.from_numpy(colour)).numpy()
    assert errors(worker.run(colour), expected).max() < 1e-5
    assert errors(worker.run(colour[:, ::-1]), expected).max() > 1e-3
    grey = images[:1]
    assert np.array_equal(worker.run(np.repeat(grey, 3, axis=1)), worker.run(grey))
