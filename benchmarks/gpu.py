"""How many images a second does VGG16 take on this GPU, and what share of the card's matrix rate is that?

    python benchmarks/gpu.py --json gpu.json

Three rates, for each precision and batch, with the network launched as a graph and kernel by kernel: the engine alone
with pixels that lie in memory; the same behind the reader, from a folder of synthetic PNG files; and the card's own,
the largest that a multiplication of two square matrices reaches in that precision. Then steps of fine-tuning on pixels
from memory, with what memory they take. It needs a CUDA GPU.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from flarescope.backbones.vgg16 import IMAGE_SIZE, LAYER_SHAPES
from flarescope.backbones.weights import random_weights
from flarescope.engines.base import Engine, EngineChoice
from flarescope.engines.cuda.cuda_calls import exact_fp32
from flarescope.engines.cuda.lane_cuda import CudaLane
from flarescope.engines.cuda.lanes import Network
from flarescope.engines.torch import TorchEngine
from flarescope.errors import FlarescopeError
from flarescope.features.batching import stack
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.images.reading import read_ahead, read_image
from flarescope.images.render import Rendering
from flarescope.synthetic.files import write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def flop_per_image() -> int:
    """Count multiplications and additions of one image: two for each weight, as often as it is used."""
    flop = 0
    for name, shape in LAYER_SHAPES.items():
        side = IMAGE_SIZE >> (int(name[5]) - 1) if len(shape) == 4 else 1
        flop += 2 * int(np.prod(shape)) * side * side
    return flop


def share(images_per_s: float, matrix_flop_per_s: float) -> float:
    """Give the part of the card's matrix rate that so many images a second are."""
    return images_per_s * flop_per_image() / matrix_flop_per_s


def matrix_rate(precision: str, size: int, seconds: float) -> float:
    """Measure the largest rate, in FLOP/s, of a product of two square matrices."""
    left, right = (torch.randn(size, size, device="cuda", dtype=DTYPES[precision]) for _ in range(2))
    best, until = 0.0, time.perf_counter() + seconds
    with exact_fp32():
        for _ in range(3):
            left @ right
        while time.perf_counter() < until:
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(5):
                left @ right
            torch.cuda.synchronize()
            best = max(best, 5 * 2 * size**3 / (time.perf_counter() - start))
    return best


def images_per_second(engine: Engine, batches: Iterable[np.ndarray], *, warm: int, seconds: float) -> float:
    """Measure the rate at which features arrive, from the end of the first `warm` batches on.

    Args:
        engine: takes the batches.
        batches: more of them than `seconds` need, or as many as there are.
        warm: batches that are not counted: kernels are chosen and graphs recorded in them.
        seconds: to measure for, at least one batch.
    """
    images = 0
    start = end = time.perf_counter()
    with closing(engine.stream(batches)) as stream:  # type: ignore[type-var]
        for number, features in enumerate(stream):
            end = time.perf_counter()
            if number < warm:
                start = end
                continue
            images += len(features)
            if end - start >= seconds:
                break
    return images / (end - start) if images else float("nan")


def from_memory(batch: int) -> Iterator[np.ndarray]:
    """Give the same four batches of random pixels `(batch, 1, 224, 224)` float32, without end."""
    generator = np.random.default_rng(0)
    held = [generator.random((batch, 1, IMAGE_SIZE, IMAGE_SIZE), np.float32) * 255 for _ in range(4)]
    while True:
        yield from held


def from_files(files: Sequence[Path], batch: int, workers: int) -> Iterator[np.ndarray]:
    """Read the files, over and over, as the program does."""

    def over_and_over() -> Iterator[Path]:
        while True:
            yield from files

    read = partial(read_image, rendering=Rendering("reference-png"))
    with closing(read_ahead(over_and_over(), read, workers=workers)) as stream:
        while True:
            yield stack(list(islice(stream, batch)))


def write_files(folder: Path, images: int) -> list[Path]:
    """Write so many synthetic PNG files, or a few more."""
    per_region = 16
    regions = synthetic_regions(-(-images // per_region), images_per_region=per_region, seed=0)
    files = write_synthetic_images(folder, regions, images_per_region=per_region, formats=["png"])
    return [folder / file for file in files]


def measure(
    choice: EngineChoice, *, graphs: bool, files: Sequence[Path], options: argparse.Namespace
) -> dict[str, Any]:
    """Measure one combination; where the card has no room, the row says so."""
    lanes: list[CudaLane] = []

    def lane(network: Network, choice: EngineChoice) -> CudaLane:
        lanes.append(CudaLane(network, choice.batch, graphs=graphs))
        return lanes[0]

    row: dict[str, Any] = {"precision": choice.precision, "batch": choice.batch, "graphs": graphs}
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    try:
        engine = TorchEngine(random_weights(0).load(), choice, lane=lane)
        run = {"warm": 6, "seconds": options.seconds}
        row["memory_images_per_s"] = images_per_second(engine, from_memory(choice.batch), **run)
        if files:
            row["png_images_per_s"] = images_per_second(engine, from_files(files, choice.batch, options.workers), **run)
    except FlarescopeError as error:
        return {**row, "error": str(error)}
    return {**row, "gpu_gib": torch.cuda.max_memory_reserved() / 2**30, "no_graph_because": lanes[0].network.failure}


def tuning_rate(start: str, precision: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure steps of fine-tuning on pixels from memory; where the card has no room, the row says so."""
    from finetune import stepping, training_of

    recipe = TuneRecipe(start=start, precision=precision, batch=options.tuning_batch)
    pixels, images = next(from_memory(recipe.batch)), 0
    row: dict[str, Any] = {"from": start, "precision": precision, "batch": recipe.batch}
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    try:
        steps = stepping(training_of(random_weights(0), recipe, torch.device("cuda")), torch.from_numpy(pixels))
        for _ in range(3):  # kernels are chosen
            next(steps)
        torch.cuda.synchronize()
        start_s = time.perf_counter()
        while time.perf_counter() - start_s < options.seconds:
            next(steps)  # it waits for the log-odds
            images += recipe.batch
    except torch.OutOfMemoryError:
        return {**row, "error": "no room"}
    row["images_per_s"] = images / (time.perf_counter() - start_s)
    return {**row, "gpu_gib": torch.cuda.max_memory_reserved() / 2**30}


def show(row: dict[str, Any], rates: dict[str, float]) -> None:
    """Print one row."""
    head = f"{row['precision']}  batch {row['batch']:4d}  {'graph ' if row['graphs'] else 'eager '}"
    if "error" in row:
        print(f"{head} {row['error']}")
        return
    row["share_of_matrix_rate"] = share(row["memory_images_per_s"], rates[row["precision"]])
    row["share_of_bf16_matrix_rate"] = share(row["memory_images_per_s"], rates["bf16"])
    png = f"{row['png_images_per_s']:9.1f} from PNG" if "png_images_per_s" in row else ""
    note = f"  no graph: {row['no_graph_because']}" if row["no_graph_because"] else ""
    print(
        f"{head} {row['memory_images_per_s']:9.1f} images/s {png}  {row['share_of_matrix_rate']:5.1%} of the "
        f"{row['precision']} matrix rate, {row['share_of_bf16_matrix_rate']:5.1%} of bf16's  "
        f"{row['gpu_gib']:.1f} GiB{note}",
        flush=True,
    )


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 64, 128, 256, 512])
    parser.add_argument("--precisions", nargs="+", choices=list(DTYPES), default=list(DTYPES))
    parser.add_argument("--seconds", type=float, default=5.0, help="to measure each rate for")
    parser.add_argument("--images", type=int, default=512, help="synthetic PNG files to write; 0 leaves that part out")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="threads that read PNG files")
    parser.add_argument("--matrix", type=int, default=8192, help="rows of the square matrices")
    parser.add_argument("--tuning", nargs="*", default=["last:2", "block5", "all"], help="--from of fine-tuning steps")
    parser.add_argument("--tuning-batch", type=int, default=64)
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure everything and print it; 2 where there is no CUDA GPU."""
    options = arguments(argv)
    if not torch.cuda.is_available():
        print("benchmarks/gpu.py: PyTorch finds no CUDA GPU on this machine; nothing was measured", file=sys.stderr)
        return 2
    rates = {name: matrix_rate(name, options.matrix, options.seconds) for name in DTYPES}
    card, versions = torch.cuda.get_device_name(), {"torch": torch.__version__, "cuda": torch.version.cuda}
    print(f"{card}, torch {versions['torch']}; an image is {flop_per_image() / 1e9:.1f} GFLOP")
    print("matrix rate: " + ", ".join(f"{name} {rate / 1e12:.1f} TFLOP/s" for name, rate in rates.items()), flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), options.images) if options.images else []
        for precision in options.precisions:
            for batch in options.batches:
                choice = EngineChoice("torch", "cuda", precision, batch)
                for graphs in (True, False):
                    rows.append(measure(choice, graphs=graphs, files=files, options=options))
                    show(rows[-1], rates)
    tuning = [tuning_rate(start, one, options) for start in options.tuning for one in options.precisions]
    for row in tuning:
        found = row.get("error") or f"{row['images_per_s']:.1f} images/s, {row['gpu_gib']:.1f} GiB"
        print(f"fine-tuning --from {row['from']}  {row['precision']}  batch {row['batch']}  {found}", flush=True)
    if options.json:
        result = {"card": card, "versions": versions, "matrix_flop_per_s": rates, "flop_per_image": flop_per_image()}
        result |= {"rows": rows, "tuning": tuning}
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
