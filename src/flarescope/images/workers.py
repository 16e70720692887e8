"""How is one function run over many files on all cores, from a script, a notebook or a program with threads?

Each worker is a fresh Python process that reads one task a line and answers one line, both JSON. `multiprocessing`
would need a guard in the caller's script ("spawn" runs it again) or would copy a process that holds threads ("fork").
"""

import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flarescope.cores import available_cores, own_environment
from flarescope.errors import FlarescopeError, InputError

Outcome = tuple[int, Any, str | None]
"""Number of the task, what its function returned, and why it failed (None where it did not)."""


@dataclass(frozen=True)
class Failure:
    """A file that gave no result, and why."""

    filename: str
    reason: str


def run(
    function: Callable[..., Any], tasks: Sequence[Sequence[Any]], *, workers: int | None = None
) -> Iterator[Outcome]:
    """Call a function once a task and yield what comes back, in the order in which the tasks finish.

    Args:
        function: a public function of an importable module; its arguments and its result have a JSON form.
        tasks: the arguments of each call.
        workers: processes; 1 works in this process; None takes a process a core.

    Yields:
        One `Outcome` a task. An `InputError` of the function, about its file, becomes the reason why that task failed.

    Raises:
        FlarescopeError: a worker died, or met an error that is not about its file, such as a full disk.
        InputError: `workers` below 1.
    """
    workers = available_cores() if workers is None else workers
    if workers < 1:
        raise InputError(f"{workers} workers; expected at least 1")
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield from (_outcome(function, number, task) for number, task in enumerate(tasks))
        return
    yield from _run_in_processes(f"{function.__module__}:{function.__qualname__}", tasks, workers)


def _outcome(function: Callable[..., Any], number: int, task: Sequence[Any]) -> Outcome:
    try:
        return number, function(*task), None
    except InputError as error:
        return number, None, str(error)


def _run_in_processes(name: str, tasks: Sequence[Sequence[Any]], workers: int) -> Iterator[Outcome]:
    waiting = iter(enumerate(tasks))
    lock = threading.Lock()
    results: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
    processes = [_start(name) for _ in range(workers)]
    threads = [threading.Thread(target=_feed, args=(one, waiting, lock, results), daemon=True) for one in processes]
    try:
        for thread in threads:
            thread.start()
        for _ in range(len(tasks)):
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        for process in processes:
            process.kill()
        for thread, process in zip(threads, processes, strict=True):
            if thread.ident is not None:
                thread.join()
            process.communicate()


def _start(name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", __name__, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=own_environment(),
        text=True,
        encoding="utf-8",
    )


def _feed(
    process: "subprocess.Popen[str]",
    waiting: Iterator[tuple[int, Sequence[Any]]],
    lock: threading.Lock,
    results: "queue.SimpleQueue[Outcome | BaseException]",
) -> None:
    """Hand one worker a task at a time until none waits; a worker that dies ends the whole run."""
    stdin, stdout = process.stdin, process.stdout
    while stdin is not None and stdout is not None:
        with lock:
            number, task = next(waiting, (-1, ()))
        if number < 0:
            return
        try:
            stdin.write(json.dumps(list(task)) + "\n")
            stdin.flush()
            answer = json.loads(stdout.readline())
        except (OSError, ValueError):
            results.put(FlarescopeError(f"a worker process ended while it worked on {task[0]}; out of memory?"))
            return
        if "broken" in answer:
            results.put(FlarescopeError(answer["broken"]))
            return
        results.put((number, answer.get("result"), answer.get("reason")))


def _work(name: str) -> None:
    """Be a worker: answer each line of standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to standard error, not between the answers
    module, _, function = name.partition(":")
    call = getattr(importlib.import_module(module), function)
    for line in sys.stdin:
        task = json.loads(line)
        try:
            _, result, reason = _outcome(call, 0, task)
            answer = {"result": result} if reason is None else {"reason": reason}
        except FlarescopeError as error:
            answer = {"broken": str(error)}
        except Exception as error:
            answer = {"broken": f"{task[0]}: {type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    _work(sys.argv[1])
