"""Fine-tune the tiny network by one and by two processes, of which one is killed, and then one has a full disk.

A program of its own, `python tests/finetuning_by_processes.py FOLDER`: it forks its processes, each as torchrun would
start it, so that torch is imported once; a process that has trained before (as pytest's has) could not be forked. It
prints JSON: of each attempt the exit codes, what was said, and what stands in the run.
"""

import contextlib
import errno
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch._dynamo  # noqa: F401 - every process would import it with its first optimiser, a second each
from safetensors import numpy as safe

from fakes import write_set
from flarescope.errors import FlarescopeError
from flarescope.finetuning import loop
from flarescope.forecaster.runs import RunFolder
from flarescope.pipeline.finetuning.stage import finetune
from flarescope.progress import Reporter
from tiny_tuned import COMPUTE, RECIPE, REGIONS, tiny_backbone, train_frozen

ODD = replace(RECIPE, batch=8, augment=("north-south", "rotate", "noise"))
ROWS = 25
"""Of training: in batches of 8 the last has one, and the second process has none of it."""


def free_port() -> str:
    """Find a port of this machine that nobody listens at, below those that the system gives to who asks for any.

    Other tests ask for any: one of them could take the port between the finding and the use.
    """
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return str(port)
    raise OSError("no free port of a hundred")


def dying(function: Callable[..., Any], call: int, how: Callable[[], None]) -> Callable[..., Any]:
    """Let something happen at the n-th call of a function, counted from 1."""
    calls = 0

    def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            how()
        return function(*arguments, **options)

    return wrapped


def kill() -> None:
    """End this process as the system does that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill() -> None:
    """Be a disk that is full."""
    raise OSError(errno.ENOSPC, "No space left on device", "state.safetensors")


def tuned(folder: Path, out: Path) -> None:
    """Fine-tune once; a process that leads says what went wrong as the command line would."""
    run = folder / "runs/frozen"
    finetune(
        run, out=out, recipe=ODD, backbone=tiny_backbone(), compute=COMPUTE, limit=ROWS, state_every=1,
        device="cpu", reporter=Reporter(),
    )  # fmt: skip


def attempt(folder: Path, name: str, number: int, before: dict[int, Callable[[], None]]) -> dict[str, Any]:
    """Start so many processes, of which some get something done to them before, and wait for all."""
    port, out, children = free_port(), folder / "runs" / name, []
    for rank in range(number):
        said = folder / f"{name}-{rank}.txt"
        said.unlink(missing_ok=True)
        child = os.fork()
        if child:
            children.append((child, said))
            continue
        words = {"RANK": rank, "WORLD_SIZE": number, "LOCAL_RANK": rank, "MASTER_PORT": port}
        os.environ.update({key: str(value) for key, value in words.items()}, MASTER_ADDR="127.0.0.1")
        try:
            before.get(rank, lambda: None)()
            tuned(folder, out)
        except FlarescopeError as error:
            said.write_text(str(error))
            os._exit(error.exit_code)  # here: what the error holds is freed by no one
        except BaseException as error:
            said.write_text(f"{type(error).__name__}: {error}")
            os._exit(99)
        os._exit(0)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
    texts = [said.read_text() if said.exists() else "" for _, said in children]
    history = RunFolder(out).history() if out.exists() else []
    files = sorted(path.name for path in out.rglob("*")) if out.exists() else []
    return {"codes": codes, "said": texts, "history": history, "files": files}


def main(folder: Path) -> None:
    """Make the set and the frozen run, then try."""
    data = write_set(folder / "set", regions=REGIONS)
    train_frozen(data, folder / "runs/frozen")
    second_dies = {1: lambda: setattr(loop, "take_step", dying(loop.take_step, 3, kill))}
    full = {0: lambda: setattr(safe, "save_file", dying(safe.save_file, 3, fill))}
    found = {
        "one": attempt(folder, "one", 1, {}),
        "two": attempt(folder, "two", 2, {}),
        "killed": attempt(folder, "more", 2, second_dies),
        "full": attempt(folder, "more", 2, full),
        "again": attempt(folder, "more", 2, {}),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
