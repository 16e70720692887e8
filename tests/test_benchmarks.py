"""Do the benchmarks' own sums hold, and do they say so where they cannot measure?"""

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flarescope.backbones.base import Weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.vgg16_torch import VGG16Module
from flarescope.catalog.file_names import region_and_time

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
        VGG16Module()(torch.empty(1, 1, 224, 224))
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


@pytest.fixture
def beside(monkeypatch):
    """Let the benchmarks find each other as they do when one is run."""
    monkeypatch.syspath_prepend(str(GPU.parent))
    yield importlib.import_module
    for name in ("common", "made", "memory", "commands"):
        sys.modules.pop(name, None)


def test_a_ratio_above_one_is_always_in_our_favour(beside):
    common = beside("common")
    rate = common.Result("r", "rate", "images/s", [20.0, 30.0, 40.0], "theirs", [10.0], target=2)
    time = common.Result("t", "time", "s", [2.0], "theirs", [8.0, 10.0, 12.0], target=7)
    alone = common.Result("m", "memory", "MB", [150.0], limit=300)
    assert (rate.ratio, time.ratio, alone.ratio) == (3, 5, None)
    lines = common.table([rate, time, alone]).splitlines()
    assert lines[2] == "| rate | 30 images/s | theirs | 10 images/s | 3x | 2x |"
    assert lines[4] == "| memory | 150 MB | - | - | - | < 300 MB |"


def test_made_names_are_files_of_as_many_regions_and_the_split_is_by_region(beside, tmp_path):
    made = beside("made")
    source = tmp_path / "one.png"
    source.write_bytes(b"an image")
    names = made.linked_images(tmp_path / "images", source, 20, 90)
    assert len(set(names)) == 90
    assert all((tmp_path / "images" / name).read_bytes() == b"an image" for name in names)
    named = region_and_time(pd.Series(names, dtype="str"))
    assert named["noaa_ar"].nunique() == 20
    assert named["time"].notna().all()
    parts = {name: pd.read_csv(path) for name, path in made.split(made.labelled(names), tmp_path).items()}
    regions = {name: set(part["filename"].str[:4]) for name, part in parts.items()}
    assert [len(found) for found in regions.values()] == [16, 2, 2]
    assert len(set.union(*regions.values())) == 20
    assert sum(map(len, parts.values())) == 90


def test_as_many_rows_are_trained_on_as_the_memory_benchmark_says(beside, tmp_path, monkeypatch):
    memory = beside("memory")
    source = tmp_path / "one.png"
    source.write_bytes(b"an image")
    monkeypatch.setattr(
        memory.made, "images", lambda folder, number: (tmp_path, pd.DataFrame({"filename": ["one.png"]}))
    )
    monkeypatch.setattr(memory.made, "fill_made", lambda store, names, root, labels: None)
    monkeypatch.setattr(memory, "VALIDATION_ROWS", 50)
    memory.make_training(tmp_path, 3_000, Weights("made", "sha256:" + "0" * 64, dict, VGG16))
    tables = {name: pd.read_csv(tmp_path / "trained" / f"{name}.csv") for name in ("train", "validation")}
    assert [len(table) for table in tables.values()] == [3_000, 50]
    regions = [set(table["filename"].str[:4]) for table in tables.values()]
    assert not regions[0] & regions[1]


def test_a_series_of_known_skill_is_held_by_most_intervals_of_its_blocks(beside):
    blocks = beside("block_coverage")
    sys.modules.pop("interval_coverage", None)
    labels, probability = blocks.draw("weeks", np.random.default_rng(0), 200_000)
    assert labels.mean() == pytest.approx(blocks.RATE, abs=0.01)
    memory = blocks.error_memory(blocks.series_times(25_000), probability - labels)
    assert 60 < memory.hours < 140
    assert memory.autocorrelation[0] == pytest.approx(0.3, abs=0.04)  # at 24 hours
    found = blocks.coverage("weeks", 320, trials=4)
    assert found["chosen"] == {"carrington": 4}
    assert found["held"]["auto"] == found["held"]["carrington"]
    assert all(share >= 0.75 for share in found["held"]["auto"].values())
