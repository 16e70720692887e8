"""How does a test start a process without waiting for its imports? It is forked from one that has imported all.

Run as a program it imports the modules that it is given, and forks whenever it is told to.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import Any

from fakes import child_environment

LONGEST_CODE = 1 << 16


class Forked:
    """A process that runs a program's text; `with` waits for it.

    Attributes:
        stdin, stdout, stderr: pipes of bytes to and from it.
        returncode: what it ended with, less than 0 where by a signal; None before `wait`.
    """

    def __init__(self, forker: socket.socket, code: str, arguments: Sequence[object]) -> None:
        pipes = [os.pipe() for _ in range(4)]
        ours = [pipes[0][1], *(pipe[0] for pipe in pipes[1:])]
        theirs = [pipes[0][0], *(pipe[1] for pipe in pipes[1:])]
        request = json.dumps([code, [str(argument) for argument in arguments]]).encode()
        socket.send_fds(forker, [request], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        self.stdin = os.fdopen(ours[0], "wb", buffering=0)
        self.stdout, self.stderr, self._told = (os.fdopen(one, "rb") for one in ours[1:])
        self._pid = int(self._told.readline())
        self.returncode: int | None = None

    def kill(self) -> None:
        """Kill it."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> tuple[bytes, bytes]:
        """Let its standard input end, and wait for its end; give what it wrote."""
        self.stdin.close()
        written = self.stdout.read(), self.stderr.read()
        self.returncode = int(self._told.readline())
        for pipe in (self.stdout, self.stderr, self._told):
            pipe.close()
        return written

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.returncode is None:
            self.wait()


class Forker:
    """A process that has imported some modules, and forks."""

    def __init__(self, *modules: str) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, __file__, str(theirs.fileno()), *modules]
        self._process = subprocess.Popen(command, env=child_environment(), pass_fds=[theirs.fileno()])
        theirs.close()

    def start(self, code: str, *arguments: object) -> Forked:
        """Start a process that runs a program's text with arguments, as `python -c` does."""
        return Forked(self._socket, code, arguments)

    def close(self) -> None:
        """End the process that forks."""
        self._socket.close()
        assert self._process.wait() == 0


def _run(code: str, arguments: list[str], streams: list[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["-c", *arguments]
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(code, "<string>", "exec"), names)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)


def _fork(code: str, arguments: list[str], streams: list[int], told: int) -> None:
    """Fork, and tell the process's number and, when it has ended, how."""
    child = os.fork()
    if child == 0:
        os.close(told)
        _run(code, arguments, streams)
    for descriptor in streams:
        os.close(descriptor)
    os.write(told, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _serve(requests: socket.socket) -> None:
    gc.freeze()  # no child looks through what it did not make, and so copies no page of it
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, LONGEST_CODE, 4)
        if not request:
            return
        waiting = os.fork()  # a process of its own waits, so that several may run at once
        if waiting == 0:
            requests.close()
            middle = os.fork()
            if middle == 0:
                _fork(*json.loads(request), descriptors[:3], descriptors[3])
            os._exit(0)  # whose parent has ended is waited for by the system
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(waiting, 0)


if __name__ == "__main__":
    for module in sys.argv[2:]:
        import_module(module)
    _serve(socket.socket(fileno=int(sys.argv[1])))
