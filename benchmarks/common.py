"""What do the benchmarks share: the machine's description, taking turns, medians, memory, and the table at the end?"""

import json
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = (
    "flarescope",
    "openvino",
    "llvmlite",
    "torch",
    "numpy",
    "tensorflow_cpu",
    "keras",
    "astropy",
    "scikit-image",
)


@dataclass
class Result:
    """What one benchmark found.

    Attributes:
        name: of the benchmark.
        what: that was measured, with its numbers.
        unit: of the samples; `images/s` is better when larger, `s` and `MB` when smaller.
        ours: samples.
        against: what the alternative is; empty where there is none.
        alternative: samples.
        target: the ratio that the project wants.
        limit: the largest of ours that it wants.
        note: what a reader has to know.
    """

    name: str
    what: str
    unit: str
    ours: list[float]
    against: str = ""
    alternative: list[float] = field(default_factory=list)
    target: float | None = None
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better ours is, by the medians."""
        if not self.alternative:
            return None
        ours, other = statistics.median(self.ours), statistics.median(self.alternative)
        return ours / other if self.unit == "images/s" else other / ours

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {**asdict(self), "ratio": self.ratio}


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, memory, what the processor computes in, versions."""
    import openvino

    core = openvino.Core()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    wanted = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")
    return {
        "processor": core.get_property("CPU", "FULL_DEVICE_NAME").strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "instructions": [name for name in wanted if name in flags],
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC",
        "load_at_start": os.getloadavg()[0],
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ModuleNotFoundError:
        return None


def take_turns(
    repeats: int, ours: Callable[[], float], alternative: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Measure both in turn, so that what else runs on the machine meets both."""
    samples: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        samples[0].append(ours())
        samples[1].append(alternative())
    return samples


def seconds(call: Callable[[], Any]) -> float:
    """Give the wall time of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def anonymous_mb() -> float:
    """Give this process's anonymous resident memory, MB: what is neither a mapped file nor shared."""
    status = Path("/proc/self/status").read_text()
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    return kib * 1024 / 1e6


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Sample the anonymous memory while the block runs; the list holds the growth of its peak, MB, at the end."""
    start, found, done = anonymous_mb(), [0.0], threading.Event()

    def sample() -> None:
        while not done.wait(0.02):
            found[0] = max(found[0], anonymous_mb() - start)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        found[0] = max(found[0], anonymous_mb() - start)


def table(results: Sequence[Result]) -> str:
    """Write the results as a Markdown table of medians and ratios."""
    lines = ["| what | ours | against | theirs | ratio | target |", "|---|---|---|---|---|---|"]
    for one in results:
        ours = f"{statistics.median(one.ours):,.4g} {one.unit}"
        theirs = f"{statistics.median(one.alternative):,.4g} {one.unit}" if one.alternative else "-"
        ratio = f"{one.ratio:,.3g}x" if one.ratio is not None else "-"
        wanted = f"{one.target:g}x" if one.target is not None else "-"
        if one.limit is not None:
            wanted = f"< {one.limit:g} {one.unit}"
        lines.append(f"| {one.what} | {ours} | {one.against or '-'} | {theirs} | {ratio} | {wanted} |")
    return "\n".join(lines)


def save(results: Sequence[Result], path: Path, description: dict[str, Any]) -> None:
    """Write machine and results as JSON."""
    text = json.dumps({"machine": description, "results": [one.to_json() for one in results]}, indent=1)
    temporary = path.with_suffix(".part")
    temporary.write_text(text + "\n")
    temporary.replace(path)
