"""Does any input make a reader raise something other than the program's own errors, crash, hang or fill the memory?

    python -m tests.fuzz.run --target keras-h5 --minutes 30
    python -m tests.fuzz.run --target all --minutes 30 --jobs 2 --corpus /tmp/corpus
    python -m tests.fuzz.run --target all --inputs 100
    python -m tests.fuzz.run --list
    python -m tests.fuzz.run --table --corpus /tmp/corpus

Each input is made from whole files (see `mutate`) by its number alone and the inputs that were kept before, so that a
run goes on where the last one of the same corpus folder stopped. Minutes are of the readers' processor time, since the
machine may have other work. What is wrong is kept in `<corpus>/<target>/found`;
what was mended gets a test in `tests/test_hostile_files.py`.
"""

import argparse
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .harness import GOOD
from .targets import TARGETS

ROUND, ROUND_S = 50_000, 60.0
"""Inputs of a process, and its seconds of processor time on them: what libraries lose of memory is given back, and
starting, which counts for nothing, does not take longer than reading."""
PROCESSOR_S, WALL_S = 20.0, 900.0
"""What an input may take before its process is killed: of processor time, and by the clock, where it waits for ever."""
START_S = 3600.0
PER_KIND = 3
"""Inputs of one kind of defect that are kept."""
COLUMNS = ("inputs", "read", "refused", "exit 1", "message", "uncaught", "slow", "large", "killed")


class Tally:
    """What the inputs of a target came to so far, kept in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "tally.json"
        kept = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.next: int = kept.get("next", 0)
        self.minutes: float = kept.get("minutes", 0.0)
        self.counts = Counter(kept.get("counts", {}))
        self.kinds = Counter(kept.get("kinds", {}))

    def add(self, result: str, defects: list[str], kind: str, where: Path) -> None:
        """Count an outcome; an input with defects lies at `where` and is kept if its kind is rare."""
        self.counts.update(["inputs", *({result} & set(GOOD)), *defects])
        names = [f"{defect}: {kind}" for defect in defects]
        self.kinds.update(names)
        if names and self.kinds[names[0]] <= PER_KIND:
            found = self.folder / "found"
            found.mkdir(exist_ok=True)
            where.replace(found / str(self.next))
            with (found / "kinds.txt").open("a") as file:
                file.write(f"{self.next}: {names[0]}\n")
        elif names:
            where.unlink()

    def save(self) -> None:
        """Write the file."""
        kept = {"next": self.next, "minutes": self.minutes, "counts": self.counts, "kinds": self.kinds}
        self.path.write_text(json.dumps(kept, indent=1))


def fuzz(name: str, folder: Path, minutes: float, seed: int, most: int | None = None) -> Tally:
    """Give a target inputs for so many minutes of processor time, or so many inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    tally = Tally(folder)
    enough = tally.minutes + minutes
    while tally.minutes < enough and (most is None or tally.counts["inputs"] < most):
        count = ROUND if most is None else min(ROUND, most - tally.counts["inputs"])
        tally.minutes += _round(name, folder, seed, tally, min(ROUND_S, 60 * (enough - tally.minutes)), count) / 60
        tally.save()
    return tally


def _round(name: str, folder: Path, seed: int, tally: Tally, most_s: float, count: int) -> float:
    """Give a process inputs until it has worked so long on them; say how long it did."""
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(folder), str(seed), str(tally.next), str(count)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with (folder / "stderr").open("wb") as stderr:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    reader = threading.Thread(target=_pass_on, args=(child, lines), daemon=True)
    reader.start()
    try:
        started, ready_s, used_s = False, 0.0, 0.0
        while used_s < most_s and (line := _next_line(child, lines, started=started)):
            if started:
                used_s = max(used_s, _processor_s(child.pid) - ready_s)
            else:
                ready_s = _processor_s(child.pid)
            answer: dict[str, Any] = json.loads(line)
            tally.next = answer["number"]
            tally.add(answer["result"], answer["defects"], answer["kind"], folder / "pending" / str(tally.next))
            started, tally.next = True, answer["number"] + 1
        over = used_s >= most_s
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not over:
                child.wait(1)
        child.send_signal(signal.SIGABRT)  # it tells where it was
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        child.kill()
        ended_well = child.wait() == 0 or over
        if not ended_well and not started:
            raise SystemExit(f"{name}: the process does not start, see {folder / 'stderr'}")
        if not ended_well:
            kind = f"process ended with {child.wait()}: {_last_words(folder)}"
            tally.add("killed", ["killed"], kind, folder / "current")
            tally.next += 1
            used_s += 1  # a reader that dies of every input comes to an end too
    finally:
        child.kill()
        child.wait()
        reader.join()
    return used_s


def _pass_on(child: "subprocess.Popen[bytes]", lines: "queue.SimpleQueue[bytes]") -> None:
    assert child.stdout is not None
    with child.stdout as stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _next_line(child: "subprocess.Popen[bytes]", lines: "queue.SimpleQueue[bytes]", *, started: bool) -> bytes:
    """Wait for the next answer; empty where the process ended, or its input took too long."""
    start, used = time.monotonic(), _processor_s(child.pid)
    while True:
        with contextlib.suppress(queue.Empty):
            return lines.get(timeout=0.5)
        now = time.monotonic()
        over = started and _processor_s(child.pid) - used > PROCESSOR_S
        if over or now - start > (WALL_S if started else START_S):
            return b""


def _processor_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _last_words(folder: Path) -> str:
    """Name the functions on the stack when a process crashed."""
    lines = (folder / "stderr").read_text(errors="replace").splitlines()
    frames = [line.split("/")[-1].strip() for line in lines if line.startswith("  File")]
    return " < ".join(frames[:3])


def table(corpus: Path) -> str:
    """Give the results of every target as a table, and every kind of defect below it."""
    lines, kinds = [f"{'target':20}{'minutes':>8}" + "".join(f"{column:>9}" for column in COLUMNS)], []
    for folder in sorted(path for path in corpus.iterdir() if (path / "tally.json").exists()):
        tally = Tally(folder)
        cells = "".join(f"{tally.counts[column]:9,}" for column in COLUMNS)
        lines.append(f"{folder.name:20}{tally.minutes:8.1f}{cells}")
        kinds += [f"{folder.name}: {count:,} x {kind}" for kind, count in tally.kinds.most_common()]
    return "\n".join(lines + kinds)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--target", nargs="+", choices=["all", *TARGETS], metavar="NAME", help="readers; see --list")
    parser.add_argument("--minutes", type=float, default=30, help="of processor time for each reader")
    parser.add_argument("--inputs", type=int, help="for each reader, if that comes first")
    parser.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"), help="folder that a later run goes on with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="readers at once")
    parser.add_argument("--list", action="store_true", help="name the readers")
    parser.add_argument("--table", action="store_true", help="show what there is")
    options = parser.parse_args()
    if options.list:
        print("\n".join(TARGETS))
        return
    if not options.table:
        chosen = list(TARGETS) if not options.target or "all" in options.target else options.target
        with ThreadPoolExecutor(options.jobs) as pool:

            def run(name: str) -> Tally:
                return fuzz(name, options.corpus / name, options.minutes, options.seed, options.inputs)

            list(pool.map(run, chosen))
    print(table(options.corpus))
    raise SystemExit(any(Tally(path.parent).kinds for path in options.corpus.glob("*/tally.json")))


if __name__ == "__main__":
    main()
