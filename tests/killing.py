"""What does a command leave when it is killed at any of its steps, and does running it again end in the same bytes?

Run as a program it does one job of `kill_jobs`: once whole, then killed (SIGKILL) at each step and run again. A step
is what a kill can fall before: a file opened for writing, a rename, a removal, a new folder, an fsync. Each run is a
process of its own, forked from one that has imported everything and has started no thread.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fakes import child_environment
from waiting import LIMIT_S

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FAILED = 3


def kills(
    job: str, folder: Path, *, every: int = 1, first: int = 1, moments: int = 0, arguments: Sequence[str] = ()
) -> dict[str, Any]:
    """Do a job whole, and killed at every so many-th step, in a folder.

    Args:
        job: of `kill_jobs.JOBS`.
        folder: an empty one.
        every: steps from one kill to the next; 0 kills at no step.
        first: the step of the first kill.
        moments: kills at random moments besides.
        arguments: of the job.

    Returns:
        `steps`; `killed`: at which of them, moments as negative numbers; `differences`: step -> names of the files that
        differ in the end.
    """
    command = [sys.executable, __file__, job, str(folder), str(every), str(first), str(moments), *arguments]
    done = subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, check=False, timeout=10 * LIMIT_S
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


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


def _fork(work: Callable[[], None], root: Path, kill_at: int | None, kill_after_s: float | None = None) -> int:
    """Do the work in a process of its own; give its steps, or -1 where it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reading) as stream:
            steps = stream.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return -1
        assert status == 0, f"the work ended with {status}"
        return int(steps)
    os.close(reading)
    done = 0

    def meet() -> None:
        nonlocal done
        done += 1
        if done == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        _watch(root, meet)
        work()
        os.write(writing, str(done).encode())
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(FAILED)


def _main(job: str, folder: Path, every: int, first: int, moments: int, arguments: Sequence[str]) -> dict[str, Any]:
    import kill_jobs

    start, place = folder / "start", folder / "work"
    place.mkdir()
    _fork(lambda: kill_jobs.prepare(job, place, *arguments), place, None)
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
    for step in [*(range(first, steps + 1, every) if every else ()), *range(-moments, 0)]:
        restore()
        if once(step if step > 0 else None, None if step > 0 else chance.uniform(0, lasts_s)) == -1:
            killed.append(step)
        once()
        now = snapshot(place)
        if now != whole:
            differences[step] = sorted(name for name in whole.keys() | now.keys() if whole.get(name) != now.get(name))
    return {"steps": steps, "killed": killed, "differences": differences}


if __name__ == "__main__":
    print(json.dumps(_main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:6]), sys.argv[6:])))
