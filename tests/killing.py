"""What does a command leave when it is killed at any of its steps, and does running it again end in the same bytes?

Run as a program it does jobs of `kill_jobs`: each once whole, then killed (SIGKILL) at each step and run again. A step
is what a kill can fall before: a file opened for writing, a rename, a removal, a new folder, an fsync. Each run is a
process of its own, forked from one that has imported what the job needs and has started no thread.
"""

import contextlib
import gc
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fakes import child_environment

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FAILED = 3


class Killer:
    """A process that does jobs and kills them; it starts once, since that takes as long as many a job."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile("w+")
        command, pipes = [sys.executable, __file__], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(
            command, env=child_environment(), stderr=self._errors, text=True, bufsize=1, **pipes
        )

    def kills(
        self, job: str, folder: Path, *, every: int = 1, moments: int = 0, arguments: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Do a job whole, and killed at every so many-th step, in a folder.

        Args:
            job: of `kill_jobs.JOBS`.
            folder: an empty one.
            every: steps from one kill to the next, the first of which is at the first step; 0 kills at no step.
            moments: kills at random moments besides.
            arguments: of the job.

        Returns:
            `steps`; `killed`: at which of them, moments as negative numbers; `differences`: step -> names of the files
            that differ in the end.
        """
        print(json.dumps([job, str(folder), every, moments, list(arguments)]), file=self._process.stdin)
        result: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        if "steps" not in result:
            self._errors.seek(0)
            raise AssertionError(self._errors.read())
        return result

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait() == 0
        self._errors.close()


def snapshot(folder: Path) -> dict[str, str]:
    """Give a digest of every file below a folder, and name the folders."""
    return {
        str(path.relative_to(folder)): "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
    }


def _watch(root: Path, meet: Callable[[], None]) -> None:
    """Call a function before each step below a folder."""
    inside = str(root)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str) and path.startswith(inside) and flags & WRITING:
                meet()
        elif event in CHANGES and str(arguments[0]).startswith(inside):
            meet()

    real = os.fsync

    def fsync(descriptor: int) -> None:
        meet()
        real(descriptor)

    os.fsync = fsync
    sys.addaudithook(hook)


def _fork(work: Callable[[], None], root: Path, kill_at: int | None = None, kill_after_s: float | None = None) -> int:
    """Do the work in a process of its own; give its steps, or -1 where it was killed.

    What it imports is imported here too, so that the next process need not.
    """
    reading, writing = os.pipe()
    gc.freeze()  # no child looks through what it did not make, and so copies no page of it
    child = os.fork()
    if child:
        os.close(writing)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reading) as stream:
            told = stream.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return -1
        assert status == 0, f"the work ended with {status}"
        steps, *modules = told.split()
        for name in modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        return int(steps)
    os.close(reading)
    done, known = 0, set(sys.modules)

    def meet() -> None:
        nonlocal done
        done += 1
        if done == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        _watch(root, meet)
        work()
        with os.fdopen(writing, "w") as stream:
            stream.write(" ".join([str(done), *(name for name in sys.modules if name not in known)]))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(FAILED)


def _kills(job: str, folder: Path, every: int, moments: int, arguments: Sequence[str]) -> dict[str, Any]:
    import kill_jobs

    start, place = folder / "start", folder / "work"
    place.mkdir()
    _fork(lambda: kill_jobs.prepare(job, place, *arguments), place)
    place.rename(start)

    def restore() -> None:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place, copy_function=shutil.copy2)

    def once(kill_at: int | None = None, kill_after_s: float | None = None) -> int:
        return _fork(lambda: kill_jobs.work(job, place, *arguments), place, kill_at, kill_after_s)

    restore()
    began = time.monotonic()
    steps = once()
    lasts_s = time.monotonic() - began
    whole = snapshot(place)
    killed, differences, chance = [], {}, random.Random(job)
    for step in [*(range(1, steps + 1, every) if every else ()), *range(-moments, 0)]:
        restore()
        if once(step if step > 0 else None, None if step > 0 else chance.uniform(0, lasts_s)) == -1:
            killed.append(step)
        once()
        now = snapshot(place)
        if now != whole:
            differences[step] = sorted(name for name in whole.keys() | now.keys() if whole.get(name) != now.get(name))
    return {"steps": steps, "killed": killed, "differences": differences}


if __name__ == "__main__":
    for line in sys.stdin:
        job, folder, *rest = json.loads(line)
        try:
            result = _kills(job, Path(folder), *rest)
        except Exception:
            traceback.print_exc()
            result = {}  # why stands on standard error
        print(json.dumps(result), flush=True)
