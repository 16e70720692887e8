"""Do the benchmarks' own sums hold, and do they say so where they cannot measure?"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flarescope.model.vgg_torch import VGG16

GPU = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def gpu():
    spec = importlib.util.spec_from_file_location("gpu", GPU)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_gpu_it_says_so_and_ends_with_2(gpu, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--seconds", "1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "benchmarks/gpu.py: PyTorch finds no CUDA GPU on this machine; nothing was measured\n"


def test_an_image_is_31_gflop_as_pytorch_counts_them_too(gpu):
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        VGG16()(torch.empty(1, 1, 224, 224))
    assert gpu.flop_per_image() == counter.get_total_flops() == 30_932_336_640
    assert gpu.share(1000, 2 * 1000 * 30_932_336_640) == 0.5


class FakeEngine:
    def stream(self, batches):
        for batch in batches:
            yield np.zeros((len(batch), 3), np.float32)


def test_the_rate_counts_images_behind_the_warm_batches(gpu, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: next(clock))  # a batch a second
    batches = (np.zeros((5, 1)) for _ in range(100))
    assert gpu.images_per_second(FakeEngine(), batches, warm=2, seconds=4) == 5
    assert next(batches) is not None  # it stopped by itself


def test_the_files_are_read_over_and_over(gpu, tmp_path):
    files = gpu.write_files(tmp_path, 16)
    assert len(files) == 16
    stream = gpu.from_files(files, 12, workers=0)
    first, second = next(stream), next(stream)
    assert first.shape == (12, 1, 224, 224)
    assert np.array_equal(second[4:], first[:8])  # the 17th image is the first again
    stream.close()
