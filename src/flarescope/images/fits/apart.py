"""How is a file decoded that may crash, hang or fill the memory of whoever decodes it?

In a Python process of its own, with limits of memory and of processor time where the system has them (Linux has both;
macOS takes that of memory without keeping to it), and of time on the clock. It is started when the first such file is
met and kept for the next ones, but it does not decode itself: for each file it forks. What a damaged file does to the
memory of a process, without killing it at once, would else be met by the next file. Where the fork dies, the file is
damaged; the process goes on, unless the fork had begun to answer. On a system that cannot fork, each file gets a
process of its own, which takes a second.
"""

import atexit
import contextlib
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import numpy as np

from flarescope.cores import own_environment
from flarescope.errors import FlarescopeError, InputError
from flarescope.images.fits import astropy_hdus
from flarescope.images.fits.cards import Value

MEMORY_BYTES: Final = 3 << 30
"""Address space of the process: an image of 50 million pixels takes 1.2 GB beside the 0.5 GB of the libraries."""

CPU_SECONDS: Final = 20
"""Of one file. A whole disk of HMI takes 0.4."""

CLOCK_SECONDS: Final = 60

FORKS = hasattr(os, "fork")
"""Whether this system copies a process; a test says no."""

Answering = Callable[[bytes, int], tuple[dict[str, object], np.ndarray]]

_SERVE: Final = "from flarescope.images.fits.apart import serve; serve()"
_REQUEST: Final = struct.Struct(">QI")
_ANSWER: Final = struct.Struct(">IQQ")


class Decoder:
    """The other process, and the only way to it."""

    def __init__(self, code: str = _SERVE, clock_seconds: float = CLOCK_SECONDS) -> None:
        """Start nothing yet.

        Args:
            code: Python that the process runs.
            clock_seconds: that it may take for a file.
        """
        self._code, self._clock_seconds = code, clock_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, content: bytes, number: int) -> tuple[dict[str, object], np.ndarray]:
        """Have one HDU decoded.

        Returns:
            What the process says, and the field.

        Raises:
            DiedError: it did not answer.
        """
        with self._lock:
            process = self._started()
            stdin, stdout = process.stdin, process.stdout
            if stdin is None or stdout is None:
                raise self._died(process)
            watch = threading.Timer(self._clock_seconds, _kill, (process,))
            watch.daemon = True
            watch.start()
            try:
                stdin.write(_REQUEST.pack(len(content), number))
                stdin.write(content)
                stdin.flush()
                said, rows, columns = _ANSWER.unpack(_read(stdout, _ANSWER.size))
                answer = json.loads(_read(stdout, said))
                field = np.frombuffer(_read(stdout, 8 * rows * columns)).reshape(rows, columns)
            except (OSError, EOFError) as error:
                raise self._died(process) from error
            except BaseException:  # Ctrl-C in the middle of an answer: what follows would be taken for the next one
                self._died(process)
                raise
            finally:
                watch.cancel()
            if not FORKS:
                self.close()
            if "died" in answer:
                raise DiedError(answer["died"])
            return answer, field

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._owner != os.getpid():  # a fork does not share its parent's
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", self._code],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=own_environment(),
                    start_new_session=True,  # Ctrl-C is for this process; the other ends when its input does
                )
            except OSError as error:
                raise FlarescopeError(f"no process can be started to decode a file in ({error.strerror})") from error
            self._owner = os.getpid()
            atexit.register(self.close)
        return self._process

    def _died(self, process: "subprocess.Popen[bytes]") -> "DiedError":
        _kill(process)
        process.communicate()
        self._process = None
        return DiedError(_cause(process.returncode))

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None and self._owner == os.getpid():
            _kill(self._process)
            self._process.communicate()
            self._process = None


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End the process and its fork, which are a group of their own, if they have not ended yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


class DiedError(Exception):
    """The process ended over a file; says how."""


_DECODER: Final = Decoder()
_here = False
"""Whether this process is such a one already."""


def decode_apart(path: Path, content: bytes, number: int) -> tuple[np.ndarray, dict[str, Value]]:
    """Decode one compressed HDU of a file in another process (see `astropy_hdus.decode`), unless this is such a one.

    Raises:
        InputError: the decoder says what is wrong, or died of it.
        FlarescopeError: there is no process.
    """
    if _here:
        return astropy_hdus.decode(path, content, number)
    try:
        answer, field = _DECODER.ask(content, number)
    except DiedError as error:
        raise InputError(f"{path}: damaged or not FITS (decoding it {error}); fetch the file again") from error
    if "refused" in answer:
        raise InputError(f"{path}: {answer['refused']}")
    return field, answer["header"]  # type: ignore[return-value]


def _cause(code: int) -> str:
    if -code in {getattr(signal, name, None) for name in ("SIGKILL", "SIGXCPU")}:
        return "took too long or too much memory"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"exit code {code}"
    return f"ended a process of its own by {name}"


def _read(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


def serve(answer: Answering | None = None) -> None:
    """Be the other process: have what standard input brings decoded until it ends; without forks, one file.

    Args:
        answer: what to say of the bytes and the number that come, and a field with it, `(rows, columns)` float64; None
            decodes an HDU. What it needs is imported before.
    """
    global _here
    import astropy.io.fits  # noqa: F401 - once, for all forks

    _here, answer = True, answer or _answer
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints does not go between the answers
    limit("RLIMIT_AS", MEMORY_BYTES)
    limit("RLIMIT_CORE", 0)
    begun = mmap.mmap(-1, 1)  # shared with a fork, which sets it before it answers
    with contextlib.suppress(EOFError):
        while True:
            size, number = _REQUEST.unpack(_read(requests, _REQUEST.size))
            content = _read(requests, size)
            fork = os.fork() if FORKS else 0
            if fork:
                code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
                if begun[0]:
                    _follow(code)
                elif code:  # nothing stands in the way of the next answers
                    _write(answers, {"died": _cause(code)}, np.empty((0, 0)))
                begun[0] = 0
                continue
            limit("RLIMIT_CPU", CPU_SECONDS)
            said, field = answer(content, number)
            begun[0] = 1
            _write(answers, said, field)
            os._exit(0)


def _write(answers: IO[bytes], said: dict[str, object], field: np.ndarray) -> None:
    text = json.dumps(said).encode()
    answers.write(_ANSWER.pack(len(text), *field.shape) + text)
    answers.write(np.ascontiguousarray(field, np.float64).data)
    answers.flush()


def _follow(code: int) -> None:
    """End as the fork ended, unless it ended well: whoever waits for the answer sees how."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    if code:
        os._exit(code)


def _answer(content: bytes, number: int) -> tuple[dict[str, object], np.ndarray]:
    nothing = np.empty((0, 0))
    try:
        field, header = astropy_hdus.decode(Path(), content, number)
    except InputError as error:
        return {"refused": str(error).removeprefix(f"{Path()}: ")}, nothing
    except Exception as error:  # astropy has no error of its own for a damaged file
        return {"refused": damage(error)}, nothing
    return {"header": header}, field


def damage(error: Exception) -> str:
    """Say in one short line that a file is damaged, by what a library raised."""
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return f"damaged or not FITS ({reason}); fetch the file again"


def limit(name: str, soft: int) -> None:
    """Set the soft limit of this process, as far as the system has it and lets it be set."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
