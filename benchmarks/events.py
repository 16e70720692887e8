"""What do heads of several events cost beside one, trained on the same features in one pass: time and memory?

The rows are random numbers, no features of the Sun: 4,096 a row, half of them 0, kept as a store keeps them, in float16
or float32. One head and six heads are trained for an epoch in turns, each in a process of its own, for its peak memory.

    python benchmarks/events.py --rows 760000 --store float16 --repeats 3 --json events.json
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from flarescope.backbones.vgg16 import FEATURES
from flarescope.features.gather import FeatureRows
from flarescope.features.half import encode
from flarescope.features.store import SHARD_ROWS
from flarescope.heads.adam import State
from flarescope.heads.head import Recipe, glorot_head
from flarescope.heads.together import train_together

RATES = (0.2, 0.05, 0.01, 0.3, 0.1, 0.02)
"""How many of the rows each of the six events has: as C1.0, M1.0 and X1.0 within 24 and 48 hours might."""

LOOK_EVERY = 500
"""Steps after which the memory is looked at."""


def write_rows(folder: Path, rows: int, features: int, store: str) -> None:
    """Write random rows as a store of this type keeps them, and their exponents."""
    generator = np.random.default_rng(0)
    kept = np.float16 if store == "float16" else np.float32
    mapped = np.lib.format.open_memmap(folder / "rows.npy", "w+", kept, (rows, features))
    exponents = np.zeros(rows, np.int8)
    for start in range(0, rows, SHARD_ROWS):
        part = np.maximum(generator.standard_normal((min(SHARD_ROWS, rows - start), features), np.float32), 0)
        if store == "float16":
            exponents[start : start + len(part)] = encode(part, mapped[start : start + len(part)])
        else:
            mapped[start : start + len(part)] = part
    mapped.flush()
    np.save(folder / "exponents.npy", exponents)


def read_rows(folder: Path) -> tuple[FeatureRows, int]:
    """Map the rows as the shards of a store; give them and their width."""
    mapped, exponents = np.load(folder / "rows.npy", mmap_mode="r"), np.load(folder / "exponents.npy")
    number = np.arange(len(mapped))
    maps = [np.asarray(mapped[start : start + SHARD_ROWS]) for start in range(0, len(mapped), SHARD_ROWS)]
    half = exponents if mapped.dtype == np.float16 else None
    return FeatureRows(maps, number // SHARD_ROWS, number % SHARD_ROWS, half), mapped.shape[1]


def epoch(folder: Path, heads: int) -> None:
    """Train so many heads for an epoch and print seconds and the largest memory on the way, MB."""
    rows, width = read_rows(folder)
    generator = np.random.default_rng(1)
    labels = [(generator.random(len(rows), np.float32) < rate).astype(np.int8) for rate in RATES[:heads]]
    recipes = [Recipe(class_weight=(1.0, 1 / rate - 1)) for rate in RATES[:heads]]
    states = [State.start(glorot_head(width, 0)) for _ in recipes]
    steps, seen = itertools.count(), []

    def look(_: int) -> None:
        if next(steps) % LOOK_EVERY == 0:
            seen.append(memory_mb())

    began = time.perf_counter()
    train_together(states, rows, labels, recipes, progress=look)
    took = time.perf_counter() - began
    seen.append(memory_mb())
    print(json.dumps({"seconds": took} | {name: max(one[name] for one in seen) for name in seen[0]}))


def memory_mb() -> dict[str, float]:
    """Give the resident memory that no file backs, and that plus what is not the mapped rows: libraries, MB (Linux)."""
    anonymous, all_but_rows, rows = 0, 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, _, value = line.partition(":")
        if " " in name:
            rows = line.endswith("rows.npy")
        elif name == "Anonymous":
            anonymous += int(value.split()[0])
        elif name == "Rss" and not rows:
            all_but_rows += int(value.split()[0])
    return {"anonymous_mb": anonymous / 1024, "all_but_rows_mb": all_but_rows / 1024}


def main() -> None:
    """Measure one head and six in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=FEATURES)
    parser.add_argument("--store", choices=("float16", "float32"), default="float16")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", type=Path, default=None, help="a folder with room for the rows")
    parser.add_argument("--epoch", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    if options.epoch:
        epoch(options.work, options.epoch)
        return
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        write_rows(Path(folder), options.rows, options.features, options.store)
        found: dict[int, list[dict[str, float]]] = {1: [], len(RATES): []}
        for _ in range(options.repeats):
            for heads, results in found.items():
                words = [sys.executable, __file__, "--work", folder, "--epoch", str(heads)]
                results.append(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))
                print(heads, results[-1], flush=True)
    best = {heads: min(one["seconds"] for one in results) for heads, results in found.items()}
    memory = {
        name: {heads: statistics.median(one[name] for one in results) for heads, results in found.items()}
        for name in ("anonymous_mb", "all_but_rows_mb")
    }
    ratios = {f"ratio_{name}": values[len(RATES)] / values[1] for name, values in memory.items()}
    summary = {"rows": options.rows, "store": options.store, "seconds": best, "ratio": best[len(RATES)] / best[1]}
    summary |= memory | ratios
    print(json.dumps(summary))
    if options.json:
        options.json.write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
