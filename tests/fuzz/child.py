"""Which inputs does one reader get? A process of its own: it tells each outcome, and may be killed.

python -m tests.fuzz.child TARGET FOLDER SEED FIRST COUNT
"""

import faulthandler
import hashlib
import json
import logging
import random
import resource
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from .harness import Target, judge
from .mutate import mutate
from .targets import TARGETS

MORE_BYTES = 3 << 30
"""Address space that an input may take beyond what the process has when it is ready."""
MOST_KEPT = 400


class Corpus:
    """Files to change: the whole ones, and those that came to something new."""

    def __init__(self, folder: Path, seeds: list[bytes]) -> None:
        self.folder, self.seeds = folder, seeds
        self.kept = [path.read_bytes() for path in sorted(folder.iterdir())]
        self.kinds: set[str] = set()

    def draw(self, rng: random.Random, target: Target) -> bytes:
        """Make the next input."""
        everything = self.seeds + self.kept
        content = rng.choice(self.seeds if rng.random() < 0.6 or not self.kept else self.kept)
        content = mutate(content, rng, everything)
        return target.fix(content) if target.fix and rng.random() < 0.7 else content

    def note(self, content: bytes, kind: str) -> None:
        """Keep an input that came to something that none before came to."""
        if kind not in self.kinds and len(self.kept) < MOST_KEPT:
            self.kept.append(content)
            (self.folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
        self.kinds.add(kind)


def main(name: str, folder: Path, seed: int, first: int, count: int) -> None:
    """Read so many inputs, the first with the number `first`."""
    target, work = TARGETS[name], folder / "work"
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    faulthandler.enable()
    answers = sys.stdout
    sys.stdout = sys.stderr
    work.mkdir(parents=True, exist_ok=True)
    for part in ("corpus", "pending"):
        (folder / part).mkdir(exist_ok=True)
    seeds = target.seeds(work)
    corpus = Corpus(folder / "corpus", seeds)
    path = work / target.name
    path.parent.mkdir(parents=True, exist_ok=True)
    usual_s = 0.0
    for content in [*seeds, *seeds]:  # twice: what is imported and compiled on the way counts for no input
        path.write_bytes(content)
        outcome = judge(target, path)
        corpus.note(content, outcome.kind)
        usual_s = outcome.seconds if content is seeds[0] else max(usual_s, outcome.seconds)
    _limit_memory()
    for number in range(first, first + count):
        content = corpus.draw(random.Random(f"{seed} {number}"), target)
        (folder / "current").write_bytes(content)
        path.write_bytes(content)
        outcome = judge(target, path)
        corpus.note(content, outcome.kind)
        defects = outcome.defects(usual_s)
        if defects:
            (folder / "pending" / str(number)).write_bytes(content)
        answers.write(json.dumps({"number": number, **asdict(outcome), "defects": defects}) + "\n")
        answers.flush()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *(int(argument) for argument in sys.argv[3:6]))
