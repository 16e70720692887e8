"""What does one reader do with one input: read it, refuse it as it should, or neither?"""

import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flarescope.errors import FlarescopeError

MOST_CHARACTERS = 300
"""A refusal is one line of fewer characters."""
MOST_SECONDS = 2.0
"""Of processor time an input may take beyond what whole files take."""
MOST_MB = 1000
"""That an input may add to the memory of the process."""
GOOD = ("read", "refused")


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        name: what the input is called, relative to a folder of its own.
        seeds: makes whole files to begin with, and puts into the folder what has to lie around the input.
        read: reads the input, given its path.
        fix: makes checksums right again, so that a change gets past them.
    """

    name: str
    seeds: Callable[[Path], list[bytes]]
    read: Callable[[Path], object]
    fix: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True)
class Outcome:
    """What an input came to.

    Attributes:
        result: `read`, `refused`, `exit 1` (an error of ours that is no `InputError`), `message` (one that is not one
            line, or too long), or `uncaught`.
        kind: type and place of what was raised, or the refusal without what differs from file to file.
        seconds: of processor time, of all threads.
        mb: the most memory that was resident at once, above that before.
    """

    result: str
    kind: str
    seconds: float
    mb: float

    def defects(self, usual_s: float) -> list[str]:
        """Name what is wrong with it; whole files take up to `usual_s`, a report with its figures two seconds."""
        found = [] if self.result in GOOD else [self.result]
        return found + ["slow"] * (self.seconds > MOST_SECONDS + usual_s) + ["large"] * (self.mb > MOST_MB)


def judge(target: Target, path: Path) -> Outcome:
    """Let a reader read an input that lies at `path`."""
    before = _memory_mb("VmRSS", reset=True)
    start = time.process_time()
    result, kind = _read(target, path)
    seconds = time.process_time() - start
    return Outcome(result, kind, seconds, max(_memory_mb("VmHWM") - before, 0.0))


def _read(target: Target, path: Path) -> tuple[str, str]:
    try:
        target.read(path)
    except FlarescopeError as error:
        return _refusal(error), _outline(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return "uncaught", f"{type(error).__name__} at {_place(error)}"
    return "read", "read"


def _refusal(error: FlarescopeError) -> str:
    text = str(error)
    said = re.sub(r"; run `[^`]*`$", "", text)  # a command is given whole, however long its paths are
    if len(said) >= MOST_CHARACTERS or not text.isprintable():
        return "message"
    return "refused" if error.exit_code == 2 else "exit 1"


def _outline(error: FlarescopeError) -> str:
    """Give a refusal without paths, quotations and numbers, and where it was raised."""
    text = re.sub(r"\S*/\S*|'[^']*'|\"[^\"]*\"|[-+]?\d[\d.,e+-]*", "_", str(error))
    return f"{text[:120]} at {_place(error)}"


def _place(error: BaseException) -> str:
    """Name the innermost function of the program, and the innermost of all where that is another."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/flarescope/" in frame.filename]
    shown = own[-1:] + [frame for frame in frames[-1:] if not own or frame is not own[-1]]
    return " > ".join(f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.name}" for frame in shown)


def _memory_mb(field: str, *, reset: bool = False) -> float:
    """Read how much memory is resident (`VmRSS`) or was at most since the last reset (`VmHWM`); Linux only."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
