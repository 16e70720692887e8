"""How long does an epoch of the head take, and how long in a plain PyTorch loop on the same rows?

The rows are random numbers, no features of the Sun: 4,096 a row, half of them 0. Both train on the same file, mapped
into memory and read once beforehand, in turns.

    python benchmarks/head_epoch.py --rows 100000 --repeats 5 --json head_epoch.json
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from flarescope.backbones.vgg16 import FEATURES
from flarescope.features.gather import FeatureRows
from flarescope.features.store import SHARD_ROWS
from flarescope.heads.adam import State, epoch_order
from flarescope.heads.head import Recipe, glorot_head
from flarescope.heads.together import train_epoch

RECIPE = Recipe(class_weight=(1.0, 4.08785))


def write_rows(path: Path, rows: int) -> np.ndarray:
    """Write random rows and map them, `(rows, 4096)` float32."""
    generator = np.random.default_rng(0)
    mapped = np.lib.format.open_memmap(path, "w+", np.float32, (rows, FEATURES))
    for start in range(0, rows, SHARD_ROWS):
        part = generator.standard_normal((min(SHARD_ROWS, rows - start), FEATURES), np.float32)
        mapped[start : start + len(part)] = np.maximum(part, 0)
    mapped.flush()
    return np.asarray(np.load(path, mmap_mode="r"))


def epoch_of_ours(mapped: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    """Give our epoch on the rows, which it sees as the shards of a store."""
    number = np.arange(len(mapped))
    maps = [np.asarray(mapped[start : start + SHARD_ROWS]) for start in range(0, len(mapped), SHARD_ROWS)]
    rows = FeatureRows(maps, number // SHARD_ROWS, number % SHARD_ROWS)
    state = State.start(glorot_head(FEATURES, 0))
    return lambda: void(train_epoch(state, rows, labels, RECIPE))


def epoch_of_torch(mapped: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    """Give an epoch as one would write it in PyTorch, without a DataLoader: index, forward, backward, step.

    On one thread: for products this small a second one costs more than it gives, on a shared machine many times more.
    """
    torch.set_num_threads(1)
    array, targets = np.asarray(mapped), torch.from_numpy(labels)

    def epoch() -> None:
        layer = torch.nn.Linear(FEATURES, 2)
        optimiser = torch.optim.Adam(layer.parameters(), lr=RECIPE.learning_rate, eps=RECIPE.epsilon)
        weight = torch.tensor(RECIPE.class_weight)
        order = epoch_order(len(array), RECIPE, 1)
        for start in range(0, len(order), RECIPE.batch):
            index = order[start : start + RECIPE.batch]
            logits = layer(torch.from_numpy(array[index]))
            loss = torch.nn.functional.cross_entropy(logits, targets[index], weight)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return epoch


def void(_: object) -> None:
    """Take a result and give none."""


def seconds(run: Callable[[], None]) -> float:
    """Give the wall time of a call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(rows: int, repeats: int) -> dict[str, Any]:
    """Time epochs in turns, after one of each that is not counted.

    Args:
        rows: of 16 KiB each.
        repeats: counted epochs of each.

    Returns:
        `name`; `ours` and `alternative`, each with `unit` and `samples`.
    """
    with tempfile.TemporaryDirectory() as folder:
        mapped = write_rows(Path(folder) / "rows.npy", rows)
        labels = (np.random.default_rng(1).random(rows) < 0.2).astype(np.int64)
        ours, theirs = epoch_of_ours(mapped, labels), epoch_of_torch(mapped, labels)
        for warm_up in (ours, theirs):
            warm_up()
        samples = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return {
        "name": f"an epoch of the head on {rows:,} rows",
        "ours": {"unit": "s", "samples": [own for own, _ in samples]},
        "alternative": {"unit": "s", "samples": [other for _, other in samples]},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="random rows; 760000 take 12.4 GB of disk")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the samples")
    given = parser.parse_args()
    found = measure(given.rows, given.repeats)
    ours, theirs = (statistics.median(found[name]["samples"]) for name in ("ours", "alternative"))
    print(
        f"{found['name']}: flarescope {ours:.2f} s, plain PyTorch {theirs:.2f} s, {theirs / ours:.1f} times (medians)"
    )
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
