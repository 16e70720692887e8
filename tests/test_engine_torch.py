"""Does the PyTorch engine compute VGG16, and does a device that fails say so in one line?"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from fake_cuda import FakeCuda
from flarescope.backbones.vgg16_torch import build
from flarescope.engines.base import EngineChoice
from flarescope.engines.cuda.lane_cuda import CudaLane
from flarescope.engines.torch import TorchEngine, device_error
from flarescope.errors import FlarescopeError, InputError

CPU = EngineChoice("torch", "cpu", "fp32", batch=4)
BF16 = EngineChoice("torch", "cpu", "bf16", batch=4)
CUDA = EngineChoice("torch", "cuda", "bf16", batch=256)


def some_pixels(images, side=224):
    return (np.random.default_rng(5).random((images, 1, side, side)) * 255).astype(np.float32)


def relative_error(features, reference):
    return np.linalg.norm(features - reference) / np.linalg.norm(reference)


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_the_engine_and_a_padded_batch_give_what_the_network_gives(random_network):
    arrays, pixels = random_network.load(), some_pixels(2)
    with torch.inference_mode():
        reference = build(arrays)(torch.from_numpy(pixels)).numpy()
    (ours,) = TorchEngine(arrays, CPU).stream([pixels[:1]])
    assert ours.dtype == np.float32
    with FakeCuda() as fake:
        three = replace(CPU, batch=3)
        engine = TorchEngine(arrays, three, lane=lambda network, choice: CudaLane(network, choice.batch, cuda=fake))
        (padded,) = engine.stream([pixels])  # two images in three rows
    assert padded.shape == (2, 4096)
    for one, other in zip([*ours, *padded], [*reference[:1], *reference], strict=True):
        assert relative_error(one, other) < 1e-5  # other layouts, other order of adding
    assert fake.races == []


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_whole_numbers_may_come_as_bytes(random_network):
    arrays, pixels = random_network.load(), some_pixels(1).astype(np.uint8)
    as_bytes, as_floats = TorchEngine(arrays, CPU).stream([pixels, pixels.astype(np.float32)])
    assert np.array_equal(as_bytes, as_floats)


class Small(nn.Module):
    """Stands in for VGG16; `error` is raised at the second batch."""

    def __init__(self, error=None):
        super().__init__()
        self.layer = nn.Conv2d(1, 5, 8)
        self.requires_grad_(False)
        self.error = error
        self.batches = 0

    def forward(self, pixels, dtype):
        self.batches += 1
        if self.error and self.batches == 2:
            raise self.error
        return self.layer(pixels.to(dtype)).flatten(1)


def engine_of(module, choice=CPU):
    return TorchEngine({}, choice, module=lambda arrays: module)


def test_the_precision_is_the_networks_and_features_are_float32():
    torch.manual_seed(0)
    module, pixels = Small(), some_pixels(4, 8)
    (exact,) = engine_of(module).stream([pixels])
    (rounded,) = engine_of(module, BF16).stream([pixels])
    assert module.layer.weight.dtype == torch.bfloat16
    assert module.layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert rounded.dtype == exact.dtype == np.float32
    assert 1e-4 < relative_error(rounded, exact) < 1e-2


def test_read_only_and_strided_pixels_are_taken():
    pixels = some_pixels(4, 8)
    read_only = pixels.copy()
    read_only.setflags(write=False)
    every = list(engine_of(Small()).stream([pixels, read_only, pixels[::-1]]))
    assert np.array_equal(every[0], every[1])
    assert np.allclose(every[0][::-1], every[2], rtol=1e-6)


def test_nothing_of_the_engine_is_switched_on_between_two_batches():
    for _ in engine_of(Small()).stream([some_pixels(1, 8)] * 2):
        assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.06 GiB.\nSee documentation"),
            "torch on cpu: no room for batches of 4 images in fp32; take fewer, as --engine-batch 2, "
            "or end what else uses its memory",
        ),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
            "torch on cpu: no room for batches of 4 images in fp32; take fewer, as --engine-batch 2, "
            "or end what else uses its memory",
        ),
        (
            RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported elsewhere"),
            "torch on cpu: the device failed (CUDA error: unspecified launch failure); run the same command again,"
            " finished features are kept, or take another --engine",
        ),
    ],
)
def test_a_device_that_fails_says_so_in_one_line(error, line):
    stream = engine_of(Small(error)).stream([some_pixels(4, 8)] * 3)
    assert next(stream).shape == (4, 5)
    with pytest.raises(FlarescopeError) as caught:
        next(stream)
    assert str(caught.value) == line
    assert caught.value.__cause__ is error


def test_an_error_that_is_not_the_devices_stays_what_it_is():
    mistake = RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x5 and 6x7)")
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(engine_of(Small(mistake)).stream([some_pixels(4, 8)] * 2))

    def batches():
        yield some_pixels(4, 8)
        raise InputError("b.png: not an image")

    with pytest.raises(InputError, match=r"b\.png"):
        list(engine_of(Small()).stream(batches()))


def test_weights_that_the_device_has_no_room_for_say_so():
    def refuse(arrays):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(FlarescopeError, match="batches of 4 images in fp32; take fewer, as --engine-batch 2"):
        TorchEngine({}, CPU, module=refuse)


def test_a_single_image_that_does_not_fit_is_said_as_it_is():
    line = device_error(RuntimeError("CUDA out of memory."), EngineChoice("torch", "cuda", "fp32", batch=1))
    assert line.endswith("in fp32; nothing smaller is left: end what else uses its memory, or take another --engine")


def test_a_lost_gpu_is_named_without_asking_it():
    assert device_error(RuntimeError("CUDA error: the launch timed out"), CUDA).startswith("torch on cuda: the device")
