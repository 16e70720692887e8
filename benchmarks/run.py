"""How fast is flarescope beside what a user would run instead? Everything but the GPU, one table.

    make bench                                   # an hour and a quarter on 2 cores
    .venv/bin/python benchmarks/run.py --quick   # minutes: fewer images, good for a look and not for a figure

Ours and the alternative take turns on the same files in one process tree. The table is printed; the samples, the
machine and the versions go to a JSON file. Synthetic images, random filters and made features, all called so: speed and
memory depend on none of them.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import commands
import experiments
import made
import memory
import passes
import small_network
from common import Result, machine, save, table
from keras_process import KerasProcess


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        images: of each pass.
        experiment: images of the whole experiments.
        repeats: of everything that is repeated.
        few: images of the short pass.
        many: images of the long pass.
        unread: images of the pass whose memory is measured.
        rows: of the training whose memory is measured.
        epoch_rows: of the epoch that is compared with PyTorch.
        evaluated: rows of the evaluation.
        labelled: regions, of 600 images each, whose images are labelled.
    """

    images: int = 512
    experiment: int = 1000
    repeats: int = 3
    few: int = 1_000
    many: int = 20_000
    unread: int = 100_000
    rows: int = 760_000
    epoch_rows: int = 200_000
    evaluated: int = commands.EVALUATED
    labelled: int = 1667


QUICK = Size(
    images=64,
    experiment=80,
    repeats=2,
    few=64,
    many=320,
    unread=2_000,
    rows=20_000,
    epoch_rows=20_000,
    evaluated=5_000,
    labelled=50,
)
ENGINES = ({}, {"precision": "fp32"}, {"engine": "openvino"})
"""Which are compared with OpenVINO's own throughput."""

NAMES = ("commands", "fits", "head", "passes", "small", "experiments", "memory", "growth")


def _script(name: str, work: Path, *arguments: object) -> dict[str, Any]:
    """Run a benchmark that sets up its own process, and give what it found."""
    found = work / f"{name}.json"
    command = [sys.executable, Path(__file__).with_name(f"{name}.py"), *arguments, "--json", found]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    read: dict[str, Any] = json.loads(found.read_text())
    return read


def _fits(work: Path, size: Size) -> Result:
    root, files = made.images(work / "images", 16, fits=True)
    some = [root / name for name in files["filename"]]
    found = _script("fits_to_pixels", work, *some, "--repeats", size.repeats * 2)
    return Result(
        "fits_to_pixels",
        "FITS 600x600, Rice-compressed, to pixels, one core",
        found["ours"]["unit"],
        found["ours"]["samples"],
        "astropy and scikit-image on three channels",
        found["alternative"]["samples"],
        target=3,
        note=f"largest difference of a pixel {found['difference']:.1g} of 0..255",
    )


def _head(work: Path, size: Size) -> Result:
    found = _script("head_epoch", work, "--rows", size.epoch_rows, "--repeats", size.repeats)
    return Result(
        "head_epoch",
        f"one epoch of the head on {size.epoch_rows:,} cached features, batches of 64",
        found["ours"]["unit"],
        found["ours"]["samples"],
        "a plain PyTorch loop on the same memory map, one thread (more were slower)",
        found["alternative"]["samples"],
        note="random features; ours computes on one thread and copies on another",
    )


def measure(names: Sequence[str], work: Path, size: Size, heard: Callable[[Result], None]) -> None:
    """Run the benchmarks of these names, and tell of each result as it comes."""
    weights = made.random_filters(work / "cache")
    keras = KerasProcess() if {"passes", "experiments"} & set(names) else None

    def run(name: str) -> Iterator[Result]:
        if name == "commands":
            yield from commands.first_forecast(work, weights, repeats=size.repeats)
            yield commands.evaluation(work, weights, repeats=size.repeats, rows=size.evaluated)
            yield commands.labelling(work, repeats=size.repeats, regions=size.labelled)
        elif name == "fits":
            yield _fits(work, size)
        elif name == "head":
            yield _head(work, size)
        elif name == "passes":
            assert keras
            common = {"images": size.images, "repeats": size.repeats}
            for precision in ("auto", "fp32"):
                yield passes.against_keras(work, weights, keras=keras, precision=precision, **common)
            for setting in ENGINES:
                yield passes.engine_alone(work, weights, **setting, **common)
            for fits in (False, True):
                yield passes.file_to_feature(work, weights, fits=fits, **common)
        elif name == "small":
            for fits in (False, True):
                images = size.images if fits else 4 * size.images  # some ten seconds, as of VGG16
                yield from small_network.from_files(work, images=images, repeats=size.repeats, in_fits=fits)
            yield from memory.of_networks(work, images=size.images * 6)
        elif name == "experiments":
            assert keras
            yield from experiments.experiments(work, images=size.experiment, repeats=size.repeats, keras=keras)
        elif name == "memory":
            yield from memory.memory(work, images=size.unread, rows=size.rows)
        else:
            yield memory.growth(work, weights, few=size.few, many=size.many)

    for name in names:
        for result in run(name):
            heard(result)
    if keras:
        keras.end()


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="these benchmarks")
    parser.add_argument("--quick", action="store_true", help="fewer images: a look, no figure")
    parser.add_argument("--work", type=Path, default=Path("bench-work"), help="folder for files, 30 GB; kept")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="samples, machine and versions")
    chosen = parser.parse_args()
    description, results = machine(), list[Result]()
    for name, value in description.items():
        print(f"{name}: {value}")

    def heard(result: Result) -> None:
        results.append(result)
        save(results, chosen.json, description)
        print(f"\n{table([result])}", flush=True)

    chosen.work.mkdir(parents=True, exist_ok=True)
    measure(chosen.only, chosen.work.resolve(), QUICK if chosen.quick else Size(), heard)
    print(f"\n{table(results)}\n\nwritten to {chosen.json}")


if __name__ == "__main__":
    main()
